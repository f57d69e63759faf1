"""Box arithmetic, suppression and assignment keep their promises on any boxes."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from models.assign import assign
from models.boxes import giou_aligned, iou
from models.decode import boxes_at, distances, nms, vote
from models.detector import Detector, locations
from models.losses import Target, detection_loss, distribution_focal
from models.predict import PredictOptions, predict
from models.transforms import SYMMETRIES, Dihedral, crop_resized, views


@st.composite
def boxes(draw: st.DrawFn, least: int = 1, most: int = 12) -> Tensor:
    count = draw(st.integers(least, most))
    rows = []
    for _ in range(count):
        x, y = draw(st.integers(0, 80)), draw(st.integers(0, 80))
        rows.append((x, y, x + draw(st.integers(1, 40)), y + draw(st.integers(1, 40))))
    return torch.tensor(rows, dtype=torch.float32)


class TestOverlap:
    @given(boxes(), boxes())
    def test_iou_is_symmetric_and_between_zero_and_one(self, a: Tensor, b: Tensor) -> None:
        overlap = iou(a, b)

        assert torch.equal(overlap, iou(b, a).T)
        assert ((overlap >= 0) & (overlap <= 1 + 1e-6)).all()

    @given(boxes())
    def test_every_box_overlaps_itself_fully(self, a: Tensor) -> None:
        torch.testing.assert_close(iou(a, a).diagonal(), torch.ones(len(a)))

    @given(boxes(), st.integers(-50, 50), st.integers(-50, 50))
    def test_generalised_iou_is_never_above_iou(self, a: Tensor, dx: int, dy: int) -> None:
        b = a + torch.tensor([dx, dy, dx, dy])

        assert (giou_aligned(a, b) <= iou(a, b).diagonal() + 1e-6).all()


class TestSuppression:
    @given(boxes(), st.integers(0, 2**31), st.sampled_from([0.1, 0.5, 0.9]))
    def test_keeps_boxes_that_do_not_overlap_and_covers_all_others(
        self, a: Tensor, seed: int, threshold: float
    ) -> None:
        generator = torch.Generator().manual_seed(seed)
        scores, labels = (
            torch.rand(len(a), generator=generator),
            torch.randint(0, 2, (len(a),), generator=generator),
        )

        kept = nms(a, scores, labels, threshold)

        same = labels[:, None] == labels[None]
        overlap = torch.where(same, iou(a, a), torch.zeros(()))
        among = overlap[kept][:, kept] - torch.eye(len(kept)) * 2
        assert (among <= threshold).all()
        for i in set(range(len(a))) - set(kept.tolist()):
            better = [k for k in kept.tolist() if scores[k] >= scores[i]]
            assert overlap[i, better].max() > threshold
        assert (scores[kept].diff() <= 0).all()

    def test_of_nothing_is_nothing(self) -> None:
        assert len(nms(torch.zeros(0, 4), torch.zeros(0), torch.zeros(0), 0.5)) == 0

    def test_voting_moves_a_box_between_those_that_agree(self) -> None:
        a = torch.tensor([[0.0, 0, 10, 10], [1.0, 0, 11, 10], [50.0, 50, 60, 60]])
        scores, labels = torch.tensor([0.9, 0.9, 0.9]), torch.zeros(3, dtype=torch.int64)

        refined = vote(a, scores, labels, torch.tensor([0, 2]), 0.5)

        assert 0 < float(refined[0, 0]) < 1
        torch.testing.assert_close(refined[1], a[2])


class TestDecoding:
    def test_a_sharp_distribution_gives_its_distance(self) -> None:
        sides = torch.full((1, 4, 11), -50.0)
        sides[0, torch.arange(4), torch.tensor([1, 2, 3, 4])] = 50.0

        reach = distances(sides)
        box = boxes_at(torch.tensor([[100.0, 60.0, 8.0]]), reach)

        torch.testing.assert_close(box, torch.tensor([[92.0, 44.0, 124.0, 92.0]]))

    @given(st.floats(0, 9.5))
    def test_distribution_loss_is_least_at_the_true_distance(self, reach: float) -> None:
        target = torch.full((1, 4), reach)
        low, share = int(reach), reach - int(reach)
        exact = torch.full((1, 4, 11), -40.0)
        exact[..., low], exact[..., low + 1] = np.log(max(1 - share, 1e-17)), np.log(max(share, 1e-17))

        best, worse = distribution_focal(exact, target), distribution_focal(torch.zeros(1, 4, 11), target)

        assert float(best) <= float(worse) + 1e-4


class TestAssignment:
    @given(boxes(most=6), st.integers(0, 2**31))
    def test_every_object_that_no_other_touches_has_a_location(self, truth: Tensor, seed: int) -> None:
        grid = locations(128, 128, (8, 16))
        generator = torch.Generator().manual_seed(seed)
        reach = torch.rand(len(grid), 4, generator=generator) * 4
        chance = torch.rand(len(grid), 2, generator=generator)
        labels = torch.randint(0, 2, (len(truth),), generator=generator)

        found = assign(grid, boxes_at(grid, reach), chance, truth, labels, top=5)

        taken = found.target[found.target >= 0]
        # From the finest stride on, a box surely holds a location of its own.
        alone = (iou(truth, truth).fill_diagonal_(0).amax(1) == 0) & (
            (truth[:, 2:] - truth[:, :2]).amin(1) > 8
        )
        assert set(alone.nonzero().flatten().tolist()) <= set(taken.tolist())
        assert taken.bincount(minlength=len(truth)).max() <= 5
        assert ((found.quality >= 0) & (found.quality <= 1)).all()
        assert (found.quality[found.target < 0] == 0).all()

    def test_nothing_is_learned_where_nothing_is_known(self) -> None:
        grid = locations(64, 64, (8,))
        logits = torch.full((1, len(grid), 1), 3.0, requires_grad=True)
        nothing = torch.zeros(0, 4)
        target = Target(
            nothing,
            torch.zeros(0, dtype=torch.int64),
            torch.zeros(0),
            torch.tensor([[0.0, 0, 32, 64]]),
            nothing,
        )

        detection_loss(logits, torch.zeros(1, len(grid), 4, 11), grid, [target])["total"].backward()

        assert logits.grad is not None
        learned = logits.grad[0, :, 0] != 0
        assert torch.equal(learned, grid[:, 0] < 32)


class TestSymmetries:
    @given(st.sampled_from(SYMMETRIES), st.integers(1, 30), st.integers(1, 30), st.integers(0, 2**31))
    def test_boxes_move_with_the_picture(
        self, symmetry: Dihedral, width: int, height: int, seed: int
    ) -> None:
        rng = np.random.default_rng(seed)
        x1, y1 = rng.integers(0, width), rng.integers(0, height)
        x2, y2 = rng.integers(x1 + 1, width + 1), rng.integers(y1 + 1, height + 1)
        picture = np.zeros((height, width), np.uint8)
        picture[y1:y2, x1:x2] = 1

        moved = symmetry.picture(picture)
        a, b, c, d = symmetry.boxes(np.array([[x1, y1, x2, y2]]), width, height)[0]

        expected = np.zeros_like(moved)
        expected[b:d, a:c] = 1
        assert np.array_equal(moved, expected)

    def test_all_eight_are_different(self) -> None:
        picture = np.arange(6).reshape(2, 3)

        assert (
            len(
                {
                    symmetry.picture(picture).tobytes() + bytes(symmetry.picture(picture).shape)
                    for symmetry in SYMMETRIES
                }
            )
            == 8
        )
        assert [len(views(n)) for n in (1, 2, 4, 8)] == [1, 2, 4, 8]

    def test_each_look_is_turned_back_to_the_upright_picture(self, small_detector: Detector) -> None:
        """A network whose output depends on position only through the picture sees a symmetric picture the same way."""
        images = torch.randint(0, 255, (1, 3, 64, 96), generator=torch.Generator().manual_seed(3))
        turned = images.flip(3)
        options = PredictOptions(views=2, floor=0.0, keep=20)

        straight, mirrored = (
            predict(small_detector, images, options)[0],
            predict(small_detector, turned, options)[0],
        )

        back = mirrored.boxes[:, [2, 1, 0, 3]] * torch.tensor([-1, 1, -1, 1]) + torch.tensor([96, 0, 96, 0])
        torch.testing.assert_close(straight.scores, mirrored.scores, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(straight.boxes, back, rtol=1e-3, atol=1e-2)


class TestCrops:
    def test_outside_of_the_picture_is_filled_and_the_inside_stays_in_place(self) -> None:
        image = np.full((20, 20, 3), 200, np.uint8)

        crop = crop_resized(image, (-10, 0, 30, 40), (80, 80))

        assert (crop[:40, 20:60] == 200).all()
        assert (crop[:, :20] != 200).all()
        assert (crop[40:] != 200).all()

    def test_a_window_far_outside_is_only_fill(self) -> None:
        crop = crop_resized(np.full((20, 20, 3), 200, np.uint8), (100, 100, 140, 140), (32, 32))

        assert (crop != 200).all()
