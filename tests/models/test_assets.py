"""Fetching from registries: what is kept, what is refused. Real pip and npm run against folders of our own making."""

import hashlib
import io
import os
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from models.assets import Asset, AssetError, Package, cached, fetch


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that stands in for PyPI (pip's own --find-links, no network) and an empty cache."""
    folder = tmp_path / "index"
    folder.mkdir()
    for name in [n for n in os.environ if n.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("TESSERA_CACHE", str(tmp_path / "cache"))
    return folder


def wheel(index: Path, files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    info = {
        "pictures-1.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: pictures\nVersion: 1.0\n",
        "pictures-1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "pictures-1.0.dist-info/RECORD": b"",
    }
    with zipfile.ZipFile(buffer, "w") as file:
        for name, data in {**files, **info}.items():
            file.writestr(name, data)
    (index / "pictures-1.0-py3-none-any.whl").write_bytes(buffer.getvalue())
    return buffer.getvalue()


def asset(archive: bytes, members: dict[str, bytes], **change: str) -> Asset:
    package = Package("pypi", "pictures", "1.0", change.get("sha256", sha(archive)), len(archive))
    return Asset("pictures", package, {name: sha(data) for name, data in members.items()}, licence="MIT")


class TestFetch:
    def test_keeps_only_the_named_members_under_their_plain_names(self, index: Path) -> None:
        archive = wheel(
            index, {"pictures/data/a.png": b"AAA", "pictures/data/b.png": b"BBB", "../evil.sh": b"rm"}
        )
        seen: list[str] = []

        folder = fetch(
            asset(archive, {"pictures/data/a.png": b"AAA"}),
            report=lambda stage, done, total: seen.append(stage),
        )

        assert sorted(p.name for p in folder.iterdir()) == ["a.png", "asset.json"]
        assert (folder / "a.png").read_bytes() == b"AAA"
        assert [p.name for p in folder.parent.iterdir()] == [folder.name]
        assert "downloading" in seen

    def test_asks_the_registry_only_once(self, index: Path) -> None:
        wanted = asset(wheel(index, {"a.png": b"AAA"}), {"a.png": b"AAA"})
        first = fetch(wanted)
        (index / "pictures-1.0-py3-none-any.whl").unlink()

        assert fetch(wanted) == first

    def test_fetches_again_what_was_damaged_in_the_cache(self, index: Path) -> None:
        wanted = asset(wheel(index, {"a.png": b"AAA"}), {"a.png": b"AAA"})
        folder = fetch(wanted)
        (folder / "a.png").write_bytes(b"AAX")
        assert cached(wanted) is None

        assert (fetch(wanted) / "a.png").read_bytes() == b"AAA"

    def test_builds_something_else_from_the_members(self, index: Path) -> None:
        wanted = asset(wheel(index, {"a.txt": b"abc"}), {"a.txt": b"abc"})

        folder = fetch(
            wanted,
            build=lambda src, out: (out / "A.txt").write_bytes((src / "a.txt").read_bytes().upper()) and None,
        )

        assert (folder / "A.txt").read_bytes() == b"ABC"
        assert not (folder / "a.txt").exists()


class TestRefusals:
    def test_an_archive_with_another_hash_is_not_opened(self, index: Path, tmp_path: Path) -> None:
        archive = wheel(index, {"a.png": b"AAA"})

        with pytest.raises(AssetError, match=r"sha256 .* expected 0000"):
            fetch(asset(archive, {"a.png": b"AAA"}, sha256="0" * 64))
        assert list((tmp_path / "cache").iterdir()) == []

    def test_a_member_with_another_hash_is_not_kept(self, index: Path, tmp_path: Path) -> None:
        archive = wheel(index, {"a.png": b"AAA"})

        with pytest.raises(AssetError, match=r"a\.png in pictures"):
            fetch(asset(archive, {"a.png": b"other"}))
        assert list((tmp_path / "cache").iterdir()) == []

    def test_a_missing_member_is_named(self, index: Path) -> None:
        with pytest.raises(AssetError, match=r"does not hold b\.png"):
            fetch(asset(wheel(index, {"a.png": b"AAA"}), {"b.png": b"BBB"}))

    def test_a_registry_that_cannot_be_reached_is_a_clear_error(self, index: Path) -> None:
        package = Package("pypi", "nothing-of-this-name", "9.9", "0" * 64, 1)

        with pytest.raises(AssetError, match=r"could not download nothing-of-this-name 9\.9 from pypi"):
            fetch(Asset("nothing", package, {}, licence=""))

    @pytest.mark.skipif(sys.platform == "win32", reason="needs links in an archive")
    def test_a_link_in_a_tarball_is_not_followed(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("TESSERA_CACHE", str(tmp_path / "cache"))
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as tar:
            link = tarfile.TarInfo("package/weights.bin")
            link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
            tar.addfile(link)
            manifest = b'{"name": "weights", "version": "1.0.0"}'
            entry = tarfile.TarInfo("package/package.json")
            entry.size = len(manifest)
            tar.addfile(entry, io.BytesIO(manifest))
        place = tmp_path / "weights.tgz"
        place.write_bytes(packed.getvalue())
        from models.assets import _member

        with pytest.raises(AssetError, match="not a plain file"), _member(place, "package/weights.bin"):
            pass
