"""What the tests of writing share."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from engine.interchange.exporting.choice import ExportChoice
from engine.interchange.exporting.values import WhichLabels
from engine.interchange.writing import job
from engine.interchange.writing.values import WriteOptions, WriteReport
from engine.library.store import Library
from tests.engine.interchange.writing.conftest import MODEL

SIDECAR = WriteOptions()


def finished(steps: job.Steps) -> WriteReport:
    while True:
        try:
            next(steps)
        except StopIteration as end:
            report: WriteReport = end.value
            return report


def choice(
    library: Library, folder: Path, which: WhichLabels = WhichLabels.ACCEPTED
) -> ExportChoice:
    ids = library.ids_below(folder, recursive=True)
    thresholds = np.full(3, 0.5, dtype=np.float32)
    return ExportChoice(ids, which, MODEL, thresholds)


def write(library: Library, folder: Path, options: WriteOptions = SIDECAR) -> WriteReport:
    return finished(job.write(library, choice(library, folder), options))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
