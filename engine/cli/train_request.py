"""What the options of ``train`` ask for, over what its file of settings says."""

from __future__ import annotations

import argparse
import ast
import dataclasses
from typing import Any

from engine.api.config import HeadTrainConfig
from engine.api.errors import ConfigError
from engine.api.training import PRESET_STARTS, TrainRequest
from engine.cli.command_line import command_line
from engine.records.training_files import (
    QUICK,
    TrainingSettings,
    preset_config,
    read_training_file,
    setting,
)

_OUTER = ("preset", "name", "device", "output", "cache")
#: Options → fields, where they are called otherwise.
_DATA = {"dataset": "kind", "data": "root"} | {
    name: name for name in ("split", "val_split", "val_fraction")
}
_START = {"init": "model"} | {
    name: name
    for name in (
        *("backbone", "temperatures", "lam", "input_size", "resize"),
        *("head", "queries", "width"),
    )
}
#: Options that both kinds of training have as settings, and those of the whole network alone.
_TRAINING = (
    *("epochs", "batch_size", "learning_rate", "weight_decay", "seed", "patience", "decode"),
    *("loss", "unknown_weight"),
)
_NETWORK = ("head_learning_rate",)
#: The parameters of losses that are options: as the papers call them, and of which loss.
LOSS_OPTIONS = {
    "gamma_negative": ("γ−", "asl"),
    "gamma_positive": ("γ+", "asl"),
    "margin": ("m", "asl"),
    "focal_gamma": ("γ", "focal"),
    "focal_alpha": ("α", "focal"),
    "beta": ("β", "class-balanced"),
}


def training_request(options: argparse.Namespace) -> TrainRequest:
    """The training that is asked for.

    Args:
        options: those of the command; ``None`` is what nobody said.

    Raises:
        ConfigError: a setting does not exist or makes no sense, or one is missing.
        DataError: the file of settings cannot be read.
    """
    said = TrainingSettings()
    if options.config is not None:
        said = read_training_file(options.config, options.preset or "")
    preset = options.preset or said.outer.get("preset", QUICK)
    settings = said.overruled_by(_said(options, preset))
    if options.config is not None:
        settings.check_start_of(options.config, said)
    request = settings.request()
    return dataclasses.replace(
        request,
        resume=options.resume,
        provenance=(("command", command_line(options.arguments)),),
    )


def _said(options: argparse.Namespace, preset: str) -> TrainingSettings:
    """What the options say; what they say of a thing goes for all that a file says of it."""
    outer = _given(options, {name: name for name in _OUTER})
    data, start = _given(options, _DATA), _given(options, _START)
    if options.tensorboard:
        outer["tensorboard"] = True
    if options.follow_links:
        data["follow_links"] = True
    if "val_split" in data:
        data["val_fraction"] = None
    if "backbone" in start:
        start.setdefault("model", None)
    elif "model" in start:
        start["backbone"] = PRESET_STARTS[preset].backbone
    return TrainingSettings(outer, data, start, _training(options, preset))


def _training(options: argparse.Namespace, preset: str) -> dict[str, Any]:
    config = type(preset_config(preset))
    names = _TRAINING if config is HeadTrainConfig else (*_TRAINING, *_NETWORK)
    values = _given(options, {name: name for name in names})
    said = TrainingSettings(training=values)
    changes = [_change(config, text) for text in options.set]
    for name, value in _given(options, {name: name for name in LOSS_OPTIONS}).items():
        _, of = LOSS_OPTIONS[name]
        if options.loss != of:
            option = f"--{name.replace('_', '-')}"
            raise ConfigError(f"{option} is of the loss {of}. Add --loss {of}, or leave it out.")
        changes.insert(0, setting(config, f"loss_settings.{name}", value))
    if options.flip is not None:
        name = "flip" if config is HeadTrainConfig else "augment.flip"
        changes.insert(0, setting(config, name, options.flip))
    for change in changes:
        said = said.overruled_by(TrainingSettings(training=change))
    return dict(said.training)


def _given(options: argparse.Namespace, names: dict[str, str]) -> dict[str, Any]:
    values = {field: getattr(options, option) for option, field in names.items()}
    return {field: value for field, value in values.items() if value is not None}


def _change(config: type[Any], text: str) -> dict[str, Any]:
    """A setting that was given as NAME=VALUE."""
    name, _, value = text.partition("=")
    try:
        found = ast.literal_eval(value)
    except (ValueError, SyntaxError):
        found = value
    try:
        return setting(config, name.strip(), found)
    except ConfigError as error:
        raise ConfigError(f"--set {text}: {error}") from error
