"""Where two people drew one thing differently, a third says whose drawing fits: pairs for `compare_two`, and what they say.

Asked before a specialist has to draw: earlier, as measured with 120 simulated lines, comparisons cost 6 s an object more and
changed one or two objects of error and as many referrals.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

from routing.annotation.shapes import shape_from_json
from routing.refinement_fusing import similarity

COMPARED = ("fix_polygon", "fix_mask", "polyline")  # kinds whose drawings can be told apart side by side
MAX_PAIRS = 2  # asked about one shape
PREFERRED = 2.0  # factor on the noise of a drawing for every comparison that it lost more than it won
ALIKE = 0.03  # of similarity: two drawings this near to each other in it may be called equal

Drawings = Mapping[int, Mapping[str, Any]]  # by author
Compared = Sequence[Mapping[str, Any]]  # answers {choice, a: author, b: author}


def rival_pair(
    kind: str, ask: Mapping[str, Any], drawings: Drawings, compared: Compared, tolerance: float
) -> tuple[int, int] | None:
    """Return the authors of the two drawings that are least alike, None where all are within the tolerance of each other,
    have been compared, or cannot be. The pair is the same whatever the order of the drawings."""
    if kind not in COMPARED or len(compared) >= MAX_PAIRS:
        return None
    done = {frozenset((c["a"], c["b"])) for c in compared}
    shapes = {author: shape_from_json(value["shape"], "shape") for author, value in drawings.items()}
    apart = [
        (similarity(kind, ask, shapes[a], shapes[b]), a, b)
        for a, b in combinations(sorted(shapes), 2)
        if frozenset((a, b)) not in done
    ]
    alike, a, b = min(apart, default=(1.0, 0, 0))
    return (a, b) if alike < tolerance else None


def setback(author: int, compared: Compared) -> float:
    """Return the factor on the noise of somebody's drawing: it grows with every comparison lost more than won."""
    lost = 0
    for answer in compared:
        if answer["choice"] != "equal" and author in (answer["a"], answer["b"]):
            preferred = {"A": answer["a"], "B": answer["b"]}.get(answer["choice"])
            lost += -1 if author == preferred else 1
    return float(PREFERRED ** max(lost, 0))


def chose_well(choice: str, a: float, b: float, tolerance: float) -> bool:
    """Return whether a choice between drawings with these similarities to the settled shape was right."""
    if choice == "both_bad":
        return max(a, b) < tolerance
    if abs(a - b) <= ALIKE:
        return True
    return choice != "equal" and (choice == "A") == (a > b)
