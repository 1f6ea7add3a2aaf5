"""A line to type a label into, completed from those that are known."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, QStringListModel, Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QCompleter, QLineEdit, QListView, QWidget
from typing_extensions import override

from csra_gui.base.tool_tips import tool_tip
from csra_gui.session.typed_labels import last_part, quoted_if_needed, unquoted
from engine.api.label_names import SHIPPED_NAMES, LabelNames
from engine.library.filters.completion import fitting

_MAX_LENGTH = 1000
_RETURNS = frozenset({Qt.Key.Key_Return, Qt.Key.Key_Enter})


class LabelEntry(QLineEdit):
    """Says which label was typed, or which ones with commas between, and is empty again.

    Return takes what is typed, or the offer that the arrow keys chose; Tab the first offer.

    Args:
        known: the labels to offer, likeliest first; asked while the person types.
        names: what else labels are called; asked likewise.
        parent: of the widget.

    Signals:
        label_entered: the line as it was typed, without outer spaces.
        left: Escape was pressed where nothing is typed.
        part_typed: the last label of the line as far as it is typed, and whether any is offered;
            empty once the line is.
    """

    label_entered = Signal(str)
    left = Signal()
    part_typed = Signal(str, bool)

    def __init__(
        self,
        known: Callable[[], Sequence[str]],
        names: Callable[[], LabelNames] = lambda: SHIPPED_NAMES,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._known = known
        self._names = names
        self._labels = QStringListModel(self)
        self._completer = QCompleter(self._labels, self)
        self._completer.setCompletionMode(QCompleter.CompletionMode.UnfilteredPopupCompletion)
        self._completer.setMaxVisibleItems(10)
        self.offers = QListView()
        self._completer.setPopup(self.offers)
        self._completer.setWidget(self)
        self._completer.activated.connect(self._on_completer_activated)
        self.setMaxLength(_MAX_LENGTH)
        self.setPlaceholderText("Add a label…")
        self.setToolTip(tool_tip("A comma is between two labels; quotes keep one together."))
        self.setAccessibleName("Add a label")
        self.textEdited.connect(self._offer)
        self.textChanged.connect(self._on_text_changed)

    @property
    def offered(self) -> list[str]:
        """What is offered now; nothing while no list is open."""
        return self._labels.stringList() if self.offers.isVisible() else []

    def type_text(self, text: str) -> None:
        """Add to what is typed, as keys would."""
        self.setText(self.text() + text)
        self._offer(self.text())

    @override
    def event(self, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            offered = self.offered
            if event.key() == Qt.Key.Key_Tab and offered:
                chosen = self.offers.currentIndex().row()
                self.offers.hide()
                self.setText(self._completed(offered[max(chosen, 0)]))
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
        part = unquoted(typed[last_part(typed) :])
        offered = self._fitting(part) if part else []
        self._labels.setStringList(offered)
        self.part_typed.emit(part, bool(offered))
        if not offered:
            self.offers.hide()
            return
        self._completer.complete()
        self.offers.setCurrentIndex(self._labels.index(-1))

    def _fitting(self, part: str) -> list[str]:
        known, names = self._known(), self._names()
        found = fitting(known, part, names)
        meant = None if found else names.search(part, known)  # "cats" is "cat"
        return found or ([meant] if meant else [])

    @Slot(str)
    def _on_text_changed(self, typed: str) -> None:
        if not typed:
            self.part_typed.emit("", False)

    @Slot(str)
    def _on_completer_activated(self, label: str) -> None:
        self._enter(self._completed(label))

    def _completed(self, label: str) -> str:
        """The line with a label for its last part."""
        before = self.text()[: last_part(self.text())].rstrip()
        return f"{before} {quoted_if_needed(label)}" if before else label

    def _enter(self, typed: str) -> None:
        self.clear()
        if typed.strip():
            self.label_entered.emit(typed.strip())
