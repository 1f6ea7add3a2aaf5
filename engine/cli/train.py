"""``train``: train a whole network, or only heads on a frozen backbone (``--preset quick``)."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from platformdirs import user_cache_path

from engine.cli.common import Commands
from engine.cli.train_heads import train_quickly
from engine.cli.train_network import train_network
from engine.config import HeadTrainConfig
from engine.data.dataset_registry import DATASETS
from engine.train_config import PRESETS

_QUICK = "quick"


def add_parser(commands: Commands[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    train = commands.add_parser("train", help="train a model on labelled images")
    train.set_defaults(command=_train)
    train.add_argument("--data", type=Path, required=True, metavar="DIR")
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
        default=user_cache_path("csra-gui") / "features",
        metavar="DIR",
        help="keeps decoded images and computed features (%(default)s)",
    )


def _add_model(train: argparse.ArgumentParser) -> None:
    train.add_argument("--init", type=Path, metavar="FILE", help="start from this model")
    train.add_argument("--backbone", default="timm:tf_efficientnet_lite0")
    train.add_argument("--input-size", type=int, help="in pixels (448, or that of --init)")
    train.add_argument("--resize", choices=("squash", "letterbox"), default="squash")
    train.add_argument("--temperatures", type=_temperatures, metavar="T[,T…]", help="or max")
    train.add_argument("--lam", type=float, help="λ (quick: 0.3; paper: 0.1)")
    train.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:N or mps")


def _add_schedule(train: argparse.ArgumentParser) -> None:
    quick = HeadTrainConfig()
    train.add_argument("--epochs", type=int, help=f"(quick: {quick.epochs})")
    train.add_argument("--batch-size", type=int, help=f"(quick: {quick.batch_size})")
    train.add_argument("--learning-rate", type=float, help="of the backbone; quick: of the heads")
    train.add_argument("--head-learning-rate", type=float)
    train.add_argument("--weight-decay", type=float)
    train.add_argument("--no-flip", dest="flip", action="store_false")
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
    return train_quickly(options) if options.preset == _QUICK else train_network(options)
