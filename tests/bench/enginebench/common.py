"""What the sections share: a measurement beside its baseline and goal, and readers of the shared data."""

import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np

ROOT = Path(__file__).resolve().parents[3]


class Unavailable(RuntimeError):
    """Data or a model that a section needs is not here."""


@dataclass(frozen=True)
class Measurement:
    """A number, what it was measured against, and what was wanted (`least` or `most`)."""

    value: float
    baseline: dict[str, float]
    least: float | None = None
    most: float | None = None
    detail: dict[str, Any] = field(default_factory=dict)

    @property
    def reached(self) -> bool | None:
        if self.least is not None:
            return self.value >= self.least
        return None if self.most is None else self.value <= self.most

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "reached": self.reached}

    def line(self, key: str) -> str:
        goal = (
            f">= {self.least:g}"
            if self.least is not None
            else f"<= {self.most:g}"
            if self.most is not None
            else ""
        )
        beside = ", ".join(f"{name} {value:.3f}" for name, value in self.baseline.items())
        state = {True: "ok", False: "MISSED", None: ""}[self.reached]
        return f"{key:22} {self.value:9.4f}  goal {goal:8} {state:6}  beside: {beside}"


def shared(*parts: str) -> Path:
    """A folder of the shared data; Unavailable when it is not here."""
    folder = Path(os.environ.get("TESSERA_SHARED", ROOT.parent / "shared")).joinpath("data", *parts)
    if not folder.exists():
        raise Unavailable(f"no {folder}; set TESSERA_SHARED to the folder that holds data/")
    return folder


def read_voc(path: Path) -> Iterator[tuple[str, tuple[float, float, float, float]]]:
    """(class name, box) of every object with any area in a Pascal VOC file."""
    for item in ElementTree.parse(path).getroot().iter("object"):
        box = item.find("bndbox")
        assert box is not None
        x1, y1, x2, y2 = (float(box.findtext(k, "0")) for k in ("xmin", "ymin", "xmax", "ymax"))
        if x2 > x1 and y2 > y1:
            yield item.findtext("name", ""), (x1, y1, x2, y2)


def cpu_seconds() -> float:
    """CPU seconds so far of this process and all that descend from it and live (Linux)."""
    parent: dict[int, int] = {}
    ticks: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                row = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:  # It has just ended.
                continue
            parent[int(entry.name)], ticks[int(entry.name)] = int(row[1]), int(row[11]) + int(row[12])
    ours, found = {os.getpid()}, {os.getpid()}
    while found:
        found = {pid for pid, above in parent.items() if above in found} - ours
        ours |= found
    return sum(ticks.get(pid, 0) for pid in ours) / os.sysconf("SC_CLK_TCK")


def interval(values: list[float], rng: np.random.Generator, draws: int = 2000) -> tuple[float, float]:
    """95 % bootstrap interval of the mean."""
    array = np.asarray(values, float)
    means = array[rng.integers(0, len(array), (draws, len(array)))].mean(axis=1)
    low, high = np.percentile(means, (2.5, 97.5))
    return float(low), float(high)
