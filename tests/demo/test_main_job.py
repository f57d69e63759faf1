"""The main job as a newcomer runs it, on the embedded default, with each of its processes killed on the way."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 600.0
BATCH_KEYS = {
    "precision", "recall", "mean_iou", "objects", "answers", "human_seconds", "human_seconds_per_object",
    "auto_accepted", "escalated", "cost",
}  # fmt: skip


class Attempt:
    """One run of the command in a folder of its own; what it leaves there is what the next attempt finds."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        environment = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "REDIS_URL")}
        environment |= {"TESSERA_VAR": str(folder / "demo"), "TESSERA_OUT": str(folder / "out")}
        command = [sys.executable, "manage.py", "demo", "--quick", "--crowd", "24", "--train-seconds", "30"]
        self.log = (folder / "console.log").open("a+b")
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=self.log, stderr=subprocess.STDOUT
        )

    def child(self, words: str) -> int:
        """Pid of the demo's own process whose command line holds `words`."""
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except (OSError, ValueError):
                continue  # It ended while we looked.
            if parent == self.process.pid and words in line:
                return int(entry.name)
        raise AssertionError(f"no process of the demo runs {words}")

    def wait_for(self, ready: Any, what: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not ready():
            assert self.process.poll() is None, f"the demo ended before {what}:\n{self.told()}"
            assert time.monotonic() < deadline, f"no {what} within {PATIENCE_S:.0f} s:\n{self.told()}"
            time.sleep(0.1)

    def kill(self, words: str) -> None:
        os.kill(self.child(words), signal.SIGKILL)
        assert self.process.wait(PATIENCE_S) != 0

    def told(self) -> str:
        return (self.folder / "console.log").read_text(errors="replace")[-3000:]

    def answers(self) -> int:
        journal = self.folder / "demo" / "journal.jsonl"
        return len(journal.read_text().splitlines()) if journal.exists() else 0

    def is_learning(self) -> bool:
        """Whether the training of a model has begun, as the product's own row says."""
        with closing(sqlite3.connect(self.folder / "demo" / "tessera.sqlite3", timeout=30)) as database:
            rows = database.execute(
                "SELECT count(*) FROM pipeline_run WHERE kind = 'retrain' AND state = 'running' AND progress LIKE '%train%'"
            )
            return bool(rows.fetchone()[0])

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(60)
        self.log.close()


@pytest.fixture
def attempts(tmp_path: Path) -> Iterator[Any]:
    made: list[Attempt] = []

    def begin() -> Attempt:
        made.append(Attempt(tmp_path))
        return made[-1]

    yield begin
    for attempt in made:
        attempt.close()


@pytest.mark.slow
@pytest.mark.ray
@pytest.mark.timeout(3 * PATIENCE_S)
class TestMainJob:
    def test_ends_with_its_guarantees_although_every_process_was_killed_once(self, attempts: Any) -> None:
        first = attempts()
        first.wait_for(lambda: first.answers() > 60, "sixty answers")
        first.kill("uvicorn")
        assert "run the same command again" in " ".join(first.told().split())

        second = attempts()
        before = second.answers()
        second.wait_for(lambda: second.answers() > before + 60, "sixty more answers")
        second.kill("simulate_crowd")

        third = attempts()
        third.wait_for(third.is_learning, "training")
        third.kill("run_engine")

        last = attempts()
        assert last.process.wait(2 * PATIENCE_S) == 0, last.told()
        out = last.folder / "out"
        report = json.loads((out / "report.json").read_text())
        assert report["guarantees"] == {"lost": 0, "over_overlap": 0, "double_leases": 0}
        for batch in report["batches"].values():
            assert batch.keys() >= BATCH_KEYS
            assert batch["precision"] > 0.9 and batch["recall"] > 0.8 and batch["mean_iou"] > 0.75
        assert report["model"]["ap50_after"] > report["model"]["ap50_before"]
        assert report["seed"] == 7 and report["seconds"]["total"] > 0
        for name in ("cold", "warm"):
            coco = json.loads((out / f"{name}.coco.json").read_text())
            assert len(coco["annotations"]) == report["batches"][name]["objects"]
        assert (
            "<svg" in (out / "report.html").read_text() or "data:image" in (out / "report.html").read_text()
        )
