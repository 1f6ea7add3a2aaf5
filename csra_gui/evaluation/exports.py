"""Results as files, written in workers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from csra_gui.base.jobs import JobRunner
from engine.api.errors import DataError
from engine.records.litter import write_noted
from engine.records.run_comparison import RunComparison
from engine.report.numbers import EvaluationReport
from engine.report.page import html_report
from engine.texts import display_path

SUFFIXES = (".html", ".json", ".csv")


class Exports(QObject):
    """Writes files that the person asked for.

    Signals:
        written: the ``Path``.
        failed: the ``EngineError``.
    """

    written = Signal(object)
    failed = Signal(object)

    def __init__(self, jobs: JobRunner, parent: QObject) -> None:
        super().__init__(parent)
        self._jobs = jobs

    def write(self, path: Path, content: bytes) -> None:
        """Write a whole file."""
        self._run(path, lambda: _write(path, content))

    def write_report(
        self, path: Path, report: EvaluationReport, comparison: RunComparison | None, table: bytes
    ) -> None:
        """Write the results in the form that the suffix names.

        Args:
            path: ends in one of ``SUFFIXES``.
            report: of the run.
            comparison: with an earlier run, for the page.
            table: of the categories, as CSV.
        """

        def work() -> None:
            suffix = path.suffix.lower()
            if suffix == ".json":
                _write(path, (json.dumps(report.as_dict(), indent=2) + "\n").encode())
            elif suffix == ".csv":
                _write(path, table)
            else:
                page = html_report(report, comparison=comparison)
                _write(path, page.encode("utf-8", "replace"))

        self._run(path, work)

    def _run(self, path: Path, work: Callable[[], None]) -> None:
        self._jobs.run(work, "export", lambda _: self.written.emit(path), self.failed.emit)


def _write(path: Path, content: bytes) -> None:
    try:
        write_noted(path, content)
    except OSError as error:
        raise DataError(f"{display_path(path)} could not be written: {error.strerror}.") from error
