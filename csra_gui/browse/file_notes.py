"""What the person is told of files: that they vanished, or that a filter leaves one out."""

from __future__ import annotations

import textwrap
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, Slot

from csra_gui.browse.folder_watch import FolderWatch
from csra_gui.browse.opener import Opener
from csra_gui.session.session import Session
from csra_gui.widgets.notifier import Notifier, Remedy, Topic
from engine.texts import display_name, display_text, photos_text

_BY_OTHERS = "another program moved or deleted"
_LABELS_STAY = "Opened where it is now, its photos keep their labels."
#: Of a filter as a line over the photos names it.
_FILTER_CHARACTERS = 40


class FileNotes(QObject):
    """Messages about files, each with what can be done."""

    def __init__(
        self,
        session: Session,
        watch: FolderWatch,
        opener: Opener,
        notifier: Notifier,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._opener = opener
        self._notifier = notifier
        watch.roots_missing.connect(self._on_watch_roots_missing)
        watch.answered.connect(self._on_watch_answered)
        session.photos_lost.connect(self._on_session_photos_lost)
        session.chosen.photo_hidden.connect(self._on_chosen_photo_hidden)
        session.filter_dropped.connect(self._on_session_filter_dropped)
        session.pipeline.photos_reset.connect(lambda: notifier.clear(Topic.FILES))

    @Slot(int)
    def _on_chosen_photo_hidden(self, row: int) -> None:
        path = self._session.photos.paths[row]
        text = f"{display_name(path)} is not among the photos that are shown now."
        self._notifier.info(text, Topic.NOTE, Remedy("Show all photos", lambda: self._show(path)))

    def _show(self, path: Path) -> None:
        """Of what is open now, which may be another folder."""
        self._session.show_all()
        self._session.chosen.go_to(path)

    @Slot(str)
    def _on_session_filter_dropped(self, text: str) -> None:
        name = display_text(textwrap.shorten(text, _FILTER_CHARACTERS, placeholder="…"))
        said = f"The filter “{name}” is off, so that you see what was opened."
        again = Remedy("Filter again", lambda: self._session.shown.set_filter(text))
        self._notifier.done(said, again)

    @Slot(object)
    def _on_session_photos_lost(self, rows: tuple[int, ...]) -> None:
        photos, count = self._session.photos, photos_text(len(rows))
        files = photos.files()
        folders = np.unique(files.folder_of[list(rows)])
        if len(rows) == 1:
            name = display_name(files.path(rows[0]))
            text = f"{name} is not there any more: {_BY_OTHERS} it."
        elif len(folders) == 1 and photos.gone[files.folder_of == folders[0]].all():
            name = display_name(Path(files.folders[folders[0]]))
            what = f"The folder “{name}” with {count} is not there any more"
            text = f"{what}: {_BY_OTHERS} it. {_LABELS_STAY}"
        else:
            text = f"{count} are not there any more: {_BY_OTHERS} them."
        self._notifier.info(text, Topic.FILES)

    @Slot(object, object)
    def _on_watch_roots_missing(self, removed: list[Path], unreachable: list[Path]) -> None:
        found = set(self._session.pipeline.found_roots)  # of the others the scan has told
        removed = [root for root in removed if root in found]
        unreachable = [root for root in unreachable if root in found]
        if removed:
            name = display_name(removed[0])
            why = f"is not there any more: it was renamed, moved or deleted. {_LABELS_STAY}"
        elif unreachable:
            name = display_name(unreachable[0])
            why = (
                "cannot be reached: its disk is away, or a folder around it was renamed. "
                "What is known of its photos is still shown."
            )
        else:
            self._notifier.clear(Topic.FILES)
            return
        choose = Remedy("Open folder…", self._opener.choose_folder)
        self._notifier.warning(f"“{name}” {why}", Topic.FILES, choose)

    @Slot(int, int)
    def _on_watch_answered(self, new: int, changed: int) -> None:
        parts = [f"{photos_text(new)} found"] if new else []
        parts += [f"{photos_text(changed)} changed"] if changed else []
        text = ", ".join(parts) or "Nothing has changed in what is open"
        self._notifier.done(f"{text}.")
