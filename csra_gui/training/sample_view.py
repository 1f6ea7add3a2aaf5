"""A few photos with what the model says of them by now, and where it sees it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PySide6.QtCore import QRect, QSize, Qt, Slot
from PySide6.QtGui import QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QSizePolicy, QSlider, QVBoxLayout, QWidget
from typing_extensions import override

from csra_gui.base.theme import BACKDROP, BACKDROP_MUTED, BACKDROP_TEXT
from csra_gui.base.tool_tips import tool_tip
from csra_gui.browse.decode_queue import ImageDecoder
from csra_gui.browse.image_loader import ImageLoader
from csra_gui.training.record import TrainingRecord
from csra_gui.widgets.labels import muted_label, plain_label
from csra_gui.widgets.overlay import render_overlay
from engine.api.label_names import shown_label
from engine.api.values import PositionScores
from engine.explain.evidence import local_probability, logits, on_photo, sigmoid
from engine.explain.render import OverlayStyle
from engine.texts import whole_percent

_SIDE = 320
_BYTES = 32 * 2**20
_COLUMNS = 3
_MAP_SIDE = 160
_TEXT_LINES = 2
_MARGIN = 6


class SampleCard(QWidget):
    """One photo, the map of one category over it, and the best scores beneath."""

    def __init__(self, path: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.path = path
        self._photo: QImage | None = None
        self._overlay: QImage | None = None
        self.says = ""
        self.truth = ""
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(150, 130)

    def set_photo(self, photo: QImage | None) -> None:
        """The decoded photo."""
        self._photo = photo
        self.update()

    def set_state(self, overlay: QImage | None, says: str, truth: str) -> None:
        """What the model says, and what is true."""
        self._overlay, self.says, self.truth = overlay, says, truth
        self.setAccessibleName(f"{says}. {truth}")
        self.setToolTip(tool_tip(f"{says}\n{truth}"))
        self.update()

    @override
    def sizeHint(self) -> QSize:
        return QSize(230, 200)

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.fillRect(self.rect(), BACKDROP)
        line = self.fontMetrics().height()
        room = self.rect().adjusted(0, 0, 0, -_TEXT_LINES * line - _MARGIN)
        if self._photo is not None:
            size = self._photo.size().scaled(room.size(), Qt.AspectRatioMode.KeepAspectRatio)
            place = QRect(room.center().x() - size.width() // 2, room.top(), 0, 0)
            place.setSize(size)
            painter.drawImage(place, self._photo)
            if self._overlay is not None:
                painter.drawImage(place, self._overlay)
        for row, (text, color) in enumerate(
            ((self.says, BACKDROP_TEXT), (self.truth, BACKDROP_MUTED))
        ):
            painter.setPen(color)
            top = room.bottom() + _MARGIN // 2 + row * line
            where = QRect(_MARGIN, top, self.width() - 2 * _MARGIN, line)
            shown = self.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, where.width())
            painter.drawText(where, int(Qt.AlignmentFlag.AlignLeft), shown)


class SampleView(QWidget):
    """All samples at one epoch; a slider goes back to earlier ones."""

    def __init__(self, decoder: ImageDecoder, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._loader = ImageLoader(decoder, self, side=_SIDE, byte_limit=_BYTES)
        self._loader.image_loaded.connect(self._on_loader_image_loaded)
        self._record = TrainingRecord()
        self._epochs: list[int] = []
        self.cards: list[SampleCard] = []
        self.hint = muted_label("The samples appear once the training has begun.", self)
        self.slider = QSlider(Qt.Orientation.Horizontal, self)
        self.slider.setAccessibleName("Epoch that is shown")
        self.slider.valueChanged.connect(self._show_epoch)
        self.caption = plain_label("", self)
        self.caption.setMinimumWidth(120)
        self.caption.setWordWrap(False)
        self._grid = QGridLayout()
        self._grid.setSpacing(8)
        row = QHBoxLayout()
        row.addWidget(self.caption)
        row.addWidget(self.slider, 1)
        layout = QVBoxLayout(self)
        layout.addWidget(self.hint)
        layout.addLayout(self._grid, 1)
        layout.addLayout(row)
        self._show_widgets()

    def close_loader(self) -> None:
        """Load nothing any more."""
        self._loader.close()

    def set_record(self, record: TrainingRecord) -> None:
        """Show a training; the newest epoch, unless the person looks at an older one."""
        was_last = record is not self._record or self.slider.value() == self.slider.maximum()
        self._record = record
        self._epochs = sorted(record.samples)
        self.slider.setRange(0, max(0, len(self._epochs) - 1))
        self.slider.setEnabled(len(self._epochs) > 1)
        if was_last:
            self.slider.setValue(self.slider.maximum())
        self._show_epoch()

    @Slot()
    def _show_epoch(self) -> None:
        self._show_widgets()
        if not self._epochs:
            return
        epoch = self._epochs[min(self.slider.value(), len(self._epochs) - 1)]
        report = self._record.samples[epoch]
        self.caption.setText("Before the training" if epoch == 0 else f"After epoch {epoch}")
        if [card.path for card in self.cards] != [scores.path for scores in report.scores]:
            self._make_cards([scores.path for scores in report.scores])
        names = () if self._record.started is None else self._record.started.categories
        for card, scores, truth in zip(self.cards, report.scores, report.truth, strict=True):
            card.set_state(*_state(scores, truth, names))

    def _make_cards(self, paths: list[Path]) -> None:
        for card in self.cards:
            card.deleteLater()
        self.cards = [SampleCard(path, self) for path in paths]
        for place, card in enumerate(self.cards):
            self._grid.addWidget(card, place // _COLUMNS, place % _COLUMNS)
            card.set_photo(self._loader.image(card.path))
        self._loader.want(paths)

    def _show_widgets(self) -> None:
        there = bool(self._epochs)
        self.hint.setVisible(not there)
        self.slider.setVisible(there)
        self.caption.setVisible(there)

    @Slot(object)
    def _on_loader_image_loaded(self, path: Path) -> None:
        for card in self.cards:
            if card.path == path:
                card.set_photo(self._loader.image(path))


def _state(
    scores: PositionScores, truth: tuple[str, ...], names: tuple[str, ...]
) -> tuple[QImage | None, str, str]:
    """The map of the first true category, or of the best one; the three best scores; the truth."""
    values = sigmoid(logits(scores))
    if len(names) != len(values):  # it is not told yet which categories there are
        return None, "", ""
    ranked = [int(place) for place in np.argsort(-values, kind="stable")[:3]]
    shown = names.index(truth[0]) if truth and truth[0] in names else ranked[0]
    height = max(1, round(_MAP_SIDE * scores.height / max(1, scores.width)))
    grid = local_probability(scores, shown)
    overlay = render_overlay(
        on_photo(grid, _MAP_SIDE, min(height, 4 * _MAP_SIDE), scores.content),
        OverlayStyle(threshold=0.5, contour=False),
    )
    says = " · ".join(f"{shown_label(names[i])} {whole_percent(values[i])}" for i in ranked)
    map_of = f" (map: {shown_label(names[shown])})"
    true_names = ", ".join(shown_label(name) for name in truth) or "none of the labels"
    return overlay, says, f"It shows: {true_names}{map_of}"
