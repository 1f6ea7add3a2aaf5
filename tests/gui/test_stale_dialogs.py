"""Dialogs that keep rows of the table: another folder can be opened behind them."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtWidgets import QDialog, QFileDialog
from pytestqt.qtbot import QtBot

from csra_gui.app import Application
from csra_gui.interchange.export_dialog import ExportDialog
from tests.gui.driver import Start, names, wait_until_tagged


@pytest.fixture
def application(qtbot: QtBot, start: Start, photos: Path) -> Application:
    application = start([photos])
    wait_until_tagged(qtbot, application)
    return application


def dialogs(application: Application) -> list[QDialog]:
    return [each for each in application.window.findChildren(QDialog) if each.isVisible()]


def open_other(qtbot: QtBot, application: Application, folder: Path) -> None:
    """As a second start of the program does while a dialog is open."""
    folder.mkdir()
    (folder / "boat.jpg").touch()
    application.window.browse.opener.open([folder])
    qtbot.waitUntil(lambda: names(application) == ["boat.jpg"])


@pytest.mark.parametrize(
    "command",
    [
        *("export_labels", "import_labels", "write_labels", "bulk_edit", "retag"),
        *("photo_properties", "show_problems"),
    ],
)
def test_a_dialog_about_photos_ends_with_what_is_open(
    qtbot: QtBot, application: Application, tmp_path: Path, command: str
) -> None:
    application.session.focus.set_current(0)
    qtbot.waitUntil(application.window.actions_table[command].isEnabled)
    application.window.actions_table[command].trigger()
    qtbot.waitUntil(lambda: len(dialogs(application)) == 1)

    open_other(qtbot, application, tmp_path / "other")

    qtbot.waitUntil(lambda: not dialogs(application))


def test_so_does_the_question_where_to_export_them(
    qtbot: QtBot, application: Application, tmp_path: Path
) -> None:
    application.window.actions_table["export_labels"].trigger()
    [dialog] = application.window.findChildren(ExportDialog)
    dialog.accept()
    qtbot.waitUntil(lambda: bool(application.window.findChildren(QFileDialog)))

    open_other(qtbot, application, tmp_path / "other")

    qtbot.waitUntil(lambda: not dialogs(application))
