"""Tells the web processes that there is work, so that idle annotators need not ask.

With Redis, a message on one channel reaches every process; without it, only this one, and the others look every quarter
of a second. Losing a message, or Redis, loses no work: every process also looks by itself now and then.
"""

import logging
import secrets
import threading
import time
from collections.abc import Callable, Iterable
from functools import cache

import orjson
import redis
from django.conf import settings
from django.db import transaction

log = logging.getLogger(__name__)

LaneKey = tuple[int, str]
Listener = Callable[[frozenset[LaneKey]], None]

ME = secrets.token_hex(8)  # this process, which need not hear itself over Redis

RETRY_S = 5.0  # how long a Redis that does not answer is left alone
_listeners: set[Listener] = set()
_silent_until = 0.0
_lock = threading.Lock()


def channel() -> str:
    return f"{settings.CHANNEL_PREFIX}:work"


def listen(listener: Listener) -> None:
    """Call `listener`, from any thread, whenever this process makes work."""
    _listeners.add(listener)


def unlisten(listener: Listener) -> None:
    _listeners.discard(listener)


def announce_on_commit(lanes: Iterable[LaneKey]) -> None:
    """Announce new or returned work once the transaction that makes it has committed."""
    found = frozenset(lanes)
    if found:
        transaction.on_commit(lambda: announce(found))


def announce(lanes: frozenset[LaneKey]) -> None:
    """Tell all web processes that these lanes have work. Never raises: whoever is not told finds out by looking."""
    global _silent_until  # noqa: PLW0603  # one Redis per process, and one opinion of whether it answers
    for listener in list(_listeners):
        listener(lanes)
    if not settings.REDIS_URL or time.monotonic() < _silent_until:
        return
    try:
        _client().publish(channel(), orjson.dumps([ME, *lanes]))
    except redis.RedisError as error:
        _silent_until = time.monotonic() + RETRY_S
        log.warning("cannot announce work over Redis, the next try is in %.0f s: %s", RETRY_S, error)


def heard(message: bytes) -> frozenset[LaneKey]:
    """The lanes of another process's announcement; none of one of our own, or of one that makes no sense."""
    try:
        sender, *lanes = orjson.loads(message)
        return frozenset() if sender == ME else frozenset((int(p), str(key)) for p, key in lanes)
    except (ValueError, TypeError):
        return frozenset()


@cache
def _client() -> "redis.Redis":
    with _lock:
        return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=1.0, socket_connect_timeout=1.0)
