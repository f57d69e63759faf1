"""Pages of the grid: objects that wait for a quick look are put on pages of one class, with a few known mistakes among
them (seeds), which keep attention up and measure everyone who looks."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.db.models import Count, Min

from routing.gold import Seed, make_seed_boxes, seeds_needed
from routing.redundancy import ObjectCase
from webapp.labeling import payloads
from webapp.labeling.book import Book, Wish, unclaimed
from webapp.labeling.lifecycle import fulfil_wishes, value_of, wish_about
from webapp.labeling.models import SceneObject
from webapp.labeling.shelf import Shelf
from webapp.scenes.models import Scene

MAX_WAIT = timedelta(seconds=2)  # an incomplete page is closed when its oldest object has waited this long
BATCH = 480  # objects put on pages in one transaction,
MOST_GROUPS = 40  # of so many scenes and classes


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
        row.tile = book.tiles[row.tile_id]
        row.scene = row.tile.scene
        groups[(row.scene_id, row.label)].append(row)
    for group in due:
        if rows := groups.get(group):
            _form(book, rows, rng, flush)
    book.save_objects()
    made = fulfil_wishes(book)
    book.save_rest()
    return made


def _due(book: Book, flush: bool) -> list[tuple[int, int]]:
    """Scenes and classes of which enough objects wait for a full page, or one has waited long; the oldest first.

    Whatever else waits is only counted, so that looking costs little.
    """
    groups = (
        SceneObject.objects.filter(state=SceneObject.State.GRID, scene__dataset__project__paused=False)
        .values_list("scene_id", "label", "scene__dataset__project_id")
        .annotate(waiting=Count("pk"), oldest=Min("queued_at"))
        .order_by("oldest")
    )
    found = list(groups)
    book.shelf.load_projects({project for _, _, project, _, _ in found})
    due = []
    for scene, label, project, count, oldest in found:
        size = book.policy(book.shelf.project(project)).grid_size
        if flush or count >= size or (oldest or book.now) < book.now - MAX_WAIT:
            due.append((scene, label))
    return due[:MOST_GROUPS]


def _form(book: Book, rows: list[SceneObject], rng: np.random.Generator, flush: bool) -> None:
    policy = book.policy(rows[0].scene.dataset.project)
    size = policy.grid_size
    crowd = len(book.eligible(rows[0].scene.dataset.project, "crowd"))
    for page in _pages(rows, size, most_excluded=max(2, crowd // 3)):
        due = flush or min(r.queued_at or book.now for r in page) < book.now - MAX_WAIT
        if len(page) >= policy.grid_min and (due or len(page) == size):
            _page(book, page, rng)
        elif due:  # Too few for a page: each is looked at alone.
            for row in page:
                book.objects[row.pk] = row
                row.state, row.queued_at = SceneObject.State.ASKED, None
                book.touch(row)
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


def _page(book: Book, page: Sequence[SceneObject], rng: np.random.Generator) -> None:
    """Wish for one page of objects of one scene and class, its seeds mixed in."""
    scene, project = page[0].scene, page[0].scene.dataset.project
    known: list[tuple[dict[str, Any], Sequence[float]]] = [
        ({"object": r.pk, "version": r.version}, r.box) for r in page
    ]
    known += [({"seed": seed.truth}, seed.xyxy) for seed in _seeds(book, page, scene, rng)]
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
            value=sum(value_of(ObjectCase.from_json(r.case)) for r in page),
            details={"class": page[0].label, "cells": shown}, secret={"cells": cells},
            excluded=frozenset(
                person for r in page for person in (*r.touched, *book.reserved(project, r.touched))
            ),
        )
    )  # fmt: skip
    for row in page:
        row.state, row.queued_at = SceneObject.State.ASKED, None
        book.objects[row.pk] = row
        book.touch(row)


def _seeds(book: Book, page: Sequence[SceneObject], scene: Scene, rng: np.random.Generator) -> Sequence[Seed]:
    policy = book.policy(scene.dataset.project)
    live = SceneObject.objects.filter(scene=scene).exclude(state=SceneObject.State.REJECTED)
    boxes = np.array(list(live.values_list("box", flat=True)), float)
    wrong = float(np.mean([1.0 - r.case["belief"]["good"] for r in page]))
    wanted = max(1, seeds_needed(len(page), wrong, policy))  # one at least: it measures who looks
    return make_seed_boxes(boxes, rng, policy, (scene.width, scene.height), count=wanted)
