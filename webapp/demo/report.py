"""The demo's report: numbers, a table for the terminal, and a page with plots and crops."""

import base64
import io
from pathlib import Path
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from PIL import Image, ImageDraw
from rich.console import Console
from rich.table import Table

from engine.images import open_image
from webapp.demo import audit, measure, seed, stages
from webapp.demo.measure import Matched
from webapp.demo.stages import Clock
from webapp.scenes.models import Dataset

CROP_PX = 220  # size of a crop on the page
CROP_MARGIN = 30.0  # scene pixels around what is shown
CROPS_EACH = 8
OURS, REFERENCE = "#ff3b6b", "#33ddff"


def results_of(survey: Path, dataset: Dataset) -> list[Matched]:
    return [measure.matched(s, seed.reference(survey, s.name)) for s in dataset.scenes.order_by("pk")]


def measure_all(survey: Path, journal: Path, clock: Clock, random_seed: int) -> dict[str, Any]:
    """Everything that report.json holds."""
    batches = {}
    for name, title in seed.BATCHES.items():
        dataset = stages.dataset_of(seed.TREES, title)
        batches[name] = measure.batch(dataset, results_of(survey, dataset))
    metrics = stages.promoted_model().metrics
    cold, warm = (batches[b]["human_seconds_per_object"] for b in ("cold", "warm"))
    return {
        "seed": random_seed,
        "batches": batches,
        "cold_over_warm": cold / warm if warm else None,
        "guarantees": audit.guarantees(journal),
        "model": {
            "ap50_before": metrics["ap50_before"],
            "ap50_after": metrics["ap50_after"],
            "holdout": {k: v for k, v in metrics.items() if isinstance(v, int | float)},
        },
        "seconds": {**clock.seconds, "total": sum(clock.seconds.values())},
    }


ROWS = (
    ("precision", "precision at IoU 0.5", "{:.3f}"),
    ("recall", "recall at IoU 0.5", "{:.3f}"),
    ("mean_iou", "mean IoU of matches", "{:.3f}"),
    ("objects", "objects", "{:,.0f}"),
    ("reference_objects", "objects in the reference", "{:,.0f}"),
    ("answers", "answers", "{:,.0f}"),
    ("human_seconds", "human seconds", "{:,.0f}"),
    ("human_seconds_per_object", "human seconds per object", "{:.1f}"),
    ("auto_accepted", "auto-accepted", "{:.1%}"),
    ("escalated", "escalated to specialists", "{:.1%}"),
    ("cost", "cost at the stated wages", "{:,.2f}"),
)


def print_table(console: Console, numbers: dict[str, Any]) -> None:
    table = Table(title="What the demo measured", title_justify="left")
    table.add_column("")
    for name in numbers["batches"]:
        table.add_column(name, justify="right")
    for key, label, form in ROWS:
        table.add_row(label, *[form.format(batch[key]) for batch in numbers["batches"].values()])
    console.print(table)
    model, safe = numbers["model"], numbers["guarantees"]
    console.print(
        f"cold / warm human seconds per object: {numbers['cold_over_warm']:.2f}   "
        f"AP50 of the model: {model['ap50_before']:.3f} → {model['ap50_after']:.3f}\n"
        f"answers lost {safe['lost']}, answered beyond the wanted overlap {safe['over_overlap']}, "
        f"leases held twice {safe['double_leases']}"
    )
    console.print("wall seconds: " + ", ".join(f"{k} {v:.0f}" for k, v in numbers["seconds"].items()))


# The page ----------------------------------------------------------------------------------------------------


def write_page(path: Path, numbers: dict[str, Any], survey: Path) -> None:
    """Write the report as one HTML file with everything inside."""
    kinds = sorted({kind for batch in numbers["batches"].values() for kind in batch["by_kind"]})
    context = {
        "numbers": numbers,
        "rows": [
            (label, [form.format(batch[key]) for batch in numbers["batches"].values()])
            for key, label, form in ROWS
        ],
        "effort": _effort(numbers, kinds),
        "stages": _stages(numbers["seconds"]),
        "galleries": [
            gallery
            for name, title in seed.BATCHES.items()
            for gallery in _galleries(name, results_of(survey, stages.dataset_of(seed.TREES, title)))
        ],
        "overviews": [
            (name, _overview(result))
            for name, title in seed.BATCHES.items()
            for result in results_of(survey, stages.dataset_of(seed.TREES, title))[:1]
        ],
        "ours": OURS,
        "reference": REFERENCE,
    }
    path.write_text(render_to_string("demo/report.html", context))


def _effort(numbers: dict[str, Any], kinds: list[str]) -> list[dict[str, Any]]:
    """Bars: human seconds per object by kind of micro-task, a row per kind and batch."""
    cells = [
        {
            "kind": kind,
            "batch": name,
            "value": batch["by_kind"].get(kind, {"seconds": 0.0})["seconds"] / max(1, batch["objects"]),
            "answers": batch["by_kind"].get(kind, {"answers": 0})["answers"],
        }
        for kind in kinds
        for name, batch in numbers["batches"].items()
    ]
    top = max((c["value"] for c in cells), default=1.0) or 1.0
    return [{**c, "width": round(100 * c["value"] / top, 1)} for c in cells]


def _stages(seconds: dict[str, float]) -> list[dict[str, Any]]:
    parts = {k: v for k, v in seconds.items() if k != "total"}
    top = max(parts.values(), default=1.0) or 1.0
    return [{"name": k, "seconds": v, "width": round(100 * v / top, 1)} for k, v in parts.items()]


def _galleries(name: str, results: list[Matched]) -> list[dict[str, Any]]:
    """Crops of what was missed, what is false and what fits worst, so that one can judge who is right."""
    missed = [(r, None, r.reference[i]) for r in results for i in r.missed]
    false = [(r, r.ours[i], None) for r in results for i in r.false]
    worst = sorted(((iou, r, i, j) for r in results for i, j, iou in r.pairs), key=lambda item: item[0])
    loose = [(r, r.ours[i], r.reference[j]) for _, r, i, j in worst]
    return [
        {
            "title": f"{name}: {title}",
            "count": len(items),
            "crops": [_crop(*item) for item in items[:CROPS_EACH]],
        }
        for title, items in (("missed", missed), ("not in the reference", false), ("loosest matches", loose))
    ]


def _crop(result: Matched, ours: Any, reference: Any) -> str:
    """One crop as a data address: all boxes near it thin, the one it is about thick."""
    focus = ours if ours is not None else reference
    x1, y1, x2, y2 = (float(v) for v in focus)
    side = max(x2 - x1, y2 - y1) + 2 * CROP_MARGIN
    left, top = (x1 + x2 - side) / 2, (y1 + y2 - side) / 2
    scale = CROP_PX / side
    image = _picture(result).crop((round(left), round(top), round(left + side), round(top + side)))
    image = image.resize((CROP_PX, CROP_PX), Image.Resampling.LANCZOS)
    draw = ImageDraw.Draw(image)
    for boxes, colour in ((result.reference, REFERENCE), (result.ours, OURS)):
        for box in boxes:
            mine = (ours is not None and box is not None and (box == ours).all()) or (
                reference is not None and (box == reference).all()
            )
            corners = [(float(v) - o) * scale for v, o in zip(box, (left, top, left, top), strict=True)]
            if corners[2] > 0 and corners[3] > 0 and corners[0] < CROP_PX and corners[1] < CROP_PX:
                draw.rectangle(corners, outline=colour, width=3 if mine else 1)
    return _data(image)


def _overview(result: Matched, width: int = 1100) -> str:
    image = _picture(result)
    scale = width / image.width
    image = image.resize((width, round(image.height * scale)), Image.Resampling.LANCZOS)
    draw = ImageDraw.Draw(image)
    for box in result.ours:
        draw.rectangle([float(v) * scale for v in box], outline=OURS)
    return _data(image)


_pictures: dict[int, Image.Image] = {}


def _picture(result: Matched) -> Image.Image:
    if result.scene.pk not in _pictures:
        _pictures[result.scene.pk] = open_image(settings.MEDIA_DIR / result.scene.file).convert("RGB")
    return _pictures[result.scene.pk]


def _data(image: Image.Image) -> str:
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=80)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode()
