"""Two real web processes on one PostgreSQL and one Redis: nothing held twice, work heard of at once, death and departure."""

import asyncio
import signal
import threading
import time
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.db import connection, transaction
from django.utils import timezone
from websockets.exceptions import ConnectionClosed

from routing.assignment import Waiting
from webapp.demo.audit import double_leases, over_overlap
from webapp.devtools import stock
from webapp.devtools.feedclient import Tab, answer_to
from webapp.devtools.webprocess import WebProcess, get
from webapp.feed.idlers import FEW
from webapp.labeling import holding, janitors, operations
from webapp.labeling.holding import Desk
from webapp.labeling.models import Answer, Assignment, Event
from webapp.labeling.operations import Ack, Submission
from webapp.labeling.windows import Share, Windows
from webapp.people.models import User

pytestmark = pytest.mark.django_db(transaction=True)

Check = Callable[[str, dict[str, Any]], None]
WOKEN = 'tessera_feed_tried_total{why="work"}'


@pytest.fixture
def shop(settled: None) -> stock.Stock:
    return stock.open_shop(hands=24, lanes=2, tasks=120)


def play(scenario: Awaitable[Any]) -> Any:
    async def bounded() -> Any:
        async with asyncio.timeout(100):
            return await scenario

    return asyncio.run(bounded())


def in_threads(*functions: Callable[[], Any]) -> list[Any]:
    """Run all at once, each with a connection of its own; what they return, or the first error."""
    results: list[Any] = [None] * len(functions)
    together = threading.Barrier(len(functions))

    def run(index: int) -> None:
        try:
            together.wait()
            results[index] = functions[index]()
        except BaseException as error:
            results[index] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(index,)) for index in range(len(functions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results


def desks(people: list[User], want: int = 1) -> list[Desk]:
    return [Desk(p, f"s{p.pk}", Waiting(p.pk, p.tier, frozenset(["aerial"]), want=want)) for p in people]


def take(people: list[User], windows: Windows, *, seed: int = 0, want: int = 1) -> list[holding.Hold]:
    with transaction.atomic():
        taken = holding.take(
            desks(people, want), windows, now=timezone.now(), rng=np.random.default_rng(seed)
        )
    return [hold for holds in taken.offers.values() for hold in holds]


class TestTwoMatchersAtOnce:
    @pytest.mark.parametrize("apart", [True, False], ids=["in their own shares", "in the same share"])
    def test_never_lease_one_assignment_twice(self, shop: stock.Stock, apart: bool) -> None:
        people = list(User.objects.filter(username__startswith="hand").order_by("pk"))

        def matcher(index: int) -> Callable[[], list[holding.Hold]]:
            windows = Windows()
            windows.share = Share(index, 2) if apart else Share()
            mine = people[index::2]
            return lambda: [hold for n in range(4) for hold in take(mine, windows, seed=n)]

        first, second = in_threads(matcher(0), matcher(1))

        held = Counter(hold.assignment for hold in [*first, *second])
        assert max(held.values()) == 1
        assert len(held) >= 24
        leased = Assignment.objects.filter(state="leased")
        assert set(leased.values_list("pk", flat=True)) == set(held)
        assert set(leased.values_list("epoch", flat=True)) == {1}
        assert double_leases() == 0

    def test_two_matchers_share_the_last_tasks_without_waiting_for_each_other(self, settled: None) -> None:
        stock.open_shop(hands=8, lanes=1, tasks=4)
        people = list(User.objects.filter(username__startswith="hand").order_by("pk"))

        def matcher(index: int) -> Callable[[], list[holding.Hold]]:
            windows = Windows()
            windows.share = Share(index, 2)
            return lambda: [
                hold for n in range(3) for hold in take(people[4 * index : 4 * index + 4], windows, seed=n)
            ]

        held = [hold.assignment for holds in in_threads(matcher(0), matcher(1)) for hold in holds]
        assert sorted(held) == sorted(set(held))
        assert len(held) == 4

    def test_a_window_that_is_read_again_within_a_round_brings_nothing_back(self, settled: None) -> None:
        stock.open_shop(hands=120, lanes=1, tasks=150)
        people = list(User.objects.filter(username__startswith="hand").order_by("pk"))

        held = Counter(hold.assignment for hold in take(people, Windows()))

        assert len(held) == 120
        assert max(held.values()) == 1

    def test_a_person_in_two_processes_never_holds_two_assignments_of_one_question(
        self, settled: None
    ) -> None:
        stock.open_shop(hands=1, lanes=1, tasks=1)
        row = Assignment.objects.get()
        Assignment.objects.create(microtask=row.microtask, project=row.project, lane=row.lane, rank=row.rank)
        (person,) = User.objects.filter(username__startswith="hand")
        first = take([person], Windows(), want=2)
        again = take([person], Windows(), want=2)

        assert len(first) == 1
        assert again == []


class TestAnsweringAtOnce:
    def test_the_same_answer_in_two_processes_counts_once(self, shop: stock.Stock) -> None:
        person = User.objects.get(username="hand0")
        (hold,) = take([person], Windows())
        given = submission(hold)

        def send() -> str:
            with transaction.atomic():
                (reply,) = operations.submit_answers([given], now=timezone.now())
            assert isinstance(reply, Ack)
            return reply.status

        def patient() -> str:
            try:
                return send()
            except Exception:  # the unique key stopped the second: the feed sends it again
                return send()

        assert sorted(in_threads(patient, patient)) == ["accepted", "duplicate"]
        assert Answer.objects.count() == 1

    def test_an_answer_and_the_reaper_at_once_leave_one_counted_answer(self, shop: stock.Stock) -> None:
        people = list(User.objects.filter(username__startswith="hand"))
        holds = take(people, Windows())
        later = timezone.now() + timedelta(hours=1)

        def answer() -> list[str]:
            with transaction.atomic():
                replies = operations.submit_answers([submission(h) for h in holds], now=later)
            return [r.status for r in replies if isinstance(r, Ack)]

        statuses, _ = in_threads(answer, lambda: janitors.reap_expired_leases(later))

        assert statuses == ["accepted"] * len(holds)  # Nobody else took them, so they count either way.
        janitors.reap_expired_leases(later)
        assert not Assignment.objects.filter(state="leased").exists()
        assert over_overlap() == 0

    def test_batches_that_touch_the_same_rows_in_any_order_do_not_deadlock(self, shop: stock.Stock) -> None:
        people = list(User.objects.filter(username__startswith="hand").order_by("pk"))
        holds = take(people, Windows(), want=4)
        halves = [holds[::2], holds[1::2][::-1]]

        def answer(mine: list[holding.Hold]) -> Callable[[], int]:
            def run() -> int:
                done = 0
                for start in range(0, len(mine), 12):
                    with transaction.atomic():
                        batch = [submission(h) for h in mine[start : start + 12]]
                        done += sum(
                            isinstance(r, Ack) for r in operations.submit_answers(batch, now=timezone.now())
                        )
                return done

            return run

        assert sum(in_threads(*(answer(half) for half in halves))) == len(holds)
        assert Answer.objects.filter(late=False).count() == len(holds)
        assert over_overlap() == 0


def counted(what: str, *processes: WebProcess) -> float:
    """Sum of a figure over the pages of metrics of these processes."""
    pages = [get(f"{process.base}/metrics")[1].decode() for process in processes]
    lines = [line for page in pages for line in page.splitlines() if line.startswith(what)]
    return sum(float(line.split()[-1]) for line in lines)


class TestTwoWebProcesses:
    def test_give_everybody_other_tasks_and_lose_nothing(
        self, web: WebProcess, other_web: WebProcess, shop: stock.Stock, check_message: Check
    ) -> None:
        async def work(index: int, token: str) -> Tab:
            base = (web, other_web)[index % 2].base
            async with Tab(base, token, check=check_message) as tab:
                offer = await tab.offer()
                for _ in range(4):
                    await tab.submit(offer)
                    offer = await tab.wait("offer", "idle", timeout=20)
                    if offer["type"] == "idle":
                        break
                return tab

        async def scenario() -> list[Tab]:
            return list(await asyncio.gather(*(work(i, t) for i, t in enumerate(shop.tokens))))

        tabs = play(scenario())
        told = {answer: status for tab in tabs for answer, status in tab.acknowledged.items()}
        kept = {str(a.pk): a.late for a in Answer.objects.all()}
        assert set(told) <= set(kept)
        assert set(told.values()) == {"accepted"}
        assert len(told) >= 80
        assert double_leases() == 0
        assert over_overlap() == 0

    def test_a_second_tab_in_the_other_process_gets_other_tasks(
        self, web: WebProcess, other_web: WebProcess, shop: stock.Stock
    ) -> None:
        async def scenario() -> list[set[int]]:
            async with Tab(web.base, shop.tokens[0]) as one, Tab(other_web.base, shop.tokens[0]) as two:
                await asyncio.gather(one.ready(4), two.ready(4))
                return [{m["task"]["object"]["id"] for m in await tab.hear(4)} for tab in (one, two)]

        first, second = play(scenario())
        assert len(first) == len(second) == 4
        assert not first & second

    def test_an_idle_annotator_of_one_hears_at_once_of_work_that_the_other_returns(
        self, web: WebProcess, other_web: WebProcess, settled: None
    ) -> None:
        shop = stock.open_shop(hands=2, lanes=1, tasks=1)

        async def scenario() -> float:
            async with Tab(web.base, shop.tokens[0]) as one, Tab(other_web.base, shop.tokens[1]) as two:
                giver, taker = one, two
                offer = await giver.offer()
                before = counted(WOKEN, web, other_web)
                for _ in range(5):
                    await giver.ready(0)
                    await taker.ready(1)
                    await taker.wait("idle")
                    await giver.send(
                        {"type": "release", "assignment": offer["assignment"], "lease": offer["lease"]}
                    )
                    offer = await taker.wait("offer")
                    giver, taker = taker, giver
                return counted(WOKEN, web, other_web) - before

        # A process that only looked now and then would try nobody because of work; a look may come first, but seldom.
        assert play(scenario()) >= 3

    def test_one_new_task_wakes_a_few_of_the_idle_and_is_offered_once(
        self, web: WebProcess, other_web: WebProcess, settled: None
    ) -> None:
        shop = stock.open_shop(hands=160, lanes=1, tasks=1)
        pair, releases = (web, other_web), 3

        async def taken(tabs: list[Tab]) -> tuple[Tab, dict[str, Any]]:
            """Who gets the task, and the offer."""
            hearing = {asyncio.create_task(tab.wait("offer", timeout=30)): tab for tab in tabs}
            done, rest = await asyncio.wait(hearing, return_when=asyncio.FIRST_COMPLETED)
            for waiting in rest:
                waiting.cancel()
            await asyncio.gather(*rest, return_exceptions=True)
            (first,) = done
            return hearing[first], first.result()

        async def scenario() -> tuple[float, float]:
            async with AsyncExitStack() as opened:
                tabs = [
                    await opened.enter_async_context(Tab(pair[n % 2].base, token))
                    for n, token in enumerate(shop.tokens)
                ]
                giver, *others = tabs
                offer = await giver.offer()
                for tab in others:
                    await tab.ready(1)
                    await tab.wait("idle")
                before = counted(WOKEN, *pair), counted("tessera_feed_offers_total", *pair)
                for _ in range(releases):
                    await giver.ready(0)
                    lease = {"assignment": offer["assignment"], "lease": offer["lease"]}
                    await giver.send({"type": "release", **lease})
                    giver, offer = await taken(others)
                    others.remove(giver)
                await asyncio.sleep(0.2)  # Whoever was woken in vain has been counted by then.
                after = counted(WOKEN, *pair), counted("tessera_feed_offers_total", *pair)
                return after[0] - before[0], after[1] - before[1]

        woken, offers = play(scenario())
        assert offers == releases
        assert 1 <= woken <= releases * len(pair) * FEW < releases * (len(shop.tokens) - releases)

    def test_a_killed_process_holds_nothing_longer_than_the_time_to_come_back(
        self, web: WebProcess, shop: stock.Stock
    ) -> None:
        with WebProcess(*web.servers, **web.extra) as doomed:

            async def hold() -> dict[str, Any]:
                tab = Tab(doomed.base, shop.tokens[0])
                await tab.connect()
                offer = await tab.offer()
                doomed.kill()
                return offer

            offer = play(hold())
        row = Assignment.objects.get(pk=offer["assignment"])
        assert row.state == "leased"
        assert row.session

        returned = 0
        deadline = time.monotonic() + 20  # PostgreSQL needs a moment to see that its client is gone
        while not returned and time.monotonic() < deadline:
            returned = janitors.return_what_the_dead_hold(timezone.now())
            time.sleep(0.05)
        assert returned == 1

        row.refresh_from_db()
        assert row.session == ""
        assert row.lease_expires_at is not None
        assert row.lease_expires_at < timezone.now() + timedelta(seconds=31)

        async def come_back() -> dict[str, Any]:
            async with Tab(web.base, shop.tokens[0]) as tab:
                again = await tab.offer()
                assert (await tab.submit(again))["status"] == "accepted"
                return again

        assert play(come_back())["lease"] == offer["lease"]

    def test_an_answer_that_was_sent_to_a_killed_process_is_taken_by_another(
        self, web: WebProcess, shop: stock.Stock
    ) -> None:
        with WebProcess(*web.servers, **web.extra) as doomed:

            async def scenario() -> str:
                tab = Tab(doomed.base, shop.tokens[0])
                await tab.connect()
                message = answer_to(await tab.offer())
                doomed.kill()
                async with Tab(web.base, shop.tokens[0]) as again:
                    await again.send(message)
                    return str((await again.wait("ack"))["status"])

            assert play(scenario()) == "accepted"


class TestLeavingInGoodOrder:
    def test_sigterm_drains_what_is_on_the_screen_before_the_sockets_close(
        self, web: WebProcess, shop: stock.Stock, check_message: Check
    ) -> None:
        with WebProcess(*web.servers, **web.extra, TESSERA_DRAIN_S="5") as leaving:

            async def scenario() -> dict[str, Any]:
                async with Tab(leaving.base, shop.tokens[0], check=check_message) as tab:
                    offer = await tab.offer()
                    assert get(f"{leaving.base}/readyz")[0] == 200
                    leaving.send_signal(signal.SIGTERM)
                    drain = await tab.wait("drain")
                    assert get(f"{leaving.base}/readyz")[0] == 503
                    reply = await tab.submit(offer)
                    assert reply["status"] == "accepted"
                    with pytest.raises(
                        ConnectionClosed
                    ):  # Everything is done: it goes, without a further offer.
                        await tab.wait("offer")
                    return drain

            drain = play(scenario())
            leaving.wait(15)
        assert drain["reconnect_s"] > 0
        assert Answer.objects.count() == 1

    def test_metrics_count_sockets_and_answers(self, web: WebProcess, shop: stock.Stock) -> None:
        async def scenario() -> str:
            async with Tab(web.base, shop.tokens[0]) as tab:
                await tab.submit(await tab.offer())
                status, body = await asyncio.to_thread(get, f"{web.base}/metrics")
                assert status == 200
                return str(body.decode())

        text = play(scenario())
        assert "tessera_feed_sockets 1.0" in text
        assert 'tessera_feed_answers_total{status="accepted"}' in text

    def test_metrics_are_not_for_strangers(self, web: WebProcess, shop: stock.Stock) -> None:
        headers = {"X-Forwarded-For": "203.0.113.9"}
        assert get(f"{web.base}/metrics", **headers)[0] == 403
        assert get(f"{web.base}/healthz")[0] == 200


class TestLog:
    def test_every_hold_and_its_end_are_in_the_event_log(self, shop: stock.Stock) -> None:
        person = User.objects.get(username="hand0")
        (hold,) = take([person], Windows())
        with transaction.atomic():
            assert operations.release(person, hold.assignment, hold.lease)

        kinds = (
            Event.objects.filter(data__assignment=hold.assignment)
            .order_by("pk")
            .values_list("kind", flat=True)
        )
        assert list(kinds) == ["leased", "lease_ended"]


def submission(hold: holding.Hold) -> Submission:
    return Submission(
        annotator=hold.person, id=str(uuid.uuid4()), assignment=hold.assignment, lease=hold.lease, outcome="answered",
        value={"verdict": "ok"}, telemetry={"active_ms": 2000},
    )  # fmt: skip
