"""Consensus against real people's answers: a part of the public sets, small enough for every run."""

import csv
import json
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from routing.annotation import boxes as bx
from routing.annotation.crowd_forms import parse_crowd
from routing.consensus.cuboids import cuboid_iou, fuse_cuboids
from routing.consensus.masks import common_frame, encode_mask, fuse_masks, mask_iou
from routing.consensus.scenes import fit_crowd, fuse_scene, match_scene

SHARED = Path(os.environ.get("TESSERA_SHARED", Path(__file__).resolve().parents[3] / "shared"))
CROWD = SHARED / "data" / "crowd"


def rows(name: str, file: str) -> Iterator[dict[str, str]]:
    path = CROWD / name / f"{file}.csv"
    if not path.exists():
        pytest.skip(f"{path} is missing; set TESSERA_SHARED to the folder that holds data/crowd")
    csv.field_size_limit(10**9)
    with path.open(newline="") as lines:
        yield from csv.DictReader(lines)


def test_two_outlines_of_cells_fused_beat_the_union_that_pixel_voting_makes_of_two() -> None:
    truth = {
        r["task"]: parse_crowd(r["geometry"], "mask", r["task"]).shapes[0]
        for r in rows("bubil_masks", "truth")
    }
    tasks = sorted(truth)[::3]
    drawn: dict[str, list] = {task: [] for task in tasks}
    for row in rows("bubil_masks", "answers"):
        if row["tier"] == "crowd" and len(drawn.get(row["task"], [0, 0])) < 2:
            drawn[row["task"]] += parse_crowd(row["geometry"], "mask", row["task"]).shapes

    fused, voted = [], []
    for task in tasks:
        pixels, x, y = common_frame(drawn[task])
        fused.append(mask_iou(fuse_masks(drawn[task]).shape, truth[task]))
        voted.append(mask_iou(encode_mask(pixels.any(0), (x, y)), truth[task]))

    assert np.mean(fused) > np.mean(voted) + 0.02


def test_three_readers_boxes_of_nodules_predict_the_fourth_better_than_one_reader_does() -> None:
    readers: dict[str, list] = {}
    for row in rows("lidc_cuboids", "answers"):
        readers.setdefault(row["task"], []).append(
            parse_crowd(row["geometry"], "cuboid", row["task"]).shapes[0]
        )
    full = [boxes for boxes in readers.values() if len(boxes) == 4][::6]

    fused = [fuse_cuboids(boxes[:3]) for boxes in full]
    together = [cuboid_iou(one.shape, boxes[3]) for one, boxes in zip(fused, full, strict=True)]
    alone = [cuboid_iou(boxes[0], boxes[3]) for boxes in full]
    stated = np.mean([one.p_within_tolerance for one in fused])

    assert np.mean(together) > np.mean(alone) + 0.02
    assert stated == pytest.approx(np.mean(np.array(together) >= 0.7), abs=0.12)


def test_three_peoples_pedestrians_fused_make_no_more_errors_than_a_vote_and_state_how_many() -> None:
    answers: dict[str, dict[str, np.ndarray]] = {}
    for row in rows("pedestrians_boxes", "answers"):
        drawn = [one.xyxy for one in parse_crowd(row["geometry"], "boxes", row["task"]).shapes]
        people = answers.setdefault(row["task"], {})
        if len(people) < 3:
            people[row["worker"]] = np.array(drawn).reshape(-1, 4)
    truth = {
        r["task"]: bx.as_boxes(json.loads(r["geometry"] or "[]")) for r in rows("pedestrians_boxes", "truth")
    }
    tasks = sorted(truth)[::3]
    some = {task: answers[task] for task in tasks}

    crowd = fit_crowd(some)
    scenes = {task: fuse_scene(some[task], crowd) for task in tasks}

    def wrong(task: str, boxes: list) -> int:
        return len(boxes) + len(truth[task]) - 2 * len(bx.match(bx.as_boxes(boxes), truth[task], min_iou=0.5))

    ours = sum(wrong(task, [o.xyxy for o in scenes[task].accepted()]) for task in tasks)
    voted = sum(
        wrong(task, [np.median(list(m.values()), axis=0) for m in match_scene(some[task]) if len(m) >= 2])
        for task in tasks
    )
    expected = sum(scene.expected_errors() for scene in scenes.values())
    assert ours <= voted + 2
    assert 1 / 1.6 < expected / ours < 1.6
