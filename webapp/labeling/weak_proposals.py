"""Proposals that the model was not sure enough of: a few are asked about to learn how it does here, and more of them where
it turns out to do better than it says."""

import math
from collections.abc import Sequence

from django.db.models import QuerySet

from engine.split import worth_asking
from routing.annotation.boxes import iou
from routing.belief import Belief
from routing.shift import fit_shift, shifted
from routing.skill import logit
from webapp.labeling import bulk, loading
from webapp.labeling.book import Book
from webapp.labeling.lifecycle import consider, live_objects, project_of
from webapp.labeling.models import ObjectVersion, SceneObject, Tile
from webapp.labeling.planned import PlannedObject, object_of, side_of
from webapp.pipeline.models import PrelabelledScene, Run

State = SceneObject.State

WHY = "the model does better here than it says"
PROBES, PROBES_OF_SCENE = 60, 24  # weak proposals asked about: per run, and of one scene
SETTLED = (State.ACCEPTED, State.REJECTED)
PROBED_SCENES = 20  # the first scenes of a run: only they are asked about to learn, and looked back upon


def shift_of(run: int) -> float:
    """How far the probabilities of a run's proposals are off at least, in log-odds, as the people who judged some of them
    say: one standard deviation below the likeliest, because a question too many costs quality, too."""
    if not (
        rows := list(_proposed(run).exclude(evidence=[]).values_list("signals", "version", "state", "case"))
    ):
        return 0.0
    stated, said = [], []
    for signals, version, state, case in rows:
        stated.append(signals["p"])
        if version > 1 or state in SETTLED:
            said.append(math.inf if version == 1 and state == State.ACCEPTED else -math.inf)
        else:
            believed = Belief.from_json(case["belief"]).good
            said.append(logit(believed) - logit(signals.get("p_before", signals["p"])))
    shift, spread = fit_shift(stated, said)
    return shift - spread


def probes_left(run: int) -> int:
    """How many weak proposals of the next scene are to be asked about."""
    if len(_first_scenes(run)) == PROBED_SCENES:
        return 0
    return max(0, min(PROBES - _proposed(run).filter(signals__probe=True).count(), PROBES_OF_SCENE))


def _proposed(run: int) -> QuerySet[SceneObject]:
    """What the model proposed in the first scenes of a run."""
    return SceneObject.objects.filter(scene__in=_first_scenes(run), run=run, source=SceneObject.Source.MODEL)


def _first_scenes(run: int) -> list[int]:
    scenes = PrelabelledScene.objects.filter(run=run).order_by("pk").values_list("scene", flat=True)
    return list(scenes[:PROBED_SCENES])


def learn_from_probes(book: Book) -> None:
    """When no probe of a run waits to be looked at any more, ask about everything else that is worth it by what they say, and
    let the tiles be searched that waited for it. Runs after objects were saved, within the same transaction."""
    probes = [row for row in book.objects.values() if row.run_id and row.signals.get("probe")]
    told = {int(row.run_id or 0) for row in probes if row.evidence or row.state in SceneObject.SETTLED}
    for run in Run.objects.filter(pk__in=told).select_related("model").order_by("pk") if told else ():
        unseen = _proposed(run.pk).filter(signals__probe=True, evidence=[])
        if unseen.filter(state__in=[State.GRID, State.ASKED]).exists():
            continue
        waiting = Tile.objects.filter(scene__in=_first_scenes(run.pk), state=Tile.State.WAITING, looks=[])
        tiles = list(waiting.order_by("pk").values_list("pk", flat=True))
        book.load_tiles(tiles)
        book.settled_tiles.update(tiles)
        _ask_about_weak(book, run, [book.tiles[pk] for pk in tiles])


def _ask_about_weak(book: Book, run: Run, tiles: Sequence[Tile]) -> None:
    shift = shift_of(run.pk)
    plans = [(tile, plan) for tile in tiles for plan in _worth_asking(book, tile, shift)]
    # All at once: on SQLite ids are free until something is inserted.
    ids = loading.reserve(SceneObject, len(plans))
    rows = [
        object_of(plan, pk, run, tile.scene, tile, book.now)
        for (tile, plan), pk in zip(plans, ids, strict=True)
    ]
    for row in rows:
        consider(book, row, row.tile)
    book.new_objects += rows
    book.new_versions += [
        ObjectVersion(object=row, number=1, box=row.box, label=row.label, model=run.model) for row in rows
    ]
    book.save_objects()
    raised = {tile.pk: tile.hints for tile, _ in plans}
    bulk.update(Tile, ["id", "hints"], [[pk, hints] for pk, hints in sorted(raised.items())])


def _worth_asking(book: Book, tile: Tile, shift: float) -> list[PlannedObject]:
    """Take the proposals out of a tile's hints that are worth a question after all."""
    project = project_of(tile)
    policy = book.policy(project)
    live = live_objects(tile.scene_id)
    kept, plans = [], []
    for hint in tile.hints:
        box, cls, p, there = hint[:4], int(hint[4]), hint[5], hint[6]
        now, now_there = shifted(p, shift), shifted(there, shift)
        doubled = any(iou(box, other.box) >= policy.duplicate_iou for other in live)
        if doubled or not worth_asking(now, now_there, cls, side_of(box), policy, project.domain):
            kept.append(hint)
        else:
            plans.append(PlannedObject(box, cls, now, now_there, "", signals={"why": WHY}, p_stated=p))
    tile.hints = kept
    return plans
