"""Questions about what something is: attributes, classes of pictures, triage, duplicates, names.

Each is answered with the mouse and again with the keyboard alone, in the built workbench over its own socket; the other
end of the socket is staged, so that a payload of any shape can be asked.
"""

from collections.abc import Callable
from typing import Any

import pytest

from webapp.devtools import rehearsal
from webapp.devtools.axe import violations
from webapp.devtools.rehearsal import Picture, World
from webapp.devtools.staged_feed import StagedFeed, payload, reload_with_draft, serve_picture
from webapp.labeling.models import Answer

pytestmark = pytest.mark.browser

SIZE = (720, 520)
PHONE = {"width": 390, "height": 844}
OBJECT = {"id": 31, "version": 2, "xyxy": [300, 200, 380, 290], "class": 0}
ATTRIBUTES = [
    {
        "id": "occlusion",
        "name": "Occlusion",
        "options": [{"id": "none", "name": "visible"}, {"id": "heavy", "name": "mostly hidden"}],
        "multi": False,
    },
    {
        "id": "lights",
        "name": "Lights that are on",
        "options": [
            {"id": "brake", "name": "brake"},
            {"id": "left", "name": "left"},
            {"id": "right", "name": "right"},
        ],
        "multi": True,
    },
]
PAYLOADS: dict[str, dict[str, Any]] = {
    "attributes": {"object": OBJECT, "objects": [], "attributes": ATTRIBUTES},
    "classify_image": {"object": OBJECT, "classes": [3, 0, 2, 1]},
    "triage_scene": {},
    "merge_duplicates": {
        "a": {"id": 4, "xyxy": [300, 200, 380, 290], "class": 0},
        "b": {"id": 5, "xyxy": [310, 190, 396, 280], "class": 0},
    },
    "name_unknown": {"object": OBJECT, "classes": [0, 1, 2, 3]},
}
# What is clicked by its data-action, what is pressed, and what both have to answer.
MOUSE: dict[str, list[str]] = {
    "attributes": ["occlusion-heavy", "lights-right", "lights-brake", "submit"],
    "classify_image": ["second-1", "class-2"],
    "triage_scene": ["state-privacy"],
    "merge_duplicates": ["keep-b"],
    "name_unknown": ["class-3"],
}
KEYS: dict[str, list[str]] = {
    "attributes": ["2", "3", "1", "Enter"],
    "classify_image": ["Shift+2", "3"],
    "triage_scene": ["3"],
    "merge_duplicates": ["2"],
    "name_unknown": ["ArrowUp", "Enter"],
}
ANSWERS: dict[str, dict[str, Any]] = {
    "attributes": {"attributes": {"occlusion": "heavy", "lights": ["brake", "right"]}},
    "classify_image": {"class": 2, "alt": 1},
    "triage_scene": {"state": "privacy"},
    "merge_duplicates": {"same": True, "keep": "b"},
    "name_unknown": {"class": 3, "propose": "", "out_of_scope": False},
}
KINDS = list(PAYLOADS)

# What a project's schema wants, the keys that answer it, and what arrives in the database.
WANTED: dict[str, tuple[dict[str, Any], list[str], dict[str, Any]]] = {
    "attributes": (
        {
            "classes": [{"name": "tree", "attributes": ["occlusion", "lights"]}],
            "more": {"attributes": ATTRIBUTES},
        },
        KEYS["attributes"],
        ANSWERS["attributes"],
    ),
    "classify_image": (
        {
            "classes": ["orchard", "meadow", "road"],
            "more": {"scene": {"triage": False, "classes": [0, 1, 2]}},
        },
        ["Shift+1", "2"],
        {"class": 1, "alt": 0},
    ),
    "triage_scene": ({"classes": ["tree"], "more": {"scene": {"triage": True}}}, ["2"], {"state": "dark"}),
}

Staged = tuple[Any, StagedFeed]
Stage = Callable[..., Staged]


@pytest.fixture
def staged(tab: Callable[..., Any], world: World, picture: Picture) -> Stage:
    """Open the workbench on tasks of one kind; further payload fields and options of the tab may be given."""

    def open_tasks(
        kind: str, *, more: dict[str, Any] | None = None, times: int = 1, **options: Any
    ) -> Staged:
        page = tab(world.ada, **options)
        task = payload(kind, size=SIZE, view=[240, 140, 200, 200], **{**PAYLOADS[kind], **(more or {})})
        feed = StagedFeed(page.page, [task] * times)
        serve_picture(page.page, picture.path)
        page.open()
        page.task(kind)
        return page, feed

    return open_tasks


def wide_schema(count: int) -> dict[str, Any]:
    names = [
        "ash",
        "beech",
        "birch",
        "copper beech",
        "elm",
        "fir",
        "hazel",
        "lime",
        "oak",
        "pine",
        "red oak",
        "yew",
    ]
    classes = [{"id": n, "name": names[n], "color": "#33bb66", "key": ""} for n in range(count)]
    return {"schema": {"version": 1, "classes": classes}, "classes": list(range(count))}


@pytest.mark.parametrize("kind", KINDS)
class TestEveryKind:
    def test_is_answered_with_the_mouse(self, staged: Stage, kind: str) -> None:
        page, feed = staged(kind)
        for action in MOUSE[kind]:
            page.click(action)
        page.acknowledged()

        assert feed.value == ANSWERS[kind]
        assert feed.answers[-1]["outcome"] == "answered"
        assert feed.answers[-1]["telemetry"]["input"] == "mouse"

    def test_is_answered_with_the_keyboard_alone(self, staged: Stage, kind: str) -> None:
        page, feed = staged(kind)
        page.press(*KEYS[kind])
        page.acknowledged()

        assert feed.value == ANSWERS[kind]
        assert feed.answers[-1]["telemetry"]["input"] == "key"

    def test_has_no_accessibility_findings(self, staged: Stage, kind: str) -> None:
        page, _ = staged(kind)
        assert violations(page.page) == []

    def test_fits_a_phone_and_is_answered_by_touch(self, staged: Stage, kind: str) -> None:
        page, feed = staged(kind, viewport=PHONE, has_touch=True)
        wide = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert page.page.evaluate(wide) == 0
        for action in MOUSE[kind]:
            page.action(action).tap()
        page.acknowledged()

        assert feed.value == ANSWERS[kind]
        assert feed.answers[-1]["telemetry"]["input"] == "touch"

    def test_speaks_other_languages(self, staged: Stage, kind: str) -> None:
        page, _ = staged(kind)
        prompts = {page.page.get_by_test_id("prompt").inner_text()}
        for language, direction in (("de", "ltr"), ("ar", "rtl")):
            page.page.evaluate("(name) => localStorage.setItem('tessera-language', name)", language)
            page.page.reload()
            page.task(kind)
            assert page.page.evaluate("() => document.documentElement.dir") == direction
            prompts.add(page.page.get_by_test_id("prompt").inner_text())
        assert len(prompts) == 3


class TestAttributes:
    def test_go_on_after_a_reload_where_they_stopped(self, staged: Stage) -> None:
        page, feed = staged("attributes")
        page.press("2", "3")
        reload_with_draft(page)
        page.task("attributes")
        page.press("1", "Enter")
        page.acknowledged()

        assert feed.value == ANSWERS["attributes"]

    def test_take_a_step_back_and_forth(self, staged: Stage) -> None:
        page, feed = staged("attributes")
        page.press("1", "1", "Control+z", "Control+z")
        page.until("Object.keys(s.task.chosen).length === 0")
        page.press("Control+Shift+z")
        page.until("Object.keys(s.task.chosen).length === 1")
        page.press("ArrowDown", "0", "Enter")
        page.acknowledged()

        assert feed.value == {"attributes": {"occlusion": "none", "lights": []}}

    def test_say_what_is_still_open_and_lead_there(self, staged: Stage) -> None:
        page, feed = staged("attributes")
        page.press("ArrowDown", "1", "Enter")
        page.see("Still to answer: Occlusion")
        page.press("1", "Enter")
        page.acknowledged()

        assert feed.value == {"attributes": {"occlusion": "none", "lights": ["brake"]}}

    def test_take_one_key_when_one_is_asked(self, staged: Stage) -> None:
        page, feed = staged("attributes", more={"attributes": ATTRIBUTES[:1]}, times=2)
        page.press("2")
        page.acknowledged()
        page.task("attributes")
        page.press("1")
        page.acknowledged(2)

        given = [answer["value"]["attributes"]["occlusion"] for answer in feed.answers]
        assert given == ["heavy", "none"]

    def test_are_chosen_by_tab_and_space_too(self, staged: Stage) -> None:
        page, feed = staged("attributes", more={"attributes": ATTRIBUTES[:1]})
        page.action("occlusion-heavy").focus()
        page.press("Space")
        page.acknowledged()

        assert feed.value == {"attributes": {"occlusion": "heavy"}}


class TestClassifyImage:
    def test_finds_a_class_by_typing_part_of_its_name(self, staged: Stage) -> None:
        page, feed = staged("classify_image", more=wide_schema(12))
        page.press("/")
        page.page.keyboard.type("oak")
        page.press("ArrowDown", "Enter")
        page.acknowledged()

        assert feed.value == {"class": 10, "alt": None}

    def test_says_none_of_these_about_a_whole_scene(self, staged: Stage) -> None:
        page, feed = staged("classify_image", more={"object": None})
        page.see("What does the picture show?")
        page.press("x")
        page.acknowledged()

        assert feed.value == {"class": None, "alt": None}


class TestMergeDuplicates:
    @pytest.mark.parametrize(
        ("key", "value"),
        [
            ("Space", {"same": True, "keep": "union"}),
            ("a", {"same": True, "keep": "a"}),
            ("x", {"same": False, "keep": None}),
        ],
    )
    def test_takes_one_key_for_each_verdict(self, staged: Stage, key: str, value: dict[str, Any]) -> None:
        page, feed = staged("merge_duplicates")
        page.press("v", "v", key)
        page.acknowledged()

        assert feed.value == value


class TestNameUnknown:
    def test_proposes_a_class_that_the_project_lacks(self, staged: Stage) -> None:
        page, feed = staged("name_unknown")
        page.press("p")
        page.page.keyboard.type("Truck")
        page.press("Enter")
        page.see("This class is there already")
        for _ in "Truck":
            page.press("Backspace")
        page.page.keyboard.type("tractor")
        page.press("Enter")
        page.acknowledged()

        assert feed.value == {"class": None, "propose": "tractor", "out_of_scope": False}

    def test_keeps_what_was_written_over_a_reload(self, staged: Stage) -> None:
        page, feed = staged("name_unknown")
        page.page.get_by_test_id("propose").fill("tractor")
        reload_with_draft(page)
        page.task("name_unknown")
        page.click("propose")
        page.acknowledged()

        assert feed.value["propose"] == "tractor"

    def test_marks_what_the_project_does_not_want(self, staged: Stage) -> None:
        page, feed = staged("name_unknown")
        page.click("out")
        page.acknowledged()

        assert feed.value == {"class": None, "propose": "", "out_of_scope": True}


@pytest.mark.parametrize("kind", list(WANTED))
class TestThroughTheFeed:
    def test_what_a_schema_wants_is_asked_and_answered(
        self, server: Any, tab: Callable[..., Any], picture: Picture, kind: str
    ) -> None:
        schema, keys, value = WANTED[kind]
        world = rehearsal.build(picture, **schema)
        task = rehearsal.open_wanted(world, kind)
        page = tab(world.ada).open()
        page.task(kind)
        page.press(*keys)
        page.acknowledged()

        answer = Answer.objects.get(microtask=task, annotator=world.ada)
        assert (answer.outcome, answer.late, answer.value) == ("answered", False, value)
