"""A line to type a label into, completed from those that are known."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, QStringListModel, Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QCompleter, QLineEdit, QListView, QWidget
from typing_extensions import override

_RETURNS = frozenset({Qt.Key.Key_Return, Qt.Key.Key_Enter})


class LabelEntry(QLineEdit):
    """Says which label was typed, and is empty again.

    Return takes what is typed, or the offer that the arrow keys chose; Tab the first offer.

    Args:
        known: the labels to offer, likeliest first; asked while the person types.
        parent: of the widget.

    Signals:
        label_entered: what was typed or chosen, without outer spaces.
        left: Escape was pressed where nothing is typed.
    """

    label_entered = Signal(str)
    left = Signal()

    def __init__(self, known: Callable[[], Sequence[str]], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._known = known
        self._labels = QStringListModel(self)
        self._completer = QCompleter(self._labels, self)
        self._completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self._completer.setFilterMode(Qt.MatchFlag.MatchContains)
        self._completer.setMaxVisibleItems(10)
        self.offers = QListView()
        self._completer.setPopup(self.offers)
        self._completer.setWidget(self)
        self._completer.activated.connect(self._enter)
        self.setMaxLength(200)
        self.setPlaceholderText("Add a label…")
        self.setAccessibleName("Add a label")
        self.textEdited.connect(self._offer)

    @property
    def offered(self) -> list[str]:
        """What is offered now; nothing while no list is open."""
        model = self._completer.completionModel()
        if not self.offers.isVisible():
            return []
        return [str(model.index(row, 0).data()) for row in range(model.rowCount())]

    @override
    def event(self, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            offered = self.offered
            if event.key() == Qt.Key.Key_Tab and offered:
                chosen = self.offers.currentIndex().row()
                self.offers.hide()
                self.setText(offered[max(chosen, 0)])
                return True
        return super().event(event)

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        if (
            self.offers.isVisible()
            and event.key() in _RETURNS
            and self.offers.currentIndex().isValid()
        ):
            event.ignore()  # the list takes it
        elif event.key() in _RETURNS:
            self.offers.hide()
            self._enter(self.text())
            event.accept()
        elif event.key() == Qt.Key.Key_Escape and self.offers.isVisible():
            event.ignore()
        elif event.key() == Qt.Key.Key_Escape:
            if self.text():
                self.clear()
            else:
                self.left.emit()
        else:
            super().keyPressEvent(event)

    @Slot(str)
    def _offer(self, typed: str) -> None:
        if not typed.strip():
            self.offers.hide()
            return
        labels = list(self._known())
        if labels != self._labels.stringList():
            self._labels.setStringList(labels)
        self._completer.setCompletionPrefix(typed.strip())
        if self._completer.completionCount():
            self._completer.complete()
        else:
            self.offers.hide()

    @Slot(str)
    def _enter(self, label: str) -> None:
        self.clear()
        if label.strip():
            self.label_entered.emit(label.strip())
