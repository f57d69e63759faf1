"""Reads of the feed: why a task was offered, and the case file of an adjudication."""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Sum

from routing.assignment import Offer, explain
from webapp.labeling.models import Answer, Assignment, ObjectVersion, Tally
from webapp.labeling.rulings import precedents
from webapp.people.models import User


def explanation(person: User, assignment: int) -> dict[str, Any] | None:
    """Why this assignment came to this person: a sentence and the terms of the score."""
    row = Assignment.objects.select_related("microtask").filter(pk=assignment, annotator=person).first()
    if row is None:
        return None
    offer = Offer(
        person.pk, row.pk, row.offer["score"], row.offer["terms"], row.offer["runner_up"], row.offer["propensity"],
        row.offer["made_at"],
    )  # fmt: skip
    return {"why": explain(offer), "asked_because": row.microtask.reason, "terms": row.offer.get("terms", {})}


PACE = timedelta(minutes=15)  # over which a crowd's pace is taken


def open_questions(project: int, *, at_most: int) -> int:
    """How many wanted answers of a project nobody holds, counted no further than `at_most`: its cost is bounded."""
    rows = Assignment.objects.filter(project=project, state=Assignment.State.OPEN)
    return rows.values("pk")[:at_most].count()


def answers_per_hour(project: int, *, now: datetime) -> float:
    """How fast a project has been answered lately, from the roll-ups."""
    rows = Tally.objects.filter(dataset__project=project, minute__gt=now - PACE)
    answers = rows.aggregate(n=Sum("answers"))["n"] or 0
    return float(answers * (timedelta(hours=1) / PACE))


def case_file(row: Assignment) -> dict[str, Any]:
    """What an adjudicator sees after the blind answer: all versions and answers, people under pseudonyms."""
    subject = row.microtask.object
    assert subject is not None
    names: dict[int, str] = {}
    for look in subject.evidence:
        names.setdefault(look["annotator"], f"Annotator {chr(ord('A') + len(names) % 26)}")
    unsure = Answer.objects.filter(microtask__object=subject, outcome="unsure", late=False).order_by(
        "created_at"
    )
    for answer in unsure:
        names.setdefault(answer.annotator_id, f"Annotator {chr(ord('A') + len(names) % 26)}")
    versions = ObjectVersion.objects.filter(object=subject).order_by("number")
    return {
        "versions": [
            {
                "number": v.number,
                "xyxy": v.box,
                "class": v.label,
                "by": "model" if v.author_id is None else names.get(v.author_id, "a person"),
            }
            for v in versions
        ],
        "answers": [
            {
                "by": names[look["annotator"]],
                "kind": look["kind"],
                "verdict": look["verdict"],
                "version": look["version"],
            }
            for look in subject.evidence
        ]
        + [
            {
                "by": names[answer.annotator_id],
                "kind": answer.microtask.kind,
                "verdict": "unsure",
                "version": answer.microtask.payload["object"]["version"],
            }
            for answer in unsure.select_related("microtask").exclude(microtask__kind="compare_two")
        ],
        "model": {"score": subject.signals.get("p")} if subject.model_id else None,
        "guideline": None,
        "reason": row.microtask.reason,
        "precedents": precedents(row.microtask, row.annotator_id or 0),
    }
