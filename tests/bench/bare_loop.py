"""The least that any server must do per cycle, in plain psycopg: claim an open assignment, then answer it.

Two transactions a cycle, one connection per thread, prepared statements, no validation, no decision, no log.
Arguments: URL, threads, seconds, which half of the lanes. Prints one JSON object.
"""

import json
import resource
import sys
import threading
import time
import uuid

import psycopg

CLAIM = """
UPDATE labeling_assignment SET state = 'leased', annotator_id = %(me)s, epoch = epoch + 1, lease = %(lease)s,
  lease_expires_at = now() + interval '5 minutes'
WHERE id = (SELECT id FROM labeling_assignment WHERE state = 'open' AND project_id = %(project)s AND lane = %(lane)s
            ORDER BY rank DESC LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id, microtask_id
"""
ANSWER = """
WITH done AS (
  UPDATE labeling_assignment SET state = 'answered', lease = '', lease_expires_at = NULL
  WHERE id = %(assignment)s AND state = 'leased' AND lease = %(lease)s RETURNING id, microtask_id
)
INSERT INTO labeling_answer (id, assignment_id, microtask_id, annotator_id, outcome, value, telemetry, active_s, late, created_at)
SELECT %(answer)s, id, microtask_id, %(me)s, 'answered', '{"edges": [], "verdict": "ok"}', '{"active_ms": 1800.0}', 1.8, false, now()
FROM done
"""


def work(url: str, number: int, until: float, done: list[int]) -> None:
    with psycopg.connect(url, autocommit=True, prepare_threshold=1) as connection:
        lanes = connection.execute(
            "SELECT project_id, key FROM labeling_lane WHERE key LIKE 'verify_box%' ORDER BY id"
        ).fetchall()
        (me,) = connection.execute(
            "SELECT id FROM people_user ORDER BY id OFFSET %s LIMIT 1", [number]
        ).fetchone()  # type: ignore[misc]
        cycles = number
        while time.monotonic() < until:
            project, lane = lanes[cycles % len(lanes)]
            lease = uuid.uuid4().hex
            row = connection.execute(
                CLAIM, {"me": me, "lease": lease, "project": project, "lane": lane}
            ).fetchone()
            cycles += 1
            if row is None:
                continue
            answer = {"assignment": row[0], "lease": lease, "answer": uuid.uuid4(), "me": me}
            connection.execute(ANSWER, answer)
            done[0] += 1


def main() -> None:
    url, threads, secs, half = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
    counts = [[0] for _ in range(threads)]
    start = time.monotonic()
    people = [
        threading.Thread(target=work, args=(url, half * threads + n, start + secs, counts[n]))
        for n in range(threads)
    ]
    for person in people:
        person.start()
    for person in people:
        person.join()
    usage = resource.getrusage(resource.RUSAGE_SELF)
    cycles = sum(count[0] for count in counts)
    print(
        json.dumps(
            {"cycles": cycles, "secs": time.monotonic() - start, "cpu_s": usage.ru_utime + usage.ru_stime}
        )
    )


if __name__ == "__main__":
    main()
