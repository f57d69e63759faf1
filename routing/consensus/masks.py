"""Consensus of masks of one object, holes included."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from routing.annotation.shapes import Mask
from routing.consensus.contract import FusedShape, given
from routing.consensus.regions import fuse_regions, signed_distance

Array = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

BIAS_TASKS = 3.0  # audited tasks without a bias that are believed before any are seen
BIAS_STEPS = np.arange(-0.05, 0.0501, 0.0025)  # of sqrt(area)
MARGIN = 4  # pixels round the marked area that the fusion may look at


def fuse_masks(
    masks: Sequence[Mask],
    sigmas: npt.ArrayLike | None = None,
    *,
    tolerance: float = 0.85,
    biases: npt.ArrayLike | None = None,
) -> FusedShape[Mask]:
    """Return the fused mask of one object, on the frame that all masks share.

    sigmas (N,): boundary noise of the people, any common unit; equal without. biases (N,): how far each draws outside
    the border, relative to sqrt(area); only audited tasks show it, see `outward_bias`. sigma of the result has that
    unit. tolerance: an IoU. Raises FuseError for no or bad masks.
    """
    g = given(masks, Mask, sigmas, biases, width=1)
    regions, x0, y0 = common_frame(g.answers)
    marked: Bools = np.any(regions, axis=0)
    rows, columns = np.flatnonzero(marked.any(1)), np.flatnonzero(marked.any(0))
    top, bottom = max(rows[0] - MARGIN, 0), rows[-1] + MARGIN + 1
    left, right = max(columns[0] - MARGIN, 0), columns[-1] + MARGIN + 1
    region = fuse_regions(regions[:, top:bottom, left:right], g.weights, g.biases[:, 0])
    inside = np.zeros(regions.shape[1:], dtype=bool)
    inside[top:bottom, left:right] = region.level > 0
    if not inside.any():  # no two outlines overlap: the one that counts most stands for all
        inside = regions[max(region.used, key=lambda i: g.weights[i])]
    return g.result(
        encode_mask(inside, (x0, y0)),
        sigma=region.sigma,
        agreement=region.agreement,
        loss=region.expected_loss,
        tolerance=tolerance,
        used=region.used,
    )


def decode_mask(mask: Mask) -> Bools:
    """Return the mask's pixels (h, w)."""
    values = np.arange(len(mask.counts)) % 2 == 1
    height, width = mask.size
    return np.repeat(values, mask.counts).reshape(width, height).T


def encode_mask(pixels: Bools, offset: tuple[int, int] = (0, 0)) -> Mask:
    """Return column-major run lengths, starting with background, of pixels (h, w)."""
    flat = pixels.T.reshape(-1)
    edges = np.flatnonzero(np.diff(flat)) + 1
    runs = np.diff(np.concatenate([[0], edges, [len(flat)]]))
    counts = [0, *runs.tolist()] if len(flat) and flat[0] else runs.tolist()
    return Mask((int(pixels.shape[0]), int(pixels.shape[1])), tuple(int(c) for c in counts), offset)


def common_frame(masks: Sequence[Mask]) -> tuple[Bools, int, int]:
    """Return the masks' pixels (N, h, w) on their joint frame and its top-left corner x, y."""
    x0 = min(mask.offset[0] for mask in masks)
    y0 = min(mask.offset[1] for mask in masks)
    width = max(mask.offset[0] + mask.size[1] for mask in masks) - x0
    height = max(mask.offset[1] + mask.size[0] for mask in masks) - y0
    out = np.zeros((len(masks), height, width), dtype=bool)
    for i, mask in enumerate(masks):
        x, y = mask.offset[0] - x0, mask.offset[1] - y0
        out[i, y : y + mask.size[0], x : x + mask.size[1]] = decode_mask(mask)
    return out, x0, y0


def mask_iou(a: Mask, b: Mask) -> float:
    """Return the intersection over union of two masks of one scene."""
    (first, second), _, _ = common_frame([a, b])
    union = int((first | second).sum())
    return float((first & second).sum() / union) if union else 0.0


def outward_bias(fused: Sequence[Mask], rulings: Sequence[Mask]) -> float:
    """Return how far people draw outside the true border, over sqrt(area), from audited tasks: fused and ruled masks.

    The offset of the border with the best mean IoU on the audited tasks, drawn to 0 as if BIAS_TASKS more tasks were
    best without one. People who trace a border tend to include it.
    """
    gains = np.zeros(len(BIAS_STEPS))
    for mask, ruling in zip(fused, rulings, strict=True):
        (inside, true), _, _ = common_frame([mask, ruling])
        inside, true = np.pad(inside, MARGIN), np.pad(true, MARGIN)
        distance = signed_distance(inside) / np.sqrt(inside.sum())
        for i, offset in enumerate(BIAS_STEPS):
            moved = distance > offset
            gains[i] += (moved & true).sum() / max(int((moved | true).sum()), 1)
    best = float(BIAS_STEPS[int(np.argmax(gains))]) if len(fused) else 0.0
    return best * len(fused) / (len(fused) + BIAS_TASKS)
