"""The engine process: claims runs and carries them out with models on Ray."""

import json
import signal
import threading
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from webapp.labeling import loading
from webapp.pipeline import claims, engine_runner
from webapp.pipeline.models import Run


class Command(BaseCommand):
    help = (
        "Claim waiting runs (pre-labelling, retraining) and carry them out, until stopped. A run whose engine was "
        "killed is taken up again where it was. RAY_ADDRESS joins a cluster; otherwise Ray starts on this machine."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="exit when no run is waiting")
        parser.add_argument(
            "--every", type=float, default=0.5, metavar="SECONDS", help="how often to look (0.5)"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object per finished run")

    def handle(self, *args: Any, **options: Any) -> None:
        loading.spare_the_collector()
        stop = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: _leave(stop))
        while not stop.is_set():
            run = claims.claim_next(timezone.now())
            if run is None:
                if options["once"] or stop.wait(options["every"]):
                    return
                continue
            engine_runner.execute(run)
            run.refresh_from_db()
            self.tell(run, as_json=options["json"])

    def tell(self, run: Run, *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(
                json.dumps({"run": run.pk, "kind": run.kind, "state": run.state, "result": run.result})
            )
        elif run.state == Run.State.FAILED:
            self.stderr.write(f"{run} failed: {run.error}")
        else:
            self.stdout.write(f"{run} {run.state}: {run.result}")


def _leave(stop: threading.Event) -> None:
    """End at once: a run that is cut off here is taken up again by the next engine."""
    stop.set()
    raise SystemExit(0)
