"""What a schema wants to know of whole scenes, block by block: which class covers each segment (`label_region`).

A scene's picture is cut when it is opened, in the process that streams a run's results in; every block is a refinement of
its own, `region:<x>-<y>`. Of `region_share` of the blocks people are asked; which ones is the same whenever it is computed.
"""

from collections.abc import Iterator
from typing import Any

from engine.pixels import Pixels
from engine.segments import blocks, chosen, segments_of
from routing.annotation.segments import segments_to_json
from routing.policy import RoutingPolicy
from routing.refinement import RefinementCase, current, unsettled_segments
from routing.refinement_regions import narrowed, painted
from webapp.labeling.payloads import Rect
from webapp.labeling.wants import Want
from webapp.scenes.models import Scene
from webapp.scenes.queries import file_of

HALO_PX = 24.0  # what is shown around a block


def questions(scene: Scene, want: Want) -> Iterator[tuple[str, dict[str, Any]]]:
    """The aspect and the kind's own part of the payload of every block that is asked about.

    Raises ImageRefused when the scene's picture cannot be read.
    """
    pixels = Pixels(file_of(scene))
    for rect in blocks(scene.width, scene.height):
        if not chosen(rect, scene.sha256, want.ask["share"]):
            continue
        x, y, w, h = rect
        segments = segments_to_json(segments_of(pixels[y : y + h, x : x + w]), rect)
        ids = list(dict.fromkeys(int(id) for id, _ in segments["runs"]))
        ask = {"segments": segments, "open": ids, "known": {}, "classes": want.ask["classes"]}
        yield f"region:{x}-{y}", ask


def view_of(segments: dict[str, Any], scene: Scene) -> Rect:
    """The block with a halo, cut at the border of the scene."""
    x, y, w, h = segments["rect"]
    left, top = max(x - HALO_PX, 0.0), max(y - HALO_PX, 0.0)
    right, bottom = min(x + w + HALO_PX, scene.width), min(y + h + HALO_PX, scene.height)
    return (left, top, right - left, bottom - top)


def unsettled(
    case: RefinementCase, policy: RoutingPolicy, segments: list[int] | None = None
) -> dict[str, Any] | None:
    """The question about what is still open of a block: these segments, or all that the answers leave open.

    None for every other kind, and where nobody has answered.
    """
    if case.kind != "label_region" or not case.drawn:
        return None
    still = unsettled_segments(case, policy) if segments is None else segments
    return narrowed(case.ask, current(case, policy).value["assign"], still)


def stored(case: RefinementCase, value: dict[str, Any]) -> dict[str, Any]:
    """The settled value as it is kept and exported: of a block with the mask of every class."""
    if case.kind != "label_region":
        return value
    return {**value, "regions": painted(case.ask, value["assign"])}
