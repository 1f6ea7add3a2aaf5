"""The kept runs: listing, noting, deleting; read and written in workers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from csra_gui.base.jobs import Job, JobRunner
from engine.api.errors import EngineError
from engine.metrics import mean_average_precision
from engine.records.run_notes import delete_run, note_of, set_note
from engine.records.runs import list_runs, load_run, runs_folder
from engine.records.unfinished import (
    UnfinishedRun,
    forget_unfinished,
    list_unfinished,
    unfinished_folder,
)


@dataclass(frozen=True, slots=True)
class RunSummary:
    """A kept run in a line.

    Attributes:
        folder: where it is.
        model: its name.
        dataset: its name.
        kind: of the data set.
        date: ISO 8601, in UTC.
        num_images: that were read.
        mean_average_precision: 0 to 1; NaN if nothing can be said.
        rate_per_s: images per second; 0 if nobody noted it.
        model_id: see ``ModelInfo.id``.
        note: of the person.
        problem: why it cannot be read; empty if it can.
    """

    folder: Path
    model: str = ""
    dataset: str = ""
    kind: str = ""
    date: str = ""
    num_images: int = 0
    mean_average_precision: float = float("nan")
    rate_per_s: float = 0.0
    model_id: str = ""
    note: str = ""
    problem: str = ""


@dataclass(frozen=True)
class KeptRuns:
    """All kept runs, newest first, and evaluations that were stopped before their end."""

    runs: tuple[RunSummary, ...] = ()
    unfinished: tuple[UnfinishedRun, ...] = ()


class RunList(QObject):
    """Knows the kept runs.

    Signals:
        runs_changed: ``kept`` has been read anew.
        failed: an ``EngineError``: something could not be written or deleted.
    """

    runs_changed = Signal()
    failed = Signal(object)

    def __init__(self, jobs: JobRunner, parent: QObject) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._known: dict[Path, RunSummary] = {}
        self._listing: Job | None = None
        self._list_again = False
        self.kept = KeptRuns()

    def refresh(self) -> None:
        """Read the list anew."""
        if self._listing is not None:
            self._list_again = True
            return
        known = dict(self._known)
        self._listing = job = self._jobs.prepare(lambda: _read(known), "list evaluations")
        job.returned.connect(self._on_listing_returned)
        job.finished.connect(self._on_listing_finished)
        job.start()

    def set_note(self, folder: Path, text: str) -> None:
        """Note something about a run."""
        self._do(lambda: set_note(folder, text), "note on evaluation")

    def delete(self, folder: Path) -> None:
        """Delete a run."""
        self._known.pop(folder, None)
        self._do(lambda: delete_run(folder), "delete evaluation")

    def forget_unfinished(self, key: str) -> None:
        """Delete what an evaluation found before it was stopped."""
        folder = unfinished_folder()
        self._do(lambda: forget_unfinished(key, folder), "forget evaluation")

    def _do(self, work: Callable[[], None], name: str) -> None:
        job = self._jobs.prepare(work, name)
        job.failed.connect(self.failed)
        job.finished.connect(self.refresh)
        job.start()

    @Slot(object)
    def _on_listing_returned(self, kept: KeptRuns) -> None:
        self._known = {run.folder: run for run in kept.runs}
        self.kept = kept
        self.runs_changed.emit()

    @Slot()
    def _on_listing_finished(self) -> None:
        self._listing = None
        if self._list_again:
            self._list_again = False
            self.refresh()


def _read(known: dict[Path, RunSummary]) -> KeptRuns:
    """Numbers of runs do not change, so those that are known are not computed again."""
    folders = reversed(list_runs(runs_folder()))
    runs = [_summary(folder, known.get(folder)) for folder in folders]
    return KeptRuns(tuple(runs), tuple(list_unfinished(unfinished_folder())))


def _summary(folder: Path, known: RunSummary | None) -> RunSummary:
    note = note_of(folder)
    if known is not None and known.note == note and not known.problem:
        return known
    try:
        run = load_run(folder)
        mean = mean_average_precision(run.logits, run.targets, run.ignored)
    except EngineError as error:
        return RunSummary(folder, note=note, problem=str(error))
    return RunSummary(
        folder,
        run.model.get("name", ""),
        run.dataset.get("name", ""),
        run.dataset.get("kind", ""),
        run.date,
        len(run.ids),
        float(mean),
        _number(run.settings.get("images per second", "")),
        run.model.get("id", ""),
        note,
    )


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
