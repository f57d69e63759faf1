"""`python -m routing aggregate`: fuse a file of answers, and score it where the truth is given."""

import argparse
from pathlib import Path
from typing import Any

from routing.answer_table import AnswerTable, TableError
from routing.commands.files import Stopwatch, load_answers, load_truth, peak_mb, write_table
from routing.tabular import labels, numbers

GEOMETRIES = ("label", "ordinal", "boxes", "polygon", "mask", "points", "cuboid")
TOLERANCE = {"polygon": 0.85, "mask": 0.85, "cuboid": 0.7}
EPILOG = """\
answers: a CSV with the columns task,worker,label or task,worker,geometry (further columns are left alone), or the same
as JSON objects (.json an array, .jsonl one a line). A geometry is JSON: boxes [[x1,y1,x2,y2],…]; polygon
{"polygon":[[x,y],…]} or a list of rings; mask {"size":[h,w],"rle":[…]} in columns, background first; points [[x,y],…];
cuboid {"center":[x,y,z],"size":[l,w,h],"yaw":radians}. truth: task,label or task,geometry; it only ever scores.
`seconds` are CPU seconds of the fusion, `peak_mb` the peak memory of the whole process."""


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "aggregate",
        help="fuse a file of answers",
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--answers", type=Path, required=True, help="file of answers")
    parser.add_argument("--truth", type=Path, help="file of true values, only to score with")
    parser.add_argument("--geometry", choices=GEOMETRIES, default="label", help="what an answer is (label)")
    parser.add_argument("--tolerance", type=float, help="IoU from which a shape counts as right")
    parser.add_argument("--out", type=Path, required=True, help="CSV to write: one row a task")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Return what to print; raise TableError for files that cannot be used."""
    geometry: str = options.geometry
    if options.tolerance is not None and not 0 < options.tolerance < 1:
        raise TableError(f"--tolerance: {options.tolerance}; give an IoU between 0 and 1")
    column = "label" if geometry in ("label", "ordinal") else "geometry"
    table = load_answers(options.answers, column)
    watch = Stopwatch()
    header, rows, report, seconds = _FUSE[_family(geometry, table)](table, options, watch)
    write_table(options.out, header, rows)
    return {
        "geometry": geometry,
        "tasks": len(table.tasks),
        "workers": len(table.annotators),
        "answers": len(table),
        "seconds": seconds,
        "peak_mb": peak_mb(),
        **report,
    }


Fused = tuple[list[str], list[list[str]], dict[str, Any], float]


def _labels(table: AnswerTable, options: argparse.Namespace, watch: Stopwatch) -> Fused:
    file = labels.label_file(table)
    found = labels.fuse_label_file(file)
    seconds = watch.seconds()
    report: dict[str, Any] = {"classes": len(file.classes)}
    if options.truth:
        report |= labels.score_labels(file, found, load_truth(options.truth, "label"))
    return *labels.label_rows(file, found), report, seconds


def _numbers(table: AnswerTable, options: argparse.Namespace, watch: Stopwatch) -> Fused:
    found = numbers.fuse_number_file(table)
    seconds = watch.seconds()
    report: dict[str, Any] = {}
    if options.truth:
        truth = load_truth(options.truth, "label")
        report = numbers.score_numbers(table, found, truth, str(options.truth))
    return *numbers.number_rows(table, found), report, seconds


def _shapes(table: AnswerTable, options: argparse.Namespace, watch: Stopwatch) -> Fused:
    # Imported here for its cost: shapely's memory, which a file of labels need not pay.
    from routing.tabular import shapes

    geometry: str = options.geometry
    drawn, left_out, mended = shapes.shapes_of(table, geometry)
    fused = shapes.fuse_shape_file(table, geometry, drawn, options.tolerance)
    seconds = watch.seconds()
    report: dict[str, Any] = {"left_out": left_out, "mended": mended}
    if options.truth:
        truth = load_truth(options.truth, "geometry")
        tolerance = options.tolerance or TOLERANCE[geometry]
        report |= shapes.score_shapes(table, geometry, fused, truth, str(options.truth), tolerance)
    return *shapes.shape_rows(table, fused), report, seconds


def _scenes(table: AnswerTable, options: argparse.Namespace, watch: Stopwatch) -> Fused:
    from routing.tabular import scenes, shapes

    geometry: str = options.geometry
    drawn, left_out, mended = shapes.shapes_of(table, geometry)
    found = scenes.fuse_scene_file(table, geometry, drawn)
    seconds = watch.seconds()
    report: dict[str, Any] = {"left_out": left_out, "mended": mended}
    if options.truth and geometry == "points":
        counts = _counts(options.truth)
        report |= scenes.score_counts(table, found, counts)
    elif options.truth:
        truth = load_truth(options.truth, "geometry")
        report |= scenes.score_scenes(table, geometry, found, truth, str(options.truth))
    return *scenes.scene_rows(table, found), report, seconds


def _family(geometry: str, table: AnswerTable) -> str:
    """Return the family of a geometry; polygons are scenes when an answer may hold several."""
    if geometry == "polygon":
        return "scenes" if all(value.lstrip().startswith("[") for value in table.values) else "shapes"
    return {"label": "labels", "ordinal": "numbers", "boxes": "scenes", "points": "scenes"}.get(
        geometry, "shapes"
    )


def _counts(path: Path) -> dict[str, float]:
    """Return the true number of points of each task, from a column expert_count or count."""
    try:
        table = load_truth(path, "expert_count")
    except TableError as error:
        if "no column" not in str(error):
            raise
        table = load_truth(path, "count")
    return {
        task: _number(text, f"{path}, line {line}: the count") for task, (text, line) in table.items() if text
    }


def _number(text: str, where: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise TableError(f"{where}: {text!r} is not a number; correct it") from None


_FUSE = {"labels": _labels, "numbers": _numbers, "shapes": _shapes, "scenes": _scenes}
