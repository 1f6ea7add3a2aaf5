"""Backbones from the files of others: ResNets and vision transformers, or any network of timm.

A file says nowhere which network its weights are of, so it is told by their names and shapes, all
of them: what does not fit to the last tensor is not taken for it.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import timm
import torch
from torch import Tensor

from engine.api.errors import CheckpointError, ModelError
from engine.api.network_names import TIMM_PREFIX, network_name
from engine.checkpoints.csra_import import read_csra_checkpoint
from engine.checkpoints.csra_layout import UnknownNetworkError, read_layout
from engine.checkpoints.weights import shapes_of
from engine.models.registry import backbone_spec

#: Beside a backbone: a classifier, or what a method of pre-training had in its place.
_BESIDE = re.compile(
    r"(?:fc|fc_norm|heads?|head\d+|head_dist|classifier|last_linear|pre_logits|mask_token|"
    r"projector|projection|predictor|prototypes|decoder\w*)(?:\.|$)"
)
_POSITIONS = "pos_embed"
#: Width and depth of plain vision transformers → what timm calls them.
_VIT_SIZES = {
    (192, 12): "tiny",
    (384, 12): "small",
    (768, 12): "base",
    (1024, 24): "large",
    (1280, 32): "huge",
}
#: ResNets that differ in form, not only in depth.
_RESNETS = (
    *("wide_resnet50_2", "wide_resnet101_2", "resnext50_32x4d", "resnext101_32x4d"),
    *("resnext101_32x8d", "resnext101_64x4d", "resnet26", "seresnet50"),
)
#: Those that begin with three small convolutions.
_DEEP_STEMS = tuple(f"resnet{depth}d" for depth in (18, 26, 34, 50, 101, 152, 200))
_TORCHVISION_VIT = re.compile(r"(?P<before>(?:.*\.)?)conv_proj\.weight")
_TORCHVISION_NAMES = (
    (re.compile(r"class_token"), "cls_token"),
    (re.compile(r"conv_proj\."), "patch_embed.proj."),
    (re.compile(r"encoder\.pos_embedding"), _POSITIONS),
    (re.compile(r"encoder\.ln\."), "norm."),
    (re.compile(r"heads\.head\."), "head."),
    (re.compile(r"encoder\.layers\.encoder_layer_(\d{1,3})\."), r"blocks.\1."),
)
_TORCHVISION_PARTS = (
    (".self_attention.in_proj_", ".attn.qkv."),
    (".self_attention.out_proj.", ".attn.proj."),
    (".mlp.linear_1.", ".mlp.fc1."),
    (".mlp.linear_2.", ".mlp.fc2."),
    (".mlp.0.", ".mlp.fc1."),
    (".mlp.3.", ".mlp.fc2."),
    (".ln_1.", ".norm1."),
    (".ln_2.", ".norm2."),
)


@dataclass(frozen=True, eq=False)
class BackboneFile:
    """The weights of a backbone.

    Attributes:
        backbone: registry name.
        tensors: all of its weights by its own names, float32; positions of a vision transformer
            as many as the file has.
    """

    backbone: str
    tensors: dict[str, Tensor]


def read_backbone(path: Path, named: str = "") -> BackboneFile:
    """Read the weights of a backbone; a classifier in the file, or CSRA heads, are left out.

    Args:
        path: weights of torchvision, timm, the authors (the CutMix ResNet-101) or somebody's own,
            as .pth, .pt or .safetensors, as a state dict or in the tables that training scripts
            save it in. Nothing in it can run code.
        named: registry name of the network that it may be of, tried first; needed for networks
            that are no plain ResNet or vision transformer.

    Raises:
        CheckpointError: the file is damaged or hostile, or nobody can say which network it is.
    """
    tensors = _of_timm(read_csra_checkpoint(path).tensors)
    reasons: dict[str, str] = {}
    for name in _candidates(path.name, tensors, named):
        found = _fitting(tensors, name)
        if not isinstance(found, str):
            return BackboneFile(name, found)
        reasons[name] = found
    told = f" It is not {named!r} either: {reasons[named]}." if named in reasons else ""
    raise CheckpointError(
        f"{path.name!r} is no start: its weights, with names like {min(tensors)[:80]!r}, are of no "
        f"ResNet or vision transformer that can be told by them.{told} If timm has the network, "
        f"name it: --backbone {TIMM_PREFIX}NAME."
    )


def _candidates(file_name: str, tensors: Mapping[str, Tensor], named: str) -> Iterator[str]:
    if named and not network_name(named).is_composite:
        yield named
    with contextlib.suppress(UnknownNetworkError):
        yield read_layout(file_name, tensors).backbone
    yield from (TIMM_PREFIX + name for name in _of_family(tensors))


def _of_family(tensors: Mapping[str, Tensor]) -> list[str]:
    """The networks of timm that such names can be of."""
    if "layer1.0.conv1.weight" in tensors:
        return list(_DEEP_STEMS if "conv1.0.weight" in tensors else _RESNETS)
    patches = tensors.get("patch_embed.proj.weight")
    if patches is None or patches.ndim != 4:
        return []
    depth = len({key.split(".")[1] for key in tensors if key.startswith("blocks.")})
    size = _VIT_SIZES.get((patches.shape[0], depth))
    names = [f"vit_{size}_patch{patches.shape[-1]}_{side}" for side in (224, 384)]
    return [name for name in names if size is not None and timm.is_model(name)]


def _fitting(tensors: Mapping[str, Tensor], name: str) -> dict[str, Tensor] | str:
    """The weights of a backbone by its own names, or why they are none."""
    try:
        own = _shapes(name)
    except ModelError as error:
        return str(error).rstrip(".")
    before = _before(tensors, own)
    for key, shape in own.items():
        found = tensors.get(before + key)
        if found is None:
            return f"{key!r} is missing"
        if found.shape != shape and key != _POSITIONS:
            return f"{key!r} is {tuple(found.shape)} and should be {shape}"
    # A weight that nothing is known of would be left out, and the network be another one.
    others = [key.removeprefix(before) for key in tensors if key.startswith(before)]
    unknown = [key for key in others if key not in own and not _BESIDE.match(key)]
    if unknown:
        return f"{min(unknown)[:80]!r} in it is unknown there"
    return {key: tensors[before + key] for key in own}


@lru_cache(maxsize=32)
def _shapes(name: str) -> Mapping[str, tuple[int, ...]]:
    spec = backbone_spec(name)
    try:
        with torch.device("meta"):  # which costs no memory
            network = spec.build(spec.default_size).network
    except (RuntimeError, NotImplementedError):  # some networks of timm count while they are made
        network = spec.build(spec.default_size).network
    return shapes_of(network.state_dict())


def _before(tensors: Mapping[str, Tensor], own: Mapping[str, object]) -> str:
    """What stands before the names of a network's weights."""
    first = next(iter(own))
    places = [key.removesuffix(first) for key in tensors if f".{key}".endswith(f".{first}")]
    return next((p for p in places if all(p + key in tensors for key in own)), "")


def _of_timm(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Give torchvision's vision transformer the names of timm's, which computes the same."""
    found = next((m for key in tensors if (m := _TORCHVISION_VIT.fullmatch(key))), None)
    if found is None:
        return tensors
    before = found["before"]
    named = {}
    for key, tensor in tensors.items():
        if not key.startswith(before):
            continue
        name = key.removeprefix(before)
        for pattern, replacement in _TORCHVISION_NAMES:
            if match := pattern.match(name):
                name = match.expand(replacement) + name[match.end() :]
                break
        for theirs, ours in _TORCHVISION_PARTS:
            name = name.replace(theirs, ours)
        named[name] = tensor
    return named
