"""A made-up job: scenes with objects of several domains, a proposer of stated precision, and a crowd with tastes."""

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from routing.annotation import boxes as bx
from routing.simulation.crowd import Profile, make_crowd
from routing.simulation.perception import BOX_T_SCALE
from routing.simulation.truth import Truth, make_truth
from routing.skill import logit, sigmoid

SCENE_WH = (2000.0, 1600.0)
CELL_PX = 100.0  # places lie on this raster; objects overlap their neighbours now and then
SIZE_PX, SIZE_SD = 44.0, 0.35  # median of sqrt(area) in scene pixels, spread of its logarithm
TILE_PX = 500.0  # side of a tile's core
CLASSES = 2
PHANTOM_SHARE = 0.4  # of the proposals that are wrong; the others lie on an object, but badly
CONFIDENCE = 6.0  # concentration of the Beta distribution of P(right): larger, and the scores say less
PROPOSER_NOISE = 0.025  # of a right proposal's edges, relative to sqrt(area)


class WorldError(ValueError):
    """The world asked for cannot be made; the message names the setting and the fix."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What is simulated. Shares are 0 to 1; seed makes the same world and the same crowd again.

    scenes, objects: how many, and per scene. people, specialists: of whom so many are specialists. precision, recall:
    of the proposer (recall 0: no proposer). overconfidence: factor on the proposer's log-odds; 1 is calibrated.
    domains, domain_sd: kinds of scenes, and how much a person's log-odds of being right differ between them.
    """

    scenes: int = 4
    objects: int = 60
    people: int = 40
    specialists: int = 3
    precision: float = 0.85
    recall: float = 0.75
    overconfidence: float = 1.0
    domains: int = 2
    domain_sd: float = 0.4
    seed: int = 1

    def __post_init__(self) -> None:
        """Refuse what cannot be simulated; raise WorldError."""
        most = int(SCENE_WH[0] // CELL_PX) * int(SCENE_WH[1] // CELL_PX)
        for name, low, high in (
            ("scenes", 1, 1000),
            ("objects", 1, most),
            ("people", 4, 5000),
            ("specialists", 1, self.people - 3),
            ("precision", 0.05, 0.99),
            ("recall", 0.0, 0.99),
            ("overconfidence", 0.2, 5.0),
            ("domains", 1, 26),
            ("domain_sd", 0.0, 3.0),
            ("seed", 0, 2**31 - 1),
        ):
            value = getattr(self, name)
            if not low <= value <= high:
                raise WorldError(f"{name}: {value} is out of range; give {low} to {high}")


@dataclass(frozen=True, slots=True)
class Proposal:
    """One box of the proposer with what it claims: P(right) and P(there is an object)."""

    xyxy: tuple[float, float, float, float]
    cls: int
    p_good: float
    p_exists: float


@dataclass(frozen=True, slots=True)
class Scene:
    """One scene: what is there, what the proposer shows, and the domain that it takes to judge it."""

    truth: Truth
    domain: str
    proposals: tuple[Proposal, ...]


@dataclass(frozen=True, slots=True)
class World:
    """Scenes, one scene of gold per domain (never part of the result), people, and each person's taste per domain.

    held_out: (claimed P(right), was right) of proposals on scenes that are settled already, to calibrate on.
    """

    settings: Settings
    scenes: tuple[Scene, ...]
    gold: tuple[Scene, ...]
    crowd: tuple[Profile, ...]
    taste: npt.NDArray[np.float64]
    held_out: npt.NDArray[np.float64]

    def in_domain(self, person: int, domain: str) -> Profile:
        """Return the person as they are in this domain."""
        profile = self.crowd[person]
        return replace(profile, theta=profile.theta + float(self.taste[person, int(domain[1:])]))


def make_world(settings: Settings) -> World:
    """Return the world of these settings; the same settings give the same world."""
    rng = np.random.default_rng([settings.seed, 0x776F726C])
    names = [f"d{n}" for n in range(settings.domains)]
    scenes = tuple(_scene(n, names[n % len(names)], settings, rng) for n in range(settings.scenes))
    gold = tuple(_scene(10_000 + n, name, settings, rng) for n, name in enumerate(names))
    crowd = tuple(make_crowd(settings.people, settings.seed, specialists=settings.specialists))
    taste = rng.normal(0.0, settings.domain_sd, (settings.people, settings.domains))
    claims = [_claim(settings, rng) for _ in range(500)]
    held_out = np.array([(claim, rng.random() < p) for p, claim in claims])
    return World(settings, scenes, gold, crowd, taste, held_out)


def _scene(id: int, domain: str, settings: Settings, rng: np.random.Generator) -> Scene:
    columns, rows = (int(side // CELL_PX) for side in SCENE_WH)
    places = rng.permutation(columns * rows)[: settings.objects]
    corner = np.stack([places % columns, places // columns], axis=1) * CELL_PX
    center = corner + rng.uniform(0.25, 0.75, (len(places), 2)) * CELL_PX
    size = SIZE_PX * np.exp(rng.normal(0.0, SIZE_SD, len(places)))
    aspect = np.exp(rng.normal(0.0, 0.2, len(places)))
    half = np.stack([size * aspect, size / aspect], axis=1) / 2
    boxes = bx.clip(np.concatenate([center - half, center + half], axis=1), *SCENE_WH)
    truth = make_truth(boxes, rng.integers(0, CLASSES, len(boxes)), rng, SCENE_WH, id=id)
    return Scene(truth, domain, tuple(_proposals(truth, settings, rng)))


def _claim(settings: Settings, rng: np.random.Generator) -> tuple[float, float]:
    """Return a proposal's true and claimed P(right)."""
    p = float(rng.beta(CONFIDENCE * settings.precision, CONFIDENCE * (1 - settings.precision)))
    p = min(max(p, 1e-4), 1 - 1e-4)
    return p, sigmoid(settings.overconfidence * logit(p))


def _proposals(truth: Truth, settings: Settings, rng: np.random.Generator) -> list[Proposal]:
    """Return proposals for about `recall` of the objects, and the wrong ones that the precision implies."""
    out: list[Proposal] = []
    for index in range(len(truth)):
        # What everybody finds hard, the proposer misses more often too.
        seen = sigmoid(logit(settings.recall) - 0.5 * float(truth.difficulty[index]))
        if settings.recall == 0 or rng.random() >= seen:
            continue
        p, claim = _claim(settings, rng)
        box = truth.boxes[index]
        if rng.random() < p:
            drawn = box + PROPOSER_NOISE * float(bx.size(box[None])[0]) * BOX_T_SCALE * rng.standard_t(4, 4)
            cls = int(truth.classes[index])
        elif rng.random() < PHANTOM_SHARE:
            drawn, cls = _elsewhere(truth, box, rng), int(rng.integers(CLASSES))
        else:
            sides = np.tile(box[2:] - box[:2], 2)
            drawn = box + sides * np.tile(rng.choice((-1, 1), 2) * rng.uniform(0.2, 0.45, 2), 2)
            cls = int(truth.classes[index])
        drawn = np.concatenate([np.minimum(drawn[:2], drawn[2:] - 4), drawn[2:]])
        x1, y1, x2, y2 = (float(v) for v in bx.clip(drawn[None], *SCENE_WH)[0])
        if x2 - x1 >= 2 and y2 - y1 >= 2:
            exists = claim + (1 - claim) * (1 - PHANTOM_SHARE)
            out.append(Proposal((x1, y1, x2, y2), cls, claim, exists))
    return out


def _elsewhere(truth: Truth, box: bx.Array, rng: np.random.Generator) -> bx.Array:
    half = (box[2:] - box[:2]) / 2
    for _ in range(30):
        center = rng.uniform(half, np.array(SCENE_WH) - half)
        moved = np.concatenate([center - half, center + half])
        if bx.iou_matrix(moved[None], truth.boxes).max() < 0.1:
            break
    return moved


def calibration_slope(held_out: npt.NDArray[np.float64], steps: int = 20) -> float:
    """Return the factor on a proposer's log-odds that fits held-out (claim (N,), right (N,)) best, N rows.

    One-parameter logistic regression by Newton's method, with a weak prior at 1 (temperature scaling, Guo et al. 2017).
    """
    x = np.array([logit(float(claim)) for claim in held_out[:, 0]])
    right = held_out[:, 1]
    slope, weight = 1.0, 1.0
    for _ in range(steps):
        p = 1 / (1 + np.exp(-np.clip(slope * x, -50, 50)))
        gradient = float(((right - p) * x).sum()) - weight * (slope - 1)
        curvature = float((p * (1 - p) * x * x).sum()) + weight
        slope += max(min(gradient / curvature, 1.0), -1.0)
    return max(slope, 0.05) if math.isfinite(slope) else 1.0
