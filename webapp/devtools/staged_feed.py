"""A feed that offers chosen payloads to a real workbench in a real browser, and keeps what it answers.

For kinds whose screens are to be seen or walked through without a project that leads there: the page, its code and its
picture loading are the real ones, only the socket's other end is this. Playwright's page is passed in as it is.
"""

import json
import mimetypes
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

CLASSES = (
    {"id": 0, "name": "car", "color": "#ffb347", "key": "1"},
    {"id": 1, "name": "truck", "color": "#5cd6ff", "key": "2"},
    {"id": 2, "name": "cyclist", "color": "#b58cff", "key": "3"},
    {"id": 3, "name": "pedestrian", "color": "#5fe0b0", "key": "4"},
)


class StagedFeed:
    """Answers the socket of one page: one offer after the other, an `ack` for every answer, `idle` in the end."""

    def __init__(self, page: Any, tasks: Sequence[Mapping[str, Any]]) -> None:
        self.tasks = list(tasks)
        self.offered = 0
        self.answers: list[dict[str, Any]] = []
        self.received: list[dict[str, Any]] = []
        page.route_web_socket("**/ws/feed/", self._connected)
        # The staged project is nobody's, so the server knows no guideline of it.
        news = {"version": 1, "changed": False, "example": None}
        page.route("**/guideline/news/**", lambda route: route.fulfill(json=news))

    def _connected(self, socket: Any) -> None:
        socket.on_message(lambda frame: self._message(socket, json.loads(frame)))

    def _message(self, socket: Any, message: dict[str, Any]) -> None:
        self.received.append(message)
        match message["type"]:
            case "hello":
                person = {"id": 1, "name": "Ada Annotator", "tier": "annotator"}
                _say(socket, type="welcome", v=1, annotator=person, lease_s=600, heartbeat_s=30)
                # A socket that comes back is offered again what it has not answered yet.
                self.offered = len(self.answers)
            case "ready":
                self._offer(socket)
            case "answer":
                self.answers.append(message)
                _say(socket, type="ack", id=message["id"], status="accepted", feedback=None)
                self._offer(socket)
            case "ping":
                _say(socket, type="pong")

    def _offer(self, socket: Any) -> None:
        if self.offered > len(self.answers):
            return
        if self.offered == len(self.tasks):
            _say(socket, type="idle", reasons=["every staged task is done"])
            return
        task = self.tasks[self.offered]
        self.offered += 1
        _say(
            socket, type="offer", assignment=self.offered, lease=f"lease-{self.offered}", lease_s=600, task=task
        )  # fmt: skip

    @property
    def value(self) -> Any:
        """The value of the newest answer."""
        return self.answers[-1]["value"]


def payload(
    kind: str, *, size: tuple[int, int], view: Sequence[float] | None = None, **more: Any
) -> dict[str, Any]:
    """Return a payload of docs/microtask-kinds.md about a picture that `serve_picture` serves, in scene pixels."""
    width, height = size
    whole = [0, 0, width, height]
    return {
        "kind": kind,
        "project": {"id": 1, "name": "Street scenes"},
        "schema": {"version": 1, "classes": [dict(c) for c in CLASSES]},
        "guideline": {"version": 1, "url": "/projects/1/guideline/"},
        "scene": {"id": 1, "width": width, "height": height},
        "view": list(view or whole),
        "media": [{"role": "focus", "url": "/crops/staged", "rect": whole, "size": [width, height]}],
        "tolerance": 0.75,
        "expected_s": 5.0,
        **more,
    }


def serve_picture(page: Any, path: Path, address: str = "/crops/staged") -> None:
    """Serve a file of this machine at an address of the page: the picture, or a point cloud."""
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    page.route(f"**{address}", lambda route: route.fulfill(body=path.read_bytes(), content_type=kind))


def reload_with_draft(page: Any) -> None:
    """Reload once the draft on the disk is what is on the screen."""
    page.page.wait_for_function(
        "() => Object.entries(sessionStorage).some(([key, kept]) => key.startsWith('tessera-draft-')"
        " && JSON.stringify(JSON.parse(kept).state) === JSON.stringify(window.__tessera.state.task))"
    )
    page.page.reload()


def _say(socket: Any, **message: Any) -> None:
    socket.send(json.dumps(message))
