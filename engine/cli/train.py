"""``train``: train a whole network, or only heads on a frozen backbone (``--preset quick``)."""

from __future__ import annotations

import argparse
import contextlib
import signal
import threading
from collections.abc import Generator
from pathlib import Path
from typing import get_args

import numpy as np

from engine.api.config import HeadKind, HeadTrainConfig, LossName, LossSettings
from engine.api.errors import CheckpointError
from engine.api.training import DEFAULT_BACKBONE, TrainRequest, default_cache
from engine.api.training_config import PRESETS
from engine.api.training_control import TrainingControl
from engine.api.training_reports import Ending, TrainingEnded
from engine.cli.common import (
    EXIT_BY_SIGNAL,
    EXIT_DONE,
    EXIT_INTERRUPTED,
    Commands,
    add_decode,
    add_device,
    add_follow_links,
    say,
)
from engine.cli.train_progress import Teller
from engine.cli.train_request import LOSS_OPTIONS, training_request
from engine.data.datasets.registry import DATASETS
from engine.models.registry import BACKBONES
from engine.pytorch.device import choose_device
from engine.pytorch.distributed import Processes, local_device, processes
from engine.records.feature_cache import shrink_cache
from engine.records.training_files import NAME, QUICK
from engine.service.measuring import make_graph
from engine.train.session import run_training

#: So much may lie in the default folder once a training is done; more than the window keeps, as
#: those who train from here come back with the same large data sets.
_CACHE_GB = 20


def add_parser(commands: Commands[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    train = commands.add_parser("train", help="train a model on labelled images")
    train.set_defaults(command=_train)
    train.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help=f"a TOML file with any of these settings, as each run leaves one ({NAME}); options of "
        "the command go before those of the file",
    )
    train.add_argument("--data", type=Path, metavar="DIR", help="the data set's folder")
    add_follow_links(train)
    train.add_argument("--output", type=Path, metavar="DIR", help="for all that the run writes")
    train.add_argument("--dataset", metavar="KIND", help=f"(voc2007) {', '.join(DATASETS)}")
    train.add_argument(
        "--preset",
        choices=(QUICK, *PRESETS),
        help="quick: heads on a frozen backbone, minutes on a CPU; paper: exactly the official "
        "recipe for VOC on its ResNet-101, paper-coco and paper-wider likewise; recommended: "
        f"gentler, with what helps ({QUICK})",
    )
    train.add_argument("--name", help="of the model, for people (default: the output's)")
    train.add_argument("--split", help="to learn from (train)")
    judged_by = train.add_mutually_exclusive_group()
    judged_by.add_argument("--val-split", help="to report on (val)")
    judged_by.add_argument(
        "--val-fraction",
        type=float,
        metavar="F",
        help="report on this share of --split, kept apart, with each category as frequent in both "
        "parts as can be; instead of --val-split",
    )
    _add_model(train)
    _add_schedule(train)
    _add_loss(train)
    train.add_argument(
        "--cache",
        type=Path,
        metavar="DIR",
        help=f"keeps decoded images and computed features ({_escaped(default_cache())}; after a "
        f"training, what was used longest ago goes there beyond {_CACHE_GB} GB. In another folder "
        "all stays until you delete it)",
    )
    train.add_argument(
        "--tensorboard",
        action="store_true",
        help="write scalars for TensorBoard into the output, too (needs the package)",
    )


def _add_model(train: argparse.ArgumentParser) -> None:
    train.add_argument(
        "--init",
        metavar="MODEL",
        help="start from this model, or from the weights of a backbone: a name or a file",
    )
    train.add_argument(
        "--backbone",
        metavar="NAME",
        help="with its ImageNet weights, if nothing else is said: "
        f"{', '.join(BACKBONES)} or timm:NAME ({DEFAULT_BACKBONE}; paper: resnet101, paper-wider: "
        "vit_b16); or a file of weights. With --init, the network that a file of weights is of, "
        "where they do not tell",
    )
    train.add_argument(
        "--input-size", type=int, metavar="PX", help="(that of --init, or 448; paper-wider: 224)"
    )
    train.add_argument("--resize", choices=("squash", "letterbox"), help="(squash)")
    train.add_argument(
        "--head",
        choices=get_args(HeadKind),
        help="csra: residual attention; gap: global average pooling; ml-decoder: queries that look "
        "at the features, which has no maps (csra, or that of --init)",
    )
    train.add_argument("--temperatures", type=_temperatures, metavar="T[,T…]", help="or max")
    train.add_argument(
        "--lam",
        type=float,
        help="λ (new heads: 0.3; paper: 0.1, paper-coco: 0.5, paper-wider: 0.3)",
    )
    train.add_argument(
        "--queries",
        type=int,
        metavar="K",
        help="of ml-decoder (one per category, at most 100)",
    )
    train.add_argument(
        "--width", type=int, metavar="D", help="channels that ml-decoder works with (768)"
    )
    add_device(train)
    train.set_defaults(device=None)


def _add_schedule(train: argparse.ArgumentParser) -> None:
    quick = HeadTrainConfig()
    train.add_argument("--epochs", type=int, help=f"(quick: {quick.epochs})")
    train.add_argument("--batch-size", type=int, help=f"(quick: {quick.batch_size})")
    train.add_argument("--learning-rate", type=float, help="of the backbone; quick: of the heads")
    train.add_argument("--head-learning-rate", type=float)
    train.add_argument("--weight-decay", type=float)
    add_decode(train, default=None)
    train.add_argument("--no-flip", dest="flip", action="store_false", default=None)
    train.add_argument(
        "--patience", type=int, metavar="N", help="stop after N epochs without a better mAP"
    )
    train.add_argument("--seed", type=int, help="(0)")
    train.add_argument("--resume", action="store_true", help="go on where it was stopped")
    train.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="FIELD=VALUE",
        help="any other setting of the preset, for example ema_decay=0 or augment.cutout=0.3",
    )


def _escaped(path: Path) -> str:
    """For argparse, to which a % says that something follows."""
    return str(path).replace("%", "%%")


def _add_loss(train: argparse.ArgumentParser) -> None:
    loss, known = train.add_argument_group("loss"), LossSettings()
    loss.add_argument(
        "--loss",
        choices=get_args(LossName),
        help="binary cross-entropy, asymmetric loss, focal loss, or cross-entropy weighed by the "
        "effective number of images (bce)",
    )
    for name, (letter, of) in LOSS_OPTIONS.items():
        text = f"{letter} of {of} ({getattr(known, name):g})"
        loss.add_argument(f"--{name.replace('_', '-')}", type=float, metavar="X", help=text)
    loss.add_argument(
        "--unknown-weight",
        type=float,
        metavar="W",
        help="take labels that nobody has told of, or can tell, as negative with this weight, 0 to "
        "1 (0: they are left out)",
    )


def _temperatures(text: str) -> tuple[float, ...]:
    return tuple(np.inf if part == "max" else float(part) for part in text.split(","))


def _train(options: argparse.Namespace) -> int:
    request = training_request(options)
    device = choose_device(local_device(request.device))
    with processes(device) as process, _stop_wish() as wish:
        exit_code = _consume(request, process, wish)
        if process.is_first and exit_code == EXIT_DONE and request.best_file.is_file():
            _prepare(request.best_file)
        if process.is_first and request.cache == default_cache():
            shrink_cache(request.cache, _CACHE_GB * 10**9)
        return exit_code


def _consume(request: TrainRequest, process: Processes, wish: _Wish) -> int:
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
    return wish.status if ending is Ending.STOPPED else EXIT_DONE


def _prepare(model: Path) -> None:
    """Make what ONNX Runtime runs of the new model; that it cannot be is no failure."""
    try:
        reason = make_graph(model)
    except CheckpointError as error:
        reason = str(error)
    if reason:
        say(f"The model runs with PyTorch: {reason}")


class _Wish(threading.Event):
    """That the training may stop, and the exit status that tells of it."""

    status = EXIT_INTERRUPTED


@contextlib.contextmanager
def _stop_wish() -> Generator[_Wish, None, None]:
    """Turn the first Ctrl-C, or request to end, into a wish; the second ends the program.

    Yields:
        Set once it is wished.
    """
    wish = _Wish()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def on_signal(number: int, _frame: object) -> None:
        wish.status = EXIT_BY_SIGNAL + number
        wish.set()
        restore()

    for number in before:
        signal.signal(number, on_signal)
    try:
        yield wish
    finally:
        restore()
