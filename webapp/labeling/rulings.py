"""What specialists ruled: what a ruling did to the proposal it was about, and earlier rulings on cases like this one."""

import math
from collections.abc import Iterable
from typing import Any

from routing.annotation.boxes import iou
from webapp.labeling.models import Answer, Microtask

SAME_IOU = 0.98  # an outline this close to the proposed one was left as it was
SEARCHED = 400  # newest ruled cases of a project among which precedents are looked for
SHOWN = 5


def outcome_of(outcome: str, value: dict[str, Any] | None, payload: dict[str, Any]) -> str:
    """What a ruling did to the proposal that the case was about: kept, redrawn, reclassified, rejected, undecidable or passed."""
    if outcome != "answered" or value is None:
        return "passed"
    if value["ruling"] != "accept":
        return "rejected" if value["ruling"] == "reject" else "undecidable"
    proposed = payload["object"]
    if iou(value["xyxy"], proposed["xyxy"]) < SAME_IOU:
        return "redrawn"
    return "kept" if value["class"] == proposed["class"] else "reclassified"


def precedents(task: Microtask, viewer: int) -> list[dict[str, Any]]:
    """The earlier rulings of a case's project on the same dispute about the same class, nearest in size first, at most
    `SHOWN`; none about the object itself. As the case file shows them: who ruled is left out, but for oneself."""
    dispute, label = task.secret.get("dispute"), task.secret.get("label")
    if not dispute or not task.object_id:
        return []
    ruled = Microtask.objects.filter(
        dataset__project=task.project_id, state=Microtask.State.RESOLVED, kind=task.kind
    )
    newest = list(ruled.order_by("-pk").values_list("pk", "object", "secret")[:SEARCHED])
    alike = [
        pk
        for pk, subject, secret in newest
        if subject != task.object_id and (secret.get("dispute"), secret.get("label")) == (dispute, label)
    ]
    answers = Answer.objects.filter(microtask__in=alike, outcome="answered", late=False)
    # Of most only the size is read: payloads are long.
    sizes = answers.order_by("-created_at").values_list("pk", "microtask__payload__object__xyxy")
    size = _log_area(task.payload["object"]["xyxy"])
    nearest = sorted(sizes, key=lambda row: abs(_log_area(row[1]) - size))[:SHOWN]
    rows = Answer.objects.select_related("microtask").in_bulk([pk for pk, _ in nearest])
    return [_told(rows[pk], viewer) for pk, _ in nearest]


def _log_area(box: Iterable[float]) -> float:
    x1, y1, x2, y2 = box
    return math.log(max((x2 - x1) * (y2 - y1), 1e-6))


def _told(answer: Answer, viewer: int) -> dict[str, Any]:
    payload, value = answer.microtask.payload, answer.value or {}
    return {
        "id": str(answer.pk),
        "ruling": outcome_of(answer.outcome, answer.value, payload),
        "mine": answer.annotator_id == viewer,
        "view": payload["view"],
        "proposed": payload["object"]["xyxy"],
        "ruled": value.get("xyxy"),
        "rubric": sorted(name for name, seen in (value.get("rubric") or {}).items() if seen is True),
        "note": str(value.get("note", "")),
    }
