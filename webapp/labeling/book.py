"""The rows of one transaction: loaded and locked once, changed in memory, written together.

Many answers commit in one transaction (group commit). Locks are taken in one order everywhere (micro-tasks, objects,
tiles, assignments, records; by id within each), so that batches of several web processes do not deadlock.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from django.db import connection, models, transaction
from django.db.models import QuerySet
from django.db.models.base import ModelState

from routing.outcomes import Outcome
from routing.policy import RoutingPolicy
from routing.track_record import TrackRecord, replay
from webapp.labeling import bulk, wakeups
from webapp.labeling.models import (
    AnnotatorRecord,
    Assignment,
    Event,
    Lane,
    Microtask,
    ObjectVersion,
    Resolution,
    SceneObject,
    Tile,
)
from webapp.labeling.shelf import Believed, Shelf, read_records
from webapp.people.models import User
from webapp.projects.models import Project

Row = TypeVar("Row", bound=models.Model)


def locked(query: QuerySet[Row]) -> QuerySet[Row]:
    """The same rows, locked until the transaction ends. On SQLite the transaction itself is exclusive."""
    return query.select_for_update(of=("self",)) if connection.features.has_select_for_update_of else query


def unclaimed(query: QuerySet[Row]) -> QuerySet[Row]:
    """Those of the rows that no other transaction has locked, locked until this one ends."""
    if not connection.features.has_select_for_update_skip_locked:
        return query
    return query.select_for_update(skip_locked=True, of=("self",))


RULERS_KEPT = 2  # specialists who have not touched an object


@dataclass
class Wish:
    """A micro-task to be asked, once the rows that it is about are saved."""

    kind: str
    tile: Tile | None
    object: SceneObject | None
    dataset_id: int
    scene_id: int
    project: Project
    tier: str = "crowd"
    reason: str = ""
    value: float = 0.0
    details: dict[str, Any] = field(default_factory=dict)
    secret: dict[str, Any] = field(default_factory=dict)
    excluded: frozenset[int] = frozenset()
    count: int = 1  # answers wanted at once


class Book:
    """Loads rows on demand, remembers what changed, and saves everything in few statements."""

    def __init__(self, now: datetime, shelf: Shelf | None = None) -> None:
        self.now = now
        self.shelf = shelf or Shelf()
        self.microtasks: dict[int, Microtask] = {}
        self.objects: dict[int, SceneObject] = {}
        self.tiles: dict[int, Tile] = {}
        self.glanced: dict[int, list[Any]] = {}  # tiles that are not locked, with what was read of them
        self.records: dict[int, TrackRecord] = {}
        self.wishes: list[Wish] = []
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.new_objects: list[SceneObject] = []
        self.new_versions: list[ObjectVersion] = []
        self.new_assignments: list[Assignment] = []
        self.new_resolutions: list[tuple[Microtask, str, dict[str, Any]]] = []
        self.outcomes: dict[int, list[Outcome]] = {}
        self.reverted: dict[int, list[Outcome]] = {}  # counted before, and no longer true
        self.dirty_objects: set[int] = set()
        self.dirty_tiles: set[int] = set()
        self.dirty_microtasks: set[int] = set()
        self.revised_microtasks: set[int] = set()  # of which more changed than the state
        self.settled_tiles: set[int] = set()  # tiles that may have become settled
        self.settled_objects: list[SceneObject] = []  # objects that may want refining
        self.queued = False  # an object began to wait for a grid page
        self.lanes: frozenset[tuple[int, str]] = frozenset()  # in which assignments were inserted

    # Loading -------------------------------------------------------------------------------------------------

    def load_microtasks(self, ids: Iterable[int]) -> None:
        """Lock these micro-tasks, and the objects and tiles they are about."""
        wanted = sorted(set(ids) - self.microtasks.keys())
        shelf = self.shelf
        shelf.load_questions(wanted)
        questions = [shelf.questions[pk] for pk in wanted if pk in shelf.questions]
        shelf.load_scenes(q.scene_id for q in questions)
        rows = bulk.select(
            "SELECT id, state, excluded, secret, value FROM labeling_microtask WHERE id {ids} ORDER BY id", wanted,
            lock="FOR NO KEY UPDATE",
        )  # fmt: skip
        for row in rows:
            self.microtasks[row[0]] = self._microtask(*row)
        objects, tiles = set(), set()
        for pk in wanted:
            task = self.microtasks[pk]
            objects.update(object_ids(task))
            tiles.update([task.tile_id] if task.tile_id else [])
        self.load_objects(objects)
        tiles.update(self.objects[o].tile_id for o in objects if o in self.objects)
        # Other answers about objects of a tile may be on their way in another process. They wait for each other only
        # where the tile itself changes: in `review_tiles`, or, when a search of a tile is among the answers, from here
        # on, all tiles at once and in order, so that nobody who holds one waits for a lower one.
        self.load_tiles(tiles, lock=any(changes_tile(self.microtasks[pk]) for pk in wanted))

    def _microtask(self, pk: int, state: str, excluded: Any, secret: Any, value: float) -> Microtask:
        q, scene = self.shelf.questions[pk], self.shelf.scene(self.shelf.questions[pk].scene_id)
        values = (
            pk, q.project_id, q.dataset_id, q.scene_id, q.tile_id, q.object_id, q.kind, state, q.domain, q.tier,
            q.payload, bulk.loads(secret), bulk.loads(excluded), value, q.expected_s, q.reason,
        )  # fmt: skip
        row = parsed(Microtask, MICROTASK_FIELDS, values, ())
        row._state.fields_cache["project"] = scene.dataset.project
        row._state.fields_cache["scene"] = scene
        return row

    def load_objects(self, ids: Iterable[int]) -> None:
        wanted = sorted(set(ids) - self.objects.keys())
        sql = f"SELECT {OBJECT_NAMES} FROM labeling_sceneobject WHERE id {{ids}} ORDER BY id"
        for row in bulk.select(sql, wanted, lock="FOR NO KEY UPDATE"):
            self.objects[row[0]] = parsed(SceneObject, OBJECT_COLUMNS, row, OBJECT_JSON)

    def load_tiles(self, ids: Iterable[int], *, lock: bool = True) -> None:
        """Lock these tiles; without `lock` they are read, and locked when they are to be changed."""
        known = self.tiles.keys() - self.glanced.keys() if lock else self.tiles.keys()
        wanted = sorted(set(ids) - known)
        sql = f"SELECT {TILE_NAMES} FROM labeling_tile WHERE id {{ids}} ORDER BY id"
        rows = bulk.select(sql, wanted, lock="FOR NO KEY UPDATE" if lock else "")
        self.shelf.load_scenes(row[1] for row in rows)
        for row in rows:
            tile = parsed(Tile, TILE_COLUMNS, row, TILE_JSON)
            tile._state.fields_cache["scene"] = self.shelf.scene(tile.scene_id)
            if row[0] in self.glanced:
                _refresh(self.tiles[row[0]], tile, self.glanced.pop(row[0]))
                continue
            self.tiles[row[0]] = tile
            if not lock:
                self.glanced[row[0]] = _values(tile, TILE_FIELDS)

    def load_records(self, people: Iterable[User | int]) -> None:
        """Read what is believed of these annotators; newcomers begin with the pool's record. Nothing is locked: what
        is learnt is added to the stored record when the book is saved."""
        ids = {p if isinstance(p, int) else p.pk for p in people} - self.records.keys()
        if ids:
            self.shelf.load_records(ids)
            self.records.update((pk, self.shelf.believed(pk).record) for pk in ids)

    def policy(self, project: Project) -> RoutingPolicy:
        return self.shelf.policy(project)

    def eligible(self, project: Project, tier: str) -> frozenset[int]:
        """Everybody who may answer in a project's domain, from this tier up, and is not paused."""
        return self.shelf.eligible(project.organisation_id, project.domain, tier)

    def nobody_left(self, project: Project, tier: str, excluded: Iterable[int]) -> bool:
        """Whether everybody who may answer is excluded. False where there is nobody yet: people can still be invited."""
        if not (gone := set(excluded)):
            return False
        eligible = self.eligible(project, tier)
        return bool(eligible) and eligible <= gone

    def reserved(self, project: Project, touched: Iterable[int]) -> frozenset[int]:
        """The specialists who are kept off the crowd's questions about an object, so that some can still rule on it."""
        left = self.eligible(project, "specialist") - set(touched)
        return left if len(left) <= RULERS_KEPT else frozenset()

    # Changing ------------------------------------------------------------------------------------------------

    def log(self, kind: str, **links: Any) -> None:
        """Add an event; `links` are project, dataset, annotator, microtask and object (or their ids), and `data`."""
        self.events.append((kind, links))

    def touch(self, row: SceneObject | Tile | Microtask) -> None:
        """Remember that a loaded row changed."""
        if row._state.adding:
            return  # A new row: it is inserted as it stands.
        match row:
            case SceneObject():
                self.dirty_objects.add(row.pk)
            case Tile():
                if row.pk in self.glanced:
                    self.load_tiles([row.pk])
                self.dirty_tiles.add(row.pk)
            case Microtask():
                self.dirty_microtasks.add(row.pk)
                self.revised_microtasks.add(row.pk)

    def learn(self, annotator: int, outcome: Outcome) -> None:
        """Add one outcome to a track record, and to the log that records are rebuilt from."""
        self.outcomes.setdefault(annotator, []).append(outcome)
        self.log("outcome", annotator_id=annotator, data=outcome.to_json())

    def unlearn(self, annotator: int, outcome: Outcome) -> None:
        """Take back one outcome that was counted in an earlier transaction; the log says so."""
        self.outcomes.setdefault(annotator, [])
        self.reverted.setdefault(annotator, []).append(outcome)
        self.log("outcome_reverted", annotator_id=annotator, data=outcome.to_json())

    def resolve(self, microtask: Microtask, by: str, outcome: dict[str, Any]) -> None:
        """Close a micro-task with its final outcome; wanted answers that nobody holds are withdrawn."""
        microtask.state = Microtask.State.RESOLVED
        microtask.resolved_at = self.now
        self.dirty_microtasks.add(microtask.pk)
        self.new_resolutions.append((microtask, by, outcome))

    # Saving --------------------------------------------------------------------------------------------------

    def save_objects(self) -> None:
        """Insert new objects and versions (micro-tasks about them need their ids) and update changed rows."""
        self.queued |= any(row.queued_at for row in self.new_objects)
        SceneObject.objects.bulk_create(self.new_objects)
        self.objects.update((row.pk, row) for row in self.new_objects)
        if self.new_versions:
            bulk.insert(
                ObjectVersion, ["object_id", "number", "box", "label", "author_id", "model_id", "created_at"],
                [[v.object.pk, v.number, v.box, v.label, v.author_id, v.model_id, self.now] for v in self.new_versions],
            )  # fmt: skip
        self.new_objects, self.new_versions = [], []
        objects = [self.objects[pk] for pk in sorted(self.dirty_objects)]
        self.queued |= any(row.queued_at for row in objects)
        bulk.update(SceneObject, ["id", *OBJECT_FIELDS], [_values(row, OBJECT_FIELDS) for row in objects])
        tiles = [self.tiles[pk] for pk in sorted(self.dirty_tiles)]
        bulk.update(Tile, ["id", *TILE_FIELDS], [_values(row, TILE_FIELDS) for row in tiles])
        self.dirty_objects, self.dirty_tiles = set(), set()

    def save_rest(self) -> None:
        """Write micro-task states, resolutions, assignments, events and, last because they are shared, records."""
        self._save_microtasks()
        bulk.insert(
            Resolution, ["microtask_id", "by", "outcome", "created_at"],
            [[task.pk, by, outcome, self.now] for task, by, outcome in self.new_resolutions],
        )  # fmt: skip
        self.lanes |= {(row.project_id, row.lane) for row in self.new_assignments}
        insert_assignments(self.new_assignments, self.shelf)
        self._save_records()
        insert_events([(kind, *links(given), given.get("data", {})) for kind, given in self.events], self.now)
        self.new_resolutions, self.new_assignments, self.events = [], [], []

    def _save_microtasks(self) -> None:
        rows = [self.microtasks[pk] for pk in sorted(self.dirty_microtasks)]
        # Most are closed as they were asked; rewriting their JSON would take half of the statement's time.
        for fields, revised in ((REVISED, True), (CLOSED, False)):
            part = [_values(row, fields) for row in rows if (row.pk in self.revised_microtasks) is revised]
            bulk.update(Microtask, ["id", *fields], part)
        bulk.execute(
            f"UPDATE labeling_assignment SET state = '{Assignment.State.WITHDRAWN}' WHERE microtask_id {{ids}}"
            f" AND state = '{Assignment.State.OPEN}'",
            [row.pk for row in rows if row.state != Microtask.State.OPEN],
        )
        self.dirty_microtasks, self.revised_microtasks = set(), set()

    def _save_records(self) -> None:
        """Add what was learnt to the stored records. They are locked only here and in order of annotator: other
        processes learn about the same people, and steps of a record may be added in any order."""
        self.shelf.load_records(self.outcomes)  # Newcomers get their rows.
        rows = []
        for pk, stored in read_records(sorted(self.outcomes), self.shelf, lock="FOR NO KEY UPDATE").items():
            record = replay(self.outcomes[pk], stored.record)
            for outcome in self.reverted.get(pk, ()):
                record = record.reverted(outcome)
            standing = record.standing(DEFAULT_POLICY)
            if stored.standing != standing.state:
                self.log("standing", annotator_id=pk, data={"from": stored.standing, **standing.to_json()})
            believed = Believed(
                record, stored.version + 1, standing.state, standing.reason, stored.row, stored.held
            )
            rows.append(
                [stored.row, record.to_json(), believed.version, believed.standing, believed.reason, self.now]
            )
            self.records[pk] = record
            self.shelf.learnt(pk, believed)
        columns = ["id", "record", "version", "standing", "standing_reason", "updated_at"]
        bulk.update(AnnotatorRecord, columns, rows)
        self.outcomes, self.reverted = {}, {}


DEFAULT_POLICY = RoutingPolicy()
LINKS = ("project", "dataset", "annotator", "microtask", "object")
EVENT_COLUMNS = ["kind", *(f"{name}_id" for name in LINKS), "data", "at"]


def links(given: dict[str, Any]) -> list[int | None]:
    """The ids that an event points at, in the order of LINKS."""
    return [given[name].pk if given.get(name) is not None else given.get(f"{name}_id") for name in LINKS]


def insert_events(rows: Sequence[Sequence[Any]], now: datetime) -> None:
    """Append to the event log: (kind, project, dataset, annotator, microtask, object, data) each."""
    bulk.insert(Event, EVENT_COLUMNS, [[*row, now] for row in rows])


def _values(row: models.Model, names: Sequence[str]) -> list[Any]:
    return [row.pk, *(getattr(row, name) for name in names)]


def _refresh(tile: Tile, now: Tile, before: Sequence[Any]) -> None:
    """Bring a tile that was read without a lock up to date, except for what was changed since."""
    for name, value in zip(TILE_FIELDS, before[1:], strict=True):
        if getattr(tile, name) == value:
            setattr(tile, name, getattr(now, name))


def changes_tile(microtask: Microtask) -> bool:
    """Whether an answer to this may change its tile, beyond settling an object in it."""
    return microtask.kind not in ABOUT_OBJECTS or bool(microtask.secret.get("audit"))


def parsed(table: type[Row], columns: Sequence[str], row: Sequence[Any], json: Sequence[int]) -> Row:
    """An instance of a row as a raw cursor returns it; columns in the places `json` hold JSON.

    As `from_db`, but without the signals and descriptors that take most of its time and that nothing here listens to.
    """
    instance = table.__new__(table)
    state = instance.__dict__
    state.update(zip(columns, row, strict=True))
    for index in json:
        value = row[index]
        state[columns[index]] = None if value is None else bulk.loads(value)
    instance._state = ModelState()
    instance._state.adding, instance._state.db = False, "default"
    return instance


def _columns(table: type[models.Model], *unread: str) -> list[str]:
    names = [str(field.attname) for field in table._meta.concrete_fields]
    return [name for name in names if name not in unread]


def _json_columns(table: type[models.Model], columns: Sequence[str]) -> list[int]:
    return [n for n, c in enumerate(columns) if isinstance(table._meta.get_field(c), models.JSONField)]


# A moment takes longer to read than the rest of a row, and nothing here asks when an object was made.
OBJECT_COLUMNS, TILE_COLUMNS = _columns(SceneObject, "created_at"), _columns(Tile)
OBJECT_JSON, TILE_JSON = _json_columns(SceneObject, OBJECT_COLUMNS), _json_columns(Tile, TILE_COLUMNS)
OBJECT_NAMES, TILE_NAMES = (", ".join(f'"{n}"' for n in names) for names in (OBJECT_COLUMNS, TILE_COLUMNS))
ABOUT_OBJECTS = ("verify_box", "grid_verify", "fix_box", "compare_two", "adjudicate")
MICROTASK_FIELDS = _columns(Microtask, "created_at", "resolved_at")
OBJECT_FIELDS = [
    "state", "label", "box", "version", "versions_made", "case", "evidence", "touched",
    "risk", "settled_by", "audited", "queued_at", "settled_at",
]  # fmt: skip
CLOSED = ["state", "resolved_at"]  # what changes of a micro-task when it is resolved,
REVISED = [*CLOSED, "excluded", "secret", "value"]  # and when it is asked once more
TILE_FIELDS = ["state", "looks", "refused_seeds", "expected_missed"]


def object_ids(microtask: Microtask) -> list[int]:
    """The objects that a micro-task is about: its own, or those of its grid cells, or those its payload shows."""
    ids = [microtask.object_id] if microtask.object_id else []
    ids += [cell["object"] for cell in microtask.secret.get("cells", {}).values() if "object" in cell]
    return ids


def insert_assignments(rows: Sequence[Assignment], shelf: Shelf) -> None:
    """Insert wanted answers, and the lanes they lie in where these are new; after the commit, idle annotators hear of it."""
    if not rows:
        return
    lanes = {(row.project_id, row.lane) for row in rows}
    if new := lanes - shelf.lanes:
        bulk.insert(Lane, ["project_id", "key"], sorted(new), on_conflict="DO NOTHING")
        transaction.on_commit(lambda: shelf.lanes.update(new))
    bulk.insert(
        Assignment, ["microtask_id", "state", "lease", "session", "epoch", "offer", "project_id", "lane", "rank"],
        [[r.microtask.pk, r.state, "", "", 0, {}, r.project_id, r.lane, r.rank] for r in rows],
    )  # fmt: skip
    wakeups.announce_on_commit(lanes)


def lane_key(kind: str, domain: str, tier: str) -> str:
    return f"{kind}/{domain}/{tier}"
