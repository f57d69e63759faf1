"""What managers have left for each other, for screenshots of the operations room."""

from datetime import datetime, timedelta

import numpy as np
from django.utils import timezone

from webapp.devtools.rehearsal import World
from webapp.labeling.models import Event
from webapp.labeling.rollups import Workhour
from webapp.ops.models import Reopening
from webapp.ops.operations import pause_dataset, pause_kind
from webapp.ops.retarget import change_audit, change_target
from webapp.ops.selection import Query
from webapp.ops.workforce import move_people, pause_person, send_note, set_skill
from webapp.people.models import Role, User
from webapp.people.operations import create_person
from webapp.projects.operations import create_project
from webapp.scenes.health import COPY


def wanting(world: World) -> int:
    """Another manager wants objects asked about again, and needs consent; return the request."""
    organisation = world.project.organisation
    username = f"nora-{organisation.pk}"  # of every organisation: names are the site's
    person = User.objects.filter(username=username).first()
    if person is None:
        person = create_person(organisation=organisation, username=username, name="Nora", role=Role.MANAGER)
    now = timezone.now()
    asked = {
        "query": Query(least_risk=0.02).to_json(), "way": "again", "objects_meant": 160, "asked_at": now,
        "note": "Crowns in the shade were cut too tight.", "expires_at": now + timedelta(days=3),
    }  # fmt: skip
    row, _ = Reopening.objects.get_or_create(dataset=world.scene.dataset, asked_by=person, defaults=asked)
    return row.pk


def acting(world: World) -> None:
    """A few days of what managers do, and hours that the crew has worked; once per world."""
    project, dataset, otto = world.project, world.scene.dataset, world.otto
    if Event.objects.filter(project=project, kind="kind_paused").exists():
        return
    now = timezone.now()
    create_project(
        organisation=project.organisation,
        name="Lungs",
        domain="medicine",
        classes=["nodule"],
        created_by=otto,
    )
    one, two, three, *_ = world.crew
    set_skill(person=one, domain="medicine", granted=True, by=otto)
    pause_dataset(dataset=dataset, paused=True, by=otto)
    pause_dataset(dataset=dataset, paused=False, by=otto)
    change_audit(project=project, share=0.1, by=otto)
    change_target(project=project, risk=0.03, looks=7, by=otto)
    pause_kind(project=project, kind="compare_two", paused=True, by=otto)
    pause_person(person=two, reason="We meet on Monday about the new guideline.", by=otto)
    move_people(people=[three], origin=project.domain, to="medicine", by=otto)
    texts = {
        "en": "New guideline for crowns in the shade: read it before you go on.",
        "de": "Neue Richtlinie für Kronen im Schatten: lesen Sie sie, bevor Sie weitermachen.",
        "ar": "إرشادات جديدة للتيجان في الظل: اقرأها قبل المتابعة.",
    }
    send_note(texts=texts, domain="", until=now + timedelta(days=3), by=otto, now=now)
    dataset.refused = [["IMG_2041.png", "is cut off; copy it again"], ["IMG_2042.png", COPY]]
    dataset.save(update_fields=["refused"])
    Workhour.objects.bulk_create(_hours(world, now))


def _hours(world: World, now: datetime) -> list[Workhour]:
    """Four days of the crew: each their own diligence, every hour a little different."""
    dice = np.random.default_rng(3)
    hour = now.replace(minute=0, second=0, microsecond=0)
    rows = []
    for person in world.crew:
        diligence = dice.uniform(0.55, 0.92)
        for ago in dice.choice(96, size=int(dice.integers(6, 28)), replace=False):
            there = float(dice.uniform(1200, 3600))
            active = there * float(np.clip(dice.normal(diligence, 0.08), 0.1, 1.0))
            at = hour - timedelta(hours=int(ago) + 1)
            rows.append(
                Workhour(
                    annotator=person, project=world.project, hour=at, answers=round(active / 4), active_s=active,
                    connected_s=there,
                )
            )  # fmt: skip
    return rows
