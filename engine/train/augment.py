"""Changing training images: crop, mirror, recolour, cut out.

Everything is drawn from the generator that is handed in, so an image of an epoch is the same
whoever makes it, and whenever: after a restart, and in whichever process.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from torchvision.transforms.v2 import functional as change

from engine.api.training_config import AugmentConfig

_TRIES = 10
_GREY = 127

#: Strength from −1 to 1, applied to (3, H, W) uint8.
_Op = Callable[[Tensor, float], Tensor]


def _affine(image: Tensor, angle: float = 0.0, shear: float = 0.0) -> Tensor:
    changed: Tensor = change.affine(
        image, angle, [0, 0], 1.0, [shear, 0.0], change.InterpolationMode.BILINEAR, [_GREY] * 3
    )
    return changed


_OPS: tuple[_Op, ...] = (
    lambda image, _: image,
    lambda image, s: change.adjust_brightness(image, 1.0 + 0.9 * s),
    lambda image, s: change.adjust_contrast(image, 1.0 + 0.9 * s),
    lambda image, s: change.adjust_saturation(image, 1.0 + 0.9 * s),
    lambda image, s: change.adjust_sharpness(image, 1.0 + 0.9 * s),
    lambda image, s: change.posterize(image, 8 - round(4 * abs(s))),
    lambda image, s: change.solarize(image, round(255 * (1.0 - abs(s)))),
    lambda image, _: change.autocontrast(image),
    lambda image, _: change.equalize(image),
    lambda image, s: _affine(image, angle=30.0 * s),
    lambda image, s: _affine(image, shear=17.0 * s),
)


def augmented(
    pixels: NDArray[np.uint8],
    aspect: float,
    size: int,
    config: AugmentConfig,
    rng: np.random.Generator,
) -> Tensor:
    """One image, changed.

    Args:
        pixels: (S, S, 3), squashed to a square.
        aspect: width / height before that.
        size: of the result.
        config: which changes; mixing is none of this function's business.
        rng: what is drawn comes from it.

    Returns:
        (3, size, size) uint8.
    """
    left, top, width, height = crop_box(aspect, config, rng)
    side = len(pixels)
    rows = slice(round(top * side), max(round(top * side) + 1, round((top + height) * side)))
    columns = slice(round(left * side), max(round(left * side) + 1, round((left + width) * side)))
    image = torch.from_numpy(np.array(pixels[rows, columns])).permute(2, 0, 1)
    image = resized(image, size)
    if config.flip and rng.random() < 0.5:
        image = image.flip(2)
    for _ in range(config.num_ops):
        operation = _OPS[rng.integers(len(_OPS))]
        image = operation(image, config.magnitude * rng.uniform(-1.0, 1.0))
    return _cut_out(image, config.cutout, rng) if config.cutout else image


def resized(image: Tensor, size: int) -> Tensor:
    """(3, h, w) uint8 → (3, size, size) uint8."""
    if image.shape[1:] == (size, size):
        return image
    return functional.interpolate(image[None], size=(size, size), mode="bilinear", antialias=True)[
        0
    ]


def crop_box(
    aspect: float, config: AugmentConfig, rng: np.random.Generator
) -> tuple[float, float, float, float]:
    """Left, top, width and height, as shares of the picture's width and height.

    Drawn as torchvision's RandomResizedCrop does, but where all of the area is kept nothing is cut:
    that would make an oblong picture one of ``crop_ratio``, by half of what is in it.
    """
    if not config.crops:
        return 0.0, 0.0, 1.0, 1.0
    for _ in range(_TRIES):
        area = aspect * rng.uniform(*config.crop_scale)
        low, high = config.crop_ratio
        ratio = math.exp(rng.uniform(math.log(low), math.log(high)))
        width, height = math.sqrt(area * ratio) / aspect, math.sqrt(area / ratio)
        if width <= 1.0 and height <= 1.0:
            return rng.uniform(0.0, 1.0 - width), rng.uniform(0.0, 1.0 - height), width, height
    low, high = config.crop_ratio
    width, height = min(1.0, high / aspect), min(1.0, aspect / low)
    return (1.0 - width) / 2, (1.0 - height) / 2, width, height


def _cut_out(image: Tensor, share: float, rng: np.random.Generator) -> Tensor:
    size = image.shape[2]
    half = max(1, round(share * size / 2))
    row, column = (int(place) for place in rng.integers(size, size=2))
    image = image.clone()
    image[:, max(0, row - half) : row + half, max(0, column - half) : column + half] = _GREY
    return image
