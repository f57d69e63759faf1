"""A client of the feed for scripts: logs in as a browser does and speaks docs/feed-protocol.md."""

import http.cookiejar
import json
import urllib.parse
import urllib.request
import uuid
from collections.abc import AsyncIterator
from typing import Any

import websockets


class LoginFailed(Exception):
    """The server did not take this name and password."""


def log_in(base: str, username: str, password: str) -> str:
    """Log in through the login page; returns the Cookie header of the session. Blocking: run it in a thread."""
    jar = http.cookiejar.CookieJar()
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    url = f"{base}/login/"
    opener.open(url, timeout=30).read()
    token = next((c.value for c in jar if c.name == "csrftoken"), "")
    form = {"username": username, "password": password, "csrfmiddlewaretoken": token}
    request = urllib.request.Request(url, urllib.parse.urlencode(form).encode(), {"Referer": url})
    opener.open(request, timeout=30).read()
    cookies = {c.name: c.value for c in jar}
    if "sessionid" not in cookies:
        raise LoginFailed(f"{username}: the login was not taken")
    return "; ".join(f"{name}={value}" for name, value in cookies.items())


class Feed:
    """One annotator's socket."""

    def __init__(self, base: str, cookie: str) -> None:
        self._url = base.replace("http", "ws", 1) + "/ws/feed/"
        self._headers = {"Cookie": cookie, "Origin": base}
        self._socket: Any = None

    async def __aenter__(self) -> "Feed":
        self._socket = await websockets.connect(
            self._url,
            additional_headers=self._headers,
            compression=None,
            max_size=2**22,
            ping_interval=None,
            open_timeout=60,
        )
        await self.send({"type": "hello", "v": 1, "app": "crowd"})
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._socket.close()

    async def send(self, message: dict[str, Any]) -> None:
        await self._socket.send(json.dumps(message))

    async def messages(self) -> AsyncIterator[dict[str, Any]]:
        async for frame in self._socket:
            yield json.loads(frame)


def answer_message(
    offer: dict[str, Any], outcome: str, value: Any, report: Any, telemetry: dict[str, Any]
) -> dict[str, Any]:
    """An `answer` to an `offer`, with an id of its own."""
    return {
        "type": "answer", "id": str(uuid.uuid4()), "assignment": offer["assignment"], "lease": offer["lease"],
        "outcome": outcome, "value": value, "report": report, "telemetry": telemetry,
    }  # fmt: skip
