"""Fine-tuning: seeded, bounded by wall time and by steps, with an averaged copy of the weights as its result."""

import copy
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import nn

from models.dataset import CropSampler
from models.detector import Detector, locations
from models.losses import detection_loss

EMA_HALF_LIFE = 0.03  # of all steps; the averaged weights are what is kept


@dataclass(frozen=True, slots=True)
class TrainOptions:
    """One run of optimisation. `budget_s` is wall seconds, `steps` the planned number; whichever ends first."""

    steps: int = 400
    budget_s: float = 120.0
    batch: int = 8
    lr: float = 1e-3
    head_lr: float = 1e-3
    weight_decay: float = 0.05
    warmup: int = 20
    clip: float = 10.0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class TrainReport:
    """What a run cost and where it ended."""

    steps: int
    wall_s: float
    cpu_s: float
    loss: float
    half_precision: bool


def with_labels(
    detector: Detector, labels: tuple[str, ...], strides: tuple[int, ...] | None = None
) -> Detector:
    """Copy a detector for other classes. Rows of classes with the same name are kept; a new one starts as the mean of
    all old rows (something is here) with a bias of about 2 % chance."""
    config = replace(detector.config, labels=labels, strides=strides or detector.config.strides)
    fresh = Detector(config)
    state = detector.state_dict()
    old = {name: i for i, name in enumerate(detector.config.labels)}
    count = len(old)
    for level in range(len(config.strides)):
        weight, bias = state[f"heads.{level}.out.weight"], state[f"heads.{level}.out.bias"]
        rows = [weight[old[n]] if n in old else weight[:count].mean(0) for n in labels]
        biases = [bias[old[n]] if n in old else torch.tensor(-math.log(49.0)) for n in labels]
        state[f"heads.{level}.out.weight"] = torch.cat((torch.stack(rows), weight[count:]))
        state[f"heads.{level}.out.bias"] = torch.cat((torch.stack(biases), bias[count:]))
    fresh.load_state_dict({name: state[name] for name in fresh.state_dict()})
    return fresh.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def has_fast_half() -> bool:
    """Whether bfloat16 convolutions are fast here (AMX, or a GPU); else they are emulated and slower than float32."""
    check = getattr(torch.cpu, "_is_amx_tile_supported", None)
    return torch.cuda.is_available() or bool(check and check())


def train(
    detector: Detector,
    sampler: CropSampler,
    options: TrainOptions,
    progress: Callable[[int, int, float], None] | None = None,
) -> tuple[Detector, TrainReport]:
    """Optimise `detector` in place and return an averaged copy and a report. Raises FloatingPointError on divergence.

    The learning rate follows a cosine over whichever is further along, steps or budget, so that a slow machine that
    runs out of time still ends at a low rate.
    """
    torch.manual_seed(options.seed)
    detector.train()
    averaged = copy.deepcopy(detector)
    optimiser = torch.optim.AdamW(
        _groups(detector, options), betas=(0.9, 0.99), weight_decay=options.weight_decay
    )
    base = [group["lr"] for group in optimiser.param_groups]
    half = has_fast_half()
    grid = locations(sampler.options.size, sampler.options.size, detector.config.strides)
    started, cpu_started = time.monotonic(), time.process_time()
    done, smooth = 0, float("nan")
    while (share := max(done / options.steps, (time.monotonic() - started) / options.budget_s)) < 1:
        rate = _rate(share, done, options.warmup)
        for group, lr in zip(optimiser.param_groups, base, strict=True):
            group["lr"] = lr * rate
        images, targets = sampler.batch(options.batch)
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            logits, sides = detector(images)
        loss = detection_loss(logits, sides, grid, targets)["total"]
        if not torch.isfinite(loss):
            raise FloatingPointError(
                f"the loss became {float(loss.detach())} at step {done}; lower the learning rate"
            )
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(detector.parameters(), options.clip)
        optimiser.step()
        done += 1
        _average(averaged, detector, done, share)
        value = float(loss.detach())
        smooth = value if math.isnan(smooth) else 0.95 * smooth + 0.05 * value
        if progress:
            progress(done, options.steps, smooth)
    report = TrainReport(done, time.monotonic() - started, time.process_time() - cpu_started, smooth, half)
    return averaged.eval(), report


def _groups(detector: Detector, options: TrainOptions) -> list[dict]:
    """Heads and body may learn at different rates; biases do not decay."""
    groups: dict[tuple[bool, bool], list[nn.Parameter]] = {}
    for name, parameter in detector.named_parameters():
        groups.setdefault((name.startswith("heads"), parameter.ndim > 1), []).append(parameter)
    return [
        {
            "params": parameters,
            "lr": options.head_lr if head else options.lr,
            "weight_decay": options.weight_decay if decays else 0.0,
        }
        for (head, decays), parameters in groups.items()
    ]


def _rate(share: float, done: int, warmup: int) -> float:
    return min(1.0, (done + 1) / warmup) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(share, 1.0))))


@torch.no_grad()
def _average(averaged: Detector, detector: Detector, done: int, share: float) -> None:
    """Exponential moving average whose memory is a share of the steps expected, short at first."""
    expected = done / max(share, 1e-3)
    keep = min(0.5 ** (1 / max(1.0, EMA_HALF_LIFE * expected)), done / (done + 4))
    for target, source in zip(averaged.parameters(), detector.parameters(), strict=True):
        target.lerp_(source, 1 - keep)
