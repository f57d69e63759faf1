"""What a published model sees in a person's box is where the annotator starts: from the run to the question."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engine import jobs
from engine.shapes import ShapeProposer
from engine.types import ModelRef, PredictedObject, ScenePrediction
from models.people import KEYPOINTS
from models.prelabel import Picture, Prediction, Spec
from routing.annotation.shapes import Mask, shape_from_json
from webapp.labeling.models import SceneObject
from webapp.labeling.proposals import proposal_for
from webapp.labeling.wants import Wants
from webapp.people.models import Organisation
from webapp.pipeline import engine_runner
from webapp.pipeline.models import Run
from webapp.projects.operations import create_project
from webapp.scenes.models import Dataset, Scene

SIZE = (320, 240)
BOX = [60.0, 40.0, 120.0, 200.0]
JOINTS = ["nose", "left_hip"]
SKELETON = {"joints": [{"name": name} for name in JOINTS], "edges": [JOINTS]}


class Seer:
    """A model that sees a person in every box: all of it, with each joint in its middle."""

    spec = Spec("fake", "mask", "1", ("person",), "MIT", "here", points=KEYPOINTS)

    def predict(self, batch: Sequence[Picture]) -> list[Prediction]:
        (picture,) = batch
        assert picture.boxes is not None
        x1, y1, x2, y2 = (int(v) for v in picture.boxes[0])
        masks = np.zeros((1, *picture.image.shape[:2]), bool)
        masks[0, y1:y2, x1:x2] = True
        joints = np.array([[[(x1 + x2) / 2, (y1 + y2) / 2, 0.9]] * len(KEYPOINTS)], np.float32)
        one = np.ones(1, np.float32)
        return [
            Prediction(
                boxes=picture.boxes, labels=np.zeros(1, np.int64), scores=one, masks=masks, keypoints=joints
            )
        ]


@pytest.fixture
def people(monkeypatch: pytest.MonkeyPatch) -> ModelRef:
    """A detector that finds one person in every scene, and the seer for what is in the box."""
    model = ModelRef("people", "p" * 64, "/nowhere", ("person",))
    item = PredictedObject(0, 0, {"type": "box", "xyxy": BOX}, 0.9, 0.9, 0.97, {"score": 0.9})
    monkeypatch.setattr(jobs, "pretrained", lambda: model)
    monkeypatch.setattr(engine_runner, "_complete_scenes", lambda run, refs, *_: ((ref, []) for ref in refs))
    monkeypatch.setattr(
        jobs,
        "predict_scene",
        lambda ref, chunks, *, model: ScenePrediction(ref.scene_id, model.version, (item,), (), 0.9, {}),
    )
    monkeypatch.setattr(engine_runner, "ShapeProposer", lambda asks: ShapeProposer(asks, lambda _: Seer()))
    return model


def found(acme: Organisation, media: Path, wish: dict[str, Any], **more: Any) -> tuple[SceneObject, Wants]:
    """The object that a prelabelling run opens in a project that wants this of persons."""
    classes = [{"id": 0, "name": "person", **wish}]
    project = create_project(organisation=acme, name="People", domain="street", classes=classes, more=more)
    dataset = Dataset.objects.create(project=project, name="north")
    media.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", SIZE).save(media / "a.png")
    Scene.objects.create(
        dataset=dataset, name="a.png", sha256="0" * 64, file="a.png", width=SIZE[0], height=SIZE[1]
    )
    run = Run.objects.create(
        project=project, dataset=dataset, kind=Run.Kind.PRELABEL, options={"pretrained": True}
    )
    engine_runner.execute(run)
    run.refresh_from_db()
    assert run.state == Run.State.DONE, run.error
    schema = project.schemas.get()
    return SceneObject.objects.get(scene__dataset=dataset), Wants(schema.classes, schema.more)


def proposal(row: SceneObject, wants: Wants) -> dict[str, Any] | None:
    (want,) = wants.of(0)
    return proposal_for(want, row, {}, row.scene)


class TestPrelabel:
    def test_proposes_the_mask_that_a_model_sees(
        self, acme: Organisation, media: Path, people: ModelRef
    ) -> None:
        shown = proposal(*found(acme, media, {"geometry": "mask"}))

        assert shown is not None
        shape = shape_from_json(shown)
        assert isinstance(shape, Mask)
        assert (shape.offset, shape.size) == ((60, 40), (160, 60))

    def test_proposes_it_as_an_outline_where_polygons_are_wanted(
        self, acme: Organisation, media: Path, people: ModelRef
    ) -> None:
        shown = proposal(*found(acme, media, {"geometry": "polygon"}))

        assert shown is not None
        ring = np.array(shown["rings"][0])
        assert ring.min(axis=0) == pytest.approx([60, 40], abs=1)
        assert ring.max(axis=0) == pytest.approx([120, 200], abs=1)

    def test_proposes_the_joints_of_the_projects_skeleton(
        self, acme: Organisation, media: Path, people: ModelRef
    ) -> None:
        wish = {"geometry": "keypoints", "skeleton": "body"}

        shown = proposal(*found(acme, media, wish, skeletons={"body": SKELETON}))

        assert shown is not None
        assert shown["points"] == {name: [90.0, 120.0, 2] for name in JOINTS}

    def test_proposes_no_shape_where_boxes_are_enough(
        self, acme: Organisation, media: Path, people: ModelRef
    ) -> None:
        row, _ = found(acme, media, {})

        assert "shapes" not in row.signals
