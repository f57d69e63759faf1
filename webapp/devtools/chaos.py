"""The fault matrix: a crowd works through two web processes while things are killed, and nothing acknowledged is lost.

    python -m webapp.devtools.chaos            every fault, with 24 annotators
    python -m webapp.devtools.chaos --quick    fewer and shorter, for continuous integration

After each fault the audit recomputes from the crowd's own journal, written when an acknowledgement arrived: answers lost,
counted twice or bought beyond what was wanted, assignments held twice, leases that nobody took back.
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from webapp.devtools.faults import FAULTS, QUICK, Fault, Ineffective
from webapp.devtools.trial import Crowd, Site

# What the audit counts, all of which must be 0: answers lost, acknowledged but not counted, counted twice, bought beyond
# what was wanted; assignments held twice; leases nobody took back; answers refused that were in order.
COLUMNS = ("lost", "uncounted", "twice", "beyond", "doubled", "stuck", "refused")
HEADER = ("", "fault", "answers", *COLUMNS)
STUCK_S = 10  # a lease that ended longer ago than this, and is still held, is stuck


def audit(crowd: Crowd) -> dict[str, int]:
    """Compare the crowd's journal with the rows; every figure but `answers` must be 0."""
    site = crowd.site
    kept = {
        str(pk): (late, a)
        for pk, late, a in site.execute("SELECT id, late, assignment_id FROM labeling_answer")
    }
    counted = [key for key, (late, _) in kept.items() if not late]
    told = [key for key, (status, _) in crowd.journal.items() if status == "accepted"]
    ((twice,),) = site.execute(TWICE)
    ((beyond,),) = site.execute(BEYOND)
    ((stuck,),) = site.execute(STUCK)
    harm = (
        len(crowd.journal.keys() - kept.keys()), len(set(told) - set(counted)), twice, beyond, _double_leases(site), stuck,
        len(crowd.refused),
    )  # fmt: skip
    return {"answers": len(crowd.journal), **dict(zip(COLUMNS, harm, strict=True))}


TWICE = """
SELECT count(*) FROM (
  SELECT 1 FROM labeling_answer WHERE NOT late GROUP BY microtask_id, annotator_id HAVING count(*) > 1
) twice
"""
BEYOND = """
SELECT count(*) FROM (
  SELECT microtask_id FROM labeling_answer n WHERE NOT late GROUP BY microtask_id
  HAVING count(*) > (SELECT count(*) FROM labeling_assignment a WHERE a.microtask_id = n.microtask_id AND a.state = 'answered')
) beyond
"""
STUCK = f"""
SELECT count(*) FROM labeling_assignment WHERE state = 'leased' AND lease_expires_at < now() - interval '{STUCK_S} s'
"""


def _double_leases(site: Site) -> int:
    """Leases given while an earlier one of the same assignment had neither ended nor been answered."""
    held: set[int] = set()
    doubles = 0
    for kind, assignment in site.execute(
        "SELECT kind, (data->>'assignment')::bigint FROM labeling_event"
        " WHERE kind IN ('leased', 'lease_ended', 'answered') ORDER BY (data->>'assignment')::bigint,"
        " (data->>'epoch')::int, CASE kind WHEN 'leased' THEN 0 ELSE 1 END"
    ):
        if kind == "leased":
            doubles += assignment in held
            held.add(assignment)
        else:
            held.discard(assignment)
    return doubles


def run(faults: Sequence[Fault], *, people: int, tasks: int, seconds: float) -> int:
    """Play every fault; returns how many ended with a guarantee broken."""
    failures = 0
    print(row(*HEADER), flush=True)
    with ExitStack() as stack:
        site = Site(stack, people, tasks)
        crowd = Crowd(site)
        for fault in faults:
            before = len(crowd.journal)
            noticed = True
            try:
                asyncio.run(crowd.work(fault, seconds, seconds))
            except* Ineffective as group:
                noticed = False
                print(f"       {group.exceptions[0]}", flush=True)
            crowd.frozen.clear()
            site.keep_janitor()
            time.sleep(1.5)  # for the janitor, and whatever is still being committed
            result = audit(crowd)
            done = result.pop("answers") - before
            broken = any(result.values()) or not done or not noticed
            failures += broken
            print(row("FAILED" if broken else "held", fault.__name__, done, *result.values()), flush=True)
    print(f"{len(faults) - failures} of {len(faults)} faults held", flush=True)
    return failures


def row(verdict: str, name: str, *figures: object) -> str:
    """One line of the table: whether the guarantees held, the fault, answers given during it, and what went wrong."""
    cells = [f"{figure!s:>{max(7, len(title))}}" for figure, title in zip(figures, HEADER[2:], strict=True)]
    return "  ".join([f"{verdict:6}", f"{name.replace('_', ' '):40}", *cells])


def fill(path: str, people: str, tasks: str) -> None:
    """Fill the database that the environment names; a process of its own."""
    import django  # the trial itself must not need Django: its database goes away in the middle

    django.setup()
    from webapp.devtools import stock

    Path(path).write_text(json.dumps(stock.open_shop(hands=int(people), lanes=4, tasks=int(tasks)).tokens))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="four faults, shorter")
    parser.add_argument("--people", type=int, default=24)
    parser.add_argument("--only", help="play only faults whose name contains this")
    parser.add_argument("--fill", nargs=3, metavar=("TOKENS", "PEOPLE", "TASKS"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.fill:
        fill(*options.fill)
        return
    every: Sequence[Fault] = QUICK if options.quick else FAULTS
    faults = tuple(f for f in every if not options.only or options.only in f.__name__)
    seconds = 1.5 if options.quick else 3.0
    sys.exit(run(faults, people=options.people, tasks=20_000, seconds=seconds) > 0)


if __name__ == "__main__":
    main()
