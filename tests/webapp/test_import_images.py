"""manage.py import_dataset with plain pictures: folders, single files and zips, sound and hostile."""

import io
import json
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from PIL import Image

from webapp.people.models import Organisation
from webapp.projects.models import Project
from webapp.scenes.models import Dataset, Scene
from webapp.scenes.storage import remove_unused


def run(path: Path, **options: Any) -> dict[str, Any]:
    """Run the command with --json; the summary, also of a refusal."""
    out, errors = io.StringIO(), io.StringIO()
    options = {"project": "Trees", "dataset": "north", "json": True} | options
    try:
        call_command("import_dataset", str(path), stdout=out, stderr=errors, **options)
    except CommandError as error:
        if error.returncode != 1 or not out.getvalue():
            raise
        assert errors.getvalue().splitlines() == json.loads(out.getvalue())["problems"]
    return json.loads(out.getvalue())  # type: ignore[no-any-return]


def assert_nothing_stored(media: Path) -> None:
    assert Scene.objects.count() == 0
    assert Dataset.objects.count() == 0
    assert [p for p in media.rglob("*") if p.is_file()] == []
    assert list(media.glob(".staging-*")) == []


def picture_bytes(size: tuple[int, int] = (16, 16), color: str = "red", format: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, color).save(buffer, format)
    return buffer.getvalue()


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few hundred bytes that claims width × height pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = chunk(b"IDAT", zlib.compress(b"\0" * 10_000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + body + chunk(b"IEND", b"")


class TestFolder:
    def test_becomes_scenes_whose_files_lie_under_their_hash(
        self, project: Project, pictures: Path, media: Path
    ) -> None:
        summary = run(pictures)

        assert (summary["ok"], summary["scenes"], summary["boxes"]) == (True, 3, 0)
        for scene in Scene.objects.all():
            assert scene.file.startswith(f"{scene.sha256[:2]}/{scene.sha256}.")
            assert (media / scene.file).read_bytes() == (pictures / scene.name).read_bytes()
            assert (scene.width, scene.height) == (64, 48)
            assert scene.imported == {}

    def test_importing_again_changes_nothing_and_says_so(self, project: Project, pictures: Path) -> None:
        run(pictures)

        summary = run(pictures)

        assert (summary["scenes"], sorted(summary["already_there"])) == (0, ["a.png", "b.png", "c.jpg"])
        assert Scene.objects.count() == 3

    def test_stores_a_picture_that_lies_there_twice_only_once(self, project: Project, pictures: Path) -> None:
        (pictures / "z.png").write_bytes((pictures / "a.png").read_bytes())

        summary = run(pictures)

        assert (summary["scenes"], summary["copies"]) == (3, ["z.png"])

    def test_leaves_out_what_file_managers_and_authors_add(self, project: Project, pictures: Path) -> None:
        for name in (".DS_Store", "Thumbs.db", "README.md", "LICENSE"):
            (pictures / name).write_text("x")

        assert run(pictures)["scenes"] == 3

    def test_makes_organisation_project_and_dataset_when_asked(self, db: None, pictures: Path) -> None:
        run(pictures, create_project=True, domain="aerial", classes="tree, car", dataset=None)

        project = Project.objects.get()
        assert (project.name, project.domain, project.organisation.name) == ("Trees", "aerial", "Default")
        assert [c["name"] for c in project.schemas.get().classes] == ["tree", "car"]
        assert project.datasets.get().name == "pictures"

    def test_refused_import_makes_no_project_either(self, db: None, pictures: Path, media: Path) -> None:
        (pictures / "b.png").write_text("not a picture")

        summary = run(pictures, create_project=True, domain="aerial", classes="tree")

        assert summary["ok"] is False
        assert Project.objects.count() == Organisation.objects.count() == 0
        assert_nothing_stored(media)

    def test_single_picture_is_a_dataset_of_one(self, project: Project, pictures: Path) -> None:
        assert run(pictures / "a.png")["scenes"] == 1


class TestPixels:
    def test_size_is_taken_after_exif_orientation(self, project: Project, tmp_path: Path) -> None:
        exif = Image.Exif()
        exif[0x0112] = 6
        Image.new("RGB", (60, 40)).save(tmp_path / "phone.jpg", exif=exif)

        run(tmp_path / "phone.jpg")

        scene = Scene.objects.get()
        assert (scene.width, scene.height) == (40, 60)

    def test_sixteen_bits_are_kept(self, project: Project, tmp_path: Path, media: Path) -> None:
        values = np.arange(48 * 64, dtype=np.uint16).reshape(48, 64) * 20
        Image.fromarray(values).save(tmp_path / "xray.png")

        run(tmp_path / "xray.png")

        with Image.open(media / Scene.objects.get().file) as stored:
            assert np.array_equal(np.asarray(stored), values)

    def test_ending_follows_the_content(self, project: Project, tmp_path: Path) -> None:
        (tmp_path / "wrong.png").write_bytes(picture_bytes(format="JPEG"))

        run(tmp_path / "wrong.png")

        assert Scene.objects.get().file.endswith(".jpg")


class TestRefusal:
    @pytest.mark.parametrize("name", ["a.png", "c.jpg"])
    def test_cut_off_picture(self, project: Project, pictures: Path, media: Path, name: str) -> None:
        whole = (pictures / name).read_bytes()
        (pictures / name).write_bytes(whole[: len(whole) // 2])

        summary = run(pictures)

        assert len(summary["problems"]) == 1
        assert summary["problems"][0].startswith(f"{name}: is corrupt or cut off")
        assert_nothing_stored(media)

    def test_file_that_is_not_a_picture(self, project: Project, pictures: Path, media: Path) -> None:
        (pictures / "notes.txt").write_text("hello")
        (pictures / "d.png").write_text("hello")

        summary = run(pictures)

        assert [line.split(":")[0] for line in summary["problems"]] == ["d.png", "notes.txt"] or [
            line.split(":")[0] for line in summary["problems"]
        ] == ["notes.txt", "d.png"]
        assert all("is not a picture" in line for line in summary["problems"])
        assert_nothing_stored(media)

    def test_single_file_that_is_not_a_picture(self, project: Project, tmp_path: Path, media: Path) -> None:
        (tmp_path / "notes.txt").write_text("hello")

        assert "notes.txt: is not a picture" in run(tmp_path / "notes.txt")["problems"][0]
        assert_nothing_stored(media)

    @pytest.mark.parametrize(("width", "height"), [(20_000, 15_000), (100_000, 30_000), (65_000, 65_000)])
    def test_decompression_bomb(
        self, project: Project, pictures: Path, media: Path, width: int, height: int
    ) -> None:
        (pictures / "bomb.png").write_bytes(bomb(width, height))

        summary = run(pictures)

        assert "bomb.png: has " in summary["problems"][0]
        assert "at most 250" in summary["problems"][0]
        assert_nothing_stored(media)

    def test_same_file_name_in_two_folders(self, project: Project, pictures: Path, media: Path) -> None:
        (pictures / "more").mkdir()
        (pictures / "more" / "a.png").write_bytes(picture_bytes())

        summary = run(pictures)

        assert summary["problems"] == [
            "more/a.png: has the same file name as a.png; rename one, or pass --keep-folders"
        ]
        assert_nothing_stored(media)
        assert run(pictures, keep_folders=True)["scenes"] == 4

    def test_name_that_the_dataset_has_with_other_content(self, project: Project, pictures: Path) -> None:
        run(pictures)
        (pictures / "a.png").write_bytes(picture_bytes())

        summary = run(pictures)

        assert summary["problems"][0].startswith("a.png: is in the dataset with other content")
        assert Scene.objects.count() == 3

    def test_link_that_leaves_the_folder(self, project: Project, pictures: Path, tmp_path: Path) -> None:
        (tmp_path / "secret.png").write_bytes(picture_bytes())
        (pictures / "link.png").symlink_to(tmp_path / "secret.png")

        assert run(pictures)["problems"][0].startswith("link.png: is a link to a place outside")

    def test_missing_path_and_unknown_project(self, project: Project, pictures: Path) -> None:
        assert "no such file or folder" in run(pictures / "nowhere")["problems"][0]
        assert "no such project" in run(pictures, project="Ships")["problems"][0]

    def test_empty_folder(self, project: Project, tmp_path: Path) -> None:
        (tmp_path / "empty").mkdir()

        assert "holds no files" in run(tmp_path / "empty")["problems"][0]

    def test_lists_at_most_twenty_problems_and_counts_the_rest(
        self, project: Project, tmp_path: Path
    ) -> None:
        for number in range(30):
            (tmp_path / f"{number}.png").write_text("x")

        summary = run(tmp_path)

        assert len(summary["problems"]) == 21
        assert summary["problems"][-1] == "… and 10 more problems"
        assert summary["problem_count"] == 30

    def test_failure_while_writing_rows_removes_the_new_files_only(
        self, project: Project, pictures: Path, media: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run(pictures / "a.png")
        monkeypatch.setattr(Scene.objects, "bulk_create", _out_of_disk)

        with pytest.raises(OSError, match="disk is full"):
            run(pictures, dataset="other")

        assert [p.name for p in media.rglob("*") if p.is_file()] == [Path(Scene.objects.get().file).name]

    def test_files_in_use_are_never_removed(self, project: Project, pictures: Path, media: Path) -> None:
        run(pictures)

        remove_unused(media, [s.file for s in Scene.objects.all()])

        assert all((media / s.file).exists() for s in Scene.objects.all())


def _out_of_disk(*args: Any, **options: Any) -> None:
    raise OSError("disk is full")


class TestZip:
    def test_is_read_like_a_folder(self, project: Project, pictures: Path, tmp_path: Path) -> None:
        with zipfile.ZipFile(tmp_path / "p.zip", "w") as archive:
            for path in pictures.iterdir():
                archive.write(path, f"inside/{path.name}")
            archive.writestr("__MACOSX/inside/._a.png", b"junk")

        assert run(tmp_path / "p.zip")["scenes"] == 3
        assert set(Scene.objects.values_list("name", flat=True)) == {"a.png", "b.png", "c.jpg"}

    @pytest.mark.parametrize(
        "name", ["../evil.png", "a/../../evil.png", "/etc/evil.png", "C:\\evil.png", "..\\evil.png"]
    )
    def test_refuses_paths_that_point_outside(
        self, project: Project, tmp_path: Path, media: Path, name: str
    ) -> None:
        with zipfile.ZipFile(tmp_path / "p.zip", "w") as archive:
            archive.writestr("good.png", picture_bytes())
            archive.writestr(zipfile.ZipInfo(name), picture_bytes(color="blue"))

        summary = run(tmp_path / "p.zip")

        assert "points outside the archive" in summary["problems"][0]
        assert list(tmp_path.rglob("evil.png")) == []
        assert_nothing_stored(media)

    def test_refuses_links(self, project: Project, tmp_path: Path, media: Path) -> None:
        with zipfile.ZipFile(tmp_path / "p.zip", "w") as archive:
            link = zipfile.ZipInfo("link.png")
            link.external_attr = 0o120777 << 16
            archive.writestr(link, "/etc/passwd")

        assert "is a link or device" in run(tmp_path / "p.zip")["problems"][0]
        assert_nothing_stored(media)

    @pytest.mark.filterwarnings("ignore:Duplicate name")
    def test_refuses_a_name_that_is_packed_twice(self, project: Project, tmp_path: Path, media: Path) -> None:
        with zipfile.ZipFile(tmp_path / "p.zip", "w") as archive:
            archive.writestr("a.png", picture_bytes())
            archive.writestr("a.png", picture_bytes(color="blue"))

        assert "is in the archive twice" in run(tmp_path / "p.zip")["problems"][0]
        assert_nothing_stored(media)

    def test_refuses_what_unpacks_to_hundreds_of_times_its_size(
        self, project: Project, tmp_path: Path, media: Path
    ) -> None:
        with zipfile.ZipFile(tmp_path / "p.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("zeros.bmp", b"\0" * 40_000_000)

        assert "as bombs do" in run(tmp_path / "p.zip")["problems"][0]
        assert_nothing_stored(media)

    def test_refuses_an_entry_larger_than_its_header_says(self, project: Project, tmp_path: Path) -> None:
        with zipfile.ZipFile(tmp_path / "p.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("zeros.bmp", b"\0" * 1_000_000)
        raw = (tmp_path / "p.zip").read_bytes()
        (tmp_path / "p.zip").write_bytes(raw.replace(struct.pack("<I", 1_000_000), struct.pack("<I", 1000)))

        summary = run(tmp_path / "p.zip")

        assert summary["ok"] is False

    def test_refuses_too_many_bytes_in_all(
        self, project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("webapp.scenes.importers.source.MAX_BYTES", 1000)
        with zipfile.ZipFile(tmp_path / "p.zip", "w") as archive:
            archive.writestr("a.bmp", b"\0" * 5000)

        assert "unpacks to" in run(tmp_path / "p.zip")["problems"][0]

    def test_refuses_a_broken_archive(self, project: Project, tmp_path: Path) -> None:
        (tmp_path / "p.zip").write_bytes(b"PK\x03\x04 and then nothing")

        assert "is not a zip file" in run(tmp_path / "p.zip")["problems"][0]
