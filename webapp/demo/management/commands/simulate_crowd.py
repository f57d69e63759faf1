"""A crowd of simulated annotators that work through the websocket feed of a running server."""

import asyncio
import json
import signal
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from webapp.demo.crowd import Journal, Truths, work


class Command(BaseCommand):
    help = (
        "Let simulated annotators log in to a running server and work through its websocket feed, until stopped. "
        "PEOPLE is a JSON list of {username, password, profile}; TRUTH maps scene ids to reference outlines and is "
        "read again when it changes (only the simulated people see it)."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--base", default="http://127.0.0.1:8000", help="address of the server (%(default)s)"
        )
        parser.add_argument("--people", type=Path, required=True, help="JSON file of accounts and profiles")
        parser.add_argument(
            "--truth", type=Path, required=True, help="JSON file of reference outlines by scene id"
        )
        parser.add_argument(
            "--journal", type=Path, required=True, help="file that every acknowledgement is appended to"
        )
        parser.add_argument(
            "--seconds", type=float, help="stop after this long (default: when told to by a signal)"
        )
        parser.add_argument("--json", action="store_true", help="print a JSON summary at the end")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            people = json.loads(options["people"].read_text())
        except (OSError, json.JSONDecodeError) as error:
            raise CommandError(f"--people: {error}") from error
        answers = asyncio.run(self.run(options, people))
        summary = {"people": len(people), "answers": answers}
        self.stdout.write(
            json.dumps(summary) if options["json"] else f"{answers} answers by {len(people)} people"
        )

    async def run(self, options: dict[str, Any], people: list[dict[str, Any]]) -> int:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        if options["seconds"]:
            loop.call_later(options["seconds"], stop.set)
        return await work(
            options["base"], people, Truths(options["truth"]), Journal(options["journal"]), stop
        )
