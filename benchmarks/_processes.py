"""What the processes of a running program hold, by kind (Linux)."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

_MB = 2**20


def look(pid: int) -> dict[str, dict[str, float]]:
    """The processes of the program by kind: the window, the engine, the decoders, the starters.

    Returns: of each kind the number, resident memory and that with shared pages counted once (MB),
        threads, open files and seconds of a processor, all together.
    """
    found: dict[str, dict[str, float]] = {}
    for one, kind in _processes(pid):
        with contextlib.suppress(OSError, ValueError, StopIteration):
            text = Path(f"/proc/{one}/smaps_rollup").read_text(encoding="ascii").splitlines()
            values = {
                "processes": 1,
                "rss_mb": _of(text, "Rss:"),
                "pss_mb": _of(text, "Pss:"),
                "threads": _count(f"/proc/{one}/task"),
                "files": _count(f"/proc/{one}/fd"),
                "processor_s": _processor_s(one),
            }
            sums = found.setdefault(kind, dict.fromkeys(values, 0.0))
            for name, value in values.items():
                sums[name] = round(sums[name] + value, 1)
    return found


def processes_below(pid: int) -> list[int]:
    """A process's children and theirs; none off Linux."""
    found: list[int] = []
    for file in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in file.read_text(encoding="ascii").split():
                found += [int(child), *processes_below(int(child))]
    return found


def _count(folder: str) -> int:
    return sum(1 for _ in Path(folder).iterdir())


def _of(text: list[str], name: str) -> float:
    return int(next(line for line in text if line.startswith(name)).split()[1]) * 1024 / _MB


def _processor_s(pid: int) -> float:
    """Of this process and of those below it that have ended."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return sum(int(ticks) for ticks in fields[11:15]) / os.sysconf("SC_CLK_TCK")


def _processes(pid: int) -> Iterator[tuple[int, str]]:
    """The window, its engine, and all below: decoders, and whatever else there is."""
    yield pid, "window"
    for one in processes_below(pid):
        with contextlib.suppress(OSError):
            words = Path(f"/proc/{one}/cmdline").read_bytes()
            yield one, _kind(words)


def _kind(command: bytes) -> str:
    if b"decoding" in command:
        return "decoders"
    return "starters" if b"resource_tracker" in command else "engine"
