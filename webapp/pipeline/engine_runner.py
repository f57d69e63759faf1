"""Executes runs: the one caller of `engine.jobs`. Only `manage.py run_engine` imports this; it loads torch."""

import json
import time
import traceback
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone

from engine import jobs
from engine.active import choose_next
from engine.cluster import open_pool
from engine.prelabel import Pool
from engine.shapes import ShapeAsk, ShapeProposer
from engine.split import PROBE, SplitOptions, plan_scene
from engine.types import (
    ModelRef,
    PredictedObject,
    PrelabelOptions,
    Progress,
    RetrainOptions,
    ScenePlan,
    ScenePrediction,
    ScenePredictionChunk,
    SceneRef,
    TrainingExample,
    from_json,
    to_json,
)
from routing.certify import choose_auto_threshold
from routing.policy import RoutingPolicy
from routing.shift import shifted
from routing.witness import Hint
from webapp.labeling.models import SceneObject, Tile
from webapp.labeling.opener import Opener
from webapp.labeling.planned import PlannedObject, PlannedTile
from webapp.labeling.shelf import Brief
from webapp.labeling.weak_proposals import probes_left, shift_of
from webapp.pipeline import claims
from webapp.pipeline.gate import Gate, HeldBack
from webapp.pipeline.models import ModelVersion, PrelabelledScene, Run
from webapp.pipeline.promotion import current_model, promote_if_better
from webapp.projects.models import Project
from webapp.scenes.models import Scene

REPORT_EVERY_S = 0.5
HINT_FLOOR = 0.01  # least P(there) of a proposal that is kept for clicks
ORDERS = ("seen", "useful")  # in which scenes are opened
TRAIN_BUDGET_S = 120.0  # wall time of a retraining, unless the run's options say otherwise


class Reporter:
    """Writes a run's progress, not more often than the eye can follow."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self._last = 0.0

    def __call__(self, step: Progress) -> None:
        if step.done < step.total and time.monotonic() - self._last < REPORT_EVERY_S:
            return
        self._last = time.monotonic()
        self.run.progress = {
            "stage": step.stage,
            "done": step.done,
            "total": step.total,
            "values": step.values,
        }
        Run.objects.filter(pk=self.run.pk).update(progress=self.run.progress)


def execute(run: Run) -> None:
    """Carry a claimed run to its end and record how it went; an error is stored with the run, not raised."""
    ours = Run.objects.filter(pk=run.pk, claimed_by=run.claimed_by)  # not when another engine took it over
    try:
        with claims.heartbeat(run):
            result = RUNNERS[run.kind](run, Reporter(run))
    except HeldBack:
        # What was predicted is kept, and scenes that are open stay so: the next engine goes on from there.
        ours.update(state=Run.State.WAITING, claimed_by="", heartbeat_at=timezone.now())
        return
    except Exception as error:
        ours.update(
            state=Run.State.FAILED,
            error=f"{error}\n\n{traceback.format_exc()}",
            finished_at=timezone.now(),
        )
        return
    ours.update(state=Run.State.DONE, result=result, error="", finished_at=timezone.now())


# Pre-labelling -----------------------------------------------------------------------------------------------


def prelabel(run: Run, report: Reporter) -> dict[str, Any]:
    """Look at every scene of the run's dataset, and open each as soon as all of it was seen and people need it."""
    assert run.dataset is not None
    gate = Gate(run, lambda depth, full: report(Progress("held back", depth, full)))
    opened = set(PrelabelledScene.objects.filter(run=run).values_list("scene_id", flat=True))
    scenes = {str(s.pk): s for s in run.dataset.scenes.order_by("pk") if s.pk not in opened}
    refs = [_scene_ref(s) for s in scenes.values()]
    model = _model_of(run)
    shaper = ShapeProposer(shapes_asked(Brief(run.project)))
    if model is None:
        with Opener(run) as opener:
            for number, (ref, scene) in enumerate(zip(refs, scenes.values(), strict=True), start=1):
                gate.pass_()
                _open(run, scene, ref, None, None, opener, shaper)
                report(Progress("open", number, len(refs)))
        return {"scenes": len(scenes), "objects": 0}
    objects = 0
    with Opener(run) as opener:
        for ref, prediction in _predicted(run, refs, model, report):
            gate.pass_()
            objects += _open(run, scenes[ref.scene_id], ref, prediction, model, opener, shaper)
    without = {"without_shapes": shaper.unavailable} if shaper.unavailable else {}
    return {"scenes": len(scenes), "objects": objects, **without}


def _predicted(
    run: Run, refs: list[SceneRef], model: ModelRef, report: Reporter
) -> Iterable[tuple[SceneRef, ScenePrediction]]:
    """Return every scene with its prediction: as soon as all of it was seen or, with the option {"order": "useful"},
    those first from which a model learns most, so that people begin with them. The latter looks at all scenes before
    the first opens, and holds all predictions."""
    order = run.options.get("order", "seen")
    if order not in ORDERS:
        raise ValueError(f"options.order: {order!r}; give one of {', '.join(ORDERS)}")
    seen = (
        (ref, jobs.predict_scene(ref, chunks, model=model))
        for ref, chunks in _complete_scenes(run, refs, model, report)
    )
    if order == "seen":
        return seen
    # In which order workers were done is chance; ties should not be.
    all_seen = sorted(seen, key=lambda pair: int(pair[0].scene_id))
    return [all_seen[i] for i in choose_next([p for _, p in all_seen], len(all_seen))]


def _scene_ref(scene: Scene) -> SceneRef:
    return SceneRef(str(scene.pk), str(settings.MEDIA_DIR / scene.file), scene.width, scene.height)


def _model_of(run: Run) -> ModelRef | None:
    if run.model is not None:
        return from_json(ModelRef, run.model.ref)
    return jobs.pretrained() if run.options.get("pretrained") else None


def _complete_scenes(
    run: Run, refs: list[SceneRef], model: ModelRef, report: Reporter
) -> Iterator[tuple[SceneRef, list[ScenePredictionChunk]]]:
    """Yield every scene with all its chunks, once. Chunks are kept on disk, so a killed run goes on where it was."""
    options = PrelabelOptions(classes=_class_ids(run.project, model), **run.options.get("prelabel", {}))
    folder = settings.VAR_DIR / "runs" / str(run.pk)
    folder.mkdir(parents=True, exist_ok=True)
    wanted = {ref.scene_id: jobs.chunk_ids(ref, model=model, options=options) for ref in refs}
    have: dict[str, dict[str, ScenePredictionChunk]] = defaultdict(dict)
    for chunk in _kept(folder):
        have[chunk.scene_id][chunk.chunk_id] = chunk
    done = {key for chunks in have.values() for key in chunks}
    waiting = {ref.scene_id: ref for ref in refs}
    for ref in refs:
        if set(wanted[ref.scene_id]) <= have[ref.scene_id].keys():
            yield waiting.pop(ref.scene_id), [have[ref.scene_id][k] for k in wanted[ref.scene_id]]
    if not waiting:
        return
    with _pool(run) as pool:
        stream = jobs.prelabel(
            list(waiting.values()), model=model, options=options, pool=pool, done=done, progress=report
        )
        for chunk in stream:
            _keep(folder, chunk)
            chunks = have[chunk.scene_id]
            chunks[chunk.chunk_id] = chunk
            if set(wanted[chunk.scene_id]) <= chunks.keys():
                yield waiting.pop(chunk.scene_id), [chunks[k] for k in wanted[chunk.scene_id]]


@contextmanager
def _pool(run: Run) -> Iterator[Pool]:
    with open_pool(actors=run.options.get("actors")) as pool:
        yield pool


def _kept(folder: Path) -> Iterable[ScenePredictionChunk]:
    for path in sorted(folder.glob("*.json")):
        yield from_json(ScenePredictionChunk, json.loads(path.read_text()))


def _keep(folder: Path, chunk: ScenePredictionChunk) -> None:
    partial = folder / f"{chunk.chunk_id.replace('/', '_')}.partial"
    partial.write_text(json.dumps(to_json(chunk)))
    partial.rename(partial.with_suffix(".json"))


def _class_ids(project: Project, model: ModelRef) -> dict[str, int]:
    """Class ids of the project by name, for the names that the model knows."""
    schema = project.schemas.order_by("-version").first()
    known = {c["name"]: c["id"] for c in schema.classes} if schema else {}
    return {name: known[name] for name in model.labels if name in known}


def shapes_asked(brief: Brief) -> dict[int, ShapeAsk]:
    """Return by class id the outline or skeleton that the label schema wants of its objects."""
    asked = {}
    for c in brief.classes:
        for want in brief.wants.of(c["id"]):
            if want.aspect in ("outline", "skeleton"):
                joints = tuple(j["name"] for j in want.ask.get("skeleton", {}).get("joints", ()))
                asked[c["id"]] = ShapeAsk(c["name"], want.aspect, joints)
    return asked


def _open(
    run: Run, scene: Scene, ref: SceneRef, prediction: ScenePrediction | None, model: ModelRef | None,
    opener: Opener, shaper: ShapeProposer,
) -> int:  # fmt: skip
    """Plan one scene and have its tiles, objects and first micro-tasks inserted; returns the number of objects."""
    project = run.project
    policy = RoutingPolicy.from_json(project.policy)
    stated = {o.object_id: o for o in prediction.objects} if prediction else {}
    if prediction:
        prediction = _shifted(prediction, shift_of(run.pk))
    options = SplitOptions(
        certified=certified_thresholds(model, policy) if model else None,
        domain=project.domain,
        probes=_probes(run, opener),
        **run.options.get("split", {}),
    )
    plan = plan_scene(ref, prediction, policy, options)
    hints = _hints(plan, stated)
    shapes = shaper.of(ref, [stated[p.object_id] for p in plan.objects if p.action != "drop"])
    tiles = [
        PlannedTile(c.tile.tile_id, c.tile.core, c.tile.crop, c.expected_missing, hints[c.tile.tile_id])
        for c in plan.tiles
    ]
    known = {o.object_id: o for o in prediction.objects} if prediction else {}
    objects = [
        PlannedObject(
            box=known[p.object_id].xyxy,
            label=p_object.class_id,
            p_good=p_object.p,
            p_there=p_object.p_there,
            tile=p.tile_id,
            auto=p.action == "auto_accept",
            score=p_object.score,
            signals={**p_object.signals, "why": p.reason, **_shapes(shapes, p.object_id)},
            p_stated=stated[p.object_id].p,
            probe=p.reason == PROBE,
        )
        for p in plan.objects
        if p.action != "drop"
        for p_object in [known[p.object_id]]
    ]
    opener.open(scene, tiles, objects)
    return len(objects)


def _probes(run: Run, opener: Opener) -> int:
    """How many weak proposals of the next scene are to be asked about. Scenes under way count, too; once none are left,
    none ever are."""
    if probes_left(run.pk):
        opener.wait()
    return probes_left(run.pk)


def _shapes(found: Mapping[int, dict[str, Any]], object_id: int) -> dict[str, Any]:
    return {"shapes": found[object_id]} if object_id in found else {}


def _shifted(prediction: ScenePrediction, shift: float) -> ScenePrediction:
    """The prediction with its probabilities as far off as those of the run's earlier scenes turned out to be."""
    objects = (
        replace(o, p=shifted(o.p, shift), p_there=shifted(o.p_there, shift)) for o in prediction.objects
    )
    return replace(prediction, objects=tuple(objects))


def _hints(plan: ScenePlan, known: Mapping[int, PredictedObject]) -> dict[str, list[Hint]]:
    """Per tile the proposals that are not worth a question unless somebody clicks on them."""
    hints: dict[str, list[Hint]] = defaultdict(list)
    for item in plan.objects:
        weak = known[item.object_id]
        if item.action == "drop" and weak.p_there >= HINT_FLOOR:
            hints[item.tile_id].append(Hint(weak.xyxy, weak.class_id, weak.p, weak.p_there))
    return hints


def certified_thresholds(model: ModelRef, policy: RoutingPolicy) -> dict[int, float]:
    """Per class id the least p from which objects may be accepted unseen; classes without a certificate are missing.

    The certificate comes from the checkpoint's own holdout of human-verified scenes (`metrics["sample"]`).
    """
    thresholds: dict[int, float] = {}
    rows: dict[int, list[tuple[float, bool]]] = defaultdict(list)
    for row in model.metrics.get("sample", []):
        rows[int(row[4]) if len(row) > 4 else 0].append((float(row[0]), bool(row[2])))
    for label, sample in rows.items():
        least = choose_auto_threshold(
            [p for p, _ in sample],
            [right for _, right in sample],
            alpha=policy.auto_target,
            delta=1 - policy.auto_confidence,
        )
        if least is not None:
            thresholds[label] = least
    return thresholds


# Retraining --------------------------------------------------------------------------------------------------


def retrain(run: Run, report: Reporter) -> dict[str, Any]:
    """Train on what people settled in the run's dataset; the new version serves when it is surely better.

    It is compared with the version that serves (else the pretrained model) on the held-out parts of the dataset.
    """
    assert run.dataset is not None
    project = run.project
    schema = project.schemas.order_by("-version").first()
    assert schema is not None
    examples = [settled_example(scene) for scene in run.dataset.scenes.order_by("pk")]
    options = RetrainOptions(
        classes=tuple((c["id"], c["name"]) for c in schema.classes),
        seed=run.options.get("seed", 0),
        budget_s=run.options.get("budget_s", TRAIN_BUDGET_S),
        tolerance=RoutingPolicy.from_json(project.policy).tolerance_iou,
    )
    serving = current_model(project)
    ref = jobs.retrain(
        examples,
        base=jobs.pretrained(),
        out_dir=settings.VAR_DIR / "models" / str(project.pk),
        options=options,
        incumbent=from_json(ModelRef, serving.ref) if serving else None,
        progress=report,
    )
    metrics = {k: v for k, v in ref.metrics.items() if k != "sample"}
    version, _ = ModelVersion.objects.get_or_create(
        project=project,
        sha256=ref.version,
        defaults={"name": ref.name, "ref": to_json(ref), "metrics": metrics},
    )
    return {"model": version.pk, "metrics": metrics, **promote_if_better(version)}


def settled_example(scene: Scene) -> TrainingExample:
    """What is settled of one scene, and where: inside complete tiles an absence of boxes teaches, too."""
    rows = SceneObject.objects.filter(scene=scene, state=SceneObject.State.ACCEPTED)
    # Nothing a model proposed teaches a model unless a person confirmed it.
    kept = [row for row in rows if row.settled_by != "machine"]
    tiles = Tile.objects.filter(scene=scene, state=Tile.State.COMPLETE)
    return TrainingExample(
        image_path=str(settings.MEDIA_DIR / scene.file),
        boxes=tuple((b[0], b[1], b[2], b[3]) for b in (row.box for row in kept)),
        labels=tuple(row.label for row in kept),
        weights=tuple(1.0 - (row.risk or 0.0) for row in kept),
        regions=tuple((t.x, t.y, t.w, t.h) for t in tiles),
    )


RUNNERS: dict[str, Callable[[Run, Reporter], dict[str, Any]]] = {
    Run.Kind.PRELABEL: prelabel,
    Run.Kind.RETRAIN: retrain,
}
