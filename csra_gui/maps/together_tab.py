"""Chooses up to eight labels to draw in one picture, and what lies beside the photo."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, QSize, Qt, Slot
from PySide6.QtGui import QIcon, QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)
from typing_extensions import override

from csra_gui.base.tool_tips import tool_tip
from csra_gui.maps.comparison import MAX_COMPARED, Beside, Comparison, Together
from csra_gui.maps.display import MapDisplay
from csra_gui.maps.layers import category_color
from csra_gui.maps.side_view import BESIDE_CAPTIONS
from csra_gui.session.session import Session
from csra_gui.session.typed_labels import FEW_LABELS
from csra_gui.widgets.fold import ScrollColumn
from csra_gui.widgets.labels import plain_label
from csra_gui.widgets.legend import color_icon
from engine.api.values import FloatArray
from engine.explain.evidence import activate, logits
from engine.library.filters.completion import fitting
from engine.texts import display_text, whole_percent

_TOGETHER_CAPTIONS = {
    Together.OFF: "One label at a time",
    Together.COLORS: "Together, each in its colour",
    Together.WINNER: "Which one is strongest where",
}
_MEANING = (
    "Drawn by local probability, where one scale holds for all labels; below its threshold a label "
    "has no colour. Pointing at a label still shows that one alone."
)
#: However little room there is, the list scrolls in so much of it, in pixels.
_LEAST_HEIGHT = 48
_FULL = f"No more than {MAX_COMPARED}: further colours could not be told apart."


class TogetherTab(QWidget):
    """A list to tick and two choices."""

    def __init__(
        self,
        session: Session,
        display: MapDisplay,
        comparison: Comparison,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._display = display
        self._comparison = comparison
        self.search = QLineEdit(self)
        self.labels = QListWidget(self)
        self.how = QComboBox(self)
        self.beside = QComboBox(self)
        self.clear = QPushButton("&Untick all", self)
        self._is_filled = False
        self._set_up()
        comparison.changed.connect(self.update_state)
        session.models.state_changed.connect(self._fill)
        session.focus.current_changed.connect(self._fill)
        display.source.changed.connect(self._fill)
        self.search.textChanged.connect(self._show_found)
        self.labels.itemChanged.connect(self._on_labels_item_changed)
        self.how.activated.connect(self._on_how_activated)
        self.beside.activated.connect(self._on_beside_activated)
        self.clear.clicked.connect(lambda: comparison.set_categories(()))
        self._fill()

    def _set_up(self) -> None:
        for together, caption in _TOGETHER_CAPTIONS.items():
            self.how.addItem(caption, together.value)
        for beside, caption in BESIDE_CAPTIONS.items():
            self.beside.addItem(caption, beside.value)
        self.search.setPlaceholderText("Search for a label")
        self.search.setAccessibleName("Search for a label to draw")
        self.search.setClearButtonEnabled(True)
        self.labels.setAccessibleName("Labels to draw together")
        self.labels.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.labels.setIconSize(QSize(12, 12))
        self.labels.setMinimumHeight(_LEAST_HEIGHT)
        self.labels.setResizeMode(QListWidget.ResizeMode.Adjust)
        meaning = plain_label(_MEANING, self)
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow("&Draw:", self.how)
        form.addRow("&Beside the photo:", self.beside)
        for box in (self.how, self.beside):
            box.setSizeAdjustPolicy(
                QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
            )
            box.setMinimumContentsLength(12)
        choices = QWidget(self)
        right = QVBoxLayout(choices)
        right.setContentsMargins(0, 0, 0, 0)
        right.addLayout(form)
        right.addWidget(self.clear, 0, Qt.AlignmentFlag.AlignLeft)
        right.addWidget(meaning)
        right.addStretch(1)
        row = QHBoxLayout(self)
        row.setContentsMargins(6, 4, 6, 4)
        left = QVBoxLayout()
        left.addWidget(self.search)
        left.addWidget(self.labels, 1)
        row.addLayout(left, 1)
        row.addWidget(ScrollColumn(choices, self), 1)

    @override
    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if not self._is_filled:
            self._fill()

    @Slot()
    def _fill(self) -> None:
        """The categories, those drawn first, then those of the photo with the highest scores.

        While nobody sees it, nothing is listed: there may be hundreds, for each photo anew.
        """
        self._is_filled = self.isVisible()
        if not self._is_filled:
            return
        labels, hidden = self._session.photos.categories, self._session.photos.hidden
        percent = self._scores()
        order: Sequence[int] = range(len(labels))
        if percent is not None:
            order = (-percent).argsort(kind="stable").tolist()
        chosen = [one for one in self._comparison.categories if one < len(labels)]
        self.labels.setWrapping(len(labels) <= FEW_LABELS)
        self.search.setVisible(len(labels) > FEW_LABELS)
        blocker = QSignalBlocker(self.labels)
        self.labels.clear()
        for category in dict.fromkeys((*chosen, *order)):
            if category in hidden:
                continue
            score = "" if percent is None else f" {whole_percent(percent[category])}"
            item = QListWidgetItem(f"{display_text(labels[category])}{score}", self.labels)
            item.setData(Qt.ItemDataRole.UserRole, category)
        blocker.unblock()
        self._show_found()
        self.update_state()

    def _scores(self) -> FloatArray | None:
        """(C,): those of the photo, no parent's below its kinds'."""
        scores = self._display.source.stored
        return None if scores is None else activate(logits(scores), scores.activation)

    @Slot()
    def _show_found(self) -> None:
        labels, names = self._session.photos.categories, self._session.photos.names
        wanted = self.search.text().strip() if len(labels) > FEW_LABELS else ""
        found = set(fitting(labels, wanted, names)) if wanted else set(labels)
        for row in range(self.labels.count()):
            category = self.labels.item(row).data(Qt.ItemDataRole.UserRole)
            self.labels.setRowHidden(row, labels[category] not in found)

    @Slot()
    def update_state(self) -> None:
        """Tick and colour what is chosen."""
        chosen, colors = self._comparison.categories, self._comparison.colors
        blocker = QSignalBlocker(self.labels)
        for row in range(self.labels.count()):
            item = self.labels.item(row)
            category = item.data(Qt.ItemDataRole.UserRole)
            on = category in chosen
            item.setCheckState(Qt.CheckState.Checked if on else Qt.CheckState.Unchecked)
            item.setIcon(color_icon(category_color(colors[category])) if on else QIcon())
            flags = Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsUserCheckable
            possible = on or len(chosen) < MAX_COMPARED
            item.setFlags(flags | Qt.ItemFlag.ItemIsEnabled if possible else flags)
            item.setToolTip(tool_tip("" if possible else _FULL))
        blocker.unblock()
        self.how.setCurrentIndex(self.how.findData(self._comparison.together.value))
        self.beside.setCurrentIndex(self.beside.findData(self._comparison.beside.value))
        self.clear.setEnabled(bool(chosen))

    @Slot(QListWidgetItem)
    def _on_labels_item_changed(self, item: QListWidgetItem) -> None:
        category = int(item.data(Qt.ItemDataRole.UserRole))
        chosen = list(self._comparison.categories)
        if item.checkState() is Qt.CheckState.Checked and category not in chosen:
            chosen.append(category)
        elif item.checkState() is Qt.CheckState.Unchecked and category in chosen:
            chosen.remove(category)
        if self._comparison.together is Together.OFF and chosen:
            self._comparison.set_together(Together.COLORS)
        self._comparison.set_categories(chosen)

    @Slot(int)
    def _on_how_activated(self, place: int) -> None:
        self._comparison.set_together(Together(self.how.itemData(place)))

    @Slot(int)
    def _on_beside_activated(self, place: int) -> None:
        self._comparison.set_beside(Beside(self.beside.itemData(place)))
