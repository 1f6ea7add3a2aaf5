"""A kill at each system call of a piece of work on a library: old or new, never between."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.paths import ROOT
from tests.programs import needs_program


def kill_each(folder: Path, work: str, every: int) -> dict[str, int]:
    command = [sys.executable, "-m", "tests.engine.library.killed_at_calls", str(folder), work]
    done = subprocess.run([*command, str(every)], cwd=ROOT, capture_output=True, check=True)
    found: dict[str, int] = json.loads(done.stdout)
    return found


@needs_program("strace")
def test_an_edit_that_is_killed_is_whole_or_not_there(tmp_path: Path) -> None:
    found = kill_each(tmp_path, "edit", every=10)
    assert found["killed"] >= 3
    assert "between" not in found, found


@pytest.mark.slow
@pytest.mark.timeout(3600)
@needs_program("strace")
@pytest.mark.parametrize(
    "work", ["edit", "close", "migrate", "first", "restore", "rebuild", "anew"]
)
def test_work_that_is_killed_at_a_system_call_is_done_or_not_or_says_so(
    tmp_path: Path, work: str
) -> None:
    found = kill_each(tmp_path, work, every=1)
    assert found["killed"] > 10
    assert "between" not in found, found
