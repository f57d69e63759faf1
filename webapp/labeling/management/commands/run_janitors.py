"""Housekeeping process: expired leases, waiting grid pages, abandoned questions, finished datasets."""

import json
import signal
import threading
from argparse import ArgumentParser
from typing import Any

import numpy as np
from django.core.management.base import BaseCommand

from webapp.labeling import janitors, presence
from webapp.labeling.abandoned import Walk
from webapp.labeling.escalations import Scales


class Command(BaseCommand):
    help = "Return expired leases to the queue, close waiting grid pages, assemble finished datasets; until stopped."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="one round, then exit")
        parser.add_argument(
            "--every", type=float, default=1.0, metavar="SECONDS", help="pause between rounds (1.0)"
        )
        parser.add_argument(
            "--json", action="store_true", help="print one JSON object per round that changed something"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()
        if not options["once"]:
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: stop.set())
        rng, walk, scales = np.random.default_rng(), Walk(), Scales()
        while True:
            self.round(rng, walk, scales, as_json=options["json"])
            if options["once"] or stop.wait(options["every"]):
                return

    def round(self, rng: np.random.Generator, walk: Walk, scales: Scales, *, as_json: bool) -> None:
        now = presence.database_now()
        done = {
            "sockets_left_by_dead_processes": janitors.return_what_the_dead_hold(now),
            "leases_returned": janitors.reap_expired_leases(now),
            "pages_formed": janitors.form_pages(now, rng),
            "abandoned_settled": janitors.settle_the_abandoned(now, walk),
            "cases_weighed_again": janitors.weigh_cases_again(now, scales),
            "datasets_closed": [dataset.name for dataset in janitors.close_finished_datasets(now)],
        }
        if not any(done.values()):
            return
        if as_json:
            self.stdout.write(json.dumps(done))
        else:
            self.stdout.write(
                ", ".join(f"{name.replace('_', ' ')}: {value}" for name, value in done.items() if value)
            )
