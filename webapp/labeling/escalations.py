"""What waits for specialists: what a case is about, and what it weighs in their queue.

A case weighs the more, the less else its scene still waits for. What it weighed when it was asked is therefore weighed
again now and then, as the rest of its scene settles.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet

from routing.escalation import confusion_of, desk_value
from routing.policy import TIERS
from routing.redundancy import ObjectCase
from webapp.labeling import bulk
from webapp.labeling.models import Assignment, Lane, Microtask, Refinement, SceneObject

DESK_TIERS = TIERS[TIERS.index("specialist") :]
HEAD = 256  # cases of one lane that are weighed again: as many as the feed looks at
REST = timedelta(seconds=30)  # between two weighings; as long as the feed keeps what it has read
CHANGED = 0.02  # of the value: less is not written


def enter(task: Microtask, subject: SceneObject | None, unsettled: int) -> None:
    """Let a micro-task that is about to be asked take its place in the specialists' queue: what is disputed, about which
    class, what is at stake and what it weighs, with so much still to be decided in its scene."""
    said = task.secret.get("dispute") or (of_object(subject) if subject else "")
    label = subject.label if subject else None
    task.secret = {**task.secret, "dispute": said, "label": label, "stake": task.value}
    task.value = desk_value(task.value, unsettled)


def of_object(row: SceneObject) -> str:
    """A name for what is disputed about an object, by which the desk groups its queue: the two verdicts that were given most
    about its outline, or what is most in doubt."""
    verdicts = Counter(
        look["verdict"]
        for look in row.evidence
        if look["version"] == row.version and look["verdict"] != "drawn"
    )
    return confusion_of(ObjectCase.from_json(row.case), verdicts)


def of_refinement(refinement: Refinement) -> str:
    """The same for a refinement: its aspect, or, where people name different classes, "class:" and the two named most."""
    aspect = refinement.aspect.partition(":")[0]
    named = Counter(
        said["value"]["class"]
        for said in refinement.case["said"]
        if aspect == "class" and said["value"].get("class") is not None
    )
    pair = sorted(sorted(named, key=lambda c: (-named[c], c))[:2])
    return f"class:{pair[0]}/{pair[1]}" if len(pair) == 2 else aspect


def unsettled_in(scenes: Iterable[int]) -> dict[int, int]:
    """How many objects and refinements are still to be decided in each of these scenes."""
    wanted = sorted(set(scenes))
    found = dict.fromkeys(wanted, 0)
    for table, states in (
        (SceneObject, [SceneObject.State.GRID, SceneObject.State.ASKED]),
        (Refinement, [Refinement.State.OPEN]),
    ):
        marks = ", ".join(["%s"] * len(states))
        sql = f"SELECT scene_id, count(*) FROM {table._meta.db_table} WHERE scene_id {{ids}} AND state IN ({marks}) GROUP BY 1"
        for scene, count in bulk.select(sql, wanted, *map(str, states)):
            found[scene] += count
    return found


@dataclass
class Scales:
    """When the cases were last weighed by this process."""

    next_from: datetime | None = None

    def ready(self, now: datetime) -> bool:
        """Whether it is time again; it then counts as done."""
        if self.next_from is not None and now < self.next_from:
            return False
        self.next_from = now + REST
        return True


def weigh_again(now: datetime, scales: Scales | None = None) -> int:
    """Give the cases at the head of every desk lane the weight that they have by now, in the caller's transaction; returns
    of how many it changed."""
    if scales is not None and not scales.ready(now):
        return 0
    tasks = _at_the_head()
    unsettled = unsettled_in(scene for _, scene, _, _ in tasks)
    weights = {pk: desk_value(stake, unsettled[scene]) for pk, scene, _, stake in tasks}
    moved = [pk for pk, _, value, _ in tasks if abs(weights[pk] - value) > CHANGED * max(weights[pk], value)]
    changed = _locked(moved)
    bulk.update(Microtask, ["id", "value"], [[pk, weights[pk]] for pk in changed])
    return len(changed)


def desk_lanes(lanes: QuerySet[Lane]) -> list[tuple[int, str]]:
    """Those of these lanes that hold work for specialists: project and key."""
    keys = lanes.order_by("pk").values_list("project", "key")
    return [(project, key) for project, key in keys if key.rpartition("/")[2] in DESK_TIERS]


def open_in(project: int, lane: str) -> QuerySet[Assignment]:
    """The cases of one lane that nobody holds, in the order in which the feed reads them."""
    return Assignment.objects.filter(project=project, lane=lane, state=Assignment.State.OPEN).order_by(
        "-rank"
    )


def _at_the_head() -> list[tuple[int, int, float, float]]:
    """Micro-task, scene, value and stake of the first open cases of every lane of the desk."""
    found: dict[int, tuple[int, int, float, float]] = {}
    names = ("microtask", "microtask__scene", "microtask__value", "microtask__secret__stake")
    for project, key in desk_lanes(Lane.objects.all()):
        head = open_in(project, key).filter(microtask__secret__has_key="stake")
        for pk, scene, value, stake in head.values_list(*names)[:HEAD]:
            found[pk] = (pk, scene, value, float(stake))
    return [found[pk] for pk in sorted(found)]


def _locked(ids: Sequence[int]) -> list[int]:
    """Those of these micro-tasks that are still open and that nobody is answering right now, locked."""
    sql = "SELECT id FROM labeling_microtask WHERE id {ids} AND state = 'open' ORDER BY id"
    return [pk for (pk,) in bulk.select(sql, ids, lock="FOR NO KEY UPDATE SKIP LOCKED")]
