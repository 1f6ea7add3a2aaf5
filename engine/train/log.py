"""The log of a run: one JSON object per line, in step with the states."""

from __future__ import annotations

import contextlib
import json
import math
import time
from dataclasses import asdict
from pathlib import Path

from engine.api.errors import DataError
from engine.api.training_reports import EpochReport, StepReport
from engine.atomic import write_text
from engine.texts import reason_text

NAME = "log.jsonl"


class RunLog:
    """Appends reports to a run's log.

    Args:
        folder: of the run.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / NAME

    def rewind(self, step: int, epoch: int) -> None:
        """Drop what lies after a state: it will be done, and written, again.

        Args:
            step: that the state holds.
            epoch: that it is in; its end and later ones are dropped.
        """
        if not self._file.exists():
            return
        kept = []
        for text in self._file.read_text(encoding="utf-8").splitlines():
            # The last line may be half written.
            with contextlib.suppress(ValueError):
                line = json.loads(text)
                is_before = (
                    line["step"] <= step if line["kind"] == "step" else line["epoch"] < epoch
                )
                if is_before:
                    kept.append(text + "\n")
        write_text(self._file, "".join(kept))

    def add(self, report: StepReport | EpochReport) -> None:
        """Write a report.

        Raises:
            DataError: the disk does not take it.
        """
        kind = "step" if isinstance(report, StepReport) else "epoch"
        values = {name: _plain(value) for name, value in asdict(report).items()}
        line = json.dumps({"kind": kind, "time": round(time.time(), 1), **values})
        try:
            with self._file.open("a", encoding="utf-8") as stream:
                stream.write(line + "\n")
        except OSError as error:
            raise DataError(
                f"The log {self._file} could not be written: {reason_text(error)}."
            ) from error


def _plain(value: object) -> object:
    """For JSON, which knows no infinity and nothing that is not a number."""
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
