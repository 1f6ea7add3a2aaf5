"""Why a label: a small window beside the photo that follows the label pointed at or pinned."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Slot
from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QLabel,
    QPlainTextEdit,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from csra_gui.maps.display import head_caption
from csra_gui.maps.source import MapSource
from csra_gui.maps.why_text import numbers, plain_reason
from csra_gui.session.session import Session
from csra_gui.widgets.windows import fit_to_screen
from engine.api.values import ModelInfo, PositionScores
from engine.explain.explanation import explanation
from engine.explain.following import best_category
from engine.texts import display_text

_NO_PHOTO = "Select a photo."
_WAITING = "Working it out…"
_WIDTH, _FOLDED, _UNFOLDED = 420, 220, 400


class WhyDialog(QDialog):
    """Sentences, and the numbers behind them when they are asked for; all can be copied."""

    def __init__(self, session: Session, source: MapSource, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._source = source
        self._kept: int | None = session.focus.category
        self.setWindowTitle("Why this label?")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.heading = QLabel(self)
        self.reason = QLabel(self)
        self.unfold = QToolButton(self)
        self.numbers = QPlainTextEdit(self)
        self._set_up()
        for fact in (
            session.focus.category_changed,
            source.changed,
            session.thresholds.changed,
            session.focus.current_changed,
        ):
            fact.connect(self._update)
        self._update()

    def _set_up(self) -> None:
        for label in (self.heading, self.reason):
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setWordWrap(True)
            label.setTextInteractionFlags(
                Qt.TextInteractionFlag.TextSelectableByMouse
                | Qt.TextInteractionFlag.TextSelectableByKeyboard
            )
        font = self.heading.font()
        font.setBold(True)
        self.heading.setFont(font)
        self.reason.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        self.unfold.setText("The numbers")
        self.unfold.setCheckable(True)
        self.unfold.setAutoRaise(True)
        self.unfold.setArrowType(Qt.ArrowType.RightArrow)
        self.unfold.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.unfold.toggled.connect(self._on_unfold_toggled)
        self.numbers.setReadOnly(True)
        self.numbers.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.numbers.setAccessibleName("The numbers behind the label")
        self.numbers.hide()
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        for widget in (self.heading, self.reason, self.unfold):
            layout.addWidget(widget)
        layout.addWidget(self.numbers, 1)
        layout.addStretch()
        layout.addWidget(buttons)
        self.resize(_WIDTH, _FOLDED)

    @Slot(bool)
    def _on_unfold_toggled(self, on: bool) -> None:
        self.numbers.setVisible(on)
        self.unfold.setArrowType(Qt.ArrowType.DownArrow if on else Qt.ArrowType.RightArrow)
        fit_to_screen(self, QSize(self.width(), _UNFOLDED if on else _FOLDED))

    @Slot()
    def _update(self) -> None:
        model, focus = self._session.models.model, self._session.focus
        scores = self._source.scores
        if focus.category is not None:
            self._kept = focus.category  # the last one stays while nothing is pointed at
        if focus.current is None or model is None or scores is None:
            self._tell("", _NO_PHOTO if focus.current is None else self._reason_missing(), "")
        else:
            self._explain(model, scores)

    def _reason_missing(self) -> str:
        return self._source.error or self._session.focus.evidence_error or _WAITING

    def _explain(self, model: ModelInfo, scores: PositionScores) -> None:
        known = self._kept is not None and self._kept < len(model.categories)
        category = self._kept if known and self._kept is not None else best_category(scores)
        changed = self._source.is_changed
        # It was learned from scores of the model as it is, and says nothing of others.
        calibration = None if changed else model.calibration
        threshold = self._session.thresholds.of(category)
        why = explanation(scores, category, threshold, calibration)
        labels = self._session.photos.categories
        name = labels[category]
        kind = "" if why.follows_from is None else labels[why.follows_from]
        heading = f"{name} (what if: {self._source.text()})" if changed else name
        where = scores.says_where
        reason = plain_reason(why, name, says_where=where, kind=kind)
        heads = self._head_captions(model, scores)
        lines = numbers(why, name, says_where=where, kind=kind, heads=heads)
        self._tell(heading, reason, lines)

    def _head_captions(self, model: ModelInfo, scores: PositionScores) -> list[str]:
        """Of the heads that are on, by their places in the model; none while they do not fit."""
        count, heads = len(model.temperatures), self._source.change.heads or ()
        is_on = (True,) * count if len(scores.values) == count else heads
        places = [place for place, on in enumerate(is_on) if on]
        if len(is_on) != count or len(places) != len(scores.values):
            return []
        return [
            head_caption(place, temperature, model.head_titles)
            for place, temperature in zip(places, scores.temperatures, strict=True)
        ]

    def _tell(self, heading: str, reason: str, lines: str) -> None:
        self.heading.setText(display_text(heading))
        self.reason.setText(display_text(reason))
        if lines != self.numbers.toPlainText():
            self.numbers.setPlainText(lines)
