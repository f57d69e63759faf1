"""What a detector has learned to recognise, and how far a new object is from it. torch only.

Distance to the k-th nearest of the embeddings of known objects, on the unit sphere: Sun et al., "Out-of-Distribution
Detection with Deep Nearest Neighbors", ICML 2022. No shape of the cloud is assumed, which matters because every level
of the detector has a space of its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

NEAREST = 5
MOST = 2000  # embeddings that are kept: 1 MB
LEAST = 50  # objects on either side from which anything can be said
LEVELS = 201  # quantiles that are kept


@dataclass(frozen=True, slots=True, eq=False)
class Familiar:
    """Embeddings of known objects, (M, E) unit rows, and quantiles (Q,) of the distance to them of objects of the same
    kind that were not learned from."""

    bank: Tensor
    levels: Tensor

    def __call__(self, embeddings: Tensor) -> tuple[Tensor, Tensor]:
        """Embeddings (K, E) -> novelty (K,), the share of known objects that are nearer, 0 to 1; and strangeness (K,), the
        logarithm of the distance over that of the median known object, which goes on growing where novelty ends at 1."""
        away = distance(embeddings, self.bank)
        below = torch.searchsorted(self.levels, away.contiguous()).double() / (len(self.levels) - 1)
        middle = self.levels[len(self.levels) // 2].clamp(min=1e-6)
        return below.clamp(max=1.0).float(), (away.clamp(min=1e-6) / middle).log()

    def tensors(self) -> dict[str, Tensor]:
        """What a checkpoint stores."""
        return {"bank": self.bank, "levels": self.levels}

    @classmethod
    def of(cls, tensors: Mapping[str, Tensor]) -> "Familiar":
        """Read what `tensors` gave. Raises KeyError or ValueError when it is something else."""
        bank, levels = tensors["bank"].float(), tensors["levels"].float()
        if bank.ndim != 2 or levels.ndim != 1 or len(bank) < NEAREST or len(levels) < 2:
            raise ValueError(f"familiar: shapes {tuple(bank.shape)} and {tuple(levels.shape)} cannot be used")
        return cls(bank, levels)


def familiar(learned: Tensor, held: Tensor, seed: int) -> Familiar | None:
    """Describe what is known from embeddings of objects that were learned from (N, E), and of others of the same kind
    (H, E); None when either is too few to tell."""
    if min(len(learned), len(held)) < LEAST:
        return None
    order = torch.randperm(len(learned), generator=torch.Generator().manual_seed(seed))[:MOST]
    bank = F.normalize(learned[order].float(), dim=1)
    return Familiar(bank, torch.quantile(distance(held, bank), torch.linspace(0, 1, LEVELS)))


def distance(embeddings: Tensor, bank: Tensor) -> Tensor:
    """Euclidean distance (K,) of each embedding (K, E), scaled to length 1, to its `NEAREST`-th neighbour in the bank."""
    if not len(embeddings):
        return embeddings.new_zeros(0)
    apart = torch.cdist(F.normalize(embeddings.float(), dim=1), bank)
    return apart.kthvalue(NEAREST, dim=1).values
