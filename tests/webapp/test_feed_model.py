"""A model of the feed beside the real one: hypothesis drives lease, answer, expiry, release, adjudication and the death of
processes in any order against PostgreSQL, and after every step the rows must agree with a few lines of Python.

Held: invariants 2 (one row per wanted answer, nobody answers twice), 3 (a resend is recognised, a late answer kept), 4 (the
decision commits with the answer) and 6 (nobody judges their own work or a case they answered) of the architecture.
"""

import uuid
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from django.db import connection, transaction
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from routing.assignment import Waiting
from webapp.demo.audit import double_leases, over_overlap
from webapp.devtools import stock
from webapp.devtools.feedclient import plausible
from webapp.labeling import holding, operations
from webapp.labeling.holding import Desk, Hold
from webapp.labeling.models import Answer, Assignment, Microtask, SceneObject, Tally
from webapp.labeling.operations import Ack, Submission
from webapp.labeling.shelf import Shelf
from webapp.labeling.windows import Share, Windows
from webapp.people.models import User

PEOPLE = 6  # the last is a specialist
WHO = st.integers(0, PEOPLE - 1)
VERDICTS = st.sampled_from(["ok", "geometry", "not_object"])


class Feed(RuleBasedStateMachine):
    """Two processes (windows and shelves of their own) serve six people over five objects."""

    def __init__(self) -> None:
        super().__init__()
        self.block = transaction.atomic()  # Rolled back in the end: the next run finds an empty database.
        self.block.__enter__()
        shop = stock.open_shop(hands=PEOPLE - 1, lanes=1, tasks=5)
        stock.hire(shop.organisation, 1, prefix="judge", tier="specialist")
        self.people = list(User.objects.filter(organisation=shop.organisation).order_by("pk"))
        self.processes = [(Windows(shelf), shelf) for shelf in (Shelf(), Shelf())]
        for index, (windows, _) in enumerate(self.processes):
            windows.share = Share(index, 2)
        self.now: datetime = timezone.now()
        self.holds: list[Hold] = []  # every lease ever given
        self.told: dict[str, tuple[Submission, str]] = {}  # what was acknowledged: the clients' journal
        self.seed = 0

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.block.__exit__(None, None, None)

    @initialize()
    def somebody_begins(self) -> None:
        self.lease(who=0, process=0, want=1)

    @rule(who=WHO, process=st.integers(0, 1), want=st.integers(1, 3))
    def lease(self, who: int, process: int, want: int) -> None:
        person, (windows, _) = self.people[who], self.processes[process]
        windows.news.append(None)
        waiting = Waiting(person.pk, person.tier, frozenset(["aerial"]), want=want)
        self.seed += 1
        rng = np.random.default_rng(self.seed)
        taken = holding.take([Desk(person, f"s{person.pk}", waiting)], windows, now=self.now, rng=rng)
        for hold in taken.offers.get(person.pk, []):
            task = Microtask.objects.get(pk=hold.question.id)
            assert person.pk not in task.excluded
            assert task.state == "open"
            if task.object_id:
                assert person.pk not in SceneObject.objects.get(pk=task.object_id).touched
            self.holds.append(hold)

    @precondition(lambda self: self.holds)
    @rule(
        data=st.data(),
        process=st.integers(0, 1),
        verdict=VERDICTS,
        outcome=st.sampled_from(["answered"] * 5 + ["unsure", "skip"]),
    )
    def answer(self, data: st.DataObject, process: int, verdict: str, outcome: str) -> None:
        """Answer any lease ever given, live, expired or long gone."""
        hold = data.draw(st.sampled_from(self.holds))
        value: Any = None
        if outcome == "answered":
            value = plausible(hold.question.payload, 0)
            if hold.question.kind == "verify_box":
                value = {"verdict": verdict}
        before = Assignment.objects.get(pk=hold.assignment)
        task = Microtask.objects.get(pk=hold.question.id)
        twice = Answer.objects.filter(microtask=task, annotator=hold.person, late=False).exists()
        free = before.state == "open" and hold.person.pk not in task.excluded and not twice and not (
            Assignment.objects.filter(microtask=task, annotator=hold.person).exclude(pk=before.pk).exists()
        )  # fmt: skip
        mine = before.state == "leased" and before.lease == hold.lease
        expected = "accepted" if task.state == "open" and (mine or free) else "late"
        given = Submission(
            annotator=hold.person, id=str(uuid.uuid4()), assignment=hold.assignment, lease=hold.lease, outcome=outcome,
            value=value, telemetry={"active_ms": 1000},
        )  # fmt: skip
        assert self.submit(given, process) == expected
        if expected == "accepted":
            after = Assignment.objects.get(pk=hold.assignment)
            assert (after.state, after.annotator_id) == ("answered", hold.person.pk)
            self.decided(task.pk)

    def submit(self, given: Submission, process: int) -> str:
        (reply,) = operations.submit_answers([given], now=self.now, shelf=self.processes[process][1])
        assert isinstance(reply, Ack), reply
        if given.id not in self.told:
            self.told[given.id] = (given, reply.status)
        return reply.status

    def decided(self, task: int) -> None:
        """Invariant 4: with an answer, its question is settled or asked once more, never left hanging."""
        row = Microtask.objects.get(pk=task)
        asked = Assignment.objects.filter(microtask=task, state__in=["open", "leased"]).count()
        assert (row.state == "open") == (asked == 1), (row.state, asked)

    @precondition(lambda self: self.told)
    @rule(data=st.data(), process=st.integers(0, 1))
    def resend(self, data: st.DataObject, process: int) -> None:
        given, _ = self.told[data.draw(st.sampled_from(sorted(self.told)))]
        assert self.submit(given, process) == "duplicate"

    @precondition(lambda self: self.holds)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        hold = data.draw(st.sampled_from(self.holds))
        row = Assignment.objects.get(pk=hold.assignment)
        held = row.state == "leased" and row.lease == hold.lease
        assert operations.release(hold.person, hold.assignment, hold.lease) == held

    @precondition(lambda self: self.holds)
    @rule(data=st.data())
    def extend(self, data: st.DataObject) -> None:
        hold = data.draw(st.sampled_from(self.holds))
        row = Assignment.objects.get(pk=hold.assignment)
        held = row.state == "leased" and row.lease == hold.lease
        assert bool(operations.extend(hold.person, hold.assignment, hold.lease, now=self.now)) == held

    @rule(minutes=st.integers(1, 20))
    def time_passes_and_the_janitor_comes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)
        expired = Assignment.objects.filter(state="leased", lease_expires_at__lt=self.now).count()
        assert operations.reap_expired(now=self.now) == expired

    @rule(process=st.integers(0, 1))
    def a_process_dies(self, process: int) -> None:
        """What it had in memory is gone; nothing else is."""
        shelf = Shelf()
        windows = Windows(shelf)
        windows.share = Share(process, 2)
        self.processes[process] = (windows, shelf)

    @invariant()
    def the_rows_agree_with_the_clients_journal(self) -> None:
        kept = {str(a.pk): a for a in Answer.objects.all()}
        assert kept.keys() == self.told.keys()
        counted = 0
        for key, (given, status) in self.told.items():
            assert kept[key].late == (status == "late")
            assert kept[key].annotator_id == given.annotator.pk
            counted += status == "accepted"
        assert Assignment.objects.filter(state="answered").count() == counted
        assert sum(Tally.objects.values_list("answers", flat=True)) == len(self.told)

    @invariant()
    def nobody_answers_twice_and_nothing_is_bought_beyond_what_was_wanted(self) -> None:
        assert over_overlap() == 0
        assert double_leases() == 0
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM (SELECT 1 FROM labeling_answer WHERE NOT late GROUP BY microtask_id, annotator_id"
                " HAVING count(*) > 1) twice"
            )
            assert cursor.fetchone()[0] == 0

    @invariant()
    def an_open_question_wants_exactly_one_more_answer(self) -> None:
        for task in Microtask.objects.all():
            asked = task.assignments.filter(state__in=["open", "leased"]).count()
            assert asked == (1 if task.state == "open" else 0)

    @invariant()
    def nobody_judges_what_they_touched(self) -> None:
        for row in Assignment.objects.filter(state="leased", microtask__kind="adjudicate").select_related(
            "microtask__object"
        ):
            assert row.annotator_id not in [look["annotator"] for look in row.microtask.object.evidence]


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_the_feed_agrees_with_its_model() -> None:
    run_state_machine_as_test(
        Feed,
        settings=settings(
            max_examples=20,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
        ),
    )
