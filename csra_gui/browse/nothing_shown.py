"""What is said where photos would be, while there are none to show."""

from __future__ import annotations

from PySide6.QtCore import Signal, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QWidget

from csra_gui.base.settings import INCLUDE_SUBFOLDERS, Settings
from csra_gui.session.session import Session
from csra_gui.session.unknown_words import TEACH, can_teach_searched, unknown_text
from csra_gui.widgets.empty_state import EmptyState
from engine.data.kinds import left_out_text
from engine.texts import display_text, photos_text

_NO_SUBFOLDERS = "Photos in subfolders are left out: see the File menu."


class NothingShown(EmptyState):
    """Says why there are none, and offers what can be done.

    Signals:
        folder_requested: another folder shall be opened.
        teach_requested: the model shall learn a word that was looked for.
    """

    folder_requested = Signal()
    teach_requested = Signal(str)

    def __init__(self, session: Session, settings: Settings, parent: QWidget) -> None:
        super().__init__(parent)
        self._session = session
        self._settings = settings
        self._show_all = QAction("Show all photos", self)
        self._open = QAction("Open folder…", self)
        self._teach = QAction(TEACH, self)
        self._unknown = ""
        self._teach.triggered.connect(self._on_teach_triggered)
        self._show_all.triggered.connect(session.show_all)
        self._open.triggered.connect(self.folder_requested)
        for fact in (
            session.pipeline.photos_reset,
            session.pipeline.scan_started,
            session.pipeline.scan_finished,
            session.shown.settled,
            session.shown.order_changed,
            session.pipeline.cameras.finished,
        ):
            fact.connect(self._update)
        self._update()

    @Slot()
    def _update(self) -> None:
        photos, shown = self._session.photos, self._session.shown
        actions = [self._open]
        if len(shown):
            return
        if self._session.pipeline.is_scanning and not len(photos):
            headline, text, actions = "Looking for photos…", "", []
        elif photos.present_count and not shown.is_everything:
            headline, actions = "No photo fits", [self._show_all]
            text = display_text(shown.fixed_caption or shown.filter_text)
            self._unknown = self._unknown_word()
            if self._unknown:
                text = f"{text}\n{unknown_text(self._session, self._unknown)}"
                actions = [self._show_all, self._teach]
            unread = self._session.pipeline.cameras.remaining if shown.asks_the_camera else 0
            if unread:
                headline = "No photo fits yet"
                text = f"{text}\nStill reading dates of {photos_text(unread)}."
        elif len(photos):
            headline, text = "The photos are not there any more", "They were moved or deleted."
        else:
            with_subfolders = bool(self._settings.value(INCLUDE_SUBFOLDERS))
            left_out = left_out_text(self._session.pipeline.left_out)
            what = "No photos that can be opened" if left_out else "No photos"
            headline = f"{what} were found here"
            text = " ".join(filter(None, (left_out, "" if with_subfolders else _NO_SUBFOLDERS)))
        self.set_texts(headline, text)
        self.set_actions(actions)

    def _unknown_word(self) -> str:
        """The first word of the filter that was looked for in file names and can be taught."""
        words = (word.text for word in self._session.shown.words_in_names)
        return next((word for word in words if can_teach_searched(self._session, word)), "")

    @Slot()
    def _on_teach_triggered(self) -> None:
        self.teach_requested.emit(self._unknown)
