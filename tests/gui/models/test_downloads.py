from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from csra_gui.models.download_dialog import DownloadDialog
from csra_gui.models.entries import Place
from engine.api.errors import (
    FileChangedError,
    ModelError,
)
from engine.records.models import default_store
from tests.fakes import (
    FakeDownloader,
    FakeEngine,
)
from tests.gui.driver import (
    OFFICIAL,
    Start,
    agree,
    open_dialog,
    place,
    press,
    wait_for_model,
    wait_until_tagged,
)


@pytest.mark.slow
def test_a_download_is_agreed_to_imported_and_used(
    qtbot: QtBot, start: Start, engine: FakeEngine, downloader: FakeDownloader, photos: Path
) -> None:
    downloader.note = "Nobody published a checksum for this file."
    application = start([photos], downloader=downloader)
    wait_until_tagged(qtbot, application)
    dialog = open_dialog(qtbot, application, OFFICIAL)
    agree(qtbot, dialog)
    qtbot.waitUntil(lambda: "50.0 of 100.0 MB" in dialog.activity_row.text())
    assert not dialog.download.isEnabled()
    downloader.gate.set()
    qtbot.waitUntil(lambda: application.manager.work is None)
    [request] = engine.imported
    assert (request.name, request.lam, request.input_size) == (OFFICIAL, 0.1, 448)
    assert request.categories is not None
    assert len(request.categories) == 20
    assert request.provenance["published mAP"].startswith("94.7")
    assert dialog.message_bar.texts() == (
        downloader.note,
        f"The model {OFFICIAL} is ready. Use it now?",
    )
    qtbot.waitUntil(lambda: place(application, OFFICIAL) is Place.HERE)
    press(dialog, "Use it now")
    wait_for_model(qtbot, application, engine.models[OFFICIAL].id)


def test_nothing_is_downloaded_without_agreement(
    qtbot: QtBot, start: Start, downloader: FakeDownloader
) -> None:
    application = start(downloader=downloader)
    dialog = open_dialog(qtbot, application, OFFICIAL)
    dialog.download.click()
    [question] = dialog.findChildren(DownloadDialog)
    QTest.keyClick(question, Qt.Key.Key_Return)
    question.reject()
    assert application.manager.work is None
    assert downloader.calls == []


def test_a_model_without_a_published_lam_asks_for_one_first(
    qtbot: QtBot, start: Start, engine: FakeEngine, downloader: FakeDownloader
) -> None:
    downloader.gate.set()
    application = start(downloader=downloader)
    dialog = open_dialog(qtbot, application, "coco-vit-l16-star")
    dialog.download.click()
    [question] = dialog.findChildren(DownloadDialog)
    assert question.lam.isVisible()
    question.lam.setValue(0.7)
    question.agreed.click()
    question.start.click()
    qtbot.waitUntil(lambda: bool(engine.imported))
    assert engine.imported[0].lam == 0.7


def test_a_download_is_cancelled_and_gone_on_with(
    qtbot: QtBot, start: Start, engine: FakeEngine, downloader: FakeDownloader
) -> None:
    application = start(downloader=downloader)
    dialog = open_dialog(qtbot, application, OFFICIAL)
    agree(qtbot, dialog)
    qtbot.waitUntil(lambda: "50.0 of 100.0 MB" in dialog.activity_row.text())
    dialog.activity_row._cancel.click()
    qtbot.waitUntil(lambda: application.manager.work is None)
    assert downloader.closed.is_set()
    assert "What has arrived is kept." in dialog.message_bar.texts()[-1]
    qtbot.waitUntil(lambda: place(application, OFFICIAL) is Place.PARTLY)
    assert dialog.download.text() == "&Continue downloading…"
    downloader.gate.set()
    press(dialog, "Continue")
    qtbot.waitUntil(lambda: place(application, OFFICIAL) is Place.HERE)


def test_a_download_goes_on_when_the_dialog_is_closed(
    qtbot: QtBot, start: Start, engine: FakeEngine, downloader: FakeDownloader
) -> None:
    application = start(downloader=downloader)
    dialog = open_dialog(qtbot, application, OFFICIAL)
    agree(qtbot, dialog)
    dialog.close_button.click()
    running = application.window.activity_bar.texts
    qtbot.waitUntil(lambda: any("50.0 of 100.0 MB" in text for text in running()))
    downloader.gate.set()
    told = application.window.message_bar.texts
    qtbot.waitUntil(lambda: f"The model {OFFICIAL} is ready. Use it now?" in told())
    assert running() == ()
    press(application.window, "Use it now")
    wait_for_model(qtbot, application, engine.models[OFFICIAL].id)


def test_closing_the_window_ends_a_download_and_keeps_what_has_arrived(
    qtbot: QtBot, start: Start, downloader: FakeDownloader
) -> None:
    application = start(downloader=downloader)
    dialog = open_dialog(qtbot, application, OFFICIAL)
    agree(qtbot, dialog)
    qtbot.waitUntil(lambda: bool(downloader.calls))
    application.window.close()
    assert application.shut_down()
    assert downloader.closed.is_set()
    assert (default_store().downloads / f"{OFFICIAL}.pth.part").is_file()
    dialog.close()


def test_a_download_that_fails_says_so_in_the_dialog(
    qtbot: QtBot, start: Start, engine: FakeEngine, downloader: FakeDownloader
) -> None:
    downloader.error = ModelError("There is no connection to drive.google.com.")
    application = start(downloader=downloader)
    dialog = open_dialog(qtbot, application, OFFICIAL)
    agree(qtbot, dialog)
    qtbot.waitUntil(lambda: dialog.message_bar.texts() == (str(downloader.error),))
    assert application.window.message_bar.texts() == ()
    assert engine.imported == []


def test_a_file_that_has_changed_is_taken_only_when_the_person_says_so(
    qtbot: QtBot, start: Start, engine: FakeEngine, downloader: FakeDownloader
) -> None:
    downloader.error = FileChangedError("It has changed. Allow it with --accept-change.")
    downloader.gate.set()
    application = start(downloader=downloader)
    dialog = open_dialog(qtbot, application, OFFICIAL)
    agree(qtbot, dialog)
    qtbot.waitUntil(lambda: len(dialog.message_bar.texts()) == 1)
    assert "--" not in dialog.message_bar.texts()[0]
    assert engine.imported == []
    press(dialog, "Take the new file")
    qtbot.waitUntil(lambda: bool(engine.imported))
    assert [settings.accept_change for settings in downloader.calls] == [False, True]
