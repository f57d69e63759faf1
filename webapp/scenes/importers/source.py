"""Where an import comes from: a folder, one file or a zip, as a folder of plain files. Trusts nothing in a zip."""

import fnmatch
import os
import stat
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from webapp.scenes.importers.records import ImportRefused, Problem, refuse

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe", ".png", ".tif", ".tiff", ".bmp", ".webp", ".gif"})

MAX_FILES = 200_000
MAX_BYTES = 100 * 2**30  # unpacked; an import larger than this belongs in a folder
MAX_RATIO = 200  # unpacked bytes per packed byte; pictures reach 2, JSON 30
SMALL = 16 * 2**20  # a file below this may be packed tighter (a blank picture), it cannot fill a disk
CHUNK = 2**20

# Left behind by file managers and by people, never part of a data set.
JUNK = ("thumbs.db", "desktop.ini", "__macosx")
PAPERS = ("readme*", "license*", "licence*", "notice*", "source*.md", "changelog*")


@dataclass(frozen=True, slots=True)
class Source:
    """A folder of files; `files` are sorted POSIX paths relative to `root`. `label` is how the user named it.

    `pointed` says that the user named one annotation file: pictures that it does not mention are not meant.
    """

    root: Path
    files: tuple[str, ...]
    label: str
    pointed: bool = False

    def path(self, name: str) -> Path:
        return self.root / name

    def with_suffix(self, *suffixes: str) -> list[str]:
        """The files with one of these endings, upper or lower case."""
        return [name for name in self.files if PurePosixPath(name).suffix.lower() in suffixes]

    def images(self) -> list[str]:
        return self.with_suffix(*IMAGE_SUFFIXES)


@contextmanager
def open_source(path: Path, *, images: Path | None = None, ignore: Sequence[str] = ()) -> Iterator[Source]:
    """Yield the files at `path`; a zip is unpacked into a temporary folder, which goes away afterwards.

    With `images`, the pictures are those of that folder and `path` gives the annotations.
    Raises ImportRefused when there is nothing there, or when the zip is broken or hostile.
    """
    if not path.exists():
        raise refuse(str(path), "there is no such file or folder; check the path")
    if images is not None:
        yield _apart(path, images, ignore)
    elif path.is_dir():
        yield Source(path, _listing(path, ignore), str(path))
    elif zipfile.is_zipfile(path):
        with tempfile.TemporaryDirectory(prefix="tessera-import-") as folder:
            root = Path(folder)
            _unpack(path, root)
            yield Source(root, _listing(root, ignore), str(path))
    elif path.suffix.lower() == ".zip":
        raise refuse(path.name, "is not a zip file, or it is cut off; pack or copy it again")
    elif path.suffix.lower() in (".json", ".xml"):
        yield Source(path.parent, (path.name, *_pictures(path.parent, ignore)), str(path), pointed=True)
    else:
        yield Source(path.parent, (path.name,), str(path))


def clean_name(name: str) -> str | None:
    """Turn a name found in a file into a relative POSIX path; None when it points outside or cannot be shown."""
    name = name.replace("\\", "/")
    parts = [part for part in name.split("/") if part not in ("", ".")]
    outside = name.startswith("/") or ".." in parts or (len(name) > 1 and name[1] == ":")
    if outside or not parts or not name.isprintable() or len(name) > 300:
        return None
    return "/".join(parts)


def _apart(path: Path, images: Path, ignore: Sequence[str]) -> Source:
    if not images.is_dir():
        raise refuse(str(images), "is not a folder; name the folder of the pictures")
    annotations = [path] if path.is_file() else [path / name for name in _listing(path, ignore)]
    relative = [os.path.relpath(a, images) for a in annotations if a.suffix.lower() in (".json", ".xml")]
    return Source(images, (*relative, *_pictures(images, ignore)), str(path), pointed=True)


def _pictures(folder: Path, ignore: Sequence[str]) -> list[str]:
    return [n for n in _listing(folder, ignore) if PurePosixPath(n).suffix.lower() in IMAGE_SUFFIXES]


def _listing(root: Path, ignore: Sequence[str]) -> tuple[str, ...]:
    found: list[str] = []
    problems: list[Problem] = []
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(f for f in folders if not _junk(f))
        for name in sorted(names):
            full = Path(folder) / name
            relative = full.relative_to(root).as_posix()
            if _junk(name) or any(fnmatch.fnmatch(relative, p) or fnmatch.fnmatch(name, p) for p in ignore):
                continue
            if full.is_symlink() and not full.resolve().is_relative_to(root.resolve()):
                problems.append(
                    Problem(relative, "is a link to a place outside the folder; copy the file instead")
                )
            elif not full.is_file():
                problems.append(Problem(relative, "is not a regular file; remove it"))
            elif clean_name(relative) is None:
                problems.append(Problem(ascii(relative), "has characters that cannot be shown; rename it"))
            else:
                found.append(relative)
    if problems:
        raise ImportRefused(problems)
    return tuple(found)


def _junk(name: str) -> bool:
    lower = name.lower()
    return lower.startswith(".") or lower in JUNK or any(fnmatch.fnmatch(lower, p) for p in PAPERS)


def _unpack(path: Path, root: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [e for e in archive.infolist() if not e.is_dir()]
            problems = _zip_problems(path, entries)
            if problems:
                raise ImportRefused(problems)
            for entry in entries:
                _extract(archive, entry, root)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, OSError, ValueError) as error:
        raise refuse(
            path.name, f"cannot be unpacked ({error}); pack it again with deflate or store"
        ) from error


def _zip_problems(path: Path, entries: list[zipfile.ZipInfo]) -> list[Problem]:
    problems: list[Problem] = []
    if len(entries) > MAX_FILES:
        problems.append(
            Problem(path.name, f"holds {len(entries)} files; at most {MAX_FILES} are read, split it")
        )
    total = sum(e.file_size for e in entries)
    if total > MAX_BYTES:
        size, most = f"{total / 2**30:.0f} GB", f"{MAX_BYTES // 2**30} GB"
        problems.append(Problem(path.name, f"unpacks to {size}; at most {most} are read, import it unpacked"))
    seen: set[str] = set()
    for entry in entries:
        message = _entry_problem(entry, seen)
        if message:
            problems.append(Problem(f"{path.name}!{ascii(entry.orig_filename)[1:-1]}", message))
        seen.add(clean_name(entry.filename) or entry.filename)
    return problems


def _entry_problem(entry: zipfile.ZipInfo, seen: set[str]) -> str:
    # orig_filename is what the archive says; filename is already cut at a NUL and cleaned by zipfile.
    name = clean_name(entry.orig_filename)
    if name is None:
        return "points outside the archive or has an unusable name; pack it with plain relative paths"
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind and kind != stat.S_IFREG:
        return "is a link or device, not a file; pack the file itself"
    if entry.flag_bits & 1:
        return "is encrypted; pack it without a password"
    if name in seen:
        return "is in the archive twice; give each file its own name"
    if entry.file_size > SMALL and entry.file_size > MAX_RATIO * max(entry.compress_size, 1):
        return f"unpacks to more than {MAX_RATIO} times its size, as bombs do; import it unpacked"
    return ""


def _extract(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, root: Path) -> None:
    target = root / (clean_name(entry.filename) or "")
    target.parent.mkdir(parents=True, exist_ok=True)
    left = entry.file_size
    with archive.open(entry) as packed, open(target, "wb") as file:
        while chunk := packed.read(CHUNK):
            left -= len(chunk)
            if left < 0:  # The header lies about the size.
                raise zipfile.BadZipFile(f"{entry.filename} is larger than it says")
            file.write(chunk)
