"""Fills the benchmark's database; a process of its own, so that the benchmark itself needs no Django.

stocker.py open PEOPLE TOKENS.json | deliver LANES TASKS | hold LEASES
"""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import django

django.setup()

from django.db import connection  # noqa: E402

from webapp.devtools import stock  # noqa: E402
from webapp.people.operations import create_organisation  # noqa: E402
from webapp.projects.models import Project  # noqa: E402
from webapp.projects.operations import create_project  # noqa: E402


def projects(lanes: int) -> list[Project]:
    """The first `lanes` projects, made where they are missing; each has one lane."""
    organisation = create_organisation(name="Bench")
    known = {p.name: p for p in Project.objects.filter(organisation=organisation)}
    names = [f"Lane {n}" for n in range(lanes)]
    return [
        known.get(name)
        or create_project(organisation=organisation, name=name, domain="aerial", classes=["tree"])
        for name in names
    ]


def hold(leases: int) -> None:
    """Lease open tasks to people who do nothing."""
    organisation = create_organisation(name="Bench")
    stock.hire(organisation, leases // 5, prefix="holder")
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH free AS (SELECT id, row_number() OVER () AS n FROM labeling_assignment WHERE state = 'open' LIMIT %s),"
            " holder AS (SELECT id, row_number() OVER () AS n FROM people_user WHERE username LIKE 'holder%%')"
            " UPDATE labeling_assignment a SET state = 'leased', annotator_id = h.id, epoch = 1, session = 'away',"
            " lease = '1.' || substr(md5(a.id::text), 1, 24), lease_expires_at = now() + interval '1 hour'"
            " FROM free f JOIN holder h ON h.n = 1 + f.n %% %s WHERE a.id = f.id",
            [leases, leases // 5],
        )


def main() -> None:
    match sys.argv[1:]:
        case ["open", people, path]:
            tokens = stock.hire(create_organisation(name="Bench"), int(people))
            Path(path).write_text(json.dumps(tokens))
        case ["deliver", lanes, tasks]:
            stock.deliver(projects(int(lanes)), int(tasks))
        case ["hold", leases]:
            hold(int(leases))
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
