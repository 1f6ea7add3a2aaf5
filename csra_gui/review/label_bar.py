"""The labels of one photo in a few lines beneath it, to see and to decide on."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QPoint, QRectF, QSize, Qt, Signal, Slot
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetrics,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QAbstractButton, QLabel, QSizePolicy, QWidget
from typing_extensions import override

from csra_gui.base.icons import icon_pixmap
from csra_gui.base.theme import Tone, blended, tone_color
from csra_gui.base.tool_tips import tool_tip
from csra_gui.browse.photo_texts import photo_error
from csra_gui.browse.view_mode import Browsing
from csra_gui.review.controller import ReviewController
from csra_gui.review.label_delegate import STATE_SIDE, state_icon
from csra_gui.review.label_list_model import LabelRow, row_sentence
from csra_gui.session.session import Session
from engine.library.values import Verdict
from engine.texts import display_text

_GAP = 6
_PADDING = 7
_ROUND = 6.0
_KEYS = 9
_HELP = "Click: right · Shift+click: wrong"
_NO_LABELS, _NOT_TAGGED = "No labels", "Not tagged yet"


class LabelButton(QAbstractButton):
    """One label: the key that decides on it, who says so, its name and its score.

    Signals:
        accept_requested: name of the label that the person says is right.
        reject_requested: name of the label that the person says is wrong.
    """

    accept_requested = Signal(str)
    reject_requested = Signal(str)

    def __init__(self, row: LabelRow, key: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.row = row
        self.key = key
        self._shift = False
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        said = row_sentence(row)
        self.setAccessibleName(f"{key} {said}" if key else said)
        self.setToolTip(tool_tip(*filter(None, (said, row.mark_text, _HELP))))
        self.clicked.connect(self._on_clicked)

    @override
    def sizeHint(self) -> QSize:
        metrics = QFontMetrics(self._name_font())
        width = metrics.horizontalAdvance(self._name()) + STATE_SIDE + _GAP + 2 * _PADDING
        for text in (self.key, self.row.figure):
            width += QFontMetrics(self.font()).horizontalAdvance(text) + _GAP if text else 0
        return QSize(width, metrics.height() + 8)

    @override
    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        super().mouseReleaseEvent(event)

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        palette, row = self.palette(), self.row
        base, text = (palette.color(r) for r in (QPalette.ColorRole.Base, QPalette.ColorRole.Text))
        name, tone = state_icon(row)
        color = tone_color(tone, palette)
        painter.setPen(QPen(color if row.verdict else blended(text, base, 0.3), 1.0))
        painter.setBrush(blended(text, base, 0.12 if self.underMouse() else 0.0))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), _ROUND, _ROUND)
        left, muted = _PADDING, tone_color(Tone.MUTED, palette)
        if self.key:
            left += self._write(painter, left, self.key, muted) + _GAP
        pixmap = icon_pixmap(name, STATE_SIDE, color, self.devicePixelRatioF())
        painter.drawPixmap(QPoint(left, (self.height() - STATE_SIDE) // 2), pixmap)
        left += STATE_SIDE + _GAP
        painter.setFont(self._name_font())
        left += self._write(painter, left, self._name(), text if row.counts else muted) + _GAP
        painter.setFont(self.font())
        self._write(painter, left, row.figure, muted)

    def _write(self, painter: QPainter, left: int, text: str, color: QColor) -> int:
        painter.setPen(color)
        area = self.rect().adjusted(left, 0, 0, 0)
        painter.drawText(area, int(Qt.AlignmentFlag.AlignVCenter), text)
        return painter.fontMetrics().horizontalAdvance(text)

    def _name(self) -> str:
        return display_text(self.row.category) + self.row.mark

    def _name_font(self) -> QFont:
        font = QFont(self.font())
        font.setWeight(QFont.Weight.DemiBold if self.row.counts else QFont.Weight.Normal)
        font.setStrikeOut(self.row.verdict is Verdict.REJECTED)
        return font

    @Slot()
    def _on_clicked(self) -> None:
        shift, self._shift = self._shift, False
        (self.reject_requested if shift else self.accept_requested).emit(self.row.category)


class LabelBar(QWidget):
    """Labels side by side, on as many lines as they need; a text where there is none.

    Signals:
        accept_requested: name of the label that the person says is right.
        reject_requested: name of the label that the person says is wrong.
    """

    accept_requested = Signal(str)
    reject_requested = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.buttons: list[LabelButton] = []
        self._shown: tuple[tuple[LabelRow, str], ...] = ()
        self.empty = QLabel(self)
        self.empty.setTextFormat(Qt.TextFormat.PlainText)
        self._accepts_focus = True
        policy = QSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.setAccessibleName("Labels of the photo")

    def set_labels(self, labels: Sequence[tuple[LabelRow, str]], empty: str) -> None:
        """Show others.

        Args:
            labels: each with the key that decides on it, or nothing.
            empty: what is said if there is none; plain text.
        """
        self.empty.setText(empty)
        self.empty.setVisible(not labels)
        if tuple(labels) != self._shown:
            self._shown = tuple(labels)
            self._make_buttons()
        self._lay_out(self.width(), moves=True)
        self.updateGeometry()

    def leave_keys_to_parent(self) -> None:
        """Let no label take the focus: the keys belong to what the bar lies on."""
        self._accepts_focus = False

    @override
    def sizeHint(self) -> QSize:
        return QSize(200, self.heightForWidth(max(self.width(), 200)))

    @override
    def minimumSizeHint(self) -> QSize:
        return QSize(0, self._line_height())

    @override
    def hasHeightForWidth(self) -> bool:
        return True

    @override
    def heightForWidth(self, width: int) -> int:
        return self._lay_out(width, moves=False)

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._lay_out(self.width(), moves=True)

    def _make_buttons(self) -> None:
        for button in self.buttons:
            button.hide()
            button.deleteLater()
        self.buttons = [LabelButton(row, key, self) for row, key in self._shown]
        for button in self.buttons:
            focus = Qt.FocusPolicy.TabFocus if self._accepts_focus else Qt.FocusPolicy.NoFocus
            button.setFocusPolicy(focus)
            button.accept_requested.connect(self.accept_requested)
            button.reject_requested.connect(self.reject_requested)
            button.show()

    def _line_height(self) -> int:
        return self.fontMetrics().height() + 8

    def _lay_out(self, width: int, *, moves: bool) -> int:
        """Place the buttons, or only say how high they would be together."""
        left = top = 0
        for button in self.buttons:
            size = button.sizeHint().boundedTo(QSize(max(width, 1), self._line_height()))
            if left and left + size.width() > width:
                left, top = 0, top + self._line_height() + _GAP
            if moves:
                button.setGeometry(left, top, size.width(), size.height())
            left += size.width() + _GAP
        if moves:
            self.empty.setGeometry(0, 0, width, self._line_height())
        return top + self._line_height()


class PhotoLabelBar(LabelBar):
    """Follows one photo and what is said of it.

    Args:
        session: of the photo.
        browsing: knows the photos that decisions go to.
        review: takes the decisions.
        photo: the row of the photo to show, or ``None``.
    """

    def __init__(
        self,
        session: Session,
        browsing: Browsing,
        review: ReviewController,
        photo: Callable[[], int | None],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._browsing = browsing
        self._review = review
        self._photo = photo
        for fact in (
            session.focus.current_changed,
            session.decisions.changed,
            session.pipeline.predictions_changed,
            session.thresholds.changed,
            browsing.pair_changed,
            browsing.subjects_changed,
            review.rows_changed,
        ):
            fact.connect(self.update_labels)
        self.accept_requested.connect(lambda name: self._decide(review.accept, name))
        self.reject_requested.connect(lambda name: self._decide(review.reject, name))
        self.update_labels()

    @Slot()
    def update_labels(self) -> None:
        """Show what is known of the photo now."""
        photo = self._photo()
        if photo is None:
            self.set_labels((), "")
            return
        rows = [r for r in self._review.rows_of((photo,)) if r.counts or r.verdict is not None]
        decides = photo in self._review.targets
        labels = [(row, self._key(row) if decides else "") for row in rows]
        tagged = self._session.photos.is_tagged(photo)
        error = photo_error(self._session, photo, None)
        self.set_labels(labels, error or (_NO_LABELS if tagged else _NOT_TAGGED))

    def _key(self, row: LabelRow) -> str:
        place = self._review.place_of(row.category)
        return str(place + 1) if place is not None and place < _KEYS else ""

    def _decide(self, word: Callable[[str], None], name: str) -> None:
        """Say it of this photo, which is the one looked at from now on, or of all targets."""
        photo = self._photo()
        if photo is not None and photo not in self._review.targets:
            self._session.focus.set_current(photo)
        word(name)
