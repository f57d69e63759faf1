"""What a detector recognises is learned from the objects that people settled and that it finds."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from engine.holdout import Source
from engine.prelabel import Prelabeler, plan_chunks
from engine.recognition import embeddings, learn_familiar
from engine.types import ModelRef, PrelabelOptions, SceneRef
from models.checkpoint import Checkpoint, load

IDS = (4, 9)  # class ids of the labels "block" and "other"


@pytest.fixture
def checkpoint(tiny_model: ModelRef) -> Checkpoint:
    """Random weights that score everything a little higher, so that something is found."""
    loaded = load(Path(tiny_model.directory))
    with torch.no_grad():
        for head in loaded.detector.heads:
            head.out.bias[:2] += 2.0  # type: ignore[union-attr, index, operator]
    return replace(loaded, input=replace(loaded.input, zooms=(1.0,), overlap_px=0.0))


@pytest.fixture
def source(checkpoint: Checkpoint, tmp_path: Path, rng: np.random.Generator) -> Source:
    """A picture whose annotation is what the detector finds in it; the left half is for learning."""
    path = tmp_path / "noise.png"
    Image.fromarray(rng.integers(0, 255, (256, 512, 3), dtype=np.uint8)).save(path)
    scene, how = (
        SceneRef("s", str(path), 512, 256),
        PrelabelOptions(classes={"block": 4, "other": 9}, views=1),
    )
    look = Prelabeler(checkpoint)
    spec = replace(checkpoint.input, views=1)
    found = [d for t in plan_chunks(scene, "v", spec, how) for w in look(t).windows for d in w.detections]
    boxes = np.array([d.xyxy for d in found], dtype=np.float64)
    labels = np.array([d.class_id for d in found], dtype=np.int64)
    left, right = np.array([[0.0, 0, 256, 256]]), np.array([[256.0, 0, 512, 256]])
    return Source(str(path), 512, 256, boxes, labels, np.ones(len(boxes)), left, right)


class TestEmbeddings:
    def test_are_of_the_annotated_objects_in_the_asked_part_that_are_found(
        self, checkpoint: Checkpoint, source: Source
    ) -> None:
        everywhere = np.concatenate((source.train, source.held))

        left, right = (embeddings(checkpoint, [(source, part)], IDS) for part in (source.train, source.held))
        both = embeddings(checkpoint, [(source, everywhere)], IDS)

        assert left.shape[1] == both.shape[1] == checkpoint.detector.config.neck
        assert 0 < len(left) < len(both)
        assert 0 < len(right) < len(both)

    def test_are_none_where_nothing_is_annotated_or_classes_differ(
        self, checkpoint: Checkpoint, source: Source
    ) -> None:
        bare = replace(source, boxes=np.zeros((0, 4)), labels=np.zeros(0, np.int64))

        assert len(embeddings(checkpoint, [(bare, source.train)], IDS)) == 0
        assert len(embeddings(checkpoint, [(source, source.train)], (1, 2))) == 0
        assert len(embeddings(checkpoint, [], IDS)) == 0


class TestLearning:
    def test_tells_held_out_objects_of_the_same_kind_from_others(
        self, checkpoint: Checkpoint, source: Source
    ) -> None:
        known = learn_familiar(checkpoint, [source], IDS, seed=0)
        held = embeddings(checkpoint, [(source, source.held)], IDS)

        assert known is not None
        assert known(held)[0].mean() == pytest.approx(0.5, abs=0.1)
        assert known(-held)[0].min() == 1.0

    def test_needs_a_part_that_was_held_out(self, checkpoint: Checkpoint, source: Source) -> None:
        assert learn_familiar(checkpoint, [replace(source, held=np.zeros((0, 4)))], IDS, seed=0) is None
