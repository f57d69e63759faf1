"""Pre-labellers for people: where their joints are, and which pixels are theirs. Published weights, never trained here.

Both are small networks for phones: MoveNet MultiPose (Google, "Next-Generation Pose Detection with MoveNet", 2021) and
MediaPipe's selfie segmentation. They know people and nothing else.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image

from models.graph import Graph
from models.prelabel import Floats, Picture, Prediction, Spec, checked_boxes, nothing

KEYPOINTS = (
    *("nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder"),
    *("left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip"),
    *("left_knee", "right_knee", "left_ankle", "right_ankle"),
)
# Standard deviation of each keypoint relative to the square root of the person's area (COCO's evaluation).
SIGMAS = np.array([26, 25, 25, 35, 35, 79, 79, 72, 72, 62, 62, 107, 107, 87, 87, 89, 89]) / 1000
WHOLE_PX = 512  # longer side of a whole picture: several people, some of them small
CROP_PX = 256  # side of the crop around one box
CROP_PAD = 1.5  # times the longer side of the box
LEAST_SCORE = 0.1
MASK_PX = 256
MASK_PAD = 0.2  # of each side of the box: the network has seen people with room around them
MASK_FROM = 0.3

RGB = npt.NDArray[np.uint8]


def oks(found: Floats, truth: Floats, area: float) -> float:
    """Object keypoint similarity of (17, 3) and (17, 3) arrays, over the labelled points (truth[:, 2] > 0), as in COCO.

    `area` is that of the person in square pixels. Returns 0 when no point is labelled.
    """
    known = truth[:, 2] > 0
    if not known.any():
        return 0.0
    away = np.square(found[known, :2] - truth[known, :2]).sum(axis=1)
    spread = 2 * (2 * SIGMAS[known]) ** 2 * max(area, 1.0)
    return float(np.exp(-away / spread).mean())


class PersonKeypoints:
    """MoveNet MultiPose: up to six people per look, 17 COCO keypoints each.

    Given boxes, it looks closely around each of them and answers one person per box; without, once at the whole picture.
    """

    def __init__(self, graph: Graph, spec: Spec) -> None:
        self.graph, self.spec = graph, spec

    def predict(self, batch: Sequence[Picture]) -> list[Prediction]:
        """Return boxes, scores and keypoints (N, 17, 3) in pixels of each picture."""
        return [
            self._whole(picture.image) if picture.boxes is None else self._around(picture)
            for picture in batch
        ]

    def _whole(self, image: RGB) -> Prediction:
        points, boxes, scores = self._look(image, WHOLE_PX)
        keep = scores >= LEAST_SCORE
        if not keep.any():
            return {**nothing(), "keypoints": np.zeros((0, len(KEYPOINTS), 3), np.float32)}
        return _people(points[keep], boxes[keep], scores[keep])

    def _around(self, picture: Picture) -> Prediction:
        boxes = checked_boxes(self.spec, picture)
        found = [self._one(picture.image, box) for box in boxes]
        points = np.array([p for p, _ in found], np.float32).reshape(-1, len(KEYPOINTS), 3)
        return _people(points, boxes, np.array([s for _, s in found], np.float32))

    def _one(self, image: RGB, box: Floats) -> tuple[Floats, float]:
        """The person of one box: of those around it, the one whose keypoints lie in it."""
        middle, side = (box[:2] + box[2:]) / 2, float((box[2:] - box[:2]).max()) * CROP_PAD
        low = np.round(middle - side / 2).astype(int)
        crop = Image.fromarray(image).crop((*low, *(low + max(round(side), 2))))
        points, _, scores = self._look(np.asarray(crop), CROP_PX)
        points[..., :2] += low
        inside = ((points[..., :2] > box[:2]) & (points[..., :2] < box[2:])).all(axis=-1).mean(axis=1)
        best = int(np.argmax(scores * inside))
        return points[best], float(scores[best] * inside[best])

    def _look(self, image: RGB, size: int) -> tuple[Floats, Floats, Floats]:
        """Keypoints (6, 17, 3), boxes (6, 4) and scores (6,) of one picture, in its pixels."""
        height, width = image.shape[:2]
        scale = size / max(height, width)
        w, h = max(1, round(width * scale)), max(1, round(height * scale))
        padded = np.zeros((-(-h // 32) * 32, -(-w // 32) * 32, 3), np.int32)
        padded[:h, :w] = np.asarray(Image.fromarray(image).resize((w, h), Image.Resampling.BILINEAR))
        rows = self.graph(torch.from_numpy(padded)[None])[0].numpy()  # (6, 56): y, x, score ... box, score
        size_px = np.array([padded.shape[1], padded.shape[0]], np.float32) / (w / width, h / height)
        points = rows[:, :51].reshape(-1, 17, 3)[..., [1, 0, 2]].copy()
        points[..., :2] *= size_px
        boxes = rows[:, [52, 51, 54, 53]] * np.tile(size_px, 2)
        return points, boxes.astype(np.float32), rows[:, 55]


def _people(points: Floats, boxes: Floats, scores: Floats) -> Prediction:
    labels = np.zeros(len(scores), np.int64)
    return Prediction(boxes=boxes, labels=labels, scores=scores, keypoints=points.astype(np.float32))


class PersonMasks:
    """MediaPipe selfie segmentation on a crop around each box: the pixels of the person that the box holds.

    Two people who overlap in one box come out as one mask.
    """

    def __init__(self, graph: Graph, spec: Spec) -> None:
        self.graph, self.spec = graph, spec

    def predict(self, batch: Sequence[Picture]) -> list[Prediction]:
        """Return one mask (H, W) per box, cut at the box; its score is the mean probability of its pixels."""
        return [self._masks(picture, checked_boxes(self.spec, picture)) for picture in batch]

    def _masks(self, picture: Picture, boxes: Floats) -> Prediction:
        height, width = picture.image.shape[:2]
        masks = np.zeros((len(boxes), height, width), bool)
        scores = np.zeros(len(boxes), np.float32)
        for number, box in enumerate(boxes):
            chance = self._chance(picture.image, box)
            x1, y1 = np.clip(np.floor(box[:2]), 0, (width, height)).astype(int)
            x2, y2 = np.clip(np.ceil(box[2:]), 0, (width, height)).astype(int)
            masks[number, y1:y2, x1:x2] = chance[y1:y2, x1:x2] >= MASK_FROM
            scores[number] = chance[masks[number]].mean() if masks[number].any() else 0.0
        return Prediction(boxes=boxes, labels=np.zeros(len(boxes), np.int64), scores=scores, masks=masks)

    def _chance(self, image: RGB, box: Floats) -> Floats:
        """P(person) of every pixel (H, W); 0 outside the crop around the box."""
        height, width = image.shape[:2]
        room = (box[2:] - box[:2]) * MASK_PAD
        x1, y1 = np.clip(np.round(box[:2] - room), 0, (width - 1, height - 1)).astype(int)
        x2, y2 = np.clip(np.round(box[2:] + room), (x1 + 1, y1 + 1), (width, height)).astype(int)
        crop = Image.fromarray(image[y1:y2, x1:x2]).resize((MASK_PX, MASK_PX), Image.Resampling.BILINEAR)
        seen = self.graph(torch.from_numpy(np.asarray(crop, np.float32) / 255)[None])[0, :, :, 0].numpy()
        out = np.zeros((height, width), np.float32)
        back = Image.fromarray(seen).resize((x2 - x1, y2 - y1), Image.Resampling.BILINEAR)
        out[y1:y2, x1:x2] = np.asarray(back)
        return out
