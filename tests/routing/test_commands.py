"""`python -m routing aggregate` and `replay`: files in, JSON out, faults with their line."""

import csv
import json
import os
import subprocess
import sys

import pytest

from routing.__main__ import main

BOXES = '"[[0, 0, 10, 10]]"'


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a file and returns its path as text."""

    def write(name: str, text: str | bytes) -> str:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(path)

    return write


@pytest.fixture
def run(capsys, tmp_path):
    """Return a function that runs a command and returns its status, its JSON (or None) and its standard error."""

    def run(*arguments: str):
        status = main(arguments)
        printed = capsys.readouterr()
        return status, json.loads(printed.out) if printed.out else None, printed.err

    return run


def labels(rows: str = "") -> str:
    return "task,worker,label\n" + (rows or "t1,a,cat\nt1,b,cat\nt1,c,dog\nt2,a,dog\nt2,b,dog\n")


class TestAggregate:
    def test_fuses_and_scores_labels(self, run, write, tmp_path):
        out = tmp_path / "out.csv"
        truth = write("t.csv", "task,label\nt1,cat\nt2,cat\n")
        status, report, _ = run(
            "aggregate", "--answers", write("a.csv", labels()), "--truth", truth, "--out", str(out)
        )
        assert status == 0
        assert (report["tasks"], report["workers"], report["answers"]) == (2, 3, 5)
        assert report["accuracy"] == 0.5
        assert {"seconds", "peak_mb", "ece", "nll"} <= report.keys()
        with out.open() as file:
            rows = list(csv.DictReader(file))
        assert [(row["task"], row["label"]) for row in rows] == [("t1", "cat"), ("t2", "dog")]

    def test_scores_a_tie_in_expectation(self, run, write, tmp_path):
        answers = write("a.csv", labels("t1,a,cat\nt1,b,dog\n"))
        truth = write("t.csv", "task,label\nt1,cat\n")
        _, report, _ = run(
            "aggregate", "--answers", answers, "--truth", truth, "--out", str(tmp_path / "o.csv")
        )
        assert report["accuracy"] == 0.5

    @pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
    def test_reads_json_as_it_reads_csv(self, run, write, tmp_path, name):
        rows = [
            dict(zip(("task", "worker", "label"), line.split(","), strict=True))
            for line in labels().split()[1:]
        ]
        text = json.dumps(rows) if name == "a.json" else "\n".join(json.dumps(row) for row in rows)
        outs = [tmp_path / "csv.csv", tmp_path / "json.csv"]
        run("aggregate", "--answers", write("a.csv", labels()), "--out", str(outs[0]))
        status, report, _ = run("aggregate", "--answers", write(name, text), "--out", str(outs[1]))
        assert status == 0 and report["answers"] == 5
        assert outs[0].read_text() == outs[1].read_text()

    @pytest.mark.parametrize(
        ("geometry", "answer", "metric"),
        [
            ("boxes", BOXES, "mean_iou"),
            ("polygon", '"{""polygon"": [[0, 0], [8, 0], [8, 8], [0, 8]]}"', "mean_iou"),
            ("polygon", '"[[[0, 0], [8, 0], [8, 8], [0, 8]]]"', "mean_iou"),
            ("mask", '"{""size"": [4, 4], ""rle"": [5, 2, 2, 2, 5]}"', "mean_iou"),
            ("cuboid", '"{""center"": [0, 0, 0], ""size"": [4, 2, 2], ""yaw"": 0.5}"', "mean_iou"),
        ],
    )
    def test_returns_unanimous_shapes_as_they_are(self, run, write, tmp_path, geometry, answer, metric):
        rows = "".join(f"t{i},{w},{answer}\n" for i in range(3) for w in "abc")
        answers = write("a.csv", "task,worker,geometry\n" + rows)
        truth = write("t.csv", "task,geometry\n" + "".join(f"t{i},{answer}\n" for i in range(3)))
        status, report, fault = run(
            "aggregate",
            "--answers",
            answers,
            "--truth",
            truth,
            "--geometry",
            geometry,
            "--out",
            str(tmp_path / "o.csv"),
        )
        assert status == 0, fault
        assert report[metric] == pytest.approx(1.0, abs=0.02)

    def test_counts_points_and_averages_numbers(self, run, write, tmp_path):
        points = "".join(f't{i},{w},"[[5, 5], [40, 40]]"\n' for i in range(3) for w in "abc")
        answers = write("p.csv", "task,worker,geometry\n" + points)
        truth = write("n.csv", "task,expert_count\nt0,2\nt1,2\nt2,2\n")
        out = ["--out", str(tmp_path / "o.csv")]
        _, report, _ = run("aggregate", "--answers", answers, "--truth", truth, "--geometry", "points", *out)
        assert report["count_mae"] == 0
        numbers = write("a.csv", labels("t1,a,00\nt1,b,2\nt2,a,4\nt2,b,4\n"))
        truth = write("t.csv", "task,label\nt1,1\nt2,4\n")
        _, report, _ = run("aggregate", "--answers", numbers, "--truth", truth, "--geometry", "ordinal", *out)
        assert report["mae"] < 0.2

    @pytest.mark.parametrize(
        ("text", "geometry", "fault"),
        [
            ("", "label", "the file is empty"),
            ("task,worker\nt,a\n", "label", "line 1: no column 'label'"),
            (labels("t1,a,cat\nt1,,dog\n"), "label", "line 3: worker is empty"),
            (labels("t1,a,cat\nt1,b\n"), "label", "line 3: 2 fields where the header has 3"),
            (
                labels("t1,a,cat\nt2,b,cat\nt1,a,dog\n"),
                "label",
                "line 4: worker 'a' answered task 't1' already on line 2",
            ),
            (labels('t1,a,"cat\n'), "label", "line 2: "),
            ("task,worker,label\n", "label", "no answers below the header"),
            (b"task,worker,label\nt1,a,\xff\n", "label", "not UTF-8"),
            (labels("t1,a,much\n"), "ordinal", "line 2: 'much' is not a finite number"),
            (labels("t1,a,nan\n"), "ordinal", "line 2: 'nan' is not a finite number"),
            (f"task,worker,geometry\nt,a,{BOXES}\nt,b,[1\n", "boxes", "line 3: geometry: not JSON"),
            ('task,worker,geometry\nt,a,"[[5, 5, 1, 1]]"\n', "boxes", "x2 < x1"),
            ('task,worker,geometry\nt,a,"[[0, 0, NaN, 1]]"\n', "boxes", "line 2: geometry"),
        ],
    )
    def test_refuses_bad_answers_with_the_line(self, run, write, tmp_path, text, geometry, fault):
        status, report, error = run(
            "aggregate",
            "--answers",
            write("a.csv", text),
            "--geometry",
            geometry,
            "--out",
            str(tmp_path / "o.csv"),
        )
        assert (status, report) == (2, None)
        assert error.startswith("error: ") and fault in error
        assert not (tmp_path / "o.csv").exists()

    @pytest.mark.parametrize(
        ("text", "fault"),
        [
            (
                '[{"task": "t", "worker": "a", "label": 1},\n {"task": "u", "worker": "a"}]',
                "line 2: field 'label'",
            ),
            ('[{"task": "t", "worker": "a", "label": 1},\n 7]', "line 2: not an object"),
            ('[{"task": "t", "worker": "a", "label": 1}', "the array does not end"),
            ('{"task": "t"\n"worker"', "line 2: not JSON"),
            ("[]", "no objects in the file"),
        ],
    )
    def test_refuses_bad_json_with_the_line(self, run, write, tmp_path, text, fault):
        status, _, error = run(
            "aggregate", "--answers", write("a.json", text), "--out", str(tmp_path / "o.csv")
        )
        assert status == 2 and fault in error

    def test_names_a_file_that_is_not_there(self, run, tmp_path):
        status, _, error = run(
            "aggregate", "--answers", str(tmp_path / "no.csv"), "--out", str(tmp_path / "o.csv")
        )
        assert status == 2 and "No such file" in error


class TestReplayCommand:
    def test_prints_cost_and_quality(self, run, write):
        rows = "".join(f"t{i},{w},{(i + (w == 'e')) % 2}\n" for i in range(40) for w in "abcde")
        answers = write("a.csv", labels(rows))
        truth = write("t.csv", "task,label\n" + "".join(f"t{i},{i % 2}\n" for i in range(40)))
        status, report, _ = run(
            "replay", "--answers", answers, "--truth", truth, "--policy", "adaptive", "--repeats", "2"
        )
        assert status == 0
        assert report["accuracy"] == 1.0 and 1 <= report["answers_per_task"] < 5
        assert {"stated_risk", "ece", "repeats"} <= report.keys()

    def test_reads_counts_and_a_model(self, run, write):
        answers = write("a.csv", "n0,n1\n" + "9,1\n" * 20 + "1,9\n" * 20)
        truth = write("t.csv", "label\n" + "0\n" * 20 + "1\n" * 20)
        prior = write("p.csv", "p0,p1\n" + "0.9,0.1\n" * 20 + "0.2,0.8\n" * 20)
        common = ["replay", "--answers", answers, "--truth", truth, "--policy", "adaptive"]
        _, alone, _ = run(*common)
        status, beside, _ = run(*common, "--prior", prior)
        assert status == 0
        assert beside["answers_per_task"] < alone["answers_per_task"]

    @pytest.mark.parametrize(
        ("more", "fault"),
        [
            (["--risk", "2"], "--risk: 2.0"),
            (["--overlap", "0"], "--overlap: 0"),
            (["--repeats", "0"], "--repeats: 0"),
        ],
    )
    def test_refuses_numbers_out_of_range(self, run, write, more, fault):
        files = ["--answers", write("a.csv", labels()), "--truth", write("t.csv", "task,label\nt1,cat\n")]
        status, _, error = run("replay", *files, "--policy", "adaptive", *more)
        assert status == 2 and fault in error

    def test_refuses_a_model_of_other_tasks(self, run, write):
        files = ["--answers", write("a.csv", labels()), "--truth", write("t.csv", "task,label\nt1,cat\n")]
        prior = write("p.csv", "task,pcat,pdog\nt1,0.5,0.5\n")
        status, _, error = run("replay", *files, "--policy", "fixed", "--prior", prior)
        assert status == 2 and "no probabilities for task 't2'" in error

    def test_says_when_no_task_has_a_truth(self, run, write):
        files = ["--answers", write("a.csv", labels()), "--truth", write("t.csv", "task,label\nother,cat\n")]
        status, _, error = run("replay", *files, "--policy", "fixed")
        assert status == 2 and "no task of the answers has a truth" in error


class TestHelp:
    @pytest.mark.parametrize("command", ["aggregate", "replay", "simulate"])
    def test_is_there_for_every_command(self, command):
        done = subprocess.run(
            [sys.executable, "-m", "routing", command, "--help"], capture_output=True, text=True, check=True
        )
        assert f"routing {command}" in done.stdout


class TestRealCrowds:
    def test_pass_majority_on_a_public_set(self, run, shared_data, tmp_path):
        folder = shared_data / "crowd/rte"
        if not folder.is_dir():
            pytest.skip(f"no {folder}")
        files = ["--answers", os.fspath(folder / "answers.csv"), "--truth", os.fspath(folder / "truth.csv")]
        _, ours, _ = run("aggregate", *files, "--out", os.fspath(tmp_path / "o.csv"))
        _, majority, _ = run("replay", *files, "--policy", "majority", "--overlap", "10", "--repeats", "1")
        assert ours["accuracy"] > majority["accuracy"] + 0.02
        assert ours["nll"] < 0.35
