"""A project from nothing to the first answered task, in a real Chromium; pausing it, and opening settled work again."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from webapp.devtools import busy_day, rehearsal
from webapp.devtools.rehearsal import Picture, World
from webapp.labeling.models import AnnotatorRecord, Answer, Microtask, SceneObject
from webapp.people.models import Appeal
from webapp.projects.models import Project
from webapp.projects.queries import current_schema
from webapp.scenes.models import Dataset, Scene

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

FIVE_MINUTES_S = 300.0
Tabs = Callable[..., Any]


@pytest.fixture
def files(tmp_path: Path, picture: Picture) -> list[str]:
    """Two pictures and one that is broken."""
    other = tmp_path / "other.png"
    pixels = np.random.default_rng(5).integers(0, 255, (300, 400, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(other)
    broken = tmp_path / "broken.png"
    broken.write_bytes(other.read_bytes()[:500])
    return [str(picture.path), str(other), str(broken)]


def heading(page: Any, text: str) -> None:
    page.page.get_by_role("heading", name=text).first.wait_for()


def ready(page: Any) -> None:
    """Wait until the page's script has done its part."""
    page.page.wait_for_function("() => document.documentElement.dataset.ready === ''")


class TestSetUp:
    def test_leads_from_nothing_to_the_first_answer_in_under_five_minutes(
        self, tab: Tabs, world: World, files: list[str]
    ) -> None:
        began = time.monotonic()
        manager = tab(world.otto).open("/ops/")
        page = manager.page

        page.get_by_role("link", name="New project").first.click()
        page.get_by_label("Name").fill("Harbour")
        page.get_by_label("Domain").fill("harbours")
        page.get_by_label("What to look for").fill("ship\ncrane")
        page.get_by_role("button", name="Go on to the pictures").click()
        heading(manager, "0 pictures")
        ready(manager)
        page.locator("input[name=files]").set_input_files(files)
        page.get_by_text("1 could not be used").wait_for()
        assert "broken.png" in page.locator(".upload-problems").inner_text()
        page.get_by_role("link", name="Show them").click()
        heading(manager, "2 pictures")
        project = Project.objects.get(name="Harbour")
        manager.problems.clear()  # The browser's own note about the refused upload.

        page.locator(".steps").get_by_text("Classes").click()
        ready(manager)
        page.get_by_label("Name 1").fill("vessel")
        page.get_by_role("button", name="Add a class").click()
        page.keyboard.type("buoy")
        page.get_by_role("button", name="Save and go on").click()
        heading(manager, "Guideline")
        assert [c.name for c in current_schema(project).classes] == ["vessel", "crane", "buoy"]

        ready(manager)
        page.get_by_label("Rules, a paragraph each").fill("Ships in the water only.")
        page.get_by_role("button", name="Add an example").click()
        page.keyboard.press("ArrowRight")
        page.get_by_role("button", name="Use this place").click()
        page.keyboard.type("afloat")
        page.get_by_role("button", name="Save and go on").click()
        heading(manager, "Quality")
        page.get_by_label("Wrong objects, at most (%)").fill("2")
        page.get_by_role("button", name="Save and go on").click()
        heading(manager, "Who may work on it")
        page.get_by_label("Ada Annotator").check()
        page.get_by_role("button", name="Save and go on").click()
        heading(manager, "What there is")
        page.get_by_role("button", name="Start").click()
        heading(manager, "Harbour is running")
        annotator = tab(world.ada).open()
        annotator.task("coverage_tile")
        annotator.press("Space")
        annotator.acknowledged()

        assert time.monotonic() - began < FIVE_MINUTES_S
        project.refresh_from_db()
        assert project.policy["target_risk"] == 0.02
        example = project.guidelines.latest("version").examples[0]
        assert (example["caption"], example["verdict"]) == ("afloat", "right")
        assert Answer.objects.get(annotator=world.ada).microtask.project == project

    def test_keeps_what_was_typed_over_a_reload(self, tab: Tabs, world: World) -> None:
        manager = tab(world.otto).open(f"/projects/{world.project.pk}/setup/guideline/")
        ready(manager)
        rules = manager.page.get_by_label("Rules, a paragraph each")
        rules.fill("Half a rule")

        manager.page.reload()
        ready(manager)

        assert rules.input_value() == "Half a rule"
        manager.page.get_by_role("button", name="Save", exact=True).click()
        manager.see("is in force")
        ready(manager)
        assert manager.page.locator(".draft-notice").count() == 0
        assert rules.input_value() == "Half a rule"

    def test_edits_attributes_and_skeletons(self, tab: Tabs, world: World) -> None:
        manager = tab(world.otto).open(f"/projects/{world.project.pk}/setup/classes/")
        page = manager.page
        ready(manager)

        page.get_by_role("button", name="Add an attribute").click()
        page.keyboard.type("Health")
        page.get_by_label("Options, separated by commas").fill("healthy, ill")
        page.get_by_role("button", name="Add a skeleton").click()
        page.get_by_label("Joints, separated by commas").fill("root, top")
        page.get_by_label("Joints, separated by commas").press("Tab")
        page.get_by_label("Connections, as").fill("root-top")
        page.get_by_label("Connections, as").press("Tab")
        page.locator(".part-row .asked").get_by_label("tree").check()
        page.get_by_label("Shape: shrub").select_option("keypoints")
        page.get_by_label("Skeleton: shrub").select_option("skeleton")
        page.get_by_role("button", name="Save", exact=True).click()
        page.get_by_text("version 2; saving makes the next one").wait_for()

        schema = current_schema(world.project)
        assert [o.name for o in schema.attributes[0].options] == ["healthy", "ill"]
        assert schema.by_name("tree").attributes == (schema.attributes[0].id,)
        assert schema.by_name("shrub").skeleton == "skeleton"
        assert schema.skeleton("skeleton").edges == (("root", "top"),)

    def test_edits_what_is_asked_of_whole_pictures_and_sizes_and_finer_classes(
        self, tab: Tabs, world: World
    ) -> None:
        manager = tab(world.otto).open(f"/projects/{world.project.pk}/setup/classes/")
        page = manager.page
        ready(manager)

        page.get_by_role("button", name="Add a class").click()
        page.keyboard.type("grass")
        covers = page.get_by_role("group", name="What covers every part of the picture")
        covers.get_by_label("tree").check()
        covers.get_by_label("grass").check()
        page.get_by_label("Share of the blocks").fill("40")
        page.get_by_label("Ask first whether a picture can be used at all").check()
        page.get_by_label("Shape: shrub").select_option("cuboid")
        for name, metres in (("Length", "1.5"), ("Width", "1,2"), ("Height", "2")):
            page.get_by_label(f"{name}: shrub").fill(metres)
        page.get_by_role("button", name="Name a class more finely").click()
        finer = page.get_by_role("group", name="Named as one of")
        finer.get_by_label("shrub").check()
        page.get_by_role("button", name="Save", exact=True).click()
        assert finer.locator("input:invalid").count() == 1
        finer.get_by_label("grass").check()
        page.get_by_role("button", name="Save", exact=True).click()
        page.get_by_text("version 2; saving makes the next one").wait_for()

        schema = current_schema(world.project)
        tree, shrub, grass = (schema.by_name(name) for name in ("tree", "shrub", "grass"))
        assert schema.scene.regions == (tree.id, grass.id)
        assert (schema.scene.region_share, schema.scene.triage) == (0.4, True)
        assert shrub.dims == (1.5, 1.2, 2.0)
        assert tree.subclasses == (shrub.id, grass.id)
        ready(manager)
        assert page.get_by_label("Share of the blocks").input_value() == "40"

    def test_leads_from_ticked_regions_to_a_block_that_somebody_colours(
        self, tab: Tabs, world: World
    ) -> None:
        manager = tab(world.otto).open(f"/projects/{world.project.pk}/setup/classes/")
        page = manager.page
        ready(manager)
        covers = page.get_by_role("group", name="What covers every part of the picture")
        covers.get_by_label("tree").check()
        covers.get_by_label("shrub").check()
        page.get_by_role("button", name="Save", exact=True).click()
        page.get_by_text("version 2; saving makes the next one").wait_for()
        manager.open(f"/projects/{world.project.pk}/setup/start/")
        page.get_by_role("button", name="Start").click()
        heading(manager, "is running")

        annotator = tab(world.ada).open()
        annotator.until("s.kind !== null && s.armed")
        searched = 0
        while annotator.state["kind"] != "label_region":  # Tiles are searched, too.
            annotator.press("Space")
            searched += 1
            annotator.acknowledged(searched)
            annotator.until("s.kind !== null && s.armed")
        shown = annotator.state["assignment"]
        annotator.press("2", "q", "Enter")
        annotator.acknowledged(searched + 1)

        answer = Answer.objects.get(assignment=shown)
        shrub = current_schema(world.project).by_name("shrub").id
        assert set(answer.value["assign"]) == {str(id) for id in answer.microtask.payload["open"]}
        assert set(answer.value["assign"].values()) == {shrub}

    def test_keeps_keys_of_options_and_sides_of_joints(self, tab: Tabs, world: World) -> None:
        manager = tab(world.otto).open(f"/projects/{world.project.pk}/setup/classes/")
        page = manager.page
        ready(manager)

        page.get_by_role("button", name="Add an attribute").click()
        page.keyboard.type("Health")
        page.get_by_label("Options, separated by commas").fill("healthy, ill")
        page.locator(".part-row .asked").get_by_label("tree").check()
        page.get_by_label("Key: ill").fill("i")
        page.get_by_role("button", name="Add a skeleton").click()
        page.get_by_label("Joints, separated by commas").fill("oben, links unten")
        page.get_by_label("Joints, separated by commas").press("Tab")
        page.get_by_label("Side: links unten").select_option("left")
        page.get_by_role("button", name="Save", exact=True).click()
        page.get_by_text("version 2; saving makes the next one").wait_for()

        schema = current_schema(world.project)
        assert [(o.name, o.key) for o in schema.attributes[0].options] == [("healthy", None), ("ill", "i")]
        assert schema.by_name("tree").attributes == (schema.attributes[0].id,)
        assert [j.side for j in schema.skeleton("skeleton").joints] == [None, "left"]


class TestRunningProject:
    def test_is_paused_and_resumed(self, tab: Tabs, world: World) -> None:
        rehearsal.open_tiles(world)
        manager = tab(world.otto).open("/ops/")

        manager.page.locator(f"#project-{world.project.pk}").get_by_text("Pause", exact=True).click()
        manager.page.get_by_role("button", name="Pause", exact=True).click()
        manager.see("is paused.")
        annotator = tab(world.ada).open()
        annotator.page.get_by_text("paused").first.wait_for()
        assert annotator.state.get("kind") is None
        manager.page.locator(f"#project-{world.project.pk}").get_by_text("Resume", exact=True).click()
        manager.page.get_by_role("button", name="Resume", exact=True).click()
        manager.see("is running again.")

        annotator.page.reload()
        annotator.task("coverage_tile")

    def test_opens_a_settled_object_again_and_somebody_else_decides(self, tab: Tabs, world: World) -> None:
        """The dataset had been finished; the new question goes to a person who has not seen the object."""
        planned = [rehearsal.predicted(world, n, 0.6, 0.9) for n in range(6)]
        rehearsal.open_tiles(world, planned)
        busy_day.work(world, rounds=12)
        item = SceneObject.objects.filter(scene=world.scene, state="accepted").first()
        assert item is not None
        Dataset.objects.filter(pk=world.scene.dataset_id).update(state=Dataset.State.DONE)
        manager = tab(world.otto).open(f"/ops/scenes/{world.scene.pk}/")

        manager.page.locator(f"#object-{item.pk} th a").click()
        heading(manager, f"Object {item.pk}")
        manager.page.get_by_label("A specialist").check()
        manager.page.get_by_label("Why (they see this)").fill("The edge looks wrong")
        manager.page.get_by_role("button", name="Ask again").click()
        manager.see("is asked about again.")

        task = Microtask.objects.get(object=item, state="open")
        assert (task.kind, task.reason) == ("adjudicate", "re-opened: The edge looks wrong")
        assert world.olga.pk not in item.touched
        assert Dataset.objects.get(pk=world.scene.dataset_id).state == Dataset.State.OPEN

    def test_hears_an_appeal_and_lets_the_person_work(self, tab: Tabs, world: World) -> None:
        AnnotatorRecord.objects.create(
            annotator=world.ada, standing="paused", standing_reason="Too fast to look."
        )
        rehearsal.open_tiles(world)
        annotator = tab(world.ada).open("/me/")
        ready(annotator)
        annotator.see("Too fast to look.")
        annotator.page.get_by_role("textbox").fill("I know these trees.")
        annotator.page.get_by_role("button", name="Send to the managers").click()
        annotator.see("A person decides")

        manager = tab(world.otto).open("/ops/")
        manager.page.get_by_role("link", name="Decide").click()
        manager.see("I know these trees.")
        manager.page.get_by_label("Your answer to them").fill("Welcome back.")
        manager.page.get_by_role("button", name="Let them work again").click()
        manager.see("may work again")

        annotator.open("/me/").see("Welcome back.")
        assert Appeal.objects.get(person=world.ada).decided_by == world.otto
        annotator.open("/feed/").task("coverage_tile")

    def test_can_be_filtered_by_class_and_risk(self, tab: Tabs, world: World) -> None:
        planned = [rehearsal.predicted(world, n, 0.6, 0.9) for n in range(6)]
        rehearsal.open_tiles(world, planned)
        manager = tab(world.otto).open(f"/ops/scenes/{world.scene.pk}/?state=all")
        ready(manager)
        assert manager.page.locator("rect.outline").count() == 6

        manager.page.get_by_label("Class").select_option("shrub")

        manager.see("Nothing passes this filter.")
        manager.page.get_by_role("link", name="Clear").click()
        manager.page.wait_for_function("() => document.querySelectorAll('rect.outline').length === 6")
        assert Scene.objects.filter(pk=world.scene.pk).exists()
