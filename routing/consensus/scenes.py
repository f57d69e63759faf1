"""Consensus of whole scenes of boxes: match across people, judge existence, fuse what exists.

Matching is greedy facility location (Branson, Van Horn and Perona, CVPR 2017): the box that the most people's boxes
overlap opens a candidate and takes at most one box of each. Fusion subtracts everyone's own bias (some draw wide, some
tight) and takes edge-wise weighted medians; precision is 1 / the person's edge noise squared.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from routing.annotation import boxes as bx
from routing.consensus.boxes import p_within
from routing.consensus.contract import COMMON_SHARE
from routing.consensus.existence import Looks, Sight, fit_sight, judge
from routing.consensus.robust import fused_sigma, weighted_median

Array = npt.NDArray[np.float64]
Scenes = Mapping[
    str, Mapping[str, Array]
]  # {task: {annotator: boxes (N, 4)}}; an empty array says "nothing here"

MATCH_IOU = 0.4
OUTLIER_IOU = 0.5  # a box below this share of the best-supported box's support is left out of the fusion
START_SIGMA = 0.1  # edge noise relative to sqrt(area)
SIGMA_WEIGHT = 10.0  # pseudo-boxes behind everyone's edge noise
BIAS_WEIGHT = 10.0  # pseudo-boxes behind "no bias"
MAX_RESIDUAL = (
    0.3  # of sqrt(area): beyond it the residual says that a match was wrong, not how somebody draws
)
ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Hand:
    """How somebody draws: sd of an edge and mean offset of x1 y1 x2 y2, both relative to sqrt(area)."""

    sigma: float = START_SIGMA
    bias: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class BoxCrowd:
    """What is known of a crowd that draws boxes: `sight` by position in `annotators`, `hands` by name."""

    annotators: tuple[str, ...]
    sight: Sight
    hands: Mapping[str, Hand]


@dataclass(frozen=True, slots=True)
class SceneObject:
    """A fused object: box in scene pixels, edge noise `sigma` relative to sqrt(area), P(it exists) and
    P(IoU with the true box >= tolerance | it exists); `support` names who marked it."""

    xyxy: tuple[float, float, float, float]
    sigma: float
    p_exists: float
    p_within_tolerance: float
    support: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SceneConsensus:
    """objects: all candidates, best first; missed: expected objects that nobody marked; looks: how many people."""

    objects: tuple[SceneObject, ...]
    missed: float
    looks: int

    def accepted(self, threshold: float = 0.5) -> tuple[SceneObject, ...]:
        """Return the objects that exist with at least this probability."""
        return tuple(o for o in self.objects if o.p_exists >= threshold)

    def expected_errors(self) -> float:
        """Return the expected false and missing objects when everything above one half is accepted."""
        return self.missed + sum(min(o.p_exists, 1 - o.p_exists) for o in self.objects)


Candidate = dict[str, Array]  # {annotator: box (4,)}


def match_scene(answers: Mapping[str, Array], *, min_iou: float = MATCH_IOU) -> list[Candidate]:
    """Return the candidates of one scene, the best supported first; every box lands in exactly one."""
    people = sorted(answers)
    owner = np.repeat(np.arange(len(people)), [len(answers[name]) for name in people])
    boxes = np.concatenate([bx.as_boxes(answers[name]) for name in people]) if people else np.zeros((0, 4))
    order = np.lexsort((*boxes.T[::-1], owner))  # the order in which somebody drew must not matter
    boxes, owner = boxes[order], owner[order]
    overlap = bx.iou_matrix(boxes, boxes)
    np.fill_diagonal(overlap, 1.0)
    near = np.where(overlap >= min_iou, overlap, 0.0)
    free = np.ones(len(boxes), dtype=bool)
    candidates: list[Candidate] = []
    while free.any():
        best_of = np.zeros((len(people), len(boxes)))
        np.maximum.at(best_of, owner, np.where(free[:, None], near, 0.0))
        support = np.where(free, best_of.sum(0), -1.0)
        center = int(np.argmax(support > support.max() - 1e-9))
        members: Candidate = {}
        for person in np.flatnonzero(best_of[:, center] > 0):
            mine = np.flatnonzero(free & (owner == person))
            chosen = center if owner[center] == person else int(mine[np.argmax(near[mine, center])])
            members[people[person]] = boxes[chosen]
            free[chosen] = False
        candidates.append(members)
    return candidates


def fit_crowd(scenes: Scenes) -> BoxCrowd:
    """Return what the answers to many scenes show of everyone's sight and hand."""
    matched = {task: match_scene(scenes[task]) for task in sorted(scenes)}
    people = tuple(sorted({name for answers in scenes.values() for name in answers}))
    looks = _looks(scenes, matched, people)
    sight = fit_sight(looks)
    real = judge(looks, sight).real
    shared = [
        (members, float(p))
        for members, p in zip((m for task in matched for m in matched[task]), real, strict=True)
        if len(members) >= 2 and p >= 0.5
    ]
    hands = {name: Hand() for name in people}
    for _ in range(ROUNDS):
        hands = _refit_hands(shared, hands)
    return BoxCrowd(people, sight, hands)


def fuse_scene(
    answers: Mapping[str, Array], crowd: BoxCrowd | None = None, *, tolerance: float = 0.75
) -> SceneConsensus:
    """Return the consensus of one scene; people that `crowd` does not know count as average.

    Raises ValueError for boxes that are not finite (N, 4) rows with x1 <= x2 and y1 <= y2.
    """
    candidates = match_scene(answers)
    people = tuple(sorted(answers))
    looks = _looks({"": answers}, {"": candidates}, people)
    existence = judge(looks, _sight_of(people, crowd))
    hands = crowd.hands if crowd else {}
    objects = []
    for members, p in zip(candidates, existence.real, strict=True):
        box, sigma = fuse_candidate(members, hands)
        x1, y1, x2, y2 = (float(v) for v in box)
        objects.append(
            SceneObject((x1, y1, x2, y2), sigma, float(p), p_within(sigma, tolerance), tuple(sorted(members)))
        )
    objects.sort(key=lambda o: (-o.p_exists, o.xyxy))
    return SceneConsensus(tuple(objects), float(existence.missed[0]), len(people))


def fuse_candidate(members: Candidate, hands: Mapping[str, Hand]) -> tuple[Array, float]:
    """Return the fused box (4,) and its edge noise relative to sqrt(area)."""
    names = sorted(members)
    boxes = np.stack([members[name] for name in names])
    known = [hands.get(name, Hand()) for name in names]
    boxes = boxes - np.array([hand.bias for hand in known]) * bx.size(boxes)[:, None]
    sigmas = np.array([hand.sigma for hand in known])
    if len(boxes) >= 3:
        overlap = bx.iou_matrix(boxes, boxes)
        support = overlap @ (1 / sigmas**2)
        kept = overlap[int(np.argmax(support))] >= OUTLIER_IOU * overlap.max()
        boxes, sigmas = boxes[kept], sigmas[kept]
    box = weighted_median(boxes, 1 / sigmas**2)
    side = max(float(bx.size(box[None])[0]), 1e-9)
    return box, fused_sigma(sigmas, (boxes - box) / side, common=COMMON_SHARE)


def _looks(scenes: Scenes, matched: Mapping[str, list[Candidate]], people: tuple[str, ...]) -> Looks:
    at = {name: index for index, name in enumerate(people)}
    tasks = sorted(scenes)
    look_task = [i for i, task in enumerate(tasks) for _ in scenes[task]]
    look_annotator = [at[name] for task in tasks for name in sorted(scenes[task])]
    candidate_task = [i for i, task in enumerate(tasks) for _ in matched[task]]
    members = [m for task in tasks for m in matched[task]]
    marks = [(c, at[name]) for c, m in enumerate(members) for name in sorted(m)]
    mark = np.array(marks, dtype=np.intp).reshape(-1, 2)
    return Looks(
        np.array(candidate_task, dtype=np.intp),
        mark[:, 0],
        mark[:, 1],
        np.array(look_task, dtype=np.intp),
        np.array(look_annotator, dtype=np.intp),
        len(tasks),
        len(people),
    )


def _sight_of(people: tuple[str, ...], crowd: BoxCrowd | None) -> Sight:
    if crowd is None:
        return Sight.unknown(len(people))
    at = {name: index for index, name in enumerate(crowd.annotators)}
    recall = [crowd.sight.recall[at[n]] if n in at else crowd.sight.mean_recall for n in people]
    return Sight(np.array(recall).reshape(-1, 3), crowd.sight.rate, crowd.sight.mean_recall)


def _refit_hands(shared: list[tuple[Candidate, float]], hands: Mapping[str, Hand]) -> dict[str, Hand]:
    """Return hands from residuals against the other people's fused box, each weighted by P(real)."""
    offset = {name: np.zeros(4) for name in hands}
    square = dict.fromkeys(hands, SIGMA_WEIGHT * START_SIGMA**2)
    weight = dict.fromkeys(hands, 0.0)
    for members, p in shared:
        for name in members:
            others, sigma = fuse_candidate({n: b for n, b in members.items() if n != name}, hands)
            residual = (members[name] - others) / max(float(bx.size(others[None])[0]), 1e-9)
            residual = np.clip(residual, -MAX_RESIDUAL, MAX_RESIDUAL)
            offset[name] = offset[name] + p * residual
            # The others' own noise is in the residual too.
            square[name] += p * max(float(np.mean((residual - hands[name].bias) ** 2)) - sigma**2 / 2, 1e-4)
            weight[name] += p
    return {name: _hand(offset[name], square[name], weight[name]) for name in hands}


def _hand(offset: Array, square: float, weight: float) -> Hand:
    a, b, c, d = (float(v) for v in offset / (weight + BIAS_WEIGHT))
    return Hand(float(np.sqrt(square / (weight + SIGMA_WEIGHT))), (a, b, c, d))
