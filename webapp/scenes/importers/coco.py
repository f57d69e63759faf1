"""COCO: one or more JSON files with `images`, `annotations` and `categories`, and the pictures they name.

Outlines and keypoints of annotations are kept as proposals. An image may carry the `calibration` of its camera, which
cuboids need: `{"K": 3 × 3, "ground": {"n": [3], "d"}, "T_cam_ego"?}` (docs/microtask-kinds.md), and name a `cloud`: a .bin
file of 32-bit floats x, y, z, intensity in the ego frame, as KITTI's.
"""

import json
import math
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from webapp.scenes.importers.coco_shapes import Unreadable, calibration_of, shapes_of
from webapp.scenes.importers.lookup import PictureIndex
from webapp.scenes.importers.records import Problem, RawBox, SceneRecord
from webapp.scenes.importers.source import Source, clean_name

POINT_BYTES = 16  # x, y, z, intensity


def recognises(source: Source) -> bool:
    """Whether JSON files, and no XML files, lie beside the pictures."""
    return bool(source.with_suffix(".json")) and not source.with_suffix(".xml")


def read(source: Source, *, keep_folders: bool = False) -> Iterator[SceneRecord | Problem]:
    """Yield one record per entry of `images`, named by its `file_name`."""
    files = source.with_suffix(".json")
    if not files:
        yield Problem(source.label, "holds no .json file; name the COCO file or choose another --format")
    index = PictureIndex(source)
    seen: dict[str, str] = {}
    for file in files:
        try:
            # Python's own reader: NaN must reach the check of the box, which can name the annotation.
            body = json.loads(source.path(file).read_bytes())
        except (ValueError, RecursionError) as error:
            yield Problem(file, f"is not valid JSON ({error}); export it again")
            continue
        if not isinstance(body, dict):
            yield Problem(
                file, f"is a JSON {type(body).__name__}, not an object; COCO is an object with 'images'"
            )
            continue
        yield from _CocoFile(file, body, source, index, seen).records()


class _CocoFile:
    def __init__(
        self, file: str, body: dict[str, Any], source: Source, index: PictureIndex, seen: dict[str, str]
    ) -> None:
        self.file, self.body, self.source, self.index, self.seen = file, body, source, index, seen
        self.joints: dict[Any, list[str]] = {}

    def records(self) -> Iterator[SceneRecord | Problem]:
        lists: dict[str, list[dict[str, Any]]] = {}
        for field in ("images", "annotations", "categories"):
            rows = self.body.get(field, [] if field != "images" else None)
            if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
                yield self._problem(f"has no list of objects '{field}'; is it COCO?")
                return
            lists[field] = rows
        names, problems = self._categories(lists["categories"])
        self.joints = {_key(row.get("id")): _joints(row) for row in lists["categories"]}
        ids, more = self._image_ids(lists["images"])
        boxes, still_more = self._boxes(lists["annotations"], names, ids)
        yield from (*problems, *more, *still_more)
        for row in lists["images"]:
            if _key(row.get("id")) in boxes:
                yield self._record(row, boxes[_key(row["id"])])

    def _categories(self, rows: list[dict[str, Any]]) -> tuple[dict[Any, str], list[Problem]]:
        names: dict[Any, str] = {}
        problems = []
        for number, row in enumerate(rows):
            id, name = _key(row.get("id")), row.get("name")
            if id is None or not isinstance(name, str) or not name.strip():
                problems.append(
                    self._problem(f"categories[{number}] needs an id (number or text) and a name")
                )
            elif id in names:
                problems.append(self._problem(f"categories[{number}] reuses the id {id!r}; make ids unique"))
            else:
                names[id] = name.strip()
        return names, problems

    def _image_ids(self, rows: list[dict[str, Any]]) -> tuple[set[Any], list[Problem]]:
        ids: set[Any] = set()
        problems = []
        for number, row in enumerate(rows):
            id = _key(row.get("id"))
            if id is None:
                problems.append(self._problem(f"images[{number}] needs an id (number or text)"))
            elif id in ids:
                problems.append(
                    self._problem(f"images[{number}] has the id {id!r} of another image; make ids unique")
                )
            ids.add(id)
        ids.discard(None)
        return ids, problems

    def _boxes(
        self, rows: list[dict[str, Any]], names: dict[Any, str], ids: set[Any]
    ) -> tuple[dict[Any, list[RawBox]], list[Problem]]:
        boxes: dict[Any, list[RawBox]] = defaultdict(list, {id: [] for id in ids})
        problems = []
        for number, row in enumerate(rows):
            where = f"annotation {row['id']}" if _key(row.get("id")) is not None else f"annotations[{number}]"
            image, category = _key(row.get("image_id")), _key(row.get("category_id"))
            xyxy = _xyxy(row.get("bbox"))
            if image not in ids:
                given = row.get("image_id")
                problems.append(
                    self._problem(f"{where}: image_id {given!r} is not in 'images'; add or fix it")
                )
            elif category not in names:
                given = row.get("category_id")
                problems.append(
                    self._problem(f"{where}: category_id {given!r} is not in 'categories'; add or fix it")
                )
            elif row.get("iscrowd"):
                continue  # A region of many objects, not a box of one.
            elif xyxy is None:
                problems.append(
                    self._problem(f"{where}: bbox must be [x, y, width, height], four numbers", True)
                )
            else:
                try:
                    shapes = shapes_of(row, self.joints[category])
                except Unreadable as error:
                    problems.append(self._problem(f"{where}: {error}", True))
                else:
                    boxes[image].append(RawBox(names[category], xyxy, where, shapes))
        return boxes, problems

    def _record(self, row: dict[str, Any], boxes: list[RawBox]) -> SceneRecord | Problem:
        given = row.get("file_name")
        name = clean_name(given) if isinstance(given, str) else None
        if name is None:
            return self._problem(
                f"image {row.get('id')!r}: file_name {given!r} is not a relative path; fix it"
            )
        if name in self.seen:
            return self._problem(
                f"image {row['id']!r}: file_name {name!r} is used twice (also in {self.seen[name]})"
            )
        self.seen[name] = self.file
        found = self.index.find(name, self.file)
        if not found:
            return self._problem(
                f"image {row['id']!r}: no picture {name!r} lies beside it; add it or pass --images"
            )
        if len(found) > 1:
            return self._problem(
                f"image {row['id']!r}: {name!r} could be {found[0]} or {found[1]}; write the path"
            )
        declared = _size(row.get("width"), row.get("height"))
        try:
            calibration = calibration_of(row)
        except Unreadable as error:
            return self._problem(f"image {row['id']!r}: {error}")
        cloud = self._cloud(row)
        if isinstance(cloud, Problem):
            return cloud
        return SceneRecord(
            name, self.source.path(found[0]), tuple(boxes), declared, self.file, calibration, cloud
        )

    def _cloud(self, row: dict[str, Any]) -> Path | Problem | None:
        """The file of points that an image names, beside the JSON or anywhere below."""
        given = row.get("cloud")
        if given is None:
            return None
        name = clean_name(given) if isinstance(given, str) else None
        found = [f for f in self.source.with_suffix(".bin") if name and (f == name or f.endswith(f"/{name}"))]
        if len(found) != 1:
            return self._problem(
                f"image {row['id']!r}: cloud {given!r} names {len(found)} .bin files; write the path of one"
            )
        path = self.source.path(found[0])
        size = path.stat().st_size
        if size == 0 or size % POINT_BYTES:
            return self._problem(
                f"image {row['id']!r}: {found[0]} holds no whole points of four 32-bit floats"
            )
        return path

    def _problem(self, message: str, droppable: bool = False) -> Problem:
        return Problem(self.file, message, droppable)


def _joints(row: dict[str, Any]) -> list[str]:
    """The keypoint names of a category; none where they are not given."""
    names = row.get("keypoints")
    return names if isinstance(names, list) and all(isinstance(name, str) for name in names) else []


def _key(id: Any) -> int | str | None:
    """An id that can be looked up; 1 and 1.0 are the same, None for what cannot be an id."""
    if isinstance(id, bool):
        return None
    if isinstance(id, float):
        return int(id) if math.isfinite(id) and id == int(id) else None
    return id if isinstance(id, int | str) else None


def _xyxy(bbox: Any) -> tuple[float, float, float, float] | None:
    if not isinstance(bbox, list) or len(bbox) != 4:
        return None
    if not all(isinstance(v, int | float) and not isinstance(v, bool) for v in bbox):
        return None
    try:
        x, y, w, h = (float(v) for v in bbox)
    except OverflowError:
        return None
    return (x, y, x + w, y + h)


def _size(width: Any, height: Any) -> tuple[int, int] | None:
    if isinstance(width, int) and isinstance(height, int) and width > 0 and height > 0:
        return (width, height)
    return None
