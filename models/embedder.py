"""What a picture looks like, as 1,280 numbers: EfficientNet-Lite0, trained on ImageNet, batch norm folded in.

For novelty and for choosing different pictures to label; nothing here is trained further.

Tan & Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", ICML 2019, arXiv 1905.11946; the
Lite variants leave out squeeze-and-excitation and use ReLU6.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.prelabel import Picture, Prediction, Spec
from models.transforms import crop_resized

# kernel, stride of the first block, expansion, channels out, blocks
STAGES = (
    *((3, 1, 1, 16, 1), (3, 2, 6, 24, 2), (5, 2, 6, 40, 2), (3, 2, 6, 80, 3)),
    *((5, 1, 6, 112, 3), (5, 2, 6, 192, 4), (3, 1, 6, 320, 1)),
)
STEM, WIDTH, SIZE = 32, 1280, 224
MEAN, SCALE = 127.0, 128.0
BN_EPSILON = 1e-3


class SameConv(nn.Conv2d):
    """Convolution padded as TensorFlow's SAME does: with an odd number of pixels, the last goes to the far side."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__(inputs, outputs, kernel, stride, groups=groups)

    def forward(self, x: Tensor) -> Tensor:
        pads: list[int] = []
        for length, k, s in zip(
            (x.shape[-1], x.shape[-2]), self.kernel_size[::-1], self.stride[::-1], strict=True
        ):
            total = max((-(-length // s) - 1) * s + k - length, 0)
            pads += [total // 2, total - total // 2]
        return super().forward(F.pad(x, pads) if any(pads) else x)


class Block(nn.Module):
    """Inverted residual: expand, depthwise, project; added to its input where the shape stays."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = inputs * expansion
        self.expand = SameConv(inputs, wide, 1) if expansion > 1 else None
        self.depthwise = SameConv(wide, wide, kernel, stride, groups=wide)
        self.project = SameConv(wide, outputs, 1)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        y = x if self.expand is None else F.relu6(self.expand(x))
        y = self.project(F.relu6(self.depthwise(y)))
        return x + y if self.residual else y


class Embedder(nn.Module):
    """RGB images 0..255 (N, 3, H, W) -> unit vectors (N, 1280)."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = SameConv(3, STEM, 3, 2)
        blocks, channels = [], STEM
        for kernel, stride, expansion, outputs, count in STAGES:
            for number in range(count):
                blocks.append(Block(channels, outputs, kernel, stride if number == 0 else 1, expansion))
                channels = outputs
        self.blocks = nn.Sequential(*blocks)
        self.head = SameConv(channels, WIDTH, 1)

    def forward(self, images: Tensor) -> Tensor:
        x = (images.float() - MEAN) / SCALE
        x = self.blocks(F.relu6(self.stem(x)))
        return F.normalize(F.relu6(self.head(x)).mean(dim=(2, 3)), dim=1)


class PictureEmbedder:
    """The embedder behind the protocol of `models.prelabel`: one vector per picture, or one per box."""

    def __init__(self, network: Embedder, spec: Spec) -> None:
        self.network, self.spec = network.eval(), spec

    @torch.inference_mode()
    def predict(self, batch: Sequence[Picture]) -> list[Prediction]:
        """Return `embeddings` (1, 1280) of each picture, squeezed to a square, or (N, 1280) of its boxes (N, 4)."""
        return [self._one(picture) for picture in batch]

    def _one(self, picture: Picture) -> Prediction:
        height, width = picture.image.shape[:2]
        whole = np.array([[0, 0, width, height]], np.float32)
        boxes = whole if picture.boxes is None else np.asarray(picture.boxes, np.float32).reshape(-1, 4)
        if not len(boxes):
            return Prediction(boxes=boxes, embeddings=np.zeros((0, WIDTH), np.float32))
        crops = [
            crop_resized(picture.image, (float(x1), float(y1), float(x2), float(y2)), (SIZE, SIZE))
            for x1, y1, x2, y2 in boxes
        ]
        images = torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2)
        return Prediction(boxes=boxes, embeddings=self.network(images).numpy())
