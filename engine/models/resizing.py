"""The same network at another input size."""

from __future__ import annotations

import math
from dataclasses import replace

from torch import Tensor

from engine.api.errors import ModelError
from engine.models.classifier import Classifier
from engine.models.positions import resample_positions

_POSITIONS = "backbone.network.pos_embed"


def resized(classifier: Classifier, input_size: int) -> Classifier:
    """A classifier with the same weights for another size; position embeddings are interpolated.

    Args:
        classifier: in evaluation mode.
        input_size: side of the square input in pixels.

    Raises:
        ModelError: the network cannot take this size.
        ConfigError: no network can.
    """
    config = classifier.config
    if input_size == config.preprocess.input_size:
        return classifier
    other = Classifier(
        replace(config, preprocess=replace(config.preprocess, input_size=input_size))
    )
    weights = classifier.state_dict()
    wanted = other.state_dict()
    if _POSITIONS in wanted and weights[_POSITIONS].shape != wanted[_POSITIONS].shape:
        side = math.isqrt(wanted[_POSITIONS].shape[1] - 1)
        weights[_POSITIONS] = resample_positions(weights[_POSITIONS], side)
    misfits = [name for name, value in wanted.items() if not _fits(weights.get(name), value)]
    if misfits:
        raise ModelError(
            f"This model works at {config.preprocess.input_size} pixels only, not at {input_size} "
            f"({misfits[0]!r} depends on the size)."
        )
    other.load_state_dict(weights)
    other.eval().requires_grad_(requires_grad=False)
    return other


def _fits(ours: Tensor | None, theirs: Tensor) -> bool:
    return ours is not None and ours.shape == theirs.shape
