"""Second readers: where a project wants it, another specialist rules without having seen the first ruling before either
stands, and a third where the two differ. What was ruled so far travels in the secret of the next micro-task."""

import random
from typing import Any

from routing.escalation import standing_ruling
from webapp.labeling.given import Given
from webapp.labeling.lifecycle import project_of, wish_about
from webapp.labeling.models import SceneObject

Ruling = tuple[int, dict[str, Any]]  # who ruled, and the value


def standing(given: Given) -> Ruling | None:
    """The ruling about the object that stands after this one; None where another specialist has to read first."""
    before, task = _before(given), given.microtask
    own = (given.annotator.pk, given.value)
    if not before and random.random() >= given.policy.second_read_share:
        return own
    rulings = [*before, own]
    stands, agreed = standing_ruling([value for _, value in rulings], given.policy.tolerance_iou)
    alone = given.book.nobody_left(project_of(given.tile), task.tier, given.row.touched)
    if stands is None and not alone:
        return None
    if before:
        given.book.log(
            "second_reading", project=task.project, dataset_id=task.dataset_id, object=given.row,
            data={"readers": [pk for pk, _ in rulings], "agreed": agreed},
        )  # fmt: skip
    return own if stands is None else next(r for r in rulings if r[1] is stands)


def ask(given: Given) -> None:
    """Want one more specialist's ruling about the object."""
    row, before = given.row, _before(given)
    row.state = SceneObject.State.ASKED
    given.book.touch(row)
    heard = [[pk, value] for pk, value in [*before, (given.annotator.pk, given.value)]]
    reason = "two specialists differ" if before else "a second reader is wanted"
    given.book.wishes.append(
        wish_about(row, given.tile, "adjudicate", tier=given.microtask.tier, reason=reason, rulings=heard)
    )


def _before(given: Given) -> list[Ruling]:
    return [(pk, value) for pk, value in given.microtask.secret.get("rulings", ())]
