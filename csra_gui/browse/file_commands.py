"""What can be done with the files of the chosen photos, outside the program and in dialogs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QProcess
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QWidget

from csra_gui.base.ask import ask_choice, ask_files
from csra_gui.base.desktop import open_file, open_folder, show_files
from csra_gui.base.programs import (
    Program,
    application_command,
    ask_system_commands,
    photo_programs,
)
from csra_gui.browse.decode_queue import ImageDecoder
from csra_gui.browse.properties_dialog import PropertiesDialog
from csra_gui.browse.view_mode import Browsing
from csra_gui.session.session import Session
from csra_gui.widgets.notifier import Notifier, Topic

#: Each may become a window of its own.
MOST_OPENED = 10
_TOO_MANY = f"Select at most {MOST_OPENED} photos to open them with another program."
_GONE = "The file is not there any more. Press F5 to see what happened to the files."
_NO_PROGRAM = "No program for photos was found on this computer, or none could be started."
_CHOOSE = "Choose a program"

Starter = Callable[[list[str]], bool]
ProgramFinder = Callable[[], list[Program]]


def start_detached(command: list[str]) -> bool:
    """Start a program and leave it to itself; whether it started."""
    process = QProcess()
    process.setProgram(command[0])
    process.setArguments(command[1:])
    process.setStandardOutputFile(QProcess.nullDevice())
    process.setStandardErrorFile(QProcess.nullDevice())
    return bool(process.startDetached())


class FileCommands(QObject):
    """Shows, opens, names and describes the photos that commands are for.

    Args:
        decoder: reads the file whose properties are asked for.
        window: over which dialogs open, unless another window of the program is in front.
    """

    def __init__(
        self,
        session: Session,
        browsing: Browsing,
        decoder: ImageDecoder,
        notifier: Notifier,
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._session = session
        self._browsing = browsing
        self._decoder = decoder
        self._notifier = notifier
        self._window = window
        self.start: Starter = start_detached
        self.find_programs: ProgramFinder = photo_programs

    def show_in_file_manager(self) -> None:
        """Show the photos selected in the desktop's file manager, or else their folder."""
        paths = self._paths()
        photos = self._session.photos
        for row in self._browsing.targets:
            paths += [photos.paths[row].with_name(name) for name in photos.other_files(row)]
        if paths:
            self._session.jobs.run(
                lambda: show_files(paths),
                "show in file manager",
                lambda shown: None if shown else open_folder(paths[0].parent),
            )

    def copy_paths(self) -> None:
        """Put the paths of the photos on the clipboard, a line each."""
        QGuiApplication.clipboard().setText("\n".join(map(str, self._paths())))

    def open_with_default(self) -> None:
        """Open the photos with the program that the desktop has for them."""
        self._with_few_there(self._open_with_default)

    def open_with_chosen(self) -> None:
        """Ask for a program, and open the photos with it."""
        self._with_few_there(self._ask_program)

    def show_properties(self) -> None:
        """Say what is known of the photos."""
        rows = self._browsing.targets
        if rows:
            PropertiesDialog(self._session, self._decoder, rows, self._place()).open()

    def _paths(self) -> list[Path]:
        paths = self._session.photos.paths
        return [paths[row] for row in self._browsing.targets]

    def _place(self) -> QWidget:
        return QApplication.activeWindow() or self._window

    def _with_few_there(self, then: Callable[[list[Path]], object]) -> None:
        """Do something with the photos that are there; disks that sleep are asked in a worker."""
        paths = self._paths()
        if len(paths) > MOST_OPENED:
            self._notifier.warning(_TOO_MANY, Topic.NOTE)
            return

        def go_on(there: list[Path]) -> None:
            if there:
                then(there)
            else:
                self._notifier.warning(_GONE, Topic.NOTE)

        self._session.jobs.run(lambda: [p for p in paths if p.exists()], "open with", go_on)

    def _open_with_default(self, paths: Sequence[Path]) -> None:
        opened = [open_file(path) for path in paths]
        if not all(opened):
            self._notifier.warning(_NO_PROGRAM, Topic.NOTE)

    def _ask_program(self, paths: list[Path]) -> None:
        by_system = ask_system_commands(paths)
        if by_system is not None:
            self._start_all(by_system)
        elif sys.platform == "darwin":
            ask_files(
                self._place(),
                _CHOOSE,
                ("Applications (*.app)",),
                lambda chosen: self._start_all(application_command(chosen[0], paths)),
                "/Applications",
                several=False,
            )
        else:
            choose = partial(self._choose_program, paths)
            self._session.jobs.run(self.find_programs, "find programs", choose)

    def _choose_program(self, paths: list[Path], programs: list[Program]) -> None:
        if not programs:
            self._notifier.warning(_NO_PROGRAM, Topic.NOTE)
            return
        ask_choice(
            self._place(),
            _CHOOSE,
            "Open with:",
            [program.name for program in programs],
            lambda place: self._start_all(programs[place].commands(paths)),
        )

    def _start_all(self, commands: Sequence[list[str]]) -> None:
        started = [self.start(command) for command in commands]
        if not all(started):
            self._notifier.warning(_NO_PROGRAM, Topic.NOTE)
