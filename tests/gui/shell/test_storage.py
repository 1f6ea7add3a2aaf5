from __future__ import annotations

import threading
from pathlib import Path

from PySide6.QtWidgets import QLabel, QPushButton
from pytestqt.qtbot import QtBot

from csra_gui.app import Application
from csra_gui.base import settings as keys
from csra_gui.base.paths import feature_folder
from csra_gui.shell.settings_dialog import SettingsDialog
from csra_gui.shell.storage_page import StoragePage
from tests.gui.driver import Start, trigger, wait_until_tagged


def settings_dialog(application: Application) -> SettingsDialog:
    trigger(application, "settings")
    [dialog] = application.window.findChildren(SettingsDialog)
    return dialog


def size_of(dialog: SettingsDialog, caption: str) -> str:
    labels = dialog.findChildren(QLabel)
    return next(x.text() for x in labels if x.accessibleName() == f"Size of: {caption}")


def button(dialog: SettingsDialog, name: str) -> QPushButton:
    return next(b for b in dialog.findChildren(QPushButton) if b.accessibleName() == name)


def features(*names: str) -> None:
    for name in names:
        file = feature_folder() / "photos" / f"{name}.features.npy"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(bytes(1_500_000))


def kept() -> int:
    return len(list(feature_folder().rglob("*.npy")))


def test_caches_are_measured_and_emptied(qtbot: QtBot, start: Start, photos: Path) -> None:
    application = start([photos])
    wait_until_tagged(qtbot, application)
    features("a", "b")
    dialog = settings_dialog(application)
    qtbot.waitUntil(lambda: size_of(dialog, "Image features") == "3.0 MB")
    qtbot.waitUntil(lambda: size_of(dialog, "All together") not in ("…", "0.0 MB"))
    button(dialog, "Clear: Image features").click()
    qtbot.waitUntil(lambda: size_of(dialog, "Image features") == "0.0 MB")
    assert kept() == 0
    dialog.close()


def test_a_lower_limit_counts_at_once(qtbot: QtBot, start: Start) -> None:
    application = start()
    features("a", "b", "c")
    application.settings.set_value(keys.FEATURE_CACHE_MB, 2)
    qtbot.waitUntil(lambda: kept() == 1)


def test_nothing_is_deleted_while_something_learns_from_it(qtbot: QtBot, start: Start) -> None:
    application = start()
    runner, gate = application.window.training.controller.runner, threading.Event()
    features("a", "b", "c")
    runner._slot.run(gate.wait, on_end=runner.busy_changed.emit)
    application.settings.set_value(keys.FEATURE_CACHE_MB, 2)
    dialog = settings_dialog(application)
    button(dialog, "Clear: Image features").click()
    storage = dialog.findChild(StoragePage)
    assert "Wait until it is done" in storage.problem.text()
    qtbot.waitUntil(lambda: size_of(dialog, "Image features") == "4.5 MB")
    assert kept() == 3
    gate.set()
    qtbot.waitUntil(lambda: kept() == 1)
    dialog.close()
