"""A screen of its own for real windows, and a person's hands: keys, typing, the clipboard."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.e2e.waiting import wait_until
from tests.paths import ROOT

_SCREEN = "1280x800x24"
#: What another desktop than this one would tell the program.
_OF_OTHER_DESKTOPS = (
    *("WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS", "XDG_CURRENT_DESKTOP", "XAUTHORITY"),
    *("QT_QPA_PLATFORMTHEME", "QT_SCALE_FACTOR", "QT_STYLE_OVERRIDE"),
)
_NEEDED = {"Xvfb": "xvfb", "xdotool": "xdotool", "openbox": "openbox"}
_READ_CLIPBOARD = """
import sys
from PySide6.QtGui import QGuiApplication
app = QGuiApplication([])
sys.stdout.write(app.clipboard().text())
"""
_SAVE_PICTURE = """
import sys
from PySide6.QtGui import QGuiApplication
app = QGuiApplication([])
app.primaryScreen().grabWindow(0).save(sys.argv[1])
"""


def missing_packages() -> list[str]:
    """The Debian packages without which there is no desktop to test on."""
    missing = [package for program, package in _NEEDED.items() if shutil.which(program) is None]
    if not missing:  # there may be a screen, and no libraries of Qt for it
        command = [str(ROOT / ".ci" / "qt-libraries"), "--packages", "xcb"]
        missing = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return missing


class Desktop:
    """One screen with a window manager; keys go to the window that has the focus.

    Args:
        display: name of the X display.
    """

    def __init__(self, display: str) -> None:
        kept = {name: value for name, value in os.environ.items() if name not in _OF_OTHER_DESKTOPS}
        self.environment = {**kept, "DISPLAY": display, "QT_QPA_PLATFORM": "xcb"}

    def activate(self, title: str, timeout_s: float = 150.0) -> None:
        """Wait for a window whose title has this pattern in it, and give it the focus."""
        wait_until(lambda: self._has_activated(title), f"a window {title!r} is there", timeout_s)

    def count(self, title: str) -> int:
        """How many windows are there whose title has this pattern in it."""
        return len(self._windows(title))

    def press(self, *keys: str) -> None:
        """Press keys, one after the other, such as ``Return`` or ``ctrl+f``."""
        self._xdotool("key", "--delay", "30", "--clearmodifiers", *keys)

    def type(self, text: str) -> None:
        """Type a text."""
        self._xdotool("type", "--delay", "20", "--clearmodifiers", text)

    def clipboard(self) -> str:
        """The text on the clipboard."""
        return self._run(_READ_CLIPBOARD)

    def save_picture(self, file: Path) -> None:
        """Save what is on the screen."""
        self._run(_SAVE_PICTURE, str(file))

    @contextlib.contextmanager
    def picture_of_failure(self, file: Path) -> Iterator[None]:
        """Keep a picture of the screen as it is when something in the block goes wrong."""
        try:
            yield
        except BaseException as error:
            self.save_picture(file)
            error.add_note(f"What the screen showed is in {file}")
            raise

    def _has_activated(self, title: str) -> bool:
        windows = self._windows(title)
        return bool(windows) and (
            self._try_xdotool("windowactivate", "--sync", windows[-1]).returncode == 0
        )

    def _windows(self, title: str) -> list[str]:
        return self._try_xdotool("search", "--onlyvisible", "--name", title).stdout.split()

    def _xdotool(self, *arguments: str) -> None:
        result = self._try_xdotool(*arguments)
        assert result.returncode == 0, result.stderr

    def _try_xdotool(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["xdotool", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def _run(self, code: str, *arguments: str) -> str:
        result = subprocess.run(
            [sys.executable, "-c", code, *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        return result.stdout


@contextlib.contextmanager
def new_desktop() -> Iterator[Desktop]:
    """A desktop on a display number that nobody else has; it ends with the block."""
    reader, writer = os.pipe()
    # Without -noreset it starts anew when its last client leaves: a first look for a window, which
    # comes and goes before a slow window manager is there, would throw that out.
    command = ["Xvfb", "-displayfd", str(writer), "-screen", "0", _SCREEN]
    command += ["-nolisten", "tcp", "-noreset"]
    with ending(_quiet(command, {**os.environ}, writer)):
        os.close(writer)
        with os.fdopen(reader, encoding="ascii") as numbers:
            number = numbers.readline().strip()
        assert number, "Xvfb did not start"
        desktop = Desktop(f":{number}")
        with ending(_quiet(["openbox"], desktop.environment)):
            yield desktop


@contextlib.contextmanager
def ending(process: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """A process that does not outlive the block."""
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _quiet(command: list[str], environment: dict[str, str], *files: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        env=environment,
        pass_fds=files,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
