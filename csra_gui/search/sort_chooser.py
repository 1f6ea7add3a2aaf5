"""Chooses what photos are sorted by, and which way."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QToolButton, QWidget

from csra_gui.base.icons import icon
from csra_gui.base.tool_tips import tool_tip
from csra_gui.session.sort_keys import HINTS

#: Goes before a category's name in the key of its score.
SCORE_PREFIX = "score:"
_BY_SCORE = "score"


class SortChooser(QWidget):
    """A list of orders, a list of categories for the order by score, and a direction.

    Args:
        orders: key, caption, and whether the greatest comes first, of each order; the key
            ``score`` asks for a category.
        parent: of the widget.

    Signals:
        sort_changed: the key and whether the greatest comes first; ``set_sort`` is silent.
    """

    sort_changed = Signal(str, bool)

    def __init__(
        self, orders: Sequence[tuple[str, str, bool]], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._falling = {key: falling for key, _, falling in orders}
        self._descending = False
        self.orders = QComboBox(self)
        self.categories = QComboBox(self)
        self.direction = QToolButton(self)
        for key, caption, _ in orders:
            self.orders.addItem(caption, key)
            if key in HINTS:
                place = self.orders.count() - 1
                self.orders.setItemData(place, tool_tip(HINTS[key]), Qt.ItemDataRole.ToolTipRole)
        self.orders.setAccessibleName("Sort by")
        self.categories.setAccessibleName("Sort by the score of")
        self.categories.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.categories.setMinimumContentsLength(8)
        self.direction.setAutoRaise(True)
        name = QLabel("&Sort:", self)
        name.setBuddy(self.orders)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        for widget in (name, self.orders, self.categories, self.direction):
            layout.addWidget(widget)
        self.orders.activated.connect(self._on_orders_activated)
        self.categories.activated.connect(self._tell)
        self.direction.clicked.connect(self._on_direction_clicked)
        self._show()

    def set_categories(self, categories: Sequence[str]) -> None:
        """What scores there are; the chosen one stays if it is among them."""
        chosen = self.categories.currentText()
        self.categories.clear()
        self.categories.addItems(list(categories))
        self.categories.setCurrentIndex(max(self.categories.findText(chosen), 0))
        self._show()

    def set_sort(self, key: str, descending: bool) -> None:
        """Show which order is in force, without a signal."""
        order, _, category = key.partition(":")
        self.orders.setCurrentIndex(max(self.orders.findData(order), 0))
        if category and self.categories.findText(category) >= 0:
            self.categories.setCurrentText(category)
        self._descending = descending
        self._show()

    @property
    def key(self) -> str:
        """What is chosen, with the category behind ``score:``."""
        key = str(self.orders.currentData())
        return SCORE_PREFIX + self.categories.currentText() if key == _BY_SCORE else key

    @Slot()
    def _on_orders_activated(self) -> None:
        self._descending = self._falling[str(self.orders.currentData())]
        self._tell()

    @Slot()
    def _on_direction_clicked(self) -> None:
        self._descending = not self._descending
        self._tell()

    @Slot()
    def _tell(self) -> None:
        self._show()
        if self.key != SCORE_PREFIX:  # there is a category to ask for
            self.sort_changed.emit(self.key, self._descending)

    def _show(self) -> None:
        self.categories.setVisible(self.orders.currentData() == _BY_SCORE)
        self.orders.setToolTip(tool_tip(HINTS.get(str(self.orders.currentData()), "")))
        self.direction.setIcon(icon("sort-down" if self._descending else "sort-up"))
        text = "Greatest or last first" if self._descending else "Smallest or first first"
        self.direction.setToolTip(tool_tip(text))
        self.direction.setAccessibleName(text)
