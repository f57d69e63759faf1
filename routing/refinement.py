"""Refinements: what an accepted object (or a whole scene) still lacks, asked of several people until it is known.

A shape is drawn, the drawings are fused by `routing.consensus`, and `next_refinement_step` compares one more drawing with
a look at the fused shape (`verify_mask`, `verify_cuboid`) by expected seconds of crowd time, a few answers ahead, until
P(outside the tolerance) is at most `policy.target_risk`. Choices are settled by their posterior. Everything is recomputed
from the answers, whose order does not matter.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from routing import skill
from routing.consensus.contract import p_similar
from routing.policy import RoutingPolicy
from routing.refinement_fusing import ASPECTS, LOSS_POWER, REPEATED, Fused, fuse_chosen, fuse_drawn, is_drawn
from routing.refinement_pairs import rival_pair, setback
from routing.refinement_points import contradictions, disputed_point
from routing.refinement_regions import contested, fuse_regions, ruled
from routing.skill import GROUP, Rows

DEPTH = 3  # answers looked ahead
MAX_POINTS = 3  # asked about one outline
GONE_BY = 2  # people who find nothing there before the object itself is doubted
LOOK_KINDS = {"outline": "verify_mask", "cuboid": "verify_cuboid"}
ABSENT = ("not_object", "duplicate", "wrong_class")  # verdicts that doubt the object, not its shape


@dataclass(frozen=True, slots=True)
class Said:
    """One answer: its kind and validated value, and what is known of its author.

    noise: error of their shapes relative to the pool. right: P(their choice is right). rows: P(verdict group | state) of
    their looks. rules: a specialist who was asked to decide. about: of a look, how many answers the shape was made of.
    """

    annotator: int
    kind: str
    value: Mapping[str, Any]
    noise: float = 1.0
    right: float = 0.9
    rows: Rows = skill.VERIFY
    rules: bool = False
    about: int = 0
    seconds: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the answer as plain JSON values."""
        out = {name: getattr(self, name) for name in self.__slots__}
        return {**out, "value": dict(self.value), "rows": [list(row) for row in self.rows]}

    @classmethod
    def from_json(cls, obj: Mapping[str, Any]) -> "Said":
        """Read what `to_json` wrote."""
        rows = tuple(tuple(row) for row in obj["rows"])
        return cls(**{**obj, "rows": rows})


@dataclass(frozen=True, slots=True)
class RefinementCase:
    """What one refinement asks (`kind` and the kind's own part of its payload), and what was said.

    unsure: people who could not say. waiting: answers of this kind that are wanted or in somebody's hands.
    """

    kind: str
    ask: Mapping[str, Any] = field(default_factory=dict)
    said: tuple[Said, ...] = ()
    unsure: int = 0
    waiting: int = 0

    @property
    def drawn(self) -> tuple[Said, ...]:
        """Return the answers that give a shape or a choice."""
        aspect = ASPECTS[self.kind]
        return tuple(
            s for s in self.said if ASPECTS.get(s.kind) == aspect and not s.value.get("deleted", False)
        )

    @property
    def absent(self) -> frozenset[int]:
        """Return who found nothing of this class: they deleted it or said so of a shape."""
        return frozenset(
            s.annotator
            for s in self.said
            if s.value.get("deleted", False) or s.value.get("verdict") in ABSENT
        )

    @property
    def points(self) -> list[tuple[list[float], bool]]:
        """Return the points that were asked about, each with an answer."""
        return [(list(s.value["point"]), bool(s.value["on"])) for s in self.said if "on" in s.value]

    @property
    def compared(self) -> list[Mapping[str, Any]]:
        """Return the answers `{choice, a, b}` about two drawings, a and b their authors."""
        return [s.value for s in self.said if "choice" in s.value]

    @property
    def evidence(self) -> int:
        """Return how many answers make the shape as it stands: drawings, and points and choices between them."""
        return len(self.drawn) + len(self.points) + len(self.compared)

    @property
    def looks(self) -> tuple[Said, ...]:
        """Return the verdicts about the shape as it stands."""
        return tuple(s for s in self.said if "verdict" in s.value and s.about == self.evidence)


@dataclass(frozen=True, slots=True)
class Settled:
    """The answer, with the stated probability that it is wrong (a shape: outside the tolerance)."""

    value: dict[str, Any]
    risk: float


@dataclass(frozen=True, slots=True)
class AskMore:
    """`count` more answers of this kind; looks show `shape`, point_yesno its `point`, compare_two the drawings of a `pair` of
    authors, and of a block only `segments` are open (None: all). `terms` holds each option's expected seconds."""

    kind: str
    reason: str
    count: int = 1
    shape: dict[str, Any] | None = None
    point: list[float] | None = None
    segments: list[int] | None = None
    pair: tuple[int, int] | None = None
    terms: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Refer:
    """A specialist decides."""

    reason: str


@dataclass(frozen=True, slots=True)
class Gone:
    """Several people found nothing there: the object itself is to be decided about again."""

    annotators: frozenset[int]


@dataclass(frozen=True, slots=True)
class Wait:
    """Answers that were asked for are still on their way."""


RefinementStep = Settled | AskMore | Refer | Gone | Wait


def next_refinement_step(case: RefinementCase, policy: RoutingPolicy) -> RefinementStep:
    """Return what to do now; raise FuseError for a stored answer that cannot be fused."""
    if ruling := next((s for s in reversed(case.said) if s.rules), None):
        return _ruled(case, ruling, policy)
    if len(case.absent) >= GONE_BY:
        return Gone(case.absent)
    if case.unsure >= policy.max_unsure:
        return Refer(f"{case.unsure} people could not say")
    if not case.drawn:
        return (
            Wait()
            if case.waiting
            else AskMore(case.kind, "nobody has answered yet", first_overlap(case, policy))
        )
    found = current(case, policy)
    risk = 1 - found.p_right
    if case.absent and len(case.drawn) < GONE_BY:
        return Wait() if case.waiting else AskMore(case.kind, "one person found nothing there")
    if risk <= policy.target_risk:
        return Settled(found.value, risk)
    if case.waiting:
        return Wait()
    if is_drawn(case.kind):
        return _next_drawn(case, found, policy)
    if len(case.drawn) >= policy.max_looks:
        return Refer(f"still unsettled after {len(case.drawn)} answers")
    segments = unsettled_segments(case, policy)
    return AskMore(case.kind, "the answers do not agree enough yet", segments=segments)


def unsettled_segments(case: RefinementCase, policy: RoutingPolicy) -> list[int] | None:
    """Return the segments of a block that the answers leave open; None for every other kind."""
    if case.kind != "label_region":
        return None
    values, rights = [dict(s.value) for s in case.drawn], [s.right for s in case.drawn]
    return contested(case.ask, values, rights, policy.evidence_discount, policy.target_risk)


def last_word(case: RefinementCase, policy: RoutingPolicy) -> Settled | Gone | None:
    """Return what stands when everybody who may answer has: the best guess with its stated risk; None without one."""
    if len(case.absent) > len(case.drawn):
        return Gone(case.absent)
    if not case.drawn:
        return None
    found = current(case, policy)
    return Settled(found.value, 1 - found.p_right)


def first_overlap(case: RefinementCase, policy: RoutingPolicy) -> int:
    """Return how many answers are needed even if all agree: so many are asked for at once, and none is wasted."""
    if is_drawn(case.kind):
        return 1
    usual = skill.DRAW_POOL[case.kind][0]
    options = 2 if case.kind in ("attributes", "merge_duplicates") else 3
    count, odds = 1, usual / ((1 - usual) / (options - 1))
    while count < policy.max_looks:
        p = odds ** (1 + policy.evidence_discount * (count - 1))
        if p / (p + options - 1) >= 1 - policy.target_risk:
            break
        count += 1
    return count


def current(case: RefinementCase, policy: RoutingPolicy) -> Fused:
    """Return the answer that all answers so far make, with P(right) after the looks at it."""
    values = [dict(s.value) for s in case.drawn]
    if not is_drawn(case.kind):
        rights = [s.right for s in case.drawn]
        if case.kind == "label_region":
            return fuse_regions(case.ask, values, rights, policy.evidence_discount)
        return fuse_chosen(case.kind, case.ask, values, rights, policy.evidence_discount)
    tolerance = policy.tolerance_shape[ASPECTS[case.kind]]
    noises = [s.noise * setback(s.annotator, case.compared) for s in case.drawn]
    if points := case.points:
        noises = [n * contradictions(v, points) for n, v in zip(noises, values, strict=True)]
    found = fuse_drawn(case.kind, case.ask, values, noises, tolerance)
    return replace(found, p_right=_looked_at(found.p_right, case.looks, policy))


def _looked_at(p: float, looks: tuple[Said, ...], policy: RoutingPolicy) -> float:
    """Return P(right) after verdicts by different people; two states, for who doubts the object is counted elsewhere."""
    for look in looks:
        if look.value["verdict"] not in ABSENT:
            p = _updated(p, GROUP[look.value["verdict"]], look.rows, policy)
    return p


def _updated(p: float, group: int, rows: Rows, policy: RoutingPolicy) -> float:
    power = policy.evidence_discount
    good, bad = p * rows[0][group] ** power, (1 - p) * rows[1][group] ** power
    return good / (good + bad) if good + bad > 0 else p


def _ruled(case: RefinementCase, ruling: Said, policy: RoutingPolicy) -> Settled | Gone:
    if ruling.value.get("deleted", False):
        return Gone(case.absent)
    kept = {name: ruling.value[name] for name in ruling.value if name not in ("deleted", "clicks", "alt")}
    if case.kind == "label_region":  # Only what the crowd left open was ruled on.
        crowd = replace(case, said=tuple(s for s in case.said if not s.rules))
        kept = ruled(current(crowd, policy).value if crowd.drawn else {"assign": {}}, kept)
    return Settled(kept, 1 - skill.draw_pool(ruling.kind, "specialist", False)[0])


def _next_drawn(case: RefinementCase, found: Fused, policy: RoutingPolicy) -> AskMore | Refer:
    aspect, count = ASPECTS[case.kind], len(case.drawn)
    if count >= policy.max_drawings and not _may_look(aspect, case, policy):
        return _compare(case, policy) or Refer(f"still unsettled after {count} drawings")
    if case.looks and len(case.points) < MAX_POINTS and aspect == "outline":
        # People refused the fused shape, so they can say which of the drawings is right where these differ.
        point = disputed_point([dict(s.value) for s in case.drawn], case.points)
        if point is not None:
            return AskMore("point_yesno", "one click tells which of the drawings is right", point=point)
    plan = _Plan(case.kind, found.expected_loss, count, policy)
    looked = sum(1 for s in case.said if "verdict" in s.value)
    terms = plan.options(found.p_right, count, looked, DEPTH)
    if not terms:
        return _compare(case, policy) or Refer(f"still unsettled after {count} drawings and {looked} looks")
    best = min(terms, key=lambda name: terms[name])
    if best == case.kind:
        return AskMore(case.kind, "the drawings are not close enough yet", terms=terms)
    return AskMore(best, "one look tells whether the shape fits", shape=found.value["shape"], terms=terms)


def _compare(case: RefinementCase, policy: RoutingPolicy) -> AskMore | None:
    """Before a specialist has to draw, the crowd says which of the drawings that differ most fits better."""
    drawings = {s.annotator: s.value for s in case.drawn}
    tolerance = policy.tolerance_shape[ASPECTS[case.kind]]
    pair = rival_pair(case.kind, case.ask, drawings, case.compared, tolerance)
    if pair is None:
        return None
    return AskMore("compare_two", "two drawings differ: one look tells which fits", pair=pair)


def _may_look(aspect: str, case: RefinementCase, policy: RoutingPolicy) -> bool:
    return aspect in LOOK_KINDS and sum(1 for s in case.said if "verdict" in s.value) < policy.max_looks


@dataclass(frozen=True, slots=True)
class _Plan:
    """What further answers would cost and bring, from a shape with this expected loss, made of `count` drawings."""

    kind: str
    loss: float
    count: int
    policy: RoutingPolicy

    def options(self, p: float, drawings: int, looked: int, depth: int) -> dict[str, float]:
        """Return the expected seconds of each way on that the crowd can go; specialists are few, and asked last."""
        policy, out = self.policy, {}
        if drawings < policy.max_drawings:
            after = self._redrawn(drawings + 1)
            out[self.kind] = policy.price(self.kind) + self._ahead(after, drawings + 1, looked, depth - 1)
        look = LOOK_KINDS.get(ASPECTS[self.kind])
        if look and looked < policy.max_looks:
            rows = skill.VERDICT_POOL[look]
            loss = policy.price(look)
            for group in (0, 1):
                chance = p * rows[0][group] + (1 - p) * rows[1][group]
                after = _updated(p, group, rows, policy)
                loss += chance * self._ahead(after, drawings, looked + 1, depth - 1)
            out[look] = loss
        return out

    def _ahead(self, p: float, drawings: int, looked: int, depth: int) -> float:
        stop = (1 - p) * self.policy.error_cost_s["geometry"]
        if 1 - p <= self.policy.target_risk:
            return stop
        if depth <= 0:
            return stop + self.policy.price(self.kind)
        return min([*self.options(p, drawings, looked, depth).values(), stop + self._specialist()])

    def _specialist(self) -> float:
        wrong = 1 - skill.draw_pool(self.kind, "specialist", False)[0]
        cost = self.policy.error_cost_s["geometry"]
        return self.policy.price(self.kind, "specialist") + wrong * cost

    def _redrawn(self, drawings: int) -> float:
        """Return P(within the tolerance) of that many drawings, if they agree as those so far do."""
        aspect = ASPECTS[self.kind]
        again = REPEATED[aspect] / (1 - REPEATED[aspect])
        gain = (1 / drawings + again) / (1 / self.count + again)
        loss = self.loss * float(gain ** LOSS_POWER[aspect])
        return p_similar(loss, self.policy.tolerance_shape[aspect])
