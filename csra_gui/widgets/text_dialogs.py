"""Dialogs that show or ask one thing: a fault of the program, what this is, whether to delete."""

from __future__ import annotations

import platform
from importlib import metadata

from PySide6.QtCore import QSize, Qt, Slot, qVersion
from PySide6.QtGui import QFontDatabase, QGuiApplication
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QLabel,
    QPlainTextEdit,
    QVBoxLayout,
    QWidget,
)

from csra_gui.base.icons import icon
from csra_gui.base.paths import log_file
from csra_gui.widgets.labels import plain_label
from csra_gui.widgets.windows import fit_to_screen
from engine import __version__
from engine.api.network_names import network_title
from engine.api.values import ModelInfo
from engine.texts import display_path, display_text, percent

_BUG_HEADLINE = (
    "Something went wrong that should not have. Your photos are untouched, and you can go on. "
    "If you report it, please send this text:"
)

_LOG_PLACE = "What happened before is in the log: "


class BugDialog(QDialog):
    """A fault of the program: text that can be selected and copied."""

    def __init__(self, text: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("A fault in the program")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        headline = plain_label(_BUG_HEADLINE, self)
        self.log = plain_label(_LOG_PLACE + display_path(log_file()), self)
        self.log.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.text = QPlainTextEdit(text, self)
        self.text.setReadOnly(True)
        self.text.setAccessibleName("Text of the fault")
        self.text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        self.copy = buttons.addButton("&Copy", QDialogButtonBox.ButtonRole.ActionRole)
        self.copy.clicked.connect(self._on_copy_clicked)
        buttons.rejected.connect(self.reject)
        _stack(self, headline, self.text, self.log, buttons)
        fit_to_screen(self, QSize(720, 420))

    def add(self, text: str) -> None:
        """Show a further fault below."""
        self.text.appendPlainText(f"\n{text}")

    @Slot()
    def _on_copy_clicked(self) -> None:
        QGuiApplication.clipboard().setText(self.text.toPlainText())


class AboutDialog(QDialog):
    """Versions, licence and the model."""

    def __init__(self, model: ModelInfo | None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("About CSRA")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        picture = QLabel(self)
        picture.setPixmap(icon("app").pixmap(64, 64))
        text = plain_label(about_text(model), self)
        text.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse
            | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        text.setAccessibleName("About this program")
        text.setMinimumWidth(460)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        buttons.rejected.connect(self.reject)
        _stack(self, picture, text, buttons)


def about_text(model: ModelInfo | None) -> str:
    """What the about dialog says."""
    lines = [
        f"CSRA {__version__}",
        "Tags photos with class-specific residual attention, and shows why each tag was given.",
        "Licence: Apache-2.0",
        "",
        f"Python {platform.python_version()} · PySide6 {_version('PySide6-Essentials')} · "
        f"Qt {qVersion()} · PyTorch {_version('torch')}",
        "",
        *_model_lines(model),
    ]
    return "\n".join(lines)


def _model_lines(model: ModelInfo | None) -> list[str]:
    if model is None:
        return ["Model: none is loaded"]
    lines = [
        f"Model: {display_text(model.name)}, {len(model.categories)} categories, {model.device}",
        f"Backbone {display_text(network_title(model.backbone))}, input {model.input_size} pixels",
    ]
    if model.path is not None:
        lines.append(f"File: {display_path(model.path)}")
    # Those of each category are in the list of models.
    overall = {n: v for n, v in model.results.items() if not n.startswith("AP ")}
    lines += [f"{display_text(name)}: {percent(value)} %" for name, value in overall.items()]
    if model.description:
        lines += ["", display_text(model.description)]
    return lines


def _version(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return "(from source)"


def _stack(dialog: QDialog, *widgets: QWidget) -> None:
    layout = QVBoxLayout(dialog)
    for widget in widgets:
        layout.addWidget(widget)
