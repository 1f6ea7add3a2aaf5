"""Photos go to the system's trash, and come back: asked once, in a job, told at the end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtWidgets import QApplication, QCheckBox, QWidget

from csra_gui.base.activity import Activity, MovingRate, Progress, counted
from csra_gui.base.ask import ask_whether
from csra_gui.base.jobs import JobSlot, Policy
from csra_gui.base.settings import ASK_BEFORE_TRASH, Settings
from csra_gui.browse.folder_watch import FolderWatch
from csra_gui.browse.trash_job import (
    Steps,
    Trash,
    TrashStep,
    move_to_trash,
    put_photos_back,
    trash_photos,
)
from csra_gui.browse.view_mode import Browsing
from csra_gui.session.change_job import FileChanges
from csra_gui.session.session import Session
from csra_gui.session.tag_job import FileChanged
from csra_gui.widgets.notifier import Notifier, Remedy, Topic
from engine.texts import display_name, photos_text

_NAMED = 3
_BELONGS = (
    "What belongs to them goes along: sidecars (.xmp) and text files (.txt) beside them, and the "
    "RAW where a photo is RAW and JPEG. Their tags are kept, and Edit ▸ Put back from the trash "
    "brings all of it back."
)


class PhotoTrash(QObject):
    """Moves the photos that commands are for to the trash, and the last of them back.

    Attributes:
        trash: moves one file there.

    Signals:
        state_changed: work began or ended, or other photos can come back.
    """

    state_changed = Signal()

    def __init__(
        self,
        session: Session,
        settings: Settings,
        browsing: Browsing,
        watch: FolderWatch,
        notifier: Notifier,
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._session, self._settings = session, settings
        self._browsing, self._watch = browsing, watch
        self._notifier, self._window = notifier, window
        self._slot = JobSlot(session.jobs, "trash", self, Policy.IGNORE)
        self._stopped = threading.Event()
        self._steps: list[TrashStep] = []
        self._last: tuple[TrashStep, ...] = ()
        self.trash: Trash = move_to_trash
        self.activity = Activity(self, cancel=self.cancel, name="Moving photos")

    @property
    def is_busy(self) -> bool:
        """Whether photos are being moved."""
        return self._slot.is_running

    @property
    def can_put_back(self) -> bool:
        """Whether there are photos that went to the trash, and nothing else goes on."""
        return bool(self._last) and not self.is_busy

    @Slot()
    def ask(self) -> None:
        """Move photos to the trash, once the person has agreed."""
        rows = self._browsing.targets
        if not rows or self.is_busy:
            return
        photos = self._session.photos
        chosen = [(photos.paths[row], photos.other_files(row)) for row in rows]
        if not self._settings.value(ASK_BEFORE_TRASH):
            self._move(chosen)
            return
        name = display_name(chosen[0][0])
        what = f"“{name}”" if len(chosen) == 1 else photos_text(len(chosen))
        never = QCheckBox("&Do not ask again")

        def go_on() -> None:
            if never.isChecked():
                self._settings.set_value(ASK_BEFORE_TRASH, False)
            self._move(chosen)

        box = ask_whether(
            QApplication.activeWindow() or self._window,
            "Move to trash",
            f"Move {what} to the trash?",
            "&Move to trash",
            go_on,
        )
        box.setInformativeText(_BELONGS)
        box.setCheckBox(never)

    @Slot()
    def put_back(self) -> None:
        """Bring back the photos that went to the trash last."""
        steps = self._last
        if self.can_put_back:
            self._run(
                lambda: put_photos_back(steps, self._stopped.is_set),
                "Putting photos back",
                len(steps),
                self._take_back,
                self._tell_back,
            )

    @Slot()
    def cancel(self) -> None:
        """Stop after the photo at hand; what was moved stays moved."""
        self._stopped.set()

    def _move(self, chosen: Sequence[tuple[Path, tuple[str, ...]]]) -> None:
        self._session.leaving.update(path for path, _ in chosen)
        self._run(
            lambda: trash_photos(chosen, self._stopped.is_set, self.trash),
            "Moving to the trash",
            len(chosen),
            self._take_trashed,
            lambda steps: self._tell_trashed(steps, [path for path, _ in chosen]),
        )

    def _run(
        self,
        work: Callable[[], Steps],
        text: str,
        total: int,
        take: Callable[[Sequence[TrashStep]], object],
        tell: Callable[[tuple[TrashStep, ...]], object],
    ) -> None:
        if self.is_busy:
            return
        self._stopped.clear()
        self._steps = []
        rate = MovingRate()

        def follow(steps: tuple[TrashStep, ...]) -> None:
            self._steps += steps
            take(steps)
            done = len(self._steps)
            self.activity.set_progress(counted(text, done, total, rate.add(time.monotonic(), done)))

        def end() -> None:
            self.activity.set_progress(None)
            tell(tuple(self._steps))
            self.state_changed.emit()

        self._slot.run(work, on_values=follow, on_end=end)
        self.activity.set_progress(Progress(text))
        self.state_changed.emit()

    def _take_trashed(self, steps: Sequence[TrashStep]) -> None:
        rows = self._rows(step.photo for step in steps if step.moved)
        if rows:
            self._watch.take(FileChanges(vanished=rows))

    def _take_back(self, steps: Sequence[TrashStep]) -> None:
        row_of = self._session.photos.row_of
        found = [(row_of(step.photo), step.file) for step in steps]
        back = tuple(
            FileChanged(row, file) for row, file in found if row is not None and file is not None
        )
        if back:
            self._watch.take(FileChanges(changed=back))

    def _rows(self, paths: Iterable[Path]) -> tuple[int, ...]:
        rows = map(self._session.photos.row_of, paths)
        return tuple(row for row in rows if row is not None)

    def _tell_trashed(self, steps: tuple[TrashStep, ...], chosen: Sequence[Path]) -> None:
        self._session.leaving.difference_update(chosen)
        moved = tuple(step for step in steps if step.moved)
        if moved:
            self._last = moved
        text = f"{photos_text(len(moved))} moved to the trash."
        self._tell(text, steps, Remedy("Undo", self.put_back) if moved else None)

    def _tell_back(self, steps: tuple[TrashStep, ...]) -> None:
        # What could not come back may be tried again; of a stop, what is left, too.
        rest = self._last[len(steps) :]
        self._last = (*(step for step in steps if step.moved), *rest)
        back = sum(not step.problem for step in steps)
        self._tell(f"{photos_text(back)} put back from the trash.", steps, None)

    def _tell(self, text: str, steps: Sequence[TrashStep], remedy: Remedy | None) -> None:
        problems = [step.problem for step in steps if step.problem]
        if not problems:
            self._notifier.done(text, remedy)
            return
        more = len(problems) - _NAMED
        named = problems[:_NAMED] + ([f"And {more:,} more."] if more > 0 else [])
        done = [text] if len(problems) < len(steps) else []
        self._notifier.warning(" ".join([*done, *named]), Topic.NOTE, remedy)
