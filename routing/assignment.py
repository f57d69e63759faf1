"""Matching the annotators who wait to a window of open assignments, all at once."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import numpy.typing as npt

from routing import calling, skill, worth
from routing.eligibility import Candidate, Reason, Waiting, why_not
from routing.policy import RoutingPolicy
from routing.record_table import RecordTable

__all__ = ["Candidate", "Idle", "Offer", "Reason", "Waiting", "choose", "explain"]

Scores = npt.NDArray[np.float32]
Places = npt.NDArray[np.intp]

SAME_LANE_BONUS = 0.1  # on top of the block bonus: same class and project need no new look at the guideline
MAX_REASONS = 3
MOST_SPARED_S = 20.0  # a task that has been open for longer goes to anybody
STRANGER = 10  # answers before which nobody is passed over: nobody knows yet who is better
SPARED = "what is open now goes to people who are at that kind of task already; more follows"
CHUNK = 1024  # pairs that are looked through at once for what is still free


@dataclass(frozen=True, slots=True)
class Offer:
    """One assignment for one annotator, with everything needed to recompute why.

    score: value × urgency × settles × freshness × bonus / seconds, all in `terms`. runner_up: the next best
    {assignment, score} for this annotator that was free then, or None. propensity: probability with which this offer
    would be made again, given what others got before, for evaluating other policies from history.
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
    """Nothing for this annotator now, and why, in sentences for them. `spared`: what is open suits others better, who are
    done with what they hold soon enough."""

    annotator: int
    reasons: list[str] = field(default_factory=list)
    spared: bool = False


def choose(
    waiting: Sequence[Waiting],
    candidates: Sequence[Candidate],
    policy: RoutingPolicy,
    *,
    now: float | datetime,
    rng: np.random.Generator,
    busy: Sequence[Waiting] = (),
) -> list[Offer | Idle]:
    """Return offers for everybody who wants one, best pairs first, and Idle for those who get none and hold none.

    Score: expected cut of the risk at stake per second of this person's time and wage, more for staying with one
    kind, for tasks that wait long, for priority and for newcomers. Greedy over all pairs, in rounds of one offer per
    annotator, so that nobody fills up before the others have something. Where people want more than is open, pairs
    are taken in the order of what is cut per pace instead of per second, so that long tasks come first, and
    `routing.calling` leaves tasks to those among the waiting and the `busy` (who get no offers) for whom a short wait
    pays; not those that waited for MOST_SPARED_S, nor a share `policy.explore_share` of them, which go to anybody, nor
    from people of whom little is known. The same share of the offers is drawn uniformly from the eligible tasks of the same kind.
    """
    open_ = [i for i, w in enumerate(waiting) if w.want > w.held]
    if not open_:
        return []
    if not candidates:
        return [Idle(waiting[i].id, ["nothing is open right now"]) for i in open_ if not waiting[i].held]
    fair = float(np.mean([w.answers_today for w in waiting]))
    people = [waiting[i] for i in open_]
    wanted = sum(p.want - p.held for p in people)
    matching = _Matching(people, candidates, policy, fair, busy if len(candidates) <= wanted else ())
    offers: list[Offer | Idle] = []
    for _ in range(max(waiting[i].want - waiting[i].held for i in open_)):
        made = matching.one_round(rng, now)
        if not made:
            break
        offers.extend(made)
    served = {offer.annotator for offer in offers}
    for i in open_:
        person = waiting[i]
        if person.id not in served and not person.held:
            offers.append(matching.idle(person, fair))
    return offers


@dataclass(frozen=True, slots=True)
class Why:
    """One reason for an offer: a code, the numbers in it, and the same as part of an English sentence."""

    code: str
    about: Mapping[str, float]
    text: str


def reasons_of(offer: Offer) -> list[Why]:
    """Return why this task was chosen, what weighs most first; of a known question the same as of any other."""
    terms = offer.terms
    percent, minutes = round(100 * float(terms["settles"])), round(float(terms["age_s"]) / 60)
    parts = [
        Why(
            "settles",
            {"percent": percent},
            f"your answer settles about {percent} % of what is still uncertain here",
        )
    ]
    if terms.get("same_kind"):
        parts.append(Why("same_kind", {}, "it is of the kind you are working on"))
    if float(terms["age_s"]) > 600:
        parts.append(Why("waited", {"minutes": minutes}, f"it has waited for {minutes} minutes"))
    if terms.get("explored"):
        text = "it was drawn at random, as a tenth of all tasks are, so that the matching stays fair"
        parts.append(Why("explored", {}, text))
    return parts


def explain(offer: Offer) -> str:
    """Return one plain sentence for the annotator who asks why they got this task."""
    parts = [part.text for part in reasons_of(offer)]
    return (
        "You got this task because "
        + ", ".join(parts[:-1])
        + (" and " if len(parts) > 1 else "")
        + parts[-1]
        + "."
    )


class _Matching:
    """The score matrix (annotators, candidates), who still wants something, and what is still free."""

    def __init__(
        self,
        people: Sequence[Waiting],
        tasks: Sequence[Candidate],
        policy: RoutingPolicy,
        fair: float,
        busy: Sequence[Waiting],
    ) -> None:
        # Tasks alike lie side by side, so that the groups of `worth.settles` are slices.
        tasks = sorted(tasks, key=worth.sort_of_question)
        hungry, people = len(people), [*people, *busy]
        self.people, self.tasks, self.policy = people, tasks, policy
        kinds = {kind: k for k, kind in enumerate(sorted({t.kind for t in tasks}))}
        lanes = {lane: k for k, lane in enumerate(sorted({t.lane for t in tasks}))}
        self.kind_of = np.array([kinds[t.kind] for t in tasks], dtype=np.intp)
        self.lane_of = np.array([lanes[t.lane] for t in tasks], dtype=np.intp)
        self.of_kind = np.arange(len(kinds))[:, None] == self.kind_of
        self.last_kind = np.array([_place(p.last_kind, kinds) for p in people], dtype=np.intp)
        self.last_lane = np.array([lanes.get(p.last_lane or "", -1) for p in people], dtype=np.intp)
        self.microtask = np.array([t.microtask for t in tasks])
        self.left = np.array([p.want - p.held if i < hungry else 0 for i, p in enumerate(people)])
        self.free = np.ones(len(tasks), dtype=bool)
        table = RecordTable([p.record for p in people])
        self.settles = worth.settles(table, tasks)
        self.pace = worth.pace(table, people, sorted(kinds), policy)
        self.urgency = worth.urgency(tasks, policy)
        self.fresh = worth.freshness(table, policy)
        self.expected = np.array([max(t.expected_s, 0.05) for t in tasks])
        # 32 bits: half the memory traffic, which is what matching costs, and far finer than any estimate in it.
        self.base: Scores = np.take(
            (self.fresh[:, None] / self.pace).astype(np.float32), self.kind_of, axis=1
        )
        self.base *= self.settles
        self.base *= (self.urgency / self.expected).astype(np.float32)
        may = worth.eligible(people, tasks, policy, fair)
        self.base *= may
        self.spared: frozenset[int] = frozenset()
        if len(tasks) <= self.left.sum():
            self._spare(may, table)

    def _spare(self, may: npt.NDArray[np.bool_], table: RecordTable) -> None:
        """Leave tasks to those who are better at them and will be there soon."""
        seconds = np.take(self.pace, self.kind_of, axis=1) * self.expected
        price = np.where(may, seconds * (self.settles.max(axis=0) / self.settles), np.inf)
        held = np.array([p.held for p in self.people])
        last = np.array([p.last_kind or "" for p in self.people])
        busy_s = np.zeros(len(held))
        for kind in set(last[held > 0].tolist()) & skill.SECONDS.keys():
            busy_s += np.where(last == kind, held * table.seconds(kind), 0.0)
        called = calling.called(price, seconds, self.kind_of, self.last_kind, busy_s, self.left)
        for_all = [
            t.age_s > MOST_SPARED_S or _share_of(t.assignment) < self.policy.explore_share for t in self.tasks
        ]
        strangers = table.answers < STRANGER
        spared = may & ~(called[:, self.kind_of] | np.array(for_all) | strangers[:, None])
        self.base[spared] = 0.0
        self.spared = frozenset(p.id for p, any_ in zip(self.people, spared.any(axis=1), strict=True) if any_)

    def idle(self, person: Waiting, fair: float) -> Idle:
        """Return why there is nothing for this person."""
        if person.id in self.spared:
            return Idle(person.id, [SPARED], spared=True)
        return Idle(person.id, _idle_reasons(person, self.tasks, self.policy, fair))

    def one_round(self, rng: np.random.Generator, now: float | datetime) -> list[Offer]:
        """Give at most one offer to each annotator who still wants one."""
        rows = np.flatnonzero(self.left > 0)
        score = self.base[rows] * self._bonus(rows)
        waiting = np.ones(len(rows), dtype=bool)
        made: list[Offer] = []
        rank = score * self.free
        if int(self.free.sum()) <= int(self.left.sum()):
            # All that is open is given away now, so the question is not which tasks but who does which: least time in
            # all is spent when the longest go to those who suit them best, not to whoever the short ones left over.
            rank *= self.expected.astype(np.float32)
        row, task = _best_pairs(rank)
        for start in range(0, len(row), CHUNK):
            part = slice(start, start + CHUNK)
            open_ = np.flatnonzero(waiting[row[part]] & self.free[task[part]]) + start
            for r, t in zip(row[open_].tolist(), task[open_].tolist(), strict=True):
                if waiting[r] and self.free[t]:  # else a better pair has taken one of the two
                    made.append(self._offer(int(rows[r]), t, score[r], rng, now))
                    waiting[r] = False
            if not waiting.any():
                break
        return made

    def _bonus(self, rows: npt.NDArray[np.intp]) -> Scores:
        """Return (annotators, candidates): the factor for staying with what one did last."""
        same_kind = self.kind_of == self.last_kind[rows, None]
        same_lane = self.lane_of == self.last_lane[rows, None]
        index = same_kind.view(np.int8) + 2 * same_lane.view(np.int8)
        kind, lane = self.policy.block_bonus, SAME_LANE_BONUS
        factor: Scores = np.array([1, 1 + kind, 1 + lane, 1 + kind + lane], dtype=np.float32)
        return np.asarray(factor[index])

    def _offer(
        self, i: int, best: int, score: Scores, rng: np.random.Generator, now: float | datetime
    ) -> Offer:
        open_score = score * self.free
        alike = self.of_kind[self.kind_of[best]] & (open_score > 0)
        choices = int(np.count_nonzero(alike))
        share = self.policy.explore_share if choices > 1 else 0.0
        explored = bool(share and rng.random() < share)
        task = int(rng.choice(np.flatnonzero(alike))) if explored else best
        propensity = share / choices + (1 - share if task == best else 0.0)
        open_score[task] = 0.0
        second = int(open_score.argmax())
        runner_up = None
        if open_score[second] > 0:
            runner_up = {
                "assignment": float(self.tasks[second].assignment),
                "score": float(open_score[second]),
            }
        person, chosen = self.people[i], self.tasks[task]
        terms = self._terms(i, task, explored)
        self.left[i] -= 1
        self.last_kind[i], self.last_lane[i] = self.kind_of[task], self.lane_of[task]
        self.free[task] = False
        if self.left[i]:  # two assignments of one micro-task want two different people
            self.base[i, self.microtask == chosen.microtask] = 0.0
        return Offer(person.id, chosen.assignment, float(score[task]), terms, runner_up, propensity, now)

    def _terms(self, i: int, task: int, explored: bool) -> dict[str, float | str | bool]:
        chosen = self.tasks[task]
        return {
            "value": chosen.value,
            "urgency": float(self.urgency[task]),
            "settles": float(self.settles[i, task]),
            "seconds": float(self.pace[i, self.kind_of[task]] * self.expected[task]),
            "freshness": float(self.fresh[i]),
            "age_s": chosen.age_s,
            "priority": chosen.priority,
            "same_kind": bool(self.kind_of[task] == self.last_kind[i]),
            "same_lane": bool(self.lane_of[task] == self.last_lane[i]),
            "explored": explored,
            "gold": chosen.gold,
            "kind": chosen.kind,
        }


def _place(kind: str | None, kinds: Mapping[str, int]) -> int:
    """Return the number of a kind; ELSEWHERE for one of which nothing is open, IDLE for none."""
    return kinds.get(kind, calling.ELSEWHERE) if kind else calling.IDLE


def _share_of(assignment: int) -> float:
    """Return a number in 0..1 that is as good as random, and the same in every round (Knuth's multiplicative hash)."""
    return (assignment * 2654435761 % 2**32) / 2**32


def _best_pairs(score: Scores) -> tuple[Places, Places]:
    """Return rows and columns of the pairs above 0, best first, of N rows the N best columns each.

    More are never needed: the N - 1 other people cannot take all N.
    """
    width = min(score.shape)
    columns = np.argpartition(score, score.shape[1] - width, axis=1)[:, -width:]
    values = np.take_along_axis(score, columns, axis=1).ravel()
    # One sort of 64-bit keys, value above place, is stable and six times faster than a stable argsort: the bits of
    # positive floats are ordered as the floats are.
    keys = (~values.view(np.uint32)).astype(np.uint64) << np.uint64(32)
    keys |= np.arange(len(keys), dtype=np.uint64)
    keys = np.sort(keys[values > 0])
    order = (keys & np.uint64(0xFFFFFFFF)).astype(np.intp)
    return order // max(width, 1), columns.ravel()[order]


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
