"""What the person is told about the library, and asked when it is damaged."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtWidgets import QWidget

from csra_gui.base.paths import library_file
from csra_gui.library.repair_dialog import Repair, RepairDialog
from csra_gui.session.session import Session
from csra_gui.widgets.notifier import Notifier, Remedy, Topic
from engine.library.backup import restore_backup
from engine.library.errors import DamagedLibraryError, FutureLibraryError
from engine.library.repairing import begin_anew, rebuild_library
from engine.texts import display_path

_FOR_NOW = "You can go on, but what you do is forgotten when this window closes."
_OF_ITS_OWN = (
    "This window has a library of its own. Labels and decisions made here stay apart from your "
    "usual ones; they are kept in"
)
_NOT_KEPT = "It could not be kept in the library:"
_WAITS = "Nothing can be kept for now."
_GOES_ON = "Make room, and it goes on by itself."


class LibraryController(QObject):
    """Messages about the library, each with what can be done.

    Signals:
        import_requested: labels shall be taken over from the files of the open photos.
    """

    import_requested = Signal()

    def __init__(self, session: Session, notifier: Notifier, window: QWidget) -> None:
        super().__init__(window)
        self._session = session
        self._library = session.library
        self._notifier = notifier
        self._window = window
        self._wants_files = False
        self._rebuilt = ""  # written by the library's thread before it tells that it has opened
        self._library.problem_changed.connect(self._on_library_problem_changed)
        session.library.opened.connect(self._on_library_opened)
        session.library.storing_failed.connect(self._on_library_storing_failed)
        session.library.waiting_changed.connect(self._on_library_waiting_changed)
        session.decisions.taken_back.connect(self._on_decisions_taken_back)

    @Slot()
    def _on_library_opened(self) -> None:
        """Whoever works on another library than the usual one should know it."""
        self._tell_how_it_was_found()
        if self._library.is_open and self._library.path != library_file():
            file = display_path(self._library.path)
            self._notifier.info(f"{_OF_ITS_OWN} {file}.", Topic.LIBRARY)

    def _tell_how_it_was_found(self) -> None:
        if not self._library.is_open or self._library.library is None:
            return
        if self._library.library.notice:
            self._notifier.warning(self._library.library.notice, Topic.LIBRARY)
        if self._wants_files:
            self._wants_files = False
            self.import_requested.emit()

    @Slot()
    def _on_library_problem_changed(self) -> None:
        error = self._library.error
        if error is None:
            self._notifier.clear(Topic.LIBRARY)
            if self._rebuilt:  # stays until it was read
                self._notifier.warning(f"The library is rebuilt. {self._rebuilt}", Topic.LIBRARY)
                self._rebuilt = ""
            else:
                self._notifier.info("The library is open.", Topic.LIBRARY)
            return
        text = f"{error} {_FOR_NOW}"
        if isinstance(error, DamagedLibraryError):
            repair = Remedy("Repair…", lambda: self._ask(error))
            self._notifier.error(text, Topic.LIBRARY, repair)
        elif isinstance(error, FutureLibraryError):
            self._notifier.error(text, Topic.LIBRARY)
        else:
            again = Remedy("Try again", self._library.open)
            self._notifier.warning(text, Topic.LIBRARY, again)

    def _ask(self, error: DamagedLibraryError) -> None:
        dialog = RepairDialog(error, self._window)
        dialog.chosen.connect(lambda repair: self._repair(repair, error))
        # Whoever thinks it over still finds the offer.
        dialog.rejected.connect(self._on_library_problem_changed)
        dialog.open()

    def _repair(self, repair: Repair, error: DamagedLibraryError) -> None:
        path, backup = error.path, error.backup

        def restore() -> object:
            return begin_anew(path) if backup is None else restore_backup(path, backup)

        def rebuild() -> None:
            self._rebuilt = rebuild_library(path).text()

        steps: dict[Repair, Callable[[], object]] = {
            Repair.RESTORE: restore,
            Repair.REBUILD: rebuild,
            Repair.FROM_FILES: lambda: begin_anew(path),
            Repair.BEGIN_ANEW: lambda: begin_anew(path),
        }
        self._wants_files = repair is Repair.FROM_FILES
        self._library.open(steps[repair])

    @Slot(str)
    def _on_library_storing_failed(self, text: str) -> None:
        self._notifier.error(f"{_NOT_KEPT} {text}", Topic.LIBRARY)

    @Slot(str)
    def _on_library_waiting_changed(self, cause: str) -> None:
        if cause:
            self._notifier.error(f"{_WAITS} {cause} {_GOES_ON}", Topic.LIBRARY)
        else:
            self._notifier.clear(Topic.LIBRARY)

    @Slot(object)
    def _on_decisions_taken_back(self, rows: tuple[int, ...]) -> None:
        """Show the photo that an undo or a redo changed, if it is one that is not looked at."""
        if not rows:
            self._notifier.info("Done, for photos that are not open now.", Topic.NOTE)
        elif len(rows) == 1 and rows[0] != self._session.focus.current:
            self._session.go_to(rows[0])
