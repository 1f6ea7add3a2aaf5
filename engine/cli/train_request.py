"""What was asked for on the command line, as a request to train."""

from __future__ import annotations

import argparse
import ast
import dataclasses
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from engine.api.config import HeadTrainConfig
from engine.api.errors import ConfigError
from engine.api.training import DatasetSource, ModelStart, TrainRequest
from engine.api.training_config import PRESETS, TrainConfig

#: The preset that trains heads alone; it has a config of its own.
QUICK = "quick"
_Config = TypeVar("_Config", TrainConfig, HeadTrainConfig)


def train_request(options: argparse.Namespace) -> TrainRequest:
    """The request.

    Raises:
        ConfigError: a setting does not exist or makes no sense.
    """
    return TrainRequest(
        source=DatasetSource(
            kind=options.dataset,
            root=options.data,
            split=options.split,
            val_split=options.val_split,
            val_fraction=options.val_fraction,
        ),
        output=options.output,
        config=_heads_config(options) if options.preset == QUICK else _network_config(options),
        start=_start(options),
        name=options.name or "",
        device=options.device,
        cache=options.cache,
        resume=options.resume,
        tensorboard=options.tensorboard,
        provenance=(("command", shlex.join(["csra", *_portable(sys.argv[1:])])),),
    )


def _start(options: argparse.Namespace) -> ModelStart:
    return ModelStart(
        model=options.init,
        backbone=options.backbone,
        form="paper" if options.preset.startswith("paper") else "standard",
        temperatures=options.temperatures,
        lam=options.lam,
        input_size=options.input_size or 0,
        resize=options.resize,
    )


def _network_config(options: argparse.Namespace) -> TrainConfig:
    names = ("head_learning_rate",)
    config = dataclasses.replace(PRESETS[options.preset], **_given(options, names))
    if not options.flip:
        augment = dataclasses.replace(config.augment, flip=False)
        config = dataclasses.replace(config, augment=augment)
    return _with_settings(config, options.set)


def _heads_config(options: argparse.Namespace) -> HeadTrainConfig:
    config = HeadTrainConfig(**_given(options), flip=options.flip)
    return _with_settings(config, options.set)


def _given(options: argparse.Namespace, more: Sequence[str] = ()) -> dict[str, Any]:
    names = ("epochs", "batch_size", "learning_rate", "weight_decay", "seed", "patience", *more)
    values = {name: getattr(options, name) for name in names}
    return {name: value for name, value in values.items() if value is not None}


def _with_settings(config: _Config, settings: Sequence[str]) -> _Config:
    for setting in settings:
        try:
            config = dataclasses.replace(config, **_change(config, setting))
        except TypeError as error:
            raise ConfigError(f"The setting {setting!r} cannot be used: {error}.") from error
    return config


def _change(config: TrainConfig | HeadTrainConfig, setting: str) -> dict[str, Any]:
    name, _, text = setting.partition("=")
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        value = text
    if name.startswith("augment.") and isinstance(config, TrainConfig):
        part = {name.removeprefix("augment."): value}
        return {"augment": dataclasses.replace(config.augment, **part)}
    return {name: value}


def _portable(arguments: Sequence[str]) -> list[str]:
    """Without anyone's folders."""
    return [Path(a).name if "/" in a or "\\" in a else a for a in arguments]
