"""Two lines below the photo: what the spot under the pointer says, or the part that is marked."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Slot
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget
from typing_extensions import override

from csra_gui.maps.display import MapDisplay
from csra_gui.maps.readout import listed_categories, region_lines, spot_labels, spot_value
from csra_gui.session.session import Session
from engine.api.geometry import Box
from engine.api.values import ModelInfo, PositionScores
from engine.explain.evidence import activate, logits
from engine.texts import display_text

_HINT = "Point at the photo to read its values.\nShift-drag, or Region, asks about a part of it."
_MARGIN = 6


class ReadoutBar(QLabel):
    """Follows the pointer; a marked region comes before it."""

    def __init__(
        self, session: Session, display: MapDisplay, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._display = display
        self._point: tuple[float, float] | None = None
        self._region: Box | None = None
        self._remark = ""
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setMargin(_MARGIN)
        self.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Values under the pointer")
        for fact in (session.category_changed, display.changed):
            fact.connect(self.update_text)
        session.current_changed.connect(self.update_text)
        self.update_text()

    @override
    def sizeHint(self) -> QSize:
        # Always two lines, or the photo would jump when the pointer comes and goes.
        return QSize(200, 2 * self.fontMetrics().lineSpacing() + 2 * _MARGIN)

    @override
    def minimumSizeHint(self) -> QSize:
        return QSize(0, self.sizeHint().height())

    @Slot(object)
    def set_point(self, point: QPointF | None) -> None:
        """Read the values at a fraction of the photo; ``None`` when the pointer has left."""
        self._point = None if point is None else (point.x(), point.y())
        self.update_text()

    @Slot(object)
    def set_region(self, rect: QRectF | None) -> None:
        """Read what a part of the photo says, in fractions; ``None`` goes back to the pointer."""
        self._region = (
            None if rect is None else Box(rect.left(), rect.top(), rect.right(), rect.bottom())
        )
        self.update_text()

    def set_remark(self, text: str) -> None:
        """Something to say while the pointer is elsewhere; plain text."""
        if text != self._remark:
            self._remark = text
            self.update_text()

    @Slot()
    def update_text(self) -> None:
        """Work the lines out anew."""
        model, scores = self._session.model, self._display.source.scores
        if self._session.current is None:
            text = ""
        elif model is None or scores is None or (self._point is None and self._region is None):
            text = self._remark or _HINT
        else:
            text = "\n".join(display_text(line) for line in self._lines(model, scores))
        self.setText(text)

    def _lines(self, model: ModelInfo, scores: PositionScores) -> tuple[str, ...]:
        shown = self._session.shown_category
        if self._region is not None:
            whole = activate(logits(scores), scores.activation)
            listed = listed_categories(whole, self._session.thresholds.values, shown)
            return region_lines(scores, model.categories, self._region, listed)
        if self._point is None:
            return ()
        smooth = self._display.smooth
        best = spot_labels(scores, model.categories, self._point, smooth=smooth)
        if shown is None:
            return (best,)
        kind, head = self._display.kind, self._display.head_in(scores)
        value = spot_value(scores, shown, self._point, kind=kind, head=head, smooth=smooth)
        return f"{model.categories[shown]} here: {value}", best
