"""Labels go into photos themselves only after the person agreed, and stay what the table knows."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import QMessageBox
from pytestqt.qtbot import QtBot

from csra_gui.app import Application
from csra_gui.base.settings import EXIFTOOL, WRITE_TARGET
from csra_gui.interchange.write_dialog import WriteDialog
from csra_gui.interchange.write_job import WriteRequest
from engine import atomic
from engine.interchange.writing.values import Target, WriteOptions
from engine.library.values import Verdict, look_at
from engine.metadata.embedded import read_embedded
from tests.engine.interchange.writing.embedding_parts import needs_exiftool, plain
from tests.gui.driver import Start, row, trigger, wait_until_tagged


@pytest.fixture
def application(qtbot: QtBot, start: Start, photos: Path) -> Application:
    plain(photos / "dog.jpg")
    opened = start([photos])
    wait_until_tagged(qtbot, opened)
    opened.session.decisions.decide(
        [row(opened, "dog.jpg")], {"Rex": Verdict.ADDED}, caption="Test"
    )
    return opened


def opened(qtbot: QtBot, application: Application) -> WriteDialog:
    trigger(application, "write_labels")
    [dialog] = application.window.findChildren(WriteDialog)
    qtbot.waitUntil(lambda: not dialog.embed.state.text().startswith("Looking"))
    qtbot.waitUntil(lambda: dialog.summary.text().startswith("Would be"))
    return dialog


def is_offered(dialog: WriteDialog) -> bool:
    model = dialog.target.model()
    assert isinstance(model, QStandardItemModel)
    return model.item(dialog.target.findData(Target.EMBED.value)).isEnabled()


@needs_exiftool
def test_photos_are_changed_after_a_second_consent_and_known_as_before(
    qtbot: QtBot, application: Application, photos: Path
) -> None:
    photo, place = photos / "dog.jpg", row(application, "dog.jpg")
    dialog = opened(qtbot, application)
    assert is_offered(dialog)
    dialog.target.setCurrentIndex(dialog.target.findData(Target.EMBED.value))
    qtbot.waitUntil(lambda: dialog.summary.text().startswith("Would be"))
    assert [file.text() for file in dialog.changes.files] == ["+ Rex"]
    assert not dialog.write.isEnabled()
    dialog.embed.consent.click()
    assert dialog.write.isEnabled()
    writes = application.window.interchange.writes
    with qtbot.waitSignal(writes.ended):
        qtbot.mouseClick(dialog.write, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: writes.last is not None and not writes.is_busy)
    assert set(read_embedded(photo).values.keywords) == {"Rex"}
    assert not Path(f"{photo}.xmp").exists()
    assert application.settings.value(WRITE_TARGET) == Target.SIDECAR.value
    assert application.session.photos.file(place) == look_at(photo)
    assert not application.session.photos.untagged_rows()
    trigger(application, "undo_write")
    [box] = application.window.findChildren(QMessageBox)
    [undo] = [button for button in box.buttons() if button.text() == "&Undo the write"]
    with qtbot.waitSignal(writes.ended):
        qtbot.mouseClick(undo, Qt.MouseButton.LeftButton)
    assert not read_embedded(photo).values.keywords
    assert application.session.photos.file(place) == look_at(photo)


@pytest.mark.slow
@needs_exiftool
def test_photos_that_were_written_before_a_cancel_are_known_too(
    qtbot: QtBot, application: Application, photos: Path
) -> None:
    session, writes = application.session, application.window.interchange.writes
    place = row(application, "dog.jpg")
    options = WriteOptions(Target.EMBED, may_change_photos=True)
    ended = []
    request = WriteRequest(np.array([place]), options=options, ended=ended.append)
    replaced = threading.Event()
    replace_durably = atomic.replace_durably

    def tell(temporary: Path, target: Path, **kwargs: bool) -> None:
        replace_durably(temporary, target, **kwargs)
        if target == photos / "dog.jpg":
            replaced.set()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(atomic, "replace_durably", tell)
        writes.start(request)
        qtbot.waitUntil(lambda: writes.is_busy)
        assert replaced.wait(20)  # the window does nothing meanwhile
        writes.cancel()
        qtbot.waitUntil(lambda: bool(ended))
    assert ended == [None]
    assert session.photos.file(place) == look_at(photos / "dog.jpg")
    assert not session.photos.untagged_rows()


def test_where_exiftool_is_missing_the_target_is_greyed_and_it_is_said_how_to_get_it(
    qtbot: QtBot, application: Application, tmp_path: Path
) -> None:
    application.settings.set_value(EXIFTOOL, str(tmp_path / "none"))
    dialog = opened(qtbot, application)
    assert not is_offered(dialog)
    assert "nstall" in dialog.embed.state.text()
    assert dialog.embed.isVisibleTo(dialog)
    assert not dialog.embed.consent.isVisibleTo(dialog)
    assert dialog.write.isEnabled()
    dialog.reject()
