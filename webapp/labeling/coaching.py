"""A word from a specialist to those who had judged a case otherwise: with the case, and without anybody's name."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from routing.outcomes import DRAWN, Outcome
from webapp.labeling.models import Answer, Event, SceneObject
from webapp.people.models import User

SHOWN = 6  # newest words that somebody sees on their own page
MAX_NOTE = 500


@dataclass(frozen=True, slots=True)
class Otherwise:
    """Somebody whose look at the object the ruling contradicts. `name` is a letter, the same as in the case file."""

    name: str
    person: int
    said: str


@dataclass(frozen=True, slots=True)
class Word:
    """What somebody is told about one of their answers. `view`, `proposed` and `ruled` (None: there is nothing) are
    rectangles {x, y, w, h} in scene pixels: what the case showed, what it was about, and what was ruled."""

    id: int
    at: datetime
    said: str
    ruling: str
    note: str
    answer: UUID
    view: dict[str, float]
    proposed: dict[str, float]
    ruled: dict[str, float] | None


def judged_otherwise(subject: SceneObject) -> list[Otherwise]:
    """Whose last look at an object was wrong by how it is settled now, each under a letter."""
    letters: dict[int, str] = {}
    found: dict[int, Otherwise | None] = {}
    for look in subject.evidence:
        who = look["annotator"]
        letter = letters.setdefault(who, chr(ord("A") + len(letters) % 26))
        found[who] = Otherwise(letter, who, look["verdict"]) if _wrong(look) else None
    return sorted(filter(None, found.values()), key=lambda o: o.name)


def _wrong(look: dict[str, Any]) -> bool:
    taught = look.get("taught")
    if not taught:
        return False
    given = DRAWN if look["verdict"] == "drawn" else look["verdict"]
    return not Outcome(look["kind"], "", taught["cls"], given, taught["truth"]).right


def coach(answer: Answer, told: Otherwise, *, ruling: str, note: str, by: User) -> bool:
    """Tell one of those who judged otherwise; return False when they were told of this ruling before."""
    earlier = Event.objects.filter(kind="coached", annotator=told.person, data__answer=str(answer.pk))
    if earlier.exists():
        return False
    task, ruled = answer.microtask, (answer.value or {}).get("xyxy")
    x, y, w, h = task.payload["view"]
    Event.objects.create(
        kind="coached", project_id=task.project_id, dataset_id=task.dataset_id, annotator_id=told.person,
        object_id=task.object_id, microtask_id=task.pk,
        data={
            "answer": str(answer.pk), "by": by.pk, "said": told.said, "ruling": ruling, "note": note[:MAX_NOTE],
            "view": {"x": x, "y": y, "w": w, "h": h}, "proposed": _area(task.payload["object"]["xyxy"]),
            "ruled": _area(ruled) if ruled else None,
        },
    )  # fmt: skip
    return True


def _area(xyxy: list[float]) -> dict[str, float]:
    x1, y1, x2, y2 = xyxy
    return {"x": x1, "y": y1, "w": x2 - x1, "h": y2 - y1}


def words_for(person: User) -> list[Word]:
    """What specialists told somebody, newest first."""
    events = Event.objects.filter(kind="coached", annotator=person).order_by("-pk")[:SHOWN]
    return [_word(event) for event in events]


def word_for(person: User, pk: int) -> Word | None:
    """One of them; None when it is not theirs."""
    event = Event.objects.filter(kind="coached", annotator=person, pk=pk).first()
    return _word(event) if event else None


def _word(event: Event) -> Word:
    data = event.data
    return Word(
        event.pk, event.at, data["said"], data["ruling"], data["note"], UUID(data["answer"]), data["view"],
        data["proposed"], data["ruled"],
    )  # fmt: skip
