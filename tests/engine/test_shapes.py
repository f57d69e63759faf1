"""Outlines and skeletons are proposed for classes that a model knows, in scene pixels, and only when it is sure."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.pixels import Pixels
from engine.shapes import ShapeAsk, ShapeProposer, knows, look
from engine.types import PredictedObject, SceneRef
from models.assets import AssetError
from models.people import KEYPOINTS
from models.prelabel import Picture, Prediction, PreLabeller, Spec
from routing.annotation.shapes import Keypoints, Mask, shape_from_json
from routing.consensus.masks import decode_mask

SIZE = (200, 120)
BOX = (100.0, 40.0, 140.0, 100.0)
OUTLINE = ShapeAsk("person", "outline")
SKELETON = ShapeAsk("person", "skeleton", ("nose", "left_knee"))
SPEC = Spec("fake", "mask", "1", ("person",), "MIT", "here", points=KEYPOINTS)


class Fake:
    """Sees a person who fills the box, with the joints in the box's middle; `place` moves them there in the crop."""

    spec = SPEC

    def __init__(self, score: float = 0.9, joint: float = 0.8, move: float = 0.0) -> None:
        self.score, self.joint, self.move = score, joint, move
        self.crops: list[tuple[int, ...]] = []

    def predict(self, batch: Sequence[Picture]) -> list[Prediction]:
        (picture,) = batch
        assert picture.boxes is not None
        self.crops.append(picture.image.shape)
        x1, y1, x2, y2 = picture.boxes[0]
        mask = np.zeros((1, *picture.image.shape[:2]), bool)
        mask[0, int(y1) : int(y2), int(x1) : int(x2)] = True
        middle = [(x1 + x2) / 2 + self.move, (y1 + y2) / 2, self.joint]
        points = np.array([[middle] * len(KEYPOINTS)], np.float32)
        scores = np.array([self.score], np.float32)
        labels = np.zeros(1, np.int64)
        return [Prediction(boxes=picture.boxes, labels=labels, scores=scores, masks=mask, keypoints=points)]


def proposed(object_id: int, class_id: int = 0, p_there: float = 0.9) -> PredictedObject:
    geometry = {"type": "box", "xyxy": list(BOX)}
    return PredictedObject(object_id, class_id, geometry, p_there, p_there, p_there, {})


@pytest.fixture
def scene(tmp_path: Path) -> SceneRef:
    path = tmp_path / "a.png"
    Image.new("RGB", SIZE, (90, 120, 60)).save(path)
    return SceneRef("a", str(path), *SIZE)


class TestKnows:
    def test_is_true_of_people_and_their_joints_only(self) -> None:
        assert knows(OUTLINE)
        assert knows(SKELETON)
        assert not knows(ShapeAsk("tree", "outline"))
        assert not knows(ShapeAsk("person", "line"))
        assert not knows(ShapeAsk("person", "skeleton", ("nose", "tail")))


class TestLook:
    def test_places_the_mask_in_the_scene(self, scene: SceneRef) -> None:
        shape = look(Pixels(scene.path), BOX, OUTLINE, Fake())

        assert isinstance(shape, Mask)
        assert shape.offset == (100, 40)
        assert shape.size == (60, 40)
        assert np.asarray(decode_mask(shape)).all()

    def test_places_the_joints_in_the_scene_and_names_those_that_were_asked_for(
        self, scene: SceneRef
    ) -> None:
        shape = look(Pixels(scene.path), BOX, SKELETON, Fake())

        assert shape == Keypoints((("left_knee", 120.0, 70.0, 2), ("nose", 120.0, 70.0, 2)))

    def test_calls_a_weak_joint_hidden_and_one_outside_of_the_picture_absent(self, scene: SceneRef) -> None:
        weak = look(Pixels(scene.path), BOX, SKELETON, Fake(joint=0.1))
        outside = look(Pixels(scene.path), BOX, SKELETON, Fake(move=500.0))

        assert isinstance(weak, Keypoints)
        assert [v for *_, v in weak.points] == [1, 1]
        assert outside is None

    @pytest.mark.parametrize("ask", [OUTLINE, SKELETON])
    def test_gives_nothing_when_the_model_is_not_sure(self, scene: SceneRef, ask: ShapeAsk) -> None:
        assert look(Pixels(scene.path), BOX, ask, Fake(score=0.05)) is None

    def test_reads_no_more_of_the_picture_than_the_box_and_a_margin(self, scene: SceneRef) -> None:
        model = Fake()

        look(Pixels(scene.path), BOX, OUTLINE, model)

        assert model.crops == [(60 + 2 * 18, 40 + 2 * 18, 3)]  # a margin of .3 of its longer side, 60 px


class TestShapeProposer:
    def test_looks_at_likely_objects_of_classes_that_ask_for_it(self, scene: SceneRef) -> None:
        proposer = ShapeProposer({0: OUTLINE, 1: ShapeAsk("tree", "outline")}, lambda _: Fake())

        found = proposer.of(scene, [proposed(4), proposed(5, class_id=1), proposed(6, p_there=0.1)])

        assert found.keys() == {4}
        assert isinstance(shape_from_json(found[4]["outline"]), Mask)

    def test_opens_no_model_when_nobody_asks(self, scene: SceneRef) -> None:
        opened: list[str] = []

        def open_model(name: str) -> PreLabeller:
            opened.append(name)
            return Fake()

        assert ShapeProposer({}, open_model).of(scene, [proposed(4)]) == {}
        assert ShapeProposer({0: OUTLINE}, open_model).of(scene, [proposed(4, class_id=3)]) == {}
        assert opened == []

    def test_says_why_there_are_no_shapes_when_the_model_cannot_be_had(self, scene: SceneRef) -> None:
        def open_model(name: str) -> PreLabeller:
            raise AssetError(f"{name} cannot be downloaded")

        proposer = ShapeProposer({0: OUTLINE}, open_model)

        assert proposer.of(scene, [proposed(4)]) == {}
        assert proposer.unavailable == "selfie-mask cannot be downloaded"
