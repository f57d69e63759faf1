"""Checks the guarantees of the feed after the fact: from the crowd's own journal and the append-only log."""

import json
from collections.abc import Iterable
from pathlib import Path

from django.db.models import Count, Q

from webapp.labeling.models import Answer, Event, Microtask


def guarantees(journal: Path) -> dict[str, int]:
    """Acknowledged answers that are lost, micro-tasks answered beyond what was wanted, assignments held twice."""
    return {"lost": lost(journal), "over_overlap": over_overlap(), "double_leases": double_leases()}


def acknowledged(journal: Path) -> Iterable[dict[str, str]]:
    """The journal's lines; a line cut short by a kill was not finished being told, and is left out."""
    if not journal.exists():
        return
    for line in journal.read_text().splitlines():
        try:
            yield json.loads(line)
        except json.JSONDecodeError:
            continue


def lost(journal: Path) -> int:
    """How many answers the crowd was told are safe that the database does not have."""
    ids = {entry["id"] for entry in acknowledged(journal)}
    kept = {str(pk) for pk in Answer.objects.values_list("pk", flat=True).iterator()}
    return len(ids - kept)


def over_overlap() -> int:
    """Micro-tasks with more counted answers than answers were wanted, or two counted answers by one person."""
    counted = Count("answers", filter=Q(answers__late=False), distinct=True)
    people = Count("answers__annotator", filter=Q(answers__late=False), distinct=True)
    rows = Microtask.objects.annotate(
        counted=counted,
        people=people,
        wanted=Count("assignments", filter=Q(assignments__state="answered"), distinct=True),
    )
    return sum(
        1
        for row in rows.values_list("counted", "people", "wanted").iterator()
        if row[0] > row[2] or row[0] != row[1]
    )


def double_leases() -> int:
    """Assignments that were leased again before the earlier hold had ended, by the event log."""
    held: dict[int, bool] = {}
    doubles = 0
    events = Event.objects.filter(kind__in=["leased", "lease_ended", "answered"]).order_by("pk")
    for kind, data in events.values_list("kind", "data").iterator():
        assignment = data["assignment"]
        if kind == "leased":
            doubles += held.get(assignment, False)
        held[assignment] = kind == "leased"
    return doubles
