"""Work in bulk on real PostgreSQL: pre-labels into questions, progress of a large project, export of all of it.

Writes out/bench/bulk.json. Rates suffer from a busy machine; processor time per row and memory do not.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).resolve().parent)]

from webapp.devtools.services import Postgres  # noqa: E402

from harness import HERE, SETTINGS, cpu_s, say  # noqa: E402  # found through the line above


def measure(*arguments: str) -> dict[str, Any]:
    command = [sys.executable, str(HERE / "bulk.py"), *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    say(f"{arguments[0]}: {json.dumps(result)}")
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenes", type=int, default=200, help="of the creation")
    parser.add_argument("--objects", type=int, default=500, help="in each of them")
    parser.add_argument(
        "--answers", type=int, default=1_000_000, help="of the project whose progress is read"
    )
    parser.add_argument("--export", type=int, default=1_000_000, help="objects that are exported")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="tessera-bench-") as scratch,
        Postgres(durable=True, settings=SETTINGS) as pg,
    ):
        os.environ |= {
            "DATABASE_URL": pg.url, "REDIS_URL": "", "TESSERA_VAR": scratch, "SECRET_KEY": "bench",
            "DJANGO_SETTINGS_MODULE": "webapp.config.settings",
        }  # fmt: skip
        subprocess.run(
            [sys.executable, "manage.py", "migrate", "--verbosity", "0"], check=True, cwd=HERE.parents[1]
        )
        before = cpu_s(pg.pid)
        result = {"create": measure("create", str(options.scenes), str(options.objects))}
        spent = cpu_s(pg.pid) - before
        result["create"]["database_us_per_row"] = round(1e6 * spent / result["create"]["rows"], 1)
        result["export"] = measure("export", str(options.export), scratch)
        result["progress"] = measure("progress", str(options.answers))
        result["answers"] = measure("answers", scratch)
    out = Path(os.environ.get("TESSERA_OUT", ROOT / "out")) / "bench" / "bulk.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(result, indent=1))
    say(f"written to {out}")


if __name__ == "__main__":
    main()
