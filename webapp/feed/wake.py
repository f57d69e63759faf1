"""Hears, on the event loop, that somebody made work: from this process directly, from the others over Redis."""

import asyncio
import logging
from collections.abc import Callable

import redis.asyncio as redis
from django.conf import settings
from redis.exceptions import RedisError

from webapp.labeling import wakeups

log = logging.getLogger(__name__)

RETRY_S = 1.0


class WorkListener:
    """Calls `heard` with the lanes that have work (None: any may) on the event loop that made it, until closed."""

    def __init__(self, heard: Callable[[frozenset[wakeups.LaneKey] | None], None]) -> None:
        self._heard = heard
        self._loop = asyncio.get_running_loop()
        wakeups.listen(self._local)
        self._task = self._loop.create_task(self._listen()) if settings.REDIS_URL else None

    def close(self) -> None:
        wakeups.unlisten(self._local)
        if self._task:
            self._task.cancel()

    def _local(self, lanes: frozenset[wakeups.LaneKey]) -> None:
        """Called from whatever thread committed the work."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._heard, lanes)

    async def _listen(self) -> None:
        while True:
            try:
                # No time limit on reading: nothing may be said for hours. A lost server is noticed by the keep-alive.
                client = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=None, socket_keepalive=True)
                async with client, client.pubsub(ignore_subscribe_messages=True) as pubsub:
                    await pubsub.subscribe(wakeups.channel())
                    self._heard(None)  # Work may have been announced while nobody listened.
                    async for message in pubsub.listen():
                        if lanes := wakeups.heard(message["data"]):
                            self._heard(lanes)
            except (RedisError, OSError) as error:
                log.warning("cannot hear of work over Redis, the next try is in %.0f s: %s", RETRY_S, error)
            await asyncio.sleep(RETRY_S)
