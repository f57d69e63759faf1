"""What one answer of each person to each open task is expected to be worth, for all pairs at once."""

import itertools
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from routing import skill
from routing.eligibility import Candidate, Waiting, over_load, rank
from routing.policy import RoutingPolicy
from routing.record_table import RecordTable

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

NEWCOMER_BONUS = 0.2  # what we learn of a newcomer is worth something too
# Never quite zero: an answer that cannot flip the decision still adds evidence for the next.
LEAST_SETTLED = 0.02
# Of the pool's time: more haste is no merit, for those who do not look are the fastest of all. Practice alone brings people
# to 0.7, and the quick among them below 0.5.
FASTEST = 0.45
LEAST_VALUE = 1e-6  # seconds; a task that nothing hangs on is still given when nothing else is open


def eligible(
    people: Sequence[Waiting], tasks: Sequence[Candidate], policy: RoutingPolicy, fair: float
) -> Mask:
    """Return (annotators, candidates): the vectorised `why_not`, plus the rule about borrowing higher tiers."""
    free = np.array([not p.paused and not over_load(p, policy, fair) for p in people])
    own = np.array([rank(p.tier) for p in people])[:, None]
    needed = np.array([rank(t.tier) for t in tasks])[None, :]
    out = (own >= needed) & free[:, None]
    out &= _member([p.domains for p in people], [t.domain for t in tasks], "")
    out &= _member([p.languages for p in people], [t.language for t in tasks], "")
    if any(p.kinds is not None for p in people):
        every = frozenset(t.kind for t in tasks)
        out &= _member([every if p.kinds is None else p.kinds for p in people], [t.kind for t in tasks], None)
    row = {p.id: i for i, p in enumerate(people)}
    for j, task in enumerate(tasks):
        for id in task.excluded:
            if id in row:
                out[row[id], j] = False
    level = out & (needed == own)
    above = own[:, 0] > 0
    if policy.borrow_up:
        above &= level.any(axis=1)
    out[above] &= level[above]
    return np.asarray(out)


def _member(sets: Sequence[frozenset[str]], wanted: Sequence[str], free: str | None) -> Mask:
    names = sorted(set(wanted))
    at = {name: index for index, name in enumerate(names)}
    column = np.array([at[name] for name in wanted], dtype=np.intp)
    small = np.array([[name == free or name in have for name in names] for have in sets], dtype=bool)
    return np.asarray(np.take(small, column, axis=1))  # in rows: plain indexing would leave it in columns


def settles(table: RecordTable, tasks: Sequence[Candidate]) -> npt.NDArray[np.float32]:
    """Return (annotators, candidates): the share of the uncertainty at stake that one answer is expected to remove.

    tasks: best sorted by `sort_of_question`; each run of alike tasks is computed at once.
    """
    out = np.empty((len(table), len(tasks)), dtype=np.float32)
    start = 0
    for (kind, domain, judged, cls), members in itertools.groupby(tasks, sort_of_question):
        group = list(members)
        columns = slice(start, start + len(group))
        if judged:
            beliefs = np.array([task.belief.vector for task in group if task.belief is not None])
            rows = table.verdict_rows(kind, domain, cls if cls >= 0 else None)
            out[:, columns] = _gini_share(beliefs, rows)
        else:
            out[:, columns] = _quality(table, kind, domain)[:, None]
        start += len(group)
    return out


def sort_of_question(task: Candidate) -> tuple[str, str, bool, int]:
    """Return what decides whose answer settles most: kind, domain, whether a belief is at stake, and the class.

    The class counts for rulings only (else -1): there it matters who knows this class, elsewhere that many can answer.
    """
    judged = task.belief is not None and task.kind in skill.VERDICT_POOL
    ruled = task.kind == "adjudicate" and task.cls is not None
    return task.kind, task.domain, judged, task.cls if ruled and task.cls is not None else -1


def _gini_share(beliefs: Array, rows: Array) -> Array:
    """Return (annotators, candidates) from beliefs (M, 3) and P(group | state) (N, 3, 3)."""
    before = (beliefs**2).sum(axis=1)
    fall = np.tile(-before, (len(rows), 1))
    for group in range(3):
        mass = rows[:, :, group] @ beliefs.T
        # Only a group that nobody ever names has no mass, and its squares are zero too.
        np.maximum(mass, 1e-12, out=mass)
        fall += np.divide(rows[:, :, group] ** 2 @ (beliefs**2).T, mass, out=mass)
    fall /= np.maximum(1 - before, 1e-6)
    return np.asarray(np.clip(fall, LEAST_SETTLED, 1.0, out=fall))


def _quality(table: RecordTable, kind: str, domain: str) -> Array:
    if kind == "coverage_tile":
        return table.recall(domain, 48.0)
    if kind in skill.DRAW_POOL and kind != "adjudicate":
        return table.draw_good(domain, kind)
    if kind == "compare_two":
        return 2 * table.compare_accuracy() - 1
    rows = table.verdict_rows(kind, domain)
    return np.maximum(rows[:, 0, 0] - 0.5 * (rows[:, 1, 0] + rows[:, 2, 0]), LEAST_SETTLED)


def pace(table: RecordTable, people: Sequence[Waiting], kinds: Sequence[str], policy: RoutingPolicy) -> Array:
    """Return (annotators, kinds): the price of each person's answer relative to the pool's time and crowd wage."""
    base = policy.wage_per_hour["crowd"]
    usual = float(np.exp(skill.LOG_SD**2 / 2))
    time = np.stack([table.seconds(kind) / (skill.SECONDS[kind] * usual) for kind in kinds], axis=1)
    wage = np.array([policy.wage_per_hour[p.tier] / base if base > 0 else 1.0 for p in people])
    return np.asarray(np.maximum(time, FASTEST) * np.maximum(wage, 1e-3)[:, None])


def urgency(tasks: Sequence[Candidate], policy: RoutingPolicy) -> Array:
    """Return (candidates,): what is at stake in seconds, times the growth with age and priority."""
    value = np.array([max(t.value, LEAST_VALUE) for t in tasks])
    age = 1 + policy.age_weight * np.array([t.age_s for t in tasks]) / policy.age_scale_s
    return np.asarray(value * age * np.exp2(np.clip([t.priority for t in tasks], -20, 20)))


def freshness(table: RecordTable, policy: RoutingPolicy) -> Array:
    """Return (annotators,): 1, up to 1 + NEWCOMER_BONUS for somebody of whom nothing is known."""
    return np.asarray(
        1 + NEWCOMER_BONUS * np.maximum(0.0, 1 - table.answers / max(policy.newcomer_answers, 1))
    )
