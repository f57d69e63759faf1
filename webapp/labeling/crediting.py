"""What a settled object teaches about everyone who judged it, and how that is taken back when it is settled anew."""

from dataclasses import replace
from typing import Any

from routing.outcomes import DRAWN, Outcome
from routing.workflow import Event as Act
from routing.workflow import credit_object
from webapp.labeling.book import Book
from webapp.labeling.models import Event, SceneObject
from webapp.projects.models import Project


def teach(book: Book, row: SceneObject, project: Project) -> None:
    """Let everyone who looked at or drew an object that has just settled learn from it.

    Each look keeps what it taught. Where an object was opened again and settled otherwise, that is taken back first, so
    that no answer counts twice; where it was settled as before, nothing is counted again.
    """
    anew = _begun_anew(row)
    looks = []
    for look in row.evidence:
        taught, learnt = _taught(look, project.domain), _outcome(book, row, look, project)
        if taught == learnt:
            looks.append(look)
            continue
        who = look["annotator"]
        if taught and look["taught"]["at"] > anew.get(who, 0.0):
            book.unlearn(who, taught)
        if learnt:
            book.learn(who, learnt)
        looks.append(_noted(look, learnt, book.now.timestamp()))
    row.evidence = looks
    book.touch(row)


def _outcome(book: Book, row: SceneObject, look: dict[str, Any], project: Project) -> Outcome | None:
    """What one look says of its author by how the object was settled: nothing where it could not be decided, or where only
    a machine did."""
    if row.state == SceneObject.State.UNDECIDABLE or row.settled_by == "machine":
        return None
    final = row.box if row.state == SceneObject.State.ACCEPTED else None
    found = credit_object(
        [_act(look, row.label)], final, row.label, certainty=1.0 - float(row.risk or 0.0), domain=project.domain,
        policy=book.policy(project),
    )  # fmt: skip
    return replace(found[0][1], gold=row.settled_by == "specialist") if found else None


def _act(look: dict[str, Any], label: int) -> Act:
    """One entry of an object's evidence, as `routing` credits it."""
    what = "draw" if look["verdict"] == "drawn" else "look"
    return Act(
        annotator=look["annotator"], what=what, kind=look["kind"], verdict=look["verdict"], xyxy=tuple(look["box"]),
        cls=label, seconds=look.get("seconds"),
    )  # fmt: skip


KEPT = ("cls", "truth", "weight", "gold", "iou")  # of an outcome; the rest is said by the look itself


def _noted(look: dict[str, Any], learnt: Outcome | None, at: float) -> dict[str, Any]:
    plain = {name: value for name, value in look.items() if name != "taught"}
    return (
        plain if learnt is None else plain | {"taught": {**{n: getattr(learnt, n) for n in KEPT}, "at": at}}
    )


def _taught(look: dict[str, Any], domain: str) -> Outcome | None:
    """What a look has taught so far."""
    if "taught" not in look:
        return None
    given = DRAWN if look["verdict"] == "drawn" else look["verdict"]
    kept = {name: look["taught"][name] for name in KEPT}
    return Outcome(kind=look["kind"], domain=domain, given=given, seconds=look.get("seconds"), **kept)


def _begun_anew(row: SceneObject) -> dict[int, float]:
    """Who of those that learnt from an object began anew with an empty record, and when last: nothing of what was counted
    before is left to be taken back."""
    people = {look["annotator"] for look in row.evidence if "taught" in look}
    if not people:
        return {}
    found = Event.objects.filter(kind="reinstated", annotator__in=people).order_by("pk")
    return {who: at.timestamp() for who, at in found.values_list("annotator_id", "at")}
