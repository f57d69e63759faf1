"""Pascal VOC: one XML file per scene. Corners are plain pixel coordinates; provenance is an extra <tessera> element."""

from pathlib import Path, PurePosixPath
from xml.etree import ElementTree

from webapp.exports.records import ExportedObject, ExportedScene, ExportFormat, ExportSet

DIGITS = 3  # a thousandth of a pixel
CORNERS = ("xmin", "ymin", "xmax", "ymax")


def write(export: ExportSet, folder: Path) -> None:
    """Write `Annotations/*.xml` and the list of them, `ImageSets/Main/default.txt`."""
    names = {c.id: c.name for c in export.classes}
    listing = folder / "ImageSets" / "Main" / "default.txt"
    listing.parent.mkdir(parents=True)
    taken: set[str] = set()
    with open(listing, "w", encoding="utf-8") as file:
        for scene in export.scenes():
            stem = str(PurePosixPath(scene.name).with_suffix(""))
            # a.jpg and a.png would share one XML file.
            stem = scene.name if stem in taken else stem
            taken.add(stem)
            target = folder / "Annotations" / f"{stem}.xml"
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(_xml(export, scene, names))
            file.write(f"{stem}\n")


def _xml(export: ExportSet, scene: ExportedScene, names: dict[int, str]) -> bytes:
    root = ElementTree.Element("annotation")
    _text(root, "folder", export.dataset)
    _text(root, "filename", scene.name)
    _text(ElementTree.SubElement(root, "source"), "database", export.project)
    size = ElementTree.SubElement(root, "size")
    for tag, value in (("width", scene.width), ("height", scene.height), ("depth", 3)):
        _text(size, tag, str(value))
    _text(root, "segmented", "0")
    for item in scene.objects:
        root.append(_object(item, names[item.label]))
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)


def _object(item: ExportedObject, name: str) -> ElementTree.Element:
    element = ElementTree.Element("object")
    for tag, value in (("name", name), ("pose", "Unspecified"), ("truncated", "0"), ("difficult", "0")):
        _text(element, tag, value)
    box = ElementTree.SubElement(element, "bndbox")
    for corner, pixels in zip(CORNERS, item.xyxy, strict=True):
        _text(box, corner, f"{round(pixels, DIGITS):.15g}")
    ElementTree.SubElement(element, "tessera", {key: str(value) for key, value in item.provenance.items()})
    return element


def _text(parent: ElementTree.Element, tag: str, text: str) -> None:
    ElementTree.SubElement(parent, tag).text = text


FORMAT = ExportFormat("voc", "Pascal VOC", write, pictures="JPEGImages")
