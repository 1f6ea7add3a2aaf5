"""The layouts of official CSRA files: which tensor is what, read from names and shapes alone.

There are three. A ResNet has torchvision's names, a ViT timm's; both end in
``classifier.multi_head.{h}.head.weight`` of shape (C, D, 1, 1). The released COCO ViT-L16 files do
not match the published code: they have ``head1`` … ``head8`` with a bias each, an unused ``head``,
and positions for 448 pixels.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.api.errors import CheckpointError
from engine.models.positions import grid_side

_HEAD = re.compile(r"classifier\.multi_head\.(\d{1,3})\.head\.(weight|bias)")
_RELEASED_HEAD = re.compile(r"head(\d{1,3})\.(weight|bias)")
_BLOCK = re.compile(r"layer([1-4])\.(\d{1,3})\.")
_VIT_BLOCK = re.compile(r"blocks\.(\d{1,3})\.")
#: ImageNet's classifier, which a backbone's file can still have.
_IMAGENET_HEADS = ("fc.weight", "fc.bias", "head.weight", "head.bias")
#: Blocks per stage and whether they are bottlenecks → backbone.
_RESNETS: dict[tuple[tuple[int, ...], bool], str] = {
    ((2, 2, 2, 2), False): "resnet18",
    ((3, 4, 6, 3), False): "resnet34",
    ((3, 4, 6, 3), True): "resnet50",
    ((3, 4, 23, 3), True): "resnet101",
    ((3, 8, 36, 3), True): "resnet152",
}
PATCH = 16
#: Width and depth → backbone.
_VITS = {(768, 12): "vit_b16", (1024, 24): "vit_l16"}


class UnknownNetworkError(CheckpointError):
    """The weights are sound, and not those of a network that the paper uses."""


@dataclass(frozen=True)
class Layout:
    """What the tensors of a file are.

    Attributes:
        backbone: registry name.
        network: its weights by the names in the file, without any classifier.
        weight: (num_heads, C, D) of the CSRA heads; ``None`` for a backbone alone.
        bias: (num_heads, C) of the heads, if they have one.
        released: the heads are named as in the released COCO ViT files.
        side: patches along each side that a ViT's positions are for; ``None`` for a ResNet.
    """

    backbone: str
    network: dict[str, Tensor]
    weight: Tensor | None
    bias: Tensor | None
    released: bool
    side: int | None


def read_layout(name: str, tensors: Mapping[str, Tensor]) -> Layout:
    """Find out what a file holds.

    Args:
        name: of the file, for messages.
        tensors: its weights.

    Raises:
        UnknownNetworkError: they are not those of a network that the paper uses.
        CheckpointError: they are, but do not fit together.
    """
    backbone = _backbone(name, tensors)
    weights, biases, released = _heads(name, tensors)
    rest = {k: t for k, t in tensors.items() if not (_HEAD.fullmatch(k) or _is_other_head(k))}
    side = grid_side(tensors["pos_embed"]) if "pos_embed" in tensors else None
    if backbone in _VITS.values() and side is None:
        raise CheckpointError(f"{name!r} cannot be used: its positions make no square.")
    return Layout(backbone, rest, weights, biases, released, side)


def official_head_names(num_heads: int, *, released: bool) -> list[str]:
    """How the heads are named in a file, without ``.weight`` and ``.bias``."""
    if released:
        return [f"head{h + 1}" for h in range(num_heads)]
    return [f"classifier.multi_head.{h}.head" for h in range(num_heads)]


def _is_other_head(key: str) -> bool:
    return key in _IMAGENET_HEADS or _RELEASED_HEAD.fullmatch(key) is not None


def _backbone(name: str, tensors: Mapping[str, Tensor]) -> str:
    if "layer1.0.conv1.weight" in tensors:
        stages: dict[str, set[str]] = {stage: set() for stage in "1234"}
        for key in tensors:
            if match := _BLOCK.match(key):
                stages[match[1]].add(match[2])
        blocks = tuple(len(stage) for stage in stages.values())
        found = _RESNETS.get((blocks, "layer1.0.conv3.weight" in tensors))
        if found is None:
            raise UnknownNetworkError(
                f"{name!r} cannot be used: a ResNet with {blocks} blocks is not one of the paper's "
                "(18, 34, 50, 101 or 152 layers)."
            )
        return found
    if {"patch_embed.proj.weight", "pos_embed", "blocks.0.attn.qkv.weight"} <= tensors.keys():
        depth = len({match[1] for key in tensors if (match := _VIT_BLOCK.match(key))})
        width = tensors["patch_embed.proj.weight"].shape[0]
        found = _VITS.get((width, depth))
        if found is None:
            raise UnknownNetworkError(
                f"{name!r} cannot be used: a ViT of width {width} and depth {depth} is not one of "
                "the paper's (B16: 768 and 12, L16: 1024 and 24)."
            )
        return found
    raise UnknownNetworkError(
        f"{name!r} cannot be used: these weights are not a CSRA network (ResNet or ViT with the "
        f"official names); they have names like {min(tensors)[:80]!r}."
    )


def _heads(name: str, tensors: Mapping[str, Tensor]) -> tuple[Tensor | None, Tensor | None, bool]:
    """Weights (num_heads, C, D), biases (num_heads, C), and whether named as released."""
    official = {k for k in tensors if _HEAD.fullmatch(k)}
    other = {k for k in tensors if _RELEASED_HEAD.fullmatch(k)}
    if not official and not other:
        return None, None, False
    if official and other:
        raise CheckpointError(f"{name!r} cannot be used: it has heads of two kinds.")
    keys, released = official or other, bool(other)
    num_heads = sum(key.endswith(".weight") for key in keys)
    names = official_head_names(num_heads, released=released)
    has_bias = len(keys) > num_heads
    expected = {f"{n}.weight" for n in names} | {f"{n}.bias" for n in names if has_bias}
    if keys != expected:
        raise CheckpointError(
            f"{name!r} cannot be used: its heads are incomplete or numbered with gaps (for "
            f"example {min(keys ^ expected)!r})."
        )
    weights = [_as_matrix(name, tensors[f"{n}.weight"]) for n in names]
    biases = [tensors[f"{n}.bias"] for n in names] if has_bias else []
    return _stacked(name, weights), _stacked(name, biases) if has_bias else None, released


def _as_matrix(name: str, weight: Tensor) -> Tensor:
    if weight.ndim == 4 and weight.shape[2:] == (1, 1):
        return weight[:, :, 0, 0]
    if weight.ndim != 2:
        raise CheckpointError(
            f"{name!r} cannot be used: a head has the shape {tuple(weight.shape)}, not "
            "(categories, features, 1, 1)."
        )
    return weight


def _stacked(name: str, tensors: list[Tensor]) -> Tensor:
    if len({tuple(t.shape) for t in tensors}) != 1:
        raise CheckpointError(f"{name!r} cannot be used: its heads differ in shape.")
    return torch.stack(tensors)
