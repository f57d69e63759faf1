"""Whoever belongs to another organisation gets nothing: every address of the site is tried."""

import re
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from webapp.labeling.models import (
    Annotation,
    AnnotatorRecord,
    Answer,
    Assignment,
    Event,
    Lane,
    Microtask,
    ObjectVersion,
    Resolution,
    SceneObject,
    Tally,
    Tile,
)
from webapp.labeling.rollups import Workhour
from webapp.ops.models import Alert, DatasetStatus, Reopening
from webapp.ops.selection import Query
from webapp.people.models import Appeal, Note, User
from webapp.pipeline.models import ModelVersion, PrelabelledScene, Run
from webapp.projects.models import GuidelineRead, Project
from webapp.scenes.models import Dataset, Scene

# Whole words: the letters of a short name also stand in some of the random tokens of forms.
SECRETS = re.compile(r"\b(Acme|Trees|north|secret-scene|ada|secret-run)\b")

# Addresses that name no row of an organisation: what mallory sees there are her own things, or nothing.
OPEN = {"login", "logout", "token", "healthz", "language"}
OWN = {"home", "feed", "ops:room", "ops:live", "desk:desk", "me:me", "setup:projects", "setup:new"} | {
    "notes",
    "ops:acts",
    "ops:people",
    "ops:notes",
}
POSTED = {"me:appeal", "desk:hours", "ops:move"}  # about the viewer, and only sent
API = {
    "feed-next",
    "feed-answer",
    "feed-release",
    "refine-mask",  # only for who holds the task: test_refiner.py
}  # their rows are named in the body, or are the viewer's own
SIGNED = {
    "crop",
    "deep_crop",
    "cloud",
    "join",
}  # protected by signature; tested with the feed and with the login


@pytest.fixture
def rows(project: Project, dataset: Dataset, ada: User, olga: User) -> dict[type, Any]:
    """One row of every table of acme."""
    now = timezone.now()
    scene = Scene.objects.create(
        dataset=dataset, name="secret-scene.png", sha256="0" * 64, file="x", width=9, height=9
    )
    tile = Tile.objects.create(scene=scene, x=0, y=0, w=9, h=9, halo=0)
    item = SceneObject.objects.create(scene=scene, tile=tile, label=0, box=[0, 0, 5, 5], source="person")
    task = Microtask.objects.create(
        project=project,
        dataset=dataset,
        scene=scene,
        object=item,
        kind="adjudicate",
        domain="aerial",
        reason="secret-run",
        payload={"view": [0, 0, 9, 9], "object": {"xyxy": [0, 0, 5, 5], "class": 0}},
    )
    held = Assignment.objects.create(
        microtask=task, project=project, lane="adjudicate/aerial/specialist", annotator=olga
    )
    answer = Answer.objects.create(assignment=held, microtask=task, annotator=olga, outcome="unsure")
    model = ModelVersion.objects.create(project=project, name="secret-run", sha256="1", ref={})
    run = Run.objects.create(
        project=project, dataset=dataset, kind="prelabel", progress={"note": "secret-run"}
    )
    made = [
        *(project, dataset, scene, tile, item, task, held, answer, model, run, ada),
        ObjectVersion.objects.create(object=item, number=1, box=[0, 0, 5, 5], label=0, author=ada),
        Resolution.objects.create(microtask=task, by="specialist", outcome={}),
        Event.objects.create(kind="answered", project=project, annotator=ada),
        AnnotatorRecord.objects.create(annotator=ada),
        Annotation.objects.create(scene=scene, number=1, content=[]),
        Lane.objects.create(project=project, key="adjudicate/aerial/specialist"),
        Tally.objects.create(dataset=dataset, kind="adjudicate", annotator=olga, minute=now, answers=1),
        PrelabelledScene.objects.create(run=run, scene=scene),
        ada.qualifications.get(),
        project.schemas.get(),
        project.guidelines.get(),
        GuidelineRead.objects.create(project=project, person=ada, label=0, version=1),
        project.organisation,
        Appeal.objects.create(person=ada, message="secret-run"),
        Alert.objects.create(
            organisation=project.organisation, project=project, kind="budget", subject=f"project:{project.pk}",
            title="secret-run", value=2.0, worst=2.0, opened_at=now,
        ),
        Reopening.objects.create(
            dataset=dataset, query=Query().to_json(), way="again", note="secret-run", objects_meant=1, asked_by=ada,
            asked_at=now, expires_at=now,
        ),
        Note.objects.create(
            organisation=project.organisation, texts={"en": "secret-run"}, by=ada, at=now, until=now + timedelta(days=1)
        ),
        Workhour.objects.create(annotator=ada, project=project, hour=now, answers=1),
        DatasetStatus.objects.create(dataset=dataset, content={"secret-run": 1}, at=now),
    ]  # fmt: skip
    return {type(row): row for row in made}


def addresses(resolver: URLResolver, namespace: str = "") -> Iterator[tuple[str, URLPattern]]:
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            yield from addresses(entry, f"{namespace}{entry.namespace}:" if entry.namespace else namespace)
        else:
            assert isinstance(entry, URLPattern)
            yield f"{namespace}{entry.name or entry.callback.__name__}", entry


def site() -> list[tuple[str, URLPattern]]:
    return [(name, entry) for name, entry in addresses(get_resolver()) if not name.startswith("admin:")]


SETUP = (
    "basics",
    "discard",
    "images",
    "upload",
    "schema",
    "guideline",
    "targets",
    "people",
    "invite",
    "start",
    "started",
)
RULING = ("ruling", "crop", "change-guideline", "coach")
FILES = {
    "desk:crop",
    "desk:word-crop",
    "ops:preview",
    "setup:example",
}  # whose pictures these rows do not have
SENT = {
    "desk:change-guideline",
    "desk:coach",
    "setup:upload",
    "setup:invite",
    "ops:acknowledge",
    "ops:reopen-object",
    "ops:undo-target",
    "ops:undo-act",
    "ops:pause-kind",
    "ops:audits",
    "ops:withdraw-note",
    "note-read",
}  # answer to POST only


def foreign(rows: dict[type, Any]) -> dict[str, list[str]]:
    """The address of acme's row behind every name; a new page is added here."""
    scene = rows[Scene].pk
    return {
        "guideline": [reverse("guideline", args=[rows[Project].pk])],
        "guideline-news": [reverse("guideline-news", args=[rows[Project].pk])],
        "ops:pause": [reverse("ops:pause", args=[rows[Project].pk])],
        "ops:pause-dataset": [reverse("ops:pause-dataset", args=[rows[Dataset].pk])],
        "ops:reopening": [reverse("ops:reopening", args=[rows[Reopening].pk])],
        "ops:target": [reverse("ops:target", args=[rows[Project].pk])],
        "ops:undo-target": [reverse("ops:undo-target", args=[rows[Project].pk])],
        "ops:undo-act": [reverse("ops:undo-act", args=[rows[Event].pk])],
        "ops:pause-kind": [reverse("ops:pause-kind", args=[rows[Project].pk])],
        "ops:audits": [reverse("ops:audits", args=[rows[Project].pk])],
        "ops:person": [reverse("ops:person", args=[rows[User].pk])],
        "ops:withdraw-note": [reverse("ops:withdraw-note", args=[rows[Note].pk])],
        "note-read": [reverse("note-read", args=[rows[Note].pk])],
        "ops:quality": [reverse("ops:quality", args=[rows[Project].pk])],
        "ops:items": [reverse("ops:items", args=[rows[Project].pk, "reworked"])],
        "ops:dataset": [reverse("ops:dataset", args=[rows[Dataset].pk])],
        "ops:scene": [reverse("ops:scene", args=[scene])],
        "ops:preview": [reverse("ops:preview", args=[scene, size]) for size in ("preview", "thumb")],
        **{f"desk:{name}": [reverse(f"desk:{name}", args=[rows[Answer].pk])] for name in RULING},
        "desk:word-crop": [reverse("desk:word-crop", args=[rows[Event].pk])],
        "ops:reopen": [reverse("ops:reopen", args=[rows[Dataset].pk])],
        "ops:object": [reverse("ops:object", args=[rows[SceneObject].pk])],
        "ops:reopen-object": [reverse("ops:reopen-object", args=[rows[SceneObject].pk])],
        "ops:acknowledge": [reverse("ops:acknowledge", args=[rows[Alert].pk])],
        "ops:appeal": [reverse("ops:appeal", args=[rows[Appeal].pk])],
        "setup:example": [reverse("setup:example", args=[rows[Project].pk, 1, 0])],
        "setup:opening": [reverse("setup:opening", args=[rows[Project].pk, rows[Run].pk])],
        **{f"setup:{name}": [reverse(f"setup:{name}", args=[rows[Project].pk])] for name in SETUP},
    }


class TestEveryPage:
    def test_is_known_to_this_test(self, rows: dict[type, Any]) -> None:
        assert {name for name, _ in site()} == OPEN | OWN | POSTED | SIGNED | API | set(foreign(rows))

    @pytest.mark.parametrize("name", ["feed-answer", "feed-release"])
    def test_refuses_an_assignment_of_another_organisation(
        self, client: Client, rows: dict[type, Any], mallory: User, name: str
    ) -> None:
        client.force_login(mallory)
        held = rows[Assignment]
        body = {"id": str(uuid.uuid4()), "assignment": held.pk, "lease": "1.0", "outcome": "unsure"}

        answer = client.post(reverse(name), body, content_type="application/json")

        assert answer.status_code in (400, 403, 404, 409), answer.content
        assert not SECRETS.search(answer.content.decode())
        held.refresh_from_db()
        assert held.state == Assignment.State.OPEN

    def test_hides_rows_of_another_organisation(
        self, client: Client, rows: dict[type, Any], mallory: User
    ) -> None:
        client.force_login(mallory)

        for name, urls in foreign(rows).items():
            for url in urls:
                for send in (client.get, client.post):
                    answer = send(url)
                    assert answer.status_code in (403, 404, 405), (name, url, answer.status_code)
                    assert not SECRETS.search(answer.content.decode()), (name, url)
        assert client.get(f"/ops/?project={rows[Project].pk}").status_code == 404
        assert client.get(f"/ops/live/?project={rows[Project].pk}").status_code == 404

    def test_shows_only_the_own_organisation(
        self, client: Client, rows: dict[type, Any], mallory: User
    ) -> None:
        client.force_login(mallory)

        for name in OWN:
            answer = client.get(reverse(name), follow=True)
            assert answer.status_code == 200, name
            assert not SECRETS.search(answer.content.decode()), name

    def test_asks_strangers_to_log_in(self, client: Client, rows: dict[type, Any]) -> None:
        known = foreign(rows)
        urls = [url for some in known.values() for url in some] + [reverse(name) for name in OWN]
        sent = {url for name in SENT for url in known[name]}

        for url in urls:
            answer = client.get(url)
            if url in sent:
                assert answer.status_code == 405, url
                continue
            assert answer.status_code == 302, url
            assert answer.headers["Location"].startswith("/login/?next="), url

    def test_serves_its_own_people(
        self, client: Client, rows: dict[type, Any], otto: User, olga: User
    ) -> None:
        """Otherwise the tests above would pass on a site that refuses everybody."""
        for url in (
            u
            for name, some in foreign(rows).items()
            for u in some
            if name not in FILES | SENT | {"desk:ruling"}
        ):
            client.force_login(otto)
            assert client.get(url, follow=True).status_code == 200, url
        client.force_login(olga)
        for url in ["/desk/", *foreign(rows)["desk:ruling"]]:
            assert b"secret-run" in client.get(url).content, url

    def test_a_member_cannot_pause_what_a_stranger_owns(
        self, client: Client, rows: dict[type, Any], mallory: User
    ) -> None:
        client.force_login(mallory)

        client.post(reverse("ops:pause", args=[rows[Project].pk]), {"paused": "1"})

        assert not Project.objects.get().paused


class TestAdmin:
    @pytest.fixture
    def staff(self, mallory: User) -> User:
        mallory.is_staff = True
        mallory.save()
        return mallory

    def test_covers_every_table_of_the_product(self) -> None:
        ours = {m for m in admin.site._registry if m.__module__.startswith("webapp.")}
        assert {m.__name__ for m in ours} >= {
            "Project",
            "Scene",
            "Answer",
            "Tally",
            "Run",
            "Qualification",
            "User",
        }

    def test_is_closed_to_people_without_staff_status(self, client: Client, otto: User) -> None:
        client.force_login(otto)

        assert client.get("/admin/").status_code == 302

    def test_lists_and_forms_show_only_the_own_organisation(
        self, client: Client, rows: dict[type, Any], staff: User
    ) -> None:
        client.force_login(staff)
        seen = 0

        for table in admin.site._registry:
            name = f"admin:{table._meta.app_label}_{table._meta.model_name}"
            for url in (reverse(f"{name}_changelist"), reverse(f"{name}_add")):
                answer = client.get(url)
                assert answer.status_code in (200, 403), url
                assert not SECRETS.search(answer.content.decode()), url
                seen += answer.status_code == 200
        assert seen > 20

    def test_rows_of_others_cannot_be_opened_changed_or_deleted(
        self, client: Client, rows: dict[type, Any], staff: User
    ) -> None:
        client.force_login(staff)

        for table, row in rows.items():
            name = f"admin:{table._meta.app_label}_{table._meta.model_name}"
            for action in ("change", "delete", "history"):
                url = reverse(f"{name}_{action}", args=[row.pk])
                for send in (client.get, client.post):
                    answer = send(url)
                    assert answer.status_code in (302, 403, 404), (url, answer.status_code)
            assert table._default_manager.filter(pk=row.pk).exists()
        url = reverse("admin:auth_user_password_change", args=[rows[User].pk])
        assert client.post(url, {"password1": "x" * 12, "password2": "x" * 12}).status_code in (302, 403, 404)
        assert not User.objects.get(username="ada").check_password("x" * 12)

    def test_a_tenants_administrator_cannot_gain_power_over_others(
        self, client: Client, rows: dict[type, Any], staff: User
    ) -> None:
        client.force_login(staff)
        form = {
            "username": "mallory",
            "role": "administrator",
            "tier": "crowd",
            "is_active": "on",
            "is_superuser": "on",
            "is_staff": "on",
            "languages": "[]",
            "organisation": rows[Project].organisation_id,
            "qualifications-TOTAL_FORMS": "0",
            "qualifications-INITIAL_FORMS": "0",
        }

        client.post(reverse("admin:people_user_change", args=[staff.pk]), form)
        client.post(
            reverse("admin:people_user_change", args=[staff.pk]),
            form | {"organisation": staff.organisation_id},
        )

        staff.refresh_from_db()
        assert not staff.is_superuser
        assert staff.organisation is not None
        assert staff.organisation.name == "Evil Corp"

    def test_the_operator_sees_all(self, client: Client, rows: dict[type, Any]) -> None:
        client.force_login(User.objects.create_superuser("root", password=uuid.uuid4().hex))

        for table, row in rows.items():
            name = f"admin:{table._meta.app_label}_{table._meta.model_name}"
            assert client.get(reverse(f"{name}_changelist")).status_code == 200
            assert client.get(reverse(f"{name}_change", args=[row.pk])).status_code == 200
