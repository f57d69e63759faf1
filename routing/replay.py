"""Policies replayed over recorded answers: which would have been bought, and what they lead to.

Only recorded answers can be bought, everybody's at most once, and every one counts as cost, the pilot's too. The truth
never enters here: it scores what comes out.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from routing.consensus.confusion import information_gain
from routing.consensus.labels import LabelConsensus, fuse_labels
from routing.consensus.votes import Ints, Votes
from routing.scores import calibration_error, fair_hits, log_loss

Array = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

POLICIES = ("majority", "fixed", "adaptive")
ASSIGNMENTS = ("random", "best")


@dataclass(frozen=True, slots=True)
class ReplayPolicy:
    """How answers are bought.

    name: `majority` and `fixed` buy `overlap` answers a task and count votes or fuse them; `adaptive` buys until the
    models behind the consensus leave at most `risk` to the other classes. That threshold orders tasks well and is no
    guarantee: what is stated in the end is the corrected confidence. widening: what may be left to them grows as the
    number of answers to this power, for a task in doubt after many is one on which people differ, and the next answer
    tells little (bounds collapse where difficulties are unknown: Drugowitsch et al., J. Neurosci. 2012). assign: whose
    answer comes next, anybody's or that of whom the skills so far expect to tell the most. pilot: tasks that get
    `pilot_answers` before anything is judged, so that skills are known; with a machine prior all other tasks start with
    none, else with one. load_cap: nobody gives more than this multiple of the fair share while `best` chooses; explore:
    share of its choices that stay random.
    """

    name: str = "adaptive"
    overlap: int = 5
    risk: float = 0.1
    assign: str = "random"
    widening: float = 0.3
    pilot: float = 0.03
    pilot_answers: int = 5
    least_pilot: int = 30
    load_cap: float = 3.0
    explore: float = 0.1

    def __post_init__(self) -> None:
        if self.name not in POLICIES:
            raise ValueError(f"policy: {self.name!r}; choose one of {', '.join(POLICIES)}")
        if self.assign not in ASSIGNMENTS:
            raise ValueError(f"assign: {self.assign!r}; choose one of {', '.join(ASSIGNMENTS)}")
        if self.overlap < 1:
            raise ValueError(f"overlap: {self.overlap}; give 1 or more answers a task")
        if not 0 < self.risk < 1:
            raise ValueError(f"risk: {self.risk}; give a probability between 0 and 1")
        if not 0 <= self.widening <= 1:
            raise ValueError(f"widening: {self.widening}; give 0, for one risk however many answer, to 1")


@dataclass(frozen=True, slots=True)
class Replayed:
    """bought (A,): which answers, in the order of the votes; probability (tasks, classes); confidence (tasks,)."""

    bought: Bools
    probability: Array
    confidence: Array
    rounds: int


def replay(
    votes: Votes, policy: ReplayPolicy, rng: np.random.Generator, prior: Array | None = None
) -> Replayed:
    """Return what the policy buys of the recorded votes and where that leads; the same generator, the same result.

    prior: a model's probabilities (tasks, classes), which `fixed` and `adaptive` use.
    """
    queue = _queue(votes, rng)
    if policy.name != "adaptive":
        bought = queue < policy.overlap
        if policy.name == "majority":
            shares = votes.subset(bought).shares()
            return Replayed(bought, shares, shares.max(1), 1)
        found = fuse_labels(votes.subset(bought), prior=prior)
        return Replayed(bought, found.probability, found.confidence, 1)
    wanted = np.full(votes.tasks, 0 if prior is not None else 1)
    pilot = max(round(policy.pilot * votes.tasks), min(policy.least_pilot, votes.tasks // 10))
    wanted[rng.choice(votes.tasks, pilot, replace=False)] = policy.pilot_answers
    bought = queue < wanted[votes.task]
    rounds = 0
    while True:
        found, rounds = fuse_labels(votes.subset(bought), prior=prior), rounds + 1
        answers = np.maximum(np.bincount(votes.task[bought], minlength=votes.tasks), 1)
        unsure = found.pooled.max(1) < 1 - policy.risk * answers**policy.widening
        if not unsure[votes.task[~bought]].any():
            return Replayed(bought, found.probability, found.confidence, rounds)
        for _ in range(1 + rounds // 8):  # the hardest few would else need a refit for each of their answers
            bought = bought | _next(votes, found, bought, unsure, queue, policy, rng)


def score_replays(replays: Sequence[Replayed], tasks: Ints, truth: Ints) -> dict[str, float]:
    """Return means over the replays: cost over all tasks, quality over `tasks` (N,) whose classes are `truth` (N,).

    accuracy_worst is the worst replay's; real_risk is 1 − accuracy, to be set beside stated_risk.
    """
    rows = []
    for one in replays:
        probability = one.probability[tasks]
        right = fair_hits(probability, truth)
        stated = one.confidence[tasks]
        rows.append(
            {
                "answers_per_task": float(one.bought.sum() / len(one.probability)),
                "accuracy": float(right.mean()),
                "stated_risk": float(1 - stated.mean()),
                "real_risk": float(1 - right.mean()),
                "ece": calibration_error(stated, right),
                "nll": log_loss(probability, truth),
                "rounds": float(one.rounds),
            }
        )
    means = {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
    return {**means, "accuracy_worst": min(row["accuracy"] for row in rows)}


def _queue(votes: Votes, rng: np.random.Generator) -> Ints:
    """Return each answer's place (A,) in the random order in which its task's answers come, from 0."""
    shuffled = rng.permutation(len(votes.task))
    by_task = shuffled[np.argsort(votes.task[shuffled], kind="stable")]
    per_task = np.bincount(votes.task, minlength=votes.tasks)
    first = np.repeat(np.cumsum(per_task) - per_task, per_task)
    place = np.empty(len(votes.task), dtype=np.intp)
    place[by_task] = np.arange(len(votes.task)) - first
    return place


def _next(
    votes: Votes,
    found: LabelConsensus,
    bought: Bools,
    unsure: Bools,
    queue: Ints,
    policy: ReplayPolicy,
    rng: np.random.Generator,
) -> Bools:
    """Return which answers (A,) to buy now: one of each unsure task that has any left."""
    chosen = np.zeros(len(bought), dtype=bool)
    left = np.flatnonzero(~bought & unsure[votes.task])
    if not len(left):
        return chosen
    if policy.assign == "random":
        order = left[np.lexsort((queue[left], votes.task[left]))]
        chosen[order[np.flatnonzero(np.diff(votes.task[order], prepend=-1))]] = True
        return chosen
    gain = information_gain(found.probability, found.matrices(), votes.task[left], votes.annotator[left])
    # A share of the tasks takes whoever comes: else nobody's skill but the best's would ever be known.
    explores = rng.random(votes.tasks)[votes.task[left]] < policy.explore
    order = left[np.lexsort((queue[left], -np.where(explores, np.inf, gain)))]
    load = np.bincount(votes.annotator[bought], minlength=votes.annotators)
    tasks_left = len(np.unique(votes.task[left]))
    limit = policy.load_cap * (bought.sum() + tasks_left) / max(int((load > 0).sum()), 1)
    least = load[votes.annotator[left]].min()
    if (
        least >= limit
    ):  # everybody left is at the cap: rather than stop for ever, or go on one by one, raise it
        limit = 2 * least + 1
    settled = np.zeros(votes.tasks, dtype=bool)
    for answer, task, who in zip(
        order.tolist(), votes.task[order].tolist(), votes.annotator[order].tolist(), strict=True
    ):
        if not settled[task] and load[who] < limit:
            settled[task] = True
            chosen[answer] = True
            load[who] += 1
    return chosen
