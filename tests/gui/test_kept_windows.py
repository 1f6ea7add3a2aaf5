"""Each command again and again: what it opens goes when it is closed, or is opened again."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from csra_gui.app import Application
from tests.gui.driver import Start, wait_until_tagged

#: They end the program, start another or move what is photographed.
LEFT_OUT = {"quit", "open_with", "show_in_files"}


def top_levels() -> Counter[str]:
    return Counter(type(widget).__name__ for widget in QApplication.topLevelWidgets())


def close_all(application: Application) -> None:
    """Whatever a command has opened, as Escape does it."""
    while (menu := QApplication.activePopupWidget()) is not None:
        menu.close()
    for widget in QApplication.topLevelWidgets():
        if widget is not application.window and widget.isVisible():
            assert isinstance(widget, QWidget)
            widget.close()
    QApplication.processEvents()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def use_every_command(qtbot: QtBot, application: Application) -> None:
    table = application.window.actions_table
    for spec in table.shortcuts.specs:
        if spec.id in LEFT_OUT or not table[spec.id].isEnabled():
            continue
        table[spec.id].trigger()
        for _ in range(3):
            QApplication.processEvents()
        close_all(application)
    qtbot.wait(50)
    close_all(application)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_no_window_is_kept_once_for_each_time_that_it_was_opened(
    qtbot: QtBot, start: Start, photos: Path
) -> None:
    application = start([photos])
    wait_until_tagged(qtbot, application)
    rounds = []
    for _ in range(4):
        application.session.focus.set_current(0)
        use_every_command(qtbot, application)
        rounds.append(top_levels())
    assert rounds[-1] == rounds[1]
