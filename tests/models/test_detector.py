"""The network: shapes, what its input may be, and that training and saving do what they promise."""

from pathlib import Path

import numpy as np
import pytest
import torch

from models.checkpoint import Checkpoint, CheckpointError, InputSpec, load, read_config, save
from models.dataset import CropOptions, CropSampler, Sample
from models.detector import COCO_LABELS, Detector, DetectorConfig, locations
from models.familiar import familiar
from models.predict import PredictOptions, predict
from models.train import TrainOptions, train, with_labels


def painted_scene(rng: np.random.Generator, side: int = 256) -> Sample:
    """A grey picture with bright rectangles, all of them annotated."""
    image = rng.integers(90, 110, (side, side, 3), dtype=np.uint8)
    boxes = []
    for x, y in ((24, 30), (120, 20), (60, 130), (170, 150), (190, 60), (20, 200)):
        w, h = (int(v) for v in rng.integers(28, 48, 2))
        image[y : y + h, x : x + w] = (230, 60, 40)
        boxes.append((x, y, x + w, y + h))
    count = len(boxes)
    whole = np.array([[0, 0, side, side]], np.float32)
    return Sample(
        image,
        np.array(boxes, np.float32),
        np.zeros(count, np.int64),
        np.ones(count, np.float32),
        whole,
        np.zeros((0, 4), np.float32),
    )


class TestShapes:
    @pytest.mark.parametrize(("height", "width"), [(64, 96), (416, 416), (32, 32)])
    def test_outputs_one_row_per_location_of_every_level(self, height: int, width: int) -> None:
        detector = Detector(DetectorConfig(labels=("a", "b", "c"))).eval()
        images = torch.zeros(2, 3, height, width, dtype=torch.uint8)

        logits, sides = detector(images)

        count = sum((height // s) * (width // s) for s in (8, 16, 32))
        assert logits.shape == (2, count, 3)
        assert sides.shape == (2, count, 4, 11)
        assert locations(height, width, (8, 16, 32)).shape == (count, 3)

    def test_locations_lie_in_the_middle_of_their_cells(self) -> None:
        grid = locations(64, 32, (16,))

        assert grid.tolist()[:3] == [[8, 8, 16], [24, 8, 16], [8, 24, 16]]

    def test_refuses_a_size_that_the_levels_cannot_divide(self, small_detector: Detector) -> None:
        with pytest.raises(ValueError, match="multiples of 32"):
            small_detector(torch.zeros(1, 3, 40, 64))

    def test_knows_eighty_coco_classes(self) -> None:
        assert len(COCO_LABELS) == len(set(COCO_LABELS)) == 80
        assert COCO_LABELS[0] == "person"
        assert COCO_LABELS[-1] == "toothbrush"


class TestTraining:
    def test_overfits_one_small_scene(self, rng: np.random.Generator, small_detector: Detector) -> None:
        sample = painted_scene(rng)
        sampler = CropSampler(
            [sample], CropOptions(size=256, scale_jitter=0.05, colour=0.0, symmetries=False), 1
        )
        detector = with_labels(small_detector, ("block",))

        trained, report = train(detector, sampler, TrainOptions(steps=100, budget_s=600, batch=2, seed=1))

        images = torch.from_numpy(sample.image).permute(2, 0, 1)[None]
        found = predict(trained, images, PredictOptions(views=1, floor=0.25))[0]
        assert report.steps == 100
        assert report.loss < 1.6
        best = torch.from_numpy(sample.boxes)
        overlaps = _iou(found.boxes, best).max(0).values
        assert (overlaps > 0.6).sum() >= 5

    def test_gives_the_same_weights_for_the_same_seed(
        self, rng: np.random.Generator, small_detector: Detector
    ) -> None:
        sample = painted_scene(rng)

        def run() -> dict[str, torch.Tensor]:
            sampler = CropSampler([sample], CropOptions(size=64), 3)
            trained, _ = train(
                with_labels(small_detector, ("block",)),
                sampler,
                TrainOptions(steps=3, budget_s=600, batch=2, seed=3),
            )
            return trained.state_dict()

        first, second = run(), run()

        assert all(torch.equal(first[name], second[name]) for name in first)

    def test_stops_when_its_time_is_up(self, rng: np.random.Generator, small_detector: Detector) -> None:
        sampler = CropSampler([painted_scene(rng)], CropOptions(size=64), 3)

        _, report = train(small_detector, sampler, TrainOptions(steps=10_000, budget_s=1.0, batch=1))

        assert 0 < report.steps < 10_000
        assert report.wall_s < 10

    def test_says_that_there_is_nothing_to_learn_from(self, rng: np.random.Generator) -> None:
        sample = painted_scene(rng)
        empty = Sample(
            sample.image, np.zeros((0, 4), np.float32), *([np.zeros(0)] * 2), sample.known, sample.ignore
        )

        with pytest.raises(ValueError, match="no box to learn from"):
            CropSampler([empty], CropOptions(), 0)


class TestNewLabels:
    def test_keeps_what_it_knew_of_classes_with_the_same_name(self, small_detector: Detector) -> None:
        renewed = with_labels(small_detector, ("fox", "dog"))

        old, new = small_detector.state_dict(), renewed.state_dict()
        assert torch.equal(new["heads.0.out.weight"][1], old["heads.0.out.weight"][1])
        assert torch.equal(new["heads.0.out.weight"][2:], old["heads.0.out.weight"][2:])
        assert torch.equal(new["stem.0.weight"], old["stem.0.weight"])

    def test_starts_new_classes_unlikely(self, small_detector: Detector) -> None:
        renewed = with_labels(small_detector, ("fox",)).eval()

        logits, _ = renewed(torch.full((1, 3, 64, 64), 110.0))

        assert float(logits.detach().sigmoid().mean()) < 0.1


class TestCheckpoints:
    def test_give_back_identical_predictions(self, small_detector: Detector, tmp_path: Path) -> None:
        spec = InputSpec(size=64, scale=1.5, overlap_px=20, views=8, zooms=(0.7, 1.0))
        images = torch.randint(0, 255, (1, 3, 64, 64), generator=torch.Generator().manual_seed(0))

        version = save(Checkpoint(small_detector, spec, metrics={"ap50": 0.5}), tmp_path / "model")
        loaded = load(tmp_path / "model")

        assert loaded.input == spec
        assert loaded.metrics == {"ap50": 0.5}
        assert loaded.version == version
        for before, after in zip(small_detector(images), loaded.detector(images), strict=True):
            torch.testing.assert_close(after, before, rtol=0, atol=0)

    def test_keep_what_the_model_recognises(self, small_detector: Detector, tmp_path: Path) -> None:
        rows = torch.randn((200, 128), generator=torch.Generator().manual_seed(1))
        known = familiar(rows[:100], rows[100:], seed=0)
        plain = save(Checkpoint(small_detector, InputSpec(size=64)), tmp_path / "plain")

        version = save(Checkpoint(small_detector, InputSpec(size=64), familiar=known), tmp_path / "model")
        loaded = load(tmp_path / "model")

        assert version != plain
        assert known is not None and loaded.familiar is not None
        assert torch.equal(loaded.familiar(rows)[1], known(rows)[1])
        assert load(tmp_path / "plain").familiar is None

    def test_version_follows_the_weights_and_not_the_metrics(
        self, small_detector: Detector, tmp_path: Path
    ) -> None:
        spec = InputSpec(size=64)

        first = save(Checkpoint(small_detector, spec, metrics={"ap50": 0.1}), tmp_path / "a")
        same = save(Checkpoint(small_detector, spec, metrics={"ap50": 0.2}), tmp_path / "b")
        with torch.no_grad():
            small_detector.stem[0].bias += 1  # type: ignore[operator]
        other = save(Checkpoint(small_detector, spec), tmp_path / "c")

        assert first == same
        assert other != first

    def test_say_none_for_what_could_not_be_measured(self, small_detector: Detector, tmp_path: Path) -> None:
        unmeasured = {"ap50_after": float("nan"), "strata": [{"gain": float("inf"), "objects": 3}]}
        saved = Checkpoint(small_detector, InputSpec(), metrics=unmeasured)

        save(saved, tmp_path / "model")

        text = (tmp_path / "model" / "model.json").read_text()
        assert "NaN" not in text and "Infinity" not in text
        metrics = read_config(tmp_path / "model")["metrics"]
        assert metrics == {"ap50_after": None, "strata": [{"gain": None, "objects": 3}]}

    def test_are_never_overwritten(self, small_detector: Detector, tmp_path: Path) -> None:
        save(Checkpoint(small_detector, InputSpec()), tmp_path / "model")

        with pytest.raises(FileExistsError):
            save(Checkpoint(small_detector, InputSpec()), tmp_path / "model")

    @pytest.mark.parametrize("damage", ["no config", "not json", "other format", "cut weights", "no weights"])
    def test_that_are_damaged_are_refused_by_name(
        self, small_detector: Detector, tmp_path: Path, damage: str
    ) -> None:
        folder = tmp_path / "model"
        save(Checkpoint(small_detector, InputSpec()), folder)
        config, weights = folder / "model.json", folder / "model.safetensors"
        match damage:
            case "no config":
                config.unlink()
            case "not json":
                config.write_text("{")
            case "other format":
                config.write_text(config.read_text().replace('"format": 1', '"format": 99'))
            case "cut weights":
                weights.write_bytes(weights.read_bytes()[:1000])
            case "no weights":
                weights.unlink()

        with pytest.raises(CheckpointError, match="model"):
            load(folder)

    def test_hold_no_pickle(self, small_detector: Detector, tmp_path: Path) -> None:
        save(Checkpoint(small_detector, InputSpec()), tmp_path / "model")

        assert sorted(p.name for p in (tmp_path / "model").iterdir()) == ["model.json", "model.safetensors"]


def _iou(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    low = torch.maximum(a[:, None, :2], b[None, :, :2])
    high = torch.minimum(a[:, None, 2:], b[None, :, 2:])
    shared = (high - low).clamp(min=0).prod(-1)
    size = (a[:, 2:] - a[:, :2]).prod(-1)[:, None] + (b[:, 2:] - b[:, :2]).prod(-1)[None]
    return shared / (size - shared)
