"""What tagging again would change, before it counts: by category, and photo by photo."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QSize, Qt, Signal, Slot
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QHeaderView,
    QListView,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from csra_gui.base.tool_tips import tool_tip
from csra_gui.session.photo_table import PhotoTable
from csra_gui.session.retag_plan import CategoryChange, Difference
from csra_gui.widgets.labels import plain_label
from csra_gui.widgets.row_list_model import RowListModel
from csra_gui.widgets.windows import fit_to_screen
from engine.texts import display_text

_CATEGORY = Qt.ItemDataRole.UserRole
_ALWAYS = "The new model does not know this category, so its labels go with the old one."
_WIDTH, _HEIGHT = 720, 460


class DifferenceDialog(QDialog):
    """Ticked categories are taken over, the others stay as they are.

    Signals:
        accepted_categories: the names of those that count from now on.
        discarded: nothing is to change.
        photo_chosen: a row of the table.
        photos_chosen: rows of the table to show, and what they are.
    """

    accepted_categories = Signal(object)
    discarded = Signal()
    photo_chosen = Signal(int)
    photos_chosen = Signal(object, str)

    def __init__(
        self, difference: Difference, photos: PhotoTable, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("What would change")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._difference = difference
        self._is_decided = False
        self.categories = QTreeWidget(self)
        self.rows = RowListModel(photos, self)
        self.photos = QListView(self)
        self._set_up_lists()
        self._set_up_layout()
        self._fill(difference.changes())
        fit_to_screen(self, QSize(_WIDTH, _HEIGHT))

    def _set_up_lists(self) -> None:
        self.categories.setHeaderLabels(["Label", "Gained", "Lost"])
        self.categories.setRootIsDecorated(False)
        self.categories.setAccessibleName("Labels that would change")
        self.categories.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.categories.header().setStretchLastSection(False)
        self.categories.currentItemChanged.connect(self._on_categories_current_item_changed)
        self.photos.setModel(self.rows)
        self.photos.setUniformItemSizes(True)
        self.photos.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.photos.setAccessibleName("Photos that would change")
        self.photos.selectionModel().currentChanged.connect(self._on_photos_current_changed)

    def _set_up_layout(self) -> None:
        lists = QHBoxLayout()
        lists.addWidget(self.categories, 3)
        lists.addWidget(self.photos, 2)
        buttons = QDialogButtonBox(self)
        role = QDialogButtonBox.ButtonRole
        self._accept = buttons.addButton("Accept what is ticked", role.AcceptRole)
        discard = buttons.addButton("Discard", role.DestructiveRole)
        self._show = buttons.addButton("Show these photos", role.ActionRole)
        buttons.accepted.connect(self._on_buttons_accepted)
        discard.clicked.connect(self._on_discard_clicked)
        self._show.clicked.connect(self._on_show_clicked)
        column = QVBoxLayout(self)
        column.addWidget(plain_label(self._summary(), self))
        column.addLayout(lists, 1)
        column.addWidget(buttons)

    def _summary(self) -> str:
        changed, asked = self._difference.changed_photos, len(self._difference.rows)
        failed = len(self._difference.errors)
        text = f"{changed:,} of {asked:,} photos would have other labels."
        unread = f" {failed:,} could not be read." if failed else ""
        return f"{text}{unread} What you decided yourself stays in any case."

    def _fill(self, changes: list[CategoryChange]) -> None:
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        for change in changes:
            gained = f"+{change.gained:,}" if change.gained else ""
            lost = f"−{change.lost:,}" if change.lost else ""
            name = display_text(change.category)
            item = QTreeWidgetItem(self.categories, [name, gained, lost])
            item.setData(0, _CATEGORY, change.category)
            item.setCheckState(0, Qt.CheckState.Checked)
            for column in (1, 2):
                item.setTextAlignment(column, right)
            if not change.can_stay:
                item.setFlags(item.flags() & ~Qt.ItemFlag.ItemIsUserCheckable)
                item.setToolTip(0, tool_tip(_ALWAYS))
        self._show.setEnabled(bool(changes))
        first = self.categories.topLevelItem(0)
        if first is not None:
            self.categories.setCurrentItem(first)

    def ticked(self) -> tuple[str, ...]:
        """The categories to take over."""
        items = [
            self.categories.topLevelItem(place)
            for place in range(self.categories.topLevelItemCount())
        ]
        return tuple(
            item.data(0, _CATEGORY)
            for item in items
            if item is not None and item.checkState(0) == Qt.CheckState.Checked
        )

    @Slot(QTreeWidgetItem)
    def _on_categories_current_item_changed(self, item: QTreeWidgetItem | None) -> None:
        if item is not None:
            self.rows.set_rows(*self._difference.photos(item.data(0, _CATEGORY)))

    @Slot(QModelIndex)
    def _on_photos_current_changed(self, index: QModelIndex) -> None:
        row = self.rows.row_at(index)
        if row is not None:
            self.photo_chosen.emit(row)

    @Slot()
    def _on_show_clicked(self) -> None:
        item = self.categories.currentItem()
        if item is not None:
            caption = f"“{item.data(0, _CATEGORY)}” would change"
            self.photos_chosen.emit(tuple(self.rows.rows.tolist()), caption)

    @Slot()
    def _on_buttons_accepted(self) -> None:
        self._is_decided = True
        self.accepted_categories.emit(self.ticked())
        self.accept()

    @Slot()
    def _on_discard_clicked(self) -> None:
        self._is_decided = True
        self.discarded.emit()
        self.reject()

    @property
    def is_decided(self) -> bool:
        """Whether the person accepted or discarded; else it was only closed."""
        return self._is_decided
