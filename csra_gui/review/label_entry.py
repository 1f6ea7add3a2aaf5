"""A line to type a label into, completed from those that are known."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, QStringListModel, Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QCompleter, QLineEdit, QListView, QWidget
from typing_extensions import override

MAX_OFFERS = 50
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
        self._completer.setCompletionMode(QCompleter.CompletionMode.UnfilteredPopupCompletion)
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
        return self._labels.stringList() if self.offers.isVisible() else []

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
        offered = fitting(self._known(), typed) if typed.strip() else []
        self._labels.setStringList(offered)
        if not offered:
            self.offers.hide()
            return
        self._completer.complete()
        self.offers.setCurrentIndex(self._labels.index(-1))

    @Slot(str)
    def _enter(self, label: str) -> None:
        self.clear()
        if label.strip():
            self.label_entered.emit(label.strip())


def fitting(labels: Sequence[str], typed: str) -> list[str]:
    """The labels that a typed text stands in; first those that begin with it, or a word of it.

    Args:
        labels: in the order that they keep among their like.
        typed: case and outer spaces do not count.
    """
    wanted = typed.strip().casefold()
    ranks: tuple[list[str], list[str], list[str]] = ([], [], [])
    for label in labels:
        name = label.casefold()
        if name.startswith(wanted):
            ranks[0].append(label)
        elif f" {wanted}" in name:
            ranks[1].append(label)
        elif wanted in name:
            ranks[2].append(label)
    return [label for rank in ranks for label in rank][:MAX_OFFERS]
