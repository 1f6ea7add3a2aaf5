"""What each key does, and other keys for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QSize, QSortFilterProxyModel, Qt, Slot
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QHeaderView,
    QKeySequenceEdit,
    QLabel,
    QLineEdit,
    QPushButton,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from csra_gui.base.actions import plain_text
from csra_gui.base.shortcuts import Shortcuts, key_problem, shown_key
from csra_gui.shell.shortcut_model import ShortcutModel, ShortcutRole, ShortcutRow
from csra_gui.widgets.labels import plain_label
from csra_gui.widgets.windows import fit_to_screen


class ShortcutsDialog(QDialog):
    """Every command with its keys; a change counts at once.

    Args:
        shortcuts: of all commands.
        others: keys and meaning of what cannot be changed.
        menus: where each command is found, by its id.
        parent: of the dialog.
    """

    def __init__(
        self,
        shortcuts: Shortcuts,
        others: Sequence[tuple[str, str]],
        menus: Mapping[str, str],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keyboard shortcuts")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._shortcuts = shortcuts
        self._others = tuple(others)
        self._menus = menus
        self._texts = {spec.id: plain_text(spec.text) for spec in shortcuts.specs}
        self.commands = ShortcutModel(self)
        self._found = QSortFilterProxyModel(self)
        self.search = QLineEdit(self)
        self.table = QTableView(self)
        self.key = QKeySequenceEdit(self)
        self.note = plain_label("", self)
        self.assign = QPushButton("&Assign", self)
        self.clear = QPushButton("&No key", self)
        self.reset = QPushButton("&Reset", self)
        self._set_up_table()
        self._set_up_layout()
        self._connect()
        self._fill()
        self._update()

    def _set_up_table(self) -> None:
        self._found.setSourceModel(self.commands)
        self._found.setFilterKeyColumn(-1)
        self._found.setFilterCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        table = self.table
        table.setModel(self._found)
        table.setAccessibleName("Commands and keys")
        table.setSelectionBehavior(QTableView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QTableView.SelectionMode.SingleSelection)
        table.setShowGrid(False)
        table.setTabKeyNavigation(False)
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(table.fontMetrics().height() + 8)
        header = table.horizontalHeader()
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)

    def _set_up_layout(self) -> None:
        self.search.setPlaceholderText("Search for a command or a key")
        self.search.setAccessibleName("Search for a command or a key")
        self.search.setClearButtonEnabled(True)
        self.key.setMaximumSequenceLength(1)
        self.key.setClearButtonEnabled(True)
        self.key.setAccessibleName("New key")
        line = QHBoxLayout()
        caption = QLabel("Press a new &key:", self)
        caption.setBuddy(self.key)
        line.addWidget(caption)
        line.addWidget(self.key, 1)
        for button in (self.assign, self.clear, self.reset):
            button.setAutoDefault(False)
            line.addWidget(button)
        buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Close | QDialogButtonBox.StandardButton.RestoreDefaults
        )
        buttons.rejected.connect(self.reject)
        restore = buttons.button(QDialogButtonBox.StandardButton.RestoreDefaults)
        restore.clicked.connect(self._shortcuts.reset_all)
        layout = QVBoxLayout(self)
        layout.addWidget(self.search)
        layout.addWidget(self.table, 1)
        layout.addLayout(line)
        layout.addWidget(self.note)
        layout.addWidget(buttons)
        fit_to_screen(self, QSize(760, 600))

    def _connect(self) -> None:
        self.search.textChanged.connect(self._found.setFilterFixedString)
        self.table.selectionModel().currentRowChanged.connect(self._on_table_current_row_changed)
        self.key.keySequenceChanged.connect(self._update)
        self.assign.clicked.connect(self._on_assign_clicked)
        self.clear.clicked.connect(self._on_clear_clicked)
        self.reset.clicked.connect(self._on_reset_clicked)
        self._shortcuts.changed.connect(self._fill)

    @property
    def chosen(self) -> str:
        """The id of the command that is chosen; empty for none."""
        row = self.table.currentIndex().data(ShortcutRole.ROW)
        return row.name if isinstance(row, ShortcutRow) else ""

    def choose(self, name: str) -> None:
        """Choose a command."""
        source = self.commands.index(self.commands.row_named(name), 0)
        self.table.setCurrentIndex(self._found.mapFromSource(source))

    @property
    def _pressed(self) -> str:
        return self.key.keySequence().toString()

    @Slot()
    def _fill(self) -> None:
        shortcuts = self._shortcuts
        rows = [
            ShortcutRow(
                name,
                text,
                ", ".join(map(shown_key, shortcuts.keys(name))),
                shortcuts.is_changed(name),
                self._menus.get(name, ""),
            )
            for name, text in self._texts.items()
        ]
        rows += [ShortcutRow("", meaning, keys) for keys, meaning in self._others]
        self.commands.set_rows(rows)
        self._update()

    @Slot()
    def _update(self) -> None:
        name, key = self.chosen, self._pressed
        problem = key_problem(key) if key else ""
        self.key.setEnabled(bool(name))
        self.assign.setEnabled(bool(name and key) and not problem)
        self.clear.setEnabled(bool(name) and bool(self._shortcuts.keys(name)))
        self.reset.setEnabled(bool(name) and self._shortcuts.is_changed(name))
        self.note.setText(problem or self._clash(name, key) or self._hint(name))

    def _clash(self, name: str, key: str) -> str:
        users = [self._texts[user] for user in self._shortcuts.users(key) if user != name]
        if not key or not users:
            return ""
        return f"{shown_key(key)} runs “{'”, “'.join(users)}” now, and would not any more."

    def _hint(self, name: str) -> str:
        if name:
            return ""
        there = self.table.currentIndex().isValid()
        if there:
            return "This cannot be changed."
        return (
            "Choose a command to change its key. Where your keyboard has another symbol, the place "
            "of the key counts."
        )

    @Slot()
    def _on_table_current_row_changed(self) -> None:
        self.key.clear()
        self._update()

    @Slot()
    def _on_assign_clicked(self) -> None:
        self._shortcuts.assign(self.chosen, self._pressed)
        self.key.setKeySequence(QKeySequence())

    @Slot()
    def _on_clear_clicked(self) -> None:
        self._shortcuts.clear(self.chosen)

    @Slot()
    def _on_reset_clicked(self) -> None:
        self._shortcuts.reset(self.chosen)
