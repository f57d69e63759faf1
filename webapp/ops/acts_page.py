"""The page of managers' acts: the newest of one organisation, a page at a time, and which can be taken back."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils import timezone

from routing.policy import RoutingPolicy
from webapp.labeling.acts import ACTS
from webapp.labeling.models import AnnotatorRecord, Event
from webapp.ops.acts import Standing, about, sentence, undoable
from webapp.ops.models import Reopening
from webapp.people.models import Note, Qualification, User
from webapp.people.queries import tenant
from webapp.projects.models import Project
from webapp.scenes.models import Dataset

PER_PAGE = 40


@dataclass(frozen=True, slots=True)
class Act:
    """One act as the page shows it. `undo`: it can be taken back."""

    event: Event
    who: str
    text: str
    undo: bool


@dataclass(frozen=True, slots=True)
class ActsPage:
    """Acts, the newest first; `older` is the id below which the next page begins, None on the last."""

    acts: tuple[Act, ...]
    older: int | None
    managers: tuple[User, ...]


def acts_of(viewer: User, *, project: int | None, by: int | None, below: int | None) -> ActsPage:
    """Return a page of what the managers of the viewer's organisation did."""
    rows = Event.objects.filter(kind__in=ACTS, annotator__organisation=tenant(viewer))
    if project is not None:
        rows = rows.filter(project=project)
    if by is not None:
        rows = rows.filter(annotator=by)
    if below is not None:
        rows = rows.filter(pk__lt=below)
    events = list(rows.select_related("annotator", "project", "dataset").order_by("-pk")[: PER_PAGE + 1])
    shown = events[:PER_PAGE]
    older = shown[-1].pk if len(events) > PER_PAGE else None
    managers = User.objects.filter(organisation=tenant(viewer), role__in=("manager", "administrator"))
    return ActsPage(acts_said(shown), older, tuple(managers.order_by("first_name", "username")[:PER_PAGE]))


def act_of(viewer: User, pk: int) -> Event | None:
    """One act of the viewer's organisation."""
    rows = Event.objects.filter(kind__in=ACTS, annotator__organisation=tenant(viewer))
    return rows.select_related("project", "dataset").filter(pk=pk).first()


def acts_said(events: Sequence[Event]) -> tuple[Act, ...]:
    """Events of managers in words, with who did them and whether each can be taken back."""
    ids = {pk for event in events for pk in (*about(event), _who(event)) if pk}
    names = {p.pk: p.get_full_name() or p.get_username() for p in User.objects.filter(pk__in=ids)}
    standing, usual = _standing(events), RoutingPolicy().to_json()
    told: set[tuple[object, ...]] = set()
    acts = []
    for event in events:
        subject = _subject(event)
        undo = subject not in told and undoable(event, standing)
        told.add(subject)
        acts.append(Act(event, names.get(_who(event) or 0, "–"), sentence(event, names, usual), undo))
    return tuple(acts)


def _who(event: Event) -> int | None:
    """Who did it: of an appeal that was granted the event names whom it is about."""
    return event.data.get("by") if event.kind == "reinstated" else event.annotator_id


def _subject(event: Event) -> tuple[object, ...]:
    """What an act is about; of several acts about the same only the newest can be taken back."""
    family = event.kind.partition("_")[0]
    data = event.data
    return (
        family, event.project_id, event.dataset_id, data.get("kind"), data.get("domain"), data.get("reopening"),
        data.get("note"), *about(event),
    )  # fmt: skip


def _standing(events: Sequence[Event]) -> Standing:
    """How the projects, people and requests stand that these acts were about: one read of each sort."""
    projects = list(Project.objects.filter(pk__in={e.project_id for e in events if e.project_id}))
    datasets = {e.dataset_id for e in events if e.dataset_id}
    people = {pk for event in events for pk in about(event)}
    held = AnnotatorRecord.objects.filter(annotator__in=people).exclude(held="")
    skills = Qualification.objects.filter(person__in=people)
    requests = [e.data["reopening"] for e in events if "reopening" in e.data]
    done = Reopening.objects.filter(pk__in=requests, state=Reopening.State.DONE)
    notes = Note.objects.filter(pk__in=[e.data["note"] for e in events if "note" in e.data])
    return Standing(
        policies={p.pk: p.policy for p in projects},
        paused_projects=frozenset(p.pk for p in projects if p.paused),
        paused_datasets=frozenset(
            Dataset.objects.filter(pk__in=datasets, paused=True).values_list("pk", flat=True)
        ),
        paused_kinds=frozenset((p.pk, kind) for p in projects for kind in p.paused_kinds),
        held=frozenset(held.values_list("annotator", flat=True)),
        skills=frozenset(skills.values_list("person", "domain")),
        reopened=frozenset(done.values_list("pk", flat=True)),
        notes=frozenset(notes.filter(until__gt=timezone.now()).values_list("pk", flat=True)),
    )
