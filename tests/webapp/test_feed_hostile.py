"""Clients that mean harm, over a real websocket: refused with a code, slowed down or shut out, and nobody else notices."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest
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
        async with asyncio.timeout(60):
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
