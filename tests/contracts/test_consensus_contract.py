"""One contract for every consensus: what holds for boxes holds for masks, lines and whole scenes.

A case knows how to draw an object, how people see it (jitter), what an adversary draws, and how to move and scale it.
"""

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.annotation.shapes import (
    Box,
    Cuboid,
    Keypoints,
    Mask,
    Polygon,
    Polyline,
    RotatedBox,
)
from routing.consensus.boxes import box_iou, fuse_box_shapes
from routing.consensus.contract import FusedShape, FuseError
from routing.consensus.cuboids import cuboid_iou, fuse_cuboids
from routing.consensus.masks import encode_mask, fuse_masks, mask_iou
from routing.consensus.points import fuse_keypoints, keypoint_similarity
from routing.consensus.polygons import fuse_polygons, polygon_iou
from routing.consensus.polylines import fuse_polylines, polyline_similarity
from routing.consensus.rotated import fuse_rotated, rotated_iou

Rng = np.random.Generator
SEEDS = st.integers(0, 2**32 - 1)
NAN = float("nan")


@dataclass(frozen=True)
class Case:
    """One geometry. seen(rng, noise): one person's answer about the same object, noise 0 the truth."""

    name: str
    fuse: Callable[..., FusedShape[Any]]
    similarity: Callable[[Any, Any], float]
    seen: Callable[[Rng, float], Any]
    adversary: Callable[[Rng], Any]
    shift: Callable[[Any, float, float], Any]
    scale: Callable[[Any, int], Any]
    bad: tuple[tuple[Any, str], ...]
    bias: Sequence[float]
    exact: float = 1e-6  # how far 1 - similarity may be from 0 where the result should be the same

    def answers(self, rng: Rng, count: int, noise: float = 0.04) -> list[Any]:
        return [self.seen(rng, noise) for _ in range(count)]


def moved(points: Any, dx: float, dy: float, k: float = 1.0) -> Any:
    return tuple((k * x + dx, k * y + dy) for x, y in points)


def star(rng: Rng, noise: float, *, radius: float = 40.0, center: tuple[float, float] = (100, 80)) -> Any:
    """Points round an object of three bumps; a person errs in size, in place and a little at every point."""
    turn = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    far = radius * (1 + 0.2 * np.cos(3 * turn)) * (1 + noise * rng.normal() + noise / 4 * rng.normal(size=24))
    x, y = np.array(center) + radius * noise * rng.normal(size=2)
    return tuple(
        (float(x + r * math.cos(t)), float(y + r * math.sin(t))) for r, t in zip(far, turn, strict=True)
    )


def ring(rng: Rng, noise: float) -> Polygon:
    outer = star(rng, noise)
    x, y = np.mean(outer, axis=0)
    hole = tuple((float(x + 12 * math.cos(t)), float(y + 12 * math.sin(t))) for t in (0.5, 2, 3.5, 5))
    return Polygon((outer, hole))


def mask(rng: Rng, noise: float) -> Mask:
    """A blob of about 30 px radius with a hole of 8 px."""
    y, x = np.mgrid[0:120, 0:140]
    cx, cy = np.array([70, 60]) + 30 * noise * rng.normal(size=2)
    turn, far = np.arctan2(y - cy, x - cx), np.hypot(x - cx, y - cy)
    edge = 30 * (1 + 0.2 * np.cos(3 * turn)) * (1 + noise * rng.normal())
    return encode_mask((far < edge) & (far > 8), (7, 5))


def enlarged(m: Mask, k: int) -> Mask:
    from_runs = np.repeat(np.arange(len(m.counts)) % 2 == 1, m.counts).reshape(m.size[1], m.size[0]).T
    return encode_mask(np.kron(from_runs, np.ones((k, k), dtype=bool)), (k * m.offset[0], k * m.offset[1]))


def box(rng: Rng, noise: float) -> Box:
    x1, y1, x2, y2 = np.array([20.0, 30.0, 80.0, 130.0]) + 77 * noise * rng.normal(size=4)
    return Box((float(x1), float(y1), float(x2), float(y2)))


def rotated(rng: Rng, noise: float) -> RotatedBox:
    cx, cy = np.array([50.0, 40.0]) + 40 * noise * rng.normal(size=2)
    w, h = np.array([60.0, 25.0]) * np.exp(noise * rng.normal(size=2))
    angle = 1.5 + noise * rng.normal()  # near the wrap at pi / 2
    if rng.integers(2):  # written the other way round: the same rectangle
        w, h, angle = h, w, angle + math.pi / 2
    angle = (angle + math.pi / 2) % math.pi - math.pi / 2
    return RotatedBox((float(cx), float(cy), float(w), float(h)), float(angle))


def cuboid(rng: Rng, noise: float) -> Cuboid:
    x, y, z = np.array([12.0, -30.0, 1.0]) + 2.0 * noise * rng.normal(size=3)
    length, width, height = np.array([4.4, 1.8, 1.6]) * np.exp(noise * rng.normal(size=3))
    yaw = math.pi + noise * rng.normal()  # at the wrap
    yaw = (yaw + math.pi) % (2 * math.pi) - math.pi
    return Cuboid((float(x), float(y), float(z)), (float(length), float(width), float(height)), float(yaw))


def pose(rng: Rng, noise: float) -> Keypoints:
    true = {"ankle": (30.0, 160.0), "hip": (40.0, 90.0), "nose": (45.0, 20.0), "wrist": (80.0, 70.0)}
    points = [
        (name, x + 100 * noise * rng.normal(), y + 100 * noise * rng.normal(), 1 if name == "wrist" else 2)
        for name, (x, y) in true.items()
    ]
    return Keypoints((*((n, float(x), float(y), v) for n, x, y, v in points), ("zero", 0.0, 0.0, 0)))


def line(rng: Rng, noise: float) -> Polyline:
    x = np.linspace(0, 200, 30)
    y = 60 + 30 * np.sin(x / 40) + 200 * noise / 5 * rng.normal()
    points = [(float(a), float(b)) for a, b in zip(x, y, strict=True)]
    return Polyline(tuple(points[::-1] if noise and rng.integers(2) else points))


def scaled_keypoints(shape: Keypoints, k: float, dx: float = 0.0, dy: float = 0.0) -> Keypoints:
    return Keypoints(
        tuple((n, k * x + dx, k * y + dy, v) if v else (n, 0.0, 0.0, 0) for n, x, y, v in shape.points)
    )


BOW_TIE = Polygon((((0.0, 0.0), (10.0, 10.0), (10.0, 0.0), (0.0, 10.0)),))
CASES = (
    Case(
        "box",
        fuse_box_shapes,
        box_iou,
        box,
        lambda rng: Box((500.0, 500.0, 500.0 + float(rng.uniform(1, 900)), 900.0)),
        lambda s, dx, dy: Box((s.xyxy[0] + dx, s.xyxy[1] + dy, s.xyxy[2] + dx, s.xyxy[3] + dy)),
        lambda s, k: Box(tuple(k * v for v in s.xyxy)),
        ((Box((NAN, 0.0, 1.0, 1.0)), "NaN"), (Box((0.0, 0.0, 0.0, 1.0)), "no area")),
        (0.01, 0.02, 0.0, -0.01),
    ),
    Case(
        "rotated",
        fuse_rotated,
        rotated_iou,
        rotated,
        lambda rng: RotatedBox(
            (float(rng.uniform(-200, 300)), 0.0, 400.0, 3.0), float(rng.uniform(-1.5, 1.5))
        ),
        lambda s, dx, dy: RotatedBox((s.cxcywh[0] + dx, s.cxcywh[1] + dy, *s.cxcywh[2:]), s.angle),
        lambda s, k: RotatedBox(tuple(k * v for v in s.cxcywh), s.angle),
        (
            (RotatedBox((0.0, 0.0, 5.0, 5.0), NAN), r"angle\[0\]: NaN"),
            (RotatedBox((0.0, 0.0, -5.0, 5.0), 0.0), "no area"),
        ),
        (0.02,),
    ),
    Case(
        "polygon",
        fuse_polygons,
        polygon_iou,
        ring,
        lambda rng: Polygon((star(rng, 0.1, radius=float(rng.uniform(2, 4000)), center=(700, -300)),)),
        lambda s, dx, dy: Polygon(tuple(moved(r, dx, dy) for r in s.rings)),
        lambda s, k: Polygon(tuple(moved(r, 0, 0, k) for r in s.rings)),
        (
            (Polygon((((0.0, 0.0), (NAN, 1.0), (1.0, 0.0)),)), "NaN"),
            (BOW_TIE, "crosses itself"),
            (Polygon(()), "no outline"),
        ),
        (0.02,),
        exact=0.01,  # the grid's cells
    ),
    Case(
        "mask",
        fuse_masks,
        mask_iou,
        mask,
        lambda rng: encode_mask(rng.random((100, 300)) < 0.5, (int(rng.integers(0, 300)), 0)),
        lambda s, dx, dy: Mask(s.size, s.counts, (s.offset[0] + round(dx), s.offset[1] + round(dy))),
        enlarged,
        (
            (Mask((2, 2), (1, 2)), "add up to 3"),
            (Mask((2, 2), (4,)), "no area"),
            (Mask((2, 2), (5, -1)), "above 0"),
        ),
        (0.02,),
        exact=0.03,  # pixels
    ),
    Case(
        "keypoints",
        fuse_keypoints,
        keypoint_similarity,
        pose,
        lambda rng: Keypoints(
            (("ankle", 1e4, -1e4, 2), ("hip", 0.0, 0.0, 0), ("nose", float(rng.uniform(-1e5, 1e5)), 0.0, 2))
        ),
        lambda s, dx, dy: scaled_keypoints(s, 1, dx, dy),
        scaled_keypoints,
        (
            (Keypoints((("nose", NAN, 1.0, 2),)), "points.nose"),
            (Keypoints((("nose", 1.0, 1.0, 7),)), "visibility"),
        ),
        (0.01, -0.02),
    ),
    Case(
        "polyline",
        fuse_polylines,
        polyline_similarity,
        line,
        lambda rng: Polyline(((float(rng.uniform(500, 900)), -900.0), (-50.0, 900.0), (800.0, 901.0))),
        lambda s, dx, dy: Polyline(moved(s.points, dx, dy)),
        lambda s, k: Polyline(moved(s.points, 0, 0, k)),
        ((Polyline(((0.0, NAN), (1.0, 1.0))), "NaN"), (Polyline(((1.0, 1.0), (1.0, 1.0))), "no length")),
        (0.01, 0.01),
        exact=0.005,  # the line is sampled and simplified
    ),
    Case(
        "cuboid",
        fuse_cuboids,
        cuboid_iou,
        cuboid,
        lambda rng: Cuboid(
            (0.0, float(rng.uniform(-300, 300)), 9.0), (90.0, 1.0, 50.0), float(rng.uniform(-3, 3))
        ),
        lambda s, dx, dy: Cuboid((s.center[0] + dx, s.center[1] + dy, s.center[2]), s.dims, s.yaw),
        lambda s, k: Cuboid(tuple(k * v for v in s.center), tuple(k * v for v in s.dims), s.yaw),
        (
            (Cuboid((0.0, NAN, 0.0), (1.0, 1.0, 1.0), 0.0), r"center\[1\]: NaN"),
            (Cuboid((0.0, 0.0, 0.0), (1.0, 0.0, 1.0), 0.0), "no volume"),
        ),
        (0.01, 0.0, 0.0, -0.02, 0.0, 0.01),
    ),
)


@pytest.fixture(scope="module", params=CASES, ids=lambda case: case.name)
def case(request: pytest.FixtureRequest) -> Case:
    return request.param


class TestEveryConsensus:
    @settings(max_examples=10, deadline=None)
    @given(seed=SEEDS, count=st.integers(1, 6))
    def test_does_not_depend_on_the_order_of_answers(self, case: Case, seed: int, count: int) -> None:
        rng = np.random.default_rng(seed)
        answers = case.answers(rng, count, 0.15)
        sigmas = rng.uniform(0.02, 0.2, count)
        order = rng.permutation(count)

        first = case.fuse(answers, sigmas)
        second = case.fuse([answers[i] for i in order], sigmas[order])

        assert second.shape == first.shape
        assert second.p_within_tolerance == first.p_within_tolerance
        assert sorted(int(order[i]) for i in second.used) == list(first.used)

    @settings(max_examples=6, deadline=None)
    @given(seed=SEEDS, count=st.integers(1, 5), dx=st.integers(-5000, 5000), dy=st.integers(-5000, 5000))
    def test_moves_with_its_answers(self, case: Case, seed: int, count: int, dx: int, dy: int) -> None:
        answers = case.answers(np.random.default_rng(seed), count)

        here = case.fuse(answers)
        there = case.fuse([case.shift(answer, dx, dy) for answer in answers])

        assert case.similarity(case.shift(here.shape, dx, dy), there.shape) >= 1 - case.exact
        assert there.p_within_tolerance == pytest.approx(here.p_within_tolerance, abs=0.01)

    @settings(max_examples=6, deadline=None)
    @given(seed=SEEDS, count=st.integers(1, 5), k=st.sampled_from([2, 3, 4]))
    def test_grows_with_its_answers(self, case: Case, seed: int, count: int, k: int) -> None:
        answers = case.answers(np.random.default_rng(seed), count)

        small = case.fuse(answers)
        large = case.fuse([case.scale(answer, k) for answer in answers])

        assert case.similarity(case.scale(small.shape, k), large.shape) >= 1 - case.exact
        assert large.p_within_tolerance == pytest.approx(small.p_within_tolerance, abs=0.03)

    @settings(max_examples=6, deadline=None)
    @given(seed=SEEDS, count=st.integers(1, 6), noise=st.sampled_from([0.0, 0.1]))
    def test_stays_unanimous(self, case: Case, seed: int, count: int, noise: float) -> None:
        answer = case.seen(np.random.default_rng(seed), noise)

        fused = case.fuse([answer] * count)

        assert fused.shape == answer
        assert fused.agreement == pytest.approx(1)
        assert fused.used == tuple(range(count))

    @settings(max_examples=8, deadline=None)
    @given(seed=SEEDS, place=st.integers(0, 4))
    def test_is_not_moved_by_one_adversary_among_five(self, case: Case, seed: int, place: int) -> None:
        rng = np.random.default_rng(seed)
        honest = case.answers(rng, 4, 0.02)
        truth = case.seen(rng, 0.0)

        fused = case.fuse([*honest[:place], case.adversary(rng), *honest[place:]])

        worst = min(case.similarity(answer, truth) for answer in honest)
        assert case.similarity(fused.shape, truth) >= worst - 0.02
        assert case.similarity(fused.shape, case.fuse(honest).shape) >= 0.85

    def test_returns_a_single_answer_as_it_is_and_says_that_it_may_be_wrong(self, case: Case) -> None:
        answer = case.seen(np.random.default_rng(5), 0.1)

        fused = case.fuse([answer])

        assert fused.shape == answer
        assert fused.used == (0,)
        assert 0 < fused.p_within_tolerance < 1
        assert fused.sigma > 0

    def test_refuses_no_answers_by_name(self, case: Case) -> None:
        with pytest.raises(FuseError, match="none given"):
            case.fuse([])

    def test_refuses_bad_shapes_by_name(self, case: Case) -> None:
        good = case.seen(np.random.default_rng(0), 0.0)
        for bad, message in case.bad:
            with pytest.raises(FuseError, match=message):
                case.fuse([good, bad])

    @pytest.mark.parametrize("sigmas", [[0.1], [0.1, -0.1], [0.1, NAN], [0.0, 0.1]])
    def test_refuses_noise_that_is_not_positive(self, case: Case, sigmas: list[float]) -> None:
        with pytest.raises(FuseError, match="sigmas: give 2 positive numbers"):
            case.fuse(case.answers(np.random.default_rng(0), 2), sigmas)

    def test_refuses_biases_of_another_shape(self, case: Case) -> None:
        with pytest.raises(FuseError, match="biases: give 2"):
            case.fuse(case.answers(np.random.default_rng(0), 2), biases=[0.1] * 11)

    def test_changes_nothing_that_it_was_given(self, case: Case) -> None:
        answers = case.answers(np.random.default_rng(1), 4)
        sigmas, biases = np.array([0.1, 0.2, 0.1, 0.3]), np.tile(case.bias, (4, 1))
        before = copy.deepcopy((answers, sigmas.tolist(), biases.tolist()))

        case.fuse(answers, sigmas, biases=biases)

        assert (answers, sigmas.tolist(), biases.tolist()) == before

    @settings(max_examples=8, deadline=None)
    @given(seed=SEEDS)
    def test_listens_more_to_the_skilled(self, case: Case, seed: int) -> None:
        rng = np.random.default_rng(seed)
        skilled, other = case.seen(rng, 0.01), case.seen(rng, 0.06)

        trusting = case.fuse([skilled, other], [0.01, 0.2])
        even = case.fuse([skilled, other])

        trusted, equal = (case.similarity(f.shape, skilled) for f in (trusting, even))
        assert trusted >= equal - case.exact

    def test_grows_surer_with_more_answers_that_agree(self, case: Case) -> None:
        rng = np.random.default_rng(2)
        answers = case.answers(rng, 7, 0.02)

        sure = [case.fuse(answers[:count]).p_within_tolerance for count in (1, 3, 7)]

        assert sure == sorted(sure)
        assert sure[-1] > sure[0]

    def test_is_less_sure_of_people_who_disagree(self, case: Case) -> None:
        close = case.fuse(case.answers(np.random.default_rng(3), 4, 0.01))
        apart = case.fuse(case.answers(np.random.default_rng(3), 4, 0.12))

        assert apart.agreement < close.agreement
        assert apart.expected_loss > close.expected_loss
        assert apart.p_within_tolerance < close.p_within_tolerance

    def test_asks_less_of_a_lower_tolerance(self, case: Case) -> None:
        answers = case.answers(np.random.default_rng(4), 3)

        low, high = (case.fuse(answers, tolerance=t).p_within_tolerance for t in (0.5, 0.9))

        assert low > high

    def test_takes_a_known_bias_off(self, case: Case) -> None:
        answers = case.answers(np.random.default_rng(6), 3, 0.01)

        as_drawn = case.fuse(answers)
        corrected = case.fuse(answers, biases=np.tile(case.bias, (3, 1)))

        assert case.similarity(as_drawn.shape, corrected.shape) < 1 - 1e-3
        assert case.similarity(as_drawn.shape, corrected.shape) > 0.7

    def test_is_better_than_one_person_on_average(self, case: Case) -> None:
        rng = np.random.default_rng(7)
        truth = case.seen(rng, 0.0)
        crowds = [case.answers(rng, 5, 0.06) for _ in range(15)]

        alone = np.mean([case.similarity(answer, truth) for answers in crowds for answer in answers])
        together = np.mean([case.similarity(case.fuse(answers).shape, truth) for answers in crowds])

        assert 1 - together < 0.75 * (1 - alone)
