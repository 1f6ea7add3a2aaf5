"""The backbones that can be asked for by name, and the pixels that each expects."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import timm

from engine.api.config import PreprocessConfig, ResizeMode
from engine.api.errors import ModelError
from engine.api.network_names import TIMM_PREFIX, network_name
from engine.models.backbones import Backbone, timm_backbone, torchvision_resnet
from engine.models.composite import CompositeBackbone

# A name from a file must never become a download address: timm takes "hf_hub:…" as one.
_TIMM_NAME = re.compile(r"[A-Za-z0-9_.]{1,100}")
_Triple = tuple[float, float, float]


@dataclass(frozen=True)
class BackboneSpec:
    """How to build a backbone, and how its images are prepared.

    Attributes:
        name: registry name.
        build: makes it with random weights for an input size in pixels.
        mean: per channel, of pixels in [0, 1].
        std: per channel, of pixels in [0, 1].
        default_size: of the square input in pixels.
    """

    name: str
    build: Callable[[int], Backbone]
    mean: _Triple
    std: _Triple
    default_size: int

    def preprocess(
        self, input_size: int | None = None, resize: ResizeMode = "squash"
    ) -> PreprocessConfig:
        """How images are prepared for this backbone; ``None`` is its default size."""
        return PreprocessConfig(input_size or self.default_size, resize, self.mean, self.std)


def _resnet(depth: int) -> BackboneSpec:
    # The official code feeds ResNets [0, 1] without ImageNet's statistics, although their weights
    # were trained with them.
    zeros, ones = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
    return BackboneSpec(f"resnet{depth}", lambda _size: torchvision_resnet(depth), zeros, ones, 448)


def _vit(name: str, network: str) -> BackboneSpec:
    half = (0.5, 0.5, 0.5)
    return BackboneSpec(name, partial(timm_backbone, network), half, half, 224)


#: The paper's backbones, by name; ``timm:NAME`` gives any other.
BACKBONES: dict[str, BackboneSpec] = {
    spec.name: spec
    for spec in (
        *(_resnet(depth) for depth in (18, 34, 50, 101, 152)),
        _vit("vit_b16", "vit_base_patch16_224"),
        _vit("vit_l16", "vit_large_patch16_224"),
    )
}


def backbone_spec(name: str) -> BackboneSpec:
    """The backbone of a name.

    Args:
        name: one of ``BACKBONES``, or ``timm:NAME``; behind it may be what ``network_name`` knows.

    Raises:
        ModelError: no backbone has this name.
    """
    if name in BACKBONES:
        return BACKBONES[name]
    parts = network_name(name)
    if parts.is_composite:
        return replace(backbone_spec(parts.plain), name=name, build=partial(build_backbone, name))
    plain = name.removeprefix(TIMM_PREFIX)
    if plain == name or not _TIMM_NAME.fullmatch(plain) or not timm.is_model(plain):
        raise ModelError(
            f"There is no backbone {name[:80]!r}. There are {', '.join(BACKBONES)}, "
            "and timm:NAME for those of timm."
        )
    config = timm.get_pretrained_cfg(plain)
    half = (0.5, 0.5, 0.5)
    if plain.startswith("tf_efficientnet_lite"):
        # Google trained these on (x·255 − 127) / 128; timm rounds that to a half.
        mean, std = (127 / 255,) * 3, (128 / 255,) * 3
        return BackboneSpec(name, partial(timm_backbone, plain), mean, std, 224)
    return BackboneSpec(
        name,
        partial(timm_backbone, plain),
        mean=half if config is None else _triple(config.mean),
        std=half if config is None else _triple(config.std),
        default_size=224 if config is None else int(config.input_size[-1]),
    )


def _triple(values: Sequence[float]) -> _Triple:
    red, green, blue = values
    return red, green, blue


def build_backbone(name: str, input_size: int, pixels: PreprocessConfig | None = None) -> Backbone:
    """A backbone with random weights.

    Args:
        name: registry name.
        input_size: side of its square input in pixels.
        pixels: how they are normalised, which NanoDet must know; ``None`` is as the name says.

    Raises:
        ModelError: there is none of this name, or it cannot take this size.
    """
    parts = network_name(name)
    spec = backbone_spec(parts.plain)
    backbone = spec.build(input_size)
    if not parts.is_composite:
        return backbone
    pixels = replace(pixels or spec.preprocess(), input_size=input_size)
    return CompositeBackbone(backbone, parts, pixels)
