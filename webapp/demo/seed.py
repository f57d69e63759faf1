"""What the demo starts from: a customer's projects, people, scenes, and the crowd's accounts."""

import json
import secrets
import shutil
from pathlib import Path

import numpy as np
from defusedxml import ElementTree
from django.db import transaction

from routing.simulation import make_crowd, make_truth
from webapp.people.models import Organisation, Role, Tier, User
from webapp.people.operations import create_person
from webapp.projects.models import Project
from webapp.projects.operations import create_project
from webapp.scenes.models import Scene
from webapp.scenes.operations import import_path

ORGANISATION = "Tessera demo"
PASSWORD = "tessera-demo"  # of the three accounts for people; the demo listens on loopback only
ACCOUNTS = (
    ("annotator", Role.ANNOTATOR, "Ada Annotator"),
    ("specialist", Role.SPECIALIST, "Olga Specialist"),
    ("manager", Role.MANAGER, "Otto Manager"),
)
TREES, PHOTOS = "Trees from the air", "Photographs"
COLD, WARM = "Survey, first scene", "Survey, other scenes"
BATCHES = {"cold": COLD, "warm": WARM}
SCENES = {
    "cold": ("2019_YELL_2_528000_4978000_image_crop2.png",),
    "warm": ("2019_YELL_2_541000_4977000_image_crop.png", "OSBS_029.png", "SOAP_061.png"),
}
QUICK_SCENES = {"cold": SCENES["warm"][:1], "warm": SCENES["warm"][1:]}  # 377 trees instead of 951
TREE_GUIDELINE = """Every tree crown that is visible from above is one object, living or dead.
Draw the box so that it touches the crown on all four sides; leave its shadow out.
Where crowns touch, give each its own box; boxes may overlap.
Small crowns count as soon as you can see that they are trees and not bushes or rocks.
A crown cut by the border of the picture gets a box that ends at the border."""
# The edge of a crown is soft, so a closer demand would buy noise; one box in ten may be off by more than that.
TREE_POLICY = {"tolerance_iou": 0.56, "target_risk": 0.1}
PHOTO_GUIDELINE = """Box every object of the listed classes, as tight as you can.
Count what is visible; do not guess hidden parts, unless less than a tenth is hidden.
A reflection or a picture of a thing is not the thing."""


def seed(
    survey: Path, photographs: Path, coco: list[str], var: Path, *, crowd: int, seed: int, quick: bool = False
) -> None:
    """Create everything that is not there yet; safe to run again after a kill at any point.

    `quick` takes two small scenes, enough to see every part work.
    """
    organisation, _ = Organisation.objects.get_or_create(name=ORGANISATION)
    for username, role, name in ACCOUNTS:
        _person(organisation, username, PASSWORD, role, ["aerial", "everyday"], name=name)
    _project(organisation, TREES, "aerial", ["tree"], TREE_GUIDELINE, TREE_POLICY)
    _project(organisation, PHOTOS, "everyday", coco, PHOTO_GUIDELINE, {})
    for batch, names in (QUICK_SCENES if quick else SCENES).items():
        _import(organisation, survey, names, var / "batches" / batch, TREES, BATCHES[batch])
    pictures = [p.name for p in sorted(photographs.iterdir()) if p.suffix in (".png", ".jpg")]
    _import(organisation, photographs, pictures, var / "batches" / "photographs", PHOTOS, PHOTOS)
    _crowd(organisation, var / "people.json", crowd, seed)
    _truths(survey, var / "truth.json", seed)


def _person(
    organisation: Organisation,
    username: str,
    password: str,
    role: Role,
    domains: list[str],
    *,
    name: str = "",
    simulated: bool = False,
) -> None:
    if not User.objects.filter(username=username).exists():
        with transaction.atomic():
            create_person(
                organisation=organisation,
                username=username,
                password=password,
                role=role,
                name=name,
                simulated=simulated,
                domains=domains,
            )


def _project(
    organisation: Organisation,
    name: str,
    domain: str,
    classes: list[str],
    guideline: str,
    policy: dict[str, float],
) -> None:
    if not Project.objects.filter(organisation=organisation, name=name).exists():
        create_project(
            organisation=organisation,
            name=name,
            domain=domain,
            classes=classes,
            guideline=guideline,
            policy=policy,
        )


def _import(
    organisation: Organisation,
    source: Path,
    names: list[str] | tuple[str, ...],
    folder: Path,
    project: str,
    dataset: str,
) -> None:
    """Import images only: the reference outlines stay outside the product."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        if not (folder / name).exists():
            shutil.copyfile(source / name, folder / f"{name}.partial")
            (folder / f"{name}.partial").rename(folder / name)
    import_path(
        path=folder, organisation=organisation, project_name=project, dataset_name=dataset, format="images"
    )


def _crowd(organisation: Organisation, path: Path, size: int, seed: int) -> None:
    """Accounts and profiles of the simulated people."""
    if not path.exists():
        profiles = make_crowd(size, seed, specialists=max(2, size // 10))
        people = [
            {
                "username": f"sim-{number:03d}",
                "password": secrets.token_urlsafe(16),
                "tier": profile.tier,
                "profile": profile.to_json(),
            }
            for number, profile in enumerate(profiles, start=1)
        ]
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps(people))
        partial.rename(path)
    for entry in json.loads(path.read_text()):
        role = Role.SPECIALIST if entry["tier"] == Tier.SPECIALIST else Role.ANNOTATOR
        _person(organisation, entry["username"], entry["password"], role, ["aerial"], simulated=True)


def reference(survey: Path, name: str) -> np.ndarray:
    """The reference boxes (N, 4) of a scene, scene pixels, from the VOC file beside it."""
    root = ElementTree.parse((survey / name).with_suffix(".xml")).getroot()
    corners = ("xmin", "ymin", "xmax", "ymax")
    boxes = [[float(box.findtext(corner, "0")) for corner in corners] for box in root.iter("bndbox")]
    return np.array(boxes, float).reshape(-1, 4)


def _truths(survey: Path, path: Path, seed: int) -> None:
    """What the simulated people see when they look at a scene."""
    truths = {}
    scenes = Scene.objects.filter(dataset__name__in=BATCHES.values()).order_by("name")
    for index, scene in enumerate(scenes):
        boxes = reference(survey, scene.name)
        rng = np.random.default_rng([seed, index])
        truth = make_truth(boxes, np.zeros(len(boxes), int), rng, (scene.width, scene.height))
        truths[str(scene.pk)] = truth.to_json()
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(truths))
    partial.rename(path)
