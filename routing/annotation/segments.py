"""A block of a picture cut into segments: one id per cell, as `label_region` shows it.

As JSON `{"rect": [x, y, w, h], "size": [h, w], "runs": [[segment id, count]…]}`: rect in scene pixels, runs row-major.
"""

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

Ids = npt.NDArray[np.int64]
Block = Mapping[str, Any]


def segments_to_json(ids: Ids, rect: tuple[int, int, int, int]) -> dict[str, Any]:
    """Return segment ids (h, w) over a rectangle of the scene as run lengths."""
    flat = np.asarray(ids, dtype=np.int64).reshape(-1)
    starts = np.concatenate([[0], np.flatnonzero(np.diff(flat)) + 1, [flat.size]])
    runs = [[int(flat[a]), int(b - a)] for a, b in itertools.pairwise(starts) if b > a]
    return {"rect": list(rect), "size": [int(n) for n in ids.shape], "runs": runs}


def segment_ids(segments: Block) -> Ids:
    """Return the segment ids (h, w); raise ValueError when the runs do not fill the block."""
    height, width = (int(n) for n in segments["size"])
    runs = np.array(segments["runs"], dtype=np.int64).reshape(-1, 2)
    if int(runs[:, 1].sum()) != height * width:
        raise ValueError(f"segments.runs: {int(runs[:, 1].sum())} cells for {height} × {width}")
    return np.repeat(runs[:, 0], runs[:, 1]).reshape(height, width)


def cells_of(segments: Block) -> dict[int, int]:
    """Return how many cells each segment has."""
    cells: dict[int, int] = {}
    for id, count in segments["runs"]:
        cells[int(id)] = cells.get(int(id), 0) + int(count)
    return cells


def pixels_of(segments: Block) -> tuple[Ids, tuple[int, int]]:
    """Return the segment id of every scene pixel of the block (rows, columns), and the block's corner (x, y)."""
    x, y, w, h = (round(v) for v in segments["rect"])
    ids = segment_ids(segments)
    rows = np.arange(h) * ids.shape[0] // max(h, 1)
    columns = np.arange(w) * ids.shape[1] // max(w, 1)
    return ids[rows[:, None], columns[None]], (x, y)
