"""A line for a filter: completes what is typed and marks what it cannot understand."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QSize, QStringListModel, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QInputMethodEvent, QKeyEvent, QTextCharFormat
from PySide6.QtWidgets import QApplication, QCompleter, QLineEdit, QListView, QWidget
from typing_extensions import override

from csra_gui.base.icons import icon
from csra_gui.base.theme import Tone, tone_color
from engine.library.filters.completion import Completion

#: Typing has paused.
SETTLE_MS = 300
_MAX_LENGTH = 2000
_RETURNS = frozenset({Qt.Key.Key_Return, Qt.Key.Key_Enter})

#: What could stand at the cursor of a text.
Completing = Callable[[str, int], Completion]


class FilterEdit(QLineEdit):
    """Says what to filter by once typing pauses, or at Return.

    Args:
        completing: finds what could stand at the cursor; it is asked while the person types.
        parent: of the widget.

    Signals:
        filter_changed: the text; ``set_filter`` is silent.
        left: Escape was pressed where there is nothing to clear.
        entered: Return was pressed; what is typed has been told.
        offers_closed: what could be chosen is no longer shown.
    """

    filter_changed = Signal(str)
    left = Signal()
    entered = Signal()
    offers_closed = Signal()

    def __init__(self, completing: Completing, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._completing = completing
        self._completion = Completion(0, 0, ())
        self._told = ""
        self._wrong: tuple[int, int] | None = None
        self._timer = QTimer(self, singleShot=True, interval=SETTLE_MS)
        self._timer.timeout.connect(self._tell)
        self._suggestions = QStringListModel(self)
        self._completer = QCompleter(self._suggestions, self)
        self._completer.setCompletionMode(QCompleter.CompletionMode.UnfilteredPopupCompletion)
        self.offers = QListView()
        self._completer.setPopup(self.offers)
        self._completer.setWidget(self)
        self._completer.activated.connect(self._insert)
        self.offers.installEventFilter(self)
        self.setMaxLength(_MAX_LENGTH)
        self.setClearButtonEnabled(True)
        self.setPlaceholderText("Filter: dog AND NOT person")
        self.setAccessibleName("Filter")
        self.addAction(icon("filter"), QLineEdit.ActionPosition.LeadingPosition)
        self.textChanged.connect(self._on_text_changed)
        self.textEdited.connect(self.complete)

    def set_filter(self, text: str) -> None:
        """Show another filter, without a signal."""
        self._timer.stop()
        self._told = text
        if text != self.text():
            self.setText(text)
            self._timer.stop()

    def set_error(self, span: tuple[int, int] | None) -> None:
        """Mark these characters, first and after the last, as wrong; ``None`` marks nothing."""
        if span is not None:  # an end that is missing is marked at the last character
            start = min(span[0], max(len(self.text()) - 1, 0))
            span = start, max(span[1], start + 1)
        if span != self._wrong:
            self._wrong = span
            self._mark()

    @property
    def marked(self) -> tuple[int, int] | None:
        """The characters that are marked as wrong."""
        return self._wrong

    @Slot()
    def complete(self) -> None:
        """Offer what could stand at the cursor."""
        completion = self._completing(self.text(), self.cursorPosition())
        typed = self.text()[completion.start : completion.end]
        offers = [text for text in completion.suggestions if text != typed]
        self._completion = completion
        self._suggestions.setStringList(offers)
        if not offers or not self.hasFocus():
            self.offers.hide()
            return
        place = self.cursorRect()
        place.setSize(QSize(self.offers.sizeHintForColumn(0) + 40, self.height()))
        self._completer.complete(place)
        self.offers.clearSelection()
        self.offers.setCurrentIndex(self._suggestions.index(-1))

    @property
    def offered(self) -> list[str]:
        """What is offered now; nothing while no list is open."""
        open_now = self.offers.isVisible()
        return self._suggestions.stringList() if open_now else []

    @override
    def sizeHint(self) -> QSize:
        return QSize(420, super().sizeHint().height())

    @override
    def event(self, event: QEvent) -> bool:
        # Qt itself moves the focus at Tab, before a widget's keyPressEvent.
        is_key = isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Tab
        if is_key and event.type() == QEvent.Type.KeyPress and self.offers.isVisible():
            row = max(self.offers.currentIndex().row(), 0)
            self.offers.hide()
            self._insert(self._suggestions.stringList()[row])
            return True
        return super().event(event)

    @override
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Hide:
            self.offers_closed.emit()
        return super().eventFilter(watched, event)

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        if self.offers.isVisible() and event.key() in (*_RETURNS, Qt.Key.Key_Escape):
            if event.key() in _RETURNS and not self.offers.currentIndex().isValid():
                self.offers.hide()
                self._enter()
                event.accept()
            else:
                event.ignore()  # the list takes it
        elif event.key() in _RETURNS:
            self._enter()
            event.accept()
        elif event.key() == Qt.Key.Key_Escape:
            self._clear_or_leave()
        elif event.key() == Qt.Key.Key_Space and event.modifiers() & _CONTROL:
            self.complete()
        else:
            super().keyPressEvent(event)

    @override
    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._mark()

    def _enter(self) -> None:
        self._tell()
        self.entered.emit()

    def _clear_or_leave(self) -> None:
        if self.text():
            self.clear()
            self._tell()
        else:
            self.left.emit()

    @Slot(str)
    def _insert(self, suggestion: str) -> None:
        completion = self._completion
        text = self.text()
        ended = "" if suggestion.endswith(":") or self._asks_for_more() else " "
        before = text[: completion.start] + suggestion + ended
        self.setText(before + text[completion.end :].removeprefix(" " if ended else ""))
        self.setCursorPosition(len(before))
        if suggestion.endswith(":"):
            self.complete()

    def _asks_for_more(self) -> bool:
        """Whether a comparison must follow what is put in."""
        return self.text()[: self._completion.start].lower().endswith("score:")

    @Slot()
    def _on_text_changed(self) -> None:
        self.set_error(None)
        if self.text() or self._told:
            self._timer.start()

    @Slot()
    def _tell(self) -> None:
        self._timer.stop()
        if self.text() != self._told:
            self._told = self.text()
            self.filter_changed.emit(self._told)

    def _mark(self) -> None:
        """Underline what is wrong; only an input method may format parts of a line edit."""
        attributes = []
        if self._wrong is not None:
            look = QTextCharFormat()
            look.setUnderlineStyle(QTextCharFormat.UnderlineStyle.WaveUnderline)
            color = tone_color(Tone.DANGER, self.palette())
            look.setUnderlineColor(color)
            look.setForeground(color)
            start, end = self._wrong
            kind = QInputMethodEvent.AttributeType.TextFormat
            at = start - self.cursorPosition()
            attributes.append(QInputMethodEvent.Attribute(kind, at, end - start, look))
        QApplication.sendEvent(self, QInputMethodEvent("", attributes))


_CONTROL = Qt.KeyboardModifier.ControlModifier
