"""docs/feed-protocol.md over a real websocket of a real web process on PostgreSQL and Redis.

Every message in either direction is checked against docs/feed-protocol.schema.json, except what a test sends wrong on
purpose.
"""

import asyncio
import json
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from websockets.exceptions import ConnectionClosed

from routing.annotation.kinds import KINDS
from webapp.devtools import stock
from webapp.devtools.feedclient import Tab, answer_to
from webapp.devtools.webprocess import WebProcess
from webapp.labeling import leases
from webapp.labeling.janitors import reap_expired_leases
from webapp.labeling.models import Answer, Assignment, Event, Microtask, SceneObject, Tally
from webapp.people.models import Organisation, User

pytestmark = pytest.mark.django_db(transaction=True)

Check = Callable[[str, dict[str, Any]], None]


@pytest.fixture
def shop(settled: None) -> stock.Stock:
    """Three people and ten open tasks."""
    return stock.open_shop(hands=3, lanes=1, tasks=10)


@pytest.fixture
def tab(web: WebProcess, shop: stock.Stock, check_message: Check) -> Callable[..., Tab]:
    """Makes a tab of one of the three."""

    def make(who: int = 0, *, checked: bool = True, hello: bool = True) -> Tab:
        return Tab(web.base, shop.tokens[who], check=check_message if checked else None, hello=hello)

    return make


def play(scenario: Awaitable[Any]) -> Any:
    async def bounded() -> Any:
        async with asyncio.timeout(100):
            return await scenario

    return asyncio.run(bounded())


class TestConversation:
    def test_hello_is_answered_by_a_welcome_that_names_the_annotator(self, tab: Callable[..., Tab]) -> None:
        async def scenario() -> None:
            async with tab() as mine:
                (welcome,) = mine.seen
                assert welcome["annotator"] == {
                    "id": welcome["annotator"]["id"],
                    "name": "hand0",
                    "tier": "crowd",
                }
                await mine.send({"type": "ping"})
                assert await mine.receive() == {"type": "pong"}

        play(scenario())

    def test_as_many_offers_come_as_are_wanted_and_no_task_twice(self, tab: Callable[..., Tab]) -> None:
        async def scenario() -> list[dict[str, Any]]:
            async with tab() as mine:
                await mine.ready(3)
                return await mine.hear(3)

        offers = play(scenario())
        assert [m["type"] for m in offers] == ["offer"] * 3
        assert len({m["task"]["object"]["id"] for m in offers}) == 3

    def test_an_answer_is_acknowledged_and_the_next_offer_follows_by_itself(
        self, tab: Callable[..., Tab]
    ) -> None:
        async def scenario() -> Tab:
            async with tab() as mine:
                first = await mine.offer()
                reply = await mine.submit(first)
                assert reply["status"] == "accepted"
                second = await mine.wait("offer")
                assert second["assignment"] != first["assignment"]
                return mine

        mine = play(scenario())
        (kept,) = Answer.objects.all()
        assert {str(kept.pk): "accepted"} == mine.acknowledged
        assert not kept.late
        assert kept.active_s == pytest.approx(1.8)
        assert Tally.objects.get().answers == 1

    def test_want_zero_stops_the_offers(self, tab: Callable[..., Tab]) -> None:
        async def scenario() -> list[dict[str, Any]]:
            async with tab() as mine:
                offer = await mine.offer()
                await mine.ready(0)
                await mine.submit(offer)
                return await mine.quiet(0.6)

        assert play(scenario()) == []

    def test_idle_says_why_and_the_offer_follows_when_there_is_work(
        self, web: WebProcess, tab: Callable[..., Tab], shop: stock.Stock, check_message: Check
    ) -> None:
        (outsider,) = stock.hire(shop.organisation, 1, prefix="outsider")
        User.objects.get(username="outsider0").qualifications.all().delete()

        async def scenario() -> None:
            async with Tab(web.base, outsider, check=check_message) as theirs:
                await theirs.ready(1)
                idle = await theirs.wait("idle")
                assert "aerial" in " ".join(idle["reasons"])
                assert {"code": "domain", "about": {"domain": "aerial"}} in [
                    {"code": each["code"], "about": each["about"]} for each in idle["because"]
                ]
                assert await theirs.quiet(0.5) == []  # It is said once.

        play(scenario())

    def test_a_skipped_task_goes_to_somebody_else(self, tab: Callable[..., Tab]) -> None:
        async def scenario() -> tuple[set[int], int]:
            async with tab(0) as mine:
                skipped = await mine.offer()
                await mine.submit(skipped, outcome="skip", value=None)
                seen = set()
                for _ in range(9):
                    offer = await mine.wait("offer")
                    seen.add(offer["task"]["object"]["id"])
                    await mine.submit(offer)
                return seen, skipped["task"]["object"]["id"]

        seen, skipped = play(scenario())
        assert skipped not in seen

    def test_an_explanation_tells_why_and_reveals_nothing(self, tab: Callable[..., Tab]) -> None:
        async def scenario() -> dict[str, Any]:
            async with tab() as mine:
                offer = await mine.offer()
                await mine.send({"type": "explain", "assignment": offer["assignment"]})
                return await mine.wait("explanation", "error")

        message = play(scenario())
        assert message["type"] == "explanation"
        assert message["why"].startswith("You got this task because")
        assert message["because"][0]["code"] == "settles"
        assert not {"gold", "value"} & set(message["terms"])  # would tell a known question apart
        assert "belief" not in json.dumps(message)

    def test_extending_prolongs_the_lease(self, tab: Callable[..., Tab]) -> None:
        async def scenario() -> Any:
            async with tab() as mine:
                offer = await mine.offer()
                await asyncio.sleep(0.3)
                await mine.send(
                    {"type": "extend", "assignment": offer["assignment"], "lease": offer["lease"]}
                )
                await mine.send({"type": "ping"})
                assert (await mine.wait("pong", "error"))["type"] == "pong"
                await asyncio.sleep(0.3)
                return offer

        before = timezone.now()
        offer = play(scenario())
        row = Assignment.objects.get(pk=offer["assignment"])
        assert row.lease_expires_at is not None
        # The closed socket shortened it to the time for coming back; while it was open it had been prolonged.
        assert row.lease_expires_at > before
        assert row.epoch == 1

    def test_a_released_task_is_open_again(self, tab: Callable[..., Tab]) -> None:
        async def scenario() -> dict[str, Any]:
            async with tab() as mine:
                offer = await mine.offer()
                await mine.ready(0)
                await mine.send(
                    {"type": "release", "assignment": offer["assignment"], "lease": offer["lease"]}
                )
                assert await mine.quiet(0.5) == []
                return offer

        offer = play(scenario())
        row = Assignment.objects.get(pk=offer["assignment"])
        assert (row.state, row.annotator, row.lease) == ("open", None, "")
        assert Event.objects.filter(kind="lease_ended", data__assignment=row.pk).count() == 1


class TestRefusals:
    @pytest.mark.parametrize(
        ("frame", "code"),
        [
            ("{", "malformed"),
            ("[]", "malformed"),
            ('{"kind": "hello"}', "malformed"),
            (b"\xff\xfe\x00", "malformed"),
            ('{"type": "ready", "want": 6}', "malformed"),
            ('{"type": "ready", "want": true}', "malformed"),
            ('{"type": "ready"}', "malformed"),
            ('{"type": "answer", "id": 7, "assignment": 1, "lease": "x", "outcome": "skip"}', "malformed"),
            (
                '{"type": "answer", "id": "x", "assignment": "1", "lease": "x", "outcome": "skip"}',
                "malformed",
            ),
            ('{"type": "extend", "assignment": 1e99, "lease": "x"}', "malformed"),
            ('{"type": "explain", "assignment": 9223372036854775808}', "malformed"),
            ('{"type": "reveal", "assignment": -4, "lease": "x", "blind": {}}', "malformed"),
            ('{"type": "fly"}', "unknown_type"),
            ('{"type": "__class__"}', "unknown_type"),
            (json.dumps({"type": "hello", "v": 1, "app": "x" * 270_000}), "too_large"),
            ('{"type": "explain", "assignment": 4611686018427387904}', "not_your_assignment"),
        ],
    )
    def test_a_wrong_message_gets_an_error_with_a_code_and_the_socket_lives(
        self, tab: Callable[..., Tab], frame: str | bytes, code: str
    ) -> None:
        async def scenario() -> dict[str, Any]:
            async with tab(checked=False) as mine:
                await mine.send_raw(frame)
                error = await mine.wait("error")
                await mine.send({"type": "ping"})
                await mine.wait("pong")
                return error

        error = play(scenario())
        assert error["code"] == code
        assert len(error["message"]) > 5

    def test_nothing_is_taken_before_hello(self, tab: Callable[..., Tab]) -> None:
        async def scenario() -> str:
            async with tab(hello=False) as mine:
                await mine.send({"type": "ready", "want": 1})
                return str((await mine.wait("error"))["code"])

        assert play(scenario()) == "hello_first"

    def test_another_version_is_told_to_reload(self, tab: Callable[..., Tab]) -> None:
        async def scenario() -> dict[str, Any]:
            async with tab(checked=False, hello=False) as mine:
                await mine.send({"type": "hello", "v": 2})
                return await mine.wait("error")

        error = play(scenario())
        assert error["code"] == "version"
        assert "reload" in error["message"]

    def test_the_third_malformed_message_within_a_minute_closes_the_socket(
        self, tab: Callable[..., Tab]
    ) -> None:
        async def scenario() -> int | None:
            async with tab() as mine:
                for _ in range(3):
                    await mine.send_raw("nonsense")
                with pytest.raises(ConnectionClosed) as closed:
                    await mine.wait("never")
            return closed.value.rcvd.code if closed.value.rcvd else None

        assert play(scenario()) == 4400

    def test_a_flood_is_refused_and_nobody_else_notices(self, tab: Callable[..., Tab]) -> None:
        async def scenario() -> float:
            async with tab(0, checked=False) as flooder, tab(1) as neighbour:
                for _ in range(600):
                    await flooder.send({"type": "ping"})
                loop = asyncio.get_running_loop()
                start = loop.time()
                await neighbour.submit(await neighbour.offer())
                took = loop.time() - start
                for _ in range(100):
                    await flooder.wait("error")
                return took

        assert play(scenario()) < 10.0

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"lease": "1.0123456789abcdef01234567"}, "bad_lease"),
            ({"value": {"verdict": "perhaps"}}, "bad_answer"),
            ({"value": None}, "bad_answer"),
            ({"outcome": "report", "value": None, "report": {"code": "boredom", "text": ""}}, "bad_answer"),
            ({"telemetry": {"active_ms": -1}}, "bad_answer"),
        ],
    )
    def test_a_refused_answer_leaves_the_lease_where_it_is(
        self, tab: Callable[..., Tab], changes: dict[str, Any], code: str
    ) -> None:
        async def scenario() -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
            async with tab(checked=False) as mine:
                offer = await mine.offer()
                bad = await mine.answer(offer, **changes)
                error = await mine.wait("error", "ack")
                good = await mine.submit(offer)
                return bad, error, good

        bad, error, good = play(scenario())
        assert (error["code"], error["ref"]) == (code, bad["id"])
        assert good["status"] == "accepted"
        assert Answer.objects.count() == 1

    def test_values_that_json_cannot_carry_are_malformed(self, tab: Callable[..., Tab]) -> None:
        async def scenario() -> str:
            async with tab(checked=False) as mine:
                offer = await mine.offer()
                frame = json.dumps({**answer_to(offer), "telemetry": {"active_ms": float("nan")}})
                await mine.send_raw(frame)
                return str((await mine.wait("error"))["code"])

        assert play(scenario()) == "malformed"


class TestIdentity:
    def test_without_a_login_the_socket_closes_with_4401(self, web: WebProcess, shop: stock.Stock) -> None:
        async def scenario() -> int | None:
            async with Tab(web.base, "0" * 40, hello=False) as mine:
                with pytest.raises(ConnectionClosed) as closed:
                    await mine.receive()
            return closed.value.rcvd.code if closed.value.rcvd else None

        assert play(scenario()) == 4401

    def test_somebody_elses_lease_is_refused(self, tab: Callable[..., Tab]) -> None:
        async def scenario() -> list[dict[str, Any]]:
            async with tab(0) as mine, tab(1) as theirs:
                offer = await mine.offer()
                errors = [await theirs.submit(offer)]
                for kind in ("extend", "release"):
                    await theirs.send(
                        {"type": kind, "assignment": offer["assignment"], "lease": offer["lease"]}
                    )
                    errors.append(await theirs.wait("error"))
                await theirs.send({"type": "explain", "assignment": offer["assignment"]})
                errors.append(await theirs.wait("error"))
                assert (await mine.submit(offer))["status"] == "accepted"
                return errors

        errors = play(scenario())
        assert [e["code"] for e in errors] == ["bad_lease", "bad_lease", "bad_lease", "not_your_assignment"]

    def test_another_organisations_tasks_are_never_offered(
        self, web: WebProcess, shop: stock.Stock, evil: Organisation, check_message: Check
    ) -> None:
        (token,) = stock.hire(evil, 1, prefix="evil")

        async def scenario() -> list[dict[str, Any]]:
            async with Tab(web.base, token, check=check_message) as theirs:
                await theirs.ready(5)
                return await theirs.quiet(0.6)

        assert [m["type"] for m in play(scenario())] == ["idle"]

    def test_a_lease_of_an_earlier_hold_is_not_accepted_for_extension(self, tab: Callable[..., Tab]) -> None:
        async def scenario() -> str:
            async with tab() as mine:
                offer = await mine.offer()
                old = f"0{offer['lease'][1:]}"
                await mine.send({"type": "extend", "assignment": offer["assignment"], "lease": old})
                return str((await mine.wait("error"))["code"])

        assert play(scenario()) == "bad_lease"

    def test_a_token_names_assignment_annotator_and_epoch(self) -> None:
        token = leases.token(7, 3, 2)

        assert leases.epoch_of(token, 7, 3) == 2
        assert leases.epoch_of(token, 8, 3) is None
        assert leases.epoch_of(token, 7, 4) is None
        assert leases.epoch_of(f"3{token[1:]}", 7, 3) is None
        assert leases.epoch_of("²." + token[2:], 7, 3) is None
        assert leases.epoch_of("", 7, 3) is None


class TestResending:
    def test_a_resend_is_acknowledged_as_duplicate_and_counted_once(self, tab: Callable[..., Tab]) -> None:
        async def scenario() -> list[str]:
            async with tab() as mine:
                offer = await mine.offer()
                message = await mine.answer(offer)
                statuses = [(await mine.wait("ack"))["status"]]
                await mine.send(message)
                statuses.append((await mine.wait("ack"))["status"])
            async with tab() as again:
                await again.send(message)
                statuses.append((await again.wait("ack"))["status"])
            return statuses

        assert play(scenario()) == ["accepted", "duplicate", "duplicate"]
        assert Answer.objects.count() == 1
        assert sum(Tally.objects.values_list("answers", flat=True)) == 1

    def test_the_same_answer_twice_at_once_counts_once(self, tab: Callable[..., Tab]) -> None:
        async def scenario() -> list[str]:
            async with tab() as mine:
                message = answer_to(await mine.offer())
                await asyncio.gather(*(mine.send(message) for _ in range(5)))
                return sorted([(await mine.wait("ack"))["status"] for _ in range(5)])

        assert play(scenario()) == ["accepted", *["duplicate"] * 4]

    def test_an_id_that_is_used_for_something_else_is_a_conflict(self, tab: Callable[..., Tab]) -> None:
        async def scenario() -> str:
            async with tab(0) as mine, tab(1) as theirs:
                used = await mine.answer(await mine.offer())
                await mine.wait("ack")
                return str((await theirs.submit(await theirs.offer(), id=used["id"]))["code"])

        assert play(scenario()) == "conflict"

    def test_an_id_that_is_no_uuid_is_refused_by_name(self, tab: Callable[..., Tab]) -> None:
        async def scenario() -> dict[str, Any]:
            async with tab(checked=False) as mine:
                return await mine.submit(await mine.offer(), id=str(uuid.uuid4()).upper())

        error = play(scenario())
        assert error["code"] == "bad_answer"
        assert error["message"].startswith("id: ")


class TestLeaving:
    def test_after_a_reload_the_same_tasks_come_back_with_the_same_leases(
        self, tab: Callable[..., Tab]
    ) -> None:
        async def scenario() -> tuple[Any, Any]:
            mine = tab()
            await mine.connect()
            await mine.ready(2)
            before = [(await mine.wait("offer")) for _ in range(2)]
            mine.drop()
            await asyncio.to_thread(given_back, [m["assignment"] for m in before])
            async with tab() as again:
                await again.ready(2)
                after = [(await again.wait("offer")) for _ in range(2)]
                assert (await again.submit(after[0]))["status"] == "accepted"
            return before, after

        before, after = play(scenario())
        assert {(m["assignment"], m["lease"]) for m in before} == {
            (m["assignment"], m["lease"]) for m in after
        }

    def test_a_second_tab_gets_other_tasks_than_the_first(self, tab: Callable[..., Tab]) -> None:
        async def scenario() -> list[set[int]]:
            async with tab() as one, tab() as two:
                await asyncio.gather(one.ready(4), two.ready(4))
                return [{m["task"]["object"]["id"] for m in await t.hear(4)} for t in (one, two)]

        first, second = play(scenario())
        assert len(first) == len(second) == 4
        assert not first & second

    def test_a_closed_socket_holds_its_tasks_no_longer_than_the_time_to_come_back(
        self, tab: Callable[..., Tab]
    ) -> None:
        async def scenario() -> int:
            async with tab() as mine:
                return int((await mine.offer())["assignment"])

        assignment = play(scenario())
        row = wait_for(lambda: Assignment.objects.filter(pk=assignment, session="").first())
        assert row.state == "leased"
        assert row.lease_expires_at is not None
        assert (row.lease_expires_at - timezone.now()).total_seconds() < 31

    def test_an_answer_on_a_task_that_went_to_somebody_else_is_late_and_kept(
        self, tab: Callable[..., Tab]
    ) -> None:
        async def hold() -> tuple[Tab, dict[str, Any]]:
            mine = tab(0)
            await mine.connect()
            return mine, await mine.offer()

        async def scenario() -> tuple[str, int]:
            mine, offer = await hold()
            await mine.ready(0)
            await asyncio.to_thread(expire, offer["assignment"])
            async with tab(1) as theirs:
                await theirs.ready(1)
                while (other := await theirs.wait("offer"))["assignment"] != offer["assignment"]:
                    await theirs.submit(other)
                status = (await mine.submit(offer))["status"]
                assert (await theirs.submit(other))["status"] == "accepted"
            await mine.close()
            return status, offer["assignment"]

        status, assignment = play(scenario())
        assert status == "late"
        answers = Answer.objects.filter(assignment=assignment)
        assert sorted(answers.values_list("late", flat=True)) == [False, True]

    def test_an_answer_on_an_expired_lease_that_nobody_took_counts(self, tab: Callable[..., Tab]) -> None:
        async def scenario() -> str:
            async with tab() as mine:
                offer = await mine.offer()
                await mine.ready(0)
                await asyncio.to_thread(expire, offer["assignment"])
                return str((await mine.submit(offer))["status"])

        assert play(scenario()) == "accepted"


class TestAdjudication:
    def test_the_case_is_shown_only_after_a_blind_answer(
        self, web: WebProcess, shop: stock.Stock, check_message: Check
    ) -> None:
        (token,) = stock.hire(shop.organisation, 1, prefix="judge", tier="specialist")
        row = Assignment.objects.select_related("microtask").first()
        assert row is not None
        Microtask.objects.filter(pk=row.microtask_id).update(
            kind="adjudicate", tier="specialist", payload={**row.microtask.payload, "kind": "adjudicate", "reason": "two disagree"}
        )  # fmt: skip
        Assignment.objects.filter(pk=row.pk).update(lane="adjudicate/aerial/specialist")
        stock.Lane.objects.create(project_id=row.project_id, key="adjudicate/aerial/specialist")

        async def scenario() -> dict[str, Any]:
            async with Tab(web.base, token, check=check_message) as judge:
                offer = await judge.offer()
                assert offer["assignment"] == row.pk
                held = {"assignment": offer["assignment"], "lease": offer["lease"]}
                await judge.send({"type": "reveal", **held, "blind": {"ruling": "maybe"}})
                assert (await judge.wait("error", "case"))["code"] == "bad_answer"
                await judge.send(
                    {"type": "reveal", **held, "blind": {"ruling": "reject", "xyxy": None, "class": 0}}
                )
                case = await judge.wait("case", "error")
                assert (await judge.submit(offer))["status"] == "accepted"
                return case

        case = play(scenario())
        assert [v["by"] for v in case["case"]["versions"]] == ["model"]
        row.refresh_from_db()
        assert row.blind is not None
        assert row.blind["ruling"] == "reject"
        assert SceneObject.objects.get(pk=row.microtask.object_id).settled_by == "specialist"


class TestSchema:
    def test_every_kind_of_the_product_is_in_the_schema(self, check_message: Check) -> None:
        for kind in KINDS:
            check_message(
                "server",
                {
                    "type": "offer",
                    "assignment": 1,
                    "lease": "1." + "0" * 24,
                    "lease_s": 1,
                    "task": task(kind),
                },
            )

    def test_a_task_that_carries_a_secret_is_not_in_the_schema(self, check_message: Check) -> None:
        offer = {"type": "offer", "assignment": 1, "lease": "1." + "0" * 24, "lease_s": 1}
        for leak in ("secret", "gold", "belief", "score"):
            with pytest.raises(Exception, match=r"should not be valid|not valid under any"):
                check_message("server", {**offer, "task": {**task("verify_box"), leak: 1}})


def task(kind: str) -> dict[str, Any]:
    return {
        "kind": kind, "project": {}, "schema": {}, "guideline": {}, "scene": {}, "view": [0, 0, 1, 1], "media": [],
        "tolerance": 0.75, "expected_s": 2.0,
    }  # fmt: skip


def expire(assignment: int) -> None:
    """Let a lease run out, and the janitor find it."""
    try:
        Assignment.objects.filter(pk=assignment).update(
            lease_expires_at=timezone.now() - timedelta(seconds=1)
        )
        assert reap_expired_leases(timezone.now()) == 1
    finally:
        connection.close()  # This is a thread of its own, and so is its connection.


def given_back(assignments: Sequence[int]) -> None:
    """Wait until the server has seen that the socket which held them is gone."""
    try:
        wait_for(
            lambda: Assignment.objects.filter(pk__in=assignments, session="").count() == len(assignments)
        )
    finally:
        connection.close()


def wait_for(condition: Callable[[], Any], seconds: float = 20.0) -> Any:
    """The first true value of a condition that becomes true soon."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)
    return value
