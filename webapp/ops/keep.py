"""Keeps what was dear to compute, so that a room that is asked for every second stays cheap at any size."""

import hashlib
import time
from collections.abc import Callable, Iterable
from typing import Any, TypeVar, cast

from django.core.cache import cache

Value = TypeVar("Value")

CHEAP_S = 0.02  # below this, a read is repeated every time
SPARE = 20  # a dear read is repeated after this many times its own duration: at most 5 % of a core


def kept(name: str, parts: Iterable[Any], compute: Callable[[], Value]) -> Value:
    """Return what `compute` gives, or gave not long ago for the same `parts`."""
    key = f"ops:{name}:{hashlib.sha256(repr(list(parts)).encode()).hexdigest()[:32]}"
    entry = cache.get(key)
    if entry is not None:
        return cast(Value, entry[0])
    started = time.perf_counter()
    value = compute()
    took = time.perf_counter() - started
    if took > CHEAP_S:
        cache.set(key, (value,), timeout=SPARE * took)
    return value
