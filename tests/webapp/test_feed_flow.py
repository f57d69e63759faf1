"""Who gets what, when and whether at all: pauses, shares and deadlines of projects, held-back scenes, and the log's path."""

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.db import connection, transaction
from django.utils import timezone

from routing.assignment import Waiting
from routing.flow import Reserve
from webapp.devtools import stock
from webapp.devtools.feedclient import Tab
from webapp.devtools.webprocess import WebProcess
from webapp.labeling import holding, queries
from webapp.labeling.holding import Desk
from webapp.labeling.models import AnnotatorRecord, Assignment, Tally
from webapp.labeling.shares import Shares
from webapp.labeling.windows import Windows
from webapp.people.models import User
from webapp.pipeline import claims
from webapp.pipeline.gate import Gate, HeldBack
from webapp.pipeline.models import Run
from webapp.projects.models import Project

pytestmark = pytest.mark.django_db(transaction=True)

Check = Callable[[str, dict[str, Any]], None]


def play(scenario: Awaitable[Any]) -> Any:
    async def bounded() -> Any:
        async with asyncio.timeout(100):
            return await scenario

    return asyncio.run(bounded())


async def aside(function: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
    """Call it in a thread that leaves no connection behind."""

    def call() -> None:
        try:
            function(*args, **kwargs)
        finally:
            connection.close()

    await asyncio.to_thread(call)


class TestPauses:
    def test_a_paused_project_is_named_and_work_goes_on_when_it_does(
        self, web: WebProcess, settled: None, check_message: Check
    ) -> None:
        shop = stock.open_shop(hands=1, lanes=1, tasks=1)
        Project.objects.update(paused=True)

        async def scenario() -> tuple[dict[str, Any], list[str]]:
            async with Tab(web.base, shop.tokens[0], check=check_message) as tab:
                await tab.ready(1)
                paused = await tab.wait("paused")
                await aside(Project.objects.update, paused=False)
                await tab.wait("offer", timeout=20)
                return paused, [m["type"] for m in tab.seen]

        paused, seen = play(scenario())
        assert "Lane 0" in paused["reason"]
        assert seen.index("paused") < seen.index("resumed") < seen.index("offer")
        assert seen.count("paused") == 1

    def test_a_paused_person_gets_no_offer_and_hears_why(
        self, web: WebProcess, settled: None, check_message: Check
    ) -> None:
        shop = stock.open_shop(hands=1, lanes=1, tasks=2)
        person = User.objects.get(username="hand0")

        def stand(standing: str, reason: str) -> None:
            AnnotatorRecord.objects.update_or_create(
                annotator=person, defaults={"standing": standing, "standing_reason": reason}
            )

        stand("paused", "let us talk first")

        async def scenario() -> list[dict[str, Any]]:
            async with Tab(web.base, shop.tokens[0], check=check_message) as tab:
                await tab.ready(1)
                await tab.wait("paused")
                quiet = await tab.quiet(0.5)
                assert not any(m["type"] == "offer" for m in quiet)
                await aside(stand, "ok", "")
                await tab.wait("offer", timeout=20)
                return tab.seen

        seen = play(scenario())
        assert next(m for m in seen if m["type"] == "paused")["reason"] == "let us talk first"
        assert [m["type"] for m in seen].count("resumed") == 1


def offers(windows: Windows, people: list[User], rounds: int) -> Counter[str]:
    """Projects of the offers that these people get, who give everything back answered."""
    got: Counter[str] = Counter()
    names = dict(Project.objects.values_list("pk", "name"))
    rng = np.random.default_rng(0)
    for _ in range(rounds):
        windows._lanes.clear()  # as if a second had passed
        desks = [Desk(p, f"s{p.pk}", Waiting(p.pk, p.tier, frozenset(["aerial"]), want=1)) for p in people]
        with transaction.atomic():
            taken = holding.take(desks, windows, now=timezone.now(), rng=rng)
        holds = [hold for each in taken.offers.values() for hold in each]
        got.update(names[hold.lane[0]] for hold in holds)
        Assignment.objects.filter(pk__in=[h.assignment for h in holds]).update(state="withdrawn")
    return got


class TestShares:
    def test_offers_are_shared_by_weight_and_nobody_starves(self, settled: None) -> None:
        stock.open_shop(hands=8, lanes=2, tasks=600)
        Project.objects.filter(name="Lane 0").update(priority=3.0)
        people = list(User.objects.filter(username__startswith="hand").order_by("pk"))

        got = offers(Windows(), people, 25)

        assert sum(got.values()) == 200
        assert 0.6 < got["Lane 0"] / 200 < 0.88, got

    def test_a_deadline_tomorrow_weighs_four_times_as_much(self, settled: None) -> None:
        stock.open_shop(hands=8, lanes=2, tasks=600)
        Project.objects.filter(name="Lane 1").update(deadline=timezone.now() + timedelta(days=1))
        people = list(User.objects.filter(username__startswith="hand").order_by("pk"))

        got = offers(Windows(), people, 25)

        assert 0.65 < got["Lane 1"] / 200 < 0.92, got

    def test_old_offers_are_forgotten(self) -> None:
        shares, now = Shares(), timezone.now()
        one, two = Project(pk=1, priority=1.0), Project(pk=2, priority=1.0)
        shares.revise([one, two], now)
        shares.count([1] * 400)
        shares.revise([one, two], now)
        assert shares.of(1) < -0.5 < 0.5 < shares.of(2)

        shares.revise([one, two], now + timedelta(minutes=15))

        assert abs(shares.of(1)) <= 0.25
        assert abs(shares.of(2)) <= 0.25


class TestHoldingScenesBack:
    @pytest.fixture
    def run(self, settled: None) -> Run:
        stock.open_shop(hands=1, lanes=1, tasks=12)
        if connection.vendor != "postgresql":
            pytest.skip("the stock is multiplied by PostgreSQL")
        project = Project.objects.get()
        return Run.objects.create(project=project, dataset=project.datasets.get(), kind=Run.Kind.PRELABEL)

    def test_depth_is_counted_no_further_than_asked(self, run: Run) -> None:
        assert queries.open_questions(run.project_id, at_most=5) == 5
        assert queries.open_questions(run.project_id, at_most=100) == 12

    def test_pace_comes_from_the_last_quarter_of_an_hour(self, run: Run) -> None:
        person, now = User.objects.get(username="hand0"), timezone.now()
        assert run.dataset is not None
        for minutes, answers in ((1, 30), (14, 20), (16, 1_000)):
            Tally.objects.create(
                dataset=run.dataset, kind="verify_box", annotator=person, answers=answers,
                minute=now - timedelta(minutes=minutes),
            )  # fmt: skip
        assert queries.answers_per_hour(run.project_id, now=now) == 200.0

    def test_a_gate_opens_while_people_need_work(self, run: Run) -> None:
        told: list[tuple[int, int]] = []
        Gate(run, lambda *at: told.append(at), Reserve(floor=13)).pass_()
        assert told == []

    def test_a_run_that_is_far_ahead_gives_way_to_one_that_waits(self, run: Run) -> None:
        told: list[tuple[int, int]] = []
        other = Run.objects.create(project=run.project, dataset=run.dataset, kind=Run.Kind.RETRAIN)

        with pytest.raises(HeldBack):
            Gate(run, lambda *at: told.append(at), Reserve(floor=10)).pass_()

        assert told == [(10, 10)]
        Run.objects.filter(pk=run.pk).update(heartbeat_at=timezone.now())
        claimed = claims.claim_next(timezone.now())
        assert claimed == other


class TestLogPath:
    def test_an_answer_is_followed_from_its_message_to_its_commit(
        self, web: WebProcess, settled: None
    ) -> None:
        shop = stock.open_shop(hands=1, lanes=1, tasks=2)
        with WebProcess(*web.servers, **web.extra, TESSERA_LOG="json", TESSERA_FEED_TRACE="1") as traced:

            async def scenario() -> dict[str, Any]:
                async with Tab(traced.base, shop.tokens[0]) as tab:
                    offer = await tab.offer()
                    return await tab.answer(offer) | await tab.wait("ack")

            answer = play(scenario())["id"]
            lines = [json.loads(line) for line in traced.log.splitlines() if line.startswith("{")]

        (received,) = [e for e in lines if e["message"] == "answer received" and e["answer"] == answer]
        (commit,) = [e for e in lines if e["message"] == "round committed" and answer in e["answers"]]
        (told,) = [e for e in lines if e["message"] == "answer acknowledged" and e["answer"] == answer]
        assert received["session"] == told["session"]
        assert commit["round"] == told["round"]
        assert told["status"] == "accepted"
