"""Fills a database with work for trials and benchmarks: people with tokens, and any number of open micro-tasks.

The first task is asked by the product's own code (`lifecycle`); PostgreSQL then multiplies its rows, so that a
million tasks take a minute. Every copy has its own object, version, micro-task, assignment and place.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, models, transaction
from django.utils import timezone
from rest_framework.authtoken.models import Token

from routing.belief import Belief
from routing.redundancy import ObjectCase
from webapp.labeling.book import Book
from webapp.labeling.lifecycle import fulfil_wishes, wish_about
from webapp.labeling.models import Assignment, Lane, Microtask, ObjectVersion, SceneObject, Tile
from webapp.people import models as people
from webapp.people.models import Organisation, Qualification, User
from webapp.people.operations import create_organisation
from webapp.projects.models import Project
from webapp.projects.operations import create_project
from webapp.scenes.models import Dataset, Scene

OBJECTS_PER_TILE, TILES_PER_SCENE = 20, 10
SIDE = 2000  # pixels of a scene


@dataclass(frozen=True)
class Stock:
    """What was filled in: the organisation, its lanes' projects and the annotators' tokens."""

    organisation: Organisation
    projects: list[Project]
    tokens: list[str]


def hire(
    organisation: Organisation, count: int, *, prefix: str = "hand", tier: str = people.Tier.CROWD
) -> list[str]:
    """Make people qualified for aerial work; returns one token each."""
    people = User.objects.bulk_create(
        [
            User(organisation=organisation, username=f"{prefix}{n}", tier=tier, password="!", simulated=True)
            for n in range(count)
        ]
    )
    Qualification.objects.bulk_create([Qualification(person=p, domain="aerial") for p in people])
    tokens = [Token(user=p, key=Token.generate_key()) for p in people]
    Token.objects.bulk_create(tokens)
    return [token.key for token in tokens]


def open_shop(*, hands: int, lanes: int, tasks: int) -> Stock:
    """An organisation with `lanes` projects of one lane each, and `tasks` open micro-tasks spread over them."""
    organisation = create_organisation(name="Bench")
    projects = [
        create_project(organisation=organisation, name=f"Lane {n}", domain="aerial", classes=["tree"])
        for n in range(lanes)
    ]
    stock = Stock(organisation, projects, hire(organisation, hands))
    deliver(projects, tasks)
    return stock


def deliver(projects: Sequence[Project], tasks: int) -> None:
    """Ask `tasks` more questions, spread evenly over the projects."""
    share, rest = divmod(tasks, len(projects))
    with transaction.atomic():
        templates = [first_of(project) for project in projects if share or rest]
        if templates and connection.vendor == "postgresql" and share > 1:
            with connection.cursor() as cursor:
                multiply(cursor, templates, share - 1)
                cursor.execute(
                    "ANALYZE labeling_assignment, labeling_microtask, labeling_sceneobject, labeling_tile"
                )


def first_of(project: Project) -> Assignment:
    """One scene with one doubtful object, about which one person is asked; returns the wanted answer."""
    dataset, _ = Dataset.objects.get_or_create(project=project, name="bench")
    number = Scene.objects.filter(dataset=dataset).count()
    scene = Scene.objects.create(
        dataset=dataset, name=f"{number}.png", sha256=f"{number:064x}", file="none", width=SIDE, height=SIDE
    )
    tile = Tile.objects.create(scene=scene, x=0, y=0, w=SIDE, h=SIDE, halo=0)
    case = ObjectCase(Belief.of_model(0.4, 0.5), cls=0, size_px=55)
    book = Book(timezone.now())
    row = SceneObject.objects.create(
        scene=scene, tile=tile, state=SceneObject.State.ASKED, label=0, box=[100.0, 100.0, 160.0, 150.0],
        source=SceneObject.Source.MODEL, case=case.to_json(), signals={"score": 0.4, "p": 0.4},
    )  # fmt: skip
    ObjectVersion.objects.create(object=row, number=1, box=row.box, label=0)
    book.wishes.append(
        wish_about(row, tile, "verify_box", tier=people.Tier.CROWD, reason="a single look settles most")
    )
    fulfil_wishes(book)
    book.save_rest()
    return Assignment.objects.select_related("microtask").get(microtask__scene=scene)


def multiply(cursor: Any, templates: Sequence[Assignment], copies: int) -> None:
    """Copy each template's object, version, micro-task and assignment `copies` times, on scenes and tiles of their own."""
    ids = [row.pk for row in templates]
    per_scene = OBJECTS_PER_TILE * TILES_PER_SCENE
    cursor.execute(
        "CREATE TEMP TABLE plan ON COMMIT DROP AS SELECT a.id AS template, a.microtask_id, m.object_id, m.tile_id, m.scene_id, n,"
        " (n - 1) / %s AS s, (n - 1) / %s AS t FROM labeling_assignment a JOIN labeling_microtask m ON m.id = a.microtask_id,"
        " generate_series(1, %s) n WHERE a.id = ANY(%s)",
        [per_scene, OBJECTS_PER_TILE, copies, ids],
    )
    numbered = "nextval(pg_get_serial_sequence('{}', 'id'))"
    for column, table in (("object", SceneObject), ("microtask", Microtask)):
        source = numbered.format(table._meta.db_table)
        cursor.execute(f"ALTER TABLE plan ADD new_{column} bigint; UPDATE plan SET new_{column} = {source}")
    cursor.execute(
        "CREATE TEMP TABLE plan_scene ON COMMIT DROP AS SELECT scene_id, s, "
        f"{numbered.format(Scene._meta.db_table)} AS id FROM (SELECT DISTINCT scene_id, s FROM plan) p"
    )
    cursor.execute(
        "CREATE TEMP TABLE plan_tile ON COMMIT DROP AS SELECT scene_id, tile_id, s, t, "
        f"{numbered.format(Tile._meta.db_table)} AS id FROM (SELECT DISTINCT scene_id, tile_id, s, t FROM plan) p"
    )
    x, y = "(40 + 97 * (n %% 19))", "(40 + 89 * (n / 19 %% 21))"
    box = f"jsonb_build_array({x}, {y}, {x} + 60, {y} + 50)"
    copy = _Copier(cursor)
    copy(
        Scene,
        "plan_scene p",
        "scene_id",
        id="p.id",
        name="'copy' || p.id",
        sha256="md5(p.id::text) || md5((-p.id)::text)",
    )
    copy(Tile, "plan_tile p JOIN plan_scene c ON c.scene_id = p.scene_id AND c.s = p.s", "tile_id",
         id="p.id", scene_id="c.id", x="p.t", y="p.s")  # fmt: skip
    places = (
        "plan p JOIN plan_scene c ON c.scene_id = p.scene_id AND c.s = p.s"
        " JOIN plan_tile d ON d.scene_id = p.scene_id AND d.t = p.t"
    )
    copy(SceneObject, places, "object_id", id="p.new_object", scene_id="c.id", tile_id="d.id", box=box)
    copy(ObjectVersion, "plan p", "object_id", match="object_id", object_id="p.new_object", box=box)
    view = f"jsonb_build_array({x} - 32, {y} - 32, 124, 114)"
    payload = (
        "o.payload || jsonb_build_object("
        f"'view', {view}, 'scene', (o.payload->'scene') || jsonb_build_object('id', c.id),"
        f" 'object', (o.payload->'object') || jsonb_build_object('id', p.new_object, 'xyxy', {box}))"
    )
    copy(Microtask, places, "microtask_id", id="p.new_microtask", scene_id="c.id", tile_id="d.id", object_id="p.new_object",
         payload=payload)  # fmt: skip
    rank = "o.rank - (n %% 1000) / 1000.0"
    copy(Assignment, "plan p", "template", microtask_id="p.new_microtask", rank=rank)


class _Copier:
    """Inserts copies of template rows, with some columns computed anew."""

    def __init__(self, cursor: Any) -> None:
        self._cursor = cursor

    def __call__(
        self, table: type[models.Model], source: str, key: str, *, match: str = "id", **changed: str
    ) -> None:
        columns = [str(f.column) for f in table._meta.concrete_fields]
        if "id" not in changed:
            columns.remove("id")
        values = [changed.get(column, f'o."{column}"') for column in columns]
        names = ", ".join(f'"{column}"' for column in columns)
        name = table._meta.db_table
        self._cursor.execute(
            f"INSERT INTO {name} ({names}) SELECT {', '.join(values)} FROM {source}"
            f" JOIN {name} o ON o.{match} = p.{key}",
            [],
        )


def open_tasks() -> int:
    return Assignment.objects.filter(state=Assignment.State.OPEN).count()


def lanes() -> int:
    return Lane.objects.count()
