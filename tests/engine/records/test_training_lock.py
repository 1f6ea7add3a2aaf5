from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine.records.training_lock import FILE_NAME, TrainingGoesOnError, is_running, running
from tests.paths import ROOT

HOLDS = """
import sys
from pathlib import Path
from engine.records.training_lock import running
with running(Path(sys.argv[1])):
    sys.stdout.write("has it\\n")
    sys.stdout.flush()
    sys.stdin.read()
"""


def test_one_program_learns_in_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "2026-01-01 mine"
    assert not is_running(folder)
    with running(folder):
        assert is_running(folder)
        assert (folder / FILE_NAME).read_text() == f"{os.getpid()}\n"
        refused = pytest.raises(TrainingGoesOnError, match="mine goes on in another window")
        with refused, running(folder):
            raise AssertionError
    assert not is_running(folder)
    assert os.name == "nt" or not [*folder.iterdir()]
    with running(folder):
        assert is_running(folder)


def test_a_program_that_was_killed_leaves_the_folder_free(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLDS, str(tmp_path)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as other:
        assert other.stdout is not None and other.stdout.readline() == "has it\n"
        assert is_running(tmp_path)
        other.kill()
        other.wait()
        assert not is_running(tmp_path)
