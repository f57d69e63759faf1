"""A simulated person at the feed: answers a payload, and takes time for it."""

import json
import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from routing.simulation.answers import ANSWERS, Mind, Reply
from routing.simulation.choices import CHOICES
from routing.simulation.crowd import Profile
from routing.simulation.perception import RARE_SHARE
from routing.simulation.shapes import SHAPES
from routing.simulation.truth import Truth

# Median seconds, and the spread of the logarithm.
MEDIAN_S = {
    "coverage_tile": 8.0,
    "draw_missed": 5.5,
    "verify_box": 2.0,
    "grid_verify": 0.7,
    "fix_box": 4.5,
    "compare_two": 3.0,
    "adjudicate": 15.0,
    "fix_polygon": 22.0,
    "fix_mask": 12.0,
    "verify_mask": 2.5,
    "point_yesno": 1.3,
    "keypoints": 18.0,
    "polyline": 10.0,
    "cuboid_cam": 25.0,
    "cuboid_lidar": 22.0,
    "verify_cuboid": 5.0,
    "attributes": 1.5,
    "classify_image": 2.0,
    "triage_scene": 1.3,
    "label_region": 4.0,
    "merge_duplicates": 2.3,
    "name_unknown": 8.0,
}
DRAWN = (
    "draw_missed",
    "fix_box",
    "fix_polygon",
    "fix_mask",
    "keypoints",
    "polyline",
    "cuboid_cam",
    "cuboid_lidar",
)
LOG_SD = {"coverage_tile": 0.5, "adjudicate": 0.6, **dict.fromkeys(DRAWN, 0.6)}
OTHER_LOG_SD = 0.5
PER_CLICK_S = {
    "coverage_tile": 1.9,
    "verify_box": 0.8,
    "verify_mask": 0.8,
    "adjudicate": 5.0,
    "attributes": 1.2,
    "label_region": 2.0,
}
PAGE_S = 2.0  # settling on a new page
PAUSE_SHARE, PAUSE_S, PAUSE_TAIL = 0.02, 20.0, 1.5
IDLE_AFTER_S = 10.0  # a pause counts as active this long, as in the workbench
SWITCH_TASKS, SWITCH_FACTOR = 3, 1.57
MEMORY = 0.05  # weight of the last task in what share of wrong ones a person expects
SKIP_SHARE, REPORT_SHARE = 0.002, 0.0005
SESSION_S = 2 * 3600.0

_ALL = {**ANSWERS, **SHAPES, **CHOICES}


@dataclass(frozen=True, slots=True)
class Simulated:
    """An answer: outcome, value (None unless answered), active and idle time, report, and the blind ruling."""

    outcome: str
    value: dict[str, Any] | None
    active_ms: float
    report: dict[str, str] | None = None
    idle_ms: float = 0.0
    blind: dict[str, Any] | None = None


class SimulatedAnnotator:
    """Sees only the payload and the truth of its scene. The same person gives the same answer to the same task."""

    def __init__(self, profile: Profile, *, visible_gold: bool = True) -> None:
        """visible_gold: feedback on gold teaches three times as much as practice alone."""
        self.profile = profile
        self.visible_gold = visible_gold
        self._last_kind = ""
        self._since_switch = 0
        self._bad_lately = 0.25

    def answer(self, payload: Mapping[str, Any], truth: Truth, *, tasks_done: int, now_s: float) -> Simulated:
        """Return the answer to a payload of docs/microtask-kinds.md; raise KeyError for an unknown kind.

        tasks_done: answers given before, for learning. now_s: seconds worked so far, for fatigue.
        """
        kind = payload["kind"]
        rng = np.random.default_rng([self.profile.seed, _fingerprint(payload)])
        if kind != self._last_kind:
            self._last_kind, self._since_switch = kind, 0
        self._since_switch += 1
        mind = Mind(self.profile, self._theta(tasks_done, now_s), self._bad_lately < RARE_SHARE, rng)
        if rng.random() < SKIP_SHARE and kind != "adjudicate":
            return Simulated("skip", None, 1000.0)
        if rng.random() < REPORT_SHARE and kind != "adjudicate":
            return Simulated("report", None, 4000.0, {"code": "other", "text": "simulated"})
        reply = _ALL[kind](payload, truth, mind)
        if reply.bad_share is not None:
            self._bad_lately += MEMORY * (reply.bad_share - self._bad_lately)
        active, idle = self._seconds(kind, reply, tasks_done, now_s, rng)
        if reply.value is None:
            return Simulated("unsure", None, 1000 * active, None, 1000 * idle)
        blind = None
        if kind == "adjudicate":
            blind = {name: reply.value[name] for name in ("ruling", "xyxy", "class")}
        return Simulated("answered", reply.value, 1000 * active, None, 1000 * idle, blind)

    def _theta(self, tasks_done: int, now_s: float) -> float:
        learned = (0.3 if self.visible_gold else 0.1) * min(tasks_done / 100, 1.0)
        tired = 0.05 * max(now_s - SESSION_S, 0.0) / 3600
        return self.profile.theta + learned - min(tired, 0.3)

    def _seconds(
        self, kind: str, reply: Reply, tasks_done: int, now_s: float, rng: np.random.Generator
    ) -> tuple[float, float]:
        median = MEDIAN_S[kind]
        if kind == "grid_verify":
            median = PAGE_S + median * max(reply.clicks, 1)
        else:
            median += PER_CLICK_S.get(kind, 0.0) * reply.clicks + reply.extra_s
        pace = self.profile.speed * (0.7 + 0.3 * math.exp(-tasks_done / 60))
        pace *= math.exp(0.25 * max(min(reply.difficulty, 3.0), -2.0))
        pace *= 1 + 0.05 * min(now_s / 3600, 4.0)
        if self._since_switch <= SWITCH_TASKS:
            pace *= SWITCH_FACTOR
        if self.profile.kind == "bot":
            return 0.3 + 0.2 * float(rng.random()), 0.0
        seconds = median * pace * math.exp(LOG_SD.get(kind, OTHER_LOG_SD) * float(rng.normal()))
        pause = PAUSE_S * float(rng.pareto(PAUSE_TAIL) + 1) if rng.random() < PAUSE_SHARE else 0.0
        active = max(seconds, 0.25) + min(pause, IDLE_AFTER_S)
        return min(active, 600.0), max(min(pause, 3600.0) - IDLE_AFTER_S, 0.0)


def _fingerprint(payload: Mapping[str, Any]) -> int:
    """Return a number that is the same whenever the same question is asked, whatever the order of the feed."""
    names = ("kind", "view", "object", "seed", "cells", "tile", "a", "b", "shape", "point", "open")
    asked: dict[str, Any] = {name: payload[name] for name in names if name in payload}
    asked["scene"] = (payload.get("scene") or {}).get("id")
    asked["shown"] = len(payload.get("objects") or ())
    if "cells" in asked:
        asked["cells"] = [cell["xyxy"] for cell in asked["cells"]]
    return zlib.crc32(json.dumps(asked, sort_keys=True, default=str).encode())
