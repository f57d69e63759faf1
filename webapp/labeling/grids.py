"""Pages of the grid: objects that wait for a quick look are put on pages of one class, with a few known mistakes among
them (seeds), which keep attention up and measure everyone who looks."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
from django.db import connection

from routing.gold import Seed, make_seed_boxes, seeds_needed
from webapp.labeling import bulk, payloads
from webapp.labeling.book import Book, Wish, unclaimed
from webapp.labeling.lifecycle import fulfil_wishes, project_of, value_of, wish_about
from webapp.labeling.models import SceneObject
from webapp.labeling.shelf import Shelf

Boxes = npt.NDArray[np.float64]  # (N, 4), scene pixels

MAX_WAIT = timedelta(seconds=2)  # an incomplete page is closed when its oldest object has waited this long
BATCH = 480  # objects put on pages in one transaction,
MOST_GROUPS = 40  # of so many scenes and classes
MOST_LOOKED_AT = 1_500  # objects that have waited longest


def form_pages(
    *, now: datetime, rng: np.random.Generator, flush: bool = False, shelf: Shelf | None = None
) -> int:
    """Put waiting objects on pages, in the caller's transaction; returns the number of pages made."""
    book = Book(now, shelf)
    due = _due(book, flush)
    if not due:
        return 0
    query = SceneObject.objects.filter(state=SceneObject.State.GRID, scene__in={scene for scene, _ in due})
    book.load_objects(unclaimed(query.order_by("queued_at")).values_list("pk", flat=True)[:BATCH])
    # Tiles are only read: they are locked before objects' records elsewhere, and waiting for one here could deadlock.
    book.load_tiles({row.tile_id for row in book.objects.values()}, lock=False)
    groups: dict[tuple[int, int], list[SceneObject]] = defaultdict(list)
    for row in sorted(book.objects.values(), key=lambda r: (r.queued_at or now, r.pk)):
        tile = book.tiles[row.tile_id]
        row._state.fields_cache |= {"tile": tile, "scene": tile.scene}
        groups[(row.scene_id, row.label)].append(row)
    boxes = _standing({scene for scene, _ in groups})
    for group in due:
        if rows := groups.get(group):
            _form(book, rows, boxes[group[0]], rng, flush)
    bulk.execute(
        f"UPDATE labeling_sceneobject SET state = '{SceneObject.State.ASKED}', queued_at = NULL WHERE id {{ids}}",
        sorted(pk for pk, row in book.objects.items() if row.state == SceneObject.State.ASKED),
    )
    made = fulfil_wishes(book)
    book.save_rest()
    return made


def fill_pages(
    book: Book, rows: Sequence[SceneObject], everything: Sequence[Sequence[float]], rng: np.random.Generator
) -> None:
    """Put objects of one scene, new ones that nobody touched, on as many full pages as they fill; the rest goes on waiting.

    `everything` holds the boxes of all objects of the scene, on none of which a seed may lie.
    """
    if not rows:
        return
    size = book.policy(project_of(rows[0].tile)).grid_size
    live = np.array(everything, float)
    classes: dict[int, list[SceneObject]] = defaultdict(list)
    for row in rows:
        classes[row.label].append(row)
    for same in classes.values():
        for start in range(0, len(same) - size + 1, size):
            _page(book, same[start : start + size], live, rng)


def _due(book: Book, flush: bool) -> list[tuple[int, int]]:
    """Scenes and classes of which enough objects wait for a full page, or one has waited long; the oldest first.

    Only those that have waited longest are counted, so that looking costs the same however many wait.
    """
    long_ago = connection.ops.adapt_datetimefield_value(book.now - MAX_WAIT)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT scene_id, label, count(*), min(queued_at) < %s FROM ("
            "SELECT scene_id, label, queued_at FROM labeling_sceneobject WHERE state = 'grid' AND scene_id NOT IN ("
            "SELECT s.id FROM scenes_scene s JOIN scenes_dataset d ON d.id = s.dataset_id"
            " JOIN projects_project p ON p.id = d.project_id WHERE p.paused OR d.paused)"
            f" ORDER BY queued_at LIMIT {MOST_LOOKED_AT}) AS waiting GROUP BY scene_id, label ORDER BY min(queued_at)",
            [long_ago],
        )
        rows = cursor.fetchall()
    book.shelf.load_scenes({scene for scene, *_ in rows})
    due = []
    for scene, label, count, late in rows:
        size = book.policy(book.shelf.scene(scene).dataset.project).grid_size
        if flush or late or count >= size:
            due.append((scene, label))
    return due[:MOST_GROUPS]


def _standing(scenes: set[int]) -> dict[int, Boxes]:
    """The boxes of the objects of each scene that were not rejected."""
    rows = bulk.select(
        f"SELECT scene_id, {bulk.gathered('box')} FROM labeling_sceneobject WHERE scene_id {{ids}} AND state <> %s"
        " GROUP BY scene_id",
        scenes, SceneObject.State.REJECTED,
    )  # fmt: skip
    return {scene: np.array(bulk.loads(boxes), float) for scene, boxes in rows}


def _form(book: Book, rows: list[SceneObject], live: Boxes, rng: np.random.Generator, flush: bool) -> None:
    policy = book.policy(rows[0].scene.dataset.project)
    size = policy.grid_size
    crowd = len(book.eligible(rows[0].scene.dataset.project, "crowd"))
    for page in _pages(rows, size, most_excluded=max(2, crowd // 3)):
        due = flush or min(r.queued_at or book.now for r in page) < book.now - MAX_WAIT
        if len(page) >= policy.grid_min and (due or len(page) == size):
            _page(book, page, live, rng)
        elif due:  # Too few for a page: each is looked at alone.
            for row in page:
                row.state, row.queued_at = SceneObject.State.ASKED, None
                book.wishes.append(
                    wish_about(row, row.tile, "verify_box", tier="crowd", reason="a quick look")
                )


def _pages(rows: list[SceneObject], size: int, *, most_excluded: int) -> list[list[SceneObject]]:
    """Cut into pages that few are excluded from: whoever touched one object of a page may not look at any of it."""
    pages: list[list[SceneObject]] = []
    excluded: set[int] = set()
    for row in sorted(rows, key=lambda r: (sorted(r.touched), r.pk)):
        touched = set(row.touched)
        if not pages or len(pages[-1]) == size or len(excluded | touched) > most_excluded:
            pages.append([])
            excluded = set()
        pages[-1].append(row)
        excluded |= touched
    return pages


def _page(book: Book, page: Sequence[SceneObject], live: Boxes, rng: np.random.Generator) -> None:
    """Wish for one page of objects of one scene and class, its seeds mixed in."""
    scene, project = page[0].scene, page[0].scene.dataset.project
    known: list[tuple[dict[str, Any], Sequence[float]]] = [
        ({"object": r.pk, "version": r.version}, r.box) for r in page
    ]
    known += [({"seed": seed.truth}, seed.xyxy) for seed in _seeds(book, page, live, rng)]
    shown, cells = [], {}
    for number, index in enumerate(rng.permutation(len(known)), start=1):
        secret, box = known[index]
        cells[str(number)] = secret
        shown.append(
            {"id": number, "version": 1, "xyxy": list(box), "view": list(payloads.around(box, scene))}
        )
    book.wishes.append(
        Wish(
            "grid_verify", page[0].tile, None, scene.dataset_id, scene.pk, project, reason="a quick look at many",
            value=sum(map(value_of, page)),
            details={"class": page[0].label, "cells": shown}, secret={"cells": cells},
            excluded=frozenset(
                person for r in page for person in (*r.touched, *book.reserved(project, r.touched))
            ),
        )
    )  # fmt: skip
    for row in page:
        row.state, row.queued_at = SceneObject.State.ASKED, None


def _seeds(book: Book, page: Sequence[SceneObject], live: Boxes, rng: np.random.Generator) -> Sequence[Seed]:
    scene = page[0].scene
    policy = book.policy(scene.dataset.project)
    wrong = float(np.mean([1.0 - r.case["belief"]["good"] for r in page]))
    wanted = max(1, seeds_needed(len(page), wrong, policy))  # one at least: it measures who looks
    return make_seed_boxes(live, rng, policy, (scene.width, scene.height), count=wanted)
