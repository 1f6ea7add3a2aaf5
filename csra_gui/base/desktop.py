"""What is asked of the desktop: to show files in its file manager, to open them elsewhere.

Commands are lists of arguments and never go through a shell, whatever a file is called.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from threading import Thread

from PySide6.QtCore import QObject, Qt, QUrl, Signal, Slot
from PySide6.QtGui import QDesktopServices

from engine.data.patience import ask

#: A program and its arguments; on Windows a line where a program takes quotes of its own kind.
Command = list[str] | str
Which = Callable[[str], str | None]

#: File managers open a window for each folder.
MOST_SHOWN = 50
_BUS = "org.freedesktop.FileManager1"
_BUS_PATH = "/org/freedesktop/FileManager1"
_BUS_METHOD = f"{_BUS}.ShowItems"
_ANSWER_S = 5
# A disk that does not answer in so long (s) holds up nobody who clicked.
_MOMENT_S = 0.3


def open_folder(folder: Path) -> None:
    """Show a folder, or the nearest above it that is there, in the desktop's file manager.

    Nobody waits for a disk that sleeps: what was asked for is done when it has answered.
    """
    opener = _FolderOpener()
    _openers.add(opener)
    opener.found.connect(opener.open, Qt.ConnectionType.QueuedConnection)
    Thread(target=opener.look, args=(folder,), name="open folder", daemon=True).start()


class _FolderOpener(QObject):
    """Looks in another thread which folder is there, and opens it in the one that made this."""

    found = Signal(object)

    def look(self, folder: Path) -> None:
        place = ask(partial(_nearest, folder), folder, _MOMENT_S)
        with suppress(RuntimeError):  # the program has ended
            self.found.emit(place)

    @Slot(object)
    def open(self, folder: Path) -> None:
        _openers.discard(self)
        open_file(folder)


_openers: set[_FolderOpener] = set()


def _nearest(folder: Path) -> Path:
    return next((place for place in (folder, *folder.parents) if place.is_dir()), folder)


def open_file(path: Path) -> bool:
    """Open a file with the program that the desktop has for it; whether there is one."""
    return QDesktopServices.openUrl(file_url(path))


def file_url(path: Path) -> QUrl:
    """The address of a file, also of one whose name is no text: Qt would name another file."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return QUrl.fromEncoded(path.absolute().as_uri().encode())
    return QUrl.fromLocalFile(str(path))


def show_files(paths: Sequence[Path]) -> bool:
    """Show files selected in the file manager; in a worker, for it may take seconds to answer.

    Returns:
        Whether it was understood; else a folder can still be opened.
    """
    there = [path for path in paths[:MOST_SHOWN] if path.exists()]
    command = show_command(there) if there else None
    return command is not None and run_command(command)


def show_command(
    paths: Sequence[Path], platform: str = sys.platform, which: Which = shutil.which
) -> Command | None:
    """What shows files selected in the file manager; ``None`` if this desktop has nothing.

    Args:
        paths: absolute, at least one.
        platform: as ``sys.platform``.
        which: finds a program.
    """
    if platform == "win32":  # it selects one, and has a way of quoting of its own
        return f'explorer.exe /select,"{paths[0]}"'
    if platform == "darwin":
        return ["open", "-R", *map(str, paths)]
    if not _has_bus():
        return None
    uris = [path.as_uri() for path in paths]  # in which no quote and no comma is left
    if which("gdbus"):
        listed = ", ".join(f"'{uri}'" for uri in uris)
        options = ["--session", f"--timeout={_ANSWER_S}", f"--dest={_BUS}"]
        call = [f"--object-path={_BUS_PATH}", f"--method={_BUS_METHOD}"]
        return ["gdbus", "call", *options, *call, f"[{listed}]", ""]
    if which("dbus-send"):
        options = ["--session", "--print-reply", f"--reply-timeout={_ANSWER_S * 1000}"]
        call = [f"--dest={_BUS}", "--type=method_call", _BUS_PATH, _BUS_METHOD]
        return ["dbus-send", *options, *call, f"array:string:{','.join(uris)}", "string:"]
    return None


def run_command(command: Command) -> bool:
    """Run a program that ends soon, and wait for it; whether it did what it should."""
    nothing = subprocess.DEVNULL
    try:
        ended = subprocess.run(
            command,
            stdin=nothing,
            stdout=nothing,
            stderr=nothing,
            timeout=2 * _ANSWER_S,
            check=False,
        )
    except (OSError, subprocess.SubprocessError, ValueError):
        return False
    return ended.returncode == 0 or isinstance(command, str)  # Explorer always says 1


def _has_bus() -> bool:
    """Whether the desktop can be called; asking for it may not start another one."""
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    there = bool(runtime) and Path(str(runtime), "bus").exists()
    return there or bool(os.environ.get("DBUS_SESSION_BUS_ADDRESS"))
