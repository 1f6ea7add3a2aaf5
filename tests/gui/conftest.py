"""A whole application on a fake engine, made and ended for each test that asks for one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QPoint
from PySide6.QtGui import QCursor
from PySide6.QtWidgets import QApplication, QDialog, QFileDialog, QMessageBox
from pytestqt.qtbot import QtBot

from csra_gui.app import Application
from csra_gui.base.settings import Settings
from csra_gui.session import photo_view_order
from tests.conftest import no_thread_left
from tests.fakes import FakeDecoder, FakeEngine
from tests.gui.driver import Start


@pytest.fixture(autouse=True)
def no_thread_left_by_a_test() -> Iterator[None]:
    """A window that is closed leaves nothing running."""
    with no_thread_left():
        yield


@pytest.fixture(autouse=True)
def pointer_out_of_the_way(qapp: QApplication) -> None:
    """No window opens under the pointer of the test before."""
    QCursor.setPos(QPoint(0, 0))


@pytest.fixture(autouse=True)
def no_unexpected_dialog(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A dialog that nobody asked for fails the test instead of waiting for a click."""

    def refuse(*arguments: object) -> None:
        raise AssertionError(f"a message box was shown: {arguments}")

    for name in ("exec", "information", "warning", "critical", "question"):
        monkeypatch.setattr(QMessageBox, name, refuse)
    monkeypatch.setattr(QFileDialog, "exec", refuse)
    yield
    if QApplication.instance() is not None:
        left = [w for w in QApplication.topLevelWidgets() if isinstance(w, QDialog)]
        shown = [type(w).__name__ for w in left if w.isVisible()]
        for dialog in left:
            dialog.close()
        assert not shown, f"dialogs left open: {shown}"


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits for the next change does not wait long; not so for keys that belong together."""
    monkeypatch.setattr(photo_view_order, "DEBOUNCE_MS", 10)


@pytest.fixture
def engine() -> FakeEngine:
    """The engine behind the application of the test."""
    return FakeEngine()


@pytest.fixture
def settings_file(tmp_path: Path) -> Path:
    """Where the application of the test keeps its settings."""
    return tmp_path / "profile" / "settings.ini"


@pytest.fixture
def start(qtbot: QtBot, engine: FakeEngine, settings_file: Path) -> Iterator[Start]:
    """Start an application on folders; all of them are closed and checked in the end."""
    running: list[Application] = []

    def starter(folders: Sequence[Path] = (), **options: object) -> Application:
        application = Application(
            lambda: engine,
            options.get("settings", Settings(settings_file)),  # type: ignore[arg-type]
            samples=options.get("samples"),  # type: ignore[arg-type]
            decoder=FakeDecoder(),
            trainer_factory=options.get("trainer", FakeEngine),  # type: ignore[arg-type]
            **({"downloader": options["downloader"]} if "downloader" in options else {}),  # type: ignore[arg-type]
        )
        running.append(application)
        application.start(folders, is_alone=bool(options.get("is_alone", True)))
        return application

    yield starter
    for application in running:
        application.window.close()
        assert application.shut_down(), "a job or the engine did not end in time"
        application.window.deleteLater()
        application.deleteLater()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder of files that are named like photos; nobody looks into them."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("cat.jpg", "dog.jpg", "bad.jpg", "cat-and-dog.jpg", "person.jpg"):
        (folder / name).touch()
    return folder
