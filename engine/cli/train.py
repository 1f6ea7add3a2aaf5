"""``train``: train a whole network, or only heads on a frozen backbone (``--preset quick``)."""

from __future__ import annotations

import argparse
import ast
import contextlib
import dataclasses
import signal
import threading
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from engine.api.config import HeadTrainConfig
from engine.api.errors import CheckpointError, ConfigError
from engine.api.training import (
    DEFAULT_BACKBONE,
    DatasetSource,
    ModelStart,
    TrainRequest,
    default_cache,
)
from engine.api.training_config import PRESETS, TrainConfig
from engine.api.training_control import TrainingControl
from engine.api.training_reports import Ending, TrainingEnded
from engine.cli.command_line import command_line
from engine.cli.common import (
    EXIT_DONE,
    EXIT_INTERRUPTED,
    Commands,
    add_decode,
    add_device,
    add_follow_links,
    say,
)
from engine.cli.train_progress import Teller
from engine.data.datasets.registry import DATASETS
from engine.pytorch.device import choose_device
from engine.pytorch.distributed import Processes, local_device, processes
from engine.records.feature_cache import shrink_cache
from engine.service.measuring import make_graph
from engine.train.session import run_training

#: The preset that trains heads alone; it has a config of its own.
_QUICK = "quick"
#: So much may lie in the default folder once a training is done; more than the window keeps, as
#: those who train from here come back with the same large data sets.
_CACHE_GB = 20
#: Options that both kinds of training have as settings.
_GIVEN = ("epochs", "batch_size", "learning_rate", "weight_decay", "seed", "patience", "decode")
_Config = TypeVar("_Config", TrainConfig, HeadTrainConfig)


def add_parser(commands: Commands[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    train = commands.add_parser("train", help="train a model on labelled images")
    train.set_defaults(command=_train)
    train.add_argument("--data", type=Path, required=True, metavar="DIR")
    add_follow_links(train)
    train.add_argument("--output", type=Path, required=True, metavar="DIR")
    train.add_argument("--dataset", default="voc2007", metavar="KIND", help=", ".join(DATASETS))
    train.add_argument(
        "--preset",
        choices=(_QUICK, *PRESETS),
        default=_QUICK,
        help="quick: heads on a frozen backbone, minutes on a CPU; paper: exactly the official "
        "recipe; recommended: gentler, with what helps (%(default)s)",
    )
    train.add_argument("--name", help="of the model, for people (default: the output's)")
    train.add_argument("--split", default="train", help="to learn from (%(default)s)")
    train.add_argument("--val-split", default="val", help="to report on (%(default)s)")
    train.add_argument(
        "--val-fraction",
        type=float,
        metavar="F",
        help="report on this share of --split, kept apart, with each category as frequent in both "
        "parts as can be; instead of --val-split",
    )
    _add_model(train)
    _add_schedule(train)
    train.add_argument(
        "--cache",
        type=Path,
        default=default_cache(),
        metavar="DIR",
        help="keeps decoded images and computed features (%(default)s; after a training, what was "
        f"used longest ago goes there beyond {_CACHE_GB} GB. In another folder all stays until you "
        "delete it)",
    )
    train.add_argument(
        "--tensorboard",
        action="store_true",
        help="write scalars for TensorBoard into the output, too (needs the package)",
    )


def _add_model(train: argparse.ArgumentParser) -> None:
    train.add_argument("--init", metavar="MODEL", help="start from this model: a name or a file")
    train.add_argument("--backbone", default=DEFAULT_BACKBONE)
    train.add_argument("--input-size", type=int, help="in pixels (448, or that of --init)")
    train.add_argument("--resize", choices=("squash", "letterbox"), default="squash")
    train.add_argument("--temperatures", type=_temperatures, metavar="T[,T…]", help="or max")
    train.add_argument("--lam", type=float, help="λ (new heads: 0.3; paper: 0.1)")
    add_device(train)


def _add_schedule(train: argparse.ArgumentParser) -> None:
    quick = HeadTrainConfig()
    train.add_argument("--epochs", type=int, help=f"(quick: {quick.epochs})")
    train.add_argument("--batch-size", type=int, help=f"(quick: {quick.batch_size})")
    train.add_argument("--learning-rate", type=float, help="of the backbone; quick: of the heads")
    train.add_argument("--head-learning-rate", type=float)
    train.add_argument("--weight-decay", type=float)
    add_decode(train, default=None)
    train.add_argument("--no-flip", dest="flip", action="store_false")
    train.add_argument(
        "--patience", type=int, metavar="N", help="stop after N epochs without a better mAP"
    )
    train.add_argument("--seed", type=int, default=0)
    train.add_argument("--resume", action="store_true", help="go on where it was stopped")
    train.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="FIELD=VALUE",
        help="any other setting of the preset, for example ema_decay=0 or augment.cutout=0.3",
    )


def _temperatures(text: str) -> tuple[float, ...]:
    return tuple(np.inf if part == "max" else float(part) for part in text.split(","))


def _train(options: argparse.Namespace) -> int:
    request = _request(options)
    device = choose_device(local_device(options.device))
    with processes(device) as process, _stop_wish() as wish:
        exit_code = _consume(request, process, wish)
        if process.is_first and exit_code == EXIT_DONE and request.best_file.is_file():
            _prepare(request.best_file)
        if process.is_first and request.cache == default_cache():
            shrink_cache(request.cache, _CACHE_GB * 10**9)
        return exit_code


def _consume(request: TrainRequest, process: Processes, wish: threading.Event) -> int:
    control, teller, ending = TrainingControl(), Teller(), Ending.DONE
    with (
        contextlib.closing(teller),
        contextlib.closing(run_training(request, control, process)) as reports,
    ):
        for report in reports:
            if process.is_first:
                teller.tell(report)
            if wish.is_set():
                control.stop_now()
            if isinstance(report, TrainingEnded):
                ending = report.ending
    return EXIT_INTERRUPTED if ending is Ending.STOPPED else EXIT_DONE


def _prepare(model: Path) -> None:
    """Make what ONNX Runtime runs of the new model; that it cannot be is no failure."""
    try:
        reason = make_graph(model)
    except CheckpointError as error:
        reason = str(error)
    if reason:
        say(f"The model runs with PyTorch: {reason}")


@contextlib.contextmanager
def _stop_wish() -> Generator[threading.Event, None, None]:
    """Turn the first Ctrl-C, or request to end, into a wish; the second ends the program.

    Yields:
        Set once it is wished.
    """
    wish = threading.Event()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def on_signal(_number: int, _frame: object) -> None:
        wish.set()
        restore()

    for number in before:
        signal.signal(number, on_signal)
    try:
        yield wish
    finally:
        restore()


def _request(options: argparse.Namespace) -> TrainRequest:
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
            follow_links=options.follow_links,
        ),
        output=options.output,
        config=_heads_config(options) if options.preset == _QUICK else _network_config(options),
        start=_start(options),
        name=options.name or "",
        device=options.device,
        cache=options.cache,
        resume=options.resume,
        tensorboard=options.tensorboard,
        provenance=(("command", command_line(options.arguments)),),
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
    names = (*_GIVEN, *more)
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
