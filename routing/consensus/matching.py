"""Which answers of different people show the same object: greedy facility location.

The answer that the most people's answers lie near opens a candidate and takes at most one answer of each person
(Branson, Van Horn and Perona, CVPR 2017); what is left goes on. Every answer lands in exactly one candidate.
"""

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]

TIE = 1e-9  # supports this close are equal: the first in the caller's own order wins, whatever the rounding


def match_answers(owner: Ints, similarity: Array, min_similarity: float) -> list[list[int]]:
    """Return the candidates as lists of answers' indices, the best supported first.

    owner (N,): whose answer each is, 0 to P - 1. similarity (N, N), symmetric. The caller gives the answers in an order
    of content, not of arrival, because ties go to the first.
    """
    count = len(owner)
    people = int(owner.max()) + 1 if count else 0
    near = np.where(similarity >= min_similarity, similarity, 0.0)
    np.fill_diagonal(near, np.maximum(similarity.diagonal(), TIE))
    free = np.ones(count, dtype=bool)
    candidates: list[list[int]] = []
    while free.any():
        best = np.zeros((people, count))
        np.maximum.at(best, owner, np.where(free[:, None], near, 0.0))
        support = np.where(free, best.sum(0), -1.0)
        center = int(np.argmax(support > support.max() - TIE))
        members: list[int] = []
        for person in np.flatnonzero(best[:, center] > 0):
            mine = np.flatnonzero(free & (owner == person))
            members.append(center if owner[center] == person else int(mine[np.argmax(near[mine, center])]))
        free[members] = False
        candidates.append(members)
    return candidates
