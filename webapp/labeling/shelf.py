"""What one web process remembers of rows that never change (questions, scenes) or may be a moment old (projects, what is
believed of people). Truth that decides (states, leases, exclusions) is always read from the database, under a lock."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.utils import timezone

from routing.policy import TIERS, RoutingPolicy
from routing.track_record import TrackRecord
from webapp.labeling import bulk
from webapp.labeling.models import AnnotatorRecord
from webapp.labeling.wants import Wants
from webapp.people.models import User
from webapp.projects.models import Project
from webapp.scenes.models import Scene

PROJECT_S = 2.0  # how old a project's priority, pause and policy may be
BRIEF_S = 10.0  # how old the schema and guideline may be that new questions are asked by
PEOPLE_S = 2.0  # how old the list of those who may answer may be
RECORD_S = 1.0  # how old what is believed of a person may be when tasks are matched and answers weighed
MOST_QUESTIONS = 20_000  # remembered at about 3 kB each


@dataclass(slots=True)
class Question:
    """The part of a micro-task that never changes."""

    id: int
    project_id: int
    dataset_id: int
    scene_id: int
    tile_id: int | None
    object_id: int | None
    kind: str
    domain: str
    tier: str
    payload: dict[str, Any]
    expected_s: float
    reason: str


@dataclass(slots=True)
class Believed:
    """What is believed of one annotator, as stored: the record, its version, and how they stand."""

    record: TrackRecord
    version: int
    standing: str
    reason: str
    row: int
    held: str = ""  # why a manager gives them no work


class Brief:
    """Label schema and guideline of a project as of now."""

    def __init__(self, project: Project) -> None:
        schema = project.schemas.order_by("-version").values_list("version", "classes", "more").first()
        guideline = project.guidelines.order_by("-version").values_list("version", flat=True).first()
        version, classes, more = schema or (0, [], {})
        self.classes: list[dict[str, Any]] = classes
        self.wants = Wants(classes, more)
        self.versions = (version, guideline or 0)


def policy_of(project: Project) -> RoutingPolicy:
    """A project's policy. Equal policies are one object, because comparing them takes longer than most that they decide."""
    return _policy(bulk.dumps(project.policy))


@lru_cache(maxsize=256)
def _policy(text: str) -> RoutingPolicy:
    return RoutingPolicy.from_json(bulk.loads(text))


QUESTION = (
    "m.id, m.project_id, m.dataset_id, m.scene_id, m.tile_id, m.object_id, m.kind, m.domain, m.tier, m.payload,"
    " m.expected_s, m.reason"
)


class Shelf:
    """One per dispatcher; a `Book` without one gets an empty one of its own."""

    def __init__(self) -> None:
        self.questions: dict[int, Question] = {}
        self.lanes: set[tuple[int, str]] = set()
        self._scenes: dict[int, Scene] = {}
        self._projects: dict[int, tuple[float, Project, RoutingPolicy]] = {}
        self._briefs: dict[int, tuple[float, Brief]] = {}
        self._records: dict[int, tuple[float, Believed]] = {}
        self._eligible: dict[tuple[int, str, str], tuple[float, frozenset[int]]] = {}

    # Questions ---------------------------------------------------------------------------------------------------

    def keep(self, row: tuple[Any, ...]) -> Question:
        """Remember one row of `QUESTION`."""
        question = Question(*row)
        question.payload = bulk.loads(question.payload)
        if len(self.questions) >= MOST_QUESTIONS:
            for old in list(self.questions)[
                : MOST_QUESTIONS // 4
            ]:  # the oldest: a dict keeps the order of insertion
                del self.questions[old]
        self.questions[question.id] = question
        return question

    def load_questions(self, ids: Iterable[int]) -> None:
        missing = set(ids) - self.questions.keys()
        for row in bulk.select(f"SELECT {QUESTION} FROM labeling_microtask m WHERE m.id {{ids}}", missing):
            self.keep(row)

    # Scenes and projects -----------------------------------------------------------------------------------------

    def load_scenes(self, ids: Iterable[int]) -> None:
        wanted = set(ids)
        missing = wanted - self._scenes.keys()
        if missing:
            if len(self._scenes) > 5_000:
                self._scenes.clear()
            rows = Scene.objects.filter(pk__in=missing).select_related("dataset").defer("imported")
            self._scenes.update((scene.pk, scene) for scene in rows)
        self.load_projects(self._scenes[pk].dataset.project_id for pk in wanted)

    def scene(self, pk: int) -> Scene:
        """A loaded scene, with its dataset and project."""
        scene = self._scenes[pk]
        scene.dataset._state.fields_cache["project"] = self.project(scene.dataset.project_id)
        return scene

    def load_projects(self, ids: Iterable[int]) -> None:
        now = time.monotonic()
        stale = [pk for pk in set(ids) if pk not in self._projects or self._projects[pk][0] < now - PROJECT_S]
        if stale:
            for project in Project.objects.filter(pk__in=stale):
                self._projects[project.pk] = (now, project, policy_of(project))

    def project(self, pk: int) -> Project:
        return self._projects[pk][1]

    def organisation_of(self, project: int, unknown: str) -> int | str | None:
        """Whose project this is, or `unknown` where it was not loaded yet."""
        known = self._projects.get(project)
        return known[1].organisation_id if known else unknown

    def policy(self, project: Project) -> RoutingPolicy:
        if project.pk not in self._projects:
            self._projects[project.pk] = (time.monotonic(), project, policy_of(project))
        return self._projects[project.pk][2]

    def brief(self, project: Project) -> Brief:
        """Schema and guideline, at most ten seconds old."""
        read_at, brief = self._briefs.get(project.pk, (-BRIEF_S, None))
        now = time.monotonic()
        if brief is None or read_at < now - BRIEF_S:
            brief = Brief(project)
            self._briefs[project.pk] = (now, brief)
        return brief

    # People ------------------------------------------------------------------------------------------------------

    def load_records(self, ids: Iterable[int]) -> None:
        """Read what is believed of these people, where it is not known or older than a second; makes newcomers' rows."""
        now = time.monotonic()
        wanted = {pk for pk in ids if pk not in self._records or self._records[pk][0] < now - RECORD_S}
        for pk, believed in read_records(wanted, self).items():
            self._records[pk] = (now, believed)
        newcomers = sorted(wanted - self._records.keys())
        if newcomers:
            _welcome(newcomers)
            for pk, believed in read_records(newcomers, self).items():
                self._records[pk] = (now, believed)

    def eligible(self, organisation: int, domain: str, tier: str) -> frozenset[int]:
        """Everybody who may answer in a domain, from this tier up, and is not paused."""
        key = (organisation, domain, tier)
        read_at, people = self._eligible.get(key, (-PEOPLE_S, frozenset[int]()))
        now = time.monotonic()
        if read_at < now - PEOPLE_S:
            found = User.objects.filter(
                organisation=organisation, is_active=True, tier__in=TIERS[TIERS.index(tier) :],
                qualifications__domain=domain,
            ).exclude(track_record__standing="paused").exclude(track_record__held__gt="")  # fmt: skip
            people = frozenset(found.values_list("pk", flat=True))
            self._eligible[key] = (now, people)
        return people

    def believed(self, pk: int) -> Believed:
        return self._records[pk][1]

    def known(self, pk: int) -> Believed | None:
        entry = self._records.get(pk)
        return entry[1] if entry else None

    def learnt(self, pk: int, believed: Believed) -> None:
        self._records[pk] = (time.monotonic(), believed)


def read_records(ids: Iterable[int], shelf: Shelf, *, lock: str = "") -> dict[int, Believed]:
    """Stored records by annotator. A record whose version is known is not parsed again."""
    found = {}
    rows = bulk.select(
        "SELECT annotator_id, version, standing, standing_reason, id, held, record FROM labeling_annotatorrecord"
        " WHERE annotator_id {ids} ORDER BY annotator_id",
        ids,
        lock=lock,
    )
    for pk, version, standing, reason, row, held, record in rows:
        known = shelf.known(pk)
        same = known is not None and known.version == version and known.row == row
        parsed = known.record if known and same else TrackRecord.from_json(bulk.loads(record))
        found[pk] = Believed(parsed, version, standing, reason, row, held)
    return found


def _welcome(newcomers: list[int]) -> None:
    """Newcomers begin with the pool's record. Several processes may meet them at once; the first one's row stays."""
    from_pool = []
    for person in User.objects.filter(pk__in=newcomers).prefetch_related("qualifications").order_by("pk"):
        record = TrackRecord.new(person.tier, [q.domain for q in person.qualifications.all()])
        from_pool.append([person.pk, record.to_json(), "ok", "", 0, timezone.now()])
    columns = ["annotator_id", "record", "standing", "standing_reason", "version", "updated_at"]
    bulk.insert(AnnotatorRecord, columns, from_pool, on_conflict="DO NOTHING")
