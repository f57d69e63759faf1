"""manage.py export: the assembled annotations of a dataset as COCO or Pascal VOC."""

import argparse
import json
import sys
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from webapp.exports.formats import FORMATS
from webapp.exports.operations import ExportRefused, export_dataset
from webapp.exports.queries import dataset_of


class Command(BaseCommand):
    help = "Export the newest annotation of every scene, with who settled each object and at what risk."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--project", required=True)
        parser.add_argument("--dataset", required=True)
        parser.add_argument("--organisation", help="whose project (default: the only one of that name)")
        parser.add_argument("--format", choices=sorted(FORMATS), required=True)
        parser.add_argument(
            "--out", type=Path, required=True, help="folder, .zip or (COCO without pictures) .json"
        )
        parser.add_argument("--images", action="store_true", help="copy the pictures too")
        parser.add_argument("--overwrite", action="store_true", help="replace a folder that is not empty")
        parser.add_argument("--json", action="store_true", help="print one JSON summary on standard output")
        parser.add_argument("--no-progress", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            dataset = dataset_of(options["organisation"], options["project"], options["dataset"])
        except LookupError as missing:
            raise CommandError(str(missing.args[0])) from missing
        hidden = options["no_progress"] or options["json"] or not sys.stderr.isatty()
        columns = (TextColumn("Writing scenes"), BarColumn(), MofNCompleteColumn())
        bar = None if hidden else Progress(*columns, console=Console(stderr=True))
        with bar or nullcontext():
            task = bar.add_task("export", total=None) if bar else None
            try:
                report = export_dataset(
                    dataset=dataset,
                    format=options["format"],
                    out=options["out"],
                    images=options["images"],
                    overwrite=options["overwrite"],
                    on_progress=lambda done, total: (
                        bar.update(task, completed=done, total=total)
                        if bar is not None and task is not None
                        else None
                    ),
                )
            except ExportRefused as refused:
                if options["json"]:
                    self.stdout.write(json.dumps({"ok": False, "problems": [str(refused)]}))
                raise CommandError(str(refused)) from refused
        if options["json"]:
            self.stdout.write(json.dumps({"ok": True, **asdict(report)}))
            return
        self.stdout.write(f"{report.objects} objects of {report.scenes} scenes written to {report.path}.")
        if report.scenes_without_annotation:
            self.stdout.write(
                f"{report.scenes_without_annotation} scenes are not assembled yet and were left out."
            )
