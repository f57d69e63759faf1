"""Raw answers as JSON lines, streamed: the memory it takes does not grow with their number.

Read in pages by key, each in a statement of its own: one long snapshot would keep PostgreSQL from clearing away what the
feed leaves behind, and slow everybody's next task.
"""

import gzip
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO
from uuid import UUID

import orjson
from django.db.models import Q

from webapp.exports.operations import ExportRefused
from webapp.labeling.models import Answer
from webapp.scenes.models import Dataset

PAGE = 2_000  # answers read at once
FIELDS = {
    "id": "pk",
    "task": "microtask_id",
    "kind": "microtask__kind",
    "scene": "microtask__scene_id",
    "tile": "microtask__tile_id",
    "object": "microtask__object_id",
    "worker": "annotator_id",
    "outcome": "outcome",
    "value": "value",
    "report": "report",
    "seconds": "active_s",
    "late": "late",
    "timestamp": "created_at",
}  # by what a line calls them


def export_answers(*, dataset: Dataset, out: Path, on_progress: Callable[[int], None] | None = None) -> int:
    """Write every answer of a dataset, late ones too, to a .jsonl or .jsonl.gz; returns how many.

    One object per line, ordered by task: the keys of `FIELDS`; people are named by their number. Raises ExportRefused for
    another kind of file. An older file stays until the new one is whole.
    """
    if not out.name.endswith((".jsonl", ".jsonl.gz")):
        raise ExportRefused(
            f"{out.name}: raw answers are written as .jsonl or .jsonl.gz; give such a name for --out"
        )
    out.parent.mkdir(parents=True, exist_ok=True)
    count = 0
    with tempfile.TemporaryDirectory(prefix=".tessera-export-", dir=out.parent) as temporary:
        partial = Path(temporary) / out.name
        with _opened(partial) as file:
            for page in _pages(dataset):
                file.write(b"".join(_line(row) for row in page))
                count += len(page)
                if on_progress:
                    on_progress(count)
        os.replace(partial, out)
    return count


def _opened(path: Path) -> "BinaryIO | gzip.GzipFile":
    return gzip.open(path, "wb", compresslevel=3) if path.suffix == ".gz" else path.open("wb")


def _pages(dataset: Dataset) -> Iterator[list[tuple[Any, ...]]]:
    """All answers in the order of task and id, page by page."""
    rows = Answer.objects.filter(microtask__dataset=dataset).order_by("microtask_id", "pk")
    after: tuple[int, UUID] | None = None
    while True:
        rest = rows
        if after is not None:
            task, pk = after
            rest = rows.filter(
                Q(microtask_id__gt=task) | Q(microtask_id=task, pk__gt=pk), microtask_id__gte=task
            )
        page = list(rest.values_list(*FIELDS.values())[:PAGE])
        if page:
            yield page
            after = (page[-1][1], page[-1][0])
        if len(page) < PAGE:
            return


def _line(row: tuple[Any, ...]) -> bytes:
    return orjson.dumps(dict(zip(FIELDS, row, strict=True)), option=orjson.OPT_APPEND_NEWLINE)
