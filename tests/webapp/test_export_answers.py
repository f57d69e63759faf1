"""manage.py export_answers: every answer once, as JSON lines, a page at a time."""

import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from webapp.devtools import stock
from webapp.exports import answers
from webapp.labeling.models import Answer, Assignment
from webapp.people.models import User
from webapp.projects.models import Project


@pytest.fixture
def answered(project: Project) -> list[Answer]:
    """Three questions with two answers each, one of them late, in a dataset called bench."""
    people = [User.objects.create(username=f"p{n}", organisation=project.organisation) for n in range(2)]
    rows = []
    for _ in range(3):
        asked = stock.first_of(project)
        for late, person in enumerate(people):
            taken = asked if not late else Assignment.objects.create(
                microtask=asked.microtask, project=project, lane=asked.lane, state="answered", annotator=person
            )  # fmt: skip
            rows.append(
                Answer.objects.create(
                    assignment=taken, microtask=asked.microtask, annotator=person, outcome="answered",
                    value={"verdict": "ok"}, active_s=1.5, late=bool(late),
                )
            )  # fmt: skip
    return rows


def export(project: Project, out: Path) -> str:
    told = io.StringIO()
    call_command("export_answers", project=project.name, dataset="bench", out=out, stdout=told)
    return told.getvalue()


def lines(text: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


class TestExportAnswers:
    @pytest.mark.parametrize("page", [1, 2, 3, 100])
    def test_writes_every_answer_once_whatever_fits_on_a_page(
        self,
        project: Project,
        answered: list[Answer],
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        page: int,
    ) -> None:
        monkeypatch.setattr(answers, "PAGE", page)
        told = export(project, tmp_path / "answers.jsonl")

        rows = lines((tmp_path / "answers.jsonl").read_bytes())
        assert told.startswith("6 answers")
        assert sorted(row["id"] for row in rows) == sorted(str(a.pk) for a in answered)
        assert [row["task"] for row in rows] == sorted(row["task"] for row in rows)
        assert sum(row["late"] for row in rows) == 3
        assert {row["kind"] for row in rows} == {"verify_box"}
        assert all(row["value"] == {"verdict": "ok"} and row["seconds"] == 1.5 for row in rows)

    def test_packs_where_the_name_says_so(
        self, project: Project, answered: list[Answer], tmp_path: Path
    ) -> None:
        export(project, tmp_path / "answers.jsonl.gz")

        assert len(lines(gzip.decompress((tmp_path / "answers.jsonl.gz").read_bytes()))) == len(answered)

    def test_refuses_another_kind_of_file_by_name(
        self, project: Project, answered: list[Answer], tmp_path: Path
    ) -> None:
        with pytest.raises(CommandError, match=r"answers\.csv.*jsonl"):
            export(project, tmp_path / "answers.csv")

    def test_names_what_is_missing(self, project: Project, tmp_path: Path) -> None:
        with pytest.raises(CommandError, match="no dataset 'bench'"):
            export(project, tmp_path / "answers.jsonl")
