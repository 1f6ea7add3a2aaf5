"""``train``: train a whole network, or only heads on a frozen backbone (``--preset quick``)."""

from __future__ import annotations

import argparse
import threading
from contextlib import closing
from pathlib import Path

import numpy as np

from engine.api.config import HeadTrainConfig
from engine.api.training import DEFAULT_BACKBONE, TrainRequest, default_cache
from engine.api.training_config import PRESETS
from engine.api.training_control import TrainingControl
from engine.api.training_reports import Ending, TrainingEnded
from engine.cli.common import EXIT_DONE, EXIT_INTERRUPTED, Commands
from engine.cli.stopping import stop_wish
from engine.cli.train_progress import Teller
from engine.cli.train_request import QUICK, train_request
from engine.data.datasets.registry import DATASETS
from engine.inference.device import choose_device
from engine.inference.distributed import Processes, local_device, processes
from engine.train.session import run_training


def add_parser(commands: Commands[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    train = commands.add_parser("train", help="train a model on labelled images")
    train.set_defaults(command=_train)
    train.add_argument("--data", type=Path, required=True, metavar="DIR")
    train.add_argument("--output", type=Path, required=True, metavar="DIR")
    train.add_argument("--dataset", default="voc2007", metavar="KIND", help=", ".join(DATASETS))
    train.add_argument(
        "--preset",
        choices=(QUICK, *PRESETS),
        default=QUICK,
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
        help="keeps decoded images and computed features (%(default)s)",
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
    train.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:N or mps")


def _add_schedule(train: argparse.ArgumentParser) -> None:
    quick = HeadTrainConfig()
    train.add_argument("--epochs", type=int, help=f"(quick: {quick.epochs})")
    train.add_argument("--batch-size", type=int, help=f"(quick: {quick.batch_size})")
    train.add_argument("--learning-rate", type=float, help="of the backbone; quick: of the heads")
    train.add_argument("--head-learning-rate", type=float)
    train.add_argument("--weight-decay", type=float)
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
    request = train_request(options)
    device = choose_device(local_device(options.device))
    with processes(device) as process, stop_wish() as wish:
        return _consume(request, process, wish)


def _consume(request: TrainRequest, process: Processes, wish: threading.Event) -> int:
    control, teller, ending = TrainingControl(), Teller(), Ending.DONE
    with closing(teller), closing(run_training(request, control, process)) as reports:
        for report in reports:
            if process.is_first:
                teller.tell(report)
            if wish.is_set():
                control.stop_now()
            if isinstance(report, TrainingEnded):
                ending = report.ending
    return EXIT_INTERRUPTED if ending is Ending.STOPPED else EXIT_DONE
