"""The product itself comes to ask every kind of micro-task."""

from pathlib import Path

import pytest

from routing.annotation.kinds import KINDS
from webapp.devtools import every_kind, rehearsal
from webapp.devtools.rehearsal import Picture
from webapp.labeling.models import Assignment

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Picture:
    return rehearsal.orchard(Path(tmp_path_factory.mktemp("pictures")) / "orchard.png")


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_asked_by_what_a_project_wants(picture: Picture, kind: str) -> None:
    opened = every_kind.open_every(picture, kind)

    assert (opened.task.kind, opened.task.payload["kind"]) == (kind, kind)
    assert Assignment.objects.filter(microtask=opened.task, state="open").exists()
