"""The settings, generated from their declarations; every change counts at once."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSize, Slot
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QFrame,
    QScrollArea,
    QSpinBox,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from csra_gui.base.settings import PAGES, Setting, Settings
from csra_gui.base.tool_tips import tool_tip
from csra_gui.widgets.labels import muted_label
from csra_gui.widgets.windows import fit_to_screen

_SIZE = QSize(640, 520)
#: Past the square and the gap of a check box, so that its help begins where its text does.
_CHECK_INDENT = 24


class SettingsDialog(QDialog):
    """A page for each group, a row for each setting, and what else belongs on a page.

    Args:
        settings: to show and change.
        more: further widgets by the title of their page, below its settings.
        parent: the window.
    """

    def __init__(
        self,
        settings: Settings,
        more: dict[str, QWidget] | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Settings")
        self._settings = settings
        self._shown: dict[str, Callable[[], None]] = {}
        self.pages = QTabWidget(self)
        for title, rows in PAGES:
            self.pages.addTab(self._page(rows, (more or {}).get(title)), title)
        buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Close | QDialogButtonBox.StandardButton.RestoreDefaults
        )
        buttons.rejected.connect(self.reject)
        restore = buttons.button(QDialogButtonBox.StandardButton.RestoreDefaults)
        restore.clicked.connect(settings.reset)
        layout = QVBoxLayout(self)
        layout.addWidget(self.pages, 1)
        layout.addWidget(buttons)
        settings.setting_changed.connect(self._on_settings_changed)
        fit_to_screen(self, _SIZE)

    def _page(self, rows: tuple[Setting, ...], more: QWidget | None) -> QWidget:
        page = QWidget()
        form = QFormLayout()
        form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        for setting in rows:
            self._add_row(form, setting)
        column = QVBoxLayout(page)
        column.addLayout(form)
        if more is not None:
            column.addWidget(more)
        column.addStretch(1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setWidget(page)
        return area

    def _add_row(self, form: QFormLayout, setting: Setting) -> None:
        editor = self._editor(setting)
        editor.setObjectName(setting.key)
        editor.setToolTip(tool_tip(setting.help))
        editor.setAccessibleName(setting.caption)
        editor.setAccessibleDescription(setting.help)
        is_box = isinstance(editor, QCheckBox)
        form.addRow("" if is_box else f"{setting.caption}:", editor)
        if setting.help:
            help_text = muted_label(setting.help)
            help_text.setContentsMargins(_CHECK_INDENT if is_box else 0, 0, 0, 0)
            form.addRow("", help_text)
        self._shown[setting.key]()

    def _editor(self, setting: Setting) -> QWidget:
        if isinstance(setting.default, bool):
            return self._check_box(setting)
        if setting.choices:
            return self._combo_box(setting)
        return self._spin_box(setting)

    def _check_box(self, setting: Setting) -> QWidget:
        box = QCheckBox(setting.caption, self)
        self._shown[setting.key] = lambda: box.setChecked(bool(self._settings.value(setting)))
        box.toggled.connect(lambda on: self._settings.set_value(setting, on))
        return box

    def _combo_box(self, setting: Setting) -> QWidget:
        box = QComboBox(self)
        for stored, caption in setting.choices:
            box.addItem(caption, stored)
        self._shown[setting.key] = lambda: box.setCurrentIndex(
            box.findData(self._settings.value(setting))
        )
        box.activated.connect(lambda at: self._settings.set_value(setting, box.itemData(at)))
        return box

    def _spin_box(self, setting: Setting) -> QWidget:
        """Whole numbers have their unit; fractions are edited in percent."""
        box = QSpinBox(self)
        scale = 1 if isinstance(setting.default, int) else 100
        box.setSuffix(f" {setting.unit}" if scale == 1 else " %")
        box.setGroupSeparatorShown(True)
        box.setRange(round(setting.minimum * scale), round(setting.maximum * scale))
        self._shown[setting.key] = lambda: box.setValue(
            round(float(self._settings.value(setting)) * scale)
        )

        def store(shown: int) -> None:
            # A value that came from elsewhere may be finer than the box; it is left as it is.
            if shown != round(float(self._settings.value(setting)) * scale):
                self._settings.set_value(setting, shown / scale)

        box.valueChanged.connect(store)
        return box

    @Slot(str, object)
    def _on_settings_changed(self, key: str, _value: object) -> None:
        if key in self._shown:
            self._shown[key]()
