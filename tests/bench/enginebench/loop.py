"""The whole loop on blood cells: this model proposes, a simulated crowd works by the product's own decisions.

What is counted are the crowd's seconds (the time model of `routing.simulation`); truth is seen by the crowd and the
score only. The simulated crowd knows two classes, so white cells and platelets are one class here. Each job is done by
several crowds, because from one to the next the seconds differ by 7 % (standard deviation) and the precision by .01.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from engine import jobs
from engine.active import choose_next
from engine.split import SplitOptions, plan_scene
from engine.types import ModelRef, PrelabelOptions, ScenePrediction, SceneRef, TrainingExample
from routing.policy import RoutingPolicy
from routing.simulation.batch import Batch
from routing.simulation.truth import make_truth
from routing.simulation.world import Proposal, Scene, Settings, World, make_world

from enginebench import cells
from enginebench.common import Measurement

IDS = {name: class_id for class_id, name in cells.TWO_CLASSES}
TOLERANCE = {"tolerance_iou": 0.5}
# From the product's own policy to ever warier ones. The cheapest that is good enough on pictures of the validation part
# is used on those of the test part; without one, the wariest. Scenes of 20 objects in two classes leave few for a page of
# the rarer class, so smaller pages are tried, too.
POLICIES: tuple[dict[str, float], ...] = (
    {},
    {"grid_min": 4},
    {"grid_min": 4, "target_risk": 0.04},
    {"grid_min": 4, "target_risk": 0.03},
    {"grid_min": 4, "evidence_discount": 0.7},
    {"grid_min": 4, "target_risk": 0.03, "evidence_discount": 0.7},
    {"evidence_discount": 0.6},
)
CHOOSING, TELLING = (11, 12, 13, 14, 15), (6, 7, 8, 9, 10)  # seeds of the crowds on validation and on test
PRECISION, RECALL = 0.97, 0.95
LABELLED, STEPS = 80, 700
CALIBRATED = 40  # pictures of the validation part that calibrate and certify; the others choose the policy
# Rounds of the race between active and random choice: pictures labelled so far, and the training after each.
ROUNDS, RACE_STEPS = (6, 12, 24), 120
LOOKED_AT = 30  # pictures that active choice looks at in a round: a sample does, and looking costs time


def measure(*, quick: bool) -> dict[str, Measurement]:
    pool, val = cells.examples("train", two=True), cells.examples("val", two=True, holdout=True)
    test = cells.examples("test", two=True)
    labelled, steps = (8, 10) if quick else (LABELLED, STEPS)
    val = cells.pick(val, 8 if quick else len(val), 0)
    calibrating, choosing = val[: 6 if quick else CALIBRATED], val[6 if quick else CALIBRATED :]
    ref, _ = cells.train(cells.pick(pool, labelled, 0), calibrating, seed=0, steps=steps, two=True)
    sample = ref.metrics.get("sample", [])
    seen = [predict(e, ref) for e in choosing]
    changes, tried = choose_policy(choosing, seen, sample, CHOOSING[:1] if quick else CHOOSING)
    shown = test[:4] if quick else test
    crowds = TELLING[:1] if quick else TELLING
    ours = by_crowds(shown, [predict(e, ref) for e in shown], sample, policy_of(changes), crowds)
    drawn = by_crowds(shown, None, [], policy_of({}), crowds)
    return {
        "human_seconds_ratio": Measurement(
            drawn["seconds_per_object"] / ours["seconds_per_object"],
            {"draw and check, s per object": drawn["seconds_per_object"]},
            least=3.0,
            detail={
                "ours": ours,
                "draw_and_check": drawn,
                "good_enough": ours["precision"] >= PRECISION and ours["recall"] >= RECALL,
                "labelled": labelled,
                "policy": changes,
                "tried_on_validation": tried,
            },
        ),
        "loop_precision": Measurement(
            ours["precision"], {"draw and check": drawn["precision"]}, least=PRECISION
        ),
        "loop_recall": Measurement(ours["recall"], {"draw and check": drawn["recall"]}, least=RECALL),
        "active_vs_random": race(pool, cells.pick(val, 4 if quick else 16, 1), quick),
    }


def policy_of(changes: Mapping[str, float]) -> RoutingPolicy:
    return RoutingPolicy.from_json({**TOLERANCE, **changes})


def choose_policy(
    examples: Sequence[TrainingExample],
    seen: Sequence[ScenePrediction],
    sample: Sequence[Sequence[float]],
    crowds: Sequence[int],
) -> tuple[dict[str, float], list[dict[str, Any]]]:
    """The changes to the product's policy with the least human seconds of those that are good enough here."""
    tried = [{"policy": dict(c), **by_crowds(examples, seen, sample, policy_of(c), crowds)} for c in POLICIES]
    good = [t for t in tried if t["precision"] >= PRECISION and t["recall"] >= RECALL]
    best = min(good, key=lambda t: float(t["seconds_per_object"])) if good else tried[-1]
    return best["policy"], tried


def predict(example: TrainingExample, ref: ModelRef) -> ScenePrediction:
    scene = SceneRef(example.image_path, example.image_path, *cells.SIZE)
    options = PrelabelOptions(classes=IDS)
    return jobs.predict_scene(scene, list(jobs.prelabel([scene], model=ref, options=options)), model=ref)


def by_crowds(
    examples: Sequence[TrainingExample],
    seen: Sequence[ScenePrediction] | None,
    sample: Sequence[Sequence[float]],
    policy: RoutingPolicy,
    crowds: Sequence[int],
) -> dict[str, Any]:
    """What `simulate` reports of each crowd, averaged; and the precision, recall and seconds of each."""
    each = [_told(simulate(examples, seen, sample, policy, crowd)) for crowd in crowds]
    mean = {name: float(np.mean([one[name] for one in each])) for name in each[0]}
    spread = {name: [one[name] for one in each] for name in ("precision", "recall", "seconds_per_object")}
    return {**mean, "crowds": spread}


def simulate(
    examples: Sequence[TrainingExample],
    seen: Sequence[ScenePrediction] | None,
    sample: Sequence[Sequence[float]],
    policy: RoutingPolicy,
    crowd: int,
) -> dict[str, Any]:
    """Let a simulated crowd annotate these pictures, with proposals (or None: it finds and draws everything)."""
    settings = Settings(scenes=1, people=40, specialists=3, domains=1, recall=0.0, seed=crowd)
    world = make_world(settings)  # its crowd and its gold; the scenes are ours
    scenes = []
    for number, example in enumerate(examples):
        rng = np.random.default_rng([7, number])
        truth = make_truth(np.array(example.boxes), np.array(example.labels), rng, cells.SIZE, id=number)
        proposals = tuple(asked(seen[number], policy)) if seen else ()
        scenes.append(Scene(truth, world.scenes[0].domain, proposals))
    held_out = np.array([[row[0], row[2]] for row in sample]) if len(sample) else world.held_out
    mine = World(settings, tuple(scenes), world.gold, world.crowd, world.taste, held_out)
    return Batch(mine, policy, frozenset(), 0).run()


def asked(seen: ScenePrediction, policy: RoutingPolicy) -> Iterator[Proposal]:
    """What is worth a question, as the product decides it; what is dropped, the search may find again."""
    scene = SceneRef(seen.scene_id, seen.scene_id, *cells.SIZE)
    plan = plan_scene(scene, seen, policy, SplitOptions())
    for item, decided in zip(seen.objects, plan.objects, strict=True):
        if decided.action != "drop":
            yield Proposal(item.xyxy, item.class_id, item.p, max(item.p_there, item.p))


def _told(report: dict[str, Any]) -> dict[str, Any]:
    names = (
        "precision",
        "recall",
        "mean_iou",
        "error",
        "stated_error",
        "human_seconds",
        "seconds_per_object",
        "auto_accepted",
    )
    return {name: report[name] for name in names}


# Active choice ---------------------------------------------------------------------------------------------------


def race(pool: Sequence[TrainingExample], val: Sequence[TrainingExample], quick: bool) -> Measurement:
    """Area under AP50 against labelled pictures, active choice ÷ random choice, both from the same first pictures."""
    rounds, steps = ((4, 8), 5) if quick else (ROUNDS, RACE_STEPS)
    curves: dict[str, list[float]] = {"active": [], "random": []}
    first = cells.pick(pool, rounds[0], 1)
    start, _ = cells.train(first, val, seed=1, steps=steps, two=True)
    for name, curve in curves.items():
        chosen, ref = list(first), start
        curve.append(ref.metrics["ap50_after"])
        for wanted in rounds[1:]:
            rest = [e for e in pool if e not in chosen]
            more = wanted - len(chosen)
            chosen += most_useful(rest, ref, more) if name == "active" else cells.pick(rest, more, wanted)
            ref, _ = cells.train(chosen, val, seed=1, steps=steps, two=True)
            curve.append(ref.metrics["ap50_after"])
    x = np.log(np.array(rounds, float))
    area = {name: float(np.trapezoid(curve, x) / (x[-1] - x[0])) for name, curve in curves.items()}
    ratio = area["active"] / max(area["random"], 1e-9)  # after few steps nothing is found at all
    return Measurement(
        ratio, {"random": area["random"]}, least=1.0, detail={"rounds": list(rounds), **curves}
    )


def most_useful(rest: Sequence[TrainingExample], ref: ModelRef, count: int) -> list[TrainingExample]:
    sample = np.random.default_rng(0).permutation(len(rest))[:LOOKED_AT]
    chosen = choose_next([predict(rest[i], ref) for i in sample], count)
    return [rest[sample[i]] for i in chosen]
