"""Qt's application object, named and dressed."""

from __future__ import annotations

import sys

from PySide6.QtWidgets import QApplication

from csra_gui.base.icons import icon
from csra_gui.base.settings import THEME, Settings
from csra_gui.base.theme import Theme, apply_theme


def qt_application(settings: Settings) -> QApplication:
    """The one of this process, made when it is first asked for."""
    app = QApplication.instance() or QApplication(sys.argv)
    assert isinstance(app, QApplication)  # noqa: S101 - narrows the type, no input is checked
    app.setApplicationName("csra-gui")
    app.setApplicationDisplayName("CSRA")
    app.setDesktopFileName("csra-gui")
    app.setWindowIcon(icon("app"))
    apply_theme(app, Theme(settings.value(THEME)))
    return app
