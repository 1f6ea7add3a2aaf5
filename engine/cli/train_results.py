"""What trainings read, and what a model file tells of them."""

from __future__ import annotations

import argparse
import dataclasses
import platform
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from engine.data.dataset_registry import load_dataset
from engine.data.labelled import LabelledImages
from engine.data.splits import stratified_split
from engine.errors import ConfigError
from engine.metrics import average_precision
from engine.values import FloatArray


def load_parts(options: argparse.Namespace) -> tuple[LabelledImages, LabelledImages]:
    """The images to learn from and those to report on.

    Raises:
        DataError: they cannot be read.
        ConfigError: the fraction makes no sense.
    """
    train = load_dataset(options.dataset, options.data, options.split)
    fraction = options.val_fraction
    if fraction is None:
        return train, load_dataset(options.dataset, options.data, options.val_split)
    if not 0.0 < fraction < 1.0:
        raise ConfigError(f"--val-fraction must lie between 0 and 1, not {fraction}.")
    rows, val_rows = stratified_split(train, fraction, options.seed)
    val = dataclasses.replace(train.subset(val_rows), name=f"{train.name}, {fraction:.0%} of it")
    return train.subset(rows), val


def val_results(logits: FloatArray, val: LabelledImages) -> dict[str, float]:
    """The mean average precision on validation images, and that of each category."""
    precisions = average_precision(logits, val.targets, val.ignored)
    named = zip(val.categories, precisions, strict=True)
    known = {f"AP {name}": round(float(v), 4) for name, v in named if not np.isnan(v)}
    return {"val mAP": round(float(np.nanmean(precisions)), 4), **known}


def provenance(seed: int, val: LabelledImages) -> dict[str, str]:
    """How a model was made, without anyone's folders."""
    return {
        "command": shlex.join(["csra", *_portable(sys.argv[1:])]),
        "seed": str(seed),
        "validation images": f"{val.name}, {len(val)} images",
        "torch": torch.__version__,
        "python": platform.python_version(),
    }


def _portable(arguments: Sequence[str]) -> list[str]:
    return [Path(a).name if "/" in a or "\\" in a else a for a in arguments]
