"""What load balancers and Prometheus ask of a web process, answered before Django is troubled, and the lifespan of the
process: on SIGTERM it stops offering work, tells everybody, and waits for the last answers before its sockets close.

/readyz answers 503 while the process drains; /healthz, a page of Django, also asks the database. /metrics is for this
machine and for whoever sends `Authorization: Bearer $TESSERA_METRICS_TOKEN`.
"""

import asyncio
import hmac
import logging
import os
import signal
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from webapp.feed.dispatcher import dispatcher, running_dispatcher

log = logging.getLogger(__name__)

DRAIN_S = float(os.environ.get("TESSERA_DRAIN_S", "8"))  # time to finish what is on the screen
RECONNECT_S = 1.0
LOCAL = ("127.0.0.1", "::1")


class Probes:
    """ASGI middleware around the HTTP side; also handles `lifespan`."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        match scope.get("path"):
            case "/readyz":
                current = running_dispatcher()
                draining = current is not None and current.draining
                await respond(
                    send, 503 if draining else 200, b'{"ready": %s}' % (b"false" if draining else b"true")
                )
            case "/metrics":
                if allowed(scope):
                    await respond(send, 200, generate_latest(), CONTENT_TYPE_LATEST)
                else:
                    await respond(send, 403, b'{"code": "permission_denied"}')
            case _:
                await self.app(scope, receive, send)


def allowed(scope: dict[str, Any]) -> bool:
    """Whether this request may see the figures. A proxy on this machine does not make everybody local."""
    headers = dict(scope.get("headers", ()))
    token = os.environ.get("TESSERA_METRICS_TOKEN", "")
    given = headers.get(b"authorization", b"")
    if token and hmac.compare_digest(given, f"Bearer {token}".encode()):
        return True
    return (scope.get("client") or ("",))[0] in LOCAL and b"x-forwarded-for" not in headers


async def respond(send: Any, status: int, body: bytes, kind: str = "application/json") -> None:
    headers = [(b"content-type", kind.encode()), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def lifespan(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Start the dispatcher with the process, and stand between SIGTERM and the server's own handler."""
    await receive()
    current = dispatcher()
    drain_before_leaving()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    current.close()
    await send({"type": "lifespan.shutdown.complete"})


def drain_before_leaving() -> None:
    """Drain on the first SIGTERM, then let the server handle it as it would have; a second one is not waited for."""
    loop = asyncio.get_running_loop()
    leave = signal.getsignal(signal.SIGTERM)

    tasks = []

    def hand_back() -> None:
        loop.remove_signal_handler(signal.SIGTERM)
        signal.signal(signal.SIGTERM, leave)

    async def drain() -> None:
        log.info("draining for at most %.0f s", DRAIN_S)
        await dispatcher().drain(DRAIN_S, RECONNECT_S)
        os.kill(os.getpid(), signal.SIGTERM)

    def first() -> None:
        hand_back()
        tasks.append(loop.create_task(drain()))

    try:
        loop.add_signal_handler(signal.SIGTERM, first)
    except (ValueError, RuntimeError, NotImplementedError):
        log.debug("not in the main thread: whoever started this server stops it")
