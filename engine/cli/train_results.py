"""What a model file tells of its training."""

from __future__ import annotations

import platform
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from engine.data.labelled import LabelledImages
from engine.metrics import average_precision
from engine.values import FloatArray


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
