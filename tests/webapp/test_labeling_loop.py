"""From an empty scene to an annotation, through the operations of the feed, with annotators who see the truth."""

import uuid
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from django.db import transaction
from django.utils import timezone

from routing.annotation.boxes import iou
from routing.assignment import Waiting
from routing.outcomes import Outcome
from routing.track_record import TrackRecord, replay
from routing.witness import Hint
from webapp.labeling import grids, intake, janitors, operations
from webapp.labeling.assembly import close_finished_datasets
from webapp.labeling.models import AnnotatorRecord, Answer, Assignment, Event, Microtask, SceneObject, Tile
from webapp.labeling.operations import Ack, Desk, Refusal, Submission
from webapp.labeling.planned import PlannedObject, PlannedTile
from webapp.people.models import Organisation, Tier, User
from webapp.people.operations import create_person
from webapp.pipeline.models import Run
from webapp.projects.models import Project
from webapp.scenes.models import Dataset, Scene

TRUTH = [
    [100.0, 100, 160, 150],
    [300, 120, 350, 180],
    [500, 400, 560, 470],
    [620, 80, 690, 140],
    [200, 420, 250, 480],
]


@pytest.fixture
def scene(dataset: Dataset) -> Scene:
    return Scene.objects.create(
        dataset=dataset, name="a.png", sha256="0" * 64, file="none", width=800, height=600
    )


@pytest.fixture
def crowd(acme: Organisation) -> list[User]:
    people = [create_person(organisation=acme, username=f"p{n}", domains=["aerial"]) for n in range(12)]
    return [
        *people,
        create_person(organisation=acme, username="judge", tier=Tier.SPECIALIST, domains=["aerial"]),
    ]


def open_scene(project: Project, scene: Scene, objects: list[PlannedObject]) -> Run:
    run = Run.objects.create(project=project, dataset=scene.dataset, kind="prelabel")
    tiles = [
        PlannedTile("left", (0, 0, 400, 600), (0, 0, 432, 600)),
        PlannedTile("right", (400, 0, 400, 600), (368, 0, 432, 600)),
    ]
    with transaction.atomic():
        assert intake.open_scene(run, scene, tiles, objects, now=timezone.now(), rng=np.random.default_rng(0))
    return run


def best(box: list[float]) -> tuple[float, list[float]]:
    return max((iou(box, t), t) for t in TRUTH)


def honest(task: dict[str, Any]) -> dict[str, Any]:
    """The answer of somebody who makes no mistakes."""
    match task["kind"]:
        case "coverage_tile":
            x, y, w, h = task["tile"]["core"]
            shown = [o["xyxy"] for o in task["objects"]]
            missing = [
                [(t[0] + t[2]) / 2, (t[1] + t[3]) / 2]
                for t in TRUTH
                if x <= (t[0] + t[2]) / 2 < x + w
                and y <= (t[1] + t[3]) / 2 < y + h
                and all(iou(t, s) < 0.5 for s in shown)
            ]
            points = [{"xy": xy, "class": 0} for xy in missing]
            return {"complete": not points, "points": points, "bad_objects": []}
        case "draw_missed":
            x, y = task["seed"]
            hit = [t for t in TRUTH if t[0] <= x <= t[2] and t[1] <= y <= t[3]]
            return {"objects": [{"xyxy": t, "class": 0} for t in hit], "none": not hit}
        case "verify_box":
            overlap, _ = best(task["object"]["xyxy"])
            return {"verdict": "ok" if overlap >= 0.75 else "geometry" if overlap > 0.3 else "not_object"}
        case "grid_verify":
            bad = [c["id"] for c in task["cells"] if best(c["xyxy"])[0] < 0.75]
            return {"bad": bad, "unsure": [], "viewed": [c["id"] for c in task["cells"]]}
        case "fix_box":
            overlap, truth = best(task["object"]["xyxy"])
            if overlap < 0.2:
                return {"xyxy": None, "class": 0, "deleted": True}
            return {"xyxy": truth, "class": 0, "deleted": False}
        case "adjudicate":
            overlap, truth = best(task["object"]["xyxy"])
            ruling = "accept" if overlap > 0.2 else "reject"
            return {
                "ruling": ruling,
                "xyxy": truth if ruling == "accept" else None,
                "class": 0,
                "make_gold": False,
                "rubric": {},
                "note": "",
            }
        case _:
            return {"choice": "A" if best(task["a"]["xyxy"])[0] > best(task["b"]["xyxy"])[0] else "B"}


def desks(people: list[User], want: int = 1) -> list[Desk]:
    return [Desk(p, f"s{p.pk}", Waiting(p.pk, p.tier, frozenset(["aerial"]), want=want)) for p in people]


def take(people: list[User], now: datetime, seed: int = 0) -> list[Assignment]:
    with transaction.atomic():
        leased = operations.lease(desks(people), now=now, rng=np.random.default_rng(seed))
    return [row for rows in leased.offers.values() for row in rows]


def submission(row: Assignment, **changes: Any) -> Submission:
    fields: dict[str, Any] = {
        "annotator": row.annotator, "id": str(uuid.uuid4()), "assignment": row.pk, "lease": row.lease, "outcome": "answered",
        "value": honest(row.microtask.payload), "telemetry": {"active_ms": 2000},
    }  # fmt: skip
    return Submission(**{**fields, **changes})


def submit(*given: Submission, now: datetime | None = None) -> list[Ack | Refusal]:
    with transaction.atomic():
        return operations.submit_answers(given, now=now or timezone.now())


def work(people: list[User], rounds: int = 200) -> int:
    """Everybody takes and answers tasks until nothing is left; returns the number of rounds."""
    for number in range(rounds):
        now = timezone.now() + timedelta(seconds=5 * number)
        rows = take(people, now, number)
        if rows:
            replies = submit(*[submission(row) for row in rows], now=now)
            assert all(isinstance(r, Ack) and r.status == "accepted" for r in replies), replies
        with transaction.atomic():
            pages = grids.form_pages(now=now, rng=np.random.default_rng(number), flush=True)
        if not rows and not pages:
            return number
    raise AssertionError("the work never ends")


class TestMainLoop:
    def test_an_empty_scene_becomes_its_annotation(
        self, project: Project, scene: Scene, crowd: list[User]
    ) -> None:
        open_scene(project, scene, [])

        work(crowd)

        with transaction.atomic():
            assert close_finished_datasets(now=timezone.now()) == [scene.dataset]
        content = scene.annotations.get().content
        assert sorted(entry["box"] for entry in content) == sorted(TRUTH)
        assert all(entry["risk"] <= 0.05 for entry in content)

    def test_proposals_are_verified_fixed_or_rejected(
        self, project: Project, scene: Scene, crowd: list[User]
    ) -> None:
        planned = [
            PlannedObject(TRUTH[0], 0, 0.8, 0.95, "left"),
            PlannedObject([290, 110, 330, 170], 0, 0.3, 0.8, "left"),  # a poor outline
            PlannedObject([700, 300, 760, 360], 0, 0.3, 0.4, "right"),  # nothing there
        ]
        open_scene(project, scene, planned)

        work(crowd)

        states = {tuple(o.box): o.state for o in SceneObject.objects.all()}
        assert states[(700, 300, 760, 360)] == "rejected"
        accepted = sorted(list(box) for box, state in states.items() if state == "accepted")
        assert accepted == sorted(TRUTH)

    def test_an_auto_accepted_object_is_settled_without_a_person(
        self, project: Project, scene: Scene, crowd: list[User]
    ) -> None:
        open_scene(project, scene, [PlannedObject(TRUTH[0], 0, 0.99, 0.99, "left", auto=True)])

        row = SceneObject.objects.get()

        assert (row.state, row.settled_by) == ("accepted", "machine")
        assert row.risk == pytest.approx(0.01)

    @pytest.mark.parametrize("size", [1, 2, 3])
    def test_a_team_too_small_for_second_looks_still_comes_to_an_end(
        self, project: Project, scene: Scene, acme: Organisation, size: int
    ) -> None:
        team = [create_person(organisation=acme, username=f"few{n}", domains=["aerial"]) for n in range(size)]
        open_scene(project, scene, [])

        work(team)

        with transaction.atomic():
            assert close_finished_datasets(now=timezone.now()) == [scene.dataset]
        content = scene.annotations.get().content
        assert sorted(entry["box"] for entry in content) == sorted(TRUTH)
        # What nobody else could confirm says so by its risk.
        assert size > 1 or all(entry["risk"] > 0.05 for entry in content)

    def test_a_weak_proposal_confirms_what_is_drawn_over_it(
        self, project: Project, scene: Scene, crowd: list[User]
    ) -> None:
        hints = [Hint((TRUTH[0][0], TRUTH[0][1], TRUTH[0][2], TRUTH[0][3]), 0, 0.08, 0.1)]
        tiles = [PlannedTile("all", (0, 0, 800, 600), (0, 0, 800, 600), hints=hints)]
        run = Run.objects.create(project=project, dataset=scene.dataset, kind="prelabel")
        with transaction.atomic():
            intake.open_scene(run, scene, tiles, [], now=timezone.now(), rng=np.random.default_rng(0))

        work(crowd)

        risks = dict(
            SceneObject.objects.filter(state="accepted", source="person").values_list("box__0", "risk")
        )
        assert len(risks) == len(TRUTH)
        looks = {row.box[0]: len(row.evidence) for row in SceneObject.objects.all()}
        confirmed, others = looks.pop(TRUTH[0][0]), looks
        assert all(confirmed <= n for n in others.values())
        assert confirmed < max(others.values()) or risks[TRUTH[0][0]] < min(risks[x] for x in others)

    def test_a_search_is_judged_by_what_others_found_after_it(
        self, project: Project, scene: Scene, crowd: list[User]
    ) -> None:
        project.policy = {"missed_floor": 0.02, "error_cost_s": {"missed": 400.0}}
        project.save()
        open_scene(project, scene, [])
        sleeper = crowd[0]
        first = take([sleeper], timezone.now())[0]
        seen = honest(first.microtask.payload)["points"][:1]
        submit(submission(first, value={"complete": False, "points": seen, "bad_objects": []}))

        work(crowd[1:])

        judged = Event.objects.filter(kind="outcome", data__kind="coverage_tile")
        certain = judged.filter(
            data__weight__gt=0.8
        )  # the others stand for what everybody seems to have missed
        given = [e.data["given"] for e in certain.filter(annotator=sleeper)]
        x, y, w, h = first.microtask.payload["tile"]["core"]
        owned = [t for t in TRUTH if x <= (t[0] + t[2]) / 2 < x + w and y <= (t[1] + t[3]) / 2 < y + h]
        assert sorted(given) == ["found"] + ["missed"] * (len(owned) - 1)
        assert all(e.data["given"] == "found" for e in certain.exclude(annotator=sleeper))

    def test_a_dataset_is_searched_again_where_its_searchers_turned_out_to_miss_much(
        self, project: Project, scene: Scene, crowd: list[User]
    ) -> None:
        open_scene(project, scene, [])
        work(crowd[:4])
        tiles = list(Tile.objects.order_by("pk"))
        assert {t.state for t in tiles} == {"complete"}
        hoped = sum(t.expected_missed or 0 for t in tiles)
        searchers = {look["annotator"] for t in tiles for look in t.looks}
        for record in AnnotatorRecord.objects.filter(annotator__in=searchers):
            poor = TrackRecord.from_json(record.record)
            for _ in range(60):
                poor = poor.updated(Outcome("coverage_tile", "aerial", None, "missed", "good", size_px=100.0))
            record.record, record.version = poor.to_json(), record.version + 1
            record.save()

        with transaction.atomic():
            assert close_finished_datasets(now=timezone.now()) == []
        again = Tile.objects.filter(state="looking")
        assert again.exists() and Microtask.objects.filter(tile__in=again, state="open").exists()
        work(crowd)

        with transaction.atomic():
            assert close_finished_datasets(now=timezone.now()) == [scene.dataset]
        assert all(len(t.looks) > 1 for t in again)
        assert scene.annotations.get().expected_missed != hoped

    def test_what_nobody_may_answer_any_more_is_settled_with_its_risk(
        self, project: Project, scene: Scene, crowd: list[User]
    ) -> None:
        open_scene(project, scene, [])
        now = timezone.now()
        rows = take(crowd[:2], now)
        submit(*[submission(row) for row in rows], now=now)
        assert Microtask.objects.filter(state="open", kind="draw_missed").exists()
        User.objects.filter(pk__in=[p.pk for p in crowd[2:]]).update(is_active=False)
        for task in Microtask.objects.filter(state="open"):
            task.excluded = [p.pk for p in crowd]
            task.save()

        assert janitors.settle_the_abandoned(now) == 0, "nothing has waited long enough"
        for minutes in range(1, 5):
            janitors.settle_the_abandoned(now + timedelta(minutes=minutes))

        assert not Microtask.objects.filter(state="open").exists()
        assert {t.state for t in Tile.objects.all()} == {"complete"}

    def test_a_resumed_run_changes_nothing(self, project: Project, scene: Scene) -> None:
        run = open_scene(project, scene, [])
        with transaction.atomic():
            again = intake.open_scene(
                run,
                scene,
                [PlannedTile("left", (0, 0, 400, 600), (0, 0, 432, 600))],
                [],
                now=timezone.now(),
                rng=np.random.default_rng(0),
            )
        assert not again
        assert Tile.objects.count() == 2
        assert Microtask.objects.count() == 2


class TestSubmission:
    def test_a_resend_is_acknowledged_and_not_counted_twice(
        self, project: Project, scene: Scene, ada: User
    ) -> None:
        open_scene(project, scene, [])
        (row,) = take([ada], timezone.now())
        given = submission(row)

        assert [r.status for r in submit(given)] == ["accepted"]
        assert [r.status for r in submit(given)] == ["duplicate"]
        assert Answer.objects.count() == 1

    def test_the_same_message_twice_in_one_batch_counts_once(
        self, project: Project, scene: Scene, ada: User
    ) -> None:
        open_scene(project, scene, [])
        (row,) = take([ada], timezone.now())
        given = submission(row)

        assert [r.status for r in submit(given, given)] == ["accepted", "duplicate"]

    def test_an_answer_id_cannot_be_used_for_another_answer(
        self, project: Project, scene: Scene, ada: User, bob: User
    ) -> None:
        open_scene(project, scene, [])
        first, second = take([ada, bob], timezone.now())
        given = submission(first)
        submit(given)

        (reply,) = submit(submission(second, id=given.id))

        assert isinstance(reply, Refusal) and reply.code == "conflict"

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"lease": "1.0123456789abcdef01234567"}, "bad_lease"),
            ({"lease": "no"}, "bad_lease"),
            ({"assignment": 10**9}, "not_your_assignment"),
            ({"value": {"complete": True}}, "bad_answer"),
            (
                {
                    "value": {
                        "complete": False,
                        "points": [{"xy": [float("nan"), 3], "class": 0}],
                        "bad_objects": [],
                    }
                },
                "bad_answer",
            ),
            ({"outcome": "whatever"}, "bad_answer"),
            ({"id": "7"}, "bad_answer"),
        ],
    )
    def test_what_cannot_be_taken_is_refused_and_the_lease_stays(
        self, project: Project, scene: Scene, ada: User, changes: dict[str, Any], code: str
    ) -> None:
        open_scene(project, scene, [])
        (row,) = take([ada], timezone.now())

        (reply,) = submit(submission(row, **changes))

        assert isinstance(reply, Refusal) and reply.code == code, reply
        assert Assignment.objects.get(pk=row.pk).state == "leased"
        assert [r.status for r in submit(submission(row))] == ["accepted"]

    def test_a_lease_of_somebody_else_is_refused(
        self, project: Project, scene: Scene, ada: User, bob: User
    ) -> None:
        open_scene(project, scene, [])
        (row,) = take([ada], timezone.now())

        (reply,) = submit(submission(row, annotator=bob))

        assert isinstance(reply, Refusal) and reply.code == "bad_lease"

    def test_an_answer_after_expiry_counts_if_nobody_else_took_the_task(
        self, project: Project, scene: Scene, ada: User
    ) -> None:
        open_scene(project, scene, [])
        now = timezone.now()
        (row,) = take([ada], now)
        with transaction.atomic():
            assert operations.reap_expired(now=now + timedelta(hours=1)) == 1

        assert [r.status for r in submit(submission(row))] == ["accepted"]

    def test_an_answer_after_somebody_else_took_the_task_is_kept_as_late(
        self, project: Project, scene: Scene, ada: User, bob: User
    ) -> None:
        open_scene(project, scene, [])
        now = timezone.now()
        (row,) = take([ada], now)
        with transaction.atomic():
            operations.reap_expired(now=now + timedelta(hours=1))
        taken = {r.pk: r for r in [*take([bob], now, 1), *take([bob], now, 2)]}
        submit(submission(taken[row.pk]))

        (reply,) = submit(submission(row))

        assert isinstance(reply, Ack) and reply.status == "late"
        assert Answer.objects.filter(microtask=row.microtask, late=False).count() == 1

    def test_skipping_passes_the_task_to_somebody_else(
        self, project: Project, scene: Scene, ada: User, bob: User
    ) -> None:
        open_scene(project, scene, [])
        (row,) = take([ada], timezone.now())
        submit(submission(row, outcome="skip", value=None))

        again = [r.microtask_id for seed in range(3) for r in take([ada], timezone.now(), seed)]
        others = [r.microtask_id for seed in range(3) for r in take([bob], timezone.now(), seed)]

        assert row.microtask_id not in again
        assert row.microtask_id in others


class TestRecords:
    def test_a_track_record_can_be_rebuilt_from_the_event_log(
        self, project: Project, scene: Scene, crowd: list[User]
    ) -> None:
        planned = [
            PlannedObject([t[0] + 3, t[1], t[2], t[3]], 0, 0.6, 0.9, "left" if t[0] < 400 else "right")
            for t in TRUTH
        ]
        open_scene(project, scene, planned)
        work(crowd)

        for row in AnnotatorRecord.objects.all():
            said = {
                kind: [
                    Outcome.from_json(e.data)
                    for e in Event.objects.filter(kind=kind, annotator=row.annotator_id)
                ]
                for kind in ("outcome", "outcome_reverted")
            }
            person = User.objects.get(pk=row.annotator_id)
            record = replay(said["outcome"], TrackRecord.new(person.tier, ["aerial"]))
            for outcome in said["outcome_reverted"]:
                record = record.reverted(outcome)
            assert record.to_json() == row.record
        assert Event.objects.filter(kind="outcome").exists()
