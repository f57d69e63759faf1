"""One counted answer in the context of its rows, and what every handler does with it."""

from dataclasses import dataclass
from typing import Any

from routing.policy import RoutingPolicy
from routing.redundancy import ObjectCase, after_look
from routing.track_record import TrackRecord
from webapp.labeling.book import Book
from webapp.labeling.models import Microtask, SceneObject, Tile
from webapp.people.models import User

Feedback = dict[str, Any] | None  # what the annotator may see


@dataclass(frozen=True)
class Given:
    """One counted answer, in the context of its rows."""

    book: Book
    microtask: Microtask
    annotator: User
    outcome: str
    value: dict[str, Any]
    seconds: float

    @property
    def each_s(self) -> float:
        """Active seconds, per cell of a grid page."""
        return self.seconds / max(len(self.value.get("viewed") or ()), 1)

    @property
    def tile(self) -> Tile:
        tile_id = self.microtask.tile_id or self.row.tile_id
        return self.book.tiles[tile_id]

    @property
    def row(self) -> SceneObject:
        assert self.microtask.object_id is not None
        return self.book.objects[self.microtask.object_id]

    @property
    def policy(self) -> RoutingPolicy:
        return self.book.policy(self.microtask.project)

    @property
    def record(self) -> TrackRecord:
        self.book.load_records([self.annotator.pk])
        return self.book.records[self.annotator.pk]

    @property
    def domain(self) -> str:
        return self.microtask.domain


def looked(given: Given, row: SceneObject, verdict: str, *, kind: str = "") -> ObjectCase:
    """The object's case after a verdict of this annotator."""
    kind = kind or given.microtask.kind
    case = ObjectCase.from_json(row.case)
    return after_look(
        case, kind=kind, verdict=verdict, record=given.record, domain=given.domain, policy=given.policy
    )


def note(given: Given, row: SceneObject, verdict: str, **more: Any) -> None:
    """Add a look to an object's evidence; whoever looked never looks again."""
    look = {
        "annotator": given.annotator.pk, "kind": given.microtask.kind, "verdict": verdict, "version": row.version,
        "box": row.box, "seconds": given.each_s, **more,
    }  # fmt: skip
    row.evidence = [*row.evidence, look]
    row.touched = [*row.touched, given.annotator.pk]
    given.book.touch(row)
