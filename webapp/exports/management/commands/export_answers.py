"""manage.py export_answers: every answer that people gave in a dataset, as JSON lines."""

import argparse
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from webapp.exports.answers import export_answers
from webapp.exports.operations import ExportRefused
from webapp.exports.queries import dataset_of


class Command(BaseCommand):
    help = (
        "Export every answer of a dataset, one JSON object per line; memory does not grow with their number."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--project", required=True)
        parser.add_argument("--dataset", required=True)
        parser.add_argument("--organisation", help="whose project (default: the only one of that name)")
        parser.add_argument("--out", type=Path, required=True, help="a .jsonl or .jsonl.gz")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            dataset = dataset_of(options["organisation"], options["project"], options["dataset"])
            count = export_answers(dataset=dataset, out=options["out"])
        except (ExportRefused, LookupError) as refused:
            raise CommandError(str(refused.args[0])) from refused
        self.stdout.write(f"{count} answers written to {options['out']}.")
