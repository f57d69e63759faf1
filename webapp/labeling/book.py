"""The rows of one transaction: loaded and locked once, changed in memory, written together.

Many answers commit in one transaction (group commit). Locks are taken in one order everywhere (micro-tasks, objects,
tiles, records; by id within each), so that batches of several web processes cannot deadlock.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from django.db import connection, models
from django.db.models import QuerySet

from routing.outcomes import Outcome
from routing.policy import RoutingPolicy
from routing.track_record import TrackRecord
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
from webapp.people.models import User
from webapp.projects.models import Project

Row = TypeVar("Row", bound=models.Model)


def locked(query: QuerySet[Row]) -> QuerySet[Row]:
    """The same rows, locked until the transaction ends. On SQLite the transaction itself is exclusive."""
    return query.select_for_update(of=("self",)) if connection.features.has_select_for_update_of else query


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


class Book:
    """Loads rows on demand, remembers what changed, and saves everything in few statements."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.microtasks: dict[int, Microtask] = {}
        self.objects: dict[int, SceneObject] = {}
        self.tiles: dict[int, Tile] = {}
        self.records: dict[int, TrackRecord] = {}
        self._record_rows: dict[int, AnnotatorRecord] = {}
        self._policies: dict[int, RoutingPolicy] = {}
        self.wishes: list[Wish] = []
        self.events: list[Event] = []
        self.new_objects: list[SceneObject] = []
        self.new_versions: list[ObjectVersion] = []
        self.new_assignments: list[Assignment] = []
        self.new_resolutions: list[Resolution] = []
        self.dirty_objects: set[int] = set()
        self.dirty_tiles: set[int] = set()
        self.dirty_microtasks: set[int] = set()
        self.dirty_records: set[int] = set()
        self.settled_tiles: set[int] = set()  # tiles that may have become settled

    # Loading -------------------------------------------------------------------------------------------------

    def load_microtasks(self, ids: Iterable[int]) -> None:
        """Lock these micro-tasks, and the objects and tiles they are about."""
        wanted = sorted(set(ids) - self.microtasks.keys())
        rows = locked(Microtask.objects.filter(pk__in=wanted).order_by("pk")).select_related(
            "project", "scene"
        )
        self.microtasks.update((row.pk, row) for row in rows)
        objects, tiles = set(), set()
        for pk in wanted:
            row = self.microtasks[pk]
            objects.update(object_ids(row))
            tiles.update([row.tile_id] if row.tile_id else [])
        self.load_objects(objects)
        self.load_tiles(tiles | {self.objects[o].tile_id for o in objects if o in self.objects})

    def load_objects(self, ids: Iterable[int]) -> None:
        wanted = sorted(set(ids) - self.objects.keys())
        if wanted:
            rows = locked(SceneObject.objects.filter(pk__in=wanted).order_by("pk"))
            self.objects.update((row.pk, row) for row in rows)

    def load_tiles(self, ids: Iterable[int]) -> None:
        wanted = sorted(set(ids) - self.tiles.keys())
        if wanted:
            rows = locked(Tile.objects.filter(pk__in=wanted).order_by("pk")).select_related(
                "scene__dataset__project"
            )
            self.tiles.update((row.pk, row) for row in rows)

    def load_records(self, people: Iterable[User | int]) -> None:
        """Lock what is believed of these annotators; newcomers begin with the pool's record."""
        ids = {p if isinstance(p, int) else p.pk for p in people} - self.records.keys()
        if not ids:
            return
        rows = {
            row.annotator_id: row
            for row in locked(AnnotatorRecord.objects.filter(annotator__in=ids).order_by("pk"))
        }
        for person in (
            User.objects.filter(pk__in=ids - rows.keys()).prefetch_related("qualifications").order_by("pk")
        ):
            domains = [q.domain for q in person.qualifications.all()]
            record = TrackRecord.new(person.tier, domains)
            rows[person.pk], _ = AnnotatorRecord.objects.get_or_create(
                annotator=person, defaults={"record": record.to_json()}
            )
        for pk, row in rows.items():
            self._record_rows[pk] = row
            self.records[pk] = TrackRecord.from_json(row.record)

    def policy(self, project: Project) -> RoutingPolicy:
        if project.pk not in self._policies:
            self._policies[project.pk] = RoutingPolicy.from_json(project.policy)
        return self._policies[project.pk]

    # Changing ------------------------------------------------------------------------------------------------

    def log(self, kind: str, **links: Any) -> None:
        self.events.append(Event(kind=kind, **links))

    def touch(self, row: SceneObject | Tile | Microtask) -> None:
        """Remember that a loaded row changed."""
        if row._state.adding:
            return  # A new row: it is inserted as it stands.
        match row:
            case SceneObject():
                self.dirty_objects.add(row.pk)
            case Tile():
                self.dirty_tiles.add(row.pk)
            case Microtask():
                self.dirty_microtasks.add(row.pk)

    def learn(self, annotator: int, outcome: Outcome) -> None:
        """Add one outcome to a track record, and to the log that records are rebuilt from."""
        self.load_records([annotator])
        self.records[annotator] = self.records[annotator].updated(outcome)
        self.dirty_records.add(annotator)
        self.log("outcome", annotator_id=annotator, data=outcome.to_json())

    def resolve(self, microtask: Microtask, by: str, outcome: dict[str, Any]) -> None:
        """Close a micro-task with its final outcome; wanted answers that nobody holds are withdrawn."""
        microtask.state = Microtask.State.RESOLVED
        microtask.resolved_at = self.now
        self.touch(microtask)
        self.new_resolutions.append(Resolution(microtask=microtask, by=by, outcome=outcome))

    # Saving --------------------------------------------------------------------------------------------------

    def save_objects(self) -> None:
        """Insert new objects and versions (micro-tasks about them need their ids) and update changed rows."""
        SceneObject.objects.bulk_create(self.new_objects)
        self.objects.update((row.pk, row) for row in self.new_objects)
        ObjectVersion.objects.bulk_create(self.new_versions)
        self.new_objects, self.new_versions = [], []
        if self.dirty_objects:
            SceneObject.objects.bulk_update(
                [self.objects[pk] for pk in sorted(self.dirty_objects)], OBJECT_FIELDS
            )
        if self.dirty_tiles:
            Tile.objects.bulk_update([self.tiles[pk] for pk in sorted(self.dirty_tiles)], TILE_FIELDS)
        self.dirty_objects, self.dirty_tiles = set(), set()

    def save_rest(self) -> None:
        """Write micro-task states, resolutions, assignments, records and events."""
        if self.dirty_microtasks:
            rows = [self.microtasks[pk] for pk in sorted(self.dirty_microtasks)]
            Microtask.objects.bulk_update(rows, ["state", "resolved_at", "excluded", "secret", "value"])
            closed = [row.pk for row in rows if row.state != Microtask.State.OPEN]
            Assignment.objects.filter(microtask__in=closed, state=Assignment.State.OPEN).update(
                state=Assignment.State.WITHDRAWN
            )
        Resolution.objects.bulk_create(self.new_resolutions)
        insert_assignments(self.new_assignments)
        for pk in sorted(self.dirty_records):
            row = self._record_rows[pk]
            record = self.records[pk]
            standing = record.standing(RoutingPolicy())
            row.record, row.updated_at = record.to_json(), self.now
            if row.standing != standing.state:
                self.log("standing", annotator_id=pk, data={"from": row.standing, **standing.to_json()})
            row.standing, row.standing_reason = standing.state, standing.reason
        if self.dirty_records:
            AnnotatorRecord.objects.bulk_update(
                [self._record_rows[pk] for pk in sorted(self.dirty_records)],
                ["record", "standing", "standing_reason", "updated_at"],
            )
        Event.objects.bulk_create(self.events)
        self.new_resolutions, self.new_assignments, self.events = [], [], []
        self.dirty_microtasks, self.dirty_records = set(), set()

    def standing(self, annotator: int) -> AnnotatorRecord:
        self.load_records([annotator])
        return self._record_rows[annotator]


OBJECT_FIELDS = [
    "state", "label", "box", "version", "versions_made", "case", "evidence", "touched",
    "risk", "settled_by", "audited", "queued_at", "settled_at",
]  # fmt: skip
TILE_FIELDS = ["state", "looks", "refused_seeds", "expected_missed"]


def object_ids(microtask: Microtask) -> list[int]:
    """The objects that a micro-task is about: its own, or those of its grid cells, or those its payload shows."""
    ids = [microtask.object_id] if microtask.object_id else []
    ids += [cell["object"] for cell in microtask.secret.get("cells", {}).values() if "object" in cell]
    return ids


def insert_assignments(rows: Sequence[Assignment]) -> None:
    """Insert wanted answers, and the lanes they lie in where these are new."""
    if not rows:
        return
    lanes = {(row.project_id, row.lane) for row in rows}
    Lane.objects.bulk_create([Lane(project_id=p, key=k) for p, k in sorted(lanes)], ignore_conflicts=True)
    Assignment.objects.bulk_create(rows)


def lane_key(kind: str, domain: str, tier: str) -> str:
    return f"{kind}/{domain}/{tier}"


def people_by_object(rows: Iterable[SceneObject]) -> dict[int, frozenset[int]]:
    """Everyone who may not look at each of these objects again."""
    touched: dict[int, frozenset[int]] = defaultdict(frozenset)
    for row in rows:
        touched[row.pk] = frozenset(row.touched)
    return touched
