"""What a settled refinement changes beside itself: a finer class, a scene that cannot be used, two objects that are one."""

from typing import Any

from routing.annotation.boxes import union_box
from webapp.labeling.given import Given
from webapp.labeling.lifecycle import add_version, settle
from webapp.labeling.models import Assignment, Microtask, Refinement, SceneObject, Tile

State = SceneObject.State


def followed(refinement: Refinement, value: dict[str, Any], kind: str) -> str | None:
    """The kind of question that must follow before this answer stands, None where none must."""
    unnamed = kind == "classify_image" and refinement.object_id is not None and value["class"] is None
    return "name_unknown" if unnamed else None


def apply(given: Given, refinement: Refinement, value: dict[str, Any]) -> None:
    """Let a settled answer take effect."""
    match refinement.aspect.partition(":")[0]:
        case "class" if refinement.object_id is not None:
            _name(given, value)
        case "state" if value["state"] != "usable":
            _put_aside(given, value["state"])
        case "same" if value["same"]:
            _merge(given, refinement, value["keep"])


def _name(given: Given, value: dict[str, Any]) -> None:
    row, book = given.row, given.book
    if value.get("out_of_scope"):
        settle(book, row, given.tile, State.REJECTED, risk=0.0, by="specialist")
    elif value["class"] is not None:
        row.label = value["class"]
        book.touch(row)
        book.settled_objects.append(row)  # The finer class may want more.
    elif value.get("propose"):
        task = given.microtask
        book.log("class_proposed", project=task.project, dataset_id=task.dataset_id, object=row,
                 annotator=given.annotator, data={"name": value["propose"]})  # fmt: skip


def _put_aside(given: Given, state: str) -> None:
    """Ask nothing more of a scene that cannot be used: what is open about it is withdrawn, and said to be undecidable."""
    book, task = given.book, given.microtask
    scene = task.scene_id
    tasks = Microtask.objects.filter(scene=scene, state=Microtask.State.OPEN).exclude(pk=task.pk)
    ids = list(tasks.values_list("pk", flat=True))
    Microtask.objects.filter(pk__in=ids).update(state=Microtask.State.CANCELLED, resolved_at=book.now)
    Assignment.objects.filter(microtask__in=ids, state=Assignment.State.OPEN).update(
        state=Assignment.State.WITHDRAWN
    )
    Refinement.objects.filter(scene=scene, state=Refinement.State.OPEN).exclude(
        pk=task.secret["refinement"]
    ).update(state=Refinement.State.CANCELLED, settled_at=book.now)
    SceneObject.objects.filter(scene=scene).exclude(state__in=SceneObject.SETTLED).update(
        state=State.UNDECIDABLE, risk=1.0, settled_by="consensus", settled_at=book.now, queued_at=None
    )
    Tile.objects.filter(scene=scene).update(state=Tile.State.COMPLETE)
    book.log("put_aside", project=task.project, dataset_id=task.dataset_id, annotator=given.annotator,
             data={"scene": scene, "state": state})  # fmt: skip


def _merge(given: Given, refinement: Refinement, keep: str) -> None:
    """Two objects are one: one of them goes, the other has its own box, the other's, or what holds both."""
    book, row = given.book, given.row
    ask = refinement.case["ask"]
    ids = {side: ask[side]["id"] for side in "ab"}
    kept = ids["b"] if keep == "b" else ids["a"]
    dropped = ids["a"] if keep == "b" else ids["b"]
    book.load_objects([kept, dropped])
    book.load_tiles({book.objects[id].tile_id for id in (kept, dropped)})
    if keep == "union":
        box = union_box(ask["a"]["xyxy"], ask["b"]["xyxy"])
        add_version(book, book.objects[kept], box, row.label, None)
    gone = book.objects[dropped]
    settle(book, gone, book.tiles[gone.tile_id], State.REJECTED, risk=refinement.risk or 0.0, by="consensus")
