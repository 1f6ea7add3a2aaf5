"""The program as a process: started, photographed by nobody, ended by a signal."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.paths import ROOT

_PROGRAM = """
import sys, threading
from pathlib import Path
from PySide6.QtCore import QTimer
import csra_gui.app as app
from tests.fakes import FakeEngine

def watched(self, folders, start=app.Application.start, **options):
    def look():
        session = self.session
        seen = self.window.browse.grid.thumbnails.image(Path(folders[0]) / "good.png") is not None
        if len(session.photos) and not session.photos.untagged_rows() and seen:
            print("ready", len(session.photos), flush=True)
            timer.stop()
    start(self, folders, **options)
    timer = QTimer(self, interval=20)
    timer.timeout.connect(look)
    timer.start()

if __name__ == "__main__":
    app.Application.start = watched
    status = app.run(FakeEngine, [Path(sys.argv[1])])
    left = [t.name for t in threading.enumerate() if t is not threading.main_thread()]
    print("left", left, flush=True)
    sys.exit(status)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent as on Unix")
@pytest.mark.parametrize(
    "number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)]
)
def test_a_signal_closes_the_window_and_leaves_nothing_behind(
    tmp_path: Path, own_profile: Path, number: signal.Signals
) -> None:
    from PIL import Image

    folder = tmp_path / "photos"
    folder.mkdir()
    Image.new("RGB", (40, 30), "red").save(folder / "good.png")
    (folder / "broken.png").write_bytes(b"\x89PNG broken")
    program = tmp_path / "program.py"
    program.write_text(_PROGRAM)
    process = subprocess.Popen(
        [sys.executable, str(program), str(folder)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready 2\n"
    process.send_signal(number)
    output, errors = process.communicate(timeout=30)
    assert (process.returncode, output) == (0, "left []\n"), errors
    assert "Traceback" not in errors
    log = own_profile / "csra-gui" / "csra-gui.log"
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
