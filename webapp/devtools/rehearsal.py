"""Small worlds for browser tests, screenshots and the front end's benchmark: an organisation with people and one scene in
which a chosen kind of micro-task is open. Everything is made by the product's own operations, the way the feed, an
import and a pre-labelling run would make it; only the predictions and the earlier answers are scripted."""

import secrets
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from django.db import transaction
from django.utils import timezone
from PIL import Image

from routing.assignment import Waiting
from webapp.labeling import assembly, grids, intake, operations
from webapp.labeling.models import Assignment, Microtask
from webapp.labeling.operations import Desk, Submission
from webapp.labeling.planned import PlannedObject, PlannedTile
from webapp.people.models import Organisation, Role, User
from webapp.people.operations import create_organisation, create_person
from webapp.pipeline.models import Run
from webapp.projects.models import Project
from webapp.projects.operations import create_project
from webapp.scenes.models import Scene
from webapp.scenes.operations import import_path

Box = tuple[float, float, float, float]
Script = Callable[[Microtask], dict[str, Any] | None]  # the value of an answer

DOMAIN = "aerial"
TILE_PX = 360
GUIDELINE = """Every tree crown that is visible from above is one object, living or dead.

Draw the box so that it touches the crown on all four sides; leave its shadow out.

Where crowns touch, give each its own box; boxes may overlap."""
CREW = (
    "Amara Obi", "Bruno Costa", "Chen Wei", "Dilara Kaya", "Emil Novak", "Farah Haddad", "Goran Ilić", "Hana Sato",
    "Ines Moreau", "Jonas Berg", "Kavya Rao", "Lars Dahl", "Maya Cohen", "Nuru Mwangi", "Olivia Reid", "Pavel Hora",
)  # fmt: skip
MOST_STEPS = 24
CONTENT = "content"  # the crew finds nothing wrong
AGREEABLE: dict[str, Any] = {
    "coverage_tile": lambda task: {"complete": True, "points": [], "bad_objects": []},
    "verify_box": lambda task: {"verdict": "ok"},
    "grid_verify": lambda task: {
        "bad": [],
        "unsure": [],
        "viewed": [cell["id"] for cell in task.payload["cells"]],
    },
}


@dataclass(frozen=True)
class Picture:
    """A picture file and where its objects really are, scene pixels."""

    path: Path
    boxes: Sequence[Box]


@dataclass
class World:
    """One tenant: ada annotates, olga is a specialist, otto manages; the crew has done the earlier steps."""

    organisation: Organisation
    project: Project
    scene: Scene
    ada: User
    olga: User
    otto: User
    crew: list[User]
    truth: list[Box]
    used: int = field(default=0)


def orchard(path: Path, *, seed: int = 1, size: tuple[int, int] = (720, 520), trees: int = 24) -> Picture:
    """Paint a meadow with round crowns, seen from above, and save it."""
    rng = np.random.default_rng(seed)
    w, h = size
    yy, xx = np.mgrid[0:h, 0:w].astype(np.float32)
    waves = np.sin(xx / 37 + 1.3 * np.sin(yy / 51)) + np.sin(yy / 29 + 1.1 * np.sin(xx / 43))
    ground = np.stack([118 + 6 * waves, 128 + 8 * waves, 82 + 4 * waves], axis=-1)
    ground += rng.normal(0, 7, (h, w, 1))
    boxes: list[Box] = []
    columns = int(np.ceil(np.sqrt(trees * w / h)))
    step = w / columns
    for number in range(trees):
        cx = step * (number % columns + 0.5) + rng.uniform(-0.12, 0.12) * step
        cy = step * (number // columns + 0.5) + rng.uniform(-0.12, 0.12) * step
        rx, ry = rng.uniform(0.24, 0.36, 2) * step
        if cx - rx < 0 or cy - ry < 0 or cx + rx > w or cy + ry > h:
            continue
        shadow = ((xx - cx - 0.3 * rx) / rx) ** 2 + ((yy - cy - 0.3 * ry) / ry) ** 2 < 1
        ground[shadow] *= 0.62
        d = np.sqrt(((xx - cx) / rx) ** 2 + ((yy - cy) / ry) ** 2)
        light = 1.0 - 0.45 * np.clip((xx - cx) / rx + (yy - cy) / ry + 1, 0, 2) / 2
        leaf = np.array([46, 96, 44]) + rng.uniform(-10, 10, 3)
        crown = leaf * light[..., None] * (1 + 0.16 * rng.normal(0, 1, (h, w, 1)))
        ground = np.where((d < 1)[..., None], crown, ground)
        boxes.append((float(cx - rx), float(cy - ry), float(cx + rx), float(cy + ry)))
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.clip(ground, 0, 255).astype(np.uint8)).save(path)
    return Picture(path, boxes)


def build(
    picture: Picture,
    *,
    name: str = "",
    title: str = "Orchard survey",
    classes: Sequence[str | Mapping[str, Any]] = ("tree", "shrub"),
    more: Mapping[str, Any] | None = None,
    crew: int = 12,
    password: str | None = None,
) -> World:
    """Make an organisation with its people, a project and one imported scene; no micro-task is open yet.

    `classes` and `more` are those of `create_project`: what objects and scenes are asked for beside their boxes.

    Without a password nobody can log in through the login page; hashing three of them takes a second.
    """
    mark = secrets.token_hex(3)
    organisation = create_organisation(name=name or f"Rehearsal {mark}")
    project = create_project(
        organisation=organisation,
        name=title,
        domain=DOMAIN,
        classes=list(classes),
        more=more,
        guideline=GUIDELINE,
    )
    import_path(
        path=picture.path,
        organisation=organisation,
        project_name=project.name,
        dataset_name="Flight 12",
        format="images",
    )

    def person(username: str, role: Role, title: str, **more: Any) -> User:
        return create_person(
            organisation=organisation, username=f"{username}-{mark}", password=password, role=role, name=title,
            domains=[DOMAIN], **more,
        )  # fmt: skip

    return World(
        organisation=organisation,
        project=project,
        scene=Scene.objects.get(dataset__project=project),
        ada=person("ada", Role.ANNOTATOR, "Ada Annotator"),
        olga=person("olga", Role.SPECIALIST, "Olga Specialist"),
        otto=person("otto", Role.MANAGER, "Otto Manager"),
        crew=[
            create_person(
                organisation=organisation,
                username=f"crew{n}-{mark}",
                domains=[DOMAIN],
                name=CREW[n % len(CREW)],
            )
            for n in range(crew)
        ],
        truth=[(b[0], b[1], b[2], b[3]) for b in picture.boxes],
    )


def open_kind(world: World, kind: str, *, cells: int = 9) -> Microtask:
    """Bring the world to where exactly one micro-task is open and it is of this kind; return it.

    `cells` is how many objects a page of the grid gets. Raises RuntimeError when the routing does not lead there.
    """
    PLANS[kind](world, cells)
    for _ in range(MOST_STEPS):
        with transaction.atomic():
            grids.form_pages(now=timezone.now(), rng=np.random.default_rng(0), flush=True)
        tasks = list(Microtask.objects.filter(project=world.project, state=Microtask.State.OPEN))
        if len(tasks) == 1 and tasks[0].kind == kind:
            return tasks[0]
        _one_step(world, kind)
    raise RuntimeError(f"no {kind} after {MOST_STEPS} answers: open are {sorted(t.kind for t in tasks)}")


def open_cases(world: World, count: int) -> list[Microtask]:
    """Bring the world to where so many cases for a specialist are open, about the largest objects, and nothing else. Of one
    of them somebody has said that it is right; nobody else could say anything."""
    aside = [(0.2 * (x2 - x1), 0.1 * (y2 - y1)) for x1, y1, x2, y2 in world.truth[:count]]
    _one_tile(world, [predicted(world, n, 0.5, 0.9, (dx, dy, dx, dy)) for n, (dx, dy) in enumerate(aside)])
    doubts: dict[str, Script] = {"verify_box": lambda task: {"verdict": "ok", "edges": []}}
    for _ in range(MOST_STEPS * count):
        with transaction.atomic():
            grids.form_pages(now=timezone.now(), rng=np.random.default_rng(0), flush=True)
        tasks = list(Microtask.objects.filter(project=world.project, state=Microtask.State.OPEN))
        if tasks and all(task.kind == "adjudicate" for task in tasks):
            return tasks
        _one_step(world, "adjudicate", doubts)
        if any(row.evidence for row in world.scene.scene_objects.all()):
            doubts = {}
    raise RuntimeError(f"no {count} cases: open are {sorted(t.kind for t in tasks)}")


def open_tiles(world: World, objects: Sequence[PlannedObject] = (), *, tile_px: int = TILE_PX) -> None:
    """What a pre-labelling run does: cut the scene into tiles and insert its predictions.

    Predictions belong to tiles of TILE_PX, so another `tile_px` goes without them.
    """
    scene = world.scene
    tiles = []
    for y in range(0, scene.height, tile_px):
        for x in range(0, scene.width, tile_px):
            core = (x, y, min(tile_px, scene.width - x), min(tile_px, scene.height - y))
            tiles.append(PlannedTile(f"{x}-{y}", core, _grown(core, scene)))
    run = Run.objects.create(
        project=world.project, dataset=scene.dataset, kind="prelabel", state=Run.State.DONE
    )
    with transaction.atomic():
        intake.open_scene(run, scene, tiles, objects, now=timezone.now(), rng=np.random.default_rng(0))


def predicted(
    world: World, number: int, p_good: float, p_there: float, off: Box = (0, 0, 0, 0)
) -> PlannedObject:
    """A prediction for the object with this number, its edges off by so many pixels."""
    x1, y1, x2, y2 = (edge + shift for edge, shift in zip(world.truth[number], off, strict=True))
    cx, cy = (x1 + x2) / 2, (y1 + y2) / 2
    tile = f"{int(cx // TILE_PX) * TILE_PX}-{int(cy // TILE_PX) * TILE_PX}"
    return PlannedObject((x1, y1, x2, y2), 0, p_good, p_there, tile, score=p_good)


def _grown(core: tuple[int, int, int, int], scene: Scene) -> tuple[int, int, int, int]:
    x, y, w, h = core
    left, top = max(0, x - 32), max(0, y - 32)
    return (left, top, min(scene.width, x + w + 32) - left, min(scene.height, y + h + 32) - top)


def _one_tile(world: World, objects: Sequence[PlannedObject] = ()) -> None:
    """The whole scene as one tile, so that one question is open at a time."""
    scene = world.scene
    whole = (0, 0, scene.width, scene.height)
    run = Run.objects.create(
        project=world.project, dataset=scene.dataset, kind="prelabel", state=Run.State.DONE
    )
    planned = [PlannedObject(o.box, o.label, o.p_good, o.p_there, "whole", score=o.score) for o in objects]
    with transaction.atomic():
        intake.open_scene(
            run,
            scene,
            [PlannedTile("whole", whole, whole)],
            planned,
            now=timezone.now(),
            rng=np.random.default_rng(0),
        )


def _single(p_good: float, p_there: float, off: Box) -> Any:
    return lambda world, _: _one_tile(world, [predicted(world, 0, p_good, p_there, off)])


def open_wanted(
    world: World, kind: str, *, objects: int = 1, planned: Sequence[PlannedObject] | None = None,
    answers: Mapping[str, Script] | None = None,
) -> Microtask:  # fmt: skip
    """Bring the world to where a question of this kind is the only one open: what its schema wants to know.

    The crew finds every box right and nothing missing, and answers other kinds by `answers`; what else was asked meanwhile
    is withdrawn. `planned` replaces the predictions for the first `objects`. Raises RuntimeError when the schema does not
    want it.
    """
    _one_tile(world, [predicted(world, n, 0.9, 0.98) for n in range(objects)] if planned is None else planned)
    for _ in range(MOST_STEPS):
        with transaction.atomic():
            grids.form_pages(now=timezone.now(), rng=np.random.default_rng(0), flush=True)
        tasks = list(Microtask.objects.filter(project=world.project, state=Microtask.State.OPEN))
        for task in tasks:
            if task.kind == kind:
                withdraw(other for other in tasks if other != task)
                return task
        if not tasks:
            with transaction.atomic():
                assembly.close_finished_datasets(now=timezone.now())
            continue
        _one_step(world, CONTENT, answers or {})
    raise RuntimeError(f"no {kind} after {MOST_STEPS} answers: open are {sorted(t.kind for t in tasks)}")


def withdraw(tasks: Iterable[Microtask]) -> None:
    """Ask these no longer."""
    ids = [task.pk for task in tasks]
    Microtask.objects.filter(pk__in=ids).update(state=Microtask.State.CANCELLED)
    Assignment.objects.filter(microtask__in=ids).exclude(state=Assignment.State.ANSWERED).update(
        state=Assignment.State.WITHDRAWN
    )


PLANS: dict[str, Any] = {
    "coverage_tile": lambda world, _: _one_tile(world),
    "draw_missed": lambda world, _: _one_tile(world),
    "verify_box": _single(0.72, 0.96, (2, -1, 1, 2)),
    "grid_verify": lambda world, cells: _one_tile(
        world, [predicted(world, n, 0.86, 0.98) for n in range(min(cells, len(world.truth)))]
    ),
    "fix_box": _single(0.08, 0.97, (-9, 4, 12, -6)),
    "compare_two": _single(0.08, 0.97, (-9, 4, 12, -6)),
    "adjudicate": _single(0.5, 0.9, (5, 3, -4, 6)),
}


def _one_step(world: World, kind: str, answers: Mapping[str, Script] = MappingProxyType({})) -> None:
    """The next member of the crew takes an open task and answers it so that things move towards `kind`."""
    person = world.crew[world.used % len(world.crew)]
    world.used += 1
    waiting = Waiting(person.pk, person.tier, frozenset([DOMAIN]), want=1)
    with transaction.atomic():
        leased = operations.lease(
            [Desk(person, "", waiting)], now=timezone.now(), rng=np.random.default_rng(world.used)
        )
    for row in leased.offers.get(person.pk, []):
        _answer(world, row, kind, answers)


def _answer(world: World, row: Assignment, kind: str, answers: Mapping[str, Script]) -> None:
    if script := answers.get(row.microtask.kind):
        outcome, value = "answered", script(row.microtask)
    else:
        outcome, value = _scripted(world, row.microtask, kind)
    given = Submission(
        annotator=row.annotator,  # type: ignore[arg-type]  # a leased assignment has one
        id=str(uuid.uuid4()), assignment=row.pk, lease=row.lease, outcome=outcome, value=value,
        telemetry={"active_ms": 2400},
    )  # fmt: skip
    with transaction.atomic():
        (reply,) = operations.submit_answers([given], now=timezone.now())
    if not isinstance(reply, operations.Ack):
        raise RuntimeError(f"a scripted answer to {row.microtask.kind} was refused: {reply.message}")


def _scripted(world: World, task: Microtask, kind: str) -> tuple[str, dict[str, Any] | None]:
    if kind == CONTENT and task.kind in AGREEABLE:
        return "answered", AGREEABLE[task.kind](task)
    if kind == "adjudicate":
        return "unsure", None  # Two people who cannot tell make it a case for a specialist.
    match task.kind:
        case "coverage_tile":
            x1, y1, x2, y2 = world.truth[0]
            points = [{"xy": [(x1 + x2) / 2, (y1 + y2) / 2], "class": 0}]
            return "answered", {"complete": False, "points": points, "bad_objects": []}
        case "verify_box":
            return "answered", {"verdict": "geometry", "edges": ["left", "bottom"]}
        case "grid_verify":
            ids = [cell["id"] for cell in task.payload["cells"]]
            return "answered", {"bad": ids, "unsure": [], "viewed": ids}
        case "fix_box":
            # Two people who see it differently: one takes the crown, the other its shadow too.
            x1, y1, x2, y2 = world.truth[0]
            wide = 0.28 * (x2 - x1) if world.used % 2 else 0.0
            return "answered", {"xyxy": [x1, y1, x2 + wide, y2 + wide], "class": 0, "deleted": False}
        case _:
            raise RuntimeError(f"no script leads through a {task.kind}")
