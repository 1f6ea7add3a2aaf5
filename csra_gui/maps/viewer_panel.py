"""The current photo, large, with the map of one category over it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QRectF, Qt, Signal, Slot
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QHBoxLayout, QSplitter, QToolButton, QVBoxLayout, QWidget

from csra_gui.base.settings import Settings
from csra_gui.browse.image_loader import ImageLoader, LoadedPhoto
from csra_gui.browse.tile_loader import TileLoader
from csra_gui.maps.beside import label_caption
from csra_gui.maps.comparison import Beside, Comparison, Together
from csra_gui.maps.display import NOT_WHERE, MapDisplay
from csra_gui.maps.ground_truth import TrueObjects
from csra_gui.maps.layers import (
    OVERLAY_SIDE,
    MapPictures,
    category_color,
    map_picture,
    together_picture,
)
from csra_gui.maps.readout import ReadoutBar
from csra_gui.maps.side_view import SideView
from csra_gui.maps.why_text import nothing_left
from csra_gui.session.session import Session
from csra_gui.widgets.legend import Legend
from csra_gui.widgets.photo_view import PhotoView
from engine.api.values import PositionScores
from engine.texts import display_name, display_text


class LegendBar(Legend):
    """The legend of the labels that are drawn together; hidden otherwise."""

    def __init__(
        self, session: Session, comparison: Comparison, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._comparison = comparison
        comparison.changed.connect(self._update)
        session.models.state_changed.connect(self._update)
        self._update()

    @Slot()
    def _update(self) -> None:
        labels, comparison = self._session.photos.categories, self._comparison
        colors = comparison.colors if labels else {}
        wins = comparison.together is Together.WINNER
        self.set_entries(
            "Strongest label at each place:" if wins else "Labels together:",
            [(category_color(at), display_text(labels[c])) for c, at in colors.items()],
        )
        self.setVisible(comparison.is_on)


class ViewerPanel(QWidget):
    """Loads the current photo and lays the shown category's map over it.

    Signals:
        photo_shown: the ``QImage`` that is seen now, or ``None``.
    """

    photo_shown = Signal(object)

    def __init__(
        self,
        session: Session,
        settings: Settings,
        display: MapDisplay,
        loader: ImageLoader,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._display = display
        self._shown: Path | None = None
        self._pictures = MapPictures()
        self.loader = loader
        self.view = PhotoView(self)
        self.comparison = Comparison(session, self)
        self._tiles = TileLoader(loader.decoder, self.view)
        self.side = SideView(session, display, self.comparison, loader.decoder, self)
        self.objects = TrueObjects(session, settings, display.source, self)
        self.legend = LegendBar(session, self.comparison, self)
        self.readout = ReadoutBar(session, display, self)
        self.hide_part = QToolButton(self)
        self._set_up_layout()
        self._connect()
        self._show_current()

    def _set_up_layout(self) -> None:
        views = QSplitter(Qt.Orientation.Horizontal, self)
        views.addWidget(self.view)
        views.addWidget(self.side)
        views.setChildrenCollapsible(False)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        top = QHBoxLayout()
        top.addWidget(self.legend, 1)
        top.addStretch(0)
        top.addWidget(self.side.header)
        layout.addLayout(top)
        layout.addWidget(views, 1)
        self.hide_part.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.hide_part.hide()
        bottom = QHBoxLayout()
        bottom.setContentsMargins(0, 0, 4, 0)
        bottom.addWidget(self.readout, 1)
        bottom.addWidget(self.hide_part)
        layout.addLayout(bottom)

    def _connect(self) -> None:
        session, display = self._session, self._display
        self.view.position_hovered.connect(self.readout.set_point)
        self.view.region_changed.connect(self.readout.set_region)
        self.view.place_changed.connect(self.side.view.set_place)
        self.side.view.place_changed.connect(self.view.set_place)
        self.side.position_hovered.connect(self.readout.set_point)
        self.side.scores_changed.connect(display.set_beside)
        session.pipeline.photos_reset.connect(self.loader.clear)
        session.focus.current_changed.connect(self._on_focus_current_changed)
        session.pipeline.predictions_changed.connect(self._on_pipeline_predictions_changed)
        session.focus.category_changed.connect(self._update_overlay)
        self.comparison.changed.connect(self._update_overlay)
        display.changed.connect(self._update_overlay)
        self.objects.changed.connect(self._update_marks)
        self.loader.image_loaded.connect(self._on_loader_answered)
        self.loader.image_failed.connect(self._on_loader_answered)

    @property
    def shown_path(self) -> Path | None:
        """The photo that is seen, ``None`` while it loads."""
        return self._shown

    def reload(self, paths: Sequence[Path]) -> None:
        """Load photos anew whose files are other ones now."""
        self.loader.forget(paths)
        if self._shown in paths:
            self._shown = None
            self._on_focus_current_changed(self._session.focus.current)

    @Slot(object)
    def _on_focus_current_changed(self, _photo: int | None) -> None:
        path = self._session.focus.current_path
        # The neighbour in reading direction is decoded ahead: most people go on with the next one.
        wanted = [] if path is None else [path, *self._next_paths()]
        self._show_current()
        self.loader.want(wanted)

    def _next_paths(self) -> list[Path]:
        shown, current = self._session.shown, self._session.focus.current
        position = None if current is None else shown.position_of(current)
        row = None if position is None else shown.row_at(position + 1)
        return [] if row is None else [self._session.photos.paths[row]]

    @Slot(object)
    def _on_pipeline_predictions_changed(self, rows: tuple[int, ...]) -> None:
        if self._shown is None and (not rows or self._session.focus.current in rows):
            self._show_current()

    @Slot(object)
    def _on_loader_answered(self, path: Path) -> None:
        if path == self._session.focus.current_path:
            self._show_current()

    def _show_current(self) -> None:
        path, row = self._session.focus.current_path, self._session.focus.current
        if path is None or row is None:
            self._show_nothing("", "")
            return
        loaded = self.loader.photo(path)
        error = self.loader.error(path) or self._session.photos.error(row)
        self.view.set_caption(display_name(path))
        if loaded is not None:
            if self._shown != path:
                self._shown = path
                self._set_photo(loaded)
            self._update_overlay()
            self._update_marks()
        elif error is not None:
            self._show_nothing("This photo cannot be read.", display_text(error))
        else:
            self._show_nothing("Loading…", "")

    def _show_nothing(self, headline: str, detail: str) -> None:
        self._shown = None
        self._set_photo(None)
        self.view.set_message(headline, detail)
        if self._session.focus.current_path is None:
            self.view.set_caption("")

    def _set_photo(self, photo: LoadedPhoto | None) -> None:
        self._tiles.show(photo)
        self.side.set_photo(photo)
        self.photo_shown.emit(None if photo is None else photo.image)

    @Slot()
    def _update_overlay(self) -> None:
        self.view.set_overlay(self.overlay_image())
        source = self._display.source
        hidden = source.hidden
        self.view.set_covered(
            None
            if hidden is None or self._shown is None
            else QRectF(hidden.left, hidden.top, hidden.width, hidden.height)
        )
        self._update_caption()
        self.view.set_notice(self._notice())

    def _notice(self) -> str:
        source, scores = self._display.source, self._shown_scores()
        wanted = self._session.focus.category is not None or self.comparison.is_on
        is_asked = wanted and self._display.visible and scores is not None
        lacks = is_asked and scores is not None and not scores.says_where
        changed = f"What if: {source.text()}" if source.is_changed else ""
        missing = NOT_WHERE if lacks else self._missing_part(scores) if is_asked else ""
        return " · ".join(part for part in (changed, missing) if part)

    def _missing_part(self, scores: PositionScores | None) -> str:
        """Why the map of the label that is shown is empty; empty if it is not for such a reason."""
        category, model = self._session.focus.category, self._session.models.model
        if scores is None or category is None or model is None:
            return ""
        name = display_text(self._session.photos.categories[category])
        if category in scores.silenced:
            return nothing_left(name)
        head = self._display.lacking_head(scores, category)
        if head is None:
            return ""
        titles = model.head_titles
        title = f"Head {head + 1}" + (f", {display_text(titles[head])}," if titles else "")
        return f"{title} does not know {name}."

    def _update_caption(self) -> None:
        path, labels = self._session.focus.current_path, self._session.photos.categories
        if path is None or self._shown is None:
            return
        scores, caption = self._shown_scores(), display_name(path)
        if self.comparison.beside is not Beside.NOTHING and scores is not None and labels:
            caption = label_caption(caption, scores, labels, self._session.focus.category)
        self.view.set_caption(caption)

    @Slot()
    def _update_marks(self) -> None:
        stored = self._display.source.stored
        known = stored is not None and stored.path == self._shown
        size = (stored.width, stored.height) if known and stored is not None else None
        self.view.set_marks([] if size is None else self.objects.marks(size))
        self.readout.set_remark(self.objects.text())

    def overlay_image(self, side: int = OVERLAY_SIDE) -> QImage | None:
        """What lies over the photo now.

        Args:
            side: the longer one of the picture, in pixels.
        """
        scores = self._shown_scores()
        if scores is None or not (self._display.visible and scores.says_where):
            return None
        together = self.comparison
        if together.is_on and not self._points_at_a_label():
            return together_picture(self._display, scores, together.colors, together.together, side)
        category = self._session.focus.category
        if category is None:
            return None
        style = self._display.style(category)
        key = category, self._display.kind, self._display.head_in(scores), style, side

        def make() -> QImage:
            return map_picture(self._display.values(scores, category), scores, style, side)

        return self._pictures.get(scores, key, make)

    def _points_at_a_label(self) -> bool:
        """Whether one label's map is asked for now, over those that are drawn together."""
        shown = self._session.focus.category
        return shown is not None and shown != self._session.focus.pinned

    def _shown_scores(self) -> PositionScores | None:
        """The position scores of the photo that is seen, if they are there."""
        scores = self._display.source.scores
        return None if scores is None or scores.path != self._shown else scores
