"""Slows down password guessing. Counts failures only, so a crowd behind one address can log in at once."""

from django.core.cache import cache
from django.http import HttpRequest

FAILURES = 10  # per name and address; a person who mistypes tries three or four times
WINDOW_S = 600


def too_many_failures(request: HttpRequest, username: str) -> bool:
    """Return whether this name has failed too often from this address to be tried again now."""
    return int(cache.get(_key(request, username), 0)) >= FAILURES


def count_failure(request: HttpRequest, username: str) -> None:
    """Remember one failed attempt."""
    key = _key(request, username)
    cache.add(key, 0, WINDOW_S)
    cache.incr(key)


def _key(request: HttpRequest, username: str) -> str:
    address = request.META.get("REMOTE_ADDR", "")
    return f"login-failures:{address}:{username.casefold()[:150].encode().hex()}"
