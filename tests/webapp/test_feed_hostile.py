"""Clients that mean harm, over a real websocket: refused with a code, slowed down or shut out, and nobody else notices."""

import asyncio
import json
import urllib.error
import urllib.request
import uuid
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from typing import Any

import pytest
from django.conf import settings
from websockets.exceptions import ConnectionClosed

from webapp.devtools import stock
from webapp.devtools.feedclient import Tab, answer_to
from webapp.devtools.webprocess import WebProcess, get
from webapp.labeling import leases
from webapp.labeling.models import Answer, Assignment
from webapp.people.models import Organisation, User

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def shop(settled: None) -> stock.Stock:
    """Three people and forty open tasks."""
    return stock.open_shop(hands=3, lanes=1, tasks=40)


@pytest.fixture
def tab(web: WebProcess, shop: stock.Stock) -> Callable[[int], Tab]:
    return lambda who: Tab(web.base, shop.tokens[who])


def play(scenario: Awaitable[Any]) -> Any:
    async def bounded() -> Any:
        async with asyncio.timeout(100):
            return await scenario

    return asyncio.run(bounded())


async def closing_code(tab: Tab) -> int | None:
    """The code with which the server closes the socket."""
    with pytest.raises(ConnectionClosed) as closed:
        await tab.wait("never", timeout=30)
    return closed.value.rcvd.code if closed.value.rcvd else None


class TestFloods:
    def test_one_that_goes_on_is_shut_out_while_others_keep_their_pace(
        self, tab: Callable[[int], Tab]
    ) -> None:
        async def cycles(mine: Tab, count: int) -> float:
            loop = asyncio.get_running_loop()
            times = []
            for _ in range(count):
                await mine.ready(1)
                offer = next(iter(mine.offers.values()), None) or await mine.wait("offer")
                start = loop.time()
                assert (await mine.submit(offer))["status"] == "accepted"
                times.append(loop.time() - start)
            return sorted(times)[count // 2]

        async def flood(bad: Tab) -> int | None:
            closing = asyncio.create_task(closing_code(bad))
            try:
                while not closing.done():
                    for _ in range(50):
                        await bad.send({"type": "ping"})
                    await asyncio.sleep(0)
            except ConnectionClosed:
                pass
            return await closing

        async def scenario() -> tuple[float, float, int | None]:
            async with tab(0) as bad, tab(1) as good:
                alone = await cycles(good, 8)
                flooding = asyncio.create_task(flood(bad))
                beside = await cycles(good, 8)
                return alone, beside, await flooding

        alone, beside, code = play(scenario())
        assert code == 4429
        assert beside < 10 * alone + 1.0

    def test_frames_that_are_too_large_three_times_shut_the_socket(self, tab: Callable[[int], Tab]) -> None:
        async def scenario() -> int | None:
            async with tab(0) as bad:
                for _ in range(3):
                    await bad.send_raw('{"type": "ping", "x": "' + "x" * 300_000 + '"}')
                return await closing_code(bad)

        assert play(scenario()) == 4400

    def test_a_frame_of_many_megabytes_is_not_even_read(self, tab: Callable[[int], Tab]) -> None:
        async def scenario() -> tuple[int | None, str]:
            async with tab(0) as bad, tab(1) as good:
                with suppress(ConnectionClosed):
                    await bad.send_raw("x" * 20_000_000)
                code = await closing_code(bad)
                return code, str((await good.submit(await good.offer()))["status"])

        code, status = play(scenario())
        assert code == 1009
        assert status == "accepted"


class TestTabs:
    def test_beyond_the_limit_cost_the_oldest_one_and_nobody_else(self, tab: Callable[[int], Tab]) -> None:
        """What the oldest held goes to the newest, as after a reload."""

        async def scenario() -> tuple[int | None, list[int], list[str]]:
            async with AsyncExitStack() as opened, tab(1) as other:
                tabs = [await opened.enter_async_context(tab(0)) for _ in range(settings.FEED_TABS)]
                held = await tabs[0].offer()
                newest = await opened.enter_async_context(tab(0))
                code = await closing_code(tabs[0])
                again = await newest.offer()
                acks = [await newest.submit(again), await other.submit(await other.offer())]
                for still_open in tabs[1:]:
                    await still_open.send({"type": "ping"})
                    await still_open.wait("pong")
                return code, [held["assignment"], again["assignment"]], [ack["status"] for ack in acks]

        code, tasks, statuses = play(scenario())
        assert code == 4409
        assert tasks[0] == tasks[1]
        assert statuses == ["accepted", "accepted"]

    def test_that_closed_count_no_longer(self, tab: Callable[[int], Tab]) -> None:
        async def scenario() -> dict[str, Any]:
            async with tab(0) as first:
                for _ in range(settings.FEED_TABS + 2):
                    async with tab(0):
                        pass
                await first.send({"type": "ping"})
                return await first.wait("pong")

        assert play(scenario())["type"] == "pong"

    def test_that_never_say_hello_count_too(
        self, tab: Callable[[int], Tab], web: WebProcess, shop: stock.Stock
    ) -> None:
        async def scenario() -> int | None:
            async with AsyncExitStack() as opened:
                silent = Tab(web.base, shop.tokens[0], hello=False)
                await opened.enter_async_context(silent)
                for _ in range(settings.FEED_TABS):
                    await opened.enter_async_context(Tab(web.base, shop.tokens[0], hello=False))
                return await closing_code(silent)

        assert play(scenario()) == 4409


class TestScriptsThatAskTooOften:
    def test_are_told_when_to_come_again_while_others_are_served(
        self, strict_web: WebProcess, shop: stock.Stock
    ) -> None:
        def ask(who: int) -> tuple[int, dict[str, Any], str | None]:
            request = urllib.request.Request(
                f"{strict_web.base}/api/v1/feed/next", b"{}",
                {"Authorization": f"Token {shop.tokens[who]}", "Content-Type": "application/json"},
            )  # fmt: skip
            try:
                with urllib.request.urlopen(request, timeout=30) as answer:
                    return answer.status, json.loads(answer.read()), None
            except urllib.error.HTTPError as refused:
                return refused.code, json.loads(refused.read()), refused.headers["Retry-After"]

        greedy = [ask(0) for _ in range(8)]
        modest = ask(1)

        assert [status for status, *_ in greedy] == [200] * 6 + [429] * 2
        assert greedy[-1][1]["code"] == "rate_limited"
        assert int(greedy[-1][2] or 0) > 0
        assert (modest[0], modest[1]["type"]) == (200, "offer")
        _, page = get(f"{strict_web.base}/metrics")
        assert 'tessera_feed_refused_total{code="rate_limited"} 2.0' in page.decode()


class TestForgery:
    def test_tokens_that_were_never_given_are_refused(
        self, tab: Callable[[int], Tab], shop: stock.Stock
    ) -> None:
        """Of a later hold, of another task, of another person, with one bit changed, with none at all."""
        stranger = User.objects.get(auth_token__key=shop.tokens[1]).pk

        async def scenario() -> list[dict[str, Any]]:
            async with tab(0) as mine:
                offer, other = await mine.offer(2), await mine.wait("offer")
                lease, assignment = offer["lease"], offer["assignment"]
                forged = [
                    f"2{lease[1:]}", other["lease"], leases.token(assignment, stranger, 1),
                    lease[:-1] + ("0" if lease[-1] != "0" else "1"), "", "1.", "١" + lease[1:], "9" * 60,
                ]  # fmt: skip
                return [await mine.submit(offer, lease=token) for token in forged]

        replies = play(scenario())
        assert {reply["type"] for reply in replies} == {"error"}
        expected = [*["bad_lease"] * 4, "malformed", *["bad_lease"] * 3]  # a token is never empty
        assert [reply["code"] for reply in replies] == expected
        assert Answer.objects.count() == 0

    def test_a_lease_that_was_used_buys_no_second_answer(self, tab: Callable[[int], Tab]) -> None:
        async def scenario() -> list[dict[str, Any]]:
            async with tab(0) as mine:
                offer = await mine.offer()
                await mine.submit(offer)
                await mine.ready(0)
                again = [{**answer_to(offer), "id": str(uuid.uuid4())} for _ in range(3)]
                for message in again:
                    await mine.send(message)
                return [await mine.wait("ack", "error") for _ in again]

        replies = play(scenario())
        assert not [r for r in replies if r.get("status") == "accepted"]
        assert Answer.objects.filter(late=False).count() == 1

    def test_another_organisations_task_can_neither_be_answered_nor_asked_about(
        self, web: WebProcess, shop: stock.Stock, evil: Organisation
    ) -> None:
        (token,) = stock.hire(evil, 1, prefix="evil")
        thief = User.objects.get(auth_token__key=token)
        target = Assignment.objects.filter(state="open").first()
        assert target is not None

        async def scenario() -> list[dict[str, Any]]:
            async with Tab(web.base, token) as theirs:
                fake = {
                    "assignment": target.pk,
                    "lease": "1.0123456789abcdef01234567",
                    "task": {"kind": "verify_box"},
                }
                replies = [await theirs.submit(fake)]
                for kind in ("extend", "release", "explain", "reveal"):
                    await theirs.send(
                        {"type": kind, "assignment": target.pk, "lease": fake["lease"], "blind": {}}
                    )
                    replies.append(await theirs.wait("error", "explanation", "case"))
                return replies

        replies = play(scenario())
        assert {reply["type"] for reply in replies} == {"error"}
        assert {reply["code"] for reply in replies} <= {"bad_lease", "not_your_assignment"}
        target.refresh_from_db()
        assert (target.state, target.annotator_id) == ("open", None)
        assert not Answer.objects.filter(annotator=thief).exists()

    def test_what_was_refused_is_counted_by_code(self, web: WebProcess, tab: Callable[[int], Tab]) -> None:
        async def scenario() -> str:
            async with tab(0) as bad:
                await bad.send_raw("{")
                await bad.wait("error")
                return str((await asyncio.to_thread(get, f"{web.base}/metrics"))[1].decode())

        assert 'tessera_feed_refused_total{code="malformed"}' in play(scenario())
