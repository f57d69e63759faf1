"""What the demo starts from: a customer's projects, people, scenes, and the crowd's accounts."""

import colorsys
import json
import secrets
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from defusedxml import ElementTree
from django.core.management import call_command

from routing.simulation import make_crowd, make_truth
from webapp.people.models import Organisation, Qualification, Role, Tier, User
from webapp.projects.models import GuidelineVersion, Project, SchemaVersion
from webapp.scenes.models import Scene

PASSWORD = "tessera-demo"  # of the three accounts for people; the demo listens on loopback only
ACCOUNTS = (
    ("annotator", Role.ANNOTATOR, Tier.CROWD, "Ada Annotator"),
    ("specialist", Role.SPECIALIST, Tier.SPECIALIST, "Olga Specialist"),
    ("manager", Role.MANAGER, Tier.CROWD, "Otto Manager"),
)
TREES, PHOTOS = "Trees from the air", "Photographs"
COLD, WARM = "Survey, first scene", "Survey, other scenes"
BATCHES = {"cold": COLD, "warm": WARM}
COLD_SCENE = "2019_YELL_2_528000_4978000_image_crop2.png"
WARM_SCENES = ("2019_YELL_2_541000_4977000_image_crop.png", "OSBS_029.png", "SOAP_061.png")
TREE_GUIDELINE = """Every tree crown that is visible from above is one object, living or dead.
Draw the box so that it touches the crown on all four sides; leave its shadow out.
Where crowns touch, give each its own box; boxes may overlap.
Small crowns count as soon as you can see that they are trees and not bushes or rocks.
A crown cut by the border of the picture gets a box that ends at the border."""
PHOTO_GUIDELINE = """Box every object of the listed classes, as tight as you can.
Count what is visible; do not guess hidden parts, unless less than a tenth is hidden.
A reflection or a picture of a thing is not the thing."""


def seed(survey: Path, photographs: Path, coco: list[str], var: Path, *, crowd_size: int, seed: int) -> None:
    """Create everything that is not there yet; safe to run again after a kill at any point."""
    organisation, _ = Organisation.objects.get_or_create(name="Tessera demo")
    for username, role, tier, name in ACCOUNTS:
        _person(organisation, username, PASSWORD, role, tier, ["aerial", "everyday"], name=name)
    _project(organisation, TREES, "aerial", ["tree"], TREE_GUIDELINE)
    _project(organisation, PHOTOS, "everyday", coco, PHOTO_GUIDELINE)
    _import(survey, [COLD_SCENE], var / "batches" / "cold", TREES, COLD)
    _import(survey, list(WARM_SCENES), var / "batches" / "warm", TREES, WARM)
    _import(
        photographs,
        [p.name for p in sorted(photographs.iterdir())],
        var / "batches" / "photographs",
        PHOTOS,
        "Photographs",
    )
    _crowd(organisation, var / "people.json", crowd_size, seed)
    _truths(survey, var / "truth.json", seed)


def _person(
    organisation: Organisation, username: str, password: str, role: str, tier: str, domains: list[str], *, name: str = "", simulated: bool = False
) -> User:  # fmt: skip
    person = User.objects.filter(username=username).first()
    if person is None:
        first, _, last = name.partition(" ")
        person = User.objects.create_user(
            username, password=password, organisation=organisation, role=role, tier=tier, first_name=first, last_name=last,
            simulated=simulated, languages=["en"],
        )  # fmt: skip
    for domain in domains:
        Qualification.objects.get_or_create(person=person, domain=domain)
    return person


def _project(
    organisation: Organisation, name: str, domain: str, classes: list[str], guideline: str
) -> Project:
    project, _ = Project.objects.get_or_create(
        organisation=organisation, name=name, defaults={"domain": domain}
    )
    rows = [
        {"id": i, "name": c, "color": _color(i), "key": str(i + 1) if i < 9 else None}
        for i, c in enumerate(classes)
    ]
    SchemaVersion.objects.get_or_create(project=project, version=1, defaults={"classes": rows})
    GuidelineVersion.objects.get_or_create(project=project, version=1, defaults={"text": guideline})
    return project


def _color(index: int) -> str:
    """Well separated hues: steps of the golden angle around the colour circle."""
    rgb = colorsys.hls_to_rgb((index * 0.381966 + 0.4) % 1.0, 0.5, 0.6)
    return "#" + "".join(f"{round(255 * v):02x}" for v in rgb)


def _import(source: Path, names: list[str], folder: Path, project: str, dataset: str) -> None:
    """Import images only: the reference outlines stay outside the product."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        if not (folder / name).exists():
            shutil.copyfile(source / name, folder / name)
    call_command(
        "import_dataset",
        str(folder),
        project=project,
        dataset=dataset,
        format="images",
        no_progress=True,
        verbosity=0,
    )


def _crowd(organisation: Organisation, path: Path, size: int, seed: int) -> None:
    """Accounts and profiles of the simulated people."""
    if not path.exists():
        people = [
            {
                "username": f"sim-{n:03d}",
                "password": secrets.token_urlsafe(16),
                "tier": profile.tier,
                "profile": profile.to_json(),
            }
            for n, profile in enumerate(make_crowd(size, seed, specialists=max(2, size // 10)), start=1)
        ]
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps(people))
        partial.rename(path)
    for entry in json.loads(path.read_text()):
        role = Role.SPECIALIST if entry["tier"] == "specialist" else Role.ANNOTATOR
        _person(
            organisation,
            entry["username"],
            entry["password"],
            role,
            entry["tier"],
            ["aerial"],
            simulated=True,
        )


def reference(survey: Path, name: str) -> tuple[np.ndarray, int, int]:
    """The reference boxes (N, 4) of a scene and its width and height, from the VOC file beside it."""
    root = ElementTree.parse((survey / name).with_suffix(".xml")).getroot()
    boxes = [
        [float(b.findtext(k, "0")) for k in ("xmin", "ymin", "xmax", "ymax")] for b in root.iter("bndbox")
    ]
    size = root.find("size")
    assert size is not None
    return (
        np.array(boxes, float).reshape(-1, 4),
        int(size.findtext("width", "0")),
        int(size.findtext("height", "0")),
    )


def _truths(survey: Path, path: Path, seed: int) -> None:
    """What the simulated people see when they look at a scene."""
    truths: dict[str, Any] = {}
    for index, scene in enumerate(Scene.objects.filter(dataset__name__in=BATCHES.values()).order_by("name")):
        boxes, _, _ = reference(survey, scene.name)
        rng = np.random.default_rng([seed, index])
        truth = make_truth(boxes, np.zeros(len(boxes), int), rng, (scene.width, scene.height))
        truths[str(scene.pk)] = truth.to_json()
    path.write_text(json.dumps(truths))
