"""Questions about refinements whose answer is known: asked now and then of somebody new, scored at once, and said so.

They look like any other question. Their answers change no object, only what is known of the person who answers.
"""

from typing import Any

import numpy as np

from routing.gold import score_answer
from routing.gold_refined import known_question
from routing.outcomes import DRAWN, Outcome
from routing.refinement import RefinementCase
from routing.refinement_fusing import ASPECTS
from webapp.labeling.given import Feedback, Given
from webapp.labeling.models import Assignment, Microtask, Refinement, SceneObject
from webapp.labeling.refining_open import STAKE, wish_for
from webapp.scenes.models import Dataset

MOST_RISK = 0.02  # of a settled refinement that may serve as gold; a specialist's ruling always may
REASON = "its class wants it"  # what every first question says
LEAST_WORTH = STAKE / 3


def plant(given: Given, refinement: Refinement, case: RefinementCase, value: dict[str, Any]) -> None:
    """Ask the crowd about what was just settled, in a share `policy.gold_share` of the cases that are certain enough and of
    which somebody has not been asked."""
    book, project = given.book, given.microtask.project
    certain = refinement.settled_by == "specialist" or (refinement.risk or 0.0) <= MOST_RISK
    if not certain or case.kind == "name_unknown" or refinement.aspect.startswith("same:"):
        return
    dice = np.random.default_rng(
        [refinement.pk, refinement.rounds]
    )  # the same when the answer is absorbed again
    if dice.random() >= given.policy.gold_share:
        return
    people = {s.annotator for s in case.said} | set(refinement.case["evaded"])
    if not book.eligible(project, "crowd") - people - book.reserved(project, people):
        return
    tolerance = given.policy.tolerance_shape.get(ASPECTS[case.kind], 0.0)
    known = known_question(case.kind, case.ask, value, tolerance, dice)
    details = dict(known.details)
    row: SceneObject | None = given.row if given.microtask.object_id else None
    if known.kind == "point_yesno" and row is not None:
        details["class"] = row.label
    wish_for(
        book, refinement, row, known.kind, project, reason=REASON, value=LEAST_WORTH, details=details, excluded=people,
        gold=known.gold,
    )  # fmt: skip


def score(given: Given) -> Feedback:
    """Learn from an answer to a planted question and say whether it was right; whoever evades it is not judged."""
    task, book = given.microtask, given.book
    gold = task.secret["gold"]
    if given.outcome != "answered":
        book.resolve(task, "consensus", {"gold": given.outcome})
        return None
    result = score_answer(task.kind, task.payload, gold, given.value)
    book.resolve(task, "consensus", {"gold": result.correct, "share": result.share})
    book.load_records([given.annotator.pk])
    book.learn(given.annotator.pk, _outcome(given, result.correct, result.detail.get("iou")))
    book.log("gold", project=task.project, annotator=given.annotator, microtask=task,
             data={"right": int(result.correct), "of": 1})  # fmt: skip
    return result.to_feedback()


def _outcome(given: Given, correct: bool, iou: float | None) -> Outcome:
    task = given.microtask
    verdict = given.value.get("verdict")
    if verdict is not None:
        said, truth = str(verdict), str(task.secret["gold"]["truth"])
    else:
        said, truth = DRAWN, "good" if correct else "phantom" if given.value.get("deleted") else "geometry"
    return Outcome(
        task.kind, given.domain, given.row.label if task.object_id else None, said, truth, gold=True,
        seconds=given.seconds or None, iou=iou,
    )  # fmt: skip


def withdraw(dataset: Dataset) -> None:
    """Ask the planted questions of a finished dataset no longer."""
    left = Microtask.objects.filter(
        dataset=dataset, state=Microtask.State.OPEN, secret__has_key="gold"
    ).values_list("pk", flat=True)
    ids = list(left)
    Microtask.objects.filter(pk__in=ids).update(state=Microtask.State.CANCELLED)
    Assignment.objects.filter(microtask__in=ids, state=Assignment.State.OPEN).update(
        state=Assignment.State.WITHDRAWN
    )
