"""Everything that proposes annotations speaks one protocol; people's joints and masks are where they should be."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torch import Tensor

from models import zoo
from models.assets import AssetError
from models.boxdetector import BoxDetector
from models.checkpoint import Checkpoint, InputSpec
from models.convert import folded
from models.detector import Detector
from models.embedder import Embedder, PictureEmbedder
from models.people import KEYPOINTS, PersonKeypoints, PersonMasks, oks
from models.prelabel import Picture, PluginError, Prediction, PreLabeller, Spec, run_lengths, to_json

SPEC = Spec("fake", "keypoints", "1", ("person",), "MIT", "here", points=KEYPOINTS)


class FakePose(torch.nn.Module):
    """Says that person k has all joints at one place, in the order of the published network's output."""

    def __init__(self, places: list[tuple[float, float, float]]) -> None:
        super().__init__()
        self.places, self.seen = places, (0, 0)

    def forward(self, x: Tensor) -> Tensor:
        self.seen = (x.shape[2], x.shape[1])
        out = torch.zeros(1, 6, 56)
        for row, (px, py, score) in enumerate(self.places):
            out[0, row, :51] = torch.tensor([py, px, score] * 17)
            out[0, row, 51:] = torch.tensor([py - 0.1, px - 0.1, py + 0.1, px + 0.1, score])
        return out


class FakeMask(torch.nn.Module):
    """Takes the left half of what it is shown for the person."""

    def forward(self, x: Tensor) -> Tensor:
        out = torch.zeros(1, 256, 256, 1)
        out[:, :, :128] = 0.9
        return out


class TestKeypoints:
    @pytest.mark.parametrize(("width", "height"), [(640, 480), (300, 900), (512, 512)])
    def test_come_back_in_pixels_of_the_picture(self, width: int, height: int) -> None:
        graph = FakePose([(0.25, 0.5, 0.8), (0.0, 0.0, 0.01)])
        picture = Picture(np.zeros((height, width, 3), np.uint8))

        found = PersonKeypoints(graph, SPEC).predict([picture])[0]  # type: ignore[arg-type]

        scale = 512 / max(width, height)
        expected = np.array([0.25 * graph.seen[0], 0.5 * graph.seen[1]]) / scale
        assert found["keypoints"].shape == (1, 17, 3)
        assert found["keypoints"][0, 0, :2] == pytest.approx(expected, rel=0.01)
        assert found["scores"].tolist() == pytest.approx([0.8])

    def test_of_a_box_are_those_of_the_person_inside_it(self) -> None:
        graph = FakePose([(0.02, 0.5, 0.9), (0.5, 0.5, 0.6)])  # a stronger neighbour outside of the box
        boxes = np.array([[200, 100, 300, 300]], np.float32)

        found = PersonKeypoints(graph, SPEC).predict([Picture(np.zeros((480, 640, 3), np.uint8), boxes)])[0]  # type: ignore[arg-type]

        assert found["keypoints"][0, 5, :2] == pytest.approx([250, 200], abs=1)
        assert found["boxes"].tolist() == boxes.tolist()

    def test_of_an_empty_picture_are_none(self) -> None:
        found = PersonKeypoints(FakePose([]), SPEC).predict([Picture(np.zeros((64, 64, 3), np.uint8))])[0]  # type: ignore[arg-type]

        assert found["keypoints"].shape == (0, 17, 3)


class TestSimilarity:
    def test_is_one_for_the_same_points_and_falls_with_distance(self) -> None:
        points = np.random.default_rng(0).uniform(0, 100, (17, 3)).astype(np.float32)
        points[:, 2] = 2

        shifted = [oks(points + np.array([d, 0, 0], np.float32), points, 5000) for d in (0, 5, 20, 200)]

        assert shifted[0] == pytest.approx(1.0)
        assert shifted == sorted(shifted, reverse=True)
        assert shifted[-1] < 0.01

    def test_looks_at_labelled_points_only(self) -> None:
        truth = np.zeros((17, 3), np.float32)
        assert oks(truth, truth, 100) == 0.0

        truth[3, 2] = 1
        found = truth + 500
        found[3, :2] = 0
        assert oks(found, truth, 100) == pytest.approx(1.0)


class TestMasks:
    def test_lie_in_their_box_and_stop_where_the_network_says(self) -> None:
        boxes = np.array([[100, 50, 140, 150]], np.float32)
        spec = Spec("fake", "mask", "1", ("person",), "MIT", "here", needs_boxes=True)

        found = PersonMasks(FakeMask(), spec).predict([Picture(np.zeros((200, 300, 3), np.uint8), boxes)])[0]  # type: ignore[arg-type]

        ys, xs = np.nonzero(found["masks"][0])
        assert found["masks"].shape == (1, 200, 300)
        assert (ys.min(), ys.max()) == (50, 149)
        assert xs.min() == 100 and 117 <= xs.max() <= 122
        assert 0.8 < found["scores"][0] <= 0.9

    @pytest.mark.parametrize("boxes", [None, [[10, 10, 5, 20]], [[0, 0, np.nan, 5]]])
    def test_need_sound_boxes(self, boxes: list[list[float]] | None) -> None:
        picture = Picture(
            np.zeros((20, 20, 3), np.uint8), None if boxes is None else np.array(boxes, np.float32)
        )

        with pytest.raises(PluginError, match="fake"):
            PersonMasks(FakeMask(), SPEC).predict([picture])  # type: ignore[arg-type]


class TestBoxDetector:
    def test_answers_every_picture_in_its_own_pixels(self, small_detector: Detector) -> None:
        checkpoint = Checkpoint(small_detector, InputSpec(size=64))
        spec = Spec("tiny", "box", "1", ("cat", "dog"), "MIT", "here")
        model = BoxDetector(checkpoint, spec)
        model.options = model.options.__class__(views=1, floor=0.0001)
        rng = np.random.default_rng(0)
        sizes = [(120, 80), (50, 300)]
        pictures = [Picture(rng.integers(0, 255, (h, w, 3), dtype=np.uint8)) for w, h in sizes]

        found = model.predict(pictures)

        assert isinstance(model, PreLabeller)
        for (width, height), out in zip(sizes, found, strict=True):
            assert len(out["boxes"]) > 0
            assert out["boxes"].min() >= 0
            assert (out["boxes"].max(axis=0) <= [width, height, width, height]).all()


class TestJson:
    @given(st.integers(1, 8), st.integers(1, 8), st.integers(0, 2**31))
    def test_run_lengths_give_the_mask_back(self, height: int, width: int, seed: int) -> None:
        mask = np.random.default_rng(seed).random((height, width)) < 0.5

        rle = run_lengths(mask)

        flat = np.repeat(np.arange(len(rle["counts"])) % 2, rle["counts"]).astype(bool)
        assert rle["size"] == [height, width]
        assert np.array_equal(flat.reshape(width, height).T, mask)

    def test_of_a_prediction_is_plain(self) -> None:
        prediction = Prediction(
            boxes=np.ones((1, 4), np.float32),
            labels=np.zeros(1, np.int64),
            scores=np.ones(1, np.float32),
            masks=np.eye(3, dtype=bool)[None],
        )

        back = json.loads(json.dumps(to_json(prediction)))

        assert back["boxes"] == [[1, 1, 1, 1]]
        assert back["masks"][0]["counts"] == [0, 1, 3, 1, 3, 1]

    def test_of_a_spec_is_plain(self) -> None:
        assert json.loads(json.dumps(SPEC.to_json()))["points"][0] == "nose"


class TestZoo:
    def test_names_what_there_is_when_asked_for_something_else(self) -> None:
        with pytest.raises(PluginError, match=r"no pretrained model 'sam'; there are nanodet-g-coco"):
            zoo.open_entry("sam")

    @pytest.mark.parametrize("name", list(zoo.ENTRIES))
    def test_states_licence_and_origin_of_every_model(self, name: str) -> None:
        entry = zoo.entry_of(name)

        assert entry.spec.name == name
        assert "Apache-2.0" in entry.spec.licence and entry.spec.origin
        assert all(len(digest) == 64 for digest in entry.asset.members.values())

    @pytest.mark.slow
    def test_pretrained_models_find_the_astronaut(self) -> None:
        """Slow where the archive of 144 MB is not in the cache yet."""
        try:
            picture = Image.open(Path(photos()) / "astronaut.png").convert("RGB")
            boxes, joints, masks = (zoo.open_entry(name) for name in list(zoo.ENTRIES)[:3])
        except AssetError as error:
            pytest.skip(f"the pretrained models cannot be fetched: {error}")
        image = np.asarray(picture)

        seen = boxes.predict([Picture(image)])[0]
        person = seen["boxes"][seen["labels"] == 0][:1]
        points = joints.predict([Picture(image)])[0]["keypoints"][0]
        mask = masks.predict([Picture(image, person)])[0]["masks"][0]

        assert seen["scores"][seen["labels"] == 0][0] > 0.5
        assert np.abs(points[0, :2] - [223, 110]).max() < 25  # her nose
        assert mask[points[0, 1].astype(int), points[0, 0].astype(int)]
        assert 0.3 < mask.mean() < 0.8


class TestEmbedder:
    def test_gives_one_unit_vector_per_picture_or_per_box(self) -> None:
        torch.manual_seed(0)
        model = PictureEmbedder(Embedder(), SPEC)
        image = np.random.default_rng(0).integers(0, 255, (50, 90, 3), dtype=np.uint8)
        boxes = np.array([[0, 0, 30, 30], [40, 10, 80, 50]], np.float32)

        whole, parts, none = model.predict(
            [Picture(image), Picture(image, boxes), Picture(image, np.zeros((0, 4), np.float32))]
        )

        assert whole["embeddings"].shape == (1, 1280)
        assert parts["embeddings"].shape == (2, 1280) and none["embeddings"].shape == (0, 1280)
        assert np.linalg.norm(parts["embeddings"], axis=1) == pytest.approx(1, abs=1e-5)

    def test_folding_a_batch_norm_changes_nothing(self) -> None:
        torch.manual_seed(1)
        conv, norm = torch.nn.Conv2d(3, 5, 3, bias=False), torch.nn.BatchNorm2d(5, eps=1e-3).eval()
        norm.running_mean.uniform_(-1, 1)  # type: ignore[union-attr]
        norm.running_var.uniform_(0.5, 2)  # type: ignore[union-attr]
        torch.nn.init.uniform_(norm.weight, 0.5, 2)
        state = {f"c.{k}": v for k, v in conv.state_dict().items()}
        state |= {f"n.{k}": v for k, v in norm.state_dict().items()}
        x = torch.rand(2, 3, 8, 8)

        weight, bias = folded(state, "c", "n")

        torch.testing.assert_close(torch.nn.functional.conv2d(x, weight, bias), norm(conv(x)))

    @pytest.mark.slow
    def test_two_parts_of_one_photograph_are_more_alike_than_two_photographs(self) -> None:
        try:
            folder, model = photos(), zoo.open_entry("efficientnet-lite0")
        except AssetError as error:
            pytest.skip(f"the pretrained model cannot be fetched: {error}")
        names = ("chelsea.png", "coffee.png", "rocket.jpg")
        vectors = []
        for name in names:
            image = np.asarray(Image.open(folder / name).convert("RGB"))
            height, width = image.shape[:2]
            halves = np.array([[0, 0, 0.8 * width, height], [0.2 * width, 0, width, height]], np.float32)
            vectors.append(model.predict([Picture(image, halves)])[0]["embeddings"])

        alike = [float(a @ b) for a, b in vectors]
        apart = [float(vectors[i][0] @ vectors[j][0]) for i in range(3) for j in range(i)]

        assert min(alike) > max(apart) + 0.1


def photos() -> Path:
    from models.datasets import photos as fetch_photos

    return fetch_photos()
