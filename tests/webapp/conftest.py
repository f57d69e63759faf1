"""The cast and the stage of the web application's tests.

acme: ada and bob (annotators), sam (senior), olga (specialist), otto (operations manager); evil: mallory (everything).
"""

from pathlib import Path

import numpy as np
import pytest
from django.core.cache import cache
from PIL import Image
from pytest_django import Settings

from webapp.people.models import Organisation, Role, Tier, User
from webapp.people.operations import create_organisation, create_person
from webapp.projects.models import Project
from webapp.projects.operations import create_project
from webapp.scenes.models import Dataset


@pytest.fixture(autouse=True)
def media(settings: Settings, tmp_path: Path) -> Path:
    """A media folder of its own for each test."""
    settings.MEDIA_DIR = tmp_path / "var" / "media"
    settings.VAR_DIR = tmp_path / "var"
    return tmp_path / "var" / "media"


@pytest.fixture(autouse=True)
def _quick_passwords(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def _fresh_cache() -> None:
    cache.clear()


@pytest.fixture
def acme(db: None) -> Organisation:
    return create_organisation(name="Acme Surveys")


@pytest.fixture
def evil(db: None) -> Organisation:
    return create_organisation(name="Evil Corp")


@pytest.fixture
def ada(acme: Organisation) -> User:
    return create_person(organisation=acme, username="ada", domains=["aerial"])


@pytest.fixture
def bob(acme: Organisation) -> User:
    return create_person(organisation=acme, username="bob", domains=["aerial"])


@pytest.fixture
def sam(acme: Organisation) -> User:
    return create_person(organisation=acme, username="sam", tier=Tier.SENIOR, domains=["aerial"])


@pytest.fixture
def olga(acme: Organisation) -> User:
    return create_person(organisation=acme, username="olga", role=Role.SPECIALIST, domains=["aerial"])


@pytest.fixture
def otto(acme: Organisation) -> User:
    return create_person(organisation=acme, username="otto", role=Role.MANAGER)


@pytest.fixture
def mallory(evil: Organisation) -> User:
    """Manager and specialist of another organisation."""
    return create_person(
        organisation=evil,
        username="mallory",
        role=Role.ADMINISTRATOR,
        tier=Tier.SPECIALIST,
        domains=["aerial"],
    )


@pytest.fixture
def project(acme: Organisation) -> Project:
    return create_project(organisation=acme, name="Trees", domain="aerial", classes=["tree", "car"])


@pytest.fixture
def dataset(project: Project) -> Dataset:
    return Dataset.objects.create(project=project, name="north")


def save_picture(path: Path, *, seed: int = 0, size: tuple[int, int] = (64, 48)) -> Path:
    """Write a small noisy picture; each seed gives other content."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder with three pictures of 64×48 pixels: a.png, b.png and c.jpg."""
    folder = tmp_path / "pictures"
    for seed, name in enumerate(("a.png", "b.png", "c.jpg")):
        save_picture(folder / name, seed=seed)
    return folder
