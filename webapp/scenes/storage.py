"""Scene files: stored once under their hash, and only together with their rows."""

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from webapp.scenes.models import Scene

CHUNK = 2**20
STALE_S = 86_400  # a staging folder older than this was left by a process that was killed
STAGING = ".staging-"


@contextmanager
def staging_folder(media: Path) -> Iterator[Path]:
    """Yield an empty folder on the media folder's own file system; it goes away afterwards."""
    media.mkdir(parents=True, exist_ok=True)
    for old in media.glob(f"{STAGING}*"):
        if time.time() - old.stat().st_mtime > STALE_S:
            shutil.rmtree(old, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=STAGING, dir=media) as folder:
        yield Path(folder)


def stage(source: Path, folder: Path) -> tuple[str, Path]:
    """Copy a file into a staging folder; return its sha256 and the copy, which is durable on disk."""
    digest = hashlib.sha256()
    handle, name = tempfile.mkstemp(dir=folder)
    with os.fdopen(handle, "wb") as target, open(source, "rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            target.write(chunk)
        target.flush()
        os.fsync(target.fileno())
    os.chmod(name, 0o644)
    return digest.hexdigest(), Path(name)


def place_of(sha256: str, suffix: str) -> str:
    """The path of a stored file below the media folder."""
    return f"{sha256[:2]}/{sha256}.{suffix}"


def put(staged: Path, media: Path, place: str) -> bool:
    """Move a staged file to its place; return whether it was new there. Same name means same content."""
    target = media / place
    if target.exists():
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    os.replace(staged, target)
    return True


def remove_unused(media: Path, places: list[str]) -> None:
    """Delete the files that no scene refers to."""
    used = set(Scene.objects.filter(file__in=places).values_list("file", flat=True))
    for place in places:
        if place not in used:
            (media / place).unlink(missing_ok=True)
