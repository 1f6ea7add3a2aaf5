from __future__ import annotations

import shiboken6
from PySide6.QtCore import QObject
from PySide6.QtWidgets import QApplication, QLineEdit
from pytestqt.qtbot import QtBot

from csra_gui.shell.shortcut_guard import TypingGuard


def test_an_editor_that_is_deleted_while_it_has_the_focus_does_no_harm(
    qtbot: QtBot, qapp: QApplication
) -> None:
    parent = QObject()
    guard = TypingGuard(parent)
    gone, other = QLineEdit(), QLineEdit()
    qtbot.addWidget(other)
    guard._on_app_focus_changed(None, gone)
    gone.destroyed.disconnect(guard._forget)  # as if it had not said so yet
    shiboken6.delete(gone)
    guard._on_app_focus_changed(None, other)
    assert guard._guarded is other
