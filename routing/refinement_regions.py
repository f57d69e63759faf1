"""Many people's answers to one block of segments (`label_region`) made into one, segment by segment.

A block counts by area: P(right) is the expected share of its pixels with the right class, which mean IoU follows; so a
dispute about a sliver costs nobody a look, and what is asked again is only what is disputed.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from routing.annotation.segments import cells_of, pixels_of
from routing.annotation.shapes import shape_to_json
from routing.consensus.masks import encode_mask
from routing.refinement_fusing import Fused, most_probable

PASS_SHARE = 0.85  # of the asked area with the right class: an answer that is right as a whole

Ask = Mapping[str, Any]
Values = Sequence[Mapping[str, Any]]


def fuse_regions(ask: Ask, values: Values, rights: Sequence[float], discount: float) -> Fused:
    """Return `{assign: {segment id: class or None}}` of everybody's answers; a segment counts who was asked about it.

    rights: P(each person chooses right). discount: exponent on every further answer, because people find the same
    segments hard. A segment that nobody was asked about is unlikely to be right: 1 / its options.
    """
    posterior = _posteriors(ask, values, rights, discount)
    area = _area(ask)
    share = sum(area[name] * p for name, (_, p) in posterior.items()) / max(sum(area.values()), 1)
    return Fused({"assign": {name: label for name, (label, _) in posterior.items()}}, share, 1 - share)


def contested(
    ask: Ask, values: Values, rights: Sequence[float], discount: float, target_risk: float
) -> list[int]:
    """Return the segments whose class is less certain than the block is to be, in the order of the block."""
    posterior = _posteriors(ask, values, rights, discount)
    return [int(name) for name, (_, p) in posterior.items() if 1 - p > target_risk]


def narrowed(ask: Ask, assign: Mapping[str, Any], segments: Sequence[int] | None) -> dict[str, Any]:
    """Return the question about some of the segments only: the others are shown with the class they have by now."""
    if segments is None:
        return dict(ask)
    still = {str(id) for id in segments}
    known = {name: label for name, label in assign.items() if name not in still and label is not None}
    return {**ask, "open": list(segments), "known": {**ask["known"], **known}}


def ruled(crowd: Mapping[str, Any], ruling: Mapping[str, Any]) -> dict[str, Any]:
    """Return what stands after a ruling about some of the segments."""
    return {"assign": {**crowd["assign"], **ruling["assign"]}}


def agreement(ask: Ask, given: Mapping[str, Any], truth: Mapping[str, Any]) -> float:
    """Return the share of the area that somebody was asked about to which they gave the settled class."""
    area = _area(ask)
    asked = [name for name in given["assign"] if name in area and name in truth["assign"]]
    right = sum(area[name] for name in asked if given["assign"][name] == truth["assign"][name])
    return right / max(sum(area[name] for name in asked), 1)


def painted(ask: Ask, assign: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return `{"class", "shape": mask}` of every class in the block, in scene pixels; void has none."""
    ids, corner = pixels_of(ask["segments"])
    members: dict[int, list[int]] = {}
    for name, label in {**ask["known"], **assign}.items():
        if label is not None:
            members.setdefault(int(label), []).append(int(name))
    out = []
    for label in sorted(members):
        pixels = np.isin(ids, members[label])
        rows, columns = np.flatnonzero(pixels.any(axis=1)), np.flatnonzero(pixels.any(axis=0))
        if len(rows):
            part = pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
            offset = (corner[0] + int(columns[0]), corner[1] + int(rows[0]))
            out.append({"class": label, "shape": shape_to_json(encode_mask(part, offset))})
    return out


def _posteriors(
    ask: Ask, values: Values, rights: Sequence[float], discount: float
) -> dict[str, tuple[int | None, float]]:
    options = (*(int(c) for c in ask["classes"]), None)
    found: dict[str, tuple[int | None, float]] = {}
    for name in map(str, ask["open"]):
        said = [
            (v["assign"][name], right) for v, right in zip(values, rights, strict=True) if name in v["assign"]
        ]
        found[name] = most_probable(options, [label for label, _ in said], [r for _, r in said], discount)
    return found


def _area(ask: Ask) -> dict[str, int]:
    cells = cells_of(ask["segments"])
    return {str(id): cells.get(int(id), 0) for id in ask["open"]}
