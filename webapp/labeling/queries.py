"""Reads of the feed: why a task was offered, and the case file of an adjudication."""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Sum

from routing.assignment import Offer, explain, reasons_of
from routing.escalation import skill_band
from routing.track_record import TrackRecord
from webapp.labeling.models import AnnotatorRecord, Answer, Assignment, ObjectVersion, Tally
from webapp.labeling.rulings import precedents
from webapp.people.models import User
from webapp.people.phrases import because
from webapp.projects.models import Project
from webapp.projects.queries import current_guideline

TELLTALE = frozenset({"gold", "value"})  # terms that would tell a known question apart
EXCERPT = 700  # characters of the guideline beside a case; all of it is a key away


def explanation(person: User, assignment: int) -> dict[str, Any] | None:
    """Why this assignment came to this person and why it is asked, as sentences and as codes, and the terms of the score.

    Nothing in it tells a known question apart.
    """
    row = Assignment.objects.select_related("microtask").filter(pk=assignment, annotator=person).first()
    if row is None:
        return None
    offer = Offer(
        person.pk, row.pk, row.offer["score"], row.offer["terms"], row.offer["runner_up"], row.offer["propensity"],
        row.offer["made_at"],
    )  # fmt: skip
    chosen = [{"code": p.code, "about": dict(p.about), "message": p.text} for p in reasons_of(offer)]
    asked = row.microtask.reason
    return {
        "why": explain(offer), "because": chosen, "asked_because": asked, "asked": because([asked] if asked else []),
        "terms": {name: term for name, term in row.offer.get("terms", {}).items() if name not in TELLTALE},
    }  # fmt: skip


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
    bands = _bands(list(names), row.microtask.domain, subject.label)
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
                "band": bands[look["annotator"]],
                "kind": look["kind"],
                "verdict": look["verdict"],
                "version": look["version"],
            }
            for look in subject.evidence
        ]
        + [
            {
                "by": names[answer.annotator_id],
                "band": bands[answer.annotator_id],
                "kind": answer.microtask.kind,
                "verdict": "unsure",
                "version": answer.microtask.payload["object"]["version"],
            }
            for answer in unsure.select_related("microtask").exclude(microtask__kind="compare_two")
        ],
        "model": {"score": subject.signals.get("p")} if subject.model_id else None,
        "guideline": _excerpt(row.microtask.project),
        "reason": row.microtask.reason,
        "precedents": precedents(row.microtask, row.annotator_id or 0),
    }


def _bands(people: list[int], domain: str, label: int) -> dict[int, str]:
    """How each of these people judges (`routing.escalation.skill_band`)."""
    stored = AnnotatorRecord.objects.filter(annotator__in=people).values_list("annotator", "record")
    records = {pk: TrackRecord.from_json(record) for pk, record in stored if record}
    return {pk: skill_band(records.get(pk) or TrackRecord.new(), domain=domain, cls=label) for pk in people}


def _excerpt(project: Project) -> str | None:
    """The beginning of the guideline, a paragraph a line."""
    current = current_guideline(project)
    text = "\n".join(current.paragraphs) if current else ""
    if not text:
        return None
    return text if len(text) <= EXCERPT else f"{text[:EXCERPT].rsplit(maxsplit=1)[0]} …"
