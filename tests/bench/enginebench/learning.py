"""Learning on blood cells: how good after how much, and whether its probabilities mean what they say."""

import numpy as np

from models.calibration import expected_calibration_error
from routing.certify import choose_auto_threshold

from enginebench import cells
from enginebench.common import Measurement

FULL_STEPS, FEW_STEPS = 740, 250  # at most 4 CPU minutes, and about 1
ALPHA, DELTA = 0.1, 0.05  # of boxes that must reach IoU 0.75; at 0.05 hardly any is accepted
RESAMPLES = 100
SHOWN = 0.1  # most detections are surely nothing, which is easy to say; these are the ones that people see


def measure(*, quick: bool) -> dict[str, Measurement]:
    """Three seeds, from the pretrained detector; measured on the 72 test pictures, of which nothing was chosen."""
    pool, test = cells.examples("train"), cells.examples("test", holdout=True)
    test = test[:6] if quick else test
    seeds = (0,) if quick else (0, 1, 2)
    full_steps, few_steps = (20, 10) if quick else (FULL_STEPS, FEW_STEPS)
    full = [cells.train(pool, test, seed=s, steps=full_steps) for s in seeds]
    few = [cells.train(cells.pick(pool, 20, s), test, seed=s, steps=few_steps) for s in seeds]
    out = {
        "bccd_ap50_full": _score(full, 0.91, {"prototype, one seed": 0.910, "before training": 0.0}),
        "bccd_ap50_20": _score(few, 0.86, {"prototype, three seeds": 0.865, "before training": 0.0}),
    }
    return out | probabilities([ref.metrics["sample"] for ref, _ in full if "sample" in ref.metrics])


def _score(runs: list, least: float, baseline: dict[str, float]) -> Measurement:
    values = [ref.metrics["ap50_after"] for ref, _ in runs]
    detail = {
        "seeds": values,
        "cpu_s": [cpu for _, cpu in runs],
        "ap": [ref.metrics["ap_after"] for ref, _ in runs],
    }
    return Measurement(float(np.mean(values)), baseline, least=least, detail=detail)


def probabilities(samples: list[list[list[float]]]) -> dict[str, Measurement]:
    """Of held-out objects by curves that never saw their part of the pictures: error of the probabilities, and whether
    what is accepted above a certified threshold errs no more than was certified.

    The objects of one half of the draws certify, the others tell; certified is `ALPHA` at confidence 1 - `DELTA`.
    """
    errors, among_shown, kept, total = [], [], 0, 0
    rng = np.random.default_rng(0)
    shares = []
    for sample in samples:
        rows = np.array(sample)
        p, right = rows[:, 0], rows[:, 2] > 0
        errors.append(expected_calibration_error(p, right))
        shown = p >= SHOWN
        among_shown.append(expected_calibration_error(p[shown], right[shown]))
        for _ in range(RESAMPLES):
            order = rng.permutation(len(rows))
            known, rest = order[: len(rows) // 2], order[len(rows) // 2 :]
            least = choose_auto_threshold(p[known], right[known], alpha=ALPHA, delta=DELTA)
            accepted = p[rest] >= (np.inf if least is None else least)
            wrong = float((~right[rest][accepted]).mean()) if accepted.any() else 0.0
            kept += wrong <= ALPHA
            total += 1
            shares.append(float(accepted.mean()))
    if not samples:
        return {}
    return {
        "ece": Measurement(
            float(np.mean(errors)),
            {"of those shown to people": float(np.mean(among_shown))},
            most=0.03,
            detail={"seeds": errors, "shown_from": SHOWN},
        ),
        "certified_coverage": Measurement(
            kept / total,
            {"nominal": 1 - DELTA},
            least=0.95,
            detail={"runs": total, "alpha": ALPHA, "accepted_share": float(np.mean(shares))},
        ),
    }
