"""Two people's drawings of one object beside each other (`compare_two`): which is whose stays in the question's secret."""

import random
from typing import Any

from routing.refinement import RefinementCase
from webapp.labeling.models import Microtask, SceneObject


def shown(
    case: RefinementCase, row: SceneObject, pair: tuple[int, int]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What is shown, in random order, and the secret that says who drew A and who B."""
    drawings = {said.annotator: said.value["shape"] for said in case.drawn}
    authors = dict(zip("ab", random.sample(pair, 2), strict=True))
    about = {"xyxy": row.box, "class": row.label}
    return {side: {**about, "shape": drawings[author]} for side, author in authors.items()}, authors


def authors(task: Microtask) -> tuple[int, int] | None:
    """Whose drawings a question compares, in the order in which `routing` names them; None where it compares none."""
    if task.kind != "compare_two" or "refinement" not in task.secret:
        return None
    first, second = sorted((task.secret["a"], task.secret["b"]))
    return first, second
