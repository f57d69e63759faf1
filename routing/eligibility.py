"""The hard filter: who may answer what, and the reason in words when not."""

from dataclasses import dataclass, field

from routing.belief import Belief
from routing.policy import TIERS, RoutingPolicy
from routing.track_record import TrackRecord


@dataclass(frozen=True, slots=True)
class Waiting:
    """An annotator who wants work.

    want: offers to hold at once. held: offers held now. answers_today: for the load cap. kinds: None for all kinds.
    paused: why no more offers are made, or "".
    """

    id: int
    tier: str = "crowd"
    domains: frozenset[str] = frozenset()
    languages: frozenset[str] = frozenset()
    record: TrackRecord = field(default_factory=TrackRecord.new)
    want: int = 1
    held: int = 0
    last_kind: str | None = None
    last_lane: str | None = None
    answers_today: int = 0
    simulated: bool = False
    kinds: frozenset[str] | None = None
    paused: str = ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One open assignment in the window.

    tier: least tier that may answer. language: "" when the task has no words. excluded: annotators who may not
    (separation of duties). value: expected loss at stake now, seconds. belief: of the object, None for a tile or
    page. age_s: time open. expected_s: median human time.
    """

    assignment: int
    microtask: int
    project: int
    kind: str
    lane: str
    domain: str = ""
    cls: int | None = None
    tier: str = "crowd"
    language: str = ""
    excluded: frozenset[int] = frozenset()
    value: float = 1.0
    belief: Belief | None = None
    priority: float = 0.0
    age_s: float = 0.0
    expected_s: float = 2.0
    gold: bool = False


@dataclass(frozen=True, slots=True)
class Reason:
    """Why not: a code (tier, domain, language, excluded, paused, load_cap, kind) and a sentence."""

    code: str
    text: str


def rank(tier: str) -> int:
    """Return the position of a tier, crowd = 0; raise ValueError for an unknown one."""
    if tier not in TIERS:
        raise ValueError(f"tier: {tier!r} is not one of {', '.join(TIERS)}")
    return TIERS.index(tier)


def over_load(annotator: Waiting, policy: RoutingPolicy, fair_share: float) -> bool:
    """Return whether the annotator has given more than load_cap times the fair share of today's answers."""
    return annotator.answers_today > max(policy.load_free, policy.load_cap * fair_share)


def why_not(
    annotator: Waiting, candidate: Candidate, policy: RoutingPolicy, *, fair_share: float | None = None
) -> list[Reason]:
    """Return every reason against this pairing; an empty list means eligible.

    fair_share: today's answers per active annotator; None leaves the load cap alone.
    """
    reasons: list[Reason] = []
    if annotator.paused:
        reasons.append(Reason("paused", annotator.paused))
    if annotator.kinds is not None and candidate.kind not in annotator.kinds:
        reasons.append(Reason("kind", f"you do not take tasks of the kind {candidate.kind}"))
    if rank(annotator.tier) < rank(candidate.tier):
        reasons.append(Reason("tier", f"it needs the tier {candidate.tier}; yours is {annotator.tier}"))
    if candidate.domain and candidate.domain not in annotator.domains:
        reasons.append(Reason("domain", f"it needs a qualification in {candidate.domain}"))
    if candidate.language and candidate.language not in annotator.languages:
        reasons.append(Reason("language", f"its guideline is in {candidate.language}"))
    if annotator.id in candidate.excluded:
        reasons.append(Reason("excluded", "you have already worked on it; another pair of eyes must decide"))
    if fair_share is not None and over_load(annotator, policy, fair_share):
        reasons.append(Reason("load_cap", "you have done several fair shares today; others come first"))
    return reasons
