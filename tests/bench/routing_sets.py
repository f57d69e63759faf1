"""The public crowds as votes, random subsets of their answers, and crowd-kit's methods where it is installed."""

import importlib
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from routing.answer_table import read_answers, read_truth
from routing.consensus.votes import Votes
from routing.tabular.labels import label_file, truth_index

ROOT = Path(__file__).resolve().parents[2]
CROWD_KIT = ROOT / "out/bench/crowd-kit"
# Without dependencies: crowd-kit asks for transformers, which its label methods do not use; newer versions of
# scikit-learn and pandas break it.
PINS = """crowd-kit==1.4.2 pandas==2.3.3 scikit-learn==1.5.2 joblib==1.6.0 threadpoolctl==3.8.0 tqdm==4.70.1
    cloudpickle==3.1.3 python-dateutil==2.9.0.post0 six==1.17.0 pytz tzdata nltk==3.10.4 regex attrs"""
SETS = [
    "bluebirds",
    "d_product",
    "d_possent",
    "s_adult",
    "rte",
    "dog",
    "face",
    "music",
    "ws_amt",
    "trec",
    "zencrowd_in",
    "zencrowd_us",
]


@dataclass(frozen=True)
class Crowd:
    """votes; scored (N,): tasks with a truth; truth (N,): their classes."""

    name: str
    votes: Votes
    scored: np.ndarray
    truth: np.ndarray


def load(data: Path, name: str) -> Crowd:
    """Return a public set."""
    folder = data / "crowd" / name
    with (folder / "answers.csv").open(encoding="utf-8", newline="") as lines:
        file = label_file(read_answers(lines, f"{name}/answers.csv", value="label"))
    with (folder / "truth.csv").open(encoding="utf-8", newline="") as lines:
        truth = read_truth(lines, f"{name}/truth.csv", value="label")
    return Crowd(name, file.votes, *truth_index(file, truth))


def thinned(votes: Votes, overlap: int, seed: int) -> Votes:
    """Return at most `overlap` random answers of each task."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(votes.task))
    by_task = order[np.argsort(votes.task[order], kind="stable")]
    per_task = np.bincount(votes.task, minlength=votes.tasks)
    first = np.repeat(np.cumsum(per_task) - per_task, per_task)
    kept = np.zeros(len(votes.task), dtype=bool)
    kept[by_task[np.arange(len(order)) - first < overlap]] = True
    return votes.subset(kept)


def dawid_skene(votes: Votes, steps: int = 100) -> np.ndarray:
    """Return the posteriors of Dawid and Skene (1979), run until the likelihood stands: the baseline in plain numpy."""
    posterior, before = votes.shares(), -np.inf
    for _ in range(steps):
        soft = votes.sum_by_pair(posterior)
        rows = soft / np.maximum(votes.sum_by_annotator(soft)[votes.pair_annotator], 1e-300)
        prior = posterior.mean(0)
        score = votes.sum_by_task(np.log(np.maximum(rows, 1e-300))) + np.log(np.maximum(prior, 1e-300))
        top = score.max(1, keepdims=True)
        weight = np.exp(score - top)
        total = weight.sum(1, keepdims=True)
        posterior = weight / total
        likelihood = float((np.log(total) + top).sum())
        if abs(likelihood - before) < 1e-5 * len(posterior):
            break
        before = likelihood
    return posterior


def install_crowd_kit() -> None:
    """Install crowd-kit beside the benchmark's output, outside the project's own environment."""
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(CROWD_KIT)]
    subprocess.run([*command, *PINS.split()], check=True)


def crowd_kit() -> dict[str, Callable[[Votes], np.ndarray]]:
    """Return crowd-kit's methods by name, each from votes to posteriors; empty where it is not installed."""
    if CROWD_KIT.is_dir() and str(CROWD_KIT) not in sys.path:
        sys.path.append(str(CROWD_KIT))
    try:
        kit = importlib.import_module("crowdkit.aggregation")
    except ImportError:
        return {}
    made: dict[str, Callable[[], object]] = {
        "DawidSkene": lambda: kit.DawidSkene(n_iter=100),
        "OneCoinDawidSkene": lambda: kit.OneCoinDawidSkene(n_iter=100),
        "GLAD": lambda: kit.GLAD(n_iter=30),
        "MACE": lambda: kit.MACE(n_restarts=10, n_iter=50, random_state=0),
    }
    return {name: lambda votes, make=make: _posteriors(make(), votes) for name, make in made.items()}


def _posteriors(method: object, votes: Votes) -> np.ndarray:
    pandas = importlib.import_module("pandas")
    frame = pandas.DataFrame({"task": votes.task, "worker": votes.annotator, "label": votes.label})
    method.fit(frame)  # type: ignore[attr-defined]
    found = method.probas_  # type: ignore[attr-defined]
    table = np.full((votes.tasks, votes.classes), 1 / votes.classes)
    table[found.index] = 0.0
    for label in found.columns:
        table[found.index, label] = found[label].fillna(0.0)
    return table


def cpu_seconds(work: Callable[[], object]) -> float:
    """Return the CPU seconds that the work takes."""
    start = time.process_time()
    work()
    return time.process_time() - start
