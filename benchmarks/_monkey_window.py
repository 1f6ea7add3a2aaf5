"""The program's window, and in it a monkey with a mouse and a keyboard; started by ``monkey.py``.

    python benchmarks/_monkey_window.py OPTIONS FOLDER

OPTIONS is JSON: ``seed``, ``first`` (number of the first action), ``replay`` (a log, or empty),
``drops`` (files and folders to let fall), ``samples`` (a copy of them), ``steps`` (at most). Lines
of JSON go to the standard output: each action, each time that the window did not answer, how many
widgets there are, and what was beyond the limits. Clicks, keys and drags are real ones of the
display (xdotool); commands, sizes and drops are given to the window as it would get them. Questions
for files are answered by Escape; nothing is opened in other programs, and no computer but this one
is called.
"""

from __future__ import annotations

import contextlib
import faulthandler
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

TICK_MS = 5
TEXTS_MS = 2000
#: Looks at the texts from one count of what exists to the next.
COUNT_LOOKS = 10
#: The window is said not to answer when it is late by so much.
HALT_S = 0.25
#: What a person might press, and the keys of most commands; none ends the program.
KEYS = (
    *("Left", "Right", "Up", "Down", "Home", "End", "Prior", "Next", "Return", "Escape", "Tab"),
    *("space", "Delete", "BackSpace", "F2", "F5", "F11", "plus", "minus", "slash", "Menu"),
    *"abcdefghijklmnopqrstuvwxyz0123456789",
    *("ctrl+a", "ctrl+z", "ctrl+y", "ctrl+f", "ctrl+c", "ctrl+v", "ctrl+i", "ctrl+l", "ctrl+e"),
    *("shift+Right", "shift+Down", "ctrl+Down", "alt+Left", "alt+Right", "shift+Tab", "ctrl+1"),
)
TEXTS = (
    *("dog", "cat OR person", "score:dog>0.5", "NOT (", '"', "name:IMG*", "date:2024..2025"),
    *("rating:>=3", "similar:a.jpg>0.5", "is:reviewed", "0.5", "-1", "999999", "%s <b>x</b>"),
)
#: Commands that would leave the window, and the one that ends it.
LEFT_OUT = {"quit", "open_with", "show_in_files"}
WEIGHTS = {
    "click": 46,
    "key": 18,
    "command": 12,
    "wheel": 6,
    "type": 5,
    "drag": 5,
    "escape": 4,
    "resize": 2,
    "drop": 2,
}


def main() -> int:
    """Open the window; everything else is as always."""
    options = json.loads(sys.argv[1])
    from csra_gui import __main__ as entry

    _stay_here()
    threading.Thread(target=_wrap_start, args=(options,), daemon=True).start()
    return entry.main_gui(sys.argv[2:])


def say(**facts: object) -> None:
    """A line for whoever started this."""
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


def _stay_here() -> None:
    """No other computer is called, and no other program is started for a file."""
    import socket

    from PySide6.QtCore import QProcess
    from PySide6.QtGui import QDesktopServices

    connect = socket.socket.connect

    def only_here(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in (
            "127.0.0.1",
            "::1",
        ):
            raise OSError(101, "Network is unreachable")
        connect(self, address)

    socket.socket.connect = only_here  # type: ignore[method-assign]
    QDesktopServices.openUrl = staticmethod(lambda _url: False)  # type: ignore[method-assign]
    QProcess.startDetached = lambda *_: (False, 0)  # type: ignore[method-assign,assignment]


def _wrap_start(options: dict[str, Any]) -> None:
    """Come in once the window is shown; the program itself has imported everything by then."""
    while not hasattr(sys.modules.get("csra_gui.app"), "Application"):
        time.sleep(0.002)
    kind = sys.modules["csra_gui.app"].Application
    start = kind.start

    def started(self: Any, *arguments: Any, **more: Any) -> None:
        start(self, *arguments, **more)
        self.monkey = Monkey(self, options)

    kind.start = started


class Monkey:
    """Acts at random in the GUI thread, and measures how late that is."""

    def __init__(self, application: Any, options: dict[str, Any]) -> None:
        from PySide6.QtCore import QTimer

        self._window = application.window
        self._options = options
        # Those of the program itself would be turned, and moved to the trash.
        self._window.browse.opener._samples = Path(options["samples"])
        self._number = options["first"]
        self._replay = _actions(options["replay"], self._number)
        self._hands = subprocess.Popen(["xdotool", "-"], stdin=subprocess.PIPE, text=True)
        self._ticked = time.monotonic()
        self._used = time.thread_time()
        self._waited = _waited_s()
        self._seen = ""
        self._gui = threading.get_ident()
        self._ticks = QTimer(application, interval=TICK_MS)
        self._ticks.timeout.connect(self._tick)
        self._ticks.start()
        self._texts = QTimer(application, interval=TEXTS_MS)
        self._texts.timeout.connect(self._look_at_texts)
        self._texts.start()
        self._told = set[str]()
        self._looks = 0
        self._acts = QTimer(application, singleShot=True)
        self._acts.timeout.connect(self._act)
        self._acts.start(2000)
        threading.Thread(target=self._look_on, daemon=True).start()

    def _tick(self) -> None:
        now, used, waited = time.monotonic(), time.thread_time(), _waited_s()
        late, spent, kept_off = now - self._ticked, used - self._used, waited - self._waited
        self._ticked, self._used, self._waited = now, used, waited
        if late > HALT_S:
            seconds = {"halt": late, "used": spent, "waited": kept_off}
            say(
                **{name: round(value, 3) for name, value in seconds.items()},
                load=os.getloadavg()[0],
                at=self._seen,
                after=self._number,
            )
        self._seen = ""
        self._escape_questions()

    def _look_on(self) -> None:
        """What the GUI thread is at while it does not answer."""
        while True:
            time.sleep(0.05)
            if time.monotonic() - self._ticked > 0.6 and not self._seen:
                self._seen = _stack_of(self._gui)

    def _escape_questions(self) -> None:
        from PySide6.QtWidgets import QApplication, QFileDialog

        for widget in QApplication.topLevelWidgets():
            if isinstance(widget, QFileDialog) and widget.isVisible():
                widget.reject()

    def _look_at_texts(self) -> None:
        """A text whose form Qt guesses must not look like markup: it may be a stranger's."""
        from PySide6.QtGui import Qt  # which alone has the guess
        from PySide6.QtWidgets import QApplication, QLabel, QMessageBox

        guessed = Qt.TextFormat.AutoText
        self._looks += 1
        if self._looks % COUNT_LOOKS == 1:
            kinds = Counter(type(top).__name__ for top in QApplication.topLevelWidgets())
            say(widgets=len(QApplication.allWidgets()), tops=kinds.total(), kinds=kinds)
        for top in QApplication.topLevelWidgets():
            found = [top, *top.findChildren(QLabel), *top.findChildren(QMessageBox)]
            for widget in found:
                if not isinstance(widget, QLabel | QMessageBox) or widget.textFormat() != guessed:
                    continue
                text = widget.text()
                if Qt.mightBeRichText(text) and text not in self._told:
                    self._told.add(text)
                    say(markup=text[:200], widget=widget.objectName(), after=self._number)

    # What is done.

    def _act(self) -> None:
        try:
            chosen = self._next()
        except Exception:  # noqa: BLE001  # a fault of the monkey, which the program would log
            traceback.print_exc()
            os._exit(70)
        if chosen is None:
            self._window.close()
            return
        self._number += 1
        say(
            action=self._number,
            resident_mib=_resident_mib("self"),
            children_mib=sum(map(_resident_mib, _children())),
            **chosen,
        )
        self._acts.start(chosen["pause"])  # first: what is done may open a loop of its own
        try:
            getattr(self, f"_do_{chosen['kind']}")(**chosen["what"])
        except (BrokenPipeError, RuntimeError) as error:  # what was meant is gone
            say(missed=repr(error), after=self._number)

    def _next(self) -> dict[str, Any] | None:
        if self._options["replay"]:
            return next(self._replay, None)
        if self._number >= self._options["steps"]:
            return None
        chance = random.Random(f"{self._options['seed']}/{self._number}")
        [kind] = chance.choices(list(WEIGHTS), list(WEIGHTS.values()))
        what = getattr(self, f"_choose_{kind}")(chance)
        pause = chance.choice((20, 50, 50, 100, 100, 200, 500))
        return {"kind": kind, "what": what, "pause": pause}

    def _place(self, chance: random.Random) -> dict[str, int]:
        """A place on something that can be used, in pixels of the screen."""
        from PySide6.QtCore import QPoint, QRect
        from PySide6.QtWidgets import QApplication, QWidget

        screen = QApplication.primaryScreen().geometry()
        top = QApplication.activePopupWidget() or QApplication.activeWindow() or self._window
        if chance.random() < 0.1:
            top = self._window
        shown = [w for w in top.findChildren(QWidget) if w.isVisible() and w.isEnabled()]
        # Small ones as often as large ones: buttons are more than a surface.
        widget = chance.choice([top, *(w for w in shown if not w.visibleRegion().isEmpty())])
        rect = QRect(widget.mapToGlobal(QPoint(0, 0)), widget.size()).intersected(screen)
        if rect.isEmpty():
            rect = screen
        return {
            "x": rect.left() + chance.randrange(rect.width()),
            "y": rect.top() + chance.randrange(rect.height()),
        }

    def _hand(self, *commands: str) -> None:
        assert self._hands.stdin is not None
        self._hands.stdin.write("\n".join(commands) + "\n")
        self._hands.stdin.flush()

    def _choose_click(self, chance: random.Random) -> dict[str, Any]:
        button = chance.choices((1, 2, 3), (16, 1, 3))[0]
        times = chance.choices((1, 2), (8, 1))[0]
        held = chance.choices(("", "ctrl", "shift"), (18, 1, 1))[0]
        return self._place(chance) | {"button": button, "times": times, "held": held}

    def _do_click(self, x: int, y: int, button: int, times: int, held: str) -> None:
        hold = ([f"keydown {held}"], [f"keyup {held}"]) if held else ([], [])
        click = f"click --repeat {times} --delay 40 {button}"
        self._hand(f"mousemove {x} {y}", *hold[0], click, *hold[1])

    def _choose_key(self, chance: random.Random) -> dict[str, Any]:
        return {"key": chance.choice(KEYS), "times": chance.choices((1, 5), (6, 1))[0]}

    def _do_key(self, key: str, times: int) -> None:
        self._hand(*[f"key --delay 10 {key}"] * times)

    def _choose_escape(self, _chance: random.Random) -> dict[str, Any]:
        return {"key": "Escape", "times": 1}

    _do_escape = _do_key

    def _choose_type(self, chance: random.Random) -> dict[str, Any]:
        return {"text": chance.choice(TEXTS)}

    def _do_type(self, text: str) -> None:
        self._hand(f"type --delay 5 -- '{text}'")

    def _choose_wheel(self, chance: random.Random) -> dict[str, Any]:
        return self._place(chance) | {
            "button": chance.choice((4, 5)),
            "times": chance.randint(1, 9),
        }

    def _do_wheel(self, x: int, y: int, button: int, times: int) -> None:
        self._hand(f"mousemove {x} {y}", f"click --repeat {times} --delay 5 {button}")

    def _choose_drag(self, chance: random.Random) -> dict[str, Any]:
        end = self._place(chance)
        return self._place(chance) | {"to_x": end["x"], "to_y": end["y"]}

    def _do_drag(self, x: int, y: int, to_x: int, to_y: int) -> None:
        half = f"mousemove {(x + to_x) // 2} {(y + to_y) // 2}"
        self._hand(f"mousemove {x} {y}", "mousedown 1", "sleep 0.05", half, "sleep 0.05")
        self._hand(f"mousemove {to_x} {to_y}", "sleep 0.05", "mouseup 1")

    def _choose_command(self, chance: random.Random) -> dict[str, Any]:
        table = self._window.actions_table
        names = [spec.id for spec in table.shortcuts.specs if spec.id not in LEFT_OUT]
        return {"name": chance.choice([name for name in names if table[name].isEnabled()])}

    def _do_command(self, name: str) -> None:
        self._window.actions_table[name].trigger()

    def _choose_resize(self, chance: random.Random) -> dict[str, Any]:
        return {"width": chance.randint(200, 1280), "height": chance.randint(150, 800)}

    def _do_resize(self, width: int, height: int) -> None:
        self._window.showNormal()
        self._window.resize(width, height)

    def _choose_drop(self, chance: random.Random) -> dict[str, Any]:
        count = len(self._options["drops"])
        return {"which": chance.sample(range(count), chance.randint(1, min(3, count)))}

    def _do_drop(self, which: list[int]) -> None:
        from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
        from PySide6.QtGui import QDragEnterEvent, QDropEvent
        from PySide6.QtWidgets import QApplication

        mime = QMimeData()
        mime.setUrls([QUrl.fromLocalFile(self._options["drops"][at]) for at in which])
        button, held = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        copy = Qt.DropAction.CopyAction
        enter = QDragEnterEvent(QPoint(50, 50), copy, mime, button, held)
        QApplication.sendEvent(self._window, enter)
        if enter.isAccepted():
            drop = QDropEvent(QPointF(50, 50), copy, mime, button, held)
            QApplication.sendEvent(self._window, drop)


def _waited_s() -> float:
    """How long this thread could have run and did not get a processor, since it began."""
    return int(Path("/proc/thread-self/schedstat").read_text().split()[1]) / 1e9


def _children() -> list[str]:
    """Those of this process alone: the engine is one, and not what it starts."""
    found = []
    for task in Path("/proc/self/task").iterdir():
        with contextlib.suppress(OSError):  # a thread that has ended meanwhile
            found += (task / "children").read_text().split()
    return found


def _resident_mib(pid: str) -> int:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except OSError:  # it has ended meanwhile
        return 0
    return pages * os.sysconf("SC_PAGESIZE") >> 20


def _stack_of(thread: int) -> str:
    """The last calls of a thread, the last of them first.

    No frame is held, even for a moment: what is painted meanwhile ends when its painter goes.
    """
    with tempfile.TemporaryFile("w+") as file:
        faulthandler.dump_traceback(file)
        file.seek(0)
        lines = file.read().partition(f"0x{thread:016x}")[2].splitlines()[1:5]
    return "\n".join(lines)


def _actions(log: str, first: int) -> Any:
    """The actions of a log, from a number on."""
    if not log:
        return iter(())
    lines = map(json.loads, Path(log).read_text(encoding="utf-8").splitlines())
    wanted = [line for line in lines if line.get("action", 0) > first]
    return iter([{key: line[key] for key in ("kind", "what", "pause")} for line in wanted])


if __name__ == "__main__":
    sys.exit(main())
