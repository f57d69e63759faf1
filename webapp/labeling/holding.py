"""Who holds what: leases are taken, prolonged, given back, resumed and reaped here, each by an update that checks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import numpy as np
from django.db.models import QuerySet
from django.utils import timezone

from routing.assignment import Idle, Offer, Waiting, choose
from routing.eligibility import rank
from webapp.labeling import bulk, leases, wakeups
from webapp.labeling.book import DEFAULT_POLICY, insert_events, locked, unclaimed
from webapp.labeling.models import Assignment, Microtask
from webapp.labeling.shelf import Question
from webapp.labeling.windows import Entry, Windows
from webapp.people.models import User

State = Assignment.State

GRACE = timedelta(seconds=30)  # how long a closed socket's offers wait for the person to come back
AT_ONCE = 48  # annotators matched together: the matcher's cost per offer grows with their number
DEEP = 512  # candidates looked at for somebody whom the best of each lane do not suit
REAPED = 500  # leases ended per call, which bounds the transaction


@dataclass(frozen=True)
class Desk:
    """One annotator's wish for work: who they are, for which socket, how many more offers."""

    person: User
    session: str
    waiting: Waiting


@dataclass(frozen=True, slots=True)
class Hold:
    """One lease just taken: what the annotator is told, and the question asked."""

    assignment: int
    person: User
    lease: str
    lane: tuple[int, str]
    question: Question


@dataclass
class Taken:
    """What came of a round of leasing, by annotator. `missed`: chosen, but somebody else was faster. `paused`: idle
    because the work that would suit them lies in a project that is paused, with the reason."""

    offers: dict[int, list[Hold]] = field(default_factory=dict)
    idle: dict[int, list[str]] = field(default_factory=dict)
    paused: dict[int, str] = field(default_factory=dict)
    missed: int = 0


@dataclass
class Leased:
    """The same as rows, for scripts."""

    offers: dict[int, list[Assignment]] = field(default_factory=dict)
    idle: dict[int, list[str]] = field(default_factory=dict)


Busy = Callable[[int | None], Sequence[Waiting]]


def nobody(organisation: int | None) -> Sequence[Waiting]:
    return ()


def lease(desks: Sequence[Desk], *, now: datetime, rng: np.random.Generator, busy: Busy = nobody) -> Leased:
    """Match waiting annotators to open assignments and lease them, in the caller's transaction."""
    taken = take(desks, Windows(), now=now, rng=rng, busy=busy)
    ids = [hold.assignment for holds in taken.offers.values() for hold in holds]
    rows = Assignment.objects.select_related("microtask", "annotator", "project").in_bulk(ids)
    offers = {person: [rows[h.assignment] for h in holds] for person, holds in taken.offers.items()}
    return Leased(offers, taken.idle)


def take(
    desks: Sequence[Desk], windows: Windows, *, now: datetime, rng: np.random.Generator, busy: Busy = nobody
) -> Taken:
    """As `lease`, from windows that outlive the call. `busy`: who else works in an organisation, for whom tasks may be left
    (`routing.calling`); it is asked only when there are not enough for all."""
    result = Taken()
    windows.begin()
    by_org: dict[int | None, list[Desk]] = {}
    for desk in desks:
        by_org.setdefault(desk.person.organisation_id, []).append(desk)
    chosen: list[tuple[Desk, Entry, Offer]] = []
    for organisation, group in sorted(by_org.items(), key=lambda item: str(item[0])):
        for start in range(0, len(group), AT_ONCE):
            part = group[start : start + AT_ONCE]
            chosen += _match(organisation, part, windows, result, now, rng, busy)
    _hold(chosen, result, now)
    return result


def _match(
    organisation: int | None, group: Sequence[Desk], windows: Windows, result: Taken, now: datetime,
    rng: np.random.Generator, busy: Busy,
) -> list[tuple[Desk, Entry, Offer]]:  # fmt: skip
    """Choose for a group, and take what was chosen out of the windows."""
    wanted = 16 + 3 * sum(max(0, desk.waiting.want - desk.waiting.held) for desk in group)
    chosen, unlucky = _choose(organisation, group, windows, wanted, now, rng, busy)
    passed_over = {pk for pk, idle in unlucky.items() if not idle.spared}
    if passed_over and wanted < DEEP:  # What suits them may lie deeper than the best of each lane.
        without = [desk for desk in group if desk.person.pk in passed_over]
        more, rest = _choose(organisation, without, windows, DEEP, now, rng, busy)
        chosen += more
        unlucky = {pk: idle for pk, idle in unlucky.items() if idle.spared} | rest
    result.idle |= {pk: list(idle.reasons) for pk, idle in unlucky.items()}
    for desk in group:
        if desk.person.pk in unlucky:
            w = desk.waiting
            if reason := windows.paused_for(organisation, w.domains, rank(w.tier)):
                result.paused[desk.person.pk] = reason
    return chosen


def _choose(
    organisation: int | None, group: Sequence[Desk], windows: Windows, wanted: int, now: datetime, rng: np.random.Generator,
    busy: Busy,
) -> tuple[list[tuple[Desk, Entry, Offer]], dict[int, Idle]]:  # fmt: skip
    """One call of the matcher on about `wanted` candidates: what it chose, and who got nothing, with the reasons."""
    waiting = windows.resting.without_cases([desk.waiting for desk in group], organisation, now)
    domains = frozenset[str]().union(*(w.domains for w in waiting))
    entries = windows.candidates(organisation, domains, max(rank(w.tier) for w in waiting), wanted)
    known = {entry.candidate.assignment: entry for entry in entries}
    desk_of = {desk.person.pk: desk for desk in group}
    chosen, unlucky = [], {}
    candidates = [entry.candidate for entry in entries]
    scarce = len(candidates) <= sum(max(0, w.want - w.held) for w in waiting)
    others = busy(organisation) if scarce else ()
    for choice in choose(waiting, candidates, DEFAULT_POLICY, now=now.timestamp(), rng=rng, busy=others):
        if isinstance(choice, Idle):
            unlucky[choice.annotator] = choice
        else:
            chosen.append((desk_of[choice.annotator], known[choice.assignment], choice))
    windows.take_out([c.assignment for _, _, c in chosen], [e.lane for _, e, _ in chosen])
    return chosen, unlucky


def _hold(chosen: Sequence[tuple[Desk, Entry, Offer]], result: Taken, now: datetime) -> None:
    """Lease what was chosen and is still free: the rows are locked, and what another process has locked is passed over."""
    ids = sorted(offer.assignment for _, _, offer in chosen)
    free = {
        row[0]: row[1:]
        for row in bulk.select(
            "SELECT a.id, a.epoch, a.microtask_id, m.excluded, m.dataset_id FROM labeling_assignment a"
            " JOIN labeling_microtask m ON m.id = a.microtask_id"
            " WHERE a.id {ids} AND a.state = 'open' AND m.state = 'open' ORDER BY a.id",
            ids,
            lock="FOR NO KEY UPDATE OF a SKIP LOCKED",
        )
    }
    pairs = set(
        bulk.select(
            "SELECT microtask_id, annotator_id FROM labeling_assignment WHERE microtask_id {ids} AND annotator_id IS NOT NULL",
            sorted({row[1] for row in free.values()}),
        )
    )
    rows, events = [], []
    for desk, entry, offer in chosen:
        person, pk = desk.person.pk, offer.assignment
        row = free.pop(pk, None)
        if row is None or (row[1], person) in pairs or person in bulk.loads(row[2]):
            result.missed += 1
            continue
        pairs.add((row[1], person))
        epoch = row[0] + 1
        token = leases.token(pk, person, epoch)
        rows.append(
            [
                pk,
                State.LEASED,
                person,
                desk.session,
                epoch,
                token,
                now + lease_length(entry.question.kind),
                _why(offer, now),
            ]
        )
        events.append(
            ["leased", entry.lane[0], row[3], person, row[1], None, {"assignment": pk, "epoch": epoch}]
        )
        result.offers.setdefault(person, []).append(Hold(pk, desk.person, token, entry.lane, entry.question))
    bulk.update(Assignment, HOLD_COLUMNS, rows)
    insert_events(events, now)


HOLD_COLUMNS = ["id", "state", "annotator_id", "session", "epoch", "lease", "lease_expires_at", "offer"]


def _why(offer: Offer, now: datetime) -> dict[str, Any]:
    return {
        "score": offer.score, "terms": dict(offer.terms), "propensity": offer.propensity,
        "runner_up": dict(offer.runner_up) if offer.runner_up else None, "made_at": now.timestamp(),
    }  # fmt: skip


@cache
def lease_length(kind: str) -> timedelta:
    return timedelta(seconds=DEFAULT_POLICY.lease_s[kind])


# Keeping and giving back -------------------------------------------------------------------------------------


def with_orphans(people: Sequence[int]) -> set[int]:
    """Who of these people has offers that a closed socket left behind."""
    return {
        pk
        for (pk,) in bulk.select(
            "SELECT DISTINCT annotator_id FROM labeling_assignment WHERE annotator_id {ids} AND state = 'leased' AND session = ''",
            people,
        )
    }


def resume(person: User, session: str, *, now: datetime, most: int) -> list[Assignment]:
    """The offers that this person's closed sockets left behind: they move to the new socket with their leases."""
    orphaned = Assignment.objects.filter(
        state=State.LEASED, annotator=person, session="", lease_expires_at__gt=now
    )
    rows = list(locked(orphaned.order_by("pk")[:most]).select_related("microtask"))
    for row in rows:
        row.session = session
        row.lease_expires_at = now + lease_length(row.microtask.kind)
    bulk.update(
        Assignment,
        ["id", "session", "lease_expires_at"],
        [[r.pk, r.session, r.lease_expires_at] for r in rows],
    )
    return rows


def leave(sessions: Sequence[str], *, now: datetime) -> None:
    """Closed sockets: their offers wait a moment for the person to come back, then return to the queue."""
    held = Assignment.objects.filter(state=State.LEASED, session__in=sessions).exclude(session="")
    mine = list(locked(held.order_by("pk")).values_list("pk", flat=True))
    Assignment.objects.filter(pk__in=mine).update(session="", lease_expires_at=now + GRACE)


def extend(person: User, assignment: int, token: str, *, now: datetime) -> float:
    """Prolong a lease that is still held; returns for how many seconds, 0 when it has passed on."""
    held = Assignment.objects.filter(pk=assignment, state=State.LEASED, annotator=person, lease=token)
    kind = held.values_list("microtask__kind", flat=True).first() if token else None
    if kind is None or held.update(lease_expires_at=now + lease_length(kind)) != 1:
        return 0.0
    return lease_length(kind).total_seconds()


def release(person: User, assignment: int, token: str) -> bool:
    """Give an assignment back unanswered."""
    return _free(Assignment.objects.filter(pk=assignment, annotator=person, lease=token)) == 1


def reap_expired(*, now: datetime) -> int:
    """Return every assignment whose lease has run out to the queue; returns how many."""
    return _free(Assignment.objects.filter(lease_expires_at__lt=now))


def _free(query: QuerySet[Assignment]) -> int:
    """End the holds of a query's leased rows. Rows that are being answered or extended right now are left alone."""
    held = unclaimed(query.filter(state=State.LEASED).order_by("pk").select_related("microtask")[:REAPED])
    rows, events = [], []
    for row in held:
        state = State.OPEN if row.microtask.state == Microtask.State.OPEN else State.WITHDRAWN
        rows.append([row.pk, state, None, "", "", None])
        data = {"assignment": row.pk, "epoch": row.epoch}
        events.append(
            [
                "lease_ended",
                row.project_id,
                row.microtask.dataset_id,
                row.annotator_id,
                row.microtask_id,
                None,
                data,
            ]
        )
    bulk.update(Assignment, ["id", "state", "annotator_id", "lease", "session", "lease_expires_at"], rows)
    if events:
        insert_events(events, timezone.now())
        wakeups.announce_on_commit((row.project_id, row.lane) for row in held)
    return len(rows)


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
