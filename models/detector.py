"""The box detector: NanoDet-g, written to be read alone.

A small one-stage, anchor-free detector (3.8 M parameters): a plain CSP backbone, a path-aggregation neck of additions
and one light head per level that gives class logits and, for each of the four sides, a distribution over distances
(generalised focal loss). Batch norm is folded into the convolutions, so fine-tuning on small batches needs no care.

NanoDet: https://github.com/RangiLyu/nanodet (Apache-2.0). Distribution of distances: Li et al., "Generalized Focal
Loss", NeurIPS 2020, arXiv 2006.04388.
"""

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

STEM = 32
STAGES = ((32, 1, 1), (64, 2, 2), (128, 2, 2), (256, 3, 2))  # channels in, residual blocks, stride


@dataclass(frozen=True, slots=True)
class DetectorConfig:
    """Shape of the network and of its input. `mean` and `std` are of blue, green, red in 0..255, the order it eats."""

    labels: tuple[str, ...]
    reg_max: int = 10
    neck: int = 128
    strides: tuple[int, ...] = (8, 16, 32)
    mean: tuple[float, float, float] = (103.53, 116.28, 123.675)
    std: tuple[float, float, float] = (57.375, 57.12, 58.395)


def conv3(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, 1), nn.LeakyReLU(0.1, inplace=True))


class Pair(nn.Module):
    """Two convolutions of half the width, the second on top of the first, side by side: C -> C."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = conv3(channels, channels // 2)
        self.second = conv3(channels // 2, channels // 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        return torch.cat((self.second(x), x), dim=1)


class Stage(nn.Module):
    """Cross-stage partial block: C, H, W -> 2C, H / stride, W / stride."""

    def __init__(self, channels: int, pairs: int, stride: int) -> None:
        super().__init__()
        self.enter = conv3(channels, channels, stride)
        self.pairs = nn.Sequential(*(Pair(channels) for _ in range(pairs)))
        self.leave = conv3(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        x = self.enter(x)
        return torch.cat((self.leave(self.pairs(x)), x), dim=1)


class Head(nn.Module):
    """Class logits and side distributions of one level, in two steps: `mix`, (N, neck, h, w) -> the same shape, which is
    what an object looks like to the network, and `out` -> (N, labels + 4 (reg_max + 1), h, w)."""

    def __init__(self, config: DetectorConfig) -> None:
        super().__init__()
        self.mix = conv3(config.neck, config.neck)
        self.out = nn.Conv2d(config.neck, len(config.labels) + 4 * (config.reg_max + 1), 1)


class Detector(nn.Module):
    """Images in, raw predictions at every location of three levels out. `models.decode` turns those into boxes."""

    mean: Tensor
    std: Tensor

    def __init__(self, config: DetectorConfig) -> None:
        super().__init__()
        self.config = config
        self.stem = conv3(3, STEM, 2)
        self.stages = nn.ModuleList(Stage(*shape) for shape in STAGES)
        self.lateral = nn.ModuleList(nn.Conv2d(c, config.neck, 1) for c in (128, 256, 512))
        self.heads = nn.ModuleList(Head(config) for _ in config.strides)
        self.register_buffer("mean", torch.tensor(config.mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(config.std).view(1, 3, 1, 1), persistent=False)

    def normalise(self, images: Tensor) -> Tensor:
        """RGB uint8 or float 0..255, (N, 3, H, W) -> what the network eats, channels last."""
        x = (images.float().flip(1) - self.mean) / self.std
        return x.contiguous(memory_format=torch.channels_last)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """RGB images (N, 3, H, W), H and W multiples of 32 -> logits (N, A, labels), sides (N, A, 4, reg_max + 1).

        A = H W (1/64 + 1/256 + 1/1024): the locations of `locations(H, W, strides)`, level after level, row after row.
        Images are 0..255; values outside the picture proper should be the mean colour or 0.
        """
        return self.read(self.features(images))

    def features(self, images: Tensor) -> list[Tensor]:
        """RGB images -> per level what its head decides from, (N, neck, h, w)."""
        if images.shape[-1] % 32 or images.shape[-2] % 32:
            raise ValueError(f"image sides must be multiples of 32, got {tuple(images.shape[-2:])}")
        x = F.max_pool2d(self.stem(self.normalise(images)), 3, 2, 1)  # (N, 32, H/4, W/4)
        features = []
        for number, stage in enumerate(self.stages):
            x = stage(x)  # (N, 64, H/4), (N, 128, H/8), (N, 256, H/16), (N, 512, H/32)
            if number:
                features.append(self.lateral[number - 1](x))  # (N, 128, ...)
        levels = aggregate(*features)[: len(self.heads)]
        return [cast(Head, head).mix(level) for head, level in zip(self.heads, levels, strict=True)]

    def read(self, features: list[Tensor]) -> tuple[Tensor, Tensor]:
        """What `features` gives -> logits and sides, as `forward` does."""
        heads = (cast(Head, head) for head in self.heads)
        outputs = [head.out(seen).flatten(2) for head, seen in zip(heads, features, strict=True)]
        merged = torch.cat(outputs, dim=2).transpose(1, 2).float()  # (N, A, labels + 44)
        count = len(self.config.labels)
        return merged[..., :count], merged[..., count:].unflatten(-1, (4, self.config.reg_max + 1))


def aggregate(p3: Tensor, p4: Tensor, p5: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Path aggregation by bilinear resizing and addition: coarse to fine, then fine to coarse."""
    p4 = p4 + resize_like(p5, p4)
    p3 = p3 + resize_like(p4, p3)
    n4 = p4 + resize_like(p3, p4)
    n5 = p5 + resize_like(n4, p5)
    return p3, n4, n5


def resize_like(x: Tensor, target: Tensor) -> Tensor:
    return F.interpolate(x, size=target.shape[-2:], mode="bilinear", align_corners=False)


def locations(height: int, width: int, strides: tuple[int, ...]) -> Tensor:
    """Centres and strides of all predictions, (A, 3): x, y, stride in pixels of the network's input."""
    rows = []
    for stride in strides:
        ys, xs = torch.meshgrid(torch.arange(height // stride), torch.arange(width // stride), indexing="ij")
        centres = (torch.stack((xs, ys), dim=-1).flatten(0, 1).float() + 0.5) * stride
        rows.append(torch.cat((centres, torch.full((len(centres), 1), float(stride))), dim=1))
    return torch.cat(rows)


COCO_NAMES = """
person,bicycle,car,motorcycle,airplane,bus,train,truck,boat,traffic light,fire hydrant,stop sign,parking meter,bench,
bird,cat,dog,horse,sheep,cow,elephant,bear,zebra,giraffe,backpack,umbrella,handbag,tie,suitcase,frisbee,skis,snowboard,
sports ball,kite,baseball bat,baseball glove,skateboard,surfboard,tennis racket,bottle,wine glass,cup,fork,knife,spoon,
bowl,banana,apple,sandwich,orange,broccoli,carrot,hot dog,pizza,donut,cake,chair,couch,potted plant,bed,dining table,
toilet,tv,laptop,mouse,remote,keyboard,cell phone,microwave,oven,toaster,sink,refrigerator,book,clock,vase,scissors,
teddy bear,hair drier,toothbrush
"""
COCO_LABELS = tuple(COCO_NAMES.replace("\n", "").split(","))
