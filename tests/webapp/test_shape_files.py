"""Outlines, keypoints, lines, cuboids and attributes in files: exported as COCO says, and imported as proposals."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import call_command
from django.test import Client
from pycocotools import mask as cocomask
from pycocotools.coco import COCO

from routing.annotation.shapes import Mask, Polygon, shape_from_json, shape_to_json
from routing.consensus.conversions import mask_of, polygon_from, whole_scene_runs
from routing.consensus.masks import decode_mask, mask_iou
from routing.consensus.polygons import polygon_iou
from webapp.feed.media import cloud_url
from webapp.labeling.models import Annotation
from webapp.people.models import Organisation
from webapp.projects.models import Project
from webapp.projects.operations import create_project
from webapp.scenes.importers.coco_shapes import Unreadable, calibration_of, shapes_of
from webapp.scenes.importers.records import ImportRefused
from webapp.scenes.models import Scene
from webapp.scenes.operations import import_path

# pycocotools fills numpy arrays in a way that numpy 2 warns of.
quiet = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
SIDE = (64, 48)
RING = [[4.0, 5.0], [30.0, 6.0], [28.0, 40.0], [6.0, 38.0]]
HOLE = [[12.0, 12.0], [20.0, 12.0], [20.0, 20.0], [12.0, 20.0]]
JOINTS = ["nose", "tail"]
POINTS = {"type": "keypoints", "points": {"nose": [9.0, 8.0, 2], "tail": [0.0, 0.0, 0]}}
LINE = {"type": "polyline", "points": [[1.0, 2.0], [30.0, 40.0]]}
CUBOID = {"type": "cuboid", "center": [1.0, 0.75, 9.0], "dims": [4.0, 1.8, 1.5], "yaw": 0.3}
CALIBRATION = {
    "K": [[100.0, 0.0, 32.0], [0.0, 100.0, 24.0], [0.0, 0.0, 1.0]],
    "ground": {"n": [0, 1, 0], "d": 1.5},
}
MADE = {"kind": "any", "risk": 0.04, "settled_by": "consensus", "annotators": 3, "drawings": 2}


@pytest.fixture
def dogs(acme: Organisation) -> Project:
    classes = [{"name": "dog", "geometry": "keypoints", "skeleton": "dog"}, "car"]
    skeleton = {"joints": [{"name": name} for name in JOINTS], "edges": [JOINTS]}
    return create_project(
        organisation=acme,
        name="Dogs",
        domain="aerial",
        classes=classes,
        more={"skeletons": {"dog": skeleton}},
    )


def entry(label: int = 0, **refined: Any) -> dict[str, Any]:
    return {
        "object": 1, "label": label, "box": [4.0, 5.0, 30.0, 40.0], "risk": 0.01, "source": "person", "settled_by": "consensus",
        "versions": 1, "annotators": 2, "trainable": True, "provenance": {},
        "refined": {aspect: {**MADE, **value} for aspect, value in refined.items()},
    }  # fmt: skip


def exported(project: Project, pictures: Path, out: Path, *entries: dict[str, Any]) -> dict[str, Any]:
    """Import the pictures, give a.png these objects, and export the lot."""
    import_path(
        path=pictures, organisation=project.organisation, project_name=project.name, dataset_name="north"
    )
    scene = Scene.objects.get(name="a.png")
    Annotation.objects.create(
        scene=scene, number=1, content=list(entries), about={"state": {"state": "usable", "risk": 0.02}}
    )
    call_command(
        "export", project=project.name, dataset="north", format="coco", out=out, json=True, stdout=io.StringIO(),
        images=out.suffix == "",
    )  # fmt: skip
    text = (out / "annotations.json" if out.suffix == "" else out).read_text()
    return json.loads(text)  # type: ignore[no-any-return]


@quiet
class TestCocoExport:
    def test_outlines_keypoints_and_attributes_are_where_coco_readers_look(
        self, dogs: Project, pictures: Path, tmp_path: Path
    ) -> None:
        out = tmp_path / "a.json"
        chosen = {"color": "red", "parts": ["tail"]}
        shape = {"type": "polygon", "rings": [RING]}
        written = entry(
            outline={"shape": shape}, skeleton={"shape": POINTS}, attributes={"attributes": chosen}
        )

        body = exported(dogs, pictures, out, written)

        (row,) = body["annotations"]
        assert row["segmentation"] == [[v for point in RING for v in point]]
        assert row["area"] == pytest.approx(804.0)
        assert (row["keypoints"], row["num_keypoints"]) == ([9.0, 8.0, 2, 0.0, 0.0, 0], 1)
        assert row["attributes"] == chosen
        assert row["tessera"]["refined"]["outline"] == MADE
        assert body["categories"][0]["keypoints"] == JOINTS
        assert body["categories"][0]["skeleton"] == [[1, 2]]
        assert body["images"][0]["tessera"]["state"]["state"] == "usable"
        coco = COCO(str(out))
        assert coco.annToMask(coco.loadAnns([1])[0]).sum() == pytest.approx(804, rel=0.05)

    @pytest.mark.parametrize("as_mask", [True, False])
    def test_holes_survive_as_run_lengths(
        self, dogs: Project, pictures: Path, tmp_path: Path, as_mask: bool
    ) -> None:
        polygon = shape_from_json({"type": "polygon", "rings": [RING, HOLE]})
        assert isinstance(polygon, Polygon)
        shape = mask_of(polygon, *SIDE) if as_mask else polygon
        out = tmp_path / "a.json"

        exported(dogs, pictures, out, entry(outline={"shape": shape_to_json(shape)}))

        coco = COCO(str(out))
        pixels = coco.annToMask(coco.loadAnns([1])[0])
        assert pixels.shape == (48, 64)
        assert pixels[16, 16] == 0
        assert pixels[30, 16] == 1
        assert pixels.sum() == coco.loadAnns([1])[0]["area"] == pytest.approx(740, rel=0.03)

    def test_everything_comes_back_as_proposals(self, dogs: Project, pictures: Path, tmp_path: Path) -> None:
        shape = {"type": "polygon", "rings": [RING]}
        written = entry(
            outline={"shape": shape},
            skeleton={"shape": POINTS},
            line={"shape": LINE},
            cuboid={"shape": CUBOID},
        )
        exported(dogs, pictures, tmp_path / "set", written, entry(label=1))

        import_path(
            path=tmp_path / "set", organisation=dogs.organisation, project_name="Dogs", dataset_name="back"
        )

        imported = Scene.objects.get(dataset__name="back").imported
        assert imported["shapes"] == [
            {"outline": shape, "skeleton": POINTS, "line": LINE, "cuboid": CUBOID},
            {},
        ]


class TestCocoImport:
    def test_packed_run_lengths_are_read(self) -> None:
        pixels = np.zeros((48, 64), dtype=np.uint8, order="F")
        pixels[5:20, 7:40] = 1
        pixels[10:12, 20:22] = 0
        packed = cocomask.encode(pixels)
        row = {"segmentation": {"size": packed["size"], "counts": packed["counts"].decode()}}

        shape = shape_from_json(shapes_of(row, [])["outline"])

        assert isinstance(shape, Mask)
        assert shape.offset == (7, 5)
        assert (decode_mask(shape) == pixels[5:20, 7:40]).all()

    def test_a_ring_that_crosses_itself_is_repaired_and_the_largest_part_kept(self) -> None:
        bow_tie = [0, 0, 10, 10, 10, 0, 0, 10]
        row = {"segmentation": [[50, 40, 52, 40, 52, 42], bow_tie, [1, 1, 1, 1, 1, 1]]}

        shape = shape_from_json(shapes_of(row, [])["outline"])

        assert isinstance(shape, Polygon)
        assert len(shape.rings[0]) == 3
        assert max(x for x, _ in shape.rings[0]) == 10

    @pytest.mark.parametrize(
        ("row", "named"),
        [
            ({"segmentation": [[1, 2, 3]]}, r"segmentation\[0\]: give x1, y1"),
            ({"segmentation": [[1, 2, 3, 4, 5, "6"]]}, r"segmentation\[0\]: give finite numbers"),
            ({"segmentation": {"size": [4, 4], "counts": [3, 2]}}, "add up to 5, not to 4 × 4"),
            ({"segmentation": {"size": [4, 4], "counts": "\x01"}}, "the packed text is damaged"),
            ({"segmentation": {"size": [4, 4], "counts": [16]}}, "the mask has no area"),
            ({"segmentation": {"size": [4], "counts": [16]}}, "segmentation.size"),
            ({"keypoints": [1, 2, 2]}, "keypoints: give x, y, v of each of the 2"),
            ({"keypoints": [1, 2, 5, 0, 0, 0]}, "visibility is 0 absent"),
            (
                {"tessera": {"refined": {"line": {"shape": {"type": "polyline", "points": []}}}}},
                "tessera.line",
            ),
        ],
    )
    def test_names_what_cannot_be_read(self, row: dict[str, Any], named: str) -> None:
        with pytest.raises(Unreadable, match=named):
            shapes_of(row, JOINTS)

    def test_a_camera_comes_with_its_picture(self, project: Project, pictures: Path) -> None:
        body = {
            "images": [{"id": 1, "file_name": "a.png", "calibration": CALIBRATION}],
            "annotations": [], "categories": [],
        }  # fmt: skip
        (pictures / "set.json").write_text(json.dumps(body))

        import_path(
            path=pictures, organisation=project.organisation, project_name="Trees", dataset_name="north"
        )

        imported = Scene.objects.get(name="a.png").imported
        assert imported["calibration"]["ground"] == {"n": [0.0, 1.0, 0.0], "d": 1.5}

    def test_a_point_cloud_is_stored_and_served_to_those_who_hold_its_address(
        self, project: Project, pictures: Path, media: Path
    ) -> None:
        points = np.arange(40, dtype=np.float32).tobytes()
        (pictures / "velodyne").mkdir()
        (pictures / "velodyne" / "a.bin").write_bytes(points)
        write_cloud(pictures, "a.bin")

        import_path(
            path=pictures, organisation=project.organisation, project_name="Trees", dataset_name="north"
        )

        scene = Scene.objects.get(name="a.png")
        assert scene.imported["cloud"]["count"] == 10
        assert (media / scene.imported["cloud"]["file"]).read_bytes() == points
        address = cloud_url(scene.pk)
        assert b"".join(Client().get(address).streaming_content) == points  # type: ignore[attr-defined]
        assert Client().get(address.replace(f"/{scene.pk}/", f"/{scene.pk + 1}/")).status_code == 404

    @pytest.mark.parametrize(
        ("size", "name", "named"), [(15, "a.bin", "no whole points"), (16, "b.bin", "names 0 .bin")]
    )
    def test_a_point_cloud_that_cannot_be_read_is_refused(
        self, project: Project, pictures: Path, media: Path, size: int, name: str, named: str
    ) -> None:
        (pictures / "a.bin").write_bytes(b"0" * size)
        write_cloud(pictures, name)

        with pytest.raises(ImportRefused, match=named):
            import_path(
                path=pictures, organisation=project.organisation, project_name="Trees", dataset_name="north"
            )

        assert not list(media.rglob("*.bin"))

    @pytest.mark.parametrize(
        "bad",
        [
            {}, {**CALIBRATION, "K": [[1, 0], [0, 1]]}, {**CALIBRATION, "ground": {"n": [0, 0, 1], "d": 1.5}},
            {**CALIBRATION, "ground": {"n": [0, 1, 0], "d": -1}}, {**CALIBRATION, "T_cam_ego": [[1, 0], [0, 1]]},
            {**CALIBRATION, "T_cam_ego": np.ones((4, 4)).tolist()},
        ],
    )  # fmt: skip
    def test_a_camera_that_cannot_be_is_refused(self, bad: dict[str, Any]) -> None:
        with pytest.raises(Unreadable, match="calibration"):
            calibration_of({"calibration": bad})


def write_cloud(pictures: Path, name: str) -> None:
    body = {"images": [{"id": 1, "file_name": "a.png", "cloud": name}], "annotations": [], "categories": []}
    (pictures / "set.json").write_text(json.dumps(body))


class TestConversions:
    def test_a_polygon_and_its_mask_are_one_region(self) -> None:
        polygon = shape_from_json({"type": "polygon", "rings": [RING, HOLE]})
        assert isinstance(polygon, Polygon)

        mask = mask_of(polygon, *SIDE)

        assert polygon_iou(polygon_from(mask), polygon) > 0.95
        assert mask_iou(mask_of(polygon_from(mask), *SIDE), mask) > 0.97

    def test_a_sliver_between_pixel_centres_keeps_a_pixel(self) -> None:
        sliver = Polygon((((3.6, 2.6), (3.9, 2.6), (3.9, 2.9)),))

        assert decode_mask(mask_of(sliver, *SIDE)).sum() == 1

    @pytest.mark.parametrize("offset", [(0, 0), (60, 0), (0, 44), (60, 44), (10, 7)])
    def test_run_lengths_cover_the_whole_scene(self, offset: tuple[int, int]) -> None:
        mask = Mask((4, 4), (0, 3, 2, 11), offset)
        want = np.zeros((48, 64), dtype=bool)
        want[offset[1] : offset[1] + 4, offset[0] : offset[0] + 4] = decode_mask(mask)

        runs = whole_scene_runs(mask, *SIDE)

        assert sum(runs) == 64 * 48
        assert (want == np.repeat(np.arange(len(runs)) % 2 == 1, runs).reshape(64, 48).T).all()
