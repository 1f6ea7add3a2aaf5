"""What becomes of a Qt program in which Python takes windows apart in any thread.

    python benchmarks/garbage_threads.py [--seconds 40]

Two threads make lists while windows with buttons and timers are made and closed. First Python looks
for garbage in whichever thread it likes, as it does by itself; then in the window's thread alone,
as this program has it (``csra_gui/base/garbage.py``). Said is how each process ended and after how
long; the first is expected to end by a signal or to hang.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_HANG_S = 30

_PROGRAM = """
import gc, os, sys, threading, time
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QPushButton, QVBoxLayout, QWidget

seconds, is_ours = float(sys.argv[1]), sys.argv[2] == "ours"
application = QApplication([])


class Window(QWidget):
    def __init__(self):
        super().__init__()
        self.itself = self  # nothing but a look for garbage takes it apart
        layout = QVBoxLayout(self)
        for number in range(10):
            button = QPushButton(str(number))
            button.clicked.connect(self.nothing)
            layout.addWidget(button)
        self.timer = QTimer(self, interval=1)
        self.timer.timeout.connect(self.nothing)
        self.timer.start()

    def nothing(self):
        pass

    def event(self, event):
        return super().event(event)


def make_lists():
    while True:
        [[number] for number in range(2000)]


if is_ours:
    from csra_gui.base.garbage import GarbageCollector
    collector = GarbageCollector(application)
for _ in range(2):
    threading.Thread(target=make_lists, daemon=True).start()
end = time.monotonic() + seconds
while time.monotonic() < end:
    window = Window()
    window.show()
    application.processEvents()
    window.hide()
    del window
os._exit(0)
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=40)
    options = parser.parse_args()
    environment = os.environ | {"QT_QPA_PLATFORM": "offscreen", "PYTHONPATH": str(ROOT)}
    codes = {}
    for where in ("anywhere", "ours"):
        command = [sys.executable, "-c", _PROGRAM, str(options.seconds), where]
        began = time.monotonic()
        try:
            done = subprocess.run(
                command,
                env=environment,
                stderr=subprocess.DEVNULL,
                timeout=options.seconds + _HANG_S,
                check=False,
            )
            codes[where] = done.returncode
            how = f"ended with {done.returncode}"
        except subprocess.TimeoutExpired:
            codes[where] = -1
            how = "hung"
        name = "in any thread" if where == "anywhere" else "in the window's thread alone"
        print(f"{name}: {how} after {time.monotonic() - began:.0f} s", flush=True)
    return codes["ours"]


if __name__ == "__main__":
    sys.exit(main())
