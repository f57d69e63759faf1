"""The words of the pages for what the code calls by short names: kinds of micro-tasks, states, verdicts, roles."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from webapp.people.phrases import PHRASES, read

KINDS = {
    "coverage_tile": lazy("find missed objects"),
    "draw_missed": lazy("draw a missed object"),
    "verify_box": lazy("check a box"),
    "grid_verify": lazy("check a page of boxes"),
    "fix_box": lazy("correct a box"),
    "compare_two": lazy("compare two boxes"),
    "adjudicate": lazy("rule on a case"),
    "fix_polygon": lazy("draw an outline"),
    "fix_mask": lazy("correct a mask"),
    "verify_mask": lazy("check an outline"),
    "point_yesno": lazy("point: on it or not"),
    "label_region": lazy("label regions"),
    "keypoints": lazy("place joints"),
    "polyline": lazy("draw a line"),
    "cuboid_cam": lazy("place a cuboid in the picture"),
    "cuboid_lidar": lazy("place a cuboid in the point cloud"),
    "verify_cuboid": lazy("check a cuboid"),
    "attributes": lazy("answer attributes"),
    "classify_image": lazy("classify a picture"),
    "triage_scene": lazy("sort out pictures"),
    "merge_duplicates": lazy("merge duplicates"),
    "name_unknown": lazy("name the unknown"),
}
SAID = {
    # States.
    "new": lazy("new"),
    "open": lazy("open"),
    "done": lazy("done"),
    "draft": lazy("draft"),
    "running": lazy("running"),
    "waiting": lazy("waiting"),
    "failed": lazy("failed"),
    "resolved": lazy("resolved"),
    "cancelled": lazy("cancelled"),
    "accepted": lazy("accepted"),
    "rejected": lazy("rejected"),
    "undecidable": lazy("undecidable"),
    "grid": lazy("waiting for a page"),
    "asked": lazy("being asked"),
    "prelabel": lazy("pre-label"),
    "retrain": lazy("retrain"),
    "granted": lazy("granted"),
    "declined": lazy("declined"),
    "settled": lazy("settled"),
    "withdrawn": lazy("withdrawn"),
    "expired": lazy("expired"),
    "taken_back": lazy("taken back"),
    # What an object is refined to.
    "outline": lazy("outline"),
    "skeleton": lazy("skeleton"),
    "line": lazy("line"),
    "cuboid": lazy("cuboid"),
    "attributes": lazy("attributes"),
    "class": lazy("finer class"),
    # Who.
    "nobody": lazy("nobody"),
    "machine": lazy("machine"),
    "consensus": lazy("consensus"),
    "specialist": lazy("specialist"),
    "crowd": lazy("crowd"),
    "senior": lazy("senior"),
    "model": lazy("model"),
    "person": lazy("person"),
    "annotator": lazy("annotator"),
    "manager": lazy("operations manager"),
    # Standing.
    "coach": lazy("coached"),
    "paused": lazy("paused"),
    # Verdicts and outcomes.
    "ok": lazy("ok"),
    "bad": lazy("bad"),
    "geometry": lazy("outline wrong"),
    "wrong_class": lazy("wrong class"),
    "not_object": lazy("nothing there"),
    "duplicate": lazy("duplicate"),
    "group": lazy("several at once"),
    "part": lazy("only a part"),
    "drawn": lazy("drawn"),
    "deleted": lazy("deleted"),
    "unsure": lazy("unsure"),
    "skip": lazy("skipped"),
    "skipped": lazy("skipped"),
    "report": lazy("reported"),
    "both_bad": lazy("both bad"),
    "equal": lazy("equally good"),
    "accept": lazy("accepted"),
    "reject": lazy("rejected"),
    "kept": lazy("kept"),
    "redrawn": lazy("redrawn"),
    "reclassified": lazy("reclassified"),
    "passed": lazy("passed on"),
    # Alerts.
    "budget": lazy("budget"),
    "drift": lazy("drift"),
    "late": lazy("late"),
    "stuck": lazy("stuck"),
    "spam": lazy("spam"),
}

ADVICE = {
    "loose_passed": lazy("Look at all four edges: boxes that did not fit were called right."),
    "phantom_passed": lazy(
        "Ask whether there is such an object at all: some boxes held nothing of the class."
    ),
    "right_doubted": lazy("Trust a box that fits: right ones were called wrong."),
    "drawn_loose": lazy("Zoom in before you draw: boxes had to be corrected afterwards."),
    "drawn_phantom": lazy("Draw only what the guideline names: some drawings were nothing of a class."),
    "missed": lazy("Search corner by corner: others found objects where you had looked."),
}


def kind_title(name: str) -> str:
    """The title of a kind; one that is not known yet as its words."""
    return str(KINDS.get(name, name.replace("_", " ")))


def said_title(code: str) -> str:
    """A code word as people say it; anything else as it is."""
    return str(SAID.get(code, code))


def reason_said(message: str) -> str:
    """A stored reason in the reader's language; what somebody wrote themselves as it is."""
    phrase = read(message)
    if not phrase.code:
        return message
    values = dict(phrase.about)
    for name, title in (("kind", kind_title), ("needed", said_title), ("yours", said_title)):
        if name in values:
            values[name] = title(str(values[name]))
    return _(PHRASES[phrase.code]).format(**values)


def alert_sentence(kind: str, title: str, value: float) -> str:
    """What an alert says about its subject."""
    match kind:
        case "budget":
            return _("{name} will cost {n} % of its budget at this pace.").format(
                name=title, n=round(100 * value)
            )
        case "drift":
            return _("{name}: the model’s proposals hold {n} points less often than it says.").format(
                name=title, n=round(100 * value)
            )
        case "late":
            return _("{name} will miss its deadline at this pace ({n} % sure).").format(
                name=title, n=round(100 * value)
            )
        case "paused":
            return _("The work of {name} is paused.").format(name=title)
        case "stuck":
            dataset, _dot, task = title.rpartition(" · ")
            return _("{name}: “{kind}” has waited {n} minutes.").format(
                name=dataset, kind=kind_title(task), n=round(value)
            )
        case _:
            return _("{name} seems not to look at the pictures ({n} % sure).").format(
                name=title, n=round(100 * value)
            )
