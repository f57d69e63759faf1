"""What the pool of annotators is like: the priors that one annotator's track record is shrunk towards.

Rates of Tessera's design notes: single verification lets 8 % of wrong objects pass and refuses 5 % of right ones,
a grid page 16 % and 3 %. They are the two-coin model of Branson, Van Horn and Perona (CVPR 2017) widened to three
states, because "wrong outline" and "nothing there" lead to different next steps.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

Row = tuple[float, float, float]
Rows = tuple[Row, Row, Row]
PoolOf = Callable[[str, bool], Row | Rows]  # the pool's rates by tier, and whether the domain was declared

# Verdicts fall in three groups. A grid page says only "ok" or "bad", and "bad" is the second group.
GROUP = {
    "ok": 0,
    "geometry": 1,
    "wrong_class": 1,
    "group": 1,
    "part": 1,
    "bad": 1,
    "not_object": 2,
    "duplicate": 2,
}

# P(group | state): rows good, geometry, phantom. People who see a wrong outline let more pass than people who see
# nothing at all, since most wrong outlines lie near the tolerance.
VERIFY: Rows = ((0.95, 0.04, 0.01), (0.14, 0.80, 0.06), (0.05, 0.12, 0.83))
GRID: Rows = ((0.97, 0.03, 0.0), (0.26, 0.74, 0.0), (0.10, 0.90, 0.0))
VERDICT_POOL: dict[str, Rows] = {
    "verify_box": VERIFY,
    "grid_verify": GRID,
    "coverage_tile": GRID,  # an object pointed out as bad while searching
    "adjudicate": VERIFY,
    "verify_mask": VERIFY,
    "verify_cuboid": VERIFY,
}

# The state of a version that a person drew: P(good), P(geometry), P(phantom). Of a choice, "good" is the right one.
DRAW_POOL: dict[str, Row] = {
    "draw_missed": (0.84, 0.12, 0.04),
    "fix_box": (0.86, 0.12, 0.02),
    "adjudicate": (0.95, 0.04, 0.01),
    "fix_polygon": (0.80, 0.18, 0.02),
    "fix_mask": (0.84, 0.14, 0.02),
    "keypoints": (0.80, 0.19, 0.01),
    "polyline": (0.80, 0.18, 0.02),
    "cuboid_cam": (0.60, 0.38, 0.02),
    "cuboid_lidar": (0.80, 0.18, 0.02),
    "attributes": (0.90, 0.09, 0.01),
    "classify_image": (0.90, 0.09, 0.01),
    "triage_scene": (0.93, 0.06, 0.01),
    "label_region": (0.90, 0.09, 0.01),
    "merge_duplicates": (0.93, 0.06, 0.01),
    "name_unknown": (0.88, 0.11, 0.01),
    "point_yesno": (0.93, 0.06, 0.01),
}

# Factor on every error rate, by tier.
TIER_ERROR = {"crowd": 1.0, "senior": 0.8, "specialist": 0.55, "adjudicator": 0.45}
DECLARED_ERROR = 0.85  # the same for a domain that the annotator declared or passed an entry test in

BOX_SIGMA = 0.045  # edge noise relative to sqrt(area): mean IoU .88 with the truth
IOU_LOSS_PER_SIGMA = 2.7  # E[1 - IoU] of a box whose four edges jitter by sigma * sqrt(area)

COMPARE_RIGHT = 0.88  # P(the better of two versions is chosen)

# Size bands of an object as shown, in screen px of sqrt(area): upper limits.
BANDS = (16.0, 24.0, 36.0, 56.0, 96.0, math.inf)

SECONDS = {
    "coverage_tile": 10.0,
    "draw_missed": 6.0,
    "verify_box": 2.0,
    "grid_verify": 0.75,
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
    "attributes": 2.5,
    "classify_image": 2.2,
    "triage_scene": 1.5,
    "label_region": 25.0,
    "merge_duplicates": 2.3,
    "name_unknown": 8.0,
}
LOG_SD = 0.6  # spread of the logarithm of one answer's time

# Difficulty d ~ N(0, 1), shared by all who look: three-point Gauss-Hermite quadrature with more weight in the tails
# than the exact one, because misses that everybody shares are what closes a tile too early.
DIFFICULTY = ((-1.5, 0.2), (-0.5, 0.3), (0.5, 0.3), (1.5, 0.2))


def sigmoid(x: float) -> float:
    """Return the logistic function of x."""
    return 1.0 / (1.0 + math.exp(-x)) if x > -700 else 0.0


def logit(p: float) -> float:
    """Return the log-odds of p, cut at 1e-6 from both ends."""
    p = min(max(p, 1e-6), 1 - 1e-6)
    return math.log(p / (1 - p))


def band(size_px: float) -> int:
    """Return the index of the size band that holds `size_px` screen pixels."""
    for index, limit in enumerate(BANDS):
        if size_px < limit:
            return index
    return len(BANDS) - 1


def band_size(limit: float) -> float:
    """Return a typical size, in screen px, of the objects in the band below `limit`."""
    return min(limit, 128.0) * 0.8


def pool_recall(size_px: float) -> float:
    """Return the share of objects of this size (screen px) that one look of an average annotator finds."""
    base = 1.4 + 1.6 * math.log2(max(size_px, 2.0) / 48.0)
    return sum(weight * sigmoid(base - d) for d, weight in DIFFICULTY)


def scaled(row: Row, right: int, factor: float) -> Row:
    """Return the row with every error rate multiplied by `factor`; the entry `right` takes up the rest."""
    errors = [p * factor for p in row]
    errors[right] = 0.0
    total = min(sum(errors), 0.95)
    errors[right] = 1.0 - total
    return (errors[0], errors[1], errors[2])


@cache
def verdict_pool(kind: str, tier: str, declared: bool) -> Rows:
    """Return P(group | state) of the pool for one kind, by tier; raise KeyError for a kind without verdicts."""
    factor = TIER_ERROR[tier] * (DECLARED_ERROR if declared else 1.0)
    rows = VERDICT_POOL[kind]
    right = (0, 1, 1) if kind in ("grid_verify", "coverage_tile") else (0, 1, 2)
    return (
        scaled(rows[0], right[0], factor),
        scaled(rows[1], right[1], factor),
        scaled(rows[2], right[2], factor),
    )


def quoted(domain: str) -> str:
    """Return the domain as part of a key: without the bars that separate a key's parts."""
    return domain.replace("%", "%25").replace("|", "%7C")


@cache
def draw_pool(kind: str, tier: str, declared: bool) -> Row:
    """Return P(state of a drawn version) of the pool for one kind, by tier; raise KeyError for a kind without drawing."""
    return scaled(DRAW_POOL[kind], 0, TIER_ERROR[tier] * (DECLARED_ERROR if declared else 1.0))


def shrink(counts: Sequence[float], prior: Row, strength: float) -> Row:
    """Return the Dirichlet mean of `counts` with `strength` pseudo-answers distributed as `prior`."""
    total = sum(counts) + strength
    return (
        (counts[0] + strength * prior[0]) / total,
        (counts[1] + strength * prior[1]) / total,
        (counts[2] + strength * prior[2]) / total,
    )


@dataclass(frozen=True, slots=True)
class SpamType:
    """How one kind of careless annotator answers, whatever the picture shows."""

    name: str
    verify: Row
    grid: Row
    drawn: Row  # good, geometry, phantom
    recall: float
    say: str


SPAM_TYPES = (
    SpamType(
        "yes",
        (0.97, 0.02, 0.01),
        (0.985, 0.015, 0.0),
        (0.40, 0.55, 0.05),
        0.05,
        "says yes to nearly everything",
    ),
    SpamType(
        "no", (0.06, 0.70, 0.24), (0.10, 0.90, 0.0), (0.40, 0.50, 0.10), 0.30, "refuses nearly everything"
    ),
    SpamType(
        "random", (0.50, 0.30, 0.20), (0.55, 0.45, 0.0), (0.10, 0.45, 0.45), 0.15, "answers as if at random"
    ),
)
