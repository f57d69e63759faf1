"""Speed of classes (goal 5): 100,000 answers fused, and the online update, beside crowd-kit on the same answers."""

import time
import tracemalloc
from pathlib import Path

import numpy as np
from routing_sets import cpu_seconds, crowd_kit, dawid_skene, load

from routing.consensus.labels import fuse_labels
from routing.consensus.online import OnlineLabels
from routing.consensus.votes import Votes

ANSWERS = 100_000


def run(data: Path, *, quick: bool = False) -> dict[str, object]:
    """Return CPU seconds and peak MB of fusing 100,000 answers, growth with size, and µs of an online update."""
    votes = simulated(ANSWERS)
    tracemalloc.start()
    fuse_labels(votes)
    peak = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    ours = min(cpu_seconds(lambda: fuse_labels(votes)) for _ in range(3))
    half = min(cpu_seconds(lambda: fuse_labels(simulated(ANSWERS // 4))) for _ in range(2))
    kit = crowd_kit()
    small = load(data, "rte").votes
    mine = min(cpu_seconds(lambda: fuse_labels(small)) for _ in range(3))
    ratios = {name: cpu_seconds(lambda m=m: m(small)) / mine for name, m in kit.items() if not quick}
    return {
        "fuse_100k_cpu_s": round(ours, 3),
        "fuse_100k_peak_mb": round(peak, 1),
        "fuse_25k_cpu_s": round(half, 3),
        "dawid_skene_numpy_100k_cpu_s": round(cpu_seconds(lambda: dawid_skene(votes)), 3),
        "dawid_skene_crowd_kit_100k_cpu_s": (
            round(cpu_seconds(lambda: kit["DawidSkene"](votes)), 3) if kit else None
        ),
        "times_faster_on_rte": {name: round(ratio, 1) for name, ratio in ratios.items()},
        "online_update_and_step_us": round(_online(load(data, "dog").votes) * 1e6, 1),
    }


def simulated(answers: int) -> Votes:
    """Return answers of 500 people to 4 classes, five a task."""
    rng = np.random.default_rng(7)
    tasks = answers // 5
    truth = rng.integers(0, 4, tasks)
    task = np.repeat(np.arange(tasks), 5)
    who = (rng.integers(0, 500, tasks)[:, None] + np.arange(5) * 97).ravel() % 500
    right = rng.random(answers) < rng.beta(5, 2, 500)[who]
    label = np.where(right, truth[task], rng.integers(0, 4, answers))
    return Votes.of(task, who, label, tasks=tasks, annotators=500, classes=4)


def _online(votes: Votes) -> float:
    """Return the mean CPU seconds of one answer taken in and the next step decided."""
    known = votes.subset(np.arange(len(votes.task)) % 2 == 0)
    model = OnlineLabels.of(known, fuse_labels(known))
    rest = np.flatnonzero(np.arange(len(votes.task)) % 2 == 1)[:2000]
    answers = [(int(votes.task[i]), int(votes.annotator[i]), int(votes.label[i])) for i in rest]
    start = time.process_time()
    for task, who, label in answers:
        model.update(task, who, label)
        model.wants_more(task, risk=0.1)
    return (time.process_time() - start) / len(answers)
