"""A Ray cluster of two nodes on this machine, whose processes can be killed one by one."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.paths import ROOT

_STORE_BYTES = 80 << 20
_START_S = 150.0
_STARTS = 4
RAY = Path(sys.executable).with_name("ray")


class Nodes:
    """A head and a second node of one core each.

    Args:
        home: a folder of its own for everything that Ray and the program keep.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        # Sockets have short names only.
        self._ray = Path(tempfile.mkdtemp(prefix="ray-", dir="/tmp"))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        self.second: subprocess.Popen[bytes] | None = None
        self.head = self._start("--head", f"--port={self.port}")

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "HOME": str(self._home),
            "CSRA_GUI_DATA": str(self._home / "data"),
            "PYTHONPATH": str(ROOT),
            "RAY_AUTH_MODE": "disabled",
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_agent_register_timeout_ms": "120000",
        }

    def start_second(self) -> None:
        """Start the second node, in place of one that was killed."""
        _end(self.second)
        self.second = self._start(f"--address={self.address}")

    def raylet_of(self, node: subprocess.Popen[bytes]) -> int:
        return next(pid for pid in children(node.pid) if "raylet/raylet" in command_of(pid))

    def workers(self, node: subprocess.Popen[bytes] | None = None) -> list[int]:
        """The actors of all nodes, or of one."""
        found = []
        for one in (self.head, self.second) if node is None else (node,):
            with contextlib.suppress(StopIteration):
                for pid in children(self.raylet_of(one)) if one else ():
                    found += [pid] if "MapWorker" in command_of(pid) else []
        return found

    def command(self, *arguments: object) -> subprocess.Popen[str]:
        """Start the program with this cluster."""
        return subprocess.Popen(
            [sys.executable, "main.py", *map(str, arguments), "--ray", self.address],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def close(self) -> None:
        _end(self.second)
        _end(self.head)
        shutil.rmtree(self._ray, ignore_errors=True)

    def _start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start a node; again if Ray gives up after its thirty seconds, as on a busy machine."""
        command = [
            *(str(RAY), "start", *arguments, "--block", "--num-cpus=1", "--no-monitor"),
            *("--node-ip-address=127.0.0.1", "--include-log-monitor=false"),
            *("--min-worker-port=0", "--max-worker-port=0"),
            f"--object-store-memory={_STORE_BYTES}",
        ]
        if "--head" in arguments:
            command += ["--include-dashboard=false", "--disable-usage-stats"]
            command += [f"--temp-dir={self._ray}"]
        for _ in range(_STARTS):
            log = self._home / f"ray-{len(list(self._home.glob('ray-*')))}.log"
            with log.open("wb") as output:
                node = subprocess.Popen(
                    command, env=self.environment, stdout=output, stderr=subprocess.STDOUT
                )
            wait_for(lambda: _is_settled(node, log), _START_S, log.read_text)  # noqa: B023
            if node.poll() is None:
                return node
        raise AssertionError(log.read_text())


def _end(node: subprocess.Popen[bytes] | None) -> None:
    if node is not None:
        for pid in descendants(node.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        node.kill()
        node.wait()


def _is_settled(node: subprocess.Popen[bytes], log: Path) -> bool:
    return node.poll() is not None or b"Ray runtime started" in log.read_bytes()


def wait_for(
    is_so: Callable[[], object], limit_s: float = 120.0, what: Callable[[], str] = str
) -> None:
    """Look again until something is so."""
    until = time.monotonic() + limit_s
    while not is_so():
        assert time.monotonic() < until, what()
        time.sleep(0.05)


def command_of(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text(errors="replace")
    return ""


def children(pid: int) -> list[int]:
    """The processes that one started."""
    found = []
    for place in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(place.read_text().rpartition(")")[2].split()[1]) == pid:
                found.append(int(place.parent.name))
    return found


def descendants(pid: int) -> Iterator[int]:
    for child in children(pid):
        yield from descendants(child)
        yield child
