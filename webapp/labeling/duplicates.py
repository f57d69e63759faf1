"""Two accepted objects on one place: before a dataset is closed, people say whether they are one."""

import random
from collections.abc import Sequence
from datetime import datetime
from itertools import groupby

import numpy as np

from routing.annotation.boxes import as_boxes, ios_matrix, iou_matrix
from webapp.labeling.book import Book
from webapp.labeling.lifecycle import fulfil_wishes
from webapp.labeling.models import Refinement, SceneObject
from webapp.labeling.payloads import Live
from webapp.labeling.refining_open import begin
from webapp.scenes.models import Dataset

SAME_IOU = 0.6  # boxes of one class that overlap so much are worth a question
INSIDE_IOS = 0.85  # as are boxes of which one lies in the other


def ask_about_duplicates(dataset: Dataset, *, now: datetime) -> int:
    """Open a `merge_duplicates` question for every pair that has not been asked about; returns how many were opened."""
    rows = SceneObject.objects.filter(scene__dataset=dataset, state=SceneObject.State.ACCEPTED)
    accepted = list(rows.select_related("scene").order_by("scene_id", "pk"))
    asked = set(
        Refinement.objects.filter(scene__dataset=dataset, kind="merge_duplicates").values_list(
            "object_id", "aspect"
        )
    )
    book = Book(now)
    opened = 0
    for _, members in groupby(accepted, key=lambda row: row.scene_id):
        for first, second in suspects(list(members)):
            if (first.pk, f"same:{second.pk}") not in asked:
                _open(book, dataset, first, second)
                opened += 1
    if opened:
        book.save_objects()
        fulfil_wishes(book)
        book.save_rest()
    return opened


def suspects(rows: Sequence[SceneObject]) -> list[tuple[SceneObject, SceneObject]]:
    """Pairs of objects of one class that may be one, each object in at most one pair, the closest pairs first."""
    if len(rows) < 2:
        return []
    boxes = as_boxes([row.box for row in rows])
    labels = np.array([row.label for row in rows])
    overlap, inside = iou_matrix(boxes, boxes), ios_matrix(boxes, boxes)
    close = ((overlap >= SAME_IOU) | (inside >= INSIDE_IOS)) & (labels[:, None] == labels[None])
    pairs = sorted(np.argwhere(np.triu(close, 1)).tolist(), key=lambda p: (-overlap[p[0], p[1]], p))
    taken: set[int] = set()
    found = []
    for i, j in pairs:
        if not taken & {i, j}:
            taken |= {i, j}
            found.append((rows[i], rows[j]))
    return found


def _open(book: Book, dataset: Dataset, first: SceneObject, second: SceneObject) -> None:
    book.load_objects([first.pk, second.pk])
    book.load_tiles([first.tile_id])
    pair = [Live(row.pk, row.box, row.label).shown() for row in (first, second)]
    random.shuffle(pair)
    refinement = Refinement(
        scene_id=first.scene_id, object=book.objects[first.pk], aspect=f"same:{second.pk}", kind="merge_duplicates",
        box=list(first.box),
    )  # fmt: skip
    begin(book, refinement, {"a": pair[0], "b": pair[1]}, dataset.project)
