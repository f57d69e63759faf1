"""A project in full swing, for screenshots of the operations room: a crew that makes ordinary mistakes has worked on a
scene for half an hour, through the operations of the feed."""

import uuid
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.db import transaction
from django.utils import timezone

from routing.annotation.boxes import iou
from routing.assignment import Waiting
from webapp.devtools.rehearsal import DOMAIN, Box, World
from webapp.labeling import grids, operations
from webapp.labeling.coaching import coach, judged_otherwise
from webapp.labeling.models import AnnotatorRecord, Answer, Assignment, SceneObject
from webapp.labeling.operations import Desk, Submission
from webapp.people.models import Appeal, User
from webapp.projects.examples import Example, square_around
from webapp.projects.models import GuidelineVersion
from webapp.projects.operations import new_guideline_version, set_targets

SECONDS = {"coverage_tile": 9.0, "draw_missed": 6.0, "verify_box": 2.2, "grid_verify": 14.0, "fix_box": 4.5,
           "compare_two": 3.0, "adjudicate": 15.0}  # fmt: skip
SLIP = 0.06  # share of answers that are wrong
PRESENT = 0.3  # share of the people who take a task in a round


def work(world: World, *, rounds: int = 60, minutes: float = 29.0, seed: int = 3) -> int:
    """Let everybody take and answer a task in each of `rounds` rounds, spread over the last `minutes`; return the number
    of answers."""
    rng = np.random.default_rng(seed)
    begun = timezone.now() - timedelta(minutes=minutes)
    people = [*world.crew, world.olga]
    answers = 0
    for number in range(rounds):
        now = begun + timedelta(minutes=minutes * number / rounds)
        with transaction.atomic():
            grids.form_pages(now=now, rng=rng, flush=number % 8 == 7)
            present = [p for p in people if rng.random() < PRESENT]
            desks = [Desk(p, "", Waiting(p.pk, p.tier, frozenset([DOMAIN]), want=1)) for p in present]
            leased = operations.lease(desks, now=now, rng=rng)
            given = [_answer(world, row, rng) for rows in leased.offers.values() for row in rows]
            _submit(given, now)
        answers += len(given)
    return answers


def rule(world: World, cases: int, *, seed: int = 3) -> list[Answer]:
    """Let the specialist rule on so many of the open cases; return the rulings, the first one first."""
    rng = np.random.default_rng(seed)
    for _ in range(cases):
        now = timezone.now()
        desk = Desk(world.olga, "", Waiting(world.olga.pk, world.olga.tier, frozenset([DOMAIN]), want=1))
        with transaction.atomic():
            leased = operations.lease([desk], now=now, rng=rng)
            _submit([_answer(world, row, rng) for row in leased.offers[world.olga.pk]], now)
    rulings = Answer.objects.filter(annotator=world.olga, microtask__kind="adjudicate")
    return list(rulings.select_related("microtask__object").order_by("created_at"))


def coached(world: World) -> User:
    """Somebody of the crew whom a specialist wrote about a case that they had judged otherwise."""
    rulings = Answer.objects.filter(microtask__project=world.project, microtask__kind="adjudicate")
    for ruling in rulings.select_related("microtask__object"):
        for told in judged_otherwise(ruling.microtask.object) if ruling.microtask.object else ():
            coach(ruling, told, ruling="redrawn", note="Only the sunlit crown counts: the dark rim is its shadow.",
                  by=world.olga)  # fmt: skip
            return User.objects.get(pk=told.person)
    return world.crew[0]


def disputed(world: World) -> int:
    """The object with the longest history."""
    rows = SceneObject.objects.filter(scene=world.scene, state="accepted").values_list(
        "pk", "evidence", "version"
    )
    return max(rows, key=lambda row: (len(row[1]) + row[2], row[0]), default=(0, [], 0))[0]


def appealing(world: World) -> int:
    """The last of the crew is paused and appeals; return the appeal."""
    person = world.crew[-1] if world.crew else world.ada
    AnnotatorRecord.objects.filter(annotator=person).update(
        standing="paused",
        standing_reason="Over 24 checked answers this account says yes to nearly everything.",
    )
    text = (
        "The connection was slow and the pictures stayed blurred, so I went by the shapes. It is fixed now."
    )
    return Appeal.objects.get_or_create(person=person, defaults={"message": text})[0].pk


def prepare(world: World) -> None:
    """Bring the set-up of a project that was not started to where a manager would look it over."""
    if GuidelineVersion.objects.filter(project=world.project).count() > 1:
        return
    captions = (("right", "touches the crown on all sides"), ("right", "cut off by the border: draw what is seen"),
                ("wrong", "two crowns in one box"))  # fmt: skip
    examples = [
        Example(verdict, caption, world.scene.pk, square_around(
            (x1 + x2) / 2, (y1 + y2) / 2, 2.4 * max(x2 - x1, y2 - y1), world.scene.width, world.scene.height), 0)
        for (verdict, caption), (x1, y1, x2, y2) in zip(captions, world.truth, strict=False)
    ]  # fmt: skip
    text = "Every crown gets a box of its own.\n\nShadows do not count; what is hidden is not guessed."
    new_guideline_version(project=world.project, text=text, examples=examples, created_by=world.otto)
    set_targets(project=world.project, policy={"target_risk": 0.03}, budget=1200.0)


def _submit(given: list[Submission], now: datetime) -> None:
    for reply in operations.submit_answers(given, now=now):
        if not isinstance(reply, operations.Ack):
            raise RuntimeError(f"an answer was refused: {reply.message}")


def _answer(world: World, row: Assignment, rng: np.random.Generator) -> Submission:
    task = row.microtask
    seconds = SECONDS[task.kind] * float(np.exp(rng.normal(0, 0.3)))
    return Submission(
        annotator=row.annotator,  # type: ignore[arg-type]  # a leased assignment has one
        id=str(uuid.uuid4()), assignment=row.pk, lease=row.lease, outcome="answered",
        value=_value(world, task.payload, rng), telemetry={"active_ms": 1000 * seconds},
    )  # fmt: skip


def _value(world: World, task: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    slip = bool(rng.random() < SLIP)
    match task["kind"]:
        case "coverage_tile":
            x, y, w, h = task["tile"]["core"]
            shown = [o["xyxy"] for o in task["objects"]]
            middles = [((b[0] + b[2]) / 2, (b[1] + b[3]) / 2) for b in world.truth if _unseen(b, shown)]
            points = [p for p in middles if x <= p[0] < x + w and y <= p[1] < y + h and rng.random() > SLIP]
            pins = [{"xy": list(p), "class": 0} for p in points]
            return {"complete": not pins, "points": pins, "bad_objects": []}
        case "draw_missed":
            x, y = task["seed"]
            hit = [_jittered(world, b, rng) for b in world.truth if b[0] <= x <= b[2] and b[1] <= y <= b[3]][
                :1
            ]
            return {"objects": [{"xyxy": b, "class": 0} for b in hit], "none": not hit}
        case "verify_box":
            return {"verdict": _verdict(world, task["object"]["xyxy"], slip)}
        case "grid_verify":
            ids = [cell["id"] for cell in task["cells"]]
            bad = [c["id"] for c in task["cells"] if _verdict(world, c["xyxy"], rng.random() < SLIP) != "ok"]
            return {"bad": bad, "unsure": [], "viewed": ids}
        case "fix_box":
            overlap, truth = _nearest(world, task["object"]["xyxy"])
            if overlap < 0.2:
                return {"xyxy": None, "class": None, "deleted": True}
            return {"xyxy": _jittered(world, truth, rng), "class": 0, "deleted": False}
        case "adjudicate":
            overlap, truth = _nearest(world, task["object"]["xyxy"])
            fields = {"make_gold": slip, "rubric": {"blurred": True}, "note": ""}
            if overlap < 0.2:
                return {"ruling": "reject", "xyxy": None, "class": None, **fields}
            return {"ruling": "accept", "xyxy": list(truth), "class": 0, **fields}
        case _:
            a, b = (_nearest(world, task[side]["xyxy"])[0] for side in "ab")
            return {"choice": "A" if (a > b) != slip else "B"}


def _nearest(world: World, box: list[float]) -> tuple[float, Box]:
    return max((float(iou(box, b)), b) for b in world.truth)


def _verdict(world: World, box: list[float], slip: bool) -> str:
    overlap, _ = _nearest(world, box)
    honest = "ok" if overlap >= 0.75 else "geometry" if overlap > 0.3 else "not_object"
    return ("geometry" if honest == "ok" else "ok") if slip else honest


def _unseen(box: Box, shown: list[list[float]]) -> bool:
    return all(iou(list(box), s) < 0.5 for s in shown)


def _jittered(world: World, box: Box, rng: np.random.Generator) -> list[float]:
    """A box as drawn by hand: each edge off by about a twentieth of the size, inside the scene."""
    spread = 0.05 * max(4.0, min(box[2] - box[0], box[3] - box[1]))
    limits = (world.scene.width, world.scene.height) * 2
    return [float(np.clip(e + rng.normal(0, spread), 0, most)) for e, most in zip(box, limits, strict=True)]
