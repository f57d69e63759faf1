"""The bulk measurements, in a process with Django whose database the environment names; prints one JSON object.

bulk.py create SCENES OBJECTS | progress ANSWERS | export OBJECTS FOLDER | answers FOLDER (after progress)
"""

import json
import resource
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import django

django.setup()

import numpy as np  # noqa: E402
from django.db import connection, transaction  # noqa: E402
from django.utils import timezone  # noqa: E402

from webapp.devtools import stock  # noqa: E402
from webapp.exports.answers import export_answers  # noqa: E402
from webapp.exports.operations import export_dataset  # noqa: E402
from webapp.labeling import grids, loading  # noqa: E402
from webapp.labeling.models import (  # noqa: E402
    Annotation,
    Answer,
    Assignment,
    Event,
    Microtask,
    ObjectVersion,
    SceneObject,
    Tally,
    Tile,
)
from webapp.labeling.opener import WORKERS, Opener  # noqa: E402
from webapp.labeling.planned import PlannedObject, PlannedTile  # noqa: E402
from webapp.ops.queries import scope_of  # noqa: E402
from webapp.ops.room import room  # noqa: E402
from webapp.ops.status import refresh  # noqa: E402
from webapp.people.models import Role, User  # noqa: E402
from webapp.people.operations import create_organisation, create_person  # noqa: E402
from webapp.pipeline.models import Run  # noqa: E402
from webapp.projects.models import Project  # noqa: E402
from webapp.projects.operations import create_project  # noqa: E402
from webapp.scenes.models import Dataset, Scene  # noqa: E402

SIDE = 4_000.0  # pixels of a scene
COUNTED = (Tile, SceneObject, ObjectVersion, Microtask, Assignment, Event)


def world() -> tuple[Project, Dataset]:
    organisation = create_organisation(name="Bulk")
    project = Project.objects.filter(organisation=organisation).first() or create_project(
        organisation=organisation, name="Bulk", domain="aerial", classes=["tree"]
    )
    dataset, _ = Dataset.objects.get_or_create(project=project, name="bulk")
    return project, dataset


def rows() -> int:
    return sum(table.objects.count() for table in COUNTED)


def scenes(dataset: Dataset, count: int) -> list[Scene]:
    first = Scene.objects.filter(dataset=dataset).count()
    side = int(SIDE)
    return Scene.objects.bulk_create(
        [
            Scene(dataset=dataset, name=f"{n}.png", sha256=f"{n:064x}", file="none", width=side, height=side)
            for n in range(first, first + count)
        ]
    )


def create(count: int, objects: int, workers: int = WORKERS) -> dict[str, Any]:
    """Pre-labels become tiles, objects and questions: `Opener`, as a pre-labelling run calls it, and grid pages."""
    project, dataset = world()
    run = Run.objects.create(project=project, dataset=dataset, kind=Run.Kind.PRELABEL)
    rng = np.random.default_rng(0)
    todo, before, tasks = scenes(dataset, count), rows(), Microtask.objects.count()
    loading.spare_the_collector()  # as `manage.py run_engine` does
    start, cpu = time.perf_counter(), time.process_time()
    with Opener(run, workers=workers) as opener:
        for scene in todo:
            tiles = [
                PlannedTile(f"{n}", (SIDE / 4 * n, 0, SIDE / 4, SIDE), (SIDE / 4 * n, 0, SIDE / 4, SIDE), 1.0)
                for n in range(4)
            ]
            opener.open(scene, tiles, planned(objects, rng))
    while _paged(rng):
        pass
    took, cpu = time.perf_counter() - start, time.process_time() - cpu
    made = rows() - before
    return {
        "copy_rows_s": round(copied()), "rows": made, "tasks": Microtask.objects.count() - tasks, "seconds": round(took, 2),
        "rows_s": round(made / took), "client_cpu_us_per_row": round(1e6 * cpu / made, 1),
    }  # fmt: skip


def copied() -> float:
    """What the database can do by itself: rows per second when the same rows, ready made, are read back in by COPY, with all
    indexes and foreign keys."""
    tables = [table._meta.db_table for table in COUNTED]
    count = rows()
    connection.ensure_connection()
    with connection.connection.cursor() as cursor:
        held = []
        for table in tables:
            with cursor.copy(f"COPY {table} TO STDOUT") as copy:
                held.append([bytes(part) for part in copy])
        cursor.execute(f"TRUNCATE {', '.join(tables)} CASCADE")
        start = time.perf_counter()
        for table, parts in zip(tables, held, strict=True):
            with cursor.copy(f"COPY {table} FROM STDIN") as copy:
                for n in range(0, len(parts), 500):
                    copy.write(b"".join(parts[n : n + 500]))
        seconds = time.perf_counter() - start
    return count / seconds


def planned(count: int, rng: np.random.Generator) -> list[PlannedObject]:
    places = rng.uniform(0, SIDE - 80, (count, 2))
    good = rng.uniform(0.2, 0.9, count)
    return [
        PlannedObject([x, y, x + 60, y + 50], 0, float(p), float(min(1.0, p + 0.1)), f"{int(x // (SIDE / 4))}", score=float(p))
        for (x, y), p in zip(places.tolist(), good, strict=True)
    ]  # fmt: skip


def _paged(rng: np.random.Generator) -> int:
    with transaction.atomic():
        return grids.form_pages(now=timezone.now(), rng=rng, flush=True)


def progress(answers: int) -> dict[str, Any]:
    """The operations room of a project with so many answers: its rows are multiplied by PostgreSQL, counted once by the
    roll-up, and then read as a manager's browser reads them."""
    project, dataset = world()
    stock.deliver([project], answers)
    people = [
        User.objects.get_or_create(username=f"bulk{n}", organisation=project.organisation)[0].pk
        for n in range(200)
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH done AS (UPDATE labeling_assignment SET state = 'answered', annotator_id = (%s::bigint[])[1 + id %% 200]"
            " WHERE state = 'open' AND project_id = %s RETURNING id, microtask_id, annotator_id)"
            " INSERT INTO labeling_answer (id, assignment_id, microtask_id, annotator_id, outcome, value, telemetry, active_s,"
            " late, created_at) SELECT gen_random_uuid(), id, microtask_id, annotator_id, 'answered', '{\"verdict\": \"ok\"}',"
            " '{}', 1.8, false, now() FROM done",
            [people, project.pk],
        )
        cursor.execute("UPDATE labeling_microtask SET state = 'resolved' WHERE project_id = %s", [project.pk])
    minute = timezone.now().replace(second=0, microsecond=0)
    span = max(1, answers // 2_000)  # minutes: ten answers per person and minute
    Tally.objects.bulk_create(
        [
            Tally(dataset=dataset, kind="verify_box", annotator_id=pk, minute=minute - timedelta(minutes=m),
                  answers=10, active_s=18.0)
            for m in range(span) for pk in people
        ],
        batch_size=5_000, ignore_conflicts=True,
    )  # fmt: skip
    viewer = User.objects.filter(username="bulkmanager").first() or create_person(
        organisation=project.organisation, username="bulkmanager", role=Role.MANAGER
    )
    start = time.perf_counter()
    refresh([dataset.pk])
    counted_ms = 1000 * (time.perf_counter() - start)
    took = []
    for _ in range(7):
        start = time.perf_counter()
        scope = scope_of(viewer, project.pk)
        assert scope is not None
        shown = room(viewer, scope, now=timezone.now())
        took.append(1000 * (time.perf_counter() - start))
    return {
        "answers": answers, "shown_answers": shown.header.answers, "room_ms": round(float(np.median(took)), 1),
        "first_ms": round(took[0], 1), "recount_ms": round(counted_ms, 1),
    }  # fmt: skip


def export(objects: int, folder: str) -> dict[str, Any]:
    """Export of so many assembled objects as COCO: time, and how much memory grows from a tenth of them to all."""
    _, dataset = world()
    each = 500
    rng = np.random.default_rng(0)
    peaks = []
    for part in (max(1, objects // 10), objects):
        missing = part // each - Annotation.objects.filter(scene__dataset=dataset).count()
        for scene in scenes(dataset, max(0, missing)):
            Annotation.objects.create(scene=scene, number=1, content=[_entry(n, rng) for n in range(each)])
        start = time.perf_counter()
        report = export_dataset(dataset=dataset, format="coco", out=Path(folder) / f"{part}.json")
        peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    took = time.perf_counter() - start
    return {
        "objects": report.objects, "seconds": round(took, 2), "objects_s": round(report.objects / took),
        "peak_mb_at_a_tenth": round(peaks[0] / 1024), "peak_mb": round(peaks[1] / 1024),
    }  # fmt: skip


def raw(folder: str) -> dict[str, Any]:
    """Export of all the project's answers: time, and how much memory grows from a tenth of them to all."""
    _, dataset = world()
    dataset = dataset.project.datasets.get(name="bench")
    everything = Answer.objects.filter(microtask__dataset=dataset).count()
    tenth = 0

    def seen(done: int) -> None:
        nonlocal tenth
        if done <= everything // 10:
            tenth = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    start = time.perf_counter()
    count = export_answers(dataset=dataset, out=Path(folder) / "answers.jsonl", on_progress=seen)
    took = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "answers": count, "seconds": round(took, 2), "answers_s": round(count / took),
        "peak_mb_at_a_tenth": round(tenth / 1024), "peak_mb": round(peak / 1024),
    }  # fmt: skip


def _entry(number: int, rng: np.random.Generator) -> dict[str, Any]:
    x, y = rng.uniform(0, SIDE - 80, 2).round(1).tolist()
    return {
        "object": number, "label": 0, "box": [x, y, x + 60, y + 50], "risk": 0.02, "settled_by": "consensus",
        "answers": 2,
    }  # fmt: skip


def main() -> None:
    match sys.argv[1:]:
        case ["create", count, objects]:
            result = create(int(count), int(objects))
        case ["progress", answers]:
            result = progress(int(answers))
        case ["export", objects, folder]:
            result = export(int(objects), folder)
        case ["answers", folder]:
            result = raw(folder)
        case _:
            sys.exit(__doc__)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
