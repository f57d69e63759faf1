"""A real server, a real browser: uvicorn on the database and Redis of this run, and Chromium driven by Playwright.

Nothing is flushed between tests: each has an organisation of its own, as tenants of one server have. The tables are
emptied once the module's server has stopped.
"""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.management import call_command
from django.db import connections
from django.test import Client
from playwright.sync_api import Browser, Page, sync_playwright

from webapp.devtools import rehearsal
from webapp.devtools.browser import ARGUMENTS
from webapp.devtools.rehearsal import Picture, World
from webapp.labeling.models import Answer, Assignment
from webapp.people.models import User

ROOT = Path(__file__).resolve().parent.parent.parent
SLOW_MS = 30_000  # the machine may be busy; what is waited for usually takes a tenth of a second
DESKTOP = {"width": 1440, "height": 900}


AT_REST = """
(selector) => new Promise((resolve) => {
  let before = "", same = 0;
  const look = () => {
    const { x, y, width, height } = document.querySelector(selector).getBoundingClientRect();
    const now = [x, y, width, height].join();
    same = now === before ? same + 1 : 0;
    before = now;
    if (same === 5) resolve({ x, y, width, height });
    else requestAnimationFrame(look);
  };
  look();
})
"""


class Server:
    """One uvicorn process that serves HTTP and websockets, as `make serve` starts it."""

    def __init__(self, log: Path) -> None:
        self.log = log
        self.port = free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        environment = {**os.environ, "DATABASE_URL": run_database(), "LOG_LEVEL": "WARNING"}
        command = [
            sys.executable, "-m", "uvicorn", "webapp.config.asgi:application", "--host", "127.0.0.1", "--port",
            str(self.port), "--ws", "websockets-sansio", "--ws-per-message-deflate", "false", "--log-level", "warning",
        ]  # fmt: skip
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                with urllib.request.urlopen(f"{self.base}/healthz", timeout=5):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        self.stop()
        pytest.fail(f"the server did not start:\n{self.log.read_text()[-3000:]}")

    def stop(self) -> None:
        """End it at once, as a crash would: what was acknowledged is in the database."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def run_database() -> str:
    """DATABASE_URL of the database that Django made for this run."""
    return os.environ["DATABASE_URL"].rpartition("/")[0] + "/" + settings.DATABASES["default"]["NAME"]


@pytest.fixture(scope="module")
def transactional_db(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """The run's database for a whole module; pytest-django looks for this name to know who needs one.

    Playwright keeps an event loop in this thread, which Django would mistake for an asynchronous caller.
    """
    if "DATABASE_URL" not in os.environ:
        pytest.skip("browser tests need the PostgreSQL of the run: leave --no-services away")
    with pytest.MonkeyPatch.context() as patch, django_db_blocker.unblock():
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        yield
        call_command("flush", interactive=False, verbosity=0)


@pytest.fixture(scope="module")
def server(transactional_db: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    if finders.find("workbench/workbench.js") is None:
        pytest.fail("the workbench is not built: run `make setup`")
    server = Server(tmp_path_factory.mktemp("server") / "server.log")
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def browser(server: Server, chromium_path: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path, args=list(ARGUMENTS))
        yield browser
        browser.close()
        connections.close_all()  # Beside Playwright's loop this thread has had a connection of its own.


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Picture:
    return rehearsal.orchard(tmp_path_factory.mktemp("pictures") / "orchard.png")


@pytest.fixture
def world(server: Server, picture: Picture) -> World:
    """An organisation of this test alone; nothing is open yet."""
    return rehearsal.build(picture)


class Tab:
    """One tab of one person, with what the tests want to know about the workbench in it."""

    def __init__(self, page: Page, base: str) -> None:
        self.page, self.base = page, base
        self.problems: list[str] = []
        page.set_default_timeout(SLOW_MS)
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("console", lambda m: self.problems.append(m.text) if m.type == "error" else None)

    def open(self, path: str = "/feed/") -> "Tab":
        self.page.goto(self.base + path, wait_until="domcontentloaded")
        return self

    def see(self, text: str) -> None:
        self.page.get_by_text(text).first.wait_for()

    def action(self, name: str) -> Any:
        return self.page.locator(f'[data-action="{name}"]').first

    def click(self, name: str) -> None:
        """Press one of the workbench's buttons with the mouse."""
        self.action(name).click()

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    @property
    def state(self) -> dict[str, Any]:
        return dict(self.page.evaluate("() => window.__tessera?.state ?? {}"))

    @property
    def counters(self) -> dict[str, int]:
        return dict(self.page.evaluate("() => window.__tessera.counters"))

    def until(self, condition: str) -> None:
        """Wait for a JavaScript condition on `s`, the workbench's state, and `c`, its counters."""
        self.page.wait_for_function(
            f"() => {{ const s = window.__tessera?.state, c = window.__tessera?.counters; return s && ({condition}); }}"
        )

    def eventually(self, holds: Callable[[], bool]) -> None:
        """Look again and again until something holds that no JavaScript condition can say."""
        end = time.monotonic() + SLOW_MS / 1000
        while not holds():
            assert time.monotonic() < end, f"did not come to hold within {SLOW_MS / 1000:.0f} s"
            self.page.wait_for_timeout(50)

    def at_rest(self, selector: str) -> dict[str, float]:
        """Where on the page an element is once it has kept its place for five frames."""
        self.page.locator(selector).first.wait_for()
        box = self.page.evaluate(AT_REST, selector)
        return {name: float(box[name]) for name in ("x", "y", "width", "height")}

    def task(self, kind: str) -> None:
        """Wait until a task of this kind is on screen and takes input."""
        self.until(f"s.kind === '{kind}' && s.armed")

    def acknowledged(self, count: int = 1) -> None:
        self.until(f"c.acknowledged >= {count} && s.waiting === 0")

    def place(self, x: float, y: float, pane: int = 0) -> tuple[float, float]:
        """Where on the page a point of the scene is."""
        view = self.state["views"][pane]
        frame = self.page.locator(".stage").nth(pane).bounding_box()
        assert frame is not None
        return frame["x"] + x * view["scale"] + view["x"], frame["y"] + y * view["scale"] + view["y"]

    def click_at(self, x: float, y: float) -> None:
        self.page.mouse.click(*self.place(x, y))

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Drag with the mouse between two points of the scene."""
        begin, finish = self.place(*start), self.place(*end)
        self.page.mouse.move(*begin)
        self.page.mouse.down()
        self.page.mouse.move((begin[0] + finish[0]) / 2, (begin[1] + finish[1]) / 2, steps=3)
        self.page.mouse.move(*finish, steps=3)
        self.page.mouse.up()


@pytest.fixture
def tab(server: Server, browser: Browser) -> Iterator[Callable[..., Tab]]:
    """Make tabs: `tab(person)` is logged in, `tab(None)` is not. In the end no page may have met an error."""
    tabs: list[Tab] = []
    with ExitStack() as closing:

        def make(person: User | None, beside: Tab | None = None, grace_ms: int = 0, **options: Any) -> Tab:
            if beside is None:
                context = browser.new_context(**{"viewport": DESKTOP, "reduced_motion": "reduce", **options})
                context.add_init_script(
                    f"try {{ localStorage.setItem('tessera-grace-ms', '{grace_ms}') }} catch {{}}"
                )
                closing.callback(context.close)
            else:
                context = beside.page.context
            if person is not None and beside is None:
                context.add_cookies([{"name": "sessionid", "value": session_of(person), "url": server.base}])
            tabs.append(Tab(context.new_page(), server.base))
            return tabs[-1]

        yield make
    for made in tabs:
        assert made.problems == []


@pytest.fixture
def answer_both() -> Callable[[Tab, Tab, World], tuple[list[int], list[int]]]:
    """Answer what two tabs of one person show; returns the micro-tasks of all answers, and of everything ever held."""

    def answer(first: Tab, second: Tab, world: World) -> tuple[list[int], list[int]]:
        for page in (first, second):
            page.page.bring_to_front()
            page.press("Space")
            page.acknowledged()
        answered = Answer.objects.filter(annotator=world.ada).values_list("microtask", flat=True)
        held = Assignment.objects.filter(annotator=world.ada).values_list("microtask", flat=True)
        return list(answered), list(held)

    return answer


def session_of(person: User) -> str:
    client = Client()
    client.force_login(person)
    return client.cookies["sessionid"].value
