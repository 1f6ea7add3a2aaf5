"""All processes stand still together, as while a laptop sleeps: no time has passed for them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SCRIPT = """
from pathlib import Path
from engine.data.decoding.pool import DecodePool, DecodeRequest
from tests.engine.data.decoding.hooks import misbehave

with DecodePool(1, timeout_s=4.0, _decode=misbehave) as pool:
    pool.submit(DecodeRequest(Path("pid"))).exception()
    found = pool.submit(DecodeRequest(Path("slow")))
    print("asked", flush=True)
    print(found.exception(), flush=True)
"""
#: A decoder ends itself when a picture took twice the limit and ten seconds more.
ENDS_ITSELF_S = 2 * 4.0 + 10.0


def with_children(process: int) -> list[int]:
    children = Path(f"/proc/{process}/task").glob("*/children")
    below = [int(child) for file in children for child in file.read_text().split()]
    return [process, *(found for child in below for found in with_children(child))]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc to find the processes")
@pytest.mark.parametrize("seconds", [6.0, ENDS_ITSELF_S + 2.0])
def test_a_picture_is_decoded_though_all_stood_still_for_longer_than_it_may_take(
    seconds: float,
) -> None:
    with subprocess.Popen([sys.executable, "-c", SCRIPT], stdout=subprocess.PIPE) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == b"asked\n"
        time.sleep(0.5)  # the decoder is at it
        processes = with_children(program.pid)
        assert len(processes) > 1
        for process in processes:
            os.kill(process, signal.SIGSTOP)
        time.sleep(seconds)
        for process in reversed(processes):
            os.kill(process, signal.SIGCONT)
        assert program.stdout.read() == b"slow\n"
