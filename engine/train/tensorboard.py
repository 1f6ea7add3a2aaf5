"""Scalars of a run for TensorBoard, where it is installed."""

from __future__ import annotations

import contextlib
import importlib.util
import math
from collections.abc import Generator
from pathlib import Path
from typing import Any

from engine.api.errors import ConfigError
from engine.api.training_reports import EpochReport, StepReport, TrainingStarted, TrainReport

_MODULE = "tensorboard"


def check_tensorboard() -> None:
    """See that TensorBoard is there before work begins.

    Raises:
        ConfigError: it is not.
    """
    if importlib.util.find_spec(_MODULE) is None:
        raise ConfigError(
            "TensorBoard is not installed. Install it with: pip install tensorboard (or "
            'pip install "csra-gui[tensorboard]"), or train without it.'
        )


class Scalars:
    """Writes loss, learning rate, mAP and the average precision of each category.

    Args:
        folder: of the event files; made if missing.
        start: of the run: what an interrupted one wrote after this step does not count.
    """

    def __init__(self, folder: Path, start: TrainingStarted) -> None:
        # Slow to import, and only here.
        from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415

        self._writer: Any = SummaryWriter(str(folder), purge_step=start.step + 1)
        self._categories = start.categories
        self._step = start.step

    def add(self, report: TrainReport) -> None:
        """Write what a report says, if it has numbers."""
        if isinstance(report, StepReport):
            self._step = report.step
            self._write("loss", report.loss)
            self._write("learning rate", report.lr)
            self._write("images per second", report.images_per_second)
        elif isinstance(report, EpochReport):
            # Heads alone tell no steps; they count epochs.
            self._step = max(self._step, report.epoch)
            self._write("loss of the epoch", report.loss)
            self._write("val mAP", report.val_map)
            for name, value in zip(self._categories, report.category_ap, strict=False):
                self._write(f"val AP/{name}", value)

    def close(self) -> None:
        """Write out what is left."""
        self._writer.close()

    def _write(self, name: str, value: float) -> None:
        if math.isfinite(value):
            self._writer.add_scalar(name, value, self._step)


@contextlib.contextmanager
def open_scalars(
    folder: Path, start: TrainingStarted, *, wanted: bool
) -> Generator[Scalars | None, None, None]:
    """Scalars, if they are wanted."""
    if not wanted:
        yield None
        return
    with contextlib.closing(Scalars(folder, start)) as scalars:
        yield scalars
