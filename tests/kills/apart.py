"""Runs ``python -m tests.kills``, whose forks must not be those of a process with threads."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.paths import ROOT


def done_apart(place: Path, kind: str, *options: str, within_s: float) -> str:
    """What it says; if it hangs it is ended, with all that it started, and the test fails."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.kills", str(place), kind, *options],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            said, complaints = process.communicate(timeout=within_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            pytest.fail(f"It hangs. {process.communicate()[1]}")
    assert process.returncode == 0, complaints
    return said
