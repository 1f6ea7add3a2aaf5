"""The current photo, large, with the map of one category over it."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Slot
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QVBoxLayout, QWidget

from csra_gui.map_display import MapDisplay
from csra_gui.panels.readout_strip import ReadoutStrip
from csra_gui.session import Session
from csra_gui.widgets.overlay import render_overlay
from csra_gui.widgets.photo_view import PhotoView
from csra_gui.workers.image_loader import ImageDecoder, large_loader
from engine.evidence import cells_on_photo, on_photo
from engine.geometry import fitted_size
from engine.texts import display_name, display_text
from engine.values import PositionScores

#: Maps have some 14 × 14 cells; more pixels than this would show nothing more.
_OVERLAY_SIDE = 512


class ViewerPanel(QWidget):
    """Loads the current photo and lays the shown category's map over it."""

    def __init__(
        self,
        session: Session,
        display: MapDisplay,
        decoder: ImageDecoder,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._display = display
        self._shown: Path | None = None
        self.loader = large_loader(decoder, self)
        self.view = PhotoView(self)
        self.readout = ReadoutStrip(session, display, self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.view, 1)
        layout.addWidget(self.readout)
        self.view.position_hovered.connect(self.readout.set_point)
        self.view.region_changed.connect(self.readout.set_region)
        session.photos_reset.connect(self.loader.clear)
        session.current_changed.connect(self._on_session_current_changed)
        session.predictions_changed.connect(self._on_session_predictions_changed)
        session.category_changed.connect(self._update_overlay)
        session.evidence_changed.connect(self._update_overlay)
        display.changed.connect(self._update_overlay)
        self.loader.image_loaded.connect(self._on_loader_answered)
        self.loader.image_failed.connect(self._on_loader_answered)
        self._show_current()

    @Slot(object)
    def _on_session_current_changed(self, _photo: int | None) -> None:
        path = self._session.current_path
        # The neighbour in reading direction is decoded ahead: most people go on with the next one.
        wanted = [] if path is None else [path, *self._next_paths()]
        self._show_current()
        self.loader.want(wanted)

    def _next_paths(self) -> list[Path]:
        after = 0 if self._session.current is None else self._session.current + 1
        return list(self._session.photos.paths[after : after + 1])

    @Slot(object)
    def _on_session_predictions_changed(self, rows: tuple[int, ...]) -> None:
        if self._shown is None and (not rows or self._session.current in rows):
            self._show_current()

    @Slot(object)
    def _on_loader_answered(self, path: Path) -> None:
        if path == self._session.current_path:
            self._show_current()

    def _show_current(self) -> None:
        path = self._session.current_path
        if path is None:
            self._show_nothing("", "")
            return
        image = self.loader.image(path)
        error = self.loader.error(path) or self._session.photos.error(self._session.current or 0)
        self.view.set_caption(display_name(path))
        if image is not None:
            if self._shown != path:
                self._shown = path
                self.view.set_photo(image)
            self._update_overlay()
        elif error is not None:
            self._show_nothing("This photo cannot be read.", display_text(error))
        else:
            self._show_nothing("Loading…", "")

    def _show_nothing(self, headline: str, detail: str) -> None:
        self._shown = None
        self.view.set_photo(None)
        self.view.set_message(headline, detail)
        if self._session.current_path is None:
            self.view.set_caption("")

    @Slot()
    def _update_overlay(self) -> None:
        self.view.set_overlay(self._overlay_image())

    def _overlay_image(self) -> QImage | None:
        category, evidence = self._session.shown_category, self._shown_evidence()
        if category is None or evidence is None or not self._display.visible:
            return None
        size = fitted_size(evidence.width, evidence.height, _OVERLAY_SIDE)
        style = self._display.style(category)
        lay = on_photo if style.smooth else cells_on_photo
        values = lay(self._display.values(evidence, category), *size, evidence.content)
        return render_overlay(values, style)

    def _shown_evidence(self) -> PositionScores | None:
        """The position scores of the photo that is seen, if they are there."""
        evidence = self._session.current_evidence
        return None if evidence is None or evidence.path != self._shown else evidence
