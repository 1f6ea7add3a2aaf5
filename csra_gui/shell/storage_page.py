"""What the program keeps on the disk: where it is, how large it is, and what can go."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QPushButton, QWidget

from csra_gui.base.desktop import open_folder
from csra_gui.base.disk_cache import DiskCache
from csra_gui.base.jobs import JobSlot
from csra_gui.session.session import Session
from csra_gui.widgets.labels import heading, muted_label, plain_label
from engine.library.backup import backups, backups_folder
from engine.records.models import default_store
from engine.resources import data_folder
from engine.texts import display_path, megabytes


@dataclass(frozen=True, slots=True)
class _Measure:
    """Something whose size is shown, and how to find it out; that is done in a worker."""

    label: QLabel
    find_out: Callable[[], str]


class StoragePage(QWidget):
    """The caches with a button that empties each, then the folders with one that opens each."""

    def __init__(
        self, session: Session, caches: Sequence[DiskCache], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        jobs = session.jobs
        self._measuring = JobSlot(jobs, "measure data", self)
        self._clearing = JobSlot(jobs, "clear cache", self)
        self._measures: list[_Measure] = []
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 8, 0, 0)
        self._grid.setColumnStretch(0, 1)
        self.problem = plain_label("", self)
        self._add_line(heading("In use now"))
        for cache in caches:
            size = partial(lambda cache: megabytes(cache.size()), cache)
            self._add_row(cache.caption, size, "Clear", partial(self._clear, cache))
        self._add_line(self.problem)
        self.problem.hide()
        library, models, data = session.library.path, default_store().folder, data_folder()
        self._add_line(heading("Your data"))
        self._add_place("Labels and decisions", library, lambda: _size_text([library]))
        copies = backups_folder(library)
        self._add_place("Daily copies of them", copies, lambda: _size_text(backups(library)))
        self._add_place("Models of your own", models, lambda: _size_text(_files(models)))
        self._add_place("All together", data, lambda: _size_text(_files(data)))
        self._measure()

    def _add_place(self, caption: str, place: Path, size: Callable[[], str]) -> None:
        folder = place.parent if place.suffix else place
        self._add_row(caption, size, "Open", partial(open_folder, folder))
        path = muted_label(display_path(place))
        path.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._add_line(path)

    def _add_row(
        self, caption: str, size: Callable[[], str], button: str, act: Callable[[], None]
    ) -> None:
        row, label, push = self._grid.rowCount(), QLabel("…", self), QPushButton(button, self)
        label.setAccessibleName(f"Size of: {caption}")
        push.setAccessibleName(f"{button}: {caption}")
        push.setAutoDefault(False)
        push.clicked.connect(lambda _checked=False: act())
        self._grid.addWidget(plain_label(caption, self), row, 0)
        self._grid.addWidget(label, row, 1, Qt.AlignmentFlag.AlignRight)
        self._grid.addWidget(push, row, 2)
        self._measures.append(_Measure(label, size))

    def _add_line(self, widget: QWidget) -> None:
        self._grid.addWidget(widget, self._grid.rowCount(), 0, 1, 3)

    def _clear(self, cache: DiskCache) -> None:
        obstacle = cache.obstacle()
        self.problem.setText(obstacle)
        self.problem.setVisible(bool(obstacle))
        if not obstacle:
            self._clearing.run(cache.clear, on_end=self._measure)

    def _measure(self) -> None:
        measures = tuple(self._measures)

        def sizes() -> Generator[str, None, None]:
            for measure in measures:
                yield measure.find_out()

        waiting = iter([measure.label for measure in measures])

        def show(texts: tuple[str, ...]) -> None:
            for text in texts:
                next(waiting).setText(text)

        self._measuring.run(sizes, on_values=show)


def _size_text(files: Iterable[Path]) -> str:
    total = 0
    for file in files:
        with suppress(OSError):  # deleted meanwhile
            total += file.stat().st_size
    return megabytes(total)


def _files(folder: Path) -> Iterator[Path]:
    for place, _, names in os.walk(folder):
        yield from (Path(place, name) for name in names)
