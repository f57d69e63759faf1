"""What becomes of objects and tiles: applies the steps that `routing` decides, and asks the micro-tasks they need."""

import random
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from routing.redundancy import Accept, Ask, Escalate, ObjectCase, Reject, Step, next_step
from webapp.labeling import bulk, escalations, loading, payloads, refining_payloads
from webapp.labeling.book import Book, Wish, lane_key
from webapp.labeling.crediting import teach
from webapp.labeling.models import Assignment, Microtask, ObjectVersion, SceneObject, Tile
from webapp.labeling.payloads import Live, Standing
from webapp.labeling.refining_open import open_refinements
from webapp.labeling.shelf import Brief
from webapp.people.phrases import because
from webapp.projects.models import Project

State = SceneObject.State


# Objects -----------------------------------------------------------------------------------------------------


def project_of(tile: Tile) -> Project:
    return tile.scene.dataset.project


def consider(
    book: Book, row: SceneObject, tile: Tile, *, open_task: Microtask | None = None, case: ObjectCase | None = None
) -> None:  # fmt: skip
    """Take the next step about an object. `open_task` is the micro-task whose answer was just absorbed: it stays open
    when the same question is asked again, and is resolved otherwise. `case` is the row's, where it is at hand."""
    project = project_of(tile)
    policy = book.policy(project)
    case = case or ObjectCase.from_json(row.case)
    step: Step | None = next_step(case, policy, domain=project.domain)
    if isinstance(step, Ask | Escalate) and book.nobody_left(project, step.tier, row.touched):
        step = _last_word(case)
    book.touch(row)
    if open_task is not None:
        if isinstance(step, Ask) and step.kind == open_task.kind and open_task.kind == "verify_box":
            ask_once_more(book, open_task, row)
            return
        book.resolve(
            open_task, "consensus", {"step": type(step).__name__.lower(), "belief": row.case["belief"]}
        )
    match step:
        case Accept() | Reject() | None:
            conclude(book, row, tile, step)
        case Ask(kind="grid_verify"):
            row.state, row.queued_at = State.GRID, book.now
        case Ask():
            row.state = State.ASKED
            book.wishes.append(wish_about(row, tile, step.kind, tier=step.tier, reason=step.reason))
        case Escalate():
            escalate(book, row, tile, tier=step.tier, reason=step.reason)


def conclude(book: Book, row: SceneObject, tile: Tile, step: Accept | Reject | None) -> None:
    """Settle an object without asking anybody; None stands for "it cannot be decided"."""
    match step:
        case Accept():
            by = "machine" if step.auto else "consensus"
            settle(book, row, tile, State.ACCEPTED, risk=step.risk, by=by)
        case Reject():
            settle(book, row, tile, State.REJECTED, risk=step.risk, by="consensus")
        case None:
            settle(book, row, tile, State.UNDECIDABLE, risk=1.0, by="consensus")


def escalate(book: Book, row: SceneObject, tile: Tile, *, tier: str, reason: str) -> None:
    """Let a higher tier decide about an object; where nobody of it is left, what is believed stands with its risk."""
    project = project_of(tile)
    if book.nobody_left(project, tier, row.touched):
        conclude(book, row, tile, _last_word(ObjectCase.from_json(row.case)))
        return
    row.state = State.ASKED
    book.touch(row)
    book.wishes.append(wish_about(row, tile, "adjudicate", tier=tier, reason=reason))
    book.log(
        "escalated", project=project, dataset_id=tile.scene.dataset_id, object=row, data={"reason": reason}
    )


def _last_word(case: ObjectCase) -> Accept | Reject | None:
    """What becomes of an object when everybody who may answer has: the likelier outcome with its stated risk, or None."""
    belief = case.belief
    if belief.good >= 0.5:
        return Accept(belief.risk)
    return Reject(belief.exists) if belief.exists < 0.5 else None


def wish_about(row: SceneObject, tile: Tile, kind: str, *, tier: str, reason: str, **secret: Any) -> Wish:
    scene = tile.scene
    return Wish(kind, tile, row, scene.dataset_id, scene.pk, project_of(tile), tier, reason, secret=secret)


def ask_once_more(book: Book, microtask: Microtask, row: SceneObject | None = None) -> None:
    """Want one more answer to the same question: one more row."""
    if row is not None:
        reserved = book.reserved(microtask.project, row.touched) if microtask.tier == "crowd" else frozenset()
        microtask.excluded = sorted({*microtask.excluded, *row.touched, *reserved})
        microtask.value = value_of(row)
        book.touch(microtask)
    book.new_assignments.append(wanted(microtask, book))


def wanted(microtask: Microtask, book: Book) -> Assignment:
    # One unit of value weighs as much as an hour of waiting, so nothing starves.
    rank = microtask.value * microtask.project.priority - book.now.timestamp() / 3600
    return loading.new(
        Assignment, related={"microtask": microtask, "project": microtask.project},
        lane=lane_key(microtask.kind, microtask.domain, microtask.tier), rank=rank,
    )  # fmt: skip


def value_of(row: SceneObject) -> float:
    """The risk at stake: how far the belief is from being settled either way."""
    good, phantom = row.case["belief"]["good"], row.case["belief"]["phantom"]
    return float(min(1.0 - good, 1.0 - phantom) * row.case.get("value", 1.0))


def settle(book: Book, row: SceneObject, tile: Tile, state: str, *, risk: float, by: str) -> None:
    """Give an object its final state, and let everyone who judged it learn from it, once."""
    row.state, row.risk, row.settled_by, row.settled_at = state, float(risk), by, book.now
    book.touch(row)
    book.settled_tiles.add(tile.pk)
    book.settled_objects.append(row)
    book.log(
        "settled", project=project_of(tile), dataset_id=tile.scene.dataset_id, object=row,
        data={"state": str(state), "risk": float(risk), "by": by, "version": row.version},
    )  # fmt: skip
    teach(book, row, project_of(tile))


def reopen(book: Book, row: SceneObject, tile: Tile) -> None:
    """Doubt about a settled object: decide about it anew with the evidence added."""
    row.settled_at = None
    row.settled_by = ""
    if tile.state != Tile.State.WAITING:
        tile.state = Tile.State.WAITING
        book.touch(tile)
    consider(book, row, tile)


def add_version(book: Book, row: SceneObject, box: Sequence[float], label: int, author: int | None) -> None:
    """Give an object a new current outline."""
    row.versions_made += 1
    row.version, row.box, row.label = row.versions_made, [float(v) for v in box], label
    book.new_versions.append(
        ObjectVersion(object=row, number=row.version, box=row.box, label=label, author_id=author)
    )
    book.touch(row)


# Asking ------------------------------------------------------------------------------------------------------


def live_objects(scene_id: int) -> list[Live]:
    return live_in([scene_id])[scene_id]


def live_in(scenes: Iterable[int]) -> dict[int, list[Live]]:
    """The objects of several scenes that are not rejected, by scene."""
    wanted = list(scenes)
    rows = bulk.select(
        f"SELECT scene_id, {bulk.gathered('id', 'label', 'box')} FROM labeling_sceneobject WHERE scene_id {{ids}}"
        " AND state NOT IN (%s, %s) GROUP BY scene_id",
        wanted, State.REJECTED, State.UNDECIDABLE,
    )  # fmt: skip
    found: dict[int, list[Live]] = {scene: [] for scene in wanted}
    for scene, objects in rows:
        found[scene] = Standing(Live(pk, box, label) for pk, label, box in bulk.loads(objects))
    return found


def fulfil_wishes(book: Book) -> int:
    """Insert the micro-tasks that were wished for, each with its wanted answers; returns how many."""
    open_refinements(book)
    if not book.wishes:
        return 0
    live = live_in({w.scene_id for w in book.wishes if w.kind != "grid_verify"})
    wishes, book.wishes = book.wishes, []
    ids = loading.reserve(Microtask, len(wishes))
    rows = [
        _microtask(book, pk, wish, live.get(wish.scene_id, []), book.shelf.brief(wish.project))
        for pk, wish in zip(ids, wishes, strict=True)
    ]
    unsettled = escalations.unsettled_in(w.scene_id for w in wishes if w.tier in escalations.DESK_TIERS)
    for row, wish in zip(rows, wishes, strict=True):
        if wish.tier in escalations.DESK_TIERS:
            escalations.enter(row, wish.object, unsettled[wish.scene_id])
    loading.insert(rows)
    for row, wish in zip(rows, wishes, strict=True):
        book.new_assignments += [wanted(row, book) for _ in range(wish.count)]
    return len(rows)


def _microtask(book: Book, pk: int, wish: Wish, live: list[Live], brief: Brief) -> Microtask:
    policy = book.policy(wish.project)
    scene = wish.tile.scene if wish.tile else book.shelf.scene(wish.scene_id)
    expected_s = policy.expected_s[wish.kind] * max(1, len(wish.details.get("cells", ())))
    refines = "refinement" in wish.secret
    if refines:
        view, extra = refining_payloads.shown(wish.kind, wish.object, wish.details, live, scene, policy)
    else:
        view, extra = _ask(wish, live, scene)
    payload = payloads.common(
        wish.kind, wish.project, brief.classes, brief.versions, scene, view, policy, expected_s
    )
    payload.update(extra)
    excluded, value, secret = set(wish.excluded), wish.value, wish.secret
    if wish.object and not refines:  # Whoever drew an object may refine it; nobody looks twice at a box.
        excluded |= set(wish.object.touched)
        if wish.tier == "crowd":
            excluded |= book.reserved(wish.project, wish.object.touched)
        value, secret = value_of(wish.object), _secret(wish)
    return loading.new(
        Microtask, related={"project": wish.project, "tile": wish.tile, "object": wish.object}, id=pk,
        dataset_id=wish.dataset_id, scene_id=wish.scene_id, kind=wish.kind, domain=wish.project.domain, tier=wish.tier,
        payload=payload, secret=secret, excluded=sorted(excluded), value=value, expected_s=expected_s,
        reason=wish.reason[:200], created_at=book.now,
    )  # fmt: skip


def _secret(wish: Wish) -> dict[str, Any]:
    """The wish's own secrets, and the belief that tells whose look would settle most."""
    return {**wish.secret, "belief": wish.object.case["belief"]} if wish.object else wish.secret


def _ask(wish: Wish, live: list[Live], scene: Any) -> tuple[payloads.Rect, dict[str, Any]]:
    """The view and the kind's own part of the payload."""
    row = wish.object
    match wish.kind:
        case "coverage_tile":
            assert wish.tile is not None
            tile = wish.tile
            view = payloads.around_tile(tile, scene)
            return view, {
                "tile": {"id": tile.pk, "core": [tile.x, tile.y, tile.w, tile.h]},
                "objects": payloads.in_view(live, view),
                "classes": [],
            }
        case "draw_missed":
            x, y = wish.details["seed"]
            view = payloads.around_point(x, y, wish.details.get("side", payloads.SEED_VIEW_PX), scene)
            return view, {
                "seed": [x, y],
                "class": wish.details["class"],
                "objects": payloads.in_view(live, view),
            }
        case "grid_verify":
            return (0.0, 0.0, float(scene.width), float(scene.height)), dict(wish.details)
        case "compare_two":
            assert row is not None
            pair = wish.details or _rivals(wish)
            hull = np.array([pair["a"]["xyxy"], pair["b"]["xyxy"]], float)
            view = payloads.around([*hull[:, :2].min(0), *hull[:, 2:].max(0)], scene)
            return view, {"object": {"id": row.pk}, "a": pair["a"], "b": pair["b"]}
        case _:
            assert row is not None
            view = payloads.around(row.box, scene)
            extra = {
                "object": payloads.shown_object(row),
                "objects": payloads.in_view(live, view, without=frozenset([row.pk])),
            }
            if wish.kind == "fix_box":
                extra["edges"] = sorted(
                    {
                        e
                        for look in row.evidence
                        if look["version"] == row.version
                        for e in look.get("edges", ())
                    }
                )
            if wish.kind == "adjudicate":
                extra |= {"reason": wish.reason, "because": because([wish.reason])}
            return view, extra


def _rivals(wish: Wish) -> dict[str, Any]:
    """The last two outlines of an object as A and B in random order; which is which stays in the wish's secret."""
    assert wish.object is not None
    pair = list(wish.object.versions.order_by("-number")[:2])
    random.shuffle(pair)
    wish.secret = {**wish.secret, "a": pair[0].number, "b": pair[1].number}
    return {side: {"xyxy": v.box, "class": v.label} for side, v in zip("ab", pair, strict=True)}
