"""Does it exist? Objects that several people looked for, some of them marked it: easy, hard or phantom.

One recall a person is worse than counting marks once five people have looked, because difficult objects then look like
phantoms. Three kinds repair it: `easy` objects nearly everybody sees, `hard` ones that good eyes see, and `phantom`
marks that hardly anybody repeats. Expectation-maximisation, zero-truncated: objects that nobody marked are counted in,
or recalls would come out too high and missed objects too few.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]

EASY, HARD, PHANTOM = 0, 1, 2
START_RECALL = np.array([0.97, 0.55, 0.05])
START_RATE = np.array([1.0, 0.3, 0.3])  # objects a scene
POOL_WEIGHT = np.array([20.0, 10.0, 10.0])  # pseudo-looks behind the crowd's mean recall of each kind
OWN_WEIGHT = np.array(
    [20.0, 12.0, 4.0]
)  # pseudo-looks behind a person's: phantoms differ most between people
LOW_RECALL, HIGH_RECALL = np.array([0.8, 0.2, 0.005]), np.array([0.995, 0.9, 0.2])
STEPS = 30
# Power on the posterior odds of existence: people's misses depend on each other. The value that the likelihood of class
# votes needs on CIFAR-10H; it also makes the posterior right on the pedestrians' set with 2 to 7 people.
TEMPER = 0.6


@dataclass(frozen=True, slots=True)
class Looks:
    """Who looked where and marked what: C candidate objects, M marks, V looks; all int arrays of indices.

    candidate_task (C,); mark_candidate, mark_annotator (M,); look_task, look_annotator (V,), once for each pair.
    """

    candidate_task: Ints
    mark_candidate: Ints
    mark_annotator: Ints
    look_task: Ints
    look_annotator: Ints
    tasks: int
    annotators: int


@dataclass(frozen=True, slots=True)
class Sight:
    """What a crowd sees: recall (annotators, 3) of each kind, rate (3,) of kinds a scene, mean recall (3,)."""

    recall: Array
    rate: Array
    mean_recall: Array

    @classmethod
    def unknown(cls, annotators: int) -> "Sight":
        """Return the sight of people of whom nothing is known."""
        return cls(np.tile(START_RECALL, (annotators, 1)), START_RATE, START_RECALL)


@dataclass(frozen=True, slots=True)
class Existence:
    """kinds (C, 3): posterior of each candidate's kind; unseen (tasks, 3): expected number of each kind that nobody marked."""

    kinds: Array
    unseen: Array

    @property
    def missed(self) -> Array:
        """Expected objects that nobody marked, of the kinds that people do see, (tasks,)."""
        return np.asarray(self.unseen[:, :PHANTOM].sum(1))

    @property
    def real(self) -> Array:
        """P(the candidate is an object), (C,)."""
        return np.asarray(self.kinds[:, EASY] + self.kinds[:, HARD])


def fit_sight(looks: Looks, steps: int = STEPS) -> Sight:
    """Return recalls and rates fitted to all scenes; with no looks, what is believed of anybody."""
    sight = Sight.unknown(looks.annotators)
    if not len(looks.look_task):
        return sight
    looked = (np.bincount(looks.look_task, minlength=looks.tasks) > 0)[:, None]
    for _ in range(steps):
        kinds, unseen = _expect(looks, sight)
        unseen = np.where(looked, unseen, 0.0)
        found = _by(looks.mark_annotator, kinds[looks.mark_candidate], looks.annotators)
        in_task = _by(looks.candidate_task, kinds, looks.tasks) + unseen
        there = _by(looks.look_annotator, in_task[looks.look_task], looks.annotators)
        mean = (found.sum(0) + POOL_WEIGHT * START_RECALL) / (there.sum(0) + POOL_WEIGHT)
        mean = np.clip(mean, LOW_RECALL, HIGH_RECALL)
        recall = np.clip((found + OWN_WEIGHT * mean) / (there + OWN_WEIGHT), 0.002, 0.998)
        rate = np.maximum((kinds.sum(0) + unseen.sum(0)) / looked.sum(), 1e-6)
        sight = Sight(recall, rate, mean)
    return sight


def judge(looks: Looks, sight: Sight) -> Existence:
    """Return each candidate's posterior and each scene's expected missed objects, given what the crowd sees.

    Missed objects are scaled by how many were found here against how many such scenes hold on average: objects cluster.
    """
    kinds, unseen = _expect(looks, sight)
    real = kinds[:, EASY] + kinds[:, HARD]
    calm = _tempered(real)
    kinds = np.column_stack(
        [kinds[:, :PHANTOM] * (calm / np.maximum(real, 1e-300))[:, None], np.maximum(1 - calm, 0.0)]
    )
    found = np.bincount(looks.candidate_task, real, minlength=looks.tasks)
    usual = (sight.rate[:2] - unseen[:, :2]).sum(1)
    crowded = (found + 0.5) / (np.maximum(usual, 0.0) + 0.5)
    return Existence(kinds, unseen * crowded[:, None])


def _tempered(p: Array) -> Array:
    odds = np.log(np.clip(p, 1e-12, 1 - 1e-12)) - np.log(np.clip(1 - p, 1e-12, 1 - 1e-12))
    return np.asarray(1 / (1 + np.exp(-TEMPER * odds)))


def _expect(looks: Looks, sight: Sight) -> tuple[Array, Array]:
    """Return the kinds' posterior (C, 3) and the expected objects of each kind that nobody marked (tasks, 3)."""
    silent = np.log1p(-sight.recall)
    nobody = _by(looks.look_task, silent[looks.look_annotator], looks.tasks)
    odds = np.log(sight.recall) - silent
    marks = _by(looks.mark_candidate, odds[looks.mark_annotator], len(looks.candidate_task))
    scores = np.log(sight.rate) + nobody[looks.candidate_task] + marks
    weights = np.exp(scores - scores.max(1, keepdims=True, initial=-np.inf))
    kinds = weights / weights.sum(1, keepdims=True) if len(weights) else np.zeros((0, 3))
    return kinds, sight.rate * np.exp(nobody)


def _by(index: Ints, rows: Array, size: int) -> Array:
    """Return (size, 3): the rows (N, 3) summed by index (N,)."""
    return np.stack([np.bincount(index, rows[:, k], minlength=size) for k in range(3)], axis=1)
