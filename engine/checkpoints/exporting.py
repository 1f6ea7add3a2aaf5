"""What all exports share."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from tqdm import tqdm

from engine.api.values import FloatArray


@contextmanager
def quiet() -> Iterator[None]:
    """PyTorch's exporter warns of its own workings, which say nothing about the model."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript")]
    levels, interval = [logger.level for logger in loggers], tqdm.monitor_interval
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    tqdm.monitor_interval = 0  # its hidden progress bars would leave a thread behind
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
        tqdm.monitor_interval = interval


def largest_difference(theirs: FloatArray, ours: FloatArray) -> float:
    """Between two results, relative to the largest value of ours where that is above 1."""
    if theirs.shape != ours.shape:
        return float("inf")
    return float(np.abs(theirs - ours).max() / max(1.0, float(np.abs(ours).max())))
