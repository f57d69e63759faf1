"""Answers come in: they are stored, decided upon and counted in the caller's transaction, many at once.

Leases are in `holding`; the names that scripts need are here too.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from routing.annotation.kinds import AnswerError, validate_answer, validate_outcome
from webapp.labeling import bulk, leases
from webapp.labeling.answers import absorb
from webapp.labeling.book import Book
from webapp.labeling.given import Feedback, Given
from webapp.labeling.holding import (
    Desk,
    Leased,
    extend,
    lease,
    lease_length,
    leave,
    reap_expired,
    release,
    resume,
    store_blind,
)
from webapp.labeling.lifecycle import fulfil_wishes
from webapp.labeling.models import Answer, Assignment, Microtask, Tally
from webapp.labeling.rollups import Workhour
from webapp.labeling.searching import review_tiles
from webapp.labeling.shelf import Shelf
from webapp.people.models import User

__all__ = [
    "Ack", "Desk", "Leased", "Refusal", "Submission", "extend", "lease", "lease_length", "leave", "reap_expired", "release",
    "resume", "store_blind", "submit_answers",
]  # fmt: skip

State = Assignment.State

Code = Literal["not_your_assignment", "bad_lease", "bad_answer", "conflict", "server"]


@dataclass(frozen=True, slots=True)
class Submission:
    """One `answer` message of the feed protocol, not yet validated."""

    annotator: User
    id: str
    assignment: int
    lease: str
    outcome: Any
    value: Any = None
    report: Any = None
    telemetry: Any = None
    connected_s: float = 0.0  # since the answer before, with the workbench open


@dataclass(frozen=True, slots=True)
class Ack:
    id: str
    status: Literal["accepted", "duplicate", "late"]
    feedback: Feedback = None


@dataclass(frozen=True, slots=True)
class Refusal:
    id: str
    code: Code
    message: str


@dataclass(slots=True)
class Held:
    """The part of an assignment that an answer may change."""

    id: int
    microtask: int
    state: str
    annotator: int | None
    epoch: int


@dataclass(slots=True)
class Stored:
    """One answer as it is inserted."""

    id: str
    assignment: int
    microtask: Microtask
    annotator: int
    outcome: str
    value: Any
    report: Any
    telemetry: dict[str, Any]
    active_s: float
    late: bool
    connected_s: float = 0.0


def submit_answers(
    submissions: Sequence[Submission], *, now: datetime, shelf: Shelf | None = None
) -> list[Ack | Refusal]:
    """Store answers, decide what follows from each, and write everything; returns one reply per submission, in order.

    Nothing is acknowledged here: the caller sends the replies after its transaction committed.
    """
    return submit(submissions, Book(now, shelf))


def submit(submissions: Sequence[Submission], book: Book) -> list[Ack | Refusal]:
    """As `submit_answers`, leaving what changed in the caller's book."""
    assignments = _locked(submissions, book)
    book.load_records({s.annotator.pk for s in submissions})
    known = _known({s.id for s in submissions if _is_uuid(s.id)})
    replies: list[Ack | Refusal] = []
    answers: list[Stored] = []
    for submission in submissions:
        reply, answer = _submit(submission, book, assignments.get(submission.assignment), known)
        replies.append(reply)
        if answer is not None:
            answers.append(answer)
            known[submission.id] = (answer.annotator, answer.assignment)
    book.save_objects()
    review_tiles(book)
    fulfil_wishes(book)
    book.save_objects()
    _store(answers, book.now)
    taken = [a for a in assignments.values() if a.state == State.ANSWERED]
    bulk.update(
        Assignment, ["id", "state", "annotator_id", "lease", "session", "lease_expires_at"],
        [[a.id, a.state, a.annotator, "", "", None] for a in taken],
    )  # fmt: skip
    tally(answers, book.now)
    clock(answers, book.now)
    book.save_rest()
    return replies


def _locked(submissions: Sequence[Submission], book: Book) -> dict[int, Held]:
    """The assignments that are answered, locked, and in the book the rows they are about."""
    ids = sorted({s.assignment for s in submissions})
    about = dict(bulk.select("SELECT id, microtask_id FROM labeling_assignment WHERE id {ids}", ids))
    book.load_microtasks(about.values())
    rows = bulk.select(
        "SELECT id, microtask_id, state, annotator_id, epoch FROM labeling_assignment WHERE id {ids} ORDER BY id", ids,
        lock="FOR UPDATE",
    )  # fmt: skip
    return {row[0]: Held(*row) for row in rows}


def _known(ids: Collection[str]) -> dict[str, tuple[int, int]]:
    """Which of these answers are stored already: annotator and assignment of each."""
    if not bulk.is_postgresql():
        found = Answer.objects.filter(pk__in=ids).values_list("pk", "annotator_id", "assignment_id")
        return {str(pk): (annotator, assignment) for pk, annotator, assignment in found}
    sql = "SELECT id::text, annotator_id, assignment_id FROM labeling_answer WHERE id = ANY(%s::uuid[])"
    rows = bulk.rows_of(sql, ["{" + ",".join(ids) + "}"])
    return {pk: (annotator, assignment) for pk, annotator, assignment in rows}


ANSWER_COLUMNS = [
    "id", "assignment_id", "microtask_id", "annotator_id", "outcome", "value", "report", "telemetry", "active_s", "late",
    "created_at",
]  # fmt: skip


def _store(answers: Sequence[Stored], now: datetime) -> None:
    bulk.insert(
        Answer, ANSWER_COLUMNS,
        [
            [a.id, a.assignment, a.microtask.pk, a.annotator, a.outcome, a.value, a.report, a.telemetry, a.active_s, a.late, now]
            for a in answers
        ],
    )  # fmt: skip


UUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def _is_uuid(text: Any) -> bool:
    return isinstance(text, str) and UUID.fullmatch(text) is not None


def _submit(
    given: Submission, book: Book, assignment: Held | None, known: dict[str, tuple[int, int]]
) -> tuple[Ack | Refusal, Stored | None]:
    """Check one submission and let it take effect in the book."""
    if not _is_uuid(given.id):
        return Refusal(
            str(given.id)[:64], "bad_answer", "id: must be a UUID in lower case with hyphens"
        ), None
    person = given.annotator.pk
    if earlier := known.get(given.id):
        if earlier == (person, given.assignment):
            return Ack(given.id, "duplicate"), None
        return Refusal(
            given.id, "conflict", "this answer id is already used for another answer; choose a new UUID"
        ), None
    if assignment is None:
        return Refusal(given.id, "not_your_assignment", "no such assignment"), None
    epoch = leases.epoch_of(str(given.lease), assignment.id, person)
    if epoch is None:
        return Refusal(given.id, "bad_lease", "this lease was not given to you for this assignment"), None
    microtask = book.microtasks[assignment.microtask]
    try:
        message = validate_outcome(
            {
                "outcome": given.outcome,
                "report": given.report,
                "telemetry": given.telemetry,
                "value": given.value,
            }
        )
        value = (
            validate_answer(microtask.kind, microtask.payload, given.value)
            if message["outcome"] == "answered"
            else None
        )
    except AnswerError as error:
        return Refusal(given.id, "bad_answer", str(error)), None
    counted = _take(assignment, person, epoch, microtask)
    seconds = float(message["telemetry"].get("active_ms", 0.0)) / 1000
    answer = Stored(
        given.id, assignment.id, microtask, person, message["outcome"], value, message["report"], message["telemetry"],
        seconds, not counted, given.connected_s,
    )  # fmt: skip
    book.log(
        "answered" if counted else "answered_late", project=microtask.project, dataset_id=microtask.dataset_id,
        annotator=given.annotator, microtask=microtask, data={"assignment": assignment.id, "epoch": epoch, "answer": given.id},
    )  # fmt: skip
    if not counted:
        return Ack(given.id, "late"), answer
    feedback = absorb(Given(book, microtask, given.annotator, message["outcome"], value or {}, seconds))
    return Ack(given.id, "accepted", feedback), answer


def _take(assignment: Held, person: int, epoch: int, microtask: Microtask) -> bool:
    """Whether this answer is the wanted one: the lease stands, or it expired and nobody else took the assignment."""
    if microtask.state != Microtask.State.OPEN:
        return False
    mine = assignment.state == State.LEASED and assignment.annotator == person and assignment.epoch == epoch
    if not mine:
        if assignment.state != State.OPEN or person in microtask.excluded:
            return False
        # The unique constraint allows one assignment per micro-task and person; another may be theirs by now.
        others = Assignment.objects.filter(microtask=microtask, annotator=person).exclude(pk=assignment.id)
        if others.exists():
            return False
    assignment.state, assignment.annotator = State.ANSWERED, person
    return True


def tally(answers: Iterable[Stored], now: datetime) -> None:
    """Add answers to the per-minute roll-ups, in the same transaction."""
    sums: dict[tuple[int, str, int], list[float]] = {}
    for answer in answers:
        entry = sums.setdefault(
            (answer.microtask.dataset_id, answer.microtask.kind, answer.annotator), [0, 0.0]
        )
        entry[0] += 1
        entry[1] += answer.active_s
    minute = now.replace(second=0, microsecond=0)
    rows = [[d, k, p, minute, n, s] for (d, k, p), (n, s) in sorted(sums.items())]
    bulk.insert(
        Tally, ["dataset_id", "kind", "annotator_id", "minute", "answers", "active_s"], rows,
        on_conflict="(dataset_id, kind, annotator_id, minute) DO UPDATE SET answers = labeling_tally.answers + excluded.answers,"
        " active_s = labeling_tally.active_s + excluded.active_s",
    )  # fmt: skip


def clock(answers: Iterable[Stored], now: datetime) -> None:
    """Add the time that people worked and were there to their hours, in the same transaction."""
    sums: dict[tuple[int, int], list[float]] = {}
    for answer in answers:
        entry = sums.setdefault((answer.annotator, answer.microtask.project_id), [0, 0.0, 0.0])
        entry[0] += 1
        entry[1] += answer.active_s
        entry[2] += max(answer.active_s, answer.connected_s)
    hour = now.replace(minute=0, second=0, microsecond=0)
    bulk.insert(
        Workhour, ["annotator_id", "project_id", "hour", "answers", "active_s", "connected_s"],
        [[person, project, hour, *entry] for (person, project), entry in sorted(sums.items())],
        on_conflict="(annotator_id, hour, project_id) DO UPDATE SET answers = labeling_workhour.answers + excluded.answers,"
        " active_s = labeling_workhour.active_s + excluded.active_s,"
        " connected_s = labeling_workhour.connected_s + excluded.connected_s",
    )  # fmt: skip
