"""Write requirements/*.lock from pyproject.toml: every package pinned and hashed, for all platforms and Pythons.

    .venv/bin/python .ci/lock.py [--upgrade]

torch and the CUDA packages it drags in are left out: ``.ci/setup.py`` installs torch by itself and says why.
"""

import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ROOT / "requirements"
UV = "uv==0.13.9"
LEFT_OUT = re.compile(r"^(torch|triton|cuda-[a-z-]+|nvidia-[a-z0-9-]+)==")
GROUPS = {"test": ("build", "test", "lint"), "run": ("build",)}


def main() -> int:
    sys.path.insert(0, str(ROOT / ".ci"))
    from setup import TORCH

    LOCKS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        (work / "uv.in").write_text(UV + "\n")
        (LOCKS / "uv.lock").write_text(compile_lock([str(work / "uv.in")], work / "uv.lock"))
        (work / "torch.in").write_text(f"torch=={TORCH}\n")
        # What runs is a subset of what is tested, with the very same versions, so the larger lock is made first.
        constraints = ["--constraints", str(work / "torch.in")]
        for name, groups in GROUPS.items():
            target = LOCKS / f"{name}.lock"
            if target.exists() and "--upgrade" not in sys.argv:
                shutil.copy(target, work / target.name)
            selected = [part for group in groups for part in ("--group", group)]
            locked = without_torch(
                compile_lock(["pyproject.toml", *selected, *constraints], work / target.name)
            )
            target.write_text(header(inputs_digest(ROOT / "pyproject.toml")) + locked)
            constraints += ["--constraints", str(target)]
            print(f"requirements/{name}.lock: {locked.count('==')} pins")
    return 0


def compile_lock(arguments: list[str], output: Path) -> str:
    """Resolve into ``output``, preferring the versions that an earlier ``output`` pinned; returns its text."""
    options = (
        "--universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url"
    )
    command = [sys.executable, "-m", "uv", "pip", "compile", *options.split()]
    command += ["--output-file", str(output), *arguments]
    done = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"uv pip compile failed:\n{done.stderr}")
    return output.read_text()


def without_torch(locked: str) -> str:
    """Drop the blocks (a pin and its indented hash lines) of torch and of the packages for NVIDIA's GPUs."""
    kept: list[str] = []
    keep = True
    for line in locked.splitlines():
        if not line.startswith((" ", "#")):
            keep = LEFT_OUT.match(line) is None
        if keep:
            kept.append(line)
    return "\n".join(kept) + "\n"


def inputs_digest(pyproject: Path) -> str:
    """Fingerprint of the dependency lists; the test suite compares it with the one in the lock's first lines."""
    document = tomllib.loads(pyproject.read_text())
    lists = [document["project"]["dependencies"], document["dependency-groups"]]
    return hashlib.sha256(json.dumps(lists, sort_keys=True).encode()).hexdigest()


def header(digest: str) -> str:
    return f"# Written by .ci/lock.py from pyproject.toml; do not edit.\n# inputs: sha256:{digest}\n"


if __name__ == "__main__":
    raise SystemExit(main())
