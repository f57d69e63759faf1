"""manage.py export: every format comes back equal, says where each object came from, and is written whole."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pycocotools.coco import COCO

from webapp.exports.formats import FORMATS
from webapp.exports.operations import ExportRefused, export_dataset
from webapp.labeling.models import Annotation
from webapp.people.models import Organisation
from webapp.people.operations import create_organisation
from webapp.projects.models import Project
from webapp.projects.operations import create_project
from webapp.scenes.importers import FORMATS as IMPORT_FORMATS
from webapp.scenes.models import Dataset, Scene
from webapp.scenes.operations import import_path

BOXES = [[4.0, 5.5, 14.25, 25.0], [0.0, 0.0, 64.0, 48.0], [30.123, 7.001, 31.5, 9.999]]


def entry(number: int, box: list[float], **changes: Any) -> dict[str, Any]:
    return {
        "object": number,
        "label": number % 2,
        "box": box,
        "risk": 0.0123,
        "source": "model",
        "settled_by": "consensus",
        "versions": 2,
        "annotators": 3,
        "trainable": True,
        "provenance": {"looks": []},
    } | changes


@pytest.fixture
def annotated(project: Project, pictures: Path) -> Dataset:
    """Three scenes: a.png with three objects in its second annotation, b.png with none, c.jpg not assembled."""
    report = import_path(
        path=pictures, organisation=project.organisation, project_name="Trees", dataset_name="north"
    )
    dataset = Dataset.objects.get(pk=report.dataset_id)
    first, second = Scene.objects.get(name="a.png"), Scene.objects.get(name="b.png")
    Annotation.objects.create(scene=first, number=1, content=[entry(1, [1, 1, 2, 2])])
    objects = [entry(n, box) for n, box in enumerate(BOXES, start=1)]
    Annotation.objects.create(scene=first, number=2, content=objects, expected_missed=0.25)
    Annotation.objects.create(scene=second, number=1, content=[])
    return dataset


@pytest.fixture
def other(db: None) -> Organisation:
    """A customer with a project of the same classes, in another order."""
    organisation = create_organisation(name="Customer")
    create_project(organisation=organisation, name="Back", domain="aerial", classes=["car", "tree"])
    return organisation


def run(**options: Any) -> dict[str, Any]:
    out = io.StringIO()
    options = {"project": "Trees", "dataset": "north", "json": True} | options
    call_command("export", stdout=out, stderr=io.StringIO(), **options)
    return json.loads(out.getvalue())  # type: ignore[no-any-return]


class TestEveryFormat:
    def test_has_an_importer_of_the_same_name(self) -> None:
        assert set(FORMATS) == {"coco", "voc"}
        assert set(FORMATS) <= set(IMPORT_FORMATS)

    @pytest.mark.parametrize("format", sorted(FORMATS))
    @pytest.mark.parametrize("target", ["set", "set.zip"])
    def test_comes_back_equal(
        self, annotated: Dataset, other: Organisation, tmp_path: Path, format: str, target: str
    ) -> None:
        summary = run(format=format, out=tmp_path / "out" / target, images=True)

        assert (summary["scenes"], summary["objects"], summary["scenes_without_annotation"]) == (2, 3, 1)
        import_path(path=tmp_path / "out" / target, organisation=other, project_name="Back", dataset_name="x")
        scenes = {s.name: s for s in Scene.objects.filter(dataset__name="x")}
        assert set(scenes) == {"a.png", "b.png"}
        assert scenes["a.png"].sha256 == Scene.objects.get(dataset=annotated, name="a.png").sha256
        got = scenes["a.png"].imported
        assert [pytest.approx(box, abs=1e-3) for box in got["boxes"]] == BOXES
        assert got["labels"] == [1 - n % 2 for n in (1, 2, 3)]
        assert scenes["b.png"].imported == {"boxes": [], "labels": []}

    @pytest.mark.parametrize("format", sorted(FORMATS))
    def test_scenes_in_folders_and_of_one_stem_stay_apart(
        self, project: Project, other: Organisation, pictures: Path, tmp_path: Path, format: str
    ) -> None:
        (pictures / "more").mkdir()
        (pictures / "b.png").rename(pictures / "more" / "a.png")
        (pictures / "c.jpg").rename(pictures / "a.jpg")
        options = {"organisation": project.organisation, "project_name": "Trees", "keep_folders": True}
        import_path(path=pictures, dataset_name="north", **options)  # type: ignore[arg-type]
        for number, scene in enumerate(Scene.objects.all()):
            Annotation.objects.create(scene=scene, number=1, content=[entry(number, [0, 0, number + 1, 9])])
        before = {s.name: [0, 0, n + 1, 9] for n, s in enumerate(Scene.objects.all())}

        run(format=format, out=tmp_path / "set", images=True)
        import_path(path=tmp_path / "set", organisation=other, project_name="Back", dataset_name="x")

        after = {s.name: s.imported["boxes"][0] for s in Scene.objects.filter(dataset__name="x")}
        assert after == before
        assert set(after) == {"a.png", "a.jpg", "more/a.png"}

    @pytest.mark.parametrize("format", sorted(FORMATS))
    def test_says_of_each_object_where_it_came_from(
        self, annotated: Dataset, tmp_path: Path, format: str
    ) -> None:
        run(format=format, out=tmp_path / "set")

        text = "".join(p.read_text() for p in (tmp_path / "set").rglob("*.[jx]*"))
        for word in ("consensus", "0.0123", "settled_by", "annotators", "trainable"):
            assert text.count(word) >= 3

    @pytest.mark.parametrize("format", sorted(FORMATS))
    def test_failure_leaves_the_older_export_alone(
        self, annotated: Dataset, tmp_path: Path, format: str, media: Path
    ) -> None:
        run(format=format, out=tmp_path / "set", images=True)
        before = {p: p.read_bytes() for p in (tmp_path / "set").rglob("*") if p.is_file()}
        (media / Scene.objects.get(name="b.png").file).unlink()

        with pytest.raises(FileNotFoundError):
            run(format=format, out=tmp_path / "set", images=True, overwrite=True)

        assert {p: p.read_bytes() for p in (tmp_path / "set").rglob("*") if p.is_file()} == before
        assert sorted(p.name for p in tmp_path.glob(".tessera-export-*")) == []


class TestCoco:
    def test_is_read_by_pycocotools(
        self, annotated: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        run(format="coco", out=tmp_path / "annotations.json")

        coco = COCO(str(tmp_path / "annotations.json"))

        assert [c["name"] for c in coco.loadCats(coco.getCatIds())] == ["tree", "car"]
        image = next(i for i in coco.imgs.values() if i["file_name"] == "a.png")
        rows = coco.loadAnns(coco.getAnnIds(imgIds=image["id"]))
        assert [row["bbox"] for row in rows][:2] == [[4.0, 5.5, 10.25, 19.5], [0.0, 0.0, 64.0, 48.0]]
        assert coco.loadCats(rows[0]["category_id"])[0]["name"] == "car"
        assert rows[0]["tessera"] == {
            "object": 1,
            "risk": 0.0123,
            "source": "model",
            "settled_by": "consensus",
            "versions": 2,
            "annotators": 3,
            "trainable": True,
        }
        results = coco.loadRes(
            [{k: r[k] for k in ("image_id", "category_id", "bbox")} | {"score": 1} for r in rows]
        )
        assert len(results.anns) == 3

    def test_needs_no_folder_without_pictures_and_replaces_a_file(
        self, annotated: Dataset, tmp_path: Path
    ) -> None:
        (tmp_path / "a.json").write_text("old")

        run(format="coco", out=tmp_path / "a.json")

        assert len(json.loads((tmp_path / "a.json").read_text())["annotations"]) == 3
        assert [p.name for p in tmp_path.iterdir() if p.is_file()] == ["a.json"]


class TestRefusal:
    def test_nothing_assembled_yet(self, dataset: Dataset, tmp_path: Path) -> None:
        with pytest.raises(CommandError, match="no scene of 'north' is assembled yet"):
            run(format="coco", out=tmp_path / "a.json")

        assert list(tmp_path.glob("*.json")) == []

    def test_unknown_dataset(self, project: Project, tmp_path: Path) -> None:
        with pytest.raises(CommandError, match="There is no dataset 'south'"):
            run(format="coco", dataset="south", out=tmp_path / "a.json")

    def test_unsuitable_targets(self, annotated: Dataset, tmp_path: Path) -> None:
        (tmp_path / "full").mkdir()
        (tmp_path / "full" / "x").write_text("x")
        (tmp_path / "file").write_text("x")
        cases: list[tuple[str, str, bool, str]] = [
            ("coco", "a.json", True, "cannot hold pictures"),
            ("voc", "full", False, "is not empty"),
            ("voc", "file", False, "is a file"),
        ]

        for format, name, images, said in cases:
            with pytest.raises(ExportRefused, match=said):
                export_dataset(dataset=annotated, format=format, out=tmp_path / name, images=images)

        assert (tmp_path / "full" / "x").read_text() == "x"

    def test_zip_holds_plain_relative_paths(self, annotated: Dataset, tmp_path: Path) -> None:
        run(format="voc", out=tmp_path / "set.zip", images=True)

        with zipfile.ZipFile(tmp_path / "set.zip") as archive:
            assert "Annotations/a.xml" in archive.namelist()
            assert "JPEGImages/a.png" in archive.namelist()
            assert archive.testzip() is None
