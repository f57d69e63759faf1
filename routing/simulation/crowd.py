"""Who the simulated annotators are."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from routing.policy import TIERS

# Shares of the kinds of people. "bot": answers at once, whatever is shown.
DEFAULT_MIX: Mapping[str, float] = {
    "diligent": 0.80,
    "sloppy": 0.12,
    "yes_spam": 0.04,
    "random": 0.02,
    "systematic": 0.01,
    "bot": 0.01,
}

SKILL_SD = 0.6  # of theta, in log-odds of being right
SLOPPY_THETA = -1.5
SPEED_SD = 0.3  # of the logarithm of a person's pace
CROWD_SIGMA, PRO_SIGMA = 0.040, 0.030  # noise of a drawn edge relative to sqrt(area)
CROWD_GROSS, PRO_GROSS = 0.05, 0.02  # share of boxes that are wrong altogether


@dataclass(frozen=True, slots=True)
class Profile:
    """One simulated person: kind (a key of DEFAULT_MIX), skill theta in log-odds, edge noise, gross errors, pace."""

    name: str
    kind: str
    theta: float
    sigma: float
    gross: float
    speed: float
    tier: str
    seed: int

    @property
    def spammer(self) -> bool:
        """Whether this person does not look at the pictures."""
        return self.kind in ("yes_spam", "random", "bot")

    def to_json(self) -> dict[str, Any]:
        """Return the profile as plain JSON values."""
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_json(cls, obj: Mapping[str, Any]) -> "Profile":
        """Read what `to_json` wrote; raise ValueError for an unknown kind or tier."""
        if obj["kind"] not in DEFAULT_MIX:
            raise ValueError(f"profile.kind: {obj['kind']!r} is not one of {', '.join(DEFAULT_MIX)}")
        if obj["tier"] not in TIERS:
            raise ValueError(f"profile.tier: {obj['tier']!r} is not one of {', '.join(TIERS)}")
        return cls(
            name=str(obj["name"]),
            kind=obj["kind"],
            theta=float(obj["theta"]),
            sigma=float(obj["sigma"]),
            gross=float(obj["gross"]),
            speed=float(obj["speed"]),
            tier=obj["tier"],
            seed=int(obj["seed"]),
        )


def make_crowd(
    n: int, seed: int, *, specialists: int = 0, mix: Mapping[str, float] = DEFAULT_MIX
) -> list[Profile]:
    """Return n people, the last `specialists` of them specialists; the mix is met as closely as n allows.

    The same seed gives the same people. Raises ValueError for more specialists than people or an unknown kind.
    """
    if not 0 <= specialists <= n:
        raise ValueError(f"specialists: {specialists} of {n} people; give 0 to {n}")
    unknown = sorted(set(mix) - set(DEFAULT_MIX))
    if unknown:
        raise ValueError(f"mix.{unknown[0]}: unknown kind of person; known are {', '.join(DEFAULT_MIX)}")
    rng = np.random.default_rng([seed, 0x70656F])
    kinds = _apportion(n - specialists, mix)
    kinds = [kinds[int(i)] for i in rng.permutation(len(kinds))]
    crowd = [_person(i, kind, "crowd", rng) for i, kind in enumerate(kinds)]
    return crowd + [_person(len(crowd) + i, "diligent", "specialist", rng) for i in range(specialists)]


def _apportion(n: int, mix: Mapping[str, float]) -> list[str]:
    """Return n kinds by largest remainder, so that small crowds have their bad people too."""
    total = sum(mix.values())
    if not (math.isfinite(total) and total > 0 and min(mix.values()) >= 0):
        raise ValueError("mix: the shares must be non-negative and not all zero")
    exact = {kind: n * share / total for kind, share in mix.items()}
    counts = {kind: int(x) for kind, x in exact.items()}
    by_rest = sorted(mix, key=lambda kind: exact[kind] - counts[kind], reverse=True)
    for kind in by_rest[: n - sum(counts.values())]:
        counts[kind] += 1
    return [kind for kind in mix for _ in range(counts[kind])]


def _person(index: int, kind: str, tier: str, rng: np.random.Generator) -> Profile:
    pro = tier != "crowd"
    theta = float(rng.normal(0.0, SKILL_SD)) + (0.8 if pro else 0.0)
    sigma = (PRO_SIGMA if pro else CROWD_SIGMA) * float(np.exp(rng.normal(0.0, 0.15)))
    gross = PRO_GROSS if pro else CROWD_GROSS
    speed = float(np.exp(rng.normal(0.0, SPEED_SD)))
    if kind == "sloppy":
        theta, sigma, gross, speed = SLOPPY_THETA + 0.3 * theta, 1.5 * sigma, 2 * gross, 0.75 * speed
    elif kind in ("yes_spam", "random"):
        speed *= 0.6
    elif kind == "bot":
        speed = 0.15
    seed = int(rng.integers(0, 2**31))
    return Profile(f"sim-{index:03d}", kind, theta, sigma, gross, speed, tier, seed)
