"""What the settings of a training, saved beside its weights, say of the model."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from engine.api.categories import Categories
from engine.api.errors import CheckpointError, ConfigError

Pixels = tuple[tuple[float, float, float], tuple[float, float, float]]
_LABEL_KEYS = ("labels", "categories", "classes")
_META_LABEL_KEYS = ("classes", "CLASSES")
_SETTINGS = ("hyper_parameters", "hparams", "args", "config", "cfg", "opt")
_LAM_KEYS = ("lam", "lambda", "lamb", "lambda_")
#: In the text of a configuration of mmpretrain, which its checkpoints carry along.
_LAM_IN_TEXT = re.compile(r"""\blam['"]?\s*[=:]\s*(\d{1,3}(?:\.\d{1,6})?)""")
_LIST_IN_TEXT = r"""['"]?{}['"]?\s*[=:]\s*[\[(]([^\])]*)[\])]"""
_CHANNELS = 3
#: A deviation above this is of pixels from 0 to 255.
_LARGEST_DEVIATION = 2.0


class Setting:
    """Stands for what is saved beside weights; it keeps named values and does nothing."""

    def __new__(cls, *_arguments: object, **_named: object) -> Setting:
        """Take whatever the real class would."""
        return super().__new__(cls)

    def __init__(self, *_arguments: object, **_named: object) -> None:
        self.values: dict[str, object] = {}

    def __setstate__(self, state: object) -> None:
        self.values = state if isinstance(state, dict) else {}


def categories_in(content: Mapping[Any, object]) -> Categories | None:
    """The categories that a file names.

    Raises:
        CheckpointError: its list makes no sense; the message lacks the file's name.
    """
    meta = content.get("meta")
    meta = meta if isinstance(meta, dict) else {}
    data_set = meta.get("dataset_meta")
    data_set = data_set if isinstance(data_set, dict) else {}
    listed = [content.get(key) for key in _LABEL_KEYS]
    listed += [part.get(key) for part in (meta, data_set) for key in _META_LABEL_KEYS]
    for names in listed:
        if isinstance(names, list | tuple):
            try:
                return Categories(tuple(names))
            except ConfigError as error:
                reason = str(error).rstrip(".")
                raise CheckpointError(f"its list of categories is wrong: {reason}") from error
    return None


def lam_in(content: Mapping[Any, object]) -> float | None:
    """λ as the settings of the training say it; only a number, never a guess."""
    settings = [content.get(key) for key in _SETTINGS]
    settings = [part.values if isinstance(part, Setting) else part for part in settings]
    parts = [content, *(part for part in settings if isinstance(part, dict))]
    for part in parts:
        for key in _LAM_KEYS:
            value = part.get(key)
            if isinstance(value, int | float) and not isinstance(value, bool):
                return float(value)
    meta = content.get("meta")
    text = meta.get("cfg", meta.get("config")) if isinstance(meta, dict) else None
    values = set(_LAM_IN_TEXT.findall(text)) if isinstance(text, str) else set()
    return float(values.pop()) if len(values) == 1 else None


def pixels_in(content: Mapping[Any, object], buffers: tuple[Tensor, ...] = ()) -> Pixels | None:
    """Mean and deviation of pixels in [0, 1].

    Args:
        content: of the file, maybe with the configuration of mmpretrain as text.
        buffers: the network's own mean and deviation, if it has any.

    Raises:
        CheckpointError: they make no sense; the message lacks the file's name.
    """
    if buffers:
        return _pixels(*(_values(buffer) for buffer in buffers))
    meta = content.get("meta")
    text = meta.get("cfg", meta.get("config")) if isinstance(meta, dict) else None
    if not isinstance(text, str):
        return None
    found = [set(re.findall(rf"\b{_LIST_IN_TEXT.format(key)}", text)) for key in ("mean", "std")]
    if any(len(values) != 1 for values in found):
        return None
    try:
        mean, std = ([float(part) for part in values.pop().split(",")] for values in found)
    except ValueError:
        return None
    return _pixels(mean, std) if len(mean) == len(std) == _CHANNELS else None


def _values(buffer: Tensor) -> list[float]:
    if buffer.numel() != _CHANNELS or buffer.layout != torch.strided:
        raise CheckpointError("the mean or deviation of its pixels is not of three colours")
    return [float(value) for value in buffer.detach().flatten().tolist()]


def _pixels(mean: list[float], std: list[float]) -> Pixels:
    if not all(map(math.isfinite, (*mean, *std))) or min(std) <= 0:
        raise CheckpointError("the mean or deviation of its pixels makes no sense")
    scale = 255.0 if max(std) > _LARGEST_DEVIATION else 1.0
    red, green, blue = (value / scale for value in mean)
    reds, greens, blues = (value / scale for value in std)
    return (red, green, blue), (reds, greens, blues)
