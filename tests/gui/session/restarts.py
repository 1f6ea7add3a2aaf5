"""A session without a window: what opens, tags, decides and is closed again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QEvent
from pytestqt.qtbot import QtBot

from csra_gui.base.settings import Settings
from csra_gui.session.session import Session
from tests.fakes import FakeEngine


class Restarts:
    """Starts sessions, one after the other or two at a time, on one profile and library."""

    def __init__(self, qtbot: QtBot, settings_file: Path) -> None:
        self._qtbot = qtbot
        self._settings_file = settings_file
        self.settings = Settings(settings_file)  # of the session that was started last
        self._running: list[Session] = []

    def start(self, engine: FakeEngine, folders: Sequence[Path] = ()) -> Session:
        """A session that opens the library, the model and these folders."""
        self.settings = Settings(self._settings_file)
        session = Session(lambda: engine, self.settings)
        self._running.append(session)
        session.library.open()
        if folders:
            session.open(folders)
        session.models.start()
        return session

    def end(self, session: Session) -> None:
        """Close it as the program does."""
        self._running.remove(session)
        assert session.shut_down(), "a job or the engine did not end in time"
        session.deleteLater()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)

    def end_all(self) -> None:
        """Close all that still run."""
        for session in tuple(self._running):
            self.end(session)

    def wait_until_tagged(self, session: Session, count: int) -> None:
        """Until so many photos are there and the model or the library has said all it can."""
        self._qtbot.waitUntil(lambda: is_at_rest(session, count))

    def wait_until_written(self, session: Session) -> None:
        """Until the library has everything that was said."""
        self._qtbot.waitUntil(lambda: not session.decisions.is_writing)


def is_at_rest(session: Session, count: int) -> bool:
    """Whether so many photos are there and nothing is left to do with them."""
    work = session.pipeline
    busy = work.is_scanning or work.is_looking_up or session.tagger.is_running
    return len(session.photos) == count and not busy and not session.photos.untagged_rows()
