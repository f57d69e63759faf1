"""Consensus of multi-select attributes: each tag is its own yes-or-no question to everybody who answered the task."""

from collections.abc import Mapping, Set
from dataclasses import dataclass

import numpy as np

from routing.consensus.labels import fuse_labels
from routing.consensus.votes import Votes


@dataclass(frozen=True, slots=True)
class TagConsensus:
    """tags: chosen ones (probability above one half); probability: of every tag that anybody chose."""

    tags: frozenset[str]
    probability: Mapping[str, float]

    @property
    def p_exact(self) -> float:
        """P(all tags are right), taking them as independent."""
        return float(np.prod([max(p, 1 - p) for p in self.probability.values()]))


def fuse_tags(answers: Mapping[str, Mapping[str, Set[str]]]) -> dict[str, TagConsensus]:
    """Return the consensus of {task: {annotator: chosen tags}}.

    An empty set is an answer ("none of them"). Each tag is fused over all tasks by itself, because people who know one
    attribute need not know another; a tag that nobody chose anywhere is not there.
    """
    tasks = sorted(answers)
    people = sorted({name for chosen in answers.values() for name in chosen})
    at = {name: index for index, name in enumerate(people)}
    tags = sorted({tag for chosen in answers.values() for some in chosen.values() for tag in some})
    probability: dict[str, dict[str, float]] = {task: {} for task in tasks}
    rows = [(i, at[name], chosen) for i, task in enumerate(tasks) for name, chosen in answers[task].items()]
    for tag in tags:
        votes = Votes.of(
            [task for task, _, _ in rows],
            [person for _, person, _ in rows],
            [int(tag in chosen) for _, _, chosen in rows],
            tasks=len(tasks),
            annotators=len(people),
            classes=2,
        )
        for task, p in zip(tasks, fuse_labels(votes).probability[:, 1], strict=True):
            if answers[task]:
                probability[task][tag] = float(p)
    return {
        task: TagConsensus(frozenset(tag for tag, p in found.items() if p > 0.5), found)
        for task, found in probability.items()
    }
