"""Cuts a picture into blocks, and each block into segments that people name one by one (`label_region`).

A picture is flooded from a grid of seeds over its gradient (marker-controlled watershed), and neighbours whose colours
differ least are merged by Ward's criterion until few enough segments are left for one question. No network: where a
model proposes better segments, these are not needed.
"""

import hashlib
import heapq
import itertools
import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from scipy import ndimage

Ids = npt.NDArray[np.int64]
Colors = npt.NDArray[np.float32]
Rect = tuple[int, int, int, int]

BLOCK_PX = 384  # longest side of a block: half a minute of work
SEED_PX = 20  # between seeds of the flood
MOST_SEGMENTS = 12
LEAST_SHARE = 0.004  # of a block: a smaller segment is no question worth asking
SMOOTH_PX = 1.5
GRADIENT_STEPS = 255


def blocks(width: int, height: int, *, most_px: int = BLOCK_PX) -> Iterator[Rect]:
    """Yield (x, y, w, h) of equal blocks that fill a picture, none longer than `most_px`."""
    columns, rows = math.ceil(width / most_px), math.ceil(height / most_px)
    xs = [round(n * width / columns) for n in range(columns + 1)]
    ys = [round(n * height / rows) for n in range(rows + 1)]
    for y1, y2 in itertools.pairwise(ys):
        for x1, x2 in itertools.pairwise(xs):
            yield x1, y1, x2 - x1, y2 - y1


def chosen(rect: Rect, scene: str, share: float) -> bool:
    """Return whether a block is among the share that is asked about: by chance, but the same whenever it is computed."""
    drawn = hashlib.blake2b(f"{scene} {rect[0]} {rect[1]}".encode(), digest_size=4).digest()
    return int.from_bytes(drawn) < share * 2**32


def segments_of(pixels: npt.NDArray[np.uint8], *, most: int = MOST_SEGMENTS) -> Ids:
    """Return segment ids (H, W) from 1 for RGB pixels (H, W, 3): connected, at most `most`, numbered in reading order."""
    colors = ndimage.gaussian_filter(pixels.astype(np.float32), (SMOOTH_PX, SMOOTH_PX, 0))
    flooded = _connected(_flooded(colors))
    joined = _merged(flooded, colors, most)
    first = np.unique(joined, return_index=True)[1]  # where each id first occurs
    order = np.empty(len(first), dtype=np.int64)
    order[np.argsort(first)] = np.arange(1, len(first) + 1)
    return np.asarray(order[np.unique(joined, return_inverse=True)[1].reshape(joined.shape)])


def _flooded(colors: Colors) -> Ids:
    """Small segments that keep to edges: a flood over the gradient from seeds on a grid, each at its calmest place."""
    height, width = colors.shape[:2]
    slope = np.sqrt(
        sum(ndimage.sobel(colors[..., c], axis) ** 2 for c in range(colors.shape[2]) for axis in (0, 1))
    )
    levels = (slope / max(float(slope.max()), 1e-9) * GRADIENT_STEPS).astype(np.uint8)
    markers = np.zeros((height, width), dtype=np.int32)
    number = 0
    for y in range(0, height, SEED_PX):
        for x in range(0, width, SEED_PX):
            cell = levels[y : y + SEED_PX, x : x + SEED_PX]
            row, column = divmod(int(cell.argmin()), cell.shape[1])
            number += 1
            markers[y + row, x + column] = number
    return np.asarray(ndimage.watershed_ift(levels, markers), dtype=np.int64)


def _connected(ids: Ids) -> Ids:
    """Number every connected part by itself, from 0."""
    out = np.zeros(ids.shape, dtype=np.int64)
    used = 0
    for id, window in enumerate(ndimage.find_objects(ids), start=1):
        if window is None:
            continue
        parts, found = ndimage.label(ids[window] == id)
        out[window][parts > 0] = parts[parts > 0] + used
        used += int(found)
    return out - 1


def _merged(ids: Ids, colors: Colors, most: int) -> Ids:
    """Merge the two neighbours whose union adds least variance, until `most` are left and none is tiny."""
    count = int(ids.max()) + 1
    sizes = np.bincount(ids.ravel(), minlength=count).astype(np.float64)
    sums = np.stack([np.bincount(ids.ravel(), colors[..., c].ravel(), count) for c in range(3)], axis=1)
    beside = _neighbours(ids, count)
    parent = list(range(count))
    version = [0] * count
    least = LEAST_SHARE * ids.size

    def cost(a: int, b: int) -> float:
        gap = sums[a] / sizes[a] - sums[b] / sizes[b]
        ward = float(sizes[a] * sizes[b] / (sizes[a] + sizes[b]) * (gap @ gap))
        return ward if min(sizes[a], sizes[b]) >= least else ward * 1e-6

    queue = [(cost(a, b), a, b, 0, 0) for a in range(count) for b in beside[a] if a < b]
    heapq.heapify(queue)
    left = int((sizes > 0).sum())
    while queue and (left > most or sizes[sizes > 0].min() < least):
        _, a, b, was_a, was_b = heapq.heappop(queue)
        if version[a] != was_a or version[b] != was_b or parent[a] != a or parent[b] != b:
            continue
        parent[b] = a
        sizes[a], sums[a], sizes[b] = sizes[a] + sizes[b], sums[a] + sums[b], 0.0
        beside[a] = (beside[a] | beside[b]) - {a, b}
        version[a] += 1
        left -= 1
        for other in beside[a]:
            beside[other] = (beside[other] - {b}) | {a}
            low, high = min(a, other), max(a, other)
            heapq.heappush(queue, (cost(low, high), low, high, version[low], version[high]))
    roots = np.array([_root(parent, n) for n in range(count)], dtype=np.int64)
    return np.asarray(roots[ids])


def _neighbours(ids: Ids, count: int) -> list[set[int]]:
    beside: list[set[int]] = [set() for _ in range(count)]
    for a, b in ((ids[:, :-1], ids[:, 1:]), (ids[:-1], ids[1:])):
        touching = np.unique(np.stack([a.ravel(), b.ravel()], axis=1)[(a != b).ravel()], axis=0)
        for one, other in touching.tolist():
            beside[one].add(other)
            beside[other].add(one)
    return beside


def _root(parent: list[int], n: int) -> int:
    while parent[n] != n:
        n = parent[n]
    return n
