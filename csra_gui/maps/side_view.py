"""A second view beside the photo: another label, another model, or the same label otherwise."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, Signal, Slot
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from csra_gui.base.icons import icon
from csra_gui.base.jobs import JobSlot
from csra_gui.browse.decode_queue import ImageDecoder
from csra_gui.browse.image_loader import LoadedPhoto
from csra_gui.browse.tile_loader import TileLoader
from csra_gui.maps.beside import second_map
from csra_gui.maps.comparison import Beside, Comparison
from csra_gui.maps.display import NOT_WHERE, MapDisplay
from csra_gui.maps.layers import map_picture
from csra_gui.maps.model_comparison import SecondModel
from csra_gui.models.entries import ModelEntries, read_entries
from csra_gui.session.session import Session
from csra_gui.widgets.photo_view import PhotoView
from engine.explain.evidence import activate, logits
from engine.records.models import default_store
from engine.texts import display_text

BESIDE_CAPTIONS: dict[Beside, str] = {
    Beside.NOTHING: "Nothing",
    Beside.CATEGORY: "Another label",
    Beside.MODEL: "Another model",
    Beside.NO_ATTENTION: "Without attention (λ = 0)",
    Beside.STORED: "As stored, without the what-if",
}


class SideView(QWidget):
    """The same photo once more, under the same zoom; hidden while nothing is compared.

    Attributes:
        header: says what is shown, and changes it; to be laid above both views.

    Signals:
        scores_changed: what is drawn here shares the scale of the photo beside it, or no longer.
        position_hovered: as of the view.
    """

    scores_changed = Signal(object)
    position_hovered = Signal(object)

    def __init__(
        self,
        session: Session,
        display: MapDisplay,
        comparison: Comparison,
        decoder: ImageDecoder,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._display = display
        self._comparison = comparison
        self._photo: LoadedPhoto | None = None
        self._filled_for = Beside.NOTHING
        self._begins = False
        self._listing = JobSlot(session.jobs, "list models", self)
        self.second = SecondModel(session, self)
        self.view = PhotoView(self)
        self._tiles = TileLoader(decoder, self.view)
        self.header = QWidget(self)
        self.kinds = QComboBox(self.header)
        self.which = QComboBox(self.header)
        self._close = QToolButton(self.header)
        self._set_up()
        self.second.changed.connect(self.update_picture)
        comparison.changed.connect(self._on_comparison_changed)
        display.changed.connect(self.update_picture)
        session.focus.category_changed.connect(self.update_picture)
        session.models.state_changed.connect(self._fill_which)
        session.focus.current_changed.connect(self._on_focus_current_changed)
        self.view.position_hovered.connect(self._on_view_position_hovered)
        self._on_comparison_changed()

    def _set_up(self) -> None:
        for beside, caption in BESIDE_CAPTIONS.items():
            self.kinds.addItem(caption, beside.value)
        self.kinds.setAccessibleName("What is shown beside the photo")
        self.which.setAccessibleName("Which label or model is shown beside the photo")
        self.which.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.which.setMinimumContentsLength(8)
        self.kinds.setSizeAdjustPolicy(self.which.sizeAdjustPolicy())
        self.kinds.setMinimumContentsLength(12)
        self._close.setIcon(icon("close"))
        self._close.setAutoRaise(True)
        self._close.setToolTip("Show the photo alone")
        self._close.setAccessibleName("Show the photo alone")
        self.view.setAccessibleName("The photo once more")
        row = QHBoxLayout(self.header)
        row.setContentsMargins(4, 2, 4, 2)
        row.addWidget(self.kinds)
        row.addWidget(self.which)
        row.addWidget(self._close)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.view)
        self.kinds.activated.connect(self._on_kinds_activated)
        self.which.activated.connect(self._on_which_activated)
        self._close.clicked.connect(lambda: self._comparison.set_beside(Beside.NOTHING))

    def set_photo(self, photo: LoadedPhoto | None) -> None:
        """Show the photo that the other view shows."""
        self._photo = photo
        if not self.isHidden():
            self._tiles.show(photo)
            self.update_picture()

    @Slot()
    def update_picture(self) -> None:
        """Draw the map anew."""
        if self._comparison.beside is Beside.NOTHING:
            return
        self._choose_labels()
        shown = second_map(self._session, self._display.source, self._comparison, self.second)
        self.scores_changed.emit(shown.scores)
        self.view.set_caption(shown.caption)
        lacks = shown.scores is not None and not shown.scores.says_where
        self.view.set_notice(NOT_WHERE if lacks and shown.category is not None else "")
        is_drawn = self._display.visible and not lacks
        if shown.scores is None or shown.category is None or not is_drawn:
            self.view.set_overlay(None)
            return
        style = self._display.style(self._own_category(shown.category))
        values = self._display.values(shown.scores, shown.category)
        self.view.set_overlay(map_picture(values, shown.scores, style))

    def _own_category(self, category: int) -> int | None:
        """Whose threshold the line is at: that of the model in use, which may order otherwise."""
        other_model = self._comparison.beside is Beside.MODEL
        return self._session.focus.category if other_model else category

    @Slot()
    def _on_comparison_changed(self) -> None:
        beside = self._comparison.beside
        self.kinds.setCurrentIndex(self.kinds.findData(beside.value))
        opened = self.isHidden() and beside is not Beside.NOTHING
        for widget in (self, self.header):
            widget.setVisible(beside is not Beside.NOTHING)
        if beside is not Beside.MODEL:
            self.second.choose(None)
        if beside is Beside.NOTHING:
            self._tiles.show(None)
            self.scores_changed.emit(None)
        elif opened:
            self._begins = True
            self._tiles.show(self._photo)
        self._fill_which()
        self.update_picture()

    @Slot()
    def _fill_which(self) -> None:
        beside = self._comparison.beside
        if beside is not Beside.MODEL:
            self._listing.drop()
        self.which.setVisible(beside in (Beside.CATEGORY, Beside.MODEL))
        if beside is Beside.CATEGORY:
            self._fill_categories()
        elif beside is Beside.MODEL and self._filled_for is not beside:
            self._ask_for_models()
        self._filled_for = beside

    def _fill_categories(self) -> None:
        self.which.clear()
        photos = self._session.photos
        for category, name in enumerate(photos.categories):
            if category not in photos.hidden:
                self.which.addItem(display_text(name), category)
        self.which.setCurrentIndex(self.which.findData(self._comparison.other))

    def _ask_for_models(self) -> None:
        self.which.clear()
        self._listing.run(lambda: read_entries(default_store()), self._fill_models)

    def _fill_models(self, manager: ModelEntries) -> None:
        self.which.clear()
        for model in manager.models:
            if model.is_usable:
                self.which.addItem(display_text(model.name), model.name)
        self.which.setCurrentIndex(self.which.findData(self.second.source))

    @Slot(int)
    def _on_kinds_activated(self, place: int) -> None:
        self._comparison.set_beside(Beside(self.kinds.itemData(place)))

    def _choose_labels(self) -> None:
        """Begin with the best labels, once there are scores: photos alone say nothing."""
        if self._display.source.scores is None:
            return
        begins, self._begins = self._begins, False
        if begins and self._session.focus.category is None:
            self._session.focus.set_pinned(self._suggested_category())
        if self._comparison.beside is Beside.CATEGORY and self._comparison.other is None:
            self._comparison.set_beside(Beside.CATEGORY, self._suggested_category())

    def _suggested_category(self) -> int | None:
        """The best label of the photo that is not shown already, by its own map."""
        scores = self._display.source.scores
        if scores is None:
            return None
        ranked: Sequence[int] = activate(logits(scores), scores.activation).argsort()[::-1].tolist()
        shown = self._session.focus.category
        seen = (shown, None if shown is None else scores.follows.get(shown), *scores.follows)
        return next((c for c in ranked if c not in seen), None)

    @Slot(int)
    def _on_which_activated(self, place: int) -> None:
        chosen = self.which.itemData(place)
        if self._comparison.beside is Beside.MODEL:
            self.second.choose(chosen)
        else:
            self._comparison.set_beside(Beside.CATEGORY, chosen)

    @Slot(object)
    def _on_focus_current_changed(self, _row: int | None) -> None:
        self.update_picture()

    @Slot(object)
    def _on_view_position_hovered(self, point: QPointF | None) -> None:
        self.position_hovered.emit(point)
