"""What waits for the specialists of an organisation, grouped by what is disputed, in the order in which the feed offers it."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext_lazy as lazy

from routing.escalation import desk_weight
from routing.policy import RoutingPolicy
from webapp.labeling.escalations import desk_lanes, open_in
from webapp.labeling.models import Lane
from webapp.people.models import User
from webapp.people.queries import tenant
from webapp.people.wording import kind_title, said_title
from webapp.projects.models import Project, SchemaVersion

CASES = 500  # of a lane that are grouped; more are only counted
GROUPS = 12  # shown
DOUBTS = {
    "right or not": lazy("right or not"),
    "outline or class": lazy("outline or class"),
    "there or not": lazy("there or not"),
    "same": lazy("one object or two"),
    "state": lazy("usable or not"),
}


@dataclass(slots=True)
class Group:
    """Cases of one project about one dispute and class. `weight`: the sum of what its cases weigh (`routing.escalation`)."""

    dispute: str
    about: str
    kind: str
    project: str
    oldest: datetime
    cases: int = 0
    scenes: int = 0
    weight: float = 0.0


@dataclass(frozen=True, slots=True)
class Queue:
    """The weightiest groups first. `cases` counts all that nobody holds, also those of groups that are not shown."""

    groups: list[Group]
    cases: int
    oldest: datetime | None


def waiting_cases(viewer: User, now: datetime) -> Queue:
    """Open cases of the viewer's organisation, by dispute; those of paused work are left out."""
    lanes = desk_lanes(Lane.objects.filter(project__organisation=tenant(viewer), project__paused=False))
    projects = Project.objects.in_bulk({project for project, _ in lanes})
    found: dict[tuple[int, str, int | None, str], tuple[Group, set[int]]] = {}
    cases = 0
    names = ("microtask__secret", "microtask__value", "microtask__created_at", "microtask__scene")
    for pk, lane in lanes:
        project, kind = projects[pk], lane.partition("/")[0]
        policy = RoutingPolicy.from_json(project.policy)
        open_cases = open_in(pk, lane).filter(microtask__dataset__paused=False)
        rows = list(open_cases.values_list(*names)[:CASES])
        cases += len(rows) if len(rows) < CASES else open_cases.count()
        for secret, value, created_at, scene in rows:
            key = (pk, str(secret.get("dispute", "")), secret.get("label"), kind)
            group, scenes = found.setdefault(key, (Group("", "", kind, project.name, created_at), set()))
            scenes.add(scene)
            group.cases, group.scenes, group.oldest = (
                group.cases + 1,
                len(scenes),
                min(group.oldest, created_at),
            )
            group.weight += desk_weight(value, (now - created_at).total_seconds(), policy)
    heaviest = sorted(found, key=lambda key: -found[key][0].weight)[:GROUPS]
    classes = class_names({key[0] for key in heaviest})
    for pk, dispute, label, kind in heaviest:
        group, _ = found[(pk, dispute, label, kind)]
        group.dispute = dispute_title(dispute, classes[pk]) or kind_title(kind)
        group.about = classes[pk].get(label, "") if label is not None else ""
    oldest = min((group.oldest for group, _ in found.values()), default=None)
    return Queue([found[key][0] for key in heaviest], cases, oldest)


def class_names(projects: set[int]) -> dict[int, dict[int, str]]:
    """The names of the classes of each of these projects, by id, as the newest schema has them."""
    names: dict[int, dict[int, str]] = {pk: {} for pk in projects}
    for project, classes in (
        SchemaVersion.objects.filter(project__in=projects)
        .order_by("version")
        .values_list("project", "classes")
    ):
        names[project].update({c["id"]: c["name"] for c in classes})
    return names


def dispute_title(dispute: str, classes: dict[int, str]) -> str:
    """What is disputed, in words: `webapp.labeling.escalations` names it."""
    aspect, _, pair = dispute.partition(":")
    if aspect == "class" and pair:
        return " / ".join(classes.get(int(label), label) for label in pair.split("/"))
    return " / ".join(str(DOUBTS.get(part) or said_title(part)) for part in dispute.split(" / ") if part)
