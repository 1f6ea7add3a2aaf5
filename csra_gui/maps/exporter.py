"""Exports of maps from the window: one at a time, in a worker, told at the end."""

from __future__ import annotations

from collections.abc import Generator
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QUrl, Signal, Slot
from PySide6.QtGui import QDesktopServices, QGuiApplication, QImage

from csra_gui.base.activity import Activity, Progress, counted
from csra_gui.base.jobs import JobSlot, Policy, Work
from csra_gui.browse.decode_queue import ImageDecoder
from csra_gui.maps.display import MapDisplay
from csra_gui.maps.export_files import (
    Explained,
    PageProgress,
    write_full_picture,
    write_numbers,
    write_page,
    write_picture,
    write_sheet,
)
from csra_gui.maps.viewer_panel import ViewerPanel
from csra_gui.session.session import Session
from csra_gui.widgets.notifier import Notifier, Remedy, Topic
from engine.api.engine import TaggingEngine
from engine.api.errors import EngineError
from engine.explain.drawn_maps import DrawingSettings
from engine.explain.evidence import MapKind
from engine.texts import display_name, display_text

#: Side of an overlay that is scaled up to a whole photo: made in the GUI thread, so not larger.
_FULL_OVERLAY_SIDE = 1024


class MapExports(QObject):
    """Writes what is looked at.

    Signals:
        state_changed: work began or ended.
        written: the file that is there now, as ``Path``, and how many photos it had to leave out.
        failed: the ``EngineError``.
    """

    state_changed = Signal()
    written = Signal(object, int)
    failed = Signal(object)

    def __init__(
        self,
        session: Session,
        display: MapDisplay,
        viewer: ViewerPanel,
        decoder: ImageDecoder,
        notifier: Notifier,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._display = display
        self._viewer = viewer
        self._decoder = decoder
        self._notifier = notifier
        self._writing = JobSlot(session.jobs, "export maps", self, Policy.IGNORE)
        self.activity = Activity(self, cancel=self.cancel)

    @property
    def is_busy(self) -> bool:
        """Whether something is being written."""
        return self._writing.is_running

    @property
    def can_export(self) -> bool:
        """Whether there is a photo with its maps, and time for it."""
        what = self._what()
        return not self.is_busy and what is not None and what.scores.says_where

    @property
    def can_draw(self) -> bool:
        """Whether there is a map to draw over the whole photo."""
        shown = self._session.focus.category is not None or self._viewer.comparison.is_on
        return self.can_export and shown

    # What is seen.

    def seen(self) -> QImage:
        """The view as it is: zoom, map, boxes and all."""
        return self._viewer.view.picture()

    def copy(self) -> None:
        """Put the view as it is on the clipboard."""
        QGuiApplication.clipboard().setImage(self.seen())

    def save_seen(self, target: Path) -> None:
        """Write the view as it is."""
        image = self.seen()
        self._start(lambda: write_picture(image, target), target)

    def save_full(self, target: Path) -> None:
        """Write the photo with all its pixels, with the map that is shown."""
        photo = self._session.focus.current_path
        overlay = self._viewer.overlay_image(_FULL_OVERLAY_SIDE)
        if photo is not None and overlay is not None:
            decoder = self._decoder
            self._start(lambda: write_full_picture(decoder, photo, overlay, target), target)

    # What is known.

    def save_numbers(self, target: Path) -> None:
        """Write the map that is shown, or all position scores, by the target's suffix."""
        what, category = self._what(), self._session.focus.category
        if what is not None:
            values = None if category is None else self._display.values(what.scores, category)
            self._start(lambda: write_numbers(what, values, target), target)

    def save_sheet(self, target: Path) -> None:
        """Write the photo beside the maps of all its labels."""
        what = self._what()
        if what is not None:
            decoder = self._decoder
            self._start(lambda: write_sheet(decoder, what, target), target)

    def save_page(self, target: Path) -> None:
        """Write a page of the photos that are selected; of the current one if none is."""
        model, rows = self._session.models.model, self._rows()
        if model is None or not rows:
            return
        photos = self._session.photos.paths
        paths = [photos[row] for row in rows]
        settings, decoder = self._settings(), self._decoder

        def work(engine: TaggingEngine) -> Generator[PageProgress, None, Path]:
            explain = partial(engine.explain, model.id)
            return write_page(decoder, model, settings, explain, paths, target)

        self._start(self._session.engine.ask(work), target)

    @Slot()
    def cancel(self) -> None:
        """Stop; nothing is left of a page that was begun."""
        self._writing.cancel()

    # Helpers.

    def _rows(self) -> tuple[int, ...]:
        current = self._session.focus.current
        return self._session.selection or (() if current is None else (current,))

    def _what(self) -> Explained | None:
        model, scores = self._session.models.model, self._display.source.scores
        if model is None or scores is None:
            return None
        return Explained(scores, model, None, self._settings())

    def _settings(self) -> DrawingSettings:
        style = self._display.style(self._session.focus.category)
        signed = self._display.kind in (MapKind.EVIDENCE, MapKind.SCORE)
        return DrawingSettings(
            kind=self._display.kind,
            threshold=self._session.thresholds.common,
            colormap=None if signed else style.colormap,
            raw=not style.smooth,
            opacity=style.opacity,
        )

    def _start(self, work: Work, target: Path) -> None:
        if self.is_busy:
            return
        left_out = 0

        def follow(values: tuple[PageProgress, ...]) -> None:
            nonlocal left_out
            left_out = values[-1].failed
            self.activity.set_progress(counted(text, values[-1].done, values[-1].total))

        text = f"Writing {display_name(target)}"
        self._writing.run(
            work,
            lambda written: self._tell_written(written, left_out),
            self._tell_failed,
            self._finish,
            follow,
        )
        self.activity.set_progress(Progress(text))
        self.state_changed.emit()

    def _tell_written(self, target: Path, left_out: int) -> None:
        text = f"{display_name(target)} is written."
        if left_out:
            text += f" {left_out} photos could not be read and are left out."
        folder = QUrl.fromLocalFile(str(target.parent))
        show = Remedy("Show folder", lambda: QDesktopServices.openUrl(folder))
        self._notifier.info(text, Topic.NOTE, show)
        self.written.emit(target, left_out)

    def _tell_failed(self, error: EngineError) -> None:
        self._notifier.error(display_text(str(error)), Topic.NOTE)
        self.failed.emit(error)

    def _finish(self) -> None:
        self.activity.set_progress(None)
        self.state_changed.emit()
