"""Nothing leaves the computer unless a person asks the program for something from outside."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from engine.library.connections import connect_reading
from tests.e2e.desktop import ending
from tests.e2e.network import asked_of_the_internet, watched
from tests.e2e.waiting import wait_until
from tests.paths import ROOT
from tests.programs import needs_program

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="watches system calls as Linux has them"),
    needs_program("strace"),
    pytest.mark.timeout(600),
]
_CAT = ROOT / "resources" / "samples" / "cat.jpg"
_ASKS = "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(('127.0.0.1', 9))"


def test_whoever_asks_the_network_is_noticed(tmp_path: Path) -> None:
    subprocess.run(watched([sys.executable, "-c", _ASKS], tmp_path / "calls"), check=True)
    assert len(asked_of_the_internet(tmp_path / "calls")) == 2


def test_tagging_asks_the_network_for_nothing_and_leaves_nothing_at_home(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    # Libraries that report their use keep quiet where a variable says that this is a test.
    environment = {"PATH": os.environ["PATH"], "HOME": str(home)}
    command = watched([sys.executable, "main.py", "tag", str(_CAT)], tmp_path / "calls")
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=environment,
        capture_output=True,
        check=True,
    )
    assert "cat" in [label["category"] for label in json.loads(done.stdout)["labels"]]
    assert asked_of_the_internet(tmp_path / "calls") == []
    assert [path.name for path in home.rglob("*")] == []


@pytest.mark.slow
def test_the_window_asks_the_network_for_nothing_and_keeps_what_it_knows_private(
    tmp_path: Path,
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    library = home / ".local" / "share" / "csra-gui" / "library.db"
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "QT_QPA_PLATFORM": "offscreen"}
    command = [sys.executable, "main.py", str(_CAT.parent)]
    watcher = watched(command, tmp_path / "calls")
    with ending(subprocess.Popen(watcher, cwd=ROOT, env=environment)) as strace:
        try:
            wait_until(lambda: tagged(library) >= 9, "the photos are tagged")
        finally:  # strace, if it were ended, would leave the window alone
            children = Path(f"/proc/{strace.pid}/task/{strace.pid}/children").read_text()
            os.kill(int(children.split()[0]), signal.SIGTERM)
            assert strace.wait(60) == 0
    assert asked_of_the_internet(tmp_path / "calls") == []
    ours = [folder for folder in home.rglob("*") if folder.name in {"csra-gui", "log"}]
    assert len(ours) >= 4
    for place in ours:
        if place.name == "log" or place.parent.name != "state":  # only what has the log in it
            assert stat.S_IMODE(place.stat().st_mode) == 0o700, place
    for file in (library, home / ".config" / "csra-gui" / "settings.ini"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def tagged(library: Path) -> int:
    """How many photos have scores; none as long as there is no library."""
    try:
        with contextlib.closing(connect_reading(library)) as connection:
            return int(connection.execute("SELECT count(*) FROM scores").fetchone()[0])
    except sqlite3.OperationalError:
        return 0
