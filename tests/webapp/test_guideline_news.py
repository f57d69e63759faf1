"""A changed guideline: who is told, what they are asked, and that it is asked once."""

import pytest
from django.test import Client

from webapp.people.models import User
from webapp.projects.examples import Example, examples_of
from webapp.projects.models import GuidelineRead, Project
from webapp.projects.operations import new_guideline_version

TREE, CAR = 0, 1


def example(verdict: str, caption: str, label: int | None) -> Example:
    return Example(verdict, caption, 1, (0.0, 0.0, 8.0, 8.0), label)


@pytest.fixture
def page(client: Client, ada: User, project: Project) -> str:
    """Ada has read version 1 for trees and for cars."""
    client.force_login(ada)
    address = f"/projects/{project.pk}/guideline/news/"
    for label in (TREE, CAR):
        assert client.get(f"{address}?class={label}").json()["changed"] is False
    return address


class TestNews:
    def test_asks_about_a_new_example_once_and_records_the_answer(
        self, client: Client, ada: User, project: Project, page: str
    ) -> None:
        old = project.guidelines.get()
        new_guideline_version(project=project, text=old.text, examples=[example("wrong", "A shadow", TREE)])

        asked = client.get(f"{page}?class={TREE}").json()
        assert (asked["version"], asked["changed"]) == (2, True)
        assert asked["example"]["image"].endswith("/examples/2/0.jpg")
        told = client.post(
            f"{page}?class={TREE}", {"version": 2, "said": "right"}, content_type="application/json"
        )

        assert told.json() == {"correct": False, "caption": "A shadow", "verdict": "wrong"}
        read = GuidelineRead.objects.get(person=ada, label=TREE)
        assert (read.version, read.example, read.correct) == (2, 0, False)
        assert client.get(f"{page}?class={TREE}").json()["changed"] is False

    def test_leaves_alone_whose_class_has_not_changed(
        self, client: Client, project: Project, page: str
    ) -> None:
        old = project.guidelines.get()
        new_guideline_version(project=project, text=old.text, examples=[example("right", "A crown", TREE)])

        assert client.get(f"{page}?class={CAR}").json()["changed"] is False

    def test_asks_only_to_read_a_new_text(self, client: Client, project: Project, page: str) -> None:
        new_guideline_version(project=project, text="Dead trees count as well.")

        assert client.get(f"{page}?class={CAR}").json() == {"version": 2, "changed": True, "example": None}
        told = client.post(
            f"{page}?class={CAR}", {"version": 2, "said": None}, content_type="application/json"
        )
        assert told.json() == {"correct": None, "caption": None, "verdict": None}
        assert client.get(f"{page}?class={CAR}").json()["changed"] is False

    @pytest.mark.parametrize(
        ("body", "status"),
        [
            ({"version": 1}, 409),
            ({"version": 2, "said": "right"}, 409),
            ({}, 400),
            ([], 400),
            ({"version": "x"}, 400),
        ],
    )
    def test_refuses_answers_to_what_was_not_asked(
        self, client: Client, project: Project, page: str, body: object, status: int
    ) -> None:
        new_guideline_version(project=project, text="Dead trees count as well.")

        refused = client.post(f"{page}?class={TREE}", body, content_type="application/json")

        assert refused.status_code == status and refused.json()["message"]
        assert client.get(f"{page}?class={TREE}").json()["changed"] is True

    def test_counts_a_first_meeting_as_read(self, client: Client, bob: User, project: Project) -> None:
        new_guideline_version(project=project, text="Version two.")
        client.force_login(bob)

        address = f"/projects/{project.pk}/guideline/news/?class=0"
        assert client.get(address).json() == {"version": 2, "changed": False, "example": None}
        assert GuidelineRead.objects.get(person=bob).version == 2


class TestExamples:
    def test_beside_a_task_are_three_right_and_three_wrong_ones_of_its_class(self) -> None:
        every = [example("right", f"r{n}", None if n < 2 else TREE) for n in range(5)]
        every += [example("wrong", "of cars", CAR), example("wrong", "of trees", TREE)]

        shown = [(number, e.caption) for number, e in examples_of(every, TREE)]

        assert shown == [(2, "r2"), (3, "r3"), (4, "r4"), (6, "of trees")]
        assert [number for number, _ in examples_of(every, None)] == list(range(7))
