"""Opens refinements: an accepted object whose class wants more, a scene about which something is asked.

Runs where micro-tasks are inserted, within the transaction that accepted the object.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from routing.annotation.boxes import iou
from routing.refinement import RefinementCase, first_overlap
from webapp.labeling import bulk, refining_regions
from webapp.labeling.book import Book, Wish, unclaimed
from webapp.labeling.escalations import of_refinement
from webapp.labeling.models import Assignment, Microtask, Refinement, SceneObject, Tile
from webapp.labeling.proposals import proposal_for
from webapp.labeling.wants import Want
from webapp.projects.models import Project
from webapp.scenes.models import Scene

State = Refinement.State

STAYS_IOU = 0.8  # a box this close to the one that was refined keeps its refinements
MAX_ROUNDS = 2  # asked from the start so often; then it stays unknown
STAKE = 0.3  # risk at stake of a question about something of which nothing is known


def open_refinements(book: Book) -> None:
    """Ask what the objects that settled since the last call still lack, and drop what is asked of rejected ones."""
    _leave_put_aside(book)
    settled = {row.pk: row for row in book.settled_objects}
    book.settled_objects = []
    if not settled:
        return
    scenes = {row.scene_id for row in settled.values()}
    book.shelf.load_scenes(scenes)
    projects = {pk: book.shelf.scene(pk).dataset.project for pk in scenes}
    asking = [row for row in settled.values() if book.shelf.brief(projects[row.scene_id]).wants.refines]
    if not asking:
        return
    known = _known(row.pk for row in asking)
    imported = _Imported()
    for row in asking:
        mine = known.get(row.pk, {})
        if row.state != SceneObject.State.ACCEPTED:
            cancel(book, [r for r in mine.values() if r.state == State.OPEN])
            continue
        wants = book.shelf.brief(projects[row.scene_id]).wants.of(row.label)
        aspects = {want.aspect for want in wants}
        cancel(book, [r for a, r in mine.items() if r.state == State.OPEN and not _wanted(a, aspects)])
        for want in wants:
            _ask(book, row, want, mine.get(want.aspect), projects[row.scene_id], imported)


def open_scene_questions(book: Book, scene: Scene, project: Project) -> None:
    """Ask what the schema wants to know of a whole scene."""
    for want in book.shelf.brief(project).wants.of_scene():
        if want.kind == "label_region":
            for aspect, ask in refining_regions.questions(scene, want):
                begin(book, Refinement(scene=scene, aspect=aspect, kind=want.kind), ask, project)
            continue
        begin(book, Refinement(scene=scene, aspect=want.aspect, kind=want.kind), want.ask, project)


def begin(book: Book, refinement: Refinement, ask: dict[str, Any], project: Project) -> None:
    """Save a refinement with nothing answered yet, and wish for its first micro-task."""
    case = RefinementCase(refinement.kind, ask)
    count = first_overlap(case, book.policy(project))
    refinement.state, refinement.value, refinement.risk = State.OPEN, None, None
    refinement.settled_by, refinement.settled_at = "", None
    refinement.case = {"ask": ask, "said": [], "unsure": 0, "waiting": count, "evaded": []}
    store(refinement)
    row = book.objects.get(refinement.object_id) if refinement.object_id else None
    wish_for(
        book, refinement, row, refinement.kind, project, count=count, reason="its class wants it", value=STAKE
    )


def wish_for(
    book: Book, refinement: Refinement, row: SceneObject | None, kind: str, project: Project, *, reason: str, value: float,
    count: int = 1, tier: str = "crowd", details: dict[str, Any] | None = None, excluded: Iterable[int] = (),
    gold: dict[str, Any] | None = None, hidden: dict[str, Any] | None = None,
) -> None:  # fmt: skip
    """Wish for a micro-task about a refinement: its own question, or another kind with `details` of its own. With `gold`,
    the known answer, it is asked only to see who knows it. `hidden` is kept from whoever answers."""
    scene_id = refinement.scene_id
    book.shelf.load_scenes([scene_id])
    away = frozenset(excluded)
    if tier == "crowd":
        away |= book.reserved(project, away)
    book.wishes.append(
        Wish(
            kind, book.tiles.get(row.tile_id) if row else None, row, book.shelf.scene(scene_id).dataset_id, scene_id, project,
            tier, reason, value=value, details=refinement.case["ask"] if details is None else details,
            secret={
                "refinement": refinement.pk,
                **({"rules": True, "dispute": of_refinement(refinement)} if tier == "specialist" else {}),
                **({} if gold is None else {"gold": gold}),
                **(hidden or {}),
            },
            excluded=away, count=count,
        )
    )  # fmt: skip


def cancel(book: Book, refinements: Sequence[Refinement]) -> None:
    """Stop asking. A micro-task that is being answered right now is left to its answer, which finds it cancelled."""
    if not refinements:
        return
    ids = [r.pk for r in refinements]
    Refinement.objects.filter(pk__in=ids).update(state=State.CANCELLED, settled_at=book.now)
    tasks = Microtask.objects.filter(state=Microtask.State.OPEN, secret__refinement__in=ids)
    free = list(
        unclaimed(tasks.filter(scene__in={r.scene_id for r in refinements})).values_list("pk", flat=True)
    )
    held = {pk for pk in free if pk in book.microtasks}  # answered in this very transaction
    Microtask.objects.filter(pk__in=set(free) - held).update(
        state=Microtask.State.CANCELLED, resolved_at=book.now
    )
    Assignment.objects.filter(microtask__in=set(free) - held, state=Assignment.State.OPEN).update(
        state=Assignment.State.WITHDRAWN
    )


def put_aside(scenes: Iterable[int]) -> set[int]:
    """Those of the scenes that people found cannot be used."""
    usable = {"state": "usable"}
    settled = Refinement.objects.filter(scene__in=list(scenes), aspect="state", state=State.SETTLED)
    return {scene for scene, value in settled.values_list("scene_id", "value") if (value or usable) != usable}


def _leave_put_aside(book: Book) -> None:
    """Ask nothing more of scenes that cannot be used: other answers of this transaction may have wished for it."""
    tasks = [t for t in book.microtasks.values() if t.state == Microtask.State.OPEN]
    scenes = {t.scene_id for t in tasks} | {w.scene_id for w in book.wishes}
    book.shelf.load_scenes(scenes)
    sorted_out = {s for s in scenes if book.shelf.brief(book.shelf.scene(s).dataset.project).wants.triages}
    if not sorted_out:
        return
    aside = put_aside(sorted_out)
    book.wishes = [w for w in book.wishes if w.scene_id not in aside]
    book.new_assignments = [a for a in book.new_assignments if a.microtask.scene_id not in aside]
    for task in tasks:
        if task.scene_id in aside:
            task.state, task.resolved_at = Microtask.State.CANCELLED, book.now
            book.touch(task)
    for row in book.objects.values():
        if row.scene_id in aside and row.state not in SceneObject.SETTLED:
            row.state, row.risk, row.settled_by = SceneObject.State.UNDECIDABLE, 1.0, "consensus"
            row.settled_at, row.queued_at = book.now, None
            book.touch(row)
    for tile in book.tiles.values():
        if tile.scene_id in aside:
            tile.state = Tile.State.COMPLETE
            book.touch(tile)


def _known(ids: Iterable[int]) -> dict[int, dict[str, Refinement]]:
    found: dict[int, dict[str, Refinement]] = {}
    for refinement in Refinement.objects.filter(object__in=list(ids)):
        assert refinement.object_id is not None
        found.setdefault(refinement.object_id, {})[refinement.aspect] = refinement
    return found


def _wanted(aspect: str, aspects: set[str]) -> bool:
    return aspect in aspects or aspect.startswith("same:")


class _Imported:
    """What came with the scenes, read when the first object asks for it."""

    def __init__(self) -> None:
        self._read: dict[int, dict[str, Any]] = {}

    def of(self, scene_id: int) -> dict[str, Any]:
        if scene_id not in self._read:
            self._read[scene_id] = Scene.objects.values_list("imported", flat=True).get(pk=scene_id) or {}
        return self._read[scene_id]


def _ask(
    book: Book, row: SceneObject, want: Want, known: Refinement | None, project: Project, imported: _Imported
) -> None:
    """Ask for one aspect, unless it is known, being asked, or has been asked often enough."""
    if want.kind == "cuboid_cam":
        found = _measured(want, imported.of(row.scene_id))
        if found is None:  # Metres cannot be had from this picture.
            return
        want = found
    if known is not None:
        stays = known.kind == want.kind and iou(known.box or row.box, row.box) >= STAYS_IOU
        if stays and known.state != State.CANCELLED:
            _keep_name(book, row, known)
            return
        if known.rounds >= MAX_ROUNDS:
            give_up(known, book)
            return
        cancel(book, [known] if known.state == State.OPEN else [])
        known.rounds, known.kind = known.rounds + 1, want.kind
    ask = dict(want.ask)
    if want.kind not in ("attributes", "classify_image"):
        ask["proposal"] = proposal_for(want, row, imported.of(row.scene_id), book.shelf.scene(row.scene_id))
    refinement = known or Refinement(scene_id=row.scene_id, object=row, aspect=want.aspect, kind=want.kind)
    refinement.box = list(row.box)
    book.objects.setdefault(row.pk, row)
    book.load_tiles([row.tile_id])
    begin(book, refinement, ask, project)


def _measured(want: Want, imported: dict[str, Any]) -> Want | None:
    """A cuboid is asked for in the point cloud where there is one, else through the camera; None with neither."""
    calibration, cloud = imported.get("calibration"), imported.get("cloud")
    if cloud is not None:
        points = {"count": cloud["count"], "format": "float32 xyzi"}
        return Want("cuboid_lidar", {**want.ask, "calibration": calibration, "cloud": points})
    return Want(want.kind, {**want.ask, "calibration": calibration}) if calibration is not None else None


def _keep_name(book: Book, row: SceneObject, known: Refinement) -> None:
    """An object whose box was decided about once more keeps the finer class that people had named."""
    if known.aspect == "class" and known.value and known.value["class"] is not None:
        row.label = known.value["class"]
        book.touch(row)


def give_up(refinement: Refinement, book: Book) -> None:
    """Leave it unknown: people contradict each other about whether there is anything to refine."""
    refinement.state, refinement.value, refinement.risk = State.SETTLED, None, 1.0
    refinement.settled_by, refinement.settled_at = "nobody", book.now
    store(refinement)


FIELDS = ["kind", "state", "box", "case", "value", "risk", "settled_by", "rounds", "settled_at"]


def store(refinement: Refinement) -> None:
    """Insert or update a refinement. Not by `save`, which asks how many rows changed: in a pipeline nobody knows yet."""
    if refinement._state.adding:
        refinement.save()
    else:
        values = [refinement.pk, *(getattr(refinement, name) for name in FIELDS)]
        bulk.update(Refinement, ["id", *FIELDS], [values])
