"""What it is worth to send a dispute to the specialist whose record fits it, rather than to any."""

import numpy as np

from routing.annotation import boxes as bx
from routing.annotation.kinds import validate_answer
from routing.belief import Belief
from routing.eligibility import Waiting
from routing.escalation import rank_specialists
from routing.gold import make_verify_gold
from routing.policy import RoutingPolicy
from routing.redundancy import ObjectCase
from routing.simulation import views
from routing.simulation.annotator import SimulatedAnnotator
from routing.simulation.world import CLASSES, Settings, World, make_world
from routing.track_record import TrackRecord
from routing.workflow import credit_gold


def specialist_trial(
    *,
    specialists: int = 12,
    domains: int = 3,
    domain_sd: float = 0.8,
    checked: int = 60,
    disputes: int = 600,
    seed: int = 1,
    policy: RoutingPolicy | None = None,
) -> dict[str, float]:
    """Return the share of right rulings by the best-ranked specialist, by a random one, and by the best there is.

    Every specialist has `checked` checked verdicts in each domain; who is good where is known from those alone. The
    disputed versions are half right and half wrong. `best` ranks by the true skill, which nobody knows.
    """
    policy = policy or RoutingPolicy()
    world = make_world(
        Settings(
            scenes=domains, people=specialists + 4, specialists=specialists, domains=domains,
            domain_sd=domain_sd, seed=seed,
        )
    )  # fmt: skip
    rng = np.random.default_rng([seed, 0x72756C65])
    names = [scene.domain for scene in world.scenes]
    people = [n for n, profile in enumerate(world.crowd) if profile.tier == "specialist"]
    waiting = [
        Waiting(n, "specialist", frozenset(names), record=_history(world, n, checked, policy, rng))
        for n in people
    ]
    wins = {"matched": 0, "random": 0, "best": 0}
    for number in range(disputes):
        scene = number % domains
        index = int(rng.integers(len(world.scenes[scene].truth)))
        cls = int(world.scenes[scene].truth.classes[index])
        case = ObjectCase(Belief.of((0.5, 0.3, 0.2)), looks=5, cls=cls)
        ranked = rank_specialists(case, waiting, policy, domain=names[scene])
        skill_of = {n: world.in_domain(n, names[scene]).theta for n in people}
        chosen = {
            "matched": ranked[0].annotator,
            "random": int(rng.choice(people)),
            "best": max(people, key=lambda n: skill_of[n]),
        }
        seed_box = make_verify_gold(world.scenes[scene].truth.boxes, index, rng, policy, (2000.0, 1600.0))
        for way, person in chosen.items():
            wins[way] += _rules_right(world, scene, person, index, seed_box.xyxy, seed_box.truth, policy)
    return {way: count / disputes for way, count in wins.items()}


def _history(
    world: World, person: int, checked: int, policy: RoutingPolicy, rng: np.random.Generator
) -> TrackRecord:
    record = TrackRecord.new("specialist")
    for scene in world.gold:
        mind = SimulatedAnnotator(world.in_domain(person, scene.domain))
        truth = scene.truth
        for n in range(checked):
            seed = make_verify_gold(
                truth.boxes, int(rng.integers(len(truth))), rng, policy, (truth.width, truth.height)
            )
            payload = views.about_object(-1 - n, seed.xyxy, int(truth.classes[seed.source]), [], truth)
            payload |= views.common("verify_box", truth, policy, CLASSES)
            reply = mind.answer(payload, truth, tasks_done=n, now_s=0.0)
            if reply.value is not None:
                value = validate_answer("verify_box", payload, reply.value)
                for outcome in credit_gold(
                    "verify_box", payload, {"truth": seed.truth}, value, domain=scene.domain
                ):
                    record = record.updated(outcome)
    return record


def _rules_right(
    world: World,
    number: int,
    person: int,
    index: int,
    box: tuple[float, ...],
    state: str,
    policy: RoutingPolicy,
) -> bool:
    """Whether the ruling leaves the right object in the result, or nothing where there is nothing."""
    scene = world.scenes[number]
    truth = scene.truth
    cls = int(truth.classes[index])
    payload = views.about_object(index, box, cls, [], truth) | views.common(
        "adjudicate", truth, policy, CLASSES
    )
    reply = SimulatedAnnotator(world.in_domain(person, scene.domain)).answer(
        payload, truth, tasks_done=200, now_s=0.0
    )
    if reply.value is None:
        return False
    value = validate_answer("adjudicate", payload, reply.value)
    if state == "phantom":
        return bool(value["ruling"] == "reject")
    if value["ruling"] != "accept":
        return False
    return bx.iou(value["xyxy"], truth.boxes[index]) >= policy.tolerance_iou and value["class"] == cls
