"""The feed over HTTP: the same operations and guarantees for scripts."""

from typing import Any

import pytest
from django.test import Client

from webapp.demo.audit import double_leases, over_overlap
from webapp.devtools import stock
from webapp.devtools.feedclient import answer_to
from webapp.labeling.models import Answer, Assignment
from webapp.people.models import Organisation

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop(db: None) -> stock.Stock:
    return stock.open_shop(hands=2, lanes=3, tasks=3)


class Script:
    """One annotator's script."""

    def __init__(self, token: str) -> None:
        self._client = Client(headers={"authorization": f"Token {token}"})

    def post(self, verb: str, message: Any) -> tuple[int, Any]:
        response = self._client.post(f"/api/v1/feed/{verb}", message, content_type="application/json")
        return response.status_code, response.json() if response.content else None

    def next(self) -> dict[str, Any]:
        status, message = self.post("next", {})
        assert status == 200, message
        return dict(message)

    def answer(self, message: dict[str, Any]) -> tuple[int, Any]:
        return self.post("answer", message)


class TestScript:
    def test_works_through_everything_until_there_is_nothing_left(self, shop: stock.Stock) -> None:
        script = Script(shop.tokens[0])
        done = 0
        while (offer := script.next())["type"] == "offer":
            status, ack = script.answer(answer_to(offer))
            assert (status, ack["status"]) == (200, "accepted")
            done += 1
        assert done >= 3
        assert offer["reasons"]
        assert double_leases() == over_overlap() == 0

    def test_asking_again_gives_the_same_offer_and_takes_no_second_lease(self, shop: stock.Stock) -> None:
        script = Script(shop.tokens[0])

        first, second = script.next(), script.next()

        assert (first["assignment"], first["lease"]) == (second["assignment"], second["lease"])
        assert Assignment.objects.filter(state="leased").count() == 1

    def test_a_resend_is_a_duplicate(self, shop: stock.Stock) -> None:
        script = Script(shop.tokens[0])
        message = answer_to(script.next())

        assert [script.answer(message)[1]["status"] for _ in range(2)] == ["accepted", "duplicate"]
        assert Answer.objects.count() == 1

    def test_a_released_task_is_open_again(self, shop: stock.Stock) -> None:
        script = Script(shop.tokens[0])
        offer = script.next()

        assert script.post("release", {"assignment": offer["assignment"], "lease": offer["lease"]})[0] == 204
        assert Assignment.objects.get(pk=offer["assignment"]).state == "open"
        assert script.post("release", {"assignment": offer["assignment"], "lease": offer["lease"]})[0] == 409

    @pytest.mark.parametrize(
        ("changes", "status", "code"),
        [
            ({"lease": "1.0123456789abcdef01234567"}, 409, "bad_lease"),
            ({"assignment": 10**9}, 404, "not_your_assignment"),
            ({"assignment": "7"}, 400, "malformed"),
            ({"value": {"verdict": "perhaps"}}, 422, "bad_answer"),
        ],
    )
    def test_what_cannot_be_taken_is_refused_with_a_code(
        self, shop: stock.Stock, changes: dict[str, Any], status: int, code: str
    ) -> None:
        script = Script(shop.tokens[0])
        offer = script.next()

        got, problem = script.answer({**answer_to(offer), **changes})

        assert (got, problem["code"]) == (status, code)
        assert script.answer(answer_to(offer))[1]["status"] == "accepted"

    def test_another_persons_lease_and_another_organisation_are_kept_apart(
        self, shop: stock.Stock, evil: Organisation
    ) -> None:
        offer = Script(shop.tokens[0]).next()
        (stranger,) = stock.hire(evil, 1, prefix="evil")

        assert Script(shop.tokens[1]).answer(answer_to(offer))[1]["code"] == "bad_lease"
        assert Script(stranger).next()["type"] == "idle"

    def test_without_a_login_there_is_nothing(self, db: None) -> None:
        assert Client().post("/api/v1/feed/next").status_code in (401, 403)
