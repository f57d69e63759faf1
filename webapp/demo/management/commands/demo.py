"""The main job end to end: raw scenes in, measured annotations out."""

import fcntl
import json
import os
import shutil
import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TextIO

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from engine import jobs
from models import datasets
from models.assets import AssetError
from webapp.demo import report, seed, stages
from webapp.demo.processes import ChildDied, Children, free_port, wait_until_healthy
from webapp.demo.stages import Clock, StageFailed
from webapp.exports.operations import export_dataset

PORT = 8765  # preferred
LOCK_WAIT_S = 60.0


class Command(BaseCommand):
    help = (
        "Annotate real aerial scenes from nothing: a simulated crowd works through the websocket feed, a model is "
        "trained on the result and pre-labels the next scenes. Ends with a report in out/. If it is cut off at any point, the "
        "same command continues; after a finished run it starts afresh (with --serve it shows the finished one)."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--serve", action="store_true", help="leave the server running for people to join"
        )
        parser.add_argument("--fresh", action="store_true", help="forget an unfinished run and start afresh")
        parser.add_argument(
            "--seed", type=int, default=7, help="of the crowd, the tiles and the training (%(default)s)"
        )
        parser.add_argument(
            "--crowd", type=int, default=28, help="simulated people, specialists included (%(default)s)"
        )
        parser.add_argument(
            "--train-seconds", type=float, default=200.0, help="most wall time of the training (%(default)s)"
        )
        parser.add_argument(
            "--quick",
            action="store_true",
            help="two small scenes only: shows that every part works, not how well",
        )
        parser.add_argument("--json", action="store_true", help="print the report as JSON at the end")

    def handle(self, *args: Any, **options: Any) -> None:
        if "DATABASE_URL" not in os.environ and settings.VAR_DIR.name != "demo":
            # The demo has a place of its own, beside whatever else the embedded database holds.
            os.environ["TESSERA_VAR"] = str(settings.VAR_DIR / "demo")
            os.execv(sys.executable, [sys.executable, *sys.argv])
        console = Console(stderr=options["json"])
        lock = _only_one(settings.VAR_DIR / "lock", console)
        try:
            Demo(console, options).run()
        except (StageFailed, ChildDied, AssetError) as error:
            raise CommandError(str(error)) from error
        finally:
            lock.close()


def _only_one(path: Path, console: Console) -> TextIO:
    """Hold the demo's lock; the kernel frees it when a demo is killed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = path.open("w")
    deadline = time.monotonic() + LOCK_WAIT_S
    told = False
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return lock
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise CommandError("another `make demo` is running; wait for it or stop it") from None
            if not told:
                console.print("another demo is still ending; waiting for it")
                told = True
            time.sleep(0.5)


class Demo:
    """One attempt at the whole demo."""

    def __init__(self, console: Console, options: dict[str, Any]) -> None:
        self.console, self.options = console, options
        self.var: Path = settings.VAR_DIR
        self.finished = self.var / "finished"
        if options["fresh"] or (self.finished.exists() and not options["serve"]):
            _forget(self.var)
        self.clock = Clock(self.var / "seconds.json")
        self.base = ""

    def run(self) -> None:
        with self.clock.stage("setup"):
            survey = self.prepare()
        with Children(self.var / "logs") as children:
            with self.clock.stage("start"):
                self.start(children)
            if not self.finished.exists():
                self.annotate(children)
                with self.clock.stage("report"):
                    self.report(survey)
                self.finished.write_text(timezone.now().isoformat())
            if self.options["serve"]:
                self.serve(children)

    # Stages --------------------------------------------------------------------------------------------------

    def prepare(self) -> Path:
        """Fetch data and weights, make tables, projects and accounts."""
        with _bars(self.console) as bars:
            task = bars.add_task("data and weights", total=None)

            def told(stage: str, done: float, total: float) -> None:
                bars.update(task, description=stage[:40], completed=done, total=total or None)

            survey, photographs = datasets.trees(told), datasets.photos(told)
            coco = list(jobs.pretrained(told).labels)
            bars.update(task, description="tables and accounts", completed=0, total=None)
            call_command("migrate", verbosity=0)
            seed.seed(
                survey, photographs, coco, self.var, crowd=self.options["crowd"], seed=self.options["seed"],
                quick=self.options["quick"],
            )  # fmt: skip
            bars.update(task, description="ready", completed=1, total=1)
        return survey

    def start(self, children: Children) -> None:
        port = free_port(PORT)
        self.base = f"http://127.0.0.1:{port}"
        children.start(
            "server", sys.executable, "-m", "uvicorn", "webapp.config.asgi:application", "--host", "127.0.0.1",
            "--port", str(port), "--ws", "websockets-sansio", "--ws-per-message-deflate", "false", "--log-level",
            "warning",
        )  # fmt: skip
        children.manage("janitor", "run_janitors", "--every", "0.5")
        children.manage("engine", "run_engine")
        wait_until_healthy(self.base, children)

    def annotate(self, children: Children) -> None:
        """Cold start, learn, warm."""
        self.follow_run("photographs", stages.open_photographs(), children)
        children.manage(
            "crowd", "simulate_crowd", "--base", self.base, "--people", str(self.var / "people.json"),
            "--truth", str(self.var / "truth.json"), "--journal", str(self.var / "journal.jsonl"),
        )  # fmt: skip
        self.annotate_batch("cold", None, children)
        run = stages.learn(self.options["seed"], self.options["train_seconds"])
        self.follow_run("learn", run, children)
        self.annotate_batch("warm", stages.promoted_model(), children)
        children.stop("crowd")

    def annotate_batch(self, name: str, model: Any, children: Children) -> None:
        self.follow_run(f"{name}: open", stages.open_batch(name, model), children)
        dataset = stages.dataset_of(seed.TREES, seed.BATCHES[name])
        with self.clock.stage(f"{name}: annotate"), _bars(self.console) as bars:
            task = bars.add_task(f"{name}: annotate", total=1)
            for now in stages.wait_for_dataset(dataset, children):
                bars.update(
                    task, total=max(now.tiles, 1), completed=now.tiles_done,
                    description=f"{name}: {now.settled}/{now.objects} objects, {now.answers} answers",
                )  # fmt: skip
            bars.update(task, completed=max(now.tiles, 1))

    def follow_run(self, name: str, run: Any, children: Children) -> None:
        with self.clock.stage(name), _bars(self.console) as bars:
            task = bars.add_task(name, total=None)
            for current in stages.wait_for_run(run, children):
                progress = current.progress
                if progress:
                    note = " ".join(f"{k} {v:.3g}" for k, v in progress.get("values", {}).items())
                    bars.update(
                        task, completed=progress["done"], total=progress["total"] or 1,
                        description=f"{name}: {progress['stage']} {note}"[:60],
                    )  # fmt: skip
            bars.update(task, completed=1, total=1, description=name)

    # The end -------------------------------------------------------------------------------------------------

    def report(self, survey: Path) -> None:
        out: Path = settings.OUT_DIR
        out.mkdir(parents=True, exist_ok=True)
        numbers = report.measure_all(survey, self.var / "journal.jsonl", self.clock, self.options["seed"])
        (out / "report.json").write_text(json.dumps(numbers, indent=2))
        report.write_page(out / "report.html", numbers, survey)
        for name, title in seed.BATCHES.items():
            dataset = stages.dataset_of(seed.TREES, title)
            export_dataset(
                dataset=dataset, format="coco", out=out / f"{name}.coco.json", images=False, overwrite=True
            )
        report.print_table(self.console, numbers)
        self.console.print(
            f"\nReport: {out / 'report.html'} and report.json; annotations: cold.coco.json, warm.coco.json"
        )
        if self.options["json"]:
            print(json.dumps(numbers))

    def serve(self, children: Children) -> None:
        self.console.print(f"\n[bold]Tessera is at {self.base}[/bold]. Log in as one of")
        for username, role, name in seed.ACCOUNTS:
            self.console.print(f"  {username:<11} password {seed.PASSWORD}   {name}, {role.label}")
        self.console.print("Press Ctrl+C to stop.")
        try:
            while True:
                children.check()
                time.sleep(1)
        except KeyboardInterrupt:
            self.console.print("stopping")


def _bars(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description:<46}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"), TimeElapsedColumn(),
        console=console, refresh_per_second=4,
    )  # fmt: skip


def _forget(var: Path) -> None:
    """Remove an earlier demo, except the lock that this one holds and the log folder."""
    for path in _children(var):
        if path.name not in ("lock", "secret_key"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def _children(folder: Path) -> Iterable[Path]:
    return list(folder.iterdir()) if folder.exists() else []
