"""Whom to call upon when fewer tasks are open than people wait: a short wait for the right person, or a stranger now.

Every open task could be given away at once, but then each kind goes to whoever is idle, at half as much time again for
the first tasks after a change of kind, and to the slowest as readily as to the quickest. So the tasks are first planned
over all who are present, busy or not, by list scheduling with set-up times (Graham 1966): each task, longest first, to
whom price plus price of delay is least, who then is busy for as much longer. Whoever would start on one of a kind now
may have it; the rest is left to those who were planned for it. With many open tasks everybody is called upon.
"""

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]

SETTLING = 3  # tasks after a change of kind that take
SETTLING_FACTOR = 1.57  # times as long (Su 2012, as microtasks.md has it)
RETURN = 0.5  # P(somebody who leaves a kind comes back to it, and settles again)
IDLE, ELSEWHERE = (
    -1,
    -2,
)  # kinds of those who have done nothing yet, and of those who are at a kind that is not open
DELAY_PRICE = 0.08  # seconds of work that one second of waiting by one task is worth


def called(
    price: Array, seconds: Array, kind_of: Places, last_kind: Places, busy_s: Array, left: Places
) -> Mask:
    """Return (people, kinds): who may have tasks of which kind now.

    price: (people, tasks) seconds of crowd time that the answer costs for what it settles; infinite where not eligible.
    seconds: (people, tasks) time that it takes. kind_of: (tasks,) kind. last_kind: (people,) what each does now, or
    IDLE or ELSEWHERE. busy_s: (people,) seconds until each is done with what they hold. left: (people,) offers each may be made.
    """
    kinds = int(kind_of.max()) + 1
    may = np.zeros((len(left), kinds), dtype=bool)
    free_at, kind, done = busy_s.astype(np.float64), last_kind.copy(), np.full(len(left), SETTLING)
    given = np.zeros(len(left), dtype=np.intp)
    for task in np.argsort(-seconds.min(axis=0), kind="stable"):
        new = kind != kind_of[task]
        slow = np.where(new | (done < SETTLING), SETTLING_FACTOR, 1.0)
        leaving = RETURN * SETTLING * (SETTLING_FACTOR - 1) * (new & (kind != IDLE))
        cost = price[:, task] * (slow + leaving) + DELAY_PRICE * free_at
        who = int(np.argmin(cost))
        if not np.isfinite(cost[who]):
            continue
        may[who, kind_of[task]] |= given[who] < left[who]
        given[who] += 1
        free_at[who] += seconds[who, task] * slow[who]
        kind[who], done[who] = kind_of[task], 1 if new[who] else done[who] + 1
    return may
