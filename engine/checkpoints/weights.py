"""Weights from any file, and checks on them before a network gets them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from engine.api.config import ModelConfig
from engine.api.errors import CheckpointError
from engine.models.classifier import Classifier
from engine.models.registry import BACKBONES
from engine.texts import reason_text

_COUNTER = "num_batches_tracked"


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file.

    Raises:
        CheckpointError: it is damaged.
    """
    try:
        return safetensors.torch.load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(
            f"{path.name!r} is damaged ({reason_text(error)}). Download or export it again."
        ) from error


def check_weights(name: str, tensors: Mapping[str, Tensor]) -> None:
    """Refuse weights that load but cannot work.

    Args:
        name: of the file.
        tensors: floating point.

    Raises:
        CheckpointError: a value is not finite, or a variance is negative.
    """
    for key, tensor in tensors.items():
        if not torch.isfinite(tensor).all():
            raise CheckpointError(
                f"{name!r} cannot be used: the weights in {key!r} hold values that are not numbers."
            )
        if key.endswith("running_var") and (tensor < 0).any():
            raise CheckpointError(f"{name!r} cannot be used: {key!r} holds a negative variance.")


def check_fit(
    name: str, expected: Mapping[str, tuple[int, ...]], found: Mapping[str, tuple[int, ...]]
) -> None:
    """Refuse weights that are not exactly those of a network.

    Args:
        name: of the file.
        expected: shape of each of the network's weights.
        found: shape of each in the file.

    Raises:
        CheckpointError: some are missing or unknown, or one has another shape; it names one.
    """
    missing, extra = expected.keys() - found.keys(), found.keys() - expected.keys()
    if missing or extra:
        raise CheckpointError(
            f"{name!r} does not fit the model it describes: {len(missing)} weights are missing and "
            f"{len(extra)} are unknown (for example {min(missing or extra)[:100]!r})."
        )
    for key, shape in expected.items():
        if found[key] != shape:
            raise CheckpointError(
                f"{name!r} does not fit the model it describes: {key!r} is {found[key]} and "
                f"should be {shape}."
            )


def load_exactly(name: str, module: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Give a network its weights, in place; counters of batch norms keep what they have.

    Raises:
        CheckpointError: they do not fit.
    """
    check_fit(name, shapes_of(module.state_dict()), shapes_of(tensors))
    module.load_state_dict(tensors, strict=False)  # only the counters are missing


def shapes_of(tensors: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    """The shape of each tensor, without the counters of batch norms."""
    return {k: tuple(t.shape) for k, t in tensors.items() if not k.endswith(_COUNTER)}


@lru_cache(maxsize=16)
def classifier_shapes(config: ModelConfig) -> Mapping[str, tuple[int, ...]]:
    """The shape of each weight of a model, without making the model.

    A few bytes can describe a network of many gigabytes; on the "meta" device it costs no memory.

    Raises:
        ModelError: there is no such backbone, or it cannot take this size.
    """
    with torch.device("meta"):
        return shapes_of(Classifier(config).state_dict())


def classifier_to_fill(config: ModelConfig) -> Classifier:
    """A model whose weights are about to be replaced, all of them.

    Raises:
        ModelError: there is no such backbone, or it cannot take this size.
    """
    if config.backbone not in BACKBONES:
        return Classifier(config)
    # Random weights take seconds to make. Networks of timm at large can keep tables that are no
    # part of their weights; those of the paper keep none, so an empty one can be filled.
    with torch.device("meta"):
        empty = Classifier(config)
    classifier = empty.to_empty(device="cpu")
    for name, buffer in classifier.named_buffers():
        if name.endswith(_COUNTER):
            buffer.zero_()
    return classifier
