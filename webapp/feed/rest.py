"""The feed over HTTP, for scripts: the same operations and guarantees as the socket, one transaction per request.

POST /api/v1/feed/next                                {}            an offer, or why there is none
POST /api/v1/feed/answer     {id, assignment, lease, outcome, value…}   an acknowledgement, after the commit
POST /api/v1/feed/release    {assignment, lease}
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from django.conf import settings
from django.db import IntegrityError, OperationalError, transaction
from django.http import HttpResponse
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.views import APIView

from webapp.feed import metrics
from webapp.feed.limits import Buckets
from webapp.feed.messages import Refused, assignment_of, submission_of, text
from webapp.feed.seats import Seat, idle_frame, offer_frame, paused, reply_frame, resumed_frame, waiting
from webapp.labeling import holding, operations
from webapp.labeling.holding import Desk
from webapp.labeling.models import Assignment
from webapp.labeling.presence import database_now
from webapp.labeling.shelf import Shelf
from webapp.labeling.windows import Windows
from webapp.people.models import User

SESSION = "http"  # of every lease taken here; it ends with its lease
TRIES = 3  # of a transaction that met another one
STATUS = {
    "malformed": 400, "not_your_assignment": 404, "bad_lease": 409, "conflict": 409, "bad_answer": 422, "rate_limited": 429,
    "server": 503,
}  # fmt: skip
_buckets = Buckets()  # of this process


class Problem(APIException):
    """A refusal of the feed as an answer of the API."""

    def __init__(self, code: str, message: str, *, wait: float | None = None) -> None:
        """`wait`: seconds after which to try again, for the header Retry-After."""
        super().__init__(message, code)
        self.status_code = STATUS[code]
        self.wait = wait


def body(request: Request) -> dict[str, Any]:
    if not isinstance(request.data, dict):
        raise Problem("malformed", "send a JSON object")
    return request.data


def committed(function: Callable[[], Any]) -> Any:
    """Run in a transaction, again when another one was in the way."""
    for left in reversed(range(TRIES)):
        try:
            with transaction.atomic():
                return function()
        except (OperationalError, IntegrityError):
            if not left:
                raise Problem("server", "the database is busy; send the same again") from None
    raise AssertionError("unreachable")


class FeedView(APIView):
    """A request of the feed, not more often than a socket's messages may come."""

    def check_throttles(self, request: Request) -> None:
        """Raise Problem("rate_limited") for whoever asks too often; runs after the login was checked."""
        person = request.user.pk
        assert person is not None  # logged in: see permissions
        if wait := _buckets.take(person):
            metrics.REFUSED.labels("rate_limited").inc()
            text = f"more than {settings.FEED_RATE:g} requests a second; slow down"
            raise Problem("rate_limited", text, wait=math.ceil(wait))


class NextTask(FeedView):
    def post(self, request: Request) -> HttpResponse:
        """The offer that this person holds over HTTP, else a new one, else the reasons why there is none."""
        frame = committed(lambda: next_frame(request.user))  # type: ignore[arg-type]  # logged in: see permissions
        return HttpResponse(frame, content_type="application/json")


class SubmitAnswer(FeedView):
    def post(self, request: Request) -> HttpResponse:
        """Store an answer; acknowledged once it is durable. Sending it again with the same id is safe."""
        try:
            given = submission_of(body(request), request.user)  # type: ignore[arg-type]
        except Refused as refusal:
            raise Problem(refusal.code, refusal.message) from None
        (reply,) = committed(lambda: operations.submit_answers([given], now=database_now()))
        if isinstance(reply, operations.Refusal):
            raise Problem(reply.code, reply.message)
        return HttpResponse(reply_frame(reply), content_type="application/json")


class ReleaseTask(FeedView):
    def post(self, request: Request) -> HttpResponse:
        """Give a task back unanswered."""
        try:
            assignment, lease = assignment_of(body(request)), text(body(request), "lease", 64)
        except Refused as refusal:
            raise Problem(refusal.code, refusal.message) from None
        if not committed(lambda: operations.release(request.user, assignment, lease)):  # type: ignore[arg-type]
            raise Problem("bad_lease", "this lease has passed on")
        return HttpResponse(status=204)


def next_frame(person: User) -> str:
    """An `offer` or `idle` message as JSON, in the caller's transaction."""
    now = database_now()
    held = Assignment.objects.filter(
        state=Assignment.State.LEASED, annotator=person, session=SESSION, lease_expires_at__gt=now
    )
    if row := held.select_related("microtask").order_by("pk").first():
        return resumed_frame(row)
    domains = frozenset(person.qualifications.values_list("domain", flat=True))
    seat = Seat(SESSION, person, domains, lambda _: None, want=1)
    shelf = Shelf()
    shelf.load_records([person.pk])
    believed = shelf.believed(person.pk)
    reasons = [paused(believed)]
    if not reasons[0]:
        desk = Desk(person, SESSION, waiting(seat, believed, 0, 0.0))
        taken = holding.take([desk], Windows(shelf), now=now, rng=np.random.default_rng())
        for hold in taken.offers.get(person.pk, []):
            return offer_frame(hold)
        reasons = (
            list(filter(None, [taken.paused.get(person.pk)]))
            or taken.idle.get(person.pk)
            or ["what suits you was just taken; ask again"]
        )
    return idle_frame(reasons)
