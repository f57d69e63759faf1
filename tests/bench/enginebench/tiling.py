"""A mosaic of real scenes, as large as a satellite picture: cutting it into windows must not cost recall or memory."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from engine import jobs
from engine.types import PrelabelOptions, SceneRef
from models.evaluate import Boxes, match

from enginebench import cells
from enginebench.common import Measurement

COLUMNS, ROWS = 31, 21  # of 640 x 480: 200 megapixels
IOU = 0.5
FLOOR = 0.2


def measure(*, quick: bool) -> dict[str, Measurement]:
    """The same trained detector looks at the scenes one by one and at all of them in one picture.

    The memory is that of a process of its own that does nothing but look at the mosaic.
    """
    columns, rows = (4, 3) if quick else (COLUMNS, ROWS)
    pool, val = cells.examples("train"), cells.examples("val", holdout=True)
    ref, _ = cells.train(
        cells.pick(pool, 40, 0), val[: 3 if quick else 12], seed=0, steps=10 if quick else 150
    )
    scenes = [*cells.examples("test"), *cells.examples("val")]
    with tempfile.TemporaryDirectory(prefix="tessera-bench-") as folder:
        path = Path(folder) / "mosaic.png"
        order = [scenes[i % len(scenes)] for i in range(columns * rows)]
        _paint(path, [e.image_path for e in order], columns, rows)
        width, height = columns * cells.SIZE[0], rows * cells.SIZE[1]
        asked = {"path": str(path), "size": [width, height], "model": ref.directory}
        done = subprocess.run(
            [sys.executable, __file__, json.dumps(asked)],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            cwd=Path(__file__).resolve().parents[1],
            env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[1])},
        )
    seen = json.loads(done.stdout.splitlines()[-1])
    whole = Boxes.of(np.array(seen["boxes"]), np.array(seen["labels"]), np.array(seen["scores"]))
    apart = {
        e.image_path: _alone(e.image_path, ref.directory) for e in {e.image_path: e for e in order}.values()
    }
    found_apart = found_whole = total = 0
    for i, example in enumerate(order):
        dx, dy = i % columns * cells.SIZE[0], i // columns * cells.SIZE[1]
        truth = Boxes.of(np.array(example.boxes), np.array(example.labels))
        centre = (whole.xyxy[:, :2] + whole.xyxy[:, 2:]) / 2 - (dx, dy)
        here = ((centre >= 0) & (centre < cells.SIZE)).all(axis=1)
        part = Boxes.of(whole.xyxy[here] - np.tile((dx, dy), 2), whole.labels[here], whole.scores[here])
        total += len(truth.labels)
        found_whole += int((match(part, truth, IOU)[0] >= 0).sum())
        found_apart += int((match(apart[example.image_path], truth, IOU)[0] >= 0).sum())
    recall = {"scenes apart": found_apart / total, "mosaic": found_whole / total}
    megapixels = width * height / 1e6
    detail = {"megapixels": megapixels, "objects": total, **recall, "seconds": seen["seconds"]}
    return {
        "tiling_recall_gap": Measurement(
            recall["scenes apart"] - recall["mosaic"],
            {"recall apart": recall["scenes apart"]},
            most=0.005,
            detail=detail,
        ),
        "peak_gb": Measurement(
            seen["peak_gb"],
            {"pixels as RGB": megapixels * 3e6 / 1e9},
            most=1.5,
            detail={"megapixels": megapixels},
        ),
    }


def _paint(path: Path, pictures: list[str], columns: int, rows: int) -> None:
    """Scenes side by side; painted in this process, so that the looking one never holds more than the file."""
    width, height = cells.SIZE
    mosaic = Image.new("RGB", (columns * width, rows * height))
    for i, picture in enumerate(pictures):
        with Image.open(picture) as image:
            mosaic.paste(image.convert("RGB"), (i % columns * width, i // columns * height))
    mosaic.save(path, compress_level=1)


def _alone(path: str, model: str) -> Boxes:
    return look(path, cells.SIZE, model)


def look(path: str, size: tuple[int, int], model: str) -> Boxes:
    """Objects of one picture, seen as in production, with one look per window."""
    ref = jobs.model_ref(model)
    scene = SceneRef("mosaic", path, *size)
    classes = {name: class_id for class_id, name in cells.CLASSES}
    options = PrelabelOptions(classes=classes, views=1, zooms=(1.0,), score_floor=FLOOR)
    chunks = list(jobs.prelabel([scene], model=ref, options=options))
    objects = jobs.predict_scene(scene, chunks, model=ref).objects
    return Boxes.of(
        np.array([o.xyxy for o in objects]).reshape(-1, 4),
        np.array([o.class_id for o in objects], int),
        np.array([o.score for o in objects]),
    )


def _child(asked: dict) -> None:
    import time

    started = time.monotonic()
    found = look(asked["path"], tuple(asked["size"]), asked["model"])
    status = Path("/proc/self/status").read_text()  # what getrusage says is inherited from the parent
    peak = int(status.split("VmHWM:")[1].split()[0]) / 1e6
    rows = {"boxes": found.xyxy.tolist(), "labels": found.labels.tolist(), "scores": found.scores.tolist()}
    print(json.dumps({**rows, "peak_gb": peak, "seconds": time.monotonic() - started}))


if __name__ == "__main__":
    _child(json.loads(sys.argv[1]))
