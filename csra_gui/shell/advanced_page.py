"""What hardly anybody has to know: on what the model runs, and where the program writes."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFormLayout, QHBoxLayout, QLabel, QPushButton, QWidget

from csra_gui.base.desktop import open_folder
from csra_gui.base.paths import cache_dir, profile_dirs
from csra_gui.widgets.labels import plain_label
from engine.api.values import ModelInfo
from engine.texts import display_path, display_text

_CHOSEN = "A graphics card is used by itself where there is one that the program can use."


class AdvancedPage(QWidget):
    """Facts, and a button that opens each folder."""

    def __init__(self, model: ModelInfo | None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._form = QFormLayout(self)
        self._form.setContentsMargins(0, 8, 0, 0)
        self._form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
        runs_on = "the model is not loaded" if model is None else display_text(model.device)
        self._form.addRow("The model runs on:", plain_label(f"{runs_on}. {_CHOSEN}"))
        settings, log = profile_dirs()
        self._add_folder("Settings:", settings)
        self._add_folder("Log:", log)
        self._add_folder("Files that can be made anew:", cache_dir())

    def _add_folder(self, caption: str, folder: Path) -> None:
        row = QHBoxLayout()
        path = plain_label(display_path(folder))
        path.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        button = QPushButton("Open")
        button.setAccessibleName(f"Open: {caption.removesuffix(':')}")
        button.setAutoDefault(False)
        button.clicked.connect(lambda _checked=False: open_folder(folder))
        row.addWidget(path, 1)
        row.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)
        self._form.addRow(QLabel(caption), row)
