"""The page of managers' acts: who did what, taking it back, and whose acts are seen."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone, translation
from pytest_django import DjangoAssertNumQueries

from routing.policy import RoutingPolicy
from webapp.labeling.acts import ACTS
from webapp.labeling.models import AnnotatorRecord, Event
from webapp.ops.acts import REVERSES, SENTENCES
from webapp.ops.acts_page import PER_PAGE, Act, acts_of
from webapp.ops.operations import pause_dataset, pause_kind, pause_project
from webapp.ops.retarget import change_audit, change_target
from webapp.ops.workforce import move_people, pause_person, send_note, set_skill, withdraw_note
from webapp.people.models import Note, Qualification, Role, User
from webapp.people.operations import create_person
from webapp.projects.models import Project
from webapp.scenes.models import Dataset

LATER = timedelta(days=1)


@pytest.fixture(autouse=True)
def _in_english() -> Iterator[None]:
    with translation.override("en"):
        yield


@pytest.fixture
def nora(otto: User) -> User:
    """Another manager of the same organisation."""
    assert otto.organisation is not None
    return create_person(organisation=otto.organisation, username="nora", name="Nora", role=Role.MANAGER)


@pytest.fixture
def page(otto: User) -> Client:
    client = Client()
    client.force_login(otto)
    return client


def seen(viewer: User) -> list[Act]:
    return list(acts_of(viewer, project=None, by=None, below=None).acts)


def take_back(page: Client, act: Act) -> str:
    """Press the act's button; returns what the page says then."""
    answer = page.post(f"/ops/acts/{act.event.pk}/undo/", follow=True)
    return str(answer.content.decode())


Deed = Callable[[Project, Dataset, User, User], object]


def looked_after(person: User) -> bool:
    return not AnnotatorRecord.objects.exclude(held="").filter(annotator=person).exists()


class TestSentences:
    def test_exist_for_every_act_and_only_for_acts(self) -> None:
        assert set(SENTENCES) == set(ACTS)
        assert set(REVERSES) <= set(ACTS)

    def test_name_people_numbers_and_reasons(self, project: Project, otto: User, ada: User) -> None:
        change_target(project=project, risk=0.02, looks=8, by=otto)
        change_audit(project=project, share=0.2, by=otto)
        pause_person(person=ada, reason="on leave", by=otto)
        pause_kind(project=project, kind="verify_box", paused=True, by=otto)
        usual = RoutingPolicy()

        said = [act.text for act in seen(otto)]

        assert said[0] == "Paused “check a box”"
        assert said[1] == "Paused ada: on leave"
        assert said[2] == "Changed the audited share from 5\u202f% to 20\u202f%"
        assert said[3] == (
            f"Changed the risk target from {100 * usual.target_risk:g}\u202f% to 2\u202f%,"
            f" answers from {usual.max_looks} to 8"
        )

    def test_name_three_people_and_count_the_others(self, otto: User, project: Project) -> None:
        assert otto.organisation is not None
        people = [
            create_person(organisation=otto.organisation, username=f"p{n}", domains=["aerial"])
            for n in range(5)
        ]
        move_people(people=people, origin="aerial", to="ships", by=otto)

        assert seen(otto)[0].text == "Moved p0, p1, p2 and 2 more from aerial to ships"


class TestUndo:
    @pytest.mark.parametrize(
        ("deed", "undone"),
        [
            (lambda p, d, o, a: pause_project(project=p, paused=True, by=o), lambda p, d, a: not p.paused),
            (lambda p, d, o, a: pause_dataset(dataset=d, paused=True, by=o), lambda p, d, a: not d.paused),
            (
                lambda p, d, o, a: pause_kind(project=p, kind="fix_box", paused=True, by=o),
                lambda p, d, a: p.paused_kinds == [],
            ),
            (lambda p, d, o, a: change_target(project=p, risk=0.02, looks=9, by=o), lambda p, d, a: p.policy == {}),
            (lambda p, d, o, a: change_audit(project=p, share=0.5, by=o), lambda p, d, a: p.policy == {}),
            (lambda p, d, o, a: pause_person(person=a, reason="ill", by=o), lambda p, d, a: looked_after(a)),
            (
                lambda p, d, o, a: set_skill(person=a, domain="ships", granted=True, by=o),
                lambda p, d, a: skills(a) == ["aerial"],
            ),
            (
                lambda p, d, o, a: set_skill(person=a, domain="aerial", granted=False, by=o),
                lambda p, d, a: skills(a) == ["aerial"],
            ),
            (
                lambda p, d, o, a: move_people(people=[a], origin="aerial", to="ships", by=o),
                lambda p, d, a: skills(a) == ["aerial"],
            ),
        ],
        ids=["project", "dataset", "kind", "target", "audits", "person", "grant", "revoke", "move"],
    )  # fmt: skip
    def test_brings_back_what_was_before_and_is_an_act_itself(
        self,
        deed: Deed,
        undone: Callable[[Project, Dataset, User], bool],
        project: Project,
        dataset: Dataset,
        otto: User,
        ada: User,
        page: Client,
    ) -> None:
        deed(project, dataset, otto, ada)
        project.refresh_from_db()
        dataset.refresh_from_db()
        assert not undone(project, dataset, ada)
        (act,) = seen(otto)
        assert act.undo

        assert "That is taken back." in take_back(page, act)

        project.refresh_from_db()
        dataset.refresh_from_db()
        assert undone(project, dataset, ada)
        assert [a.event.pk for a in seen(otto)][1] == act.event.pk
        assert not seen(otto)[1].undo

    def test_refuses_where_things_have_changed_since(
        self, project: Project, otto: User, page: Client
    ) -> None:
        change_target(project=project, risk=0.02, looks=6, by=otto)
        first = seen(otto)[0]
        change_target(project=project, risk=0.03, looks=6, by=otto)
        assert [act.undo for act in seen(otto)] == [True, False]

        assert "Things have changed since" in take_back(page, first)

        project.refresh_from_db()
        assert project.policy["target_risk"] == 0.03

    def test_pressed_twice_does_it_once(self, project: Project, otto: User, page: Client) -> None:
        pause_project(project=project, paused=True, by=otto)
        act = seen(otto)[0]
        take_back(page, act)

        assert "Things have changed since" in take_back(page, act)
        assert Event.objects.filter(kind="project_resumed").count() == 1

    def test_withdraws_a_note(self, otto: User, page: Client) -> None:
        now = timezone.now()
        send_note(texts={"en": "Hello"}, domain="", until=now + LATER, by=otto, now=now)

        take_back(page, seen(otto)[0])

        assert Note.objects.get().until <= timezone.now()
        assert not withdraw_note(note=Note.objects.get().pk, by=otto, now=timezone.now())


class TestActsPage:
    def test_shows_who_did_it_where_with_a_button(
        self, project: Project, dataset: Dataset, nora: User, page: Client
    ) -> None:
        pause_dataset(dataset=dataset, paused=True, by=nora)

        shown = page.get("/ops/acts/").content.decode()

        assert "Nora" in shown
        assert "Paused the data set" in shown
        assert f'href="/ops/datasets/{dataset.pk}/"' in shown
        assert shown.count("/undo/") == 1

    def test_of_another_organisation_shows_and_undoes_nothing(
        self, project: Project, otto: User, mallory: User
    ) -> None:
        pause_project(project=project, paused=True, by=otto)
        act = seen(otto)[0]
        evil = Client()
        evil.force_login(mallory)

        assert "Paused" not in evil.get("/ops/acts/").content.decode()
        assert evil.get(f"/ops/acts/?project={project.pk}").status_code == 404
        assert evil.post(f"/ops/acts/{act.event.pk}/undo/").status_code == 404
        project.refresh_from_db()
        assert project.paused

    def test_is_for_managers(self, ada: User) -> None:
        client = Client()
        client.force_login(ada)

        assert client.get("/ops/acts/").status_code == 403
        assert client.get("/ops/people/").status_code == 403
        assert client.post("/ops/notes/", {"text-en": "x"}).status_code == 403

    def test_can_be_narrowed_to_a_project_and_a_manager(
        self, project: Project, otto: User, nora: User, page: Client
    ) -> None:
        other = Project.objects.create(organisation=project.organisation, name="Ships", domain="ships")
        pause_project(project=project, paused=True, by=otto)
        pause_project(project=other, paused=True, by=nora)

        shown = acts_of(otto, project=other.pk, by=None, below=None)
        by_otto = acts_of(otto, project=None, by=otto.pk, below=None)

        assert [act.event.project_id for act in shown.acts] == [other.pk]
        assert [act.who for act in by_otto.acts] == ["otto"]
        assert page.get(f"/ops/acts/?by={nora.pk}").status_code == 200
        assert page.get("/ops/acts/?by=x").status_code == 404

    def test_pages_through_many_without_asking_for_each(
        self, project: Project, otto: User, ada: User, page: Client, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:  # fmt: skip
        for n in range(PER_PAGE + 3):
            pause_kind(project=project, kind="verify_box", paused=n % 2 == 0, by=otto)

        with django_assert_max_num_queries(16):
            first = page.get("/ops/acts/")
        older = acts_of(otto, project=None, by=None, below=first.context["view"].older)

        assert len(first.context["view"].acts) == PER_PAGE
        assert (len(older.acts), older.older) == (3, None)
        assert sum(act.undo for act in first.context["view"].acts) == 1  # only the newest of one subject


def skills(person: User) -> list[str]:
    rows = Qualification.objects.filter(person=person)
    return sorted(rows.values_list("domain", flat=True))
