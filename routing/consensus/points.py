"""Consensus of keypoints with visibility, and of unnamed points of one scene (counting)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from routing.annotation.shapes import Keypoints, Points
from routing.consensus.contract import COMMON_SHARE, FusedShape, given, mean_agreement, pairwise
from routing.consensus.existence import Looks, Sight, fit_sight, judge
from routing.consensus.matching import match_answers
from routing.consensus.robust import fused_sigma, geometric_median

Array = npt.NDArray[np.float64]

LONE_SIGMA = 0.05  # of the keypoints' spread: one person's error
KAPPA = 0.1  # of the spread: the distance at which the similarity of two points falls to exp(-1/2)
VISIBILITY_ERROR = 0.05  # P(one person shows a point that is absent, or leaves out one that is there)
OUTLIER_SPREADS = 6.0  # times the median distance to the fused point: a slip or a left-right swap


def fuse_keypoints(
    answers: Sequence[Keypoints],
    sigmas: npt.ArrayLike | None = None,
    *,
    tolerance: float = 0.85,
    biases: npt.ArrayLike | None = None,
) -> FusedShape[Keypoints]:
    """Return the fused keypoints of one object: visibility by weighted vote, place by weighted geometric median.

    sigmas (N,): people's errors in any common unit. biases (N, 2): everybody's mean offset x y relative to the points'
    spread. sigma of the result is in the keypoints' unit. tolerance: a mean similarity exp(-d² / 2k²), k = KAPPA × the
    spread of the points. A name that most people left absent is absent; so is a name that they did not mention.
    """
    g = given(answers, Keypoints, sigmas, biases, width=2)
    drawn = [{name: (x, y, v) for name, x, y, v in answer.points} for answer in g.answers]
    spread = _spread([np.array([(x, y) for x, y, v in t.values() if v]).reshape(-1, 2) for t in drawn])
    moves = g.biases * spread
    tables = [
        {name: (x - dx, y - dy, v) if v else (0.0, 0.0, 0) for name, (x, y, v) in table.items()}
        for table, (dx, dy) in zip(drawn, moves, strict=True)
    ]
    fused: list[tuple[str, float, float, int]] = []
    errors: list[float] = []
    doubts: list[float] = []
    noise = g.noise(LONE_SIGMA * spread)
    for name in sorted({name for table in tables for name in table}):
        views = [table.get(name, (0.0, 0.0, 0)) for table in tables]
        visibility, doubt = _vote([v for _, _, v in views], g.weights)
        doubts.append(doubt)
        if visibility == 0:
            fused.append((name, 0.0, 0.0, 0))
            continue
        seen = [i for i, (_, _, v) in enumerate(views) if v]
        xy = np.array([views[i][:2] for i in seen])
        at, sigma = _place(xy, g.weights[seen], noise[seen])
        fused.append((name, float(at[0]), float(at[1]), visibility))
        errors.append(sigma)
    sigma = float(np.sqrt(np.mean(np.square(errors)))) if errors else 0.0
    # E[exp(-d² / 2k²)] of a normal error in two dimensions is 1 / (1 + sigma² / k²).
    ratio = (sigma / (KAPPA * spread)) ** 2 if spread > 0 else 0.0
    loss = 1 - (1 - float(np.mean(doubts))) / (1 + ratio)
    return g.result(
        Keypoints(tuple(fused)),
        sigma=sigma,
        agreement=mean_agreement(pairwise(tables, lambda a, b: _oks(a, b, KAPPA * spread))),
        loss=loss,
        tolerance=tolerance,
        used=range(len(tables)),
    )


def keypoint_similarity(a: Keypoints, b: Keypoints) -> float:
    """Return the mean of exp(-d² / 2k²) over the points that either shows, k = KAPPA × their spread."""
    first, second = ({name: (x, y, v) for name, x, y, v in answer.points} for answer in (a, b))
    clouds = [np.array([(x, y) for x, y, v in t.values() if v]).reshape(-1, 2) for t in (first, second)]
    return _oks(first, second, KAPPA * _spread(clouds))


@dataclass(frozen=True, slots=True)
class Mark:
    """A fused point: place, its sigma in pixels, P(something is there), and who marked it."""

    xy: tuple[float, float]
    sigma: float
    p_exists: float
    support: tuple[str, ...]


def match_points(answers: Mapping[str, Array], radius: float) -> list[dict[str, Array]]:
    """Return the candidates of one scene: at most one point of each person, all within `radius` of a centre point."""
    people = sorted(answers)
    owner = np.repeat(np.arange(len(people)), [len(answers[name]) for name in people])
    points = np.concatenate([answers[name] for name in people]) if people else np.zeros((0, 2))
    order = np.lexsort((owner, points[:, 1], points[:, 0]))
    points, owner = points[order], owner[order]
    distance = np.linalg.norm(points[:, None] - points[None, :], axis=2)
    # 2 at the same place, 1 at the radius: near marks count more, and all within reach count.
    found = match_answers(owner, 2 - distance / radius, 1.0)
    return [{people[owner[i]]: points[i] for i in members} for members in found]


def fuse_points(
    scenes: Mapping[str, Mapping[str, Points]], *, radius: float | None = None
) -> dict[str, tuple[tuple[Mark, ...], float]]:
    """Return each scene's fused points, likeliest first, and the expected number that nobody marked.

    radius: how far apart two marks of one thing may lie, in pixels; without one, MATCH_SPREADS times the usual distance
    between different people's nearest marks.
    """
    arrays = {
        task: {name: np.array(p.points, dtype=np.float64).reshape(-1, 2) for name, p in answers.items()}
        for task, answers in scenes.items()
    }
    reach = radius if radius is not None else usual_radius(arrays)
    matched = {task: match_points(arrays[task], reach) for task in sorted(arrays)}
    people = tuple(sorted({name for answers in arrays.values() for name in answers}))
    at = {name: i for i, name in enumerate(people)}
    tasks = sorted(arrays)
    marks = [(task, members) for task in tasks for members in matched[task]]
    index = {task: i for i, task in enumerate(tasks)}
    looks = Looks(
        np.array([index[task] for task, _ in marks], dtype=np.intp),
        np.array([c for c, (_, m) in enumerate(marks) for _ in m], dtype=np.intp),
        np.array([at[name] for _, m in marks for name in sorted(m)], dtype=np.intp),
        np.array([index[task] for task in tasks for _ in arrays[task]], dtype=np.intp),
        np.array([at[name] for task in tasks for name in sorted(arrays[task])], dtype=np.intp),
        len(tasks),
        len(people),
    )
    sight: Sight = fit_sight(looks)
    found = judge(looks, sight)
    out: dict[str, list[Mark]] = {task: [] for task in tasks}
    for (task, members), p in zip(marks, found.real, strict=True):
        names = sorted(members)
        xy, sigma = _place(
            np.stack([members[name] for name in names]),
            np.ones(len(names)),
            np.full(len(names), reach / MATCH_SPREADS),
        )
        out[task].append(Mark((float(xy[0]), float(xy[1])), sigma, float(p), tuple(names)))
    return {
        task: (tuple(sorted(out[task], key=lambda m: (-m.p_exists, m.xy))), float(found.missed[index[task]]))
        for task in tasks
    }


MATCH_SPREADS = 3.0


def usual_radius(scenes: Mapping[str, Mapping[str, Array]]) -> float:
    """Return MATCH_SPREADS times the median distance from a mark to the nearest mark of another person."""
    nearest: list[float] = []
    for task in sorted(scenes):
        answers = scenes[task]
        for name, points in sorted(answers.items()):
            others = [p for other, p in sorted(answers.items()) if other != name and len(p)]
            if len(points) and others:
                gap = np.linalg.norm(points[:, None] - np.concatenate(others)[None], axis=2)
                nearest.extend(gap.min(1).tolist())
    return MATCH_SPREADS * max(float(np.median(nearest)), 1e-9) if nearest else 1.0


def _place(xy: Array, weights: Array, noise: Array) -> tuple[Array, float]:
    """Return the fused point (2,) and its sigma; marks far from it are left out and it is fused once more."""
    at = geometric_median(xy, weights)
    if len(xy) >= 3:
        distance = np.linalg.norm(xy - at, axis=1)
        kept = distance <= OUTLIER_SPREADS * max(float(np.median(distance)), 1e-12)
        xy, weights, noise = xy[kept], weights[kept], noise[kept]
        at = geometric_median(xy, weights)
    return at, fused_sigma(np.maximum(noise, 1e-12), xy - at, common=COMMON_SHARE)


def _vote(values: Sequence[int], weights: Array) -> tuple[int, float]:
    """Return the visibility with the most weight and P(present and absent are mixed up)."""
    totals = {value: float(weights[[v == value for v in values]].sum()) for value in sorted(set(values))}
    absent = totals.get(0, 0.0)
    shown = {value: total for value, total in totals.items() if value}
    margin = abs(sum(shown.values()) - absent) / float(weights.mean())
    doubt = 1 / (1 + ((1 - VISIBILITY_ERROR) / VISIBILITY_ERROR) ** margin)
    # A tie goes to the more visible: a point that is shown can be deleted, one that is hidden is forgotten.
    if not shown or absent > sum(shown.values()) + 1e-9:
        return 0, doubt
    top = max(shown.values())
    return max(value for value, total in shown.items() if total >= top - 1e-9), doubt


def _spread(clouds: Sequence[Array]) -> float:
    """Return the median over answers of the points' bounding-box diagonal / sqrt(2): the side, if it is a square."""
    sizes = [float(np.linalg.norm(np.ptp(cloud, axis=0))) for cloud in clouds if len(cloud) >= 2]
    if not sizes:
        together = np.concatenate(list(clouds)) if clouds else np.zeros((0, 2))
        sizes = [float(np.linalg.norm(np.ptp(together, axis=0)))] if len(together) > 1 else []
    return float(np.median(sizes)) / float(np.sqrt(2)) if sizes else 1.0


def _oks(
    a: Mapping[str, tuple[float, float, int]], b: Mapping[str, tuple[float, float, int]], k: float
) -> float:
    both = [name for name in a if a[name][2] and name in b and b[name][2]]
    either = {name for table in (a, b) for name in table if table[name][2]}
    if not either:
        return 1.0
    gaps = [(a[n][0] - b[n][0]) ** 2 + (a[n][1] - b[n][1]) ** 2 for n in both]
    return float(sum(np.exp(-gap / (2 * max(k, 1e-12) ** 2)) for gap in gaps)) / len(either)
