"""NanoDet-g as a tagger: where in a photo each of COCO's 80 categories may be.

A small detector by RangiLyu (github.com/RangiLyu/nanodet, Apache License 2.0), written anew from
its topology: 34 convolutions, batch norms folded in. Only what tells categories apart is here;
what draws boxes is left out.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

#: What its weights were trained with, for red, green and blue in [0, 255]; its own order is BGR.
PIXEL_MEAN = (123.675, 116.28, 103.53)
PIXEL_STD = (58.395, 57.12, 57.375)
#: The input's sides are multiples of it: one position of the result is so many pixels wide.
STRIDE = 32
_SLOPE = 0.1
_RESIDUAL_BLOCKS = (1, 2, 2, 3)
_Triple = tuple[float, float, float]


class NanoDet(nn.Module):
    """The backbone, the pyramid and the classifying half of the heads.

    Args:
        num_classes: how many categories C.
        mean: per channel, of the pixels in [0, 1]: how the input was normalised.
        std: per channel, likewise; the defaults stand for pixels as they are.
        width: channels of the first convolution; the published network has 32.
    """

    rescale: Tensor
    shift: Tensor

    def __init__(
        self,
        num_classes: int = 80,
        mean: _Triple = (0.0, 0.0, 0.0),
        std: _Triple = (1.0, 1.0, 1.0),
        width: int = 32,
    ) -> None:
        super().__init__()
        self.stem = _convolution(3, width, stride=2)
        stages = [_CspStage(width, width, _RESIDUAL_BLOCKS[0], stride=1)]
        stages += [
            _CspStage(width * 2**n, width * 2**n, blocks, stride=2)
            for n, blocks in enumerate(_RESIDUAL_BLOCKS[1:], start=1)
        ]
        self.stages = nn.ModuleList(stages)
        levels = [width * 2**n for n in (2, 3, 4)]
        middle = levels[0]
        self.laterals = nn.ModuleList(nn.Conv2d(channels, middle, 1) for channels in levels)
        self.heads = nn.ModuleList(
            nn.Sequential(*_convolution(middle, middle), nn.Conv2d(middle, num_classes, 1))
            for _ in levels
        )
        # Before the padding, so it cannot be folded into the first convolution.
        ours, theirs = torch.tensor([mean, std]) * 255.0, torch.tensor([PIXEL_MEAN, PIXEL_STD])
        self.register_buffer("rescale", (ours[1] / theirs[1]).view(1, 3, 1, 1), persistent=False)
        shift = (ours[0] - theirs[0]) / theirs[1]
        self.register_buffer("shift", shift.view(1, 3, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) RGB → position scores (B, C, H/32, W/32).

        Each is the largest of the logits that the three levels give in its square of 32 × 32
        pixels: sixteen at stride 8, four at stride 16, one at stride 32.

        Args:
            images: normalised as the constructor was told; H and W are multiples of 32.
        """
        fine, middle, coarse = self.level_scores(images)
        blocks = torch.maximum(functional.max_pool2d(fine, 4), functional.max_pool2d(middle, 2))
        return torch.maximum(blocks, coarse)

    def classifiers(self) -> tuple[nn.Module, ...]:
        """The last convolution of each level, which gives the logits."""
        return tuple(head[-1] for head in self.heads)  # type: ignore[index]

    def level_scores(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(B, 3, H, W) → the logits of all categories at strides 8, 16 and 32: (B, C, h, w) each.

        Args:
            images: as for ``forward``.
        """
        x = self.stem(images * self.rescale + self.shift)
        x = functional.max_pool2d(x, 3, 2, 1)
        features = []
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        pyramid = self._pyramid(features[1:])
        fine, middle, coarse = (head(x) for head, x in zip(self.heads, pyramid, strict=True))
        return fine, middle, coarse

    def _pyramid(self, features: list[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """What is coarse reaches what is fine, then the other way round (a path aggregation)."""
        fine, middle, coarse = (
            lateral(level) for lateral, level in zip(self.laterals, features, strict=True)
        )
        middle = middle + _doubled(coarse)
        fine = fine + _doubled(middle)
        middle = middle + _halved(fine)
        return fine, middle, coarse + _halved(middle)


class _CspStage(nn.Module):
    """(B, D, h, w) → (B, 2 · channels, h / stride, w / stride): half of it goes past the blocks."""

    def __init__(self, inputs: int, channels: int, blocks: int, stride: int) -> None:
        super().__init__()
        self.entry = _convolution(inputs, channels, stride=stride)
        self.blocks = nn.Sequential(*(_ResidualBlock(channels) for _ in range(blocks)))
        self.exit = _convolution(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        x = self.entry(x)
        return torch.cat((self.exit(self.blocks(x)), x), dim=1)


class _ResidualBlock(nn.Module):
    """(B, D, h, w) → the same shape; what is residual is put beside, not added."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = _convolution(channels, channels // 2)
        self.second = _convolution(channels // 2, channels // 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        return torch.cat((self.second(x), x), dim=1)


def _convolution(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, 1), nn.LeakyReLU(_SLOPE))


def _doubled(x: Tensor) -> Tensor:
    # By a factor, not to a size: an export would take the size of its example for the only one.
    return functional.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


def _halved(x: Tensor) -> Tensor:
    # What bilinear interpolation to half an even size comes to.
    return functional.avg_pool2d(x, 2)
