"""One annotator's socket, as the dispatcher sees it, and the frames that go out to it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson

from routing.assignment import Waiting
from routing.track_record import TrackRecord
from webapp.feed import media
from webapp.labeling.holding import Hold, lease_length
from webapp.labeling.models import Assignment, Microtask
from webapp.labeling.operations import Ack, Refusal
from webapp.labeling.shelf import Believed, Question
from webapp.people.models import User
from webapp.people.phrases import because

Message = dict[str, Any]


@dataclass(slots=True, eq=False)
class Seat:
    """Touched only on the event loop, except within a round, which reads it and refreshes `domains`.

    held: assignments offered and not given back, with the time on the loop's clock at which the lease runs out.
    """

    session: str
    person: User
    domains: frozenset[str]
    deliver: Callable[[str], None]
    sat_at: float = 0.0
    want: int = 0
    held: dict[int, float] = field(default_factory=dict)
    seen_at: float = 0.0  # on the loop's clock: when the last answer came
    told_idle: bool = False
    told_paused: bool = False
    last_kind: str | None = None
    last_lane: str | None = None
    answered: int = 0
    tried: int = 0  # the last occasion on which they were tried while they were idle: see `Idlers`
    stays_until: float = 0.0  # on the loop's clock: until then they are only offered more of the same kind

    @property
    def hungry(self) -> bool:
        return self.want > len(self.held)

    def send(self, message: Message) -> None:
        self.deliver(orjson.dumps(message).decode())


def waiting(seat: Seat, believed: Believed | None, resumed: int, now: float) -> Waiting:
    """What the matcher needs to know of this annotator."""
    person = seat.person
    record = believed.record if believed else TrackRecord.new(person.tier, sorted(seat.domains))
    return Waiting(
        id=person.pk, tier=person.tier, domains=seat.domains, languages=frozenset(person.languages), record=record,
        want=seat.want, held=len(seat.held) + resumed, paused=paused(believed), last_kind=seat.last_kind,
        last_lane=seat.last_lane, answers_today=seat.answered, simulated=person.simulated,
        kinds=frozenset([seat.last_kind]) if seat.last_kind and now < seat.stays_until else None,
    )  # fmt: skip


def paused(believed: Believed | None) -> str:
    """Why this person gets no work, or ""."""
    if believed is None:
        return ""
    if believed.held or believed.standing != "paused":
        return believed.held
    return believed.reason or "your work is paused"


def reply_frame(reply: Ack | Refusal) -> str:
    if isinstance(reply, Ack):
        message = {"type": "ack", "id": reply.id, "status": reply.status, "feedback": reply.feedback}
    else:
        message = {"type": "error", "code": reply.code, "message": reply.message, "ref": reply.id}
    return orjson.dumps(message).decode()


def idle_frame(reasons: list[str]) -> str:
    """Nothing for you, and why: as text, and as codes with their values (`webapp.people.phrases`)."""
    return orjson.dumps({"type": "idle", "reasons": reasons, "because": because(reasons)}).decode()


def paused_frame(reason: str) -> str:
    return orjson.dumps({"type": "paused", "reason": reason, "because": because([reason])}).decode()


def revoked_frame(assignment: int, reason: str) -> str:
    message = {"type": "revoked", "assignment": assignment, "reason": reason, "because": because([reason])}
    return orjson.dumps(message).decode()


def offer_frame(hold: Hold) -> str:
    return _offer(hold.assignment, hold.lease, hold.question)


def resumed_frame(row: Assignment) -> str:
    return _offer(row.pk, row.lease, row.microtask)


def _offer(assignment: int, lease: str, task: Question | Microtask) -> str:
    message = {
        "type": "offer", "assignment": assignment, "lease": lease, "lease_s": lease_length(task.kind).total_seconds(),
        "task": media.with_media(task),
    }  # fmt: skip
    return orjson.dumps(message).decode()
