"""manage.py import_dataset with COCO and Pascal VOC: what is read, what is refused, and the real data sets."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from webapp.projects.models import Project
from webapp.scenes.importers.checks import EDGE, box_fault, check_boxes
from webapp.scenes.importers.records import RawBox, SceneRecord
from webapp.scenes.models import Dataset, Scene


def run(path: Path, **options: Any) -> dict[str, Any]:
    """Run the command with --json; the summary, also of a refusal."""
    out = io.StringIO()
    options = {"project": "Trees", "dataset": "north", "json": True} | options
    try:
        call_command("import_dataset", str(path), stdout=out, stderr=io.StringIO(), **options)
    except CommandError as error:
        if error.returncode != 1 or not out.getvalue():
            raise
    return json.loads(out.getvalue())  # type: ignore[no-any-return]


def problems(path: Path, media: Path, **options: Any) -> list[str]:
    """The problems of an import that must be refused whole."""
    summary = run(path, **options)
    assert summary["ok"] is False
    assert Scene.objects.count() == Dataset.objects.count() == 0
    assert [p for p in media.rglob("*") if p.is_file()] == []
    return summary["problems"]  # type: ignore[no-any-return]


def coco(**changes: Any) -> dict[str, Any]:
    body: dict[str, Any] = {
        "images": [
            {"id": 1, "file_name": "a.png", "width": 64, "height": 48},
            {"id": 2, "file_name": "b.png", "width": 64, "height": 48},
        ],
        "annotations": [
            {"id": 10, "image_id": 1, "category_id": 7, "bbox": [4, 5, 10, 20]},
            {"id": 11, "image_id": 1, "category_id": 9, "bbox": [0, 0, 64, 48]},
        ],
        "categories": [{"id": 7, "name": "Car"}, {"id": 9, "name": "tree"}],
    }
    return body | changes


def write(pictures: Path, body: Any) -> Path:
    (pictures / "instances.json").write_text(json.dumps(body))
    return pictures


def with_box(bbox: Any) -> dict[str, Any]:
    return coco(annotations=[{"id": 10, "image_id": 1, "category_id": 7, "bbox": bbox}])


class TestCoco:
    def test_boxes_come_as_corners_with_the_projects_class_ids(
        self, project: Project, pictures: Path
    ) -> None:
        summary = run(write(pictures, coco()))

        assert (summary["scenes"], summary["boxes"], summary["left_out"]) == (2, 2, 1)
        scene = Scene.objects.get(name="a.png")
        assert scene.imported == {"boxes": [[4, 5, 14, 25], [0, 0, 64, 48]], "labels": [1, 0]}
        assert Scene.objects.get(name="b.png").imported == {"boxes": [], "labels": []}

    def test_new_project_takes_the_classes_of_the_file(self, db: None, pictures: Path) -> None:
        run(write(pictures, coco()), create_project=True, domain="aerial")

        assert [c["name"] for c in Project.objects.get().schemas.get().classes] == ["Car", "tree"]

    def test_json_may_be_named_itself_and_pictures_may_lie_elsewhere(
        self, project: Project, pictures: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "labels.json").write_text(json.dumps(coco()))

        assert run(tmp_path / "labels.json", images=pictures)["scenes"] == 2
        write(pictures, coco())
        assert len(run(pictures / "instances.json")["already_there"]) == 2

    def test_crowd_regions_are_not_objects(self, project: Project, pictures: Path) -> None:
        body = coco()
        body["annotations"][1] |= {"iscrowd": 1, "segmentation": {"counts": [1], "size": [48, 64]}}

        assert run(write(pictures, body))["boxes"] == 1

    def test_box_that_touches_the_edge_by_rounding_is_cut(self, project: Project, pictures: Path) -> None:
        run(write(pictures, with_box([-0.5, 0, 65, 48])))

        assert Scene.objects.get(name="a.png").imported["boxes"] == [[0, 0, 64, 48]]

    @pytest.mark.parametrize(
        ("bbox", "said"),
        [
            ([4, 5, 0, 20], "has no area"),
            ([4, 5, 10, -3], "has no area"),
            ([float("nan"), 5, 10, 20], "not a finite number"),
            ([4, 5, float("inf"), 20], "not a finite number"),
            ([60, 40, 10, 20], "leaves the picture of 64×48"),
            ([-10, 5, 20, 20], "leaves the picture"),
            ([64.2, 5, 0.5, 20], "lies outside the picture"),
            ([4, 5, 10], "must be [x, y, width, height]"),
            ([4, 5, 10, "20"], "must be [x, y, width, height]"),
            ([4, 5, 10, True], "must be [x, y, width, height]"),
            (None, "must be [x, y, width, height]"),
            ([4, 5, 10**400, 20], "must be [x, y, width, height]"),
        ],
    )
    def test_refuses_an_unsound_box_and_drops_it_on_request(
        self, project: Project, pictures: Path, media: Path, bbox: Any, said: str
    ) -> None:
        write(pictures, with_box(bbox))

        found = problems(pictures, media)

        assert len(found) == 1
        assert found[0].startswith("instances.json: ")
        assert "annotation 10" in found[0]
        assert said in found[0]
        summary = run(pictures, drop_invalid=True)
        assert (summary["scenes"], summary["boxes"], len(summary["dropped"])) == (2, 0, 1)

    @pytest.mark.parametrize(
        ("body", "said"),
        [
            ([1, 2], "is a JSON list, not an object"),
            ("text", "is a JSON str, not an object"),
            ({"annotations": []}, "has no list of objects 'images'"),
            (coco(images=[1]), "has no list of objects 'images'"),
            (coco(annotations={"a": 1}), "has no list of objects 'annotations'"),
            (
                coco(categories=[{"id": 7, "name": "car"}]),
                "annotation 11: category_id 9 is not in 'categories'",
            ),
            (coco(categories=[{"id": 7}, {"id": 9, "name": "tree"}]), "categories[0] needs an id"),
            (
                coco(categories=[{"id": 7, "name": "car"}, {"id": 7, "name": "tree"}]),
                "categories[1] reuses the id 7",
            ),
            (
                coco(categories=[{"id": 7, "name": "ship"}, {"id": 9, "name": "tree"}]),
                "class 'ship' is not in",
            ),
            (
                coco(annotations=[{"id": 1, "image_id": 3, "category_id": 7, "bbox": [0, 0, 1, 1]}]),
                "annotation 1: image_id 3 is not in 'images'",
            ),
            (
                coco(annotations=[{"id": 1, "image_id": [1], "category_id": 7, "bbox": [0, 0, 1, 1]}]),
                "image_id [1] is not in",
            ),
            (
                coco(images=[{"id": 1, "file_name": "a.png"}, {"id": 1, "file_name": "b.png"}]),
                "images[1] has the id 1",
            ),
            (
                coco(images=[{"id": 1, "file_name": "a.png"}, {"id": 2, "file_name": "a.png"}]),
                "file_name 'a.png' is used twice",
            ),
            (
                coco(images=[{"id": 1, "file_name": "z.png"}], annotations=[]),
                "no picture 'z.png' lies beside it",
            ),
            (coco(images=[{"id": 1, "file_name": "../a.png"}], annotations=[]), "is not a relative path"),
            (coco(images=[{"id": 1, "file_name": "/etc/a.png"}], annotations=[]), "is not a relative path"),
            (coco(images=[{"id": 1}], annotations=[]), "file_name None is not a relative path"),
            (
                coco(
                    images=[{"id": 1, "file_name": "a.png", "width": 48, "height": 64}, *coco()["images"][1:]]
                ),
                "a.png is said to be 48×64 pixels but is 64×48",
            ),
        ],
    )
    def test_refuses_a_file_that_contradicts_itself(
        self, project: Project, pictures: Path, media: Path, body: Any, said: str
    ) -> None:
        found = problems(write(pictures, body), media)

        assert said in "\n".join(found)
        assert all(line.startswith("instances.json: ") for line in found)

    @pytest.mark.parametrize("text", ["{", "", "[" * 100_000, "\xff\xfe"])
    def test_refuses_what_is_not_json(self, project: Project, pictures: Path, media: Path, text: str) -> None:
        (pictures / "instances.json").write_bytes(text.encode("latin-1"))

        assert "instances.json: is not valid JSON" in problems(pictures, media)[0]

    def test_reports_all_problems_at_once(self, project: Project, pictures: Path, media: Path) -> None:
        (pictures / "b.png").write_text("x")
        body = with_box([1, 1, 0, 0])
        body["annotations"].append({"id": 12, "image_id": 9, "category_id": 7, "bbox": [0, 0, 1, 1]})

        assert len(problems(write(pictures, body), media)) == 3


def voc(
    *objects: str, name: str = "a.png", size: str = "<size><width>64</width><height>48</height></size>"
) -> str:
    return f"<annotation><filename>{name}</filename>{size}{''.join(objects)}</annotation>"


def voc_object(label: str = "tree", box: tuple[Any, ...] = (4, 5, 14, 25)) -> str:
    corners = "".join(f"<{k}>{v}</{k}>" for k, v in zip(("xmin", "ymin", "xmax", "ymax"), box, strict=True))
    return f"<object><name>{label}</name><bndbox>{corners}</bndbox></object>"


class TestVoc:
    def test_corners_are_read_as_they_are(self, project: Project, pictures: Path) -> None:
        (pictures / "a.xml").write_text(voc(voc_object(), voc_object("CAR", (0.5, 0, 64, 48))))

        summary = run(pictures)

        assert (summary["scenes"], summary["boxes"]) == (3, 2)
        scene = Scene.objects.get(name="a.png")
        assert scene.imported == {"boxes": [[4, 5, 14, 25], [0.5, 0, 64, 48]], "labels": [0, 1]}
        assert Scene.objects.get(name="b.png").imported == {}

    def test_usual_folders_and_a_converted_picture_are_found(
        self, project: Project, pictures: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "set" / "Annotations").mkdir(parents=True)
        pictures.rename(tmp_path / "set" / "JPEGImages")
        (tmp_path / "set" / "Annotations" / "a.xml").write_text(voc(voc_object(), name="a.tif"))

        run(tmp_path / "set")

        assert Scene.objects.get(name="a.png").imported["boxes"] == [[4, 5, 14, 25]]

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("<annotation>", "is not valid XML"),
            ("<svg></svg>", "starts with <svg>, not <annotation>"),
            (voc(voc_object("ship")), "class 'ship' is not in the project's schema"),
            (voc("<object><bndbox/></object>"), "object 1: has no <name>"),
            (voc(name="z.png").replace("a.png", "z.png"), ""),
            (voc(voc_object(), name="../../a.png"), "is not a relative path"),
            (
                voc(voc_object(), size="<size><width>640</width><height>480</height></size>"),
                "is said to be 640×480",
            ),
            (voc(voc_object(box=(4, 5, 4, 25))), "object 1 (tree) at [4, 5, 4, 25] has no area"),
            (voc(voc_object(box=("nan", 5, 14, 25))), "not a finite number"),
            (voc(voc_object(box=("wide", 5, 14, 25))), "bndbox/xmin is 'wide', not a number"),
            (voc(voc_object(box=(4, 5, 140, 25))), "leaves the picture"),
        ],
    )
    def test_refuses_unsound_files(
        self, project: Project, pictures: Path, media: Path, text: str, said: str
    ) -> None:
        if not said:  # Neither a picture of that name nor of the file's own name.
            (pictures / "a.png").unlink()
            said = "there is no picture 'z.png' for it"
        (pictures / "a.xml").write_text(text)

        found = problems(pictures, media)

        assert said in found[0]
        assert found[0].startswith("a.xml: ")

    def test_refuses_entity_bombs_and_outside_entities(
        self, project: Project, pictures: Path, media: Path
    ) -> None:
        laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
        bomb = f'<!DOCTYPE a [<!ENTITY l0 "ha">{laughs}]><annotation><filename>&l9;</filename></annotation>'
        outside = '<!DOCTYPE a [<!ENTITY f SYSTEM "file:///etc/passwd">]><annotation><filename>&f;</filename></annotation>'
        (pictures / "a.xml").write_text(bomb)
        (pictures / "b.xml").write_text(outside)

        found = problems(pictures, media)

        assert [line.split(":")[0] for line in found] == ["a.xml", "b.xml"]
        assert all("declares XML entities" in line for line in found)

    def test_refuses_two_files_for_one_picture(self, project: Project, pictures: Path, media: Path) -> None:
        for name in ("a.xml", "again.xml"):
            (pictures / name).write_text(voc(voc_object()))

        assert "again.xml: describes 'a.png' again" in problems(pictures, media)[0]

    def test_mixed_formats_need_a_word(self, project: Project, pictures: Path, media: Path) -> None:
        write(pictures, coco())
        (pictures / "a.xml").write_text(voc(voc_object()))

        assert "say which with --format" in problems(pictures, media)[0]
        assert run(pictures, format="voc")["boxes"] == 1


class TestOrientation:
    def test_boxes_are_checked_against_the_upright_picture(self, project: Project, tmp_path: Path) -> None:
        exif = Image.Exif()
        exif[0x0112] = 6
        Image.new("RGB", (60, 40)).save(tmp_path / "phone.jpg", exif=exif)
        (tmp_path / "phone.xml").write_text(voc(voc_object(box=(0, 50, 40, 60)), name="phone.jpg", size=""))

        assert run(tmp_path)["boxes"] == 1


class TestCheckBoxes:
    @given(st.tuples(*[st.floats(allow_nan=True, allow_infinity=True)] * 4))
    def test_kept_boxes_lie_in_the_picture_and_have_area(
        self, xyxy: tuple[float, float, float, float]
    ) -> None:
        record = SceneRecord("a.png", Path("a.png"), (RawBox("tree", xyxy, "object 1"),))

        kept, found = check_boxes(record, 100, 50, {"tree": 0})

        assert len(kept) + len(found) == 1
        for (x1, y1, x2, y2), label, _ in kept:
            assert 0 <= x1 < x2 <= 100
            assert 0 <= y1 < y2 <= 50
            assert label == 0

    @given(
        st.floats(0, 90), st.floats(0, 40), st.floats(0.01, 10), st.floats(0.01, 10), st.floats(-EDGE, EDGE)
    )
    def test_boxes_in_the_picture_are_sound(
        self, x: float, y: float, w: float, h: float, shift: float
    ) -> None:
        assert box_fault((x, y, x + w, y + h), 100, 50) == ""
        assert box_fault((0.0 + min(shift, 0), 0, 50, 50), 100, 50) == ""


class TestRealData:
    def test_blood_cells_are_refused_for_two_boxes_and_import_without_them(
        self, db: None, shared_data: Path, media: Path
    ) -> None:
        options = {"create_project": True, "domain": "blood", "project": "Blood"}

        found = problems(shared_data / "images" / "bccd" / "BCCD", media, **options)

        assert len(found) == 2
        assert all("has no area" in line for line in found)
        assert [line[:20] for line in found] == ["Annotations/BloodIma"] * 2
        summary = run(shared_data / "images" / "bccd" / "BCCD", drop_invalid=True, **options)
        assert (summary["scenes"], summary["boxes"], len(summary["dropped"])) == (364, 4886, 2)
        assert [c["name"] for c in Project.objects.get().schemas.get().classes] == ["Platelets", "RBC", "WBC"]

    @pytest.mark.parametrize(("folder", "scenes", "boxes"), [("raccoon", 0, 35), ("neu_det", 0, 733)])
    def test_other_voc_sets_import_whole(
        self, db: None, shared_data: Path, folder: str, scenes: int, boxes: int
    ) -> None:
        path = shared_data / "images" / folder

        summary = run(path, create_project=True, domain="x", project="P")

        assert summary["ok"], summary
        assert summary["boxes"] == boxes
