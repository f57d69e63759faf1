"""What a refinement teaches of those who answered it, and what their records say of their next answer."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from routing import skill
from routing.annotation.shapes import shape_from_json
from routing.outcomes import DRAWN, RIGHT, WRONG, Outcome
from routing.policy import RoutingPolicy
from routing.refinement import RefinementCase, Said
from routing.refinement_fusing import ASPECTS, is_drawn, questions, similarity
from routing.refinement_pairs import chose_well
from routing.refinement_points import holds
from routing.refinement_regions import PASS_SHARE, agreement
from routing.skill import Rows
from routing.track_record import ANNOTATOR_WEIGHT, TrackRecord

USUAL_LOSS = 0.15  # 1 - similarity of one person's shape to the settled one, until their record says better


def author_of(record: TrackRecord, kind: str, domain: str) -> tuple[float, float, Rows]:
    """Return what a record says of somebody's refinements: relative noise, P(right choice), and rows of their looks."""
    if kind in skill.VERDICT_POOL:
        return 1.0, 1.0, record.verdict_rows(kind, domain)
    if kind == "compare_two":
        return 1.0, record.compare_accuracy(), skill.VERIFY
    key = f"d|{kind}|{skill.quoted(domain)}" if domain else f"d|{kind}|"
    *_, loss, n = record.amounts(key)
    usual = USUAL_LOSS * float(np.sqrt(skill.TIER_ERROR[record.tier]))
    noise = (loss + ANNOTATOR_WEIGHT * usual) / (n + ANNOTATOR_WEIGHT) / USUAL_LOSS
    return max(noise, 0.1), record.draw_quality(domain, kind).good, skill.VERIFY


def credit_refinement(
    case: RefinementCase,
    value: Mapping[str, Any],
    risk: float,
    *,
    domain: str,
    cls: int | None,
    policy: RoutingPolicy,
) -> list[tuple[int, Outcome]]:
    """Return who was how right, once a refinement is settled with this value and risk; the person who ruled is left out.

    Shapes: right within the tolerance, with their similarity; looks: against the shape that was shown; choices between two
    drawings: by which is nearer; whoever deleted what is there drew a phantom. Choices: right when equal in every part.
    """
    out: list[tuple[int, Outcome]] = []
    for said in case.said:
        if said.rules:
            continue
        given, truth, alike = _judged(case, said, value, policy)
        out.append(
            (
                said.annotator,
                Outcome(
                    said.kind, domain, cls, given, truth, weight=1 - risk, seconds=said.seconds, iou=alike
                ),
            )
        )
    return out


def _judged(
    case: RefinementCase, said: Said, value: Mapping[str, Any], policy: RoutingPolicy
) -> tuple[str, str, float | None]:
    """Return what was given, the true state of it, and the similarity of a shape with the settled one."""
    if "verdict" in said.value:
        close = _alike(case, said.value["shape"], value["shape"])
        verdict = str(said.value["verdict"])
        return verdict, "good" if close >= policy.tolerance_shape[ASPECTS[case.kind]] else "geometry", None
    if "choice" in said.value:
        drawings = {s.annotator: s.value["shape"] for s in case.drawn}
        a, b = (_alike(case, drawings[said.value[side]], value["shape"]) for side in "ab")
        well = chose_well(said.value["choice"], a, b, policy.tolerance_shape[ASPECTS[case.kind]])
        return RIGHT if well else WRONG, "good", None
    if "on" in said.value:
        right = holds(value, said.value["point"]) == said.value["on"]
        return DRAWN, "good" if right else "geometry", None
    if case.kind == "label_region":
        share = agreement(case.ask, said.value, value)
        return DRAWN, "good" if share >= PASS_SHARE else "geometry", share
    if not is_drawn(case.kind):
        same = all(
            _part(case.kind, said.value, q.name) == _part(case.kind, value, q.name) for q in _asked(case)
        )
        return DRAWN, "good" if same else "geometry", None
    if said.value.get("deleted", False):
        return DRAWN, "phantom", None
    close = _alike(case, said.value["shape"], value["shape"])
    right = close >= policy.tolerance_shape[ASPECTS[case.kind]]
    return DRAWN, "good" if right else "geometry", min(close, 1.0)


def _asked(case: RefinementCase) -> tuple[Any, ...]:
    return questions(case.kind, case.ask)


def _part(kind: str, value: Mapping[str, Any], name: str) -> Any:
    return value["attributes"][name] if kind == "attributes" else value[name]


def _alike(case: RefinementCase, a: Any, b: Any) -> float:
    if a == b:
        return 1.0
    return similarity(case.kind, case.ask, shape_from_json(a, "shape"), shape_from_json(b, "shape"))
