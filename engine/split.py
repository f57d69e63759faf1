"""What to ask about a scene: an action for every predicted object, and the tiles in which people search. Pure.

For each object the expected loss in seconds of the cheapest question (from `routing.redundancy`, which prices answers
and errors) is compared with dropping it and letting the search find it, and with accepting it unseen where its class
holds a certificate. So a project changes this through its RoutingPolicy alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from engine.tiling import by_density, halo_for, owner, tile_side
from engine.types import (
    Action,
    CoverageTile,
    ObjectPlan,
    PredictedObject,
    ScenePlan,
    ScenePrediction,
    SceneRef,
    TileRef,
)
from routing.belief import Belief
from routing.policy import RoutingPolicy
from routing.redundancy import Accept, Ask, ObjectCase, Reject, next_step

SEARCH_RECALL = 0.9  # of people over all looks at a tile: what is dropped here is not always found again
ACTIONS: dict[str, Action] = {
    "grid_verify": "grid",
    "verify_box": "verify",
    "fix_box": "fix",
    "adjudicate": "specialist",
}


@dataclass(frozen=True, slots=True)
class SplitOptions:
    """How a scene is cut for people. `object_px`: size of the smallest objects that matter, in scene pixels.

    `large_px`: size of large ones (95th percentile), for the halo. `certified`: per class id the least `p` from which
    objects may be accepted unseen; classes that are missing hold no certificate. `most_per_tile` splits crowded tiles.
    """

    object_px: float = 16.0
    large_px: float = 64.0
    certified: Mapping[int, float] | None = None
    most_per_tile: int = 12
    domain: str = "general"
    probes: int = 0


PROBE_FLOOR = 0.01  # least p of what a probe could speak for: below it nothing is worth a question anyhow
PROBE_SPEAKS_FOR = 4  # proposals for each probe
PROBE = "a probe of how well the model does here"
Decision = tuple[
    Action, str, float, float
]  # what, why, its expected loss in seconds, and that of the next best


def plan_scene(
    scene: SceneRef, prediction: ScenePrediction | None, policy: RoutingPolicy, options: SplitOptions
) -> ScenePlan:
    """Decide about every object of a prediction (None: nothing is predicted, people search everywhere)."""
    objects = prediction.objects if prediction else ()
    decided = [_decide(o, policy, options) for o in objects]
    live = [o for o, plan in zip(objects, decided, strict=True) if plan[0] != "drop"]
    tiles = _tiles(scene, live, options)
    size = (scene.width, scene.height)
    homes = [owner(tiles, _centre(item), size) for item in objects]
    for place in _probes(objects, decided, [home.tile_id for home in homes], options.probes):
        decided[place] = ("grid", PROBE, *decided[place][2:])
    plans = []
    for item, home, (action, reason, cost, instead) in zip(objects, homes, decided, strict=True):
        auto = action == "auto_accept"
        plans.append(ObjectPlan(item.object_id, home.tile_id, action, auto, reason, cost, instead))
    return ScenePlan(scene.scene_id, _coverage(tiles, objects, plans, prediction), tuple(plans))


def _probes(
    objects: Sequence[PredictedObject], decided: Sequence[Decision], homes: Sequence[str], count: int
) -> list[int]:
    """The most likely of what would be dropped, in turn over the tiles, so that all of them tell; none where they would
    speak for few."""
    turn: dict[str, int] = {}
    ranked: list[tuple[int, float, int]] = []
    dropped = [i for i, plan in enumerate(decided) if plan[0] == "drop" and objects[i].p >= PROBE_FLOOR]
    if len(dropped) < PROBE_SPEAKS_FOR * count:
        return []
    for i in sorted(dropped, key=lambda i: -objects[i].p):
        turn[homes[i]] = turn.get(homes[i], 0) + 1
        ranked.append((turn[homes[i]], -objects[i].p, i))
    return [i for _, _, i in sorted(ranked)[:count]]


def _tiles(scene: SceneRef, live: Sequence[PredictedObject], options: SplitOptions) -> list[TileRef]:
    side = tile_side(options.object_px)
    points = np.array([_centre(o) for o in live], dtype=np.float64).reshape(-1, 2)
    halo = halo_for(options.large_px, side)
    return by_density(scene.width, scene.height, points, side=side, halo=halo, most=options.most_per_tile)


def _decide(item: PredictedObject, policy: RoutingPolicy, options: SplitOptions) -> Decision:
    """(action, reason, its expected loss, that of the best other action) in seconds of crowd time."""
    belief = Belief.of_model(item.p, item.p_there)
    least = (options.certified or {}).get(item.class_id)
    novelty = item.signals.get("novelty", 0.0)
    # A certificate speaks of objects like those it was drawn from.
    certified = least is not None and item.p >= least and novelty < policy.novelty_limit
    x1, y1, x2, y2 = item.xyxy
    case = ObjectCase(
        belief,
        cls=item.class_id,
        size_px=max((x2 - x1) * (y2 - y1), 0.0) ** 0.5,
        auto=certified,
        novelty=novelty,
    )
    step = next_step(case, policy, domain=options.domain)
    lost = _loss_if_dropped(item.p_there, policy)
    unseen = (
        policy.error_cost_s["geometry"] * belief.geometry + policy.error_cost_s["phantom"] * belief.phantom
    )
    match step:
        case Accept():
            return "auto_accept", f"p {item.p:.2f} is certified for its class", unseen, lost
        case Reject():
            return "drop", f"p_there {item.p_there:.2f} is below the rejection limit", lost, unseen
        case Ask():
            kind, cost = step.kind, min(step.terms.values())
            if lost < cost:
                return "drop", f"a question costs {cost:.1f} s, finding it again {lost:.1f} s", lost, cost
            second = sorted([*step.terms.values(), lost])[1]
            return ACTIONS[kind], step.reason, cost, second
        case _:
            cost = policy.price("adjudicate", "specialist")
            return "specialist", step.reason, cost, lost


def worth_asking(p: float, p_there: float, cls: int, side: float, policy: RoutingPolicy, domain: str) -> bool:
    """Whether a proposal is worth a question: class id, side (sqrt of the area) in scene pixels."""
    box = (0.0, 0.0, side, side)
    item = PredictedObject(0, cls, {"type": "box", "xyxy": list(box)}, p, p, p_there, {})
    return _decide(item, policy, SplitOptions(domain=domain))[0] not in ("drop", "specialist")


def _loss_if_dropped(p_there: float, policy: RoutingPolicy) -> float:
    """Seconds: if it is real, people must find, draw and verify it, or it stays missed."""
    again = policy.click_s + policy.price("draw_missed") + policy.price("verify_box")
    return p_there * (SEARCH_RECALL * again + (1 - SEARCH_RECALL) * policy.error_cost_s["missed"])


def _coverage(
    tiles: Sequence[TileRef],
    objects: Sequence[PredictedObject],
    plans: Sequence[ObjectPlan],
    prediction: ScenePrediction | None,
) -> tuple[CoverageTile, ...]:
    """Expected number of missing objects per tile: what was dropped, and what the model did not propose at all."""
    shown: dict[str, int] = {}
    real: dict[str, float] = {}
    dropped: dict[str, float] = {}
    for item, plan in zip(objects, plans, strict=True):
        real[plan.tile_id] = real.get(plan.tile_id, 0.0) + item.p_there
        if plan.action == "drop":
            dropped[plan.tile_id] = dropped.get(plan.tile_id, 0.0) + item.p_there
        else:
            shown[plan.tile_id] = shown.get(plan.tile_id, 0) + 1
    recall = max(prediction.recall, 0.05) if prediction and prediction.recall > 0 else 1.0
    out = []
    for tile in tiles:
        unseen = real.get(tile.tile_id, 0.0) * (1 - recall) / recall
        missing = dropped.get(tile.tile_id, 0.0) + unseen
        area = tile.core[2] * tile.core[3]
        out.append(CoverageTile(tile, shown.get(tile.tile_id, 0), missing, missing / max(area, 1.0) * 1e4))
    return tuple(out)


def _centre(item: PredictedObject) -> tuple[float, float]:
    x1, y1, x2, y2 = item.xyxy
    return ((x1 + x2) / 2, (y1 + y2) / 2)
