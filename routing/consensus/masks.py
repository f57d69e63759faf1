"""Consensus of masks of one object."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from routing.annotation.shapes import Mask
from routing.consensus.contract import FusedShape, p_similar, precisions
from routing.consensus.regions import FusedRegion, fuse_regions, signed_distance

Array = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

BIAS_TASKS = 3.0
MARGIN = 2  # pixels round the marked area that the fusion may look at


def fuse_masks(
    masks: Sequence[Mask],
    sigmas: Sequence[float] | Array | None = None,
    *,
    tolerance: float = 0.85,
    inward_px: float = 0.0,
) -> FusedShape[Mask]:
    """Return the fused mask of one object, on the frame that all masks share.

    sigmas (N,): boundary noise of the people, any common unit; equal without. sigma of the result is relative to
    sqrt(area). tolerance: an IoU. inward_px: how far people draw outside the border (a bias that only audited tasks
    show, see `inward_bias`). Raises FuseError for no masks and for sigmas that are not positive.
    """
    weights = precisions(len(masks), sigmas)
    regions, x0, y0 = common_frame(masks)
    rows, columns = np.nonzero(regions.any(0))
    top, bottom = max(rows.min() - MARGIN, 0), rows.max() + MARGIN + 1
    left, right = max(columns.min() - MARGIN, 0), columns.max() + MARGIN + 1
    region = fuse_regions(regions[:, top:bottom, left:right], weights)
    inside = np.zeros(regions.shape[1:], dtype=bool)
    inside[top:bottom, left:right] = _moved_in(region, inward_px)
    if not inside.any():  # nobody's outline overlaps anybody's: keep the answer with the most agreement
        inside[:] = regions[region.used[0]]
    shape = encode_mask(inside, (x0, y0))
    sure = p_similar(region.expected_loss, tolerance)
    return FusedShape(shape, region.sigma, region.agreement, sure, region.used)


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
    """Return how many pixels people draw outside the true border, from audited tasks: fused masks and their rulings.

    The offset of the border with the best mean IoU on the audited tasks, drawn to 0 as if BIAS_TASKS more tasks were
    best without one. People who trace a border tend to include it.
    """
    offsets = np.arange(-3.0, 3.25, 0.25)
    gains = np.zeros(len(offsets))
    for mask, ruling in zip(fused, rulings, strict=True):
        (inside, true), _, _ = common_frame([mask, ruling])
        distance = signed_distance(inside)
        for i, offset in enumerate(offsets):
            moved = distance > offset
            gains[i] += (moved & true).sum() / max(int((moved | true).sum()), 1)
    best = float(offsets[int(np.argmax(gains))])
    return best * len(fused) / (len(fused) + BIAS_TASKS)


def _moved_in(region: FusedRegion, inward_px: float) -> Bools:
    inside = region.level > 0
    if inward_px == 0:
        return np.asarray(inside)
    moved = signed_distance(inside) > inward_px
    return np.asarray(moved if moved.any() else inside)
