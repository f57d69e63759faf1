"""A ruling and what follows from it: precedents for the next one, a change of the guideline, a word to those who erred."""

from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from routing.outcomes import Outcome
from routing.redundancy import ObjectCase
from routing.track_record import replay
from webapp.desk import acts
from webapp.desk.acts import at_stake
from webapp.desk.queries import ruling_of
from webapp.labeling import rulings
from webapp.labeling.coaching import coach, judged_otherwise, words_for
from webapp.labeling.models import (
    AnnotatorRecord,
    Answer,
    Assignment,
    Event,
    Microtask,
    SceneObject,
    Tile,
)
from webapp.labeling.queries import case_file
from webapp.labeling.rulings import precedents
from webapp.people.models import Organisation, Role, User
from webapp.people.operations import create_person
from webapp.projects.models import Project
from webapp.projects.operations import new_guideline_version
from webapp.projects.queries import current_guideline
from webapp.scenes.models import Scene
from webapp.scenes.operations import import_path

BOX = [10.0, 10.0, 30.0, 30.0]
RULED = {"ruling": "accept", "xyxy": BOX, "class": 0, "make_gold": False, "rubric": {}, "note": ""}


@pytest.fixture
def scene(project: Project, pictures: Path) -> Scene:
    import_path(
        path=pictures / "a.png", organisation=project.organisation, project_name="Trees", dataset_name="north"
    )
    return Scene.objects.get()


def add_object(scene: Scene, box: list[float] = BOX, **changes: Any) -> SceneObject:
    tile, _ = Tile.objects.get_or_create(scene=scene, x=0, y=0, defaults={"w": 64, "h": 48, "halo": 0})
    fields: dict[str, Any] = {"scene": scene, "tile": tile, "label": 0, "box": box, "source": "model"}
    return SceneObject.objects.create(**{**fields, **changes})


def case(scene: Scene, box: list[float] = BOX, *, state: str = "resolved", **secret: Any) -> Microtask:
    return Microtask.objects.create(
        project=scene.dataset.project, dataset=scene.dataset, scene=scene, object=add_object(scene, box), kind="adjudicate",
        domain="aerial", tier="specialist", state=state, reason="disputed",
        secret={"dispute": "geometry / ok", "label": 0} | secret,
        payload={"view": [0, 0, 48, 48], "object": {"id": 1, "xyxy": box, "class": 0}},
    )  # fmt: skip


def rule(task: Microtask, person: User, **value: Any) -> Answer:
    held = Assignment.objects.create(
        microtask=task, project=task.project, lane="x", state="answered", annotator=person
    )
    return Answer.objects.create(
        assignment=held, microtask=task, annotator=person, outcome="answered", value=RULED | value
    )


def side(length: float) -> list[float]:
    return [2.0, 2.0, 2.0 + length, 2.0 + length]


class TestPrecedents:
    def test_are_the_nearest_in_size_of_the_same_dispute_and_class(self, scene: Scene, olga: User) -> None:
        open_case = case(scene, side(20), state="open")
        by_side = {length: rule(case(scene, side(length)), olga) for length in (4, 9, 15, 19, 21, 30, 40)}
        rule(case(scene, side(20), dispute="there or not"), olga)
        rule(case(scene, side(20), label=1), olga)

        found = precedents(open_case, olga.pk)

        assert [row["id"] for row in found] == [str(by_side[length].pk) for length in (21, 19, 15, 30, 40)]

    def test_tell_what_was_ruled_and_why_but_not_by_whom(self, scene: Scene, olga: User, acme: Any) -> None:
        peer = create_person(organisation=acme, username="petra", role=Role.SPECIALIST)
        rule(
            case(scene),
            peer,
            ruling="reject",
            xyxy=None,
            rubric={"blurred": True, "small": False},
            note="a shadow",
        )

        (found,) = precedents(case(scene, state="open"), olga.pk)

        assert (found["ruling"], found["mine"], found["rubric"]) == ("rejected", False, ["blurred"])
        assert (found["note"], found["ruled"], found["proposed"]) == ("a shadow", None, BOX)
        assert str(peer.pk) not in {str(value) for value in found.values()}
        assert "petra" not in str(found)

    def test_leave_out_the_object_itself_other_projects_and_what_was_passed_on(
        self, scene: Scene, olga: User, acme: Any
    ) -> None:
        ruled = case(scene)
        rule(ruled, olga)
        again = case(scene, state="open")
        Microtask.objects.filter(pk=again.pk).update(object=ruled.object)
        again.refresh_from_db()
        passed = rule(case(scene, dispute="there or not"), olga)
        Answer.objects.filter(pk=passed.pk).update(outcome="skip", value=None)

        assert precedents(again, olga.pk) == []
        assert precedents(case(scene, state="open", dispute="there or not"), olga.pk) == []
        assert precedents(Microtask(secret={}, object=ruled.object), olga.pk) == []

    def test_cost_the_same_however_many_rulings_there_are(
        self, scene: Scene, olga: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(rulings, "SEARCHED", 3)
        answers = [rule(case(scene), olga) for _ in range(6)]

        with CaptureQueriesContext(
            connection,
        ) as queries:
            found = precedents(case(scene, state="open"), olga.pk)

        assert {row["id"] for row in found} == {str(answer.pk) for answer in answers[3:]}
        assert sum("SELECT" in q["sql"] for q in queries) == 3 + 1  # one reads the tile of the new case


class TestCaseFile:
    def test_says_how_people_judge_and_how_the_guideline_begins(
        self, scene: Scene, olga: User, ada: User, bob: User, project: Project
    ) -> None:
        task = case(scene, state="open")
        row = task.object
        assert row is not None
        row.evidence = [
            {"annotator": who.pk, "kind": "verify_box", "verdict": said, "version": 1, "box": BOX}
            for who, said in ((ada, "ok"), (bob, "geometry"))
        ]
        row.save()
        looks = [Outcome("verify_box", "aerial", 0, "ok", "geometry", seconds=2.0)] * 90
        AnnotatorRecord.objects.create(annotator=ada, record=replay(looks).to_json())
        new_guideline_version(project=project, text="Crowns only.\n\n" + "Shadows do not count. " * 60)
        held = Assignment.objects.create(
            microtask=task, project=project, lane="x", state="leased", annotator=olga
        )

        file = case_file(held)

        assert [(a["by"], a["band"]) for a in file["answers"]] == [
            ("Annotator A", "below"),
            ("Annotator B", "new"),
        ]
        assert file["guideline"].startswith("Crowns only.\nShadows do not count.")
        assert file["guideline"].endswith("…") and len(file["guideline"]) <= 702
        assert file["precedents"] == []


class TestGuideline:
    def send(self, client: Client, answer: Answer, **fields: str) -> str:
        newest = answer.microtask.project.guidelines.latest("version").version
        sent = {"version": str(newest), "rule": "", "example": "", "caption": ""} | fields
        url = f"/desk/rulings/{answer.pk}/guideline/"
        return client.post(url, sent, follow=True).content.decode()

    def test_says_what_a_change_puts_in_doubt_before_it_is_made(
        self, client: Client, scene: Scene, olga: User, project: Project
    ) -> None:
        answer = rule(case(scene), olga)
        for state, label in (("accepted", 0), ("accepted", 0), ("accepted", 1), ("rejected", 0)):
            add_object(scene, state=state, label=label)
        client.force_login(olga)

        stake = at_stake(project, 0)
        page = client.get(f"/desk/rulings/{answer.pk}/").content.decode()

        assert (stake.objects, stake.more) == (2, False)
        assert stake.seconds > 0 and stake.cost > 0
        assert "Puts 2 accepted objects of this class in doubt." in page
        assert "Asking again takes at least" in page

    def test_says_that_there_may_be_more_than_it_looked_at(
        self, client: Client, scene: Scene, olga: User, project: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(acts, "COUNTED", 2)
        answer = rule(case(scene), olga)
        for _ in range(3):
            add_object(scene, state="accepted")
        client.force_login(olga)

        assert (at_stake(project, 0).objects, at_stake(project, 0).more) == (2, True)
        page = client.get(f"/desk/rulings/{answer.pk}/").content.decode()
        assert "Puts more than 2 accepted objects of this class in doubt." in page

    def test_adds_a_rule_and_the_case_as_an_example(
        self, client: Client, scene: Scene, olga: User, project: Project
    ) -> None:
        before = new_guideline_version(project=project, text="Crowns only.")
        answer = rule(case(scene), olga, **{"class": 1})
        client.force_login(olga)

        page = self.send(client, answer, rule="Shadows do not count.", example="right", caption="no shadow")

        current = current_guideline(project)
        assert current is not None
        assert f"Version {current.version} of the guideline is in force." in page
        assert current.version == before.version + 1
        assert current.paragraphs == ("Crowns only.", "Shadows do not count.")
        (example,) = current.examples
        assert (example.verdict, example.caption, example.label) == ("right", "no shadow", 1)
        assert (example.scene, example.rect) == (scene.pk, (0, 0, 48, 48))
        assert project.guidelines.get(version=current.version).created_by == olga

    @pytest.mark.parametrize(
        ("fields", "says"),
        [
            ({"rule": " "}, "Write a rule"),
            ({"example": "odd"}, "Write a rule"),
            ({"example": "wrong"}, "Say in a few words"),
            ({"rule": "x", "version": "0"}, "changed meanwhile"),
            ({"rule": "x", "version": "-7"}, "changed meanwhile"),
        ],
    )
    def test_refuses_what_is_empty_or_written_for_an_older_version(
        self, client: Client, scene: Scene, olga: User, project: Project, fields: dict[str, str], says: str
    ) -> None:
        newest = new_guideline_version(project=project, text="Crowns only.")
        answer = rule(case(scene), olga)
        client.force_login(olga)

        assert says in self.send(client, answer, **fields)
        assert project.guidelines.latest("version") == newest

    def test_is_for_specialists_of_the_domain(
        self, client: Client, scene: Scene, olga: User, ada: User, mallory: User, project: Project, acme: Any
    ) -> None:
        answer, before = rule(case(scene), olga), project.guidelines.count()
        stranger = create_person(organisation=acme, username="petra", role=Role.SPECIALIST)
        for person, status in ((ada, 403), (mallory, 404), (stranger, 404)):
            client.force_login(person)
            for address in ("", "guideline/", "coach/"):
                send = client.post if address else client.get
                assert send(f"/desk/rulings/{answer.pk}/{address}").status_code == status
        assert project.guidelines.count() == before

    def test_is_not_shown_to_others_while_a_second_reader_is_to_read_the_case(
        self, client: Client, scene: Scene, olga: User, acme: Organisation
    ) -> None:
        reader = create_person(organisation=acme, username="petra", role=Role.SPECIALIST, domains=["aerial"])
        task = case(scene)
        answer, address = rule(task, olga), "/desk/rulings/{}/"
        again = case(scene, state="open")
        Microtask.objects.filter(pk=again.pk).update(object=task.object)

        def status(person: User) -> int:
            client.force_login(person)
            return client.get(address.format(answer.pk)).status_code

        assert (status(olga), status(reader)) == (200, 404)
        Microtask.objects.filter(pk=again.pk).update(state="resolved")
        assert status(reader) == 200


@pytest.fixture
def judged(scene: Scene, olga: User, ada: User, bob: User) -> Answer:
    """A ruling that keeps an outline which ada had called wrong and bob right."""
    task = case(scene)
    row = task.object
    assert row is not None
    looks = ((ada, "geometry"), (bob, "ok"))
    row.evidence = [
        {"annotator": who.pk, "kind": "verify_box", "verdict": said, "version": 1, "box": BOX,
         "taught": {"cls": 0, "truth": "good", "weight": 1.0, "gold": True, "iou": None, "at": 1.0}}
        for who, said in looks
    ]  # fmt: skip
    row.state = "accepted"
    row.case = {"belief": {"good": 0.9, "geometry": 0.05, "phantom": 0.05}}
    assert ObjectCase.from_json(row.case)
    row.save()
    return rule(task, olga)


class TestCoaching:
    def test_offers_those_whose_last_look_was_wrong_under_a_letter(
        self, client: Client, judged: Answer, olga: User, ada: User
    ) -> None:
        assert judged.microtask.object is not None
        (told,) = judged_otherwise(judged.microtask.object)
        client.force_login(olga)

        page = client.get(f"/desk/rulings/{judged.pk}/").content.decode()

        assert (told.name, told.person, told.said) == ("A", ada.pk, "geometry")
        assert "Annotator A" in page and "Annotator B" not in page
        assert "ada" not in page

    def test_reaches_the_persons_own_page_with_the_case(
        self, client: Client, judged: Answer, olga: User, ada: User, bob: User
    ) -> None:
        client.force_login(olga)
        sent = {"who": "A", "note": "Look at the <crown> only."}
        page = client.post(f"/desk/rulings/{judged.pk}/coach/", sent, follow=True).content.decode()
        assert "They will read it on their own page." in page

        (word,) = words_for(ada)
        client.force_login(ada)
        mine = client.get("/me/").content.decode()

        assert "Look at the &lt;crown&gt; only." in mine
        assert "outline wrong" in mine and "kept" in mine
        assert "olga" not in mine.lower().replace("specialist", "")
        picture = client.get(f"/desk/words/{word.id}/crop.jpg")
        assert picture.content.startswith(b"\xff\xd8")
        client.force_login(bob)
        assert client.get(f"/desk/words/{word.id}/crop.jpg").status_code == 404
        assert "From a specialist" not in client.get("/me/").content.decode()

    def test_is_said_once_about_a_ruling(self, judged: Answer, olga: User, ada: User) -> None:
        assert judged.microtask.object is not None
        (told,) = judged_otherwise(judged.microtask.object)

        assert coach(judged, told, ruling=ruling_of(judged).outcome, note="x" * 900, by=olga)
        assert not coach(judged, told, ruling="kept", note="again", by=olga)
        (event,) = Event.objects.filter(kind="coached")
        assert event.data["by"] == olga.pk and len(event.data["note"]) == 500

    @pytest.mark.parametrize("sent", [{"who": "B", "note": "x"}, {"who": "A", "note": " "}, {}])
    def test_refuses_who_was_right_and_empty_words(
        self, client: Client, judged: Answer, olga: User, sent: dict[str, str]
    ) -> None:
        client.force_login(olga)

        page = client.post(f"/desk/rulings/{judged.pk}/coach/", sent, follow=True).content.decode()

        assert "Choose somebody and write what helps." in page
        assert not Event.objects.filter(kind="coached").exists()
