"""What managers did, in words, and how each act that can be taken back is. Acts are events of the log (`ACTS`)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from webapp.labeling.models import Event
from webapp.ops.models import Reopening
from webapp.ops.operations import pause_dataset, pause_kind, pause_project
from webapp.ops.reopen_requests import take_back
from webapp.ops.retarget import restore_policy
from webapp.ops.workforce import move_people, pause_person, set_skill, withdraw_note
from webapp.people.models import User
from webapp.people.queries import tenant
from webapp.people.wording import kind_title

SENTENCES = {
    "project_paused": lazy("Paused the project"),
    "project_resumed": lazy("Resumed the project"),
    "dataset_paused": lazy("Paused the data set"),
    "dataset_resumed": lazy("Resumed the data set"),
    "kind_paused": lazy("Paused “{kind}”"),
    "kind_resumed": lazy("Resumed “{kind}”"),
    "person_paused": lazy("Paused {people}: {reason}"),
    "person_resumed": lazy("Let {people} work again"),
    "reinstated": lazy("Granted the appeal of {people}, who begins anew"),
    "appeal_declined": lazy("Declined the appeal of {people}"),
    "target_changed": lazy("Changed the risk target from {risk_before} to {risk_after}, answers from {looks_before} to {looks_after}"),
    "target_restored": lazy("Took a change of the risk target back"),
    "audit_changed": lazy("Changed the audited share from {audit_before} to {audit_after}"),
    "audit_restored": lazy("Took a change of the audited share back"),
    "reopening_asked": lazy("Asked to open objects again ({objects})"),
    "reopening_done": lazy("Opened objects again ({opened})"),
    "reopening_declined": lazy("Declined to open objects again ({objects})"),
    "reopening_withdrawn": lazy("Withdrew the request to open objects again ({objects})"),
    "reopening_taken_back": lazy("Took a re-opening back; objects that are as before: {restored}"),
    "object_reopened": lazy("Opened an object again"),
    "skill_granted": lazy("Qualified {people} for {domain}"),
    "skill_revoked": lazy("Took {domain} from {people}"),
    "people_moved": lazy("Moved {people} from {origin} to {to}"),
    "note_sent": lazy("Wrote to {audience}: “{text}”"),
    "note_withdrawn": lazy("Withdrew a note"),
    "dataset_started": lazy("Started the data set"),
}  # fmt: skip

MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class Standing:
    """How things stand that acts of one page were about: what decides whether these can still be taken back."""

    policies: Mapping[int, dict[str, Any]]
    paused_projects: frozenset[int]
    paused_datasets: frozenset[int]
    paused_kinds: frozenset[tuple[int, str]]
    held: frozenset[int]
    skills: frozenset[tuple[int, str]]
    reopened: frozenset[int]
    notes: frozenset[int]


def about(act: Event) -> list[int]:
    """The people whom an act is about."""
    if act.kind == "reinstated":
        return [act.annotator_id] if act.annotator_id else []
    people = act.data.get("people", [act.data.get("person")])
    return [pk for pk in people if pk]


def sentence(act: Event, names: Mapping[int, str], usual: Mapping[str, float]) -> str:
    """Return an act in words, in the language of the page. `usual`: the default policy, for what a policy leaves out."""
    data = act.data
    before, after = ({**usual, **data.get(side, {})} for side in ("before", "after"))
    said = {
        "kind": kind_title(str(data.get("kind", ""))),
        "people": _people([names.get(pk, f"#{pk}") for pk in about(act)]),
        "reason": data.get("reason", ""),
        "risk_before": _percent(before.get("target_risk")),
        "risk_after": _percent(after.get("target_risk")),
        "looks_before": before.get("max_looks"),
        "looks_after": after.get("max_looks"),
        "audit_before": _percent(before.get("audit_share")),
        "audit_after": _percent(after.get("audit_share")),
        "objects": data.get("objects", 0),
        "opened": data.get("opened", 0),
        "restored": data.get("restored", 0),
        "domain": data.get("domain", ""),
        "origin": data.get("from", ""),
        "to": data.get("to", ""),
        "audience": data.get("domain") or _("everybody"),
        "text": data.get("text", ""),
    }
    return str(SENTENCES[act.kind]).format(**said)


def _people(names: list[str]) -> str:
    if len(names) <= MOST_NAMED:
        return ", ".join(names)
    return _("{names} and {n} more").format(names=", ".join(names[:MOST_NAMED]), n=len(names) - MOST_NAMED)


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.10g}\u202f%"


def undoable(act: Event, now: Standing) -> bool:
    """Whether an act can be taken back: what it led to is still so."""
    data, project, dataset = act.data, act.project_id or 0, act.dataset_id or 0
    match act.kind:
        case "project_paused" | "project_resumed":
            return (project in now.paused_projects) == (act.kind == "project_paused")
        case "dataset_paused" | "dataset_resumed":
            return (dataset in now.paused_datasets) == (act.kind == "dataset_paused")
        case "kind_paused" | "kind_resumed":
            return ((project, data["kind"]) in now.paused_kinds) == (act.kind == "kind_paused")
        case "person_paused":
            return data["person"] in now.held
        case "target_changed" | "audit_changed":
            return bool(now.policies.get(project) == data["after"])
        case "reopening_done":
            return data["reopening"] in now.reopened
        case "skill_granted" | "skill_revoked":
            return ((data["person"], data["domain"]) in now.skills) == (act.kind == "skill_granted")
        case "people_moved":
            moved = data["people"]
            there = all((pk, data["to"]) in now.skills for pk in moved)
            return there and not any((pk, data["from"]) in now.skills for pk in moved)
        case "note_sent":
            return data["note"] in now.notes
    return False


def undo(act: Event, *, by: User, now: datetime) -> bool:
    """Take an act of the caller's organisation back, as an act of its own; False when things have changed since."""
    reverse = REVERSES.get(act.kind)
    return reverse is not None and reverse(act, by, now)


def _project(act: Event, by: User, now: datetime) -> bool:
    return act.project is not None and pause_project(
        project=act.project, paused=act.kind == "project_resumed", by=by
    )


def _dataset(act: Event, by: User, now: datetime) -> bool:
    return act.dataset is not None and pause_dataset(
        dataset=act.dataset, paused=act.kind == "dataset_resumed", by=by
    )


def _kind(act: Event, by: User, now: datetime) -> bool:
    paused = act.kind == "kind_resumed"
    return act.project is not None and pause_kind(
        project=act.project, kind=act.data["kind"], paused=paused, by=by
    )


def _person(act: Event, by: User, now: datetime) -> bool:
    return any(pause_person(person=person, reason="", by=by) for person in _whom(act, by))


def _policy(act: Event, by: User, now: datetime) -> bool:
    return restore_policy(act, by=by)


def _reopening(act: Event, by: User, now: datetime) -> bool:
    row = Reopening.objects.filter(
        pk=act.data["reopening"], dataset__project__organisation=tenant(by), state=Reopening.State.DONE
    ).first()
    if row is None:
        return False
    take_back(row=row, by=by, now=now)
    return True


def _skill(act: Event, by: User, now: datetime) -> bool:
    granted = act.kind == "skill_revoked"
    return any(set_skill(person=p, domain=act.data["domain"], granted=granted, by=by) for p in _whom(act, by))


def _move(act: Event, by: User, now: datetime) -> bool:
    return bool(move_people(people=_whom(act, by), origin=act.data["to"], to=act.data["from"], by=by))


def _note(act: Event, by: User, now: datetime) -> bool:
    return withdraw_note(note=act.data["note"], by=by, now=now)


def _whom(act: Event, by: User) -> list[User]:
    return list(User.objects.filter(pk__in=about(act), organisation=tenant(by)))


REVERSES: dict[str, Callable[[Event, User, datetime], bool]] = {
    "project_paused": _project, "project_resumed": _project, "dataset_paused": _dataset, "dataset_resumed": _dataset,
    "kind_paused": _kind, "kind_resumed": _kind, "person_paused": _person, "target_changed": _policy,
    "audit_changed": _policy, "reopening_done": _reopening, "skill_granted": _skill, "skill_revoked": _skill,
    "people_moved": _move, "note_sent": _note,
}  # fmt: skip
