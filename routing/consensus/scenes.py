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
from routing.consensus.contract import COMMON_SHARE, FuseError
from routing.consensus.existence import EASY, HARD, Looks, Sight, fit_sight, judge
from routing.consensus.matching import match_answers
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
COUNTED_IOU = 0.5  # below it a box does not show the object
# Objects that no number of such people marks, for each found one, until audits say otherwise: 0.05 a scene of 1.3
# objects on the pedestrians' set.
INVISIBLE_SHARE = 0.04


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

    def recall_of(self, name: str) -> Array:
        """Return P(mark | easy, hard, phantom) of a person (3,), the crowd's mean for a stranger."""
        known = name in self.hands and name in self.annotators
        return np.asarray(self.sight.recall[self.annotators.index(name)] if known else self.sight.mean_recall)


@dataclass(frozen=True, slots=True)
class SceneObject:
    """A fused object: box in scene pixels, edge noise `sigma` relative to sqrt(area), P(it exists) and
    P(IoU with the true box >= tolerance | it exists); `support` names who marked it, `kinds` is the posterior of
    (easy, hard, phantom)."""

    xyxy: tuple[float, float, float, float]
    sigma: float
    p_exists: float
    p_within_tolerance: float
    support: tuple[str, ...]
    kinds: tuple[float, float, float]

    @property
    def p_misplaced(self) -> float:
        """P(IoU with the true box < 1/2 | it exists): a false and a missing object at once."""
        return 1 - p_within(self.sigma, COUNTED_IOU)


@dataclass(frozen=True, slots=True)
class SceneConsensus:
    """objects: all candidates, best first; unseen: expected number of (easy, hard, phantom) that nobody marked;
    invisible: expected objects that such a crowd does not see however many look; looks: how many people looked."""

    objects: tuple[SceneObject, ...]
    unseen: tuple[float, float, float]
    invisible: float
    looks: int

    @property
    def missed(self) -> float:
        """Expected objects that nobody marked."""
        return self.unseen[EASY] + self.unseen[HARD] + self.invisible

    def accepted(self, threshold: float = 0.5) -> tuple[SceneObject, ...]:
        """Return the objects that exist with at least this probability."""
        return tuple(o for o in self.objects if o.p_exists >= threshold)

    def expected_errors(self) -> float:
        """Return the expected false and missing objects when everything above one half is accepted.

        An accepted object whose box lies below COUNTED_IOU counts twice: it is missing, and something false is there.
        """
        doubt = sum(min(o.p_exists, 1 - o.p_exists) for o in self.objects)
        misplaced = sum(2 * o.p_exists * o.p_misplaced for o in self.accepted())
        return self.missed + doubt + misplaced


Candidate = dict[str, Array]  # {annotator: box (4,)}


def match_scene(answers: Mapping[str, Array], *, min_iou: float = MATCH_IOU) -> list[Candidate]:
    """Return the candidates of one scene, the best supported first; every box lands in exactly one."""
    people = sorted(answers)
    drawn = [_boxes(name, answers[name]) for name in people]
    owner = np.repeat(np.arange(len(people)), [len(boxes) for boxes in drawn])
    boxes = np.concatenate(drawn) if people else np.zeros((0, 4))
    # By content: neither the order in which somebody drew nor anybody's name may break a tie.
    order = np.lexsort((owner, *boxes.T[::-1]))
    boxes, owner = boxes[order], owner[order]
    found = match_answers(owner, bx.iou_matrix(boxes, boxes), min_iou)
    return [{people[owner[i]]: boxes[i] for i in members} for members in found]


def _boxes(name: str, boxes: npt.ArrayLike) -> Array:
    try:
        return bx.as_boxes(boxes)
    except ValueError as error:
        raise FuseError(f"answers[{name}].{error}") from None


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

    Raises FuseError naming whose boxes are not finite (N, 4) rows with x1 <= x2 and y1 <= y2.
    """
    candidates = match_scene(answers)
    people = tuple(sorted(answers))
    looks = _looks({"": answers}, {"": candidates}, people)
    existence = judge(looks, _sight_of(people, crowd))
    hands = crowd.hands if crowd else {}
    objects = []
    for members, kinds in zip(candidates, existence.kinds, strict=True):
        box, sigma = fuse_candidate(members, hands)
        x1, y1, x2, y2 = (float(v) for v in box)
        easy, hard, phantom = (float(v) for v in kinds)
        sure = p_within(sigma, tolerance)
        names = tuple(sorted(members))
        objects.append(SceneObject((x1, y1, x2, y2), sigma, easy + hard, sure, names, (easy, hard, phantom)))
    objects.sort(key=lambda o: (-o.p_exists, o.xyxy))
    easy, hard, phantom = (float(v) for v in existence.unseen[0])
    found = sum(o.p_exists for o in objects)
    return SceneConsensus(
        tuple(objects), (easy, hard, phantom), INVISIBLE_SHARE * (found + 0.5) if people else 0.0, len(people)
    )


def fuse_candidate(members: Candidate, hands: Mapping[str, Hand]) -> tuple[Array, float]:
    """Return the fused box (4,) and its edge noise relative to sqrt(area)."""
    names = sorted(members, key=lambda name: (members[name].tolist(), name))
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
            # The others' own noise is in the residual too; the error that all share is not, and belongs to everybody.
            own = float(np.mean((residual - hands[name].bias) ** 2)) - sigma**2 / 2
            square[name] += p * max(own, 1e-4) / (1 - COMMON_SHARE)
            weight[name] += p
    return {name: _hand(offset[name], square[name], weight[name]) for name in hands}


def _hand(offset: Array, square: float, weight: float) -> Hand:
    a, b, c, d = (float(v) for v in offset / (weight + BIAS_WEIGHT))
    return Hand(float(np.sqrt(square / (weight + SIGMA_WEIGHT))), (a, b, c, d))
