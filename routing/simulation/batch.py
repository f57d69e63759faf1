"""A whole job done by a simulated crowd in this process, with the product's own decisions, on a simulated clock."""

import heapq
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from routing.annotation.kinds import validate_answer
from routing.assignment import Offer, choose
from routing.certify import choose_auto_threshold
from routing.drift import Drift
from routing.eligibility import Waiting, why_not
from routing.gold import gold_due, make_verify_gold
from routing.policy import RoutingPolicy
from routing.pool import Pool
from routing.simulation import views
from routing.simulation.absorb import absorb, evade
from routing.simulation.annotator import SimulatedAnnotator
from routing.simulation.desk import Desk, Question
from routing.simulation.score import report
from routing.simulation.world import CLASSES, Settings, World, calibration_slope, make_world
from routing.standing import Standing
from routing.track_record import TrackRecord
from routing.workflow import credit_gold

PARTS = ("domain", "gold", "audit", "assignment")  # what an ablation may leave out
WINDOW = 256  # open assignments that a matching considers
TOGETHER_S = 2.0  # people who ask within this time are matched at once
REFIT_EVERY = 200  # checked answers after which the pool is summed anew
ARRIVAL_S = 60.0  # everybody arrives within this time


@dataclass
class Person:
    """One simulated annotator at work. checked: evaluated answers when they were paused, None while they work."""

    id: int
    tier: str
    record: TrackRecord
    minds: Mapping[str, SimulatedAnnotator]
    seconds: float = 0.0
    answers: int = 0
    last_kind: str | None = None
    last_lane: str | None = None
    drift: Drift = field(default_factory=Drift)
    standing: Standing = field(default_factory=lambda: Standing("ok", ""))
    checked: float | None = None


def simulate_batch(
    settings: Settings,
    policy: RoutingPolicy | None = None,
    *,
    without: Iterable[str] = (),
    fixed_overlap: int = 0,
) -> dict[str, Any]:
    """Return what a simulated job costs and how good its result is.

    without: parts of the product left out, of PARTS. fixed_overlap: look at every object so many times and take the
    majority, instead of stopping by risk; 0 for the product's way. Raises ValueError for an unknown part.
    """
    left_out = frozenset(without)
    for name in left_out - set(PARTS):
        raise ValueError(f"without: {name!r} is not one of {', '.join(PARTS)}")
    return Batch(make_world(settings), policy or RoutingPolicy(), left_out, fixed_overlap).run()


class Batch:
    """The event loop: whoever is free is matched to what is open; an answer takes effect when its time is over."""

    def __init__(
        self, world: World, policy: RoutingPolicy, without: frozenset[str], fixed_overlap: int
    ) -> None:
        self.world, self.policy, self.without = world, policy, without
        self.rng = np.random.default_rng([world.settings.seed, 0x62617463])
        self.desk = Desk(world, policy, self.rng, without=without, fixed_overlap=fixed_overlap)
        domains = sorted({scene.domain for scene in (*world.scenes, *world.gold)})
        self.people = [
            Person(
                i,
                profile.tier,
                TrackRecord.new(profile.tier),
                {name: SimulatedAnnotator(world.in_domain(i, name)) for name in domains},
            )
            for i, profile in enumerate(world.crowd)
        ]
        self.domains = frozenset(domains)
        self._gold_made = 0
        self._learned = 0
        self._due: list[tuple[float, int, int, Question | None]] = []
        self._sequence = 0

    def run(self) -> dict[str, Any]:
        """Return the report of the whole job."""
        slope, threshold = self._calibrated()
        self.desk.take_in(slope, threshold)
        for person in self.people:
            self._schedule(float(self.rng.uniform(0, ARRIVAL_S)), person.id, None)
        free: set[int] = set()
        while True:
            while self._due and (not free or self._due[0][0] <= self.desk.now + TOGETHER_S):
                at, _, id, question = heapq.heappop(self._due)
                self.desk.now = max(self.desk.now, at)
                if question is not None:
                    self._finish(self.people[id], question)
                if self.people[id].checked is None:
                    free.add(id)
            busy = self._match(free, due=False)
            if not busy and not self._due and not self._match(free, due=True):
                break
            if not busy and self._due:
                # Nobody can go on before somebody else is done.
                self.desk.now = self._due[0][0]
        return report(self.desk, self.people, threshold)

    def _calibrated(self) -> tuple[float, float | None]:
        """Return the factor on the proposer's log-odds and the score from which it is trusted unseen."""
        held_out = self.world.held_out
        if "audit" in self.without:
            return 1.0, 1 - self.policy.target_risk  # the proposer is believed
        delta = 1 - self.policy.auto_confidence
        threshold = choose_auto_threshold(
            held_out[:, 0], held_out[:, 1] > 0, alpha=self.policy.auto_target, delta=delta
        )
        return calibration_slope(held_out), threshold

    def _schedule(self, at: float, id: int, question: Question | None) -> None:
        self._sequence += 1
        heapq.heappush(self._due, (at, self._sequence, id, question))

    # Matching -----------------------------------------------------------------------------------------------

    def _match(self, free: set[int], *, due: bool) -> bool:
        """Give the free something to do; returns whether anybody got something."""
        crowd = [p.id for p in self.people if p.tier == "crowd" and p.checked is None]
        self.desk.form_pages(crowd, due=due)
        waiting = [self._waiting(self.people[i]) for i in sorted(free)]
        open_ = sorted(self.desk.open.values(), key=lambda q: -q.candidate.priority)[:WINDOW]
        window = [replace(q.candidate, age_s=self.desk.age(q.candidate.assignment)) for q in open_]
        if not window or not waiting:
            return False
        if "assignment" in self.without:
            pairs = self._at_random(waiting, window)
        else:
            made = choose(waiting, window, self.policy, now=self.desk.now, rng=self.rng)
            pairs = [(o.annotator, o.assignment) for o in made if isinstance(o, Offer)]
        for id, assignment in pairs:
            free.discard(id)
            self._start(self.people[id], self.desk.open.pop(assignment))
        return bool(pairs)

    def _waiting(self, person: Person) -> Waiting:
        return Waiting(
            person.id,
            person.tier,
            self.domains,
            record=person.record,
            last_kind=person.last_kind,
            last_lane=person.last_lane,
            answers_today=person.answers,
            simulated=True,
            paused=person.standing.reason if person.standing.state == "paused" else "",
        )

    def _at_random(self, waiting: list[Waiting], window: list[Any]) -> list[tuple[int, int]]:
        """Whoever comes gets any task that they may do."""
        pairs: list[tuple[int, int]] = []
        taken: set[int] = set()
        for w in waiting:
            fit = [
                c.assignment for c in window if c.assignment not in taken and not why_not(w, c, self.policy)
            ]
            if fit:
                chosen = int(self.rng.choice(fit))
                taken.add(chosen)
                pairs.append((w.id, chosen))
        return pairs

    # Answering ----------------------------------------------------------------------------------------------

    def _start(self, person: Person, question: Question) -> None:
        """Let somebody answer; the answer takes effect when its time is over."""
        kind = question.candidate.kind
        if self._gold_now(person, kind):
            self.desk.reopen(question)
            question = self._gold(question)
        person.last_kind, person.last_lane = kind, question.candidate.lane
        gold = self.world.gold if question.gold is not None else self.world.scenes
        scene = gold[question.scene]
        reply = person.minds[scene.domain].answer(
            question.payload, scene.truth, tasks_done=person.answers, now_s=person.seconds
        )
        seconds = reply.active_ms / 1000
        person.seconds += seconds
        person.answers += 1
        value = None if reply.value is None else validate_answer(kind, question.payload, reply.value)
        done = replace(question, value=value, seconds=seconds)
        self._schedule(self.desk.now + seconds + reply.idle_ms / 1000, person.id, done)

    def _gold_now(self, person: Person, kind: str) -> bool:
        if kind != "verify_box" or "gold" in self.without or person.tier != "crowd":
            return False
        return gold_due(person.record, kind, self.policy, self.rng)

    def _gold(self, question: Question) -> Question:
        """Return a verify task with a known answer from the domain's gold scene, which looks like any other."""
        domain = self.world.scenes[question.scene].domain
        number = next(n for n, scene in enumerate(self.world.gold) if scene.domain == domain)
        truth = self.world.gold[number].truth
        index = int(self.rng.integers(len(truth)))
        wh = (truth.width, truth.height)
        seed = make_verify_gold(truth.boxes, index, self.rng, self.policy, wh)
        self._gold_made += 1
        payload = views.about_object(
            -self._gold_made, seed.xyxy, int(truth.classes[seed.source]), [], truth
        ) | views.common("verify_box", truth, self.policy, CLASSES)
        candidate = replace(question.candidate, gold=True)
        return Question(candidate, number, payload, gold={"truth": seed.truth})

    def _finish(self, person: Person, question: Question) -> None:
        domain, kind = question.candidate.domain, question.candidate.kind
        if question.gold is not None:
            if question.value is not None:
                learned = credit_gold(
                    kind,
                    question.payload,
                    question.gold,
                    question.value,
                    domain=domain,
                    seconds=question.seconds,
                )
                self.desk.credits += [(person.id, outcome) for outcome in learned]
        elif question.value is None:
            evade(self.desk, question, person.id)
        else:
            absorb(self.desk, question, person.id, person.record)
        changed = {person.id}
        for id, outcome in self.desk.credits:
            self.people[id].record = self.people[id].record.updated(outcome)
            self.people[id].drift = self.people[id].drift.updated(outcome)
            changed.add(id)
        self._learned += len(self.desk.credits)
        self.desk.credits = []
        if self._learned >= REFIT_EVERY:
            self._learned = 0
            pool = Pool.of(p.record.counts for p in self.people)
            for each in self.people:
                each.record = each.record.among(pool)
        for id in changed:
            self._judge(self.people[id])

    def _judge(self, person: Person) -> None:
        person.standing = person.drift.standing() or person.record.standing(self.policy)
        if person.standing.state == "paused" and person.checked is None:
            person.checked = person.standing.evaluated
