"""manage.py import_dataset: pictures, with or without annotations, become scenes of a dataset."""

import argparse
import json
import sys
import time
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from routing.annotation.schema import SchemaError
from webapp.people.models import Organisation
from webapp.scenes.importers import FORMATS
from webapp.scenes.importers.records import ImportRefused
from webapp.scenes.operations import ImportReport, NewProject, import_path


class Command(BaseCommand):
    help = "Import pictures (a folder, one file or a zip), COCO JSON or Pascal VOC XML into a dataset. All or nothing."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("path", type=Path, help="folder, picture, .zip, COCO .json or VOC .xml")
        parser.add_argument("--project", required=True, help="name of the project")
        parser.add_argument(
            "--dataset", help="name of the dataset (default: the name of PATH); made when missing"
        )
        parser.add_argument("--organisation", help="whose project (default: the only organisation)")
        parser.add_argument("--format", choices=["auto", *FORMATS], default="auto")
        parser.add_argument(
            "--images", type=Path, help="folder of the pictures, when they do not lie below PATH"
        )
        parser.add_argument(
            "--ignore", action="append", default=[], metavar="GLOB", help="leave these files out"
        )
        parser.add_argument(
            "--keep-folders", action="store_true", help="name scenes by path instead of file name"
        )
        parser.add_argument(
            "--drop-invalid", action="store_true", help="skip and report unsound boxes, not refuse"
        )
        parser.add_argument(
            "--create-project", action="store_true", help="make the project when there is none"
        )
        parser.add_argument("--domain", help="subject area of a new project, e.g. aerial")
        parser.add_argument(
            "--classes", help="classes of a new project, comma-separated (default: those in the files)"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON summary on standard output")
        parser.add_argument("--no-progress", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        started = time.monotonic()
        try:
            report = self._import(options)
        except ImportRefused as refused:
            self._refuse(refused.lines(), len(refused.problems), options["json"])
        except SchemaError as error:
            self._refuse([f"--classes: {error}"], 1, options["json"])
        else:
            if options["verbosity"] or options["json"]:
                self._summarise(report, time.monotonic() - started, options["json"])

    def _import(self, options: dict[str, Any]) -> ImportReport:
        path: Path = options["path"]
        new_project = None
        if options["create_project"]:
            if not options["domain"]:
                raise CommandError("--create-project needs --domain, e.g. --domain aerial")
            classes = tuple(c.strip() for c in (options["classes"] or "").split(",") if c.strip())
            new_project = NewProject(options["domain"], classes)
        hidden = options["no_progress"] or options["json"] or not sys.stderr.isatty()
        columns = (TextColumn("Checking pictures"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        bar = None if hidden else Progress(*columns, console=Console(stderr=True))
        with bar or nullcontext():
            task = bar.add_task("import", total=None) if bar else None
            return import_path(
                path=path,
                organisation=_organisation(options["organisation"], make=options["create_project"]),
                project_name=options["project"],
                dataset_name=options["dataset"] or path.resolve().stem,
                new_project=new_project,
                format=options["format"],
                images=options["images"],
                ignore=options["ignore"],
                keep_folders=options["keep_folders"],
                drop_invalid=options["drop_invalid"],
                on_progress=lambda done, total: (
                    bar.update(task, completed=done, total=total)
                    if bar is not None and task is not None
                    else None
                ),
            )

    def _refuse(self, lines: list[str], count: int, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps({"ok": False, "problems": lines, "problem_count": count}))
        for line in lines:
            self.stderr.write(line)
        raise CommandError(f"Nothing was imported: {count} problem(s).", returncode=1)

    def _summarise(self, report: ImportReport, seconds: float, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps({"ok": True, **asdict(report), "seconds": round(seconds, 3)}))
            return
        self.stdout.write(f"{report.scenes} scenes with {report.boxes} boxes imported in {seconds:.1f} s.")
        _say(self, report.already_there, "already there")
        _say(self, report.copies, "copies of another picture, skipped")
        _say(self, report.dropped, "unsound boxes dropped")
        if report.left_out:
            self.stdout.write(f"{report.left_out} pictures left out: no annotation file mentions them.")


def _say(command: BaseCommand, entries: list[str], what: str) -> None:
    if entries:
        command.stdout.write(f"{len(entries)} {what}:")
        for entry in entries[: ImportRefused.SHOWN]:
            command.stdout.write(f"  {entry}")
        if len(entries) > ImportRefused.SHOWN:
            command.stdout.write(f"  … and {len(entries) - ImportRefused.SHOWN} more")


def _organisation(name: str | None, *, make: bool) -> Organisation:
    found = list(Organisation.objects.filter(name=name) if name else Organisation.objects.all()[:2])
    if len(found) == 1:
        return found[0]
    if not found and make:
        return Organisation(name=name or "Default")  # Stored with the scenes, if they are.
    if not found:
        raise CommandError(
            "There is no such organisation. Pass --create-project to make one, or check --organisation."
        )
    raise CommandError("There are several organisations; say whose project with --organisation.")
