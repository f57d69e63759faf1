"""`python -m routing replay`: what a policy would have bought of recorded answers, and how right it ends up."""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from routing.answer_table import TableError
from routing.commands.files import (
    Stopwatch,
    load_answers,
    load_counts,
    load_probabilities,
    load_truth,
    peak_mb,
)
from routing.consensus.votes import Votes
from routing.replay import ASSIGNMENTS, POLICIES, ReplayPolicy, replay, score_replays
from routing.tabular.labels import LabelFile, label_file, truth_index

EPILOG = """\
answers: task,worker,label as for aggregate, or counts per class: columns n0,n1,…, one row a task in the order of the
truth, answers anonymous. prior: a model's probabilities, a column p<label> for each label and a row for each task, named
in a column task or in the order of the counts. Truth only ever scores. Answers of the pilot count as cost."""


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand."""
    defaults = ReplayPolicy()
    parser = commands.add_parser(
        "replay",
        help="run a policy over recorded answers",
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--answers", type=Path, required=True, help="file of answers")
    parser.add_argument("--truth", type=Path, required=True, help="file of true labels, only to score with")
    parser.add_argument("--policy", choices=POLICIES, required=True, help="how answers are bought")
    parser.add_argument("--overlap", type=int, default=defaults.overlap, help="answers a task (5)")
    parser.add_argument("--risk", type=float, default=defaults.risk, help="adaptive: stop at this risk (0.1)")
    parser.add_argument("--assign", choices=ASSIGNMENTS, default=defaults.assign, help="whose answer is next")
    parser.add_argument("--prior", type=Path, help="a model's probabilities")
    parser.add_argument("--seed", type=int, default=0, help="seed of the first repeat (0)")
    parser.add_argument("--repeats", type=int, default=3, help="replays with seeds one after the other (3)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Return what to print; raise TableError for files or numbers that cannot be used."""
    if options.repeats < 1:
        raise TableError(f"--repeats: {options.repeats}; give 1 or more")
    try:
        policy = ReplayPolicy(options.policy, options.overlap, options.risk, options.assign)
    except ValueError as error:
        raise TableError(f"--{error}") from None
    file = _file(options.answers)
    prior = load_probabilities(options.prior, file.tasks, file.classes) if options.prior else None
    tasks, truth = truth_index(file, load_truth(options.truth, "label"))
    if not len(tasks):
        raise TableError(f"{options.truth}: no task of the answers has a truth; compare the task columns")
    watch = Stopwatch()
    seeds = range(options.seed, options.seed + options.repeats)
    replays = [replay(file.votes, policy, np.random.default_rng(seed), prior) for seed in seeds]
    return {
        "policy": policy.name,
        "tasks": len(file.tasks),
        "workers": file.votes.annotators,
        "answers": len(file.votes.task),
        "scored": len(tasks),
        "repeats": options.repeats,
        **score_replays(replays, tasks, truth),
        "seconds": watch.seconds(),
        "peak_mb": peak_mb(),
    }


def _file(path: Path) -> LabelFile:
    counts = load_counts(path)
    return label_file(load_answers(path, "label")) if counts is None else counts_file(counts)


def counts_file(counts: npt.NDArray[np.float64]) -> LabelFile:
    """Return counts per class (tasks, classes) as the votes of one anonymous annotator; tasks are called 0, 1, …"""
    whole = counts.astype(np.intp)
    task, label = np.nonzero(whole)
    times = whole[task, label]
    votes = Votes.of(
        np.repeat(task, times),
        np.zeros(int(times.sum()), dtype=np.intp),
        np.repeat(label, times),
        tasks=len(whole),
        annotators=1,
        classes=whole.shape[1],
    )
    return LabelFile(
        tuple(str(i) for i in range(len(whole))), tuple(str(i) for i in range(whole.shape[1])), votes
    )
