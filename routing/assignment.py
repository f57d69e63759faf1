"""Matching the annotators who wait to a window of open assignments, all at once."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import numpy.typing as npt

from routing import skill
from routing.eligibility import Candidate, Reason, Waiting, over_load, rank, why_not
from routing.policy import RoutingPolicy

__all__ = ["Candidate", "Idle", "Offer", "Reason", "Waiting", "choose", "explain"]

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

SAME_LANE_BONUS = 0.1  # on top of the block bonus: same class and project need no new look at the guideline
NEWCOMER_BONUS = 0.2  # what we learn of a newcomer is worth something too
MAX_REASONS = 3


@dataclass(frozen=True, slots=True)
class Offer:
    """One assignment for one annotator, with everything needed to recompute why.

    terms: the factors of the score. runner_up: the next best {assignment, score} for this annotator, or None.
    propensity: probability with which this offer would be made again, for evaluating other policies from history.
    """

    annotator: int
    assignment: int
    score: float
    terms: Mapping[str, float | str | bool]
    runner_up: Mapping[str, float] | None
    propensity: float
    made_at: float | datetime


@dataclass(frozen=True, slots=True)
class Idle:
    """Nothing for this annotator now, and why, in sentences for them."""

    annotator: int
    reasons: list[str] = field(default_factory=list)


def choose(
    waiting: Sequence[Waiting],
    candidates: Sequence[Candidate],
    policy: RoutingPolicy,
    *,
    now: float | datetime,
    rng: np.random.Generator,
) -> list[Offer | Idle]:
    """Return offers for everybody who wants one, best pairs first, and Idle for those who get none and hold none.

    Score: expected cut of the risk at stake per second of this person's time and wage, more for staying with one
    kind, for tasks that wait long, for priority and for newcomers. Greedy over all pairs, in rounds of one offer per
    annotator, so that nobody fills up before the others have something. A share `policy.explore_share` of the
    offers is drawn uniformly from the eligible tasks of the same kind.
    """
    open_ = [i for i, w in enumerate(waiting) if w.want > w.held]
    if not open_:
        return []
    if not candidates:
        return [Idle(waiting[i].id, ["nothing is open right now"]) for i in open_ if not waiting[i].held]
    fair = float(np.mean([w.answers_today for w in waiting]))
    table = _Table([waiting[i] for i in open_], candidates, policy, fair)
    offers: list[Offer | Idle] = []
    for _ in range(max(waiting[i].want - waiting[i].held for i in open_)):
        made = table.one_round(rng, now)
        if not made:
            break
        offers.extend(made)
    served = {offer.annotator for offer in offers}
    for i in open_:
        person = waiting[i]
        if person.id not in served and not person.held:
            offers.append(Idle(person.id, _idle_reasons(person, candidates, policy, fair)))
    return offers


def explain(offer: Offer) -> str:
    """Return one plain sentence for the annotator who asks why they got this task."""
    terms = offer.terms
    if terms.get("gold"):
        return "This is one of the open tasks that suit you."
    parts = [
        f"your answer settles about {100 * float(terms['settles']):.0f} % of what is still uncertain here"
    ]
    if terms.get("same_kind"):
        parts.append("it is of the kind you are working on")
    if float(terms["age_s"]) > 600:
        parts.append(f"it has waited for {float(terms['age_s']) / 60:.0f} minutes")
    if terms.get("explored"):
        parts.append("it was drawn at random, as a tenth of all tasks are, so that the matching stays fair")
    return (
        "You got this task because "
        + ", ".join(parts[:-1])
        + (" and " if len(parts) > 1 else "")
        + parts[-1]
        + "."
    )


class _Table:
    """The score matrix (annotators, candidates) and what is still free."""

    def __init__(
        self, people: Sequence[Waiting], tasks: Sequence[Candidate], policy: RoutingPolicy, fair: float
    ) -> None:
        self.people, self.tasks, self.policy = people, tasks, policy
        self.kinds = sorted({t.kind for t in tasks})
        self.kind_of = np.array([self.kinds.index(t.kind) for t in tasks])
        lanes = sorted({t.lane for t in tasks})
        self.lane_index = {lane: k for k, lane in enumerate(lanes)}
        self.lane_of = np.array([self.lane_index[t.lane] for t in tasks])
        self.microtask = np.array([t.microtask for t in tasks])
        self.age = np.array([t.age_s for t in tasks])
        self.eligible = _eligible(people, tasks, policy, fair)
        self.settles = _settles(people, tasks)
        seconds = _seconds(people, tasks, self.kinds, self.kind_of, policy)
        value = np.array([max(t.value, 1e-6) for t in tasks])
        urgency = 1 + policy.age_weight * self.age / policy.age_scale_s
        urgency *= np.exp2(np.clip([t.priority for t in tasks], -20, 20))
        fresh = np.array([1 + NEWCOMER_BONUS * _newness(p, policy) for p in people])
        self.base: Array = value * self.settles / seconds * urgency * fresh[:, None]
        self.left = np.array([p.want - p.held for p in people])
        self.last_kind = np.array(
            [self.kinds.index(p.last_kind) if p.last_kind in self.kinds else -1 for p in people]
        )
        self.last_lane = np.array([self.lane_index.get(p.last_lane or "", -1) for p in people])
        self.seconds = seconds

    def one_round(self, rng: np.random.Generator, now: float | datetime) -> list[Offer]:
        """Give at most one offer to each annotator who still wants one."""
        active = np.flatnonzero((self.left > 0) & self.eligible.any(axis=1))
        made: list[Offer] = []
        while len(active):
            score = self._score(active)
            rows, best = np.arange(len(active)), np.argmax(score, axis=1)
            order = np.argsort(-score[rows, best], kind="stable")
            again: list[int] = []
            taken: set[int] = set()
            for row in order:
                task = int(best[row])
                if score[row, task] <= 0:
                    continue
                if task in taken:  # a better pair took it within this pass
                    again.append(int(active[row]))
                    continue
                offer, chosen = self._offer(int(active[row]), task, score[row], rng, now, taken)
                taken.add(chosen)
                made.append(offer)
            if not taken:
                break
            self.eligible[:, list(taken)] = False
            active = np.array([i for i in again if self.eligible[i].any()], dtype=np.intp)
        return made

    def _score(self, active: npt.NDArray[np.intp]) -> Array:
        same_kind = self.kind_of[None, :] == self.last_kind[active, None]
        same_lane = self.lane_of[None, :] == self.last_lane[active, None]
        bonus = 1 + self.policy.block_bonus * same_kind + SAME_LANE_BONUS * same_lane
        return np.asarray(np.where(self.eligible[active], self.base[active] * bonus, 0.0))

    def _offer(
        self,
        i: int,
        best: int,
        score: Array,
        rng: np.random.Generator,
        now: float | datetime,
        taken: set[int],
    ) -> tuple[Offer, int]:
        pool = np.flatnonzero((score > 0) & (self.kind_of == self.kind_of[best]))
        pool = (
            np.array([j for j in pool if j not in taken], dtype=np.intp)
            if len(taken) < len(pool)
            else pool[:0]
        )
        share = self.policy.explore_share if len(pool) > 1 else 0.0
        explored = bool(share and rng.random() < share)
        task = int(rng.choice(pool)) if explored else best
        propensity = (share / len(pool) if share else 0.0) + ((1 - share) if task == best else 0.0)
        person, chosen = self.people[i], self.tasks[task]
        others = score.copy()
        others[task] = 0.0
        second = int(np.argmax(others))
        runner_up = None
        if others[second] > 0:
            runner_up = {"assignment": float(self.tasks[second].assignment), "score": float(others[second])}
        terms: dict[str, float | str | bool] = {
            "value": chosen.value,
            "settles": float(self.settles[i, task]),
            "seconds": float(self.seconds[i, task]),
            "age_s": chosen.age_s,
            "priority": chosen.priority,
            "same_kind": bool(self.kind_of[task] == self.last_kind[i]),
            "same_lane": bool(self.lane_of[task] == self.last_lane[i]),
            "explored": explored,
            "gold": chosen.gold,
            "kind": chosen.kind,
        }
        self.left[i] -= 1
        self.last_kind[i], self.last_lane[i] = self.kind_of[task], self.lane_of[task]
        # Two assignments of one micro-task want two different people.
        self.eligible[i, self.microtask == chosen.microtask] = False
        return Offer(
            person.id, chosen.assignment, float(score[task]), terms, runner_up, propensity, now
        ), task


def _eligible(
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
    column = np.array([names.index(name) for name in wanted])
    small = np.array([[name == free or name in have for name in names] for have in sets], dtype=bool)
    return np.asarray(small[:, column])


def _settles(people: Sequence[Waiting], tasks: Sequence[Candidate]) -> Array:
    """Return (annotators, candidates): the share of the uncertainty at stake that one answer is expected to remove."""
    out = np.zeros((len(people), len(tasks)))
    groups: dict[tuple[str, str], list[int]] = {}
    for j, task in enumerate(tasks):
        groups.setdefault((task.kind, task.domain), []).append(j)
    for (kind, domain), members in groups.items():
        columns = np.array(members)
        with_belief = np.array([tasks[j].belief is not None and kind in skill.VERDICT_POOL for j in members])
        if with_belief.any():
            cols = columns[with_belief]
            beliefs = np.array([b.vector for b in (tasks[j].belief for j in cols) if b is not None])
            rows = np.array([p.record.verdict_rows(kind, domain) for p in people])
            out[:, cols] = _gini_share(beliefs, rows)
        if not with_belief.all():
            quality = np.array([_quality(p, kind, domain) for p in people])
            out[:, columns[~with_belief]] = quality[:, None]
    return out


def _gini_share(beliefs: Array, rows: Array) -> Array:
    """Return (annotators, candidates) from beliefs (M, 3) and P(group | state) (N, 3, 3)."""
    mass = np.einsum("ms,nsg->nmg", beliefs, rows)
    squares = np.einsum("ms,nsg->nmg", beliefs**2, rows**2)
    after = (squares / np.maximum(mass, 1e-12)).sum(axis=2)
    before = (beliefs**2).sum(axis=1)[None, :]
    # Never quite zero: an answer that cannot flip the decision still adds evidence for the next.
    return np.asarray(np.clip((after - before) / np.maximum(1 - before, 1e-6), 0.02, 1.0))


def _quality(person: Waiting, kind: str, domain: str) -> float:
    record = person.record
    if kind == "coverage_tile":
        return record.recall(domain, 48.0)
    if kind in ("draw_missed", "fix_box"):
        return record.draw_quality(domain, kind).good
    if kind == "compare_two":
        return 2 * record.compare_accuracy() - 1
    rows = record.verdict_rows(kind, domain)
    return max(rows[0][0] - 0.5 * (rows[1][0] + rows[2][0]), 0.02)


def _seconds(
    people: Sequence[Waiting],
    tasks: Sequence[Candidate],
    kinds: Sequence[str],
    kind_of: npt.NDArray[np.intp],
    policy: RoutingPolicy,
) -> Array:
    """Return (annotators, candidates): expected seconds of crowd-priced time."""
    base = policy.wage_per_hour["crowd"]
    pool = [skill.SECONDS[kind] * float(np.exp(skill.LOG_SD**2 / 2)) for kind in kinds]
    pace = np.array(
        [[p.record.seconds(kind) / s for kind, s in zip(kinds, pool, strict=True)] for p in people]
    )
    wage = np.array([policy.wage_per_hour[p.tier] / base if base > 0 else 1.0 for p in people])
    expected = np.array([max(t.expected_s, 0.05) for t in tasks])
    return np.asarray(pace[:, kind_of] * wage[:, None] * expected[None, :])


def _newness(person: Waiting, policy: RoutingPolicy) -> float:
    return max(0.0, 1 - person.record.answers() / max(policy.newcomer_answers, 1))


def _idle_reasons(
    person: Waiting, candidates: Sequence[Candidate], policy: RoutingPolicy, fair: float
) -> list[str]:
    """Return the commonest reasons over a sample of the window."""
    found: Counter[str] = Counter()
    for candidate in candidates[:64]:
        for reason in why_not(person, candidate, policy, fair_share=fair):
            found[reason.text] += 1
    if not found:
        return ["all open tasks that suit you were just taken; more follow"]
    return [text for text, _ in found.most_common(MAX_REASONS)]
