"""Writes of the feed: submit answers, lease, extend, release, reap. Each runs in the caller's transaction and takes
batches, so that one commit serves many annotators."""

import math
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

import numpy as np
from django.db import connection

from routing.annotation.kinds import AnswerError, validate_answer, validate_outcome
from routing.assignment import Candidate, Idle, Offer, Waiting, choose
from routing.belief import Belief
from routing.policy import RoutingPolicy
from webapp.labeling import leases
from webapp.labeling.answers import absorb
from webapp.labeling.book import Book, locked
from webapp.labeling.given import Feedback, Given
from webapp.labeling.lifecycle import fulfil_wishes, review_tiles
from webapp.labeling.models import Answer, Assignment, Event, Lane, Microtask
from webapp.people.models import User

State = Assignment.State

GRACE = timedelta(seconds=30)  # how long a closed socket's offers wait for the person to come back
WINDOW = 48  # candidates read per lane and batch
Code = Literal["not_your_assignment", "bad_lease", "bad_answer", "conflict"]


@dataclass(frozen=True)
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


@dataclass(frozen=True)
class Ack:
    id: str
    status: Literal["accepted", "duplicate", "late"]
    feedback: Feedback = None


@dataclass(frozen=True)
class Refusal:
    id: str
    code: Code
    message: str


# Answers -----------------------------------------------------------------------------------------------------


def submit_answers(submissions: Sequence[Submission], *, now: datetime) -> list[Ack | Refusal]:
    """Store answers, decide what follows from each, and write everything; returns one reply per submission, in order.

    Nothing is acknowledged here: the caller sends the replies after its transaction committed.
    """
    book = Book(now)
    ids = {s.assignment for s in submissions}
    assignments = {a.pk: a for a in locked(Assignment.objects.filter(pk__in=ids).order_by("pk"))}
    book.load_microtasks(a.microtask_id for a in assignments.values())
    book.load_records({s.annotator.pk for s in submissions})
    known = {
        str(a.pk): a for a in Answer.objects.filter(pk__in=[s.id for s in submissions if _is_uuid(s.id)])
    }
    replies: list[Ack | Refusal] = []
    answers: list[Answer] = []
    for submission in submissions:
        reply, answer = _submit(submission, book, assignments.get(submission.assignment), known)
        replies.append(reply)
        if answer is not None:
            answers.append(answer)
            known[submission.id] = answer
    book.save_objects()
    review_tiles(book)
    fulfil_wishes(book)
    book.save_objects()
    Answer.objects.bulk_create(answers)
    Assignment.objects.bulk_update(
        [a for a in assignments.values() if a.state == State.ANSWERED], ASSIGNMENT_FIELDS
    )
    book.save_rest()
    tally(answers, book)
    return replies


ASSIGNMENT_FIELDS = ["state", "annotator", "lease", "session", "epoch", "lease_expires_at", "offer"]


def _is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text
    except (ValueError, AttributeError, TypeError):
        return False


def _submit(
    given: Submission, book: Book, assignment: Assignment | None, known: dict[str, Answer]
) -> tuple[Ack | Refusal, Answer | None]:
    """Check one submission and let it take effect in the book."""
    if not _is_uuid(given.id):
        return Refusal(
            str(given.id)[:64], "bad_answer", "id: must be a UUID in lower case with hyphens"
        ), None
    person = given.annotator.pk
    if earlier := known.get(given.id):
        if earlier.annotator_id == person and earlier.assignment_id == given.assignment:
            return Ack(given.id, "duplicate"), None
        return Refusal(
            given.id, "conflict", "this answer id is already used for another answer; choose a new UUID"
        ), None
    if assignment is None:
        return Refusal(given.id, "not_your_assignment", "no such assignment"), None
    epoch = leases.epoch_of(str(given.lease), assignment.pk, person)
    if epoch is None:
        return Refusal(given.id, "bad_lease", "this lease was not given to you for this assignment"), None
    microtask = book.microtasks[assignment.microtask_id]
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
    answer = Answer(
        id=given.id, assignment=assignment, microtask=microtask, annotator=given.annotator, outcome=message["outcome"],
        value=value, report=message["report"], telemetry=message["telemetry"], active_s=seconds, late=not counted,
    )  # fmt: skip
    book.log(
        "answered" if counted else "answered_late", project=microtask.project, dataset_id=microtask.dataset_id,
        annotator=given.annotator, microtask=microtask, data={"assignment": assignment.pk, "epoch": epoch, "answer": given.id},
    )  # fmt: skip
    if not counted:
        return Ack(given.id, "late"), answer
    feedback = absorb(Given(book, microtask, given.annotator, message["outcome"], value or {}, seconds))
    return Ack(given.id, "accepted", feedback), answer


def _take(assignment: Assignment, person: int, epoch: int, microtask: Microtask) -> bool:
    """Whether this answer is the wanted one: the lease stands, or it expired and nobody else took the assignment."""
    mine = (
        assignment.state == State.LEASED and assignment.annotator_id == person and assignment.epoch == epoch
    )
    free = (
        assignment.state == State.OPEN
        and microtask.state == Microtask.State.OPEN
        and person not in microtask.excluded
    )
    if free:
        # The unique constraint allows one assignment per micro-task and person; another may be theirs by now.
        free = (
            not Assignment.objects.filter(microtask=microtask, annotator=person)
            .exclude(pk=assignment.pk)
            .exists()
        )
    if not (mine or free) or microtask.state != Microtask.State.OPEN:
        return False
    assignment.state, assignment.annotator_id = State.ANSWERED, person
    assignment.lease, assignment.session, assignment.lease_expires_at = "", "", None
    return True


def tally(answers: Iterable[Answer], book: Book) -> None:
    """Add answers to the per-minute roll-ups, in the same transaction."""
    sums: dict[tuple[int, str, int], list[float]] = {}
    for answer in answers:
        microtask = book.microtasks[answer.microtask_id]
        entry = sums.setdefault((microtask.dataset_id, microtask.kind, answer.annotator_id), [0, 0.0])
        entry[0] += 1
        entry[1] += answer.active_s
    minute = book.now.replace(second=0, microsecond=0)
    if connection.vendor == "sqlite":
        minute = minute.replace(tzinfo=None)  # as Django stores it there
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO labeling_tally (dataset_id, kind, annotator_id, minute, answers, active_s) VALUES (%s, %s, %s, %s, %s, %s) "
            "ON CONFLICT (dataset_id, kind, annotator_id, minute) DO UPDATE SET answers = labeling_tally.answers + excluded.answers, "
            "active_s = labeling_tally.active_s + excluded.active_s",
            [(d, k, p, minute, n, s) for (d, k, p), (n, s) in sorted(sums.items())],
        )


# Leases ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Desk:
    """One annotator's wish for work: who they are, for which socket, how many more offers."""

    person: User
    session: str
    waiting: Waiting


@dataclass
class Leased:
    """What came of a round of leasing, by annotator."""

    offers: dict[int, list[Assignment]] = field(default_factory=dict)
    idle: dict[int, list[str]] = field(default_factory=dict)


def lease(desks: Sequence[Desk], *, now: datetime, rng: np.random.Generator) -> Leased:
    """Match waiting annotators to open assignments and lease them, in the caller's transaction."""
    result = Leased()
    by_org: dict[int | None, list[Desk]] = {}
    for desk in desks:
        by_org.setdefault(desk.person.organisation_id, []).append(desk)
    for organisation, group in sorted(by_org.items(), key=lambda item: str(item[0])):
        rows = open_assignments(organisation)
        candidates = [candidate(row, now) for row in rows]
        policy = RoutingPolicy()
        chosen = choose([d.waiting for d in group], candidates, policy, now=now.timestamp(), rng=rng)
        _hold(group, {row.pk: row for row in rows}, chosen, now, result)
    return result


def open_assignments(organisation: int | None) -> list[Assignment]:
    """The first assignments of each lane that is open to an organisation, locked against other processes."""
    rows: list[Assignment] = []
    lanes = Lane.objects.filter(project__organisation=organisation, project__paused=False).order_by("pk")
    for project_id, key in lanes.values_list("project_id", "key"):
        query = Assignment.objects.filter(state=State.OPEN, project=project_id, lane=key).order_by("-rank")[
            :WINDOW
        ]
        if connection.features.has_select_for_update_skip_locked:
            query = query.select_for_update(skip_locked=True, of=("self",))
        rows += query.select_related("microtask", "project")
    return rows


def candidate(row: Assignment, now: datetime) -> Candidate:
    task = row.microtask
    belief = task.secret.get("belief")
    return Candidate(
        assignment=row.pk, microtask=task.pk, project=task.project_id, kind=task.kind, lane=row.lane, domain=task.domain,
        cls=task.payload.get("object", {}).get("class", task.payload.get("class")), tier=task.tier,
        excluded=frozenset(task.excluded), value=task.value, belief=Belief.from_json(belief) if belief else None,
        priority=math.log2(max(row.project.priority, 1e-6)),
        age_s=(now - task.created_at).total_seconds(), expected_s=task.expected_s, gold="gold" in task.secret,
    )  # fmt: skip


def _hold(
    desks: Sequence[Desk],
    rows: dict[int, Assignment],
    chosen: Iterable[Offer | Idle],
    now: datetime,
    result: Leased,
) -> None:
    desk_of = {d.person.pk: d for d in desks}
    held: list[Assignment] = []
    events: list[Event] = []
    for choice in chosen:
        if isinstance(choice, Idle):
            result.idle[choice.annotator] = list(choice.reasons)
            continue
        row, desk = rows[choice.assignment], desk_of[choice.annotator]
        row.state, row.annotator, row.session = State.LEASED, desk.person, desk.session
        row.epoch += 1
        row.lease = leases.token(row.pk, desk.person.pk, row.epoch)
        row.lease_expires_at = now + lease_length(row.microtask.kind)
        row.offer = {
            "score": choice.score, "terms": dict(choice.terms), "propensity": choice.propensity,
            "runner_up": dict(choice.runner_up) if choice.runner_up else None, "made_at": now.timestamp(),
        }  # fmt: skip
        held.append(row)
        result.offers.setdefault(desk.person.pk, []).append(row)
        events.append(_lease_event("leased", row))
    Assignment.objects.bulk_update(held, ASSIGNMENT_FIELDS)
    Event.objects.bulk_create(events)


def _lease_event(kind: str, row: Assignment) -> Event:
    data = {"assignment": row.pk, "epoch": row.epoch}
    return Event(
        kind=kind, project_id=row.project_id, dataset_id=row.microtask.dataset_id, annotator_id=row.annotator_id,
        microtask_id=row.microtask_id, data=data,
    )  # fmt: skip


def lease_length(kind: str) -> timedelta:
    return timedelta(seconds=RoutingPolicy().lease_s[kind])


def resume(person: User, session: str, *, now: datetime, most: int) -> list[Assignment]:
    """The offers that this person's last, closed socket left behind: they move to the new socket with their leases."""
    orphaned = locked(
        Assignment.objects.filter(
            state=State.LEASED, annotator=person, session="", lease_expires_at__gt=now
        ).order_by("pk")[:most]
    )
    rows = list(orphaned.select_related("microtask"))
    for row in rows:
        row.session = session
        row.lease_expires_at = now + lease_length(row.microtask.kind)
    Assignment.objects.bulk_update(rows, ["session", "lease_expires_at"])
    return rows


def leave(sessions: Sequence[str], *, now: datetime) -> None:
    """Closed sockets: their offers wait a moment for the person to come back, then return to the queue."""
    Assignment.objects.filter(state=State.LEASED, session__in=sessions).exclude(session="").update(
        session="", lease_expires_at=now + GRACE
    )


def extend(person: User, assignment: int, token: str, *, now: datetime) -> bool:
    """Prolong a lease that is still held."""
    row = (
        Assignment.objects.select_related("microtask")
        .filter(pk=assignment, state=State.LEASED, annotator=person, lease=token)
        .first()
    )
    if row is None:
        return False
    until = now + lease_length(row.microtask.kind)
    return (
        Assignment.objects.filter(pk=row.pk, state=State.LEASED, lease=token).update(lease_expires_at=until)
        == 1
    )


def release(person: User, assignment: int, token: str) -> bool:
    """Give an assignment back unanswered."""
    held = Assignment.objects.filter(pk=assignment, state=State.LEASED, annotator=person, lease=token)
    return _free(held) == 1


def reap_expired(*, now: datetime) -> int:
    """Return every assignment whose lease has run out to the queue; returns how many."""
    return _free(Assignment.objects.filter(state=State.LEASED, lease_expires_at__lt=now))


def _free(held: Any) -> int:
    rows = list(held.select_related("microtask")[:500])
    events = []
    freed = 0
    for row in rows:
        changed = Assignment.objects.filter(pk=row.pk, state=State.LEASED, epoch=row.epoch, lease_expires_at=row.lease_expires_at).update(
            state=State.OPEN if row.microtask.state == Microtask.State.OPEN else State.WITHDRAWN,
            annotator=None, lease="", session="", lease_expires_at=None,
        )  # fmt: skip
        if changed:  # Otherwise it was answered, extended or taken first.
            freed += 1
            events.append(_lease_event("lease_ended", row))
    Event.objects.bulk_create(events)
    return freed


def store_blind(person: User, assignment: int, token: str, blind: dict[str, Any]) -> Assignment | None:
    """Keep an adjudicator's blind answer; only the first counts."""
    Assignment.objects.filter(
        pk=assignment, state=State.LEASED, annotator=person, lease=token, blind__isnull=True
    ).update(blind=blind)
    return (
        Assignment.objects.select_related("microtask__object")
        .filter(pk=assignment, annotator=person, lease=token)
        .first()
    )
