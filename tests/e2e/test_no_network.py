"""Nothing leaves the computer unless a person asks the program for something from outside."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.network import asked_of_the_internet, watched
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
