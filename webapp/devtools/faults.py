"""What can go wrong: each fault happens to a crowd at work, and is over when the function returns."""

import asyncio
from collections.abc import Awaitable, Callable

import psycopg

from webapp.devtools.trial import Crowd

Fault = Callable[[Crowd], Awaitable[None]]


class Ineffective(Exception):
    """A fault that nobody noticed proves nothing."""


async def nothing(crowd: Crowd) -> None:
    """Nothing goes wrong."""


async def a_web_process_is_killed(crowd: Crowd) -> None:
    victim = crowd.site.web[0]
    victim.kill()
    await asyncio.sleep(1)
    await asyncio.to_thread(victim.start)


async def postgresql_is_killed(crowd: Crowd) -> None:
    crowd.site.pg.kill()
    await asyncio.sleep(1)
    await asyncio.to_thread(crowd.site.pg.start)


async def redis_is_killed(crowd: Crowd) -> None:
    crowd.site.redis.kill()
    await asyncio.sleep(1.5)
    await asyncio.to_thread(crowd.site.redis.start)


async def the_janitor_is_killed(crowd: Crowd) -> None:
    crowd.site.kill_janitor()
    await asyncio.sleep(1)
    crowd.site.start_janitor()


async def sockets_drop(crowd: Crowd) -> None:
    crowd.dropping = True
    await asyncio.sleep(3)
    crowd.dropping = False


async def sockets_are_half_open(crowd: Crowd) -> None:
    """Clients vanish without a word and come back on another socket; the old ones stay open, unread."""
    crowd.freezing = True
    await asyncio.sleep(3)
    crowd.freezing = False
    if not crowd.frozen:
        raise Ineffective("no socket froze")


async def every_message_is_sent_twice(crowd: Crowd) -> None:
    crowd.doubled = True
    await asyncio.sleep(3)
    crowd.doubled = False


async def leases_end_early_and_answers_come_late(crowd: Crowd) -> None:
    crowd.late = True
    for _ in range(6):
        await asyncio.sleep(0.5)
        crowd.site.execute(
            "UPDATE labeling_assignment SET lease_expires_at = now() - interval '1 second' WHERE state = 'leased' AND id %% 3 = 0"
        )
    crowd.late = False


async def connections_are_cut_at_commit(crowd: Crowd) -> None:
    for _ in range(5):
        crowd.site.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND state <> 'idle'"
            " AND datname = current_database()"
        )
        await asyncio.sleep(0.5)


async def connections_are_refused(crowd: Crowd) -> None:
    """All connections are cut in the middle of whatever they commit, and no new ones are let in for two seconds."""
    before = crowd.site.failed_rounds()
    elsewhere = crowd.site.pg.url.rsplit("/", 1)[0] + "/template1"

    def turn(on: bool) -> None:
        with psycopg.connect(elsewhere, autocommit=True) as connection:
            connection.execute(f"ALTER DATABASE postgres ALLOW_CONNECTIONS {'true' if on else 'false'}")
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'postgres' AND pid <> pg_backend_pid()"
            )

    await asyncio.to_thread(turn, False)
    await asyncio.sleep(2)
    await asyncio.to_thread(turn, True)
    if crowd.site.failed_rounds() == before:
        raise Ineffective("no transaction noticed")


async def the_disk_is_full(crowd: Crowd) -> None:
    """PostgreSQL can write no file any more: it gives up at the next commit, and is started again when there is room."""
    before = crowd.site.failed_rounds()
    await asyncio.to_thread(crowd.site.fill_the_disk)
    await asyncio.sleep(3)
    await asyncio.to_thread(crowd.site.pg.kill)
    await asyncio.to_thread(crowd.site.pg.start)
    if crowd.site.failed_rounds() == before:
        raise Ineffective("no transaction noticed")


async def a_clock_is_five_minutes_fast(crowd: Crowd) -> None:
    await crowd.site.restart(0, "webapp.devtools.skewed", "300")
    await asyncio.sleep(3)
    await crowd.site.restart(0, "uvicorn")


async def a_clock_is_five_minutes_slow(crowd: Crowd) -> None:
    await crowd.site.restart(1, "webapp.devtools.skewed", "-300")
    await asyncio.sleep(3)
    await crowd.site.restart(1, "uvicorn")


async def a_release_is_deployed(crowd: Crowd) -> None:
    for process in crowd.site.web:
        await asyncio.to_thread(process.terminate)
        await asyncio.to_thread(process.start)


FAULTS = (
    nothing, every_message_is_sent_twice, sockets_drop, sockets_are_half_open, a_web_process_is_killed, redis_is_killed,
    the_janitor_is_killed, leases_end_early_and_answers_come_late, connections_are_cut_at_commit, connections_are_refused,
    the_disk_is_full, postgresql_is_killed, a_clock_is_five_minutes_fast, a_clock_is_five_minutes_slow,
    a_release_is_deployed,
)  # fmt: skip
QUICK = (sockets_drop, a_web_process_is_killed, leases_end_early_and_answers_come_late, postgresql_is_killed)
