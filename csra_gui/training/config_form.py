"""A form made from a config: one row per setting, each with its help."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QGridLayout,
    QLabel,
    QLineEdit,
    QSizePolicy,
    QSpinBox,
    QWidget,
)

from csra_gui.base.tool_tips import tool_tip
from csra_gui.training.fields import (
    FieldKind,
    FieldSpec,
    field_specs,
    parsed,
    shown,
    value_of,
    with_values,
)
from csra_gui.widgets.labels import muted_label

_MOST = 1_000_000_000
_EDITOR_WIDTH = 150


class ConfigForm(QWidget):
    """Edits a config of any dataclass; what nobody touched keeps its value to the bit.

    Signals:
        changed: a value was edited.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._grid = QGridLayout(self)
        self._grid.setColumnStretch(2, 1)
        self._grid.setVerticalSpacing(8)
        self._grid.setHorizontalSpacing(12)
        self._specs: tuple[FieldSpec, ...] = ()
        self._editors: dict[str, QWidget] = {}
        self._config: Any = None
        self._texts: dict[str, str] = {}

    def set_config(self, config: Any) -> None:
        """Show another config; one of another kind gets other rows."""
        if type(config) is not type(self._config):
            self._make_rows(type(config))
        self._config = config
        for spec in self._specs:
            self._show(spec, value_of(config, spec.name))

    def config(self) -> Any:
        """What is edited.

        Raises:
            ConfigError: a value makes no sense; the message names it.
        """
        values = {spec.name: self._value(spec) for spec in self._specs}
        before = self._config
        return with_values(
            before, {name: v for name, v in values.items() if v != value_of(before, name)}
        )

    def editor(self, name: str) -> QWidget:
        """The editor of a setting by its dotted name."""
        return self._editors[name]

    def _make_rows(self, config: type[Any]) -> None:
        while (item := self._grid.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.deleteLater()
        self._editors.clear()
        self._specs = field_specs(config)
        group = ""
        for spec in self._specs:
            if spec.group != group:
                group = spec.group
                self._add_heading(group.replace("_", " ").capitalize())
            self._add_row(spec)
        self._grid.setRowStretch(self._grid.rowCount(), 1)

    def _add_heading(self, text: str) -> None:
        label = QLabel(text, self)
        font = label.font()
        font.setBold(True)
        label.setFont(font)
        self._grid.addWidget(label, self._grid.rowCount(), 0, 1, 3)

    def _add_row(self, spec: FieldSpec) -> None:
        editor = self._editors[spec.name] = self._made_editor(spec)
        editor.setObjectName(spec.name)
        editor.setAccessibleName(spec.caption)
        editor.setAccessibleDescription(spec.help)
        editor.setToolTip(tool_tip(spec.help))
        if not isinstance(editor, QCheckBox):
            editor.setFixedWidth(_EDITOR_WIDTH)
        caption = QLabel(spec.caption, self)
        caption.setBuddy(editor)
        help_text = muted_label(spec.help, self)
        policy = help_text.sizePolicy()  # which knows that its height depends on its width
        policy.setHorizontalPolicy(QSizePolicy.Policy.Ignored)
        help_text.setSizePolicy(policy)
        row, top = self._grid.rowCount(), Qt.AlignmentFlag.AlignTop
        self._grid.addWidget(caption, row, 0, top)
        self._grid.addWidget(editor, row, 1, top)
        self._grid.addWidget(help_text, row, 2)

    def _made_editor(self, spec: FieldSpec) -> QWidget:
        if spec.kind is FieldKind.SWITCH:
            box = QCheckBox(self)
            box.toggled.connect(self.changed)
            return box
        if spec.kind is FieldKind.CHOICE:
            choice = QComboBox(self)
            choice.addItems(list(spec.choices))
            choice.currentIndexChanged.connect(self.changed)
            return choice
        if spec.kind is FieldKind.WHOLE:
            number = QSpinBox(self)
            number.setRange(0, _MOST)
            number.valueChanged.connect(self.changed)
            return number
        line = QLineEdit(self)
        line.textChanged.connect(self.changed)
        return line

    def _show(self, spec: FieldSpec, value: Any) -> None:
        editor = self._editors[spec.name]
        with QSignalBlocker(editor):
            if isinstance(editor, QCheckBox):
                editor.setChecked(value)
            elif isinstance(editor, QComboBox):
                editor.setCurrentText(value)
            elif isinstance(editor, QSpinBox):
                editor.setValue(value)
            elif isinstance(editor, QLineEdit):
                self._texts[spec.name] = shown(value)
                editor.setText(self._texts[spec.name])

    def _value(self, spec: FieldSpec) -> Any:
        editor = self._editors[spec.name]
        if isinstance(editor, QCheckBox):
            return editor.isChecked()
        if isinstance(editor, QComboBox):
            return editor.currentText()
        if isinstance(editor, QSpinBox):
            return editor.value()
        assert isinstance(editor, QLineEdit)  # noqa: S101  # there is no other kind
        if editor.text() == self._texts[spec.name]:  # a text may say less than the value
            return value_of(self._config, spec.name)
        return parsed(spec, editor.text())
