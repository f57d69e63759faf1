"""Pascal VOC: one XML file per picture. Corners are plain pixel coordinates, as LabelImg and CVAT write them."""

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, parse

from webapp.scenes.importers.lookup import PictureIndex
from webapp.scenes.importers.records import Problem, RawBox, SceneRecord
from webapp.scenes.importers.source import Source, clean_name

CORNERS = ("xmin", "ymin", "xmax", "ymax")


def recognises(source: Source) -> bool:
    """Whether XML files, and no JSON files, lie beside the pictures."""
    return bool(source.with_suffix(".xml")) and not source.with_suffix(".json")


def read(source: Source, *, keep_folders: bool = False) -> Iterator[SceneRecord | Problem]:
    """Yield one record per XML file, then one per picture that no XML file describes."""
    files = source.with_suffix(".xml")
    if not files:
        yield Problem(
            source.label, "holds no .xml file; name a folder with VOC files or choose another --format"
        )
    index = PictureIndex(source)
    names: dict[str, str] = {}
    used: set[str] = set()
    for file in files:
        for result in _read_file(file, source, index):
            if isinstance(result, SceneRecord):
                if result.name in names:
                    yield Problem(
                        file, f"describes {result.name!r} again, after {names[result.name]}; remove one"
                    )
                    continue
                names[result.name] = file
                used.add(result.path.relative_to(source.root).as_posix())
            yield result
    yield from _unlabelled(source, used, names)


def _unlabelled(source: Source, used: set[str], names: dict[str, str]) -> Iterator[SceneRecord | Problem]:
    for picture in [] if source.pointed else source.images():
        name = PurePosixPath(picture).name
        if picture not in used and name in names:
            yield Problem(picture, f"has the same file name as the picture of {names[name]}; rename one")
        elif picture not in used:
            names[name] = picture
            yield SceneRecord(name, source.path(picture))


def _read_file(file: str, source: Source, index: PictureIndex) -> Iterator[SceneRecord | Problem]:
    try:
        root = parse(source.path(file)).getroot()
    except DefusedXmlException:
        yield Problem(file, "declares XML entities, which can blow up a reader; write it without a DTD")
        return
    except (ParseError, ValueError, LookupError) as error:
        yield Problem(file, f"is not valid XML ({error}); export it again")
        return
    if root.tag != "annotation":
        yield Problem(file, f"starts with <{root.tag}>, not <annotation>; is it Pascal VOC?")
        return
    picture = _picture(file, root, index)
    if isinstance(picture, Problem):
        yield picture
        return
    name, found = picture
    boxes: list[RawBox] = []
    for number, element in enumerate(root.iter("object"), start=1):
        box = _box(file, element, number)
        if isinstance(box, Problem):
            yield box
        else:
            boxes.append(box)
    yield SceneRecord(name, source.path(found), tuple(boxes), _size(root), file)


def _picture(file: str, root: Any, index: PictureIndex) -> tuple[str, str] | Problem:
    """The scene's name and the picture's path. VOC files often name a picture that was converted since: same stem."""
    given = (root.findtext("filename") or "").strip()
    stem = PurePosixPath(file).stem
    name = clean_name(given) if given else None
    if given and name is None:
        return Problem(file, f"filename {given!r} is not a relative path; fix it")
    found = index.find(name, file) if name else []
    if not found:
        found = index.find_stem(stem)
        name = PurePosixPath(found[0]).name if found else name
    if not found:
        return Problem(
            file, f"there is no picture {given or stem!r} for it; add the picture or pass --images"
        )
    if len(found) > 1:
        return Problem(file, f"its picture could be {found[0]} or {found[1]}; rename one")
    assert name is not None
    return name, found[0]


def _box(file: str, element: Any, number: int) -> RawBox | Problem:
    where = f"object {number}"
    label = (element.findtext("name") or "").strip()
    if not label:
        return Problem(file, f"{where}: has no <name>; add the class")
    values = []
    for corner in CORNERS:
        text = element.findtext(f"bndbox/{corner}")
        try:
            values.append(float(text or ""))
        except ValueError:
            return Problem(file, f"{where}: bndbox/{corner} is {text!r}, not a number", droppable=True)
    return RawBox(label, (values[0], values[1], values[2], values[3]), where)


def _size(root: Any) -> tuple[int, int] | None:
    try:
        width, height = int(root.findtext("size/width") or 0), int(root.findtext("size/height") or 0)
    except ValueError:
        return None
    return (width, height) if width > 0 and height > 0 else None
