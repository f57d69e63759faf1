"""From a few clicks to a mask: a classical interactive segmentation, with no weights to fetch. numpy and scipy only.

Three things say how likely a pixel belongs to the object, added as log-odds: where it lies (in the box, or in the mask
so far), what colour it has against the colours inside and outside (Boykov and Jolly, ICCV 2001; refitted as in GrabCut,
Rother et al. 2004), and how far it is from the clicks along paths that avoid edges (geodesic segmentation, Bai and
Sapiro, ICCV 2007). A random walk (Grady, PAMI 2006, with priors as in Grady, CVPR 2005) then draws the outline along
edges of the picture: a linear system on the pixel grid, solved by conjugate gradients.

Coordinates are pixels of the crop that is given, origin at the top-left corner of its top-left pixel.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

COARSE, FINE = 96, 224  # longest side, in pixels, at which regions and outlines are found
ROUNDS = 2  # of fitting colours and regions to each other
BINS = 12  # per colour axis
COLOUR, PLACE, CLICK = 1.2, 1.0, 6.0  # weights of the log-odds
CORE = 0.75  # of the highest log-odds of place: from there on a pixel counts as the object's before any click
HANDICAP = 0.15  # of the crop's longest side: how far off such a pixel is, beside one that was clicked
STEEP = 40.0  # how much longer a path is across a full change of colour
MARGIN = 0.06  # of the box's side: objects reach a little over the boxes that people draw
OUTSIDE = -6.0  # log-odds beyond that margin
PULL = 0.06  # of every pixel towards its own log-odds, against its neighbours' pull
EDGE_CONTRAST = 6.0  # over the mean contrast of the crop
LEAST_LINK = 1e-3
STEPS = 60  # of conjugate gradients; more change no pixel


class ClickError(ValueError):
    """Clicks, box or mask do not fit the picture; the message names the field and the fix."""


@dataclass(frozen=True, slots=True)
class Click:
    """A point (x, y) in pixels of the crop that belongs to the object, or does not."""

    x: float
    y: float
    positive: bool


def click_mask(
    image: npt.NDArray[np.uint8],
    clicks: Sequence[Click],
    *,
    box: tuple[float, float, float, float] | None = None,
    mask: Mask | None = None,
) -> Mask:
    """Return the object's mask (H, W) bool in a crop (H, W, 3) uint8 RGB.

    `box` [x1, y1, x2, y2] is what is known of its place (default: the crop without a tenth on every side), `mask` (H, W)
    what was found before; the clicks are all those so far, in any order. With neither clicks nor mask it is the best
    guess from the box. Always holds the positive clicks and none of the negative ones. Raises ClickError.
    """
    height, width = _checked(image, clicks, box, mask)
    box = box or (0.1 * width, 0.1 * height, 0.9 * width, 0.9 * height)
    coarse = _shrunk(image, COARSE)
    place = _place(coarse.shape[:2], box, mask, (height, width))
    place = place + CLICK * _nearer(coarse, place, clicks, (height, width))
    odds, likely = place, _sigmoid(place)
    for _ in range(ROUNDS):
        odds = place + COLOUR * _colour_odds(coarse, likely)
        likely = _walk(coarse, odds, _seeds(coarse.shape[:2], clicks, (height, width)))
    fine = _shrunk(image, FINE)
    odds = _resized(odds, fine.shape[:2])
    likely = _walk(
        fine, odds, _seeds(fine.shape[:2], clicks, (height, width)), _resized(likely, fine.shape[:2])
    )
    found = _resized(likely, (height, width)) >= 0.5
    return _with_clicks(_without_specks(found, clicks, box), clicks)


def _checked(
    image: npt.NDArray[np.uint8],
    clicks: Sequence[Click],
    box: tuple[float, float, float, float] | None,
    mask: Mask | None,
) -> tuple[int, int]:
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or min(image.shape[:2]) < 8:
        raise ClickError(
            f"image: {image.shape} {image.dtype} given; give (H, W, 3) uint8 of at least 8 x 8 pixels"
        )
    height, width = image.shape[:2]
    for number, click in enumerate(clicks):
        if not (0 <= click.x <= width and 0 <= click.y <= height):
            raise ClickError(
                f"clicks[{number}]: ({click.x:g}, {click.y:g}) lies outside of the crop of {width} x {height}"
            )
    if mask is not None and mask.shape != (height, width):
        raise ClickError(f"mask: {mask.shape} given, the crop has {(height, width)}")
    if box is not None and not (box[0] < box[2] and box[1] < box[3]):
        raise ClickError(f"box: {list(box)} has no area; give x1 < x2 and y1 < y2")
    return height, width


# What is known of a pixel: log-odds, shape (h, w) -----------------------------------------------------------------


def _place(
    shape: tuple[int, int], box: tuple[float, float, float, float], mask: Mask | None, size: tuple[int, int]
) -> Floats:
    """Inside the box an object is likely towards its middle; of a mask so far, everywhere but near its border."""
    sy, sx = shape[0] / size[0], shape[1] / size[1]
    x1, y1, x2, y2 = box[0] * sx, box[1] * sy, box[2] * sx, box[3] * sy
    ys, xs = np.mgrid[: shape[0], : shape[1]] + 0.5
    u, v = (xs - (x1 + x2) / 2) / ((x2 - x1) / 2), (ys - (y1 + y2) / 2) / ((y2 - y1) / 2)
    far = np.maximum(np.abs(u), np.abs(v)) > 1 + 2 * MARGIN
    if mask is None or not mask.any():
        inside = PLACE * (1 - (u**2 + v**2))
    else:
        small = _resized(mask.astype(np.float64), shape) >= 0.5
        depth = ndimage.distance_transform_edt(small) - ndimage.distance_transform_edt(~small)
        inside = PLACE * np.clip(depth / (0.08 * max(shape)), -1.5, 1.5)
    return np.asarray(np.where(far, OUTSIDE, inside))


def _nearer(picture: Floats, place: Floats, clicks: Sequence[Click], size: tuple[int, int]) -> Floats:
    """1 where the object's clicks are near and the others far, along paths of even colour; -1 the other way round.

    What most likely belongs to the object, or surely does not, counts as clicked too, but a way off: so that even a
    single click has something to stand against, and no click reaches further than the next one.
    """
    shape = picture.shape[:2]
    graph = _paths(picture)
    core = place >= CORE * max(float(place.max()), 1e-6)
    away = []
    for positive, known in ((True, core), (False, place <= OUTSIDE)):
        spots = np.zeros(shape, bool)
        for y, x in (_pixel(c, shape, size) for c in clicks if c.positive is positive):
            spots[y, x] = True
        far = np.full(shape, 4.0 * max(shape))
        for seeds, head_start in ((spots, 0.0), (known, HANDICAP * max(shape))):
            if seeds.any():
                steps = dijkstra(graph, directed=False, indices=np.flatnonzero(seeds), min_only=True)
                far = np.minimum(far, steps.reshape(shape) + head_start)
        away.append(far)
    ours, theirs = away
    return np.asarray((theirs - ours) / (theirs + ours + 1e-9))


def _paths(picture: Floats) -> coo_array:
    """The pixel grid as a graph; a step costs its length and the change of colour along it."""
    h, w = picture.shape[:2]
    number = np.arange(h * w).reshape(h, w)
    rows, columns, costs = [], [], []
    for dy, dx in ((0, 1), (1, 0), (1, 1), (1, -1)):
        a = (slice(0, h - dy), slice(max(0, -dx), w - max(0, dx)))
        b = (slice(dy, h), slice(max(0, dx), w - max(0, -dx)))
        change = np.sqrt(((picture[a] - picture[b]) ** 2).sum(axis=2))
        rows.append(number[a].ravel())
        columns.append(number[b].ravel())
        costs.append((np.hypot(dx, dy) * (1 + STEEP * change)).ravel())
    return coo_array(
        (np.concatenate(costs), (np.concatenate(rows), np.concatenate(columns))), shape=(h * w, h * w)
    ).tocsr()


def _colour_odds(picture: Floats, likely: Floats) -> Floats:
    """ln P(colour | object) - ln P(colour | rest) from smoothed histograms weighted by what is likely so far."""
    cells = np.clip((picture * BINS).astype(int), 0, BINS - 1)
    flat = np.ravel_multi_index(tuple(np.moveaxis(cells, 2, 0)), (BINS,) * 3).ravel()
    densities = []
    for weights in (likely, 1 - likely):
        counts = np.bincount(flat, weights.ravel(), BINS**3).reshape((BINS,) * 3)
        smooth = ndimage.gaussian_filter(counts, 0.8, mode="nearest")
        densities.append((smooth / max(smooth.sum(), 1e-9)).ravel()[flat].reshape(likely.shape))
    return np.asarray(np.clip(np.log(densities[0] + 1e-5) - np.log(densities[1] + 1e-5), -3, 3))


# The random walk ----------------------------------------------------------------------------------------------------


def _seeds(shape: tuple[int, int], clicks: Sequence[Click], size: tuple[int, int]) -> Floats:
    """1 around positive clicks, -1 around negative ones, 0 elsewhere; of clicks on one spot the last one counts."""
    out = np.zeros(shape)
    radius = max(1, round(0.012 * max(shape)))
    for click in clicks:
        y, x = _pixel(click, shape, size)
        out[max(0, y - radius) : y + radius + 1, max(0, x - radius) : x + radius + 1] = (
            1 if click.positive else -1
        )
    return out


def _walk(picture: Floats, odds: Floats, seeds: Floats, start: Floats | None = None) -> Floats:
    """P(a random walker from here ends in the object), (h, w): it crosses edges seldom, and stops now and then."""
    right = _links(picture[:, 1:] - picture[:, :-1])
    down = _links(picture[1:] - picture[:-1])
    pull = np.where(seeds != 0, 1e3, PULL)
    goal = np.where(seeds != 0, (seeds + 1) / 2, _sigmoid(odds))
    diagonal = pull.copy()
    for links, a, b in (
        (right, np.s_[:, 1:], np.s_[:, :-1]),
        (down, np.s_[1:], np.s_[:-1]),
    ):
        diagonal[a] += links
        diagonal[b] += links

    def times(x: Floats) -> Floats:
        y = diagonal * x
        y[:, 1:] -= right * x[:, :-1]
        y[:, :-1] -= right * x[:, 1:]
        y[1:] -= down * x[:-1]
        y[:-1] -= down * x[1:]
        return y

    x = goal.copy() if start is None else np.where(seeds != 0, goal, start)
    rest = pull * goal - times(x)
    z = rest / diagonal
    direction, before = z, float((rest * z).sum())
    for _ in range(STEPS):
        if before < 1e-9:
            break
        moved = times(direction)
        step = before / float((direction * moved).sum())
        x = x + step * direction
        rest = rest - step * moved
        z = rest / diagonal
        after = float((rest * z).sum())
        direction, before = z + after / before * direction, after
    return x


def _links(change: Floats) -> Floats:
    squares = (change**2).sum(axis=2)
    return np.asarray(np.exp(-EDGE_CONTRAST * squares / max(float(squares.mean()), 1e-6) / 2) + LEAST_LINK)


# Sizes and specks ---------------------------------------------------------------------------------------------------


def _without_specks(found: Mask, clicks: Sequence[Click], box: tuple[float, float, float, float]) -> Mask:
    """Only the parts that hold a positive click, or else the largest one; holes without a negative click are filled."""
    parts, count = ndimage.label(found)
    if count > 1:
        kept = {int(parts[_pixel(c, found.shape, found.shape)]) for c in clicks if c.positive} - {0}
        sizes = np.bincount(parts.ravel(), minlength=count + 1)
        sizes[0] = 0
        kept |= {int(n) for n in np.flatnonzero(sizes >= 0.2 * sizes.max())}
        found = np.isin(parts, sorted(kept))
    holes, count = ndimage.label(~found)
    open_ = {0, *np.unique(holes[[0, -1]]).tolist(), *np.unique(holes[:, [0, -1]]).tolist()}
    open_ |= {int(holes[_pixel(c, found.shape, found.shape)]) for c in clicks if not c.positive}
    small = np.flatnonzero(np.bincount(holes.ravel(), minlength=count + 1) < 0.01 * max(int(found.sum()), 1))
    return found | np.isin(holes, [n for n in small.tolist() if n not in open_])


def _with_clicks(found: Mask, clicks: Sequence[Click]) -> Mask:
    for click in clicks:
        found[_pixel(click, found.shape, found.shape)] = click.positive
    return found


def _pixel(click: Click, shape: tuple[int, ...], size: tuple[int, ...]) -> tuple[int, int]:
    """(row, column) of a click in a picture of `shape` that shows the crop of `size`, both (height, width)."""
    y, x = int(click.y * shape[0] / size[0]), int(click.x * shape[1] / size[1])
    return min(y, shape[0] - 1), min(x, shape[1] - 1)


def _shrunk(image: npt.NDArray[np.uint8], longest: int) -> Floats:
    """The crop as (h, w, 3) in 0 to 1, no side longer than `longest`, lightly smoothed."""
    height, width = image.shape[:2]
    scale = min(1.0, longest / max(height, width))
    size = (max(4, round(width * scale)), max(4, round(height * scale)))
    small = Image.fromarray(image).resize(size, Image.Resampling.BILINEAR)
    return np.asarray(ndimage.gaussian_filter(np.asarray(small, np.float64) / 255, (0.7, 0.7, 0)))


def _resized(values: Floats, shape: tuple[int, int]) -> Floats:
    image = Image.fromarray(values.astype(np.float32))
    return np.asarray(image.resize((shape[1], shape[0]), Image.Resampling.BILINEAR), np.float64)


def _sigmoid(x: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-np.clip(x, -30, 30))))
