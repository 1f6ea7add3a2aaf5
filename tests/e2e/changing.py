"""Photos that somebody else changes all the time."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from engine.atomic import TEMPORARY_PREFIX

_PAUSE_S = 0.005


class Changing:
    """Files that are themselves, others, halves, empty or not there, each for milliseconds.

    Each change is one step for whoever looks (a file takes the place of another), as programs
    that write with care do it; in the end all are what they were, with their times of change.
    """

    def __init__(self, files: Sequence[Path], other: bytes, seed: int) -> None:
        self._files, self._other = files, other
        self._were = {file: (file.read_bytes(), file.stat().st_mtime_ns) for file in files}
        self._chance = random.Random(seed)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._go_on, name="somebody else")
        self.count = 0

    def __enter__(self) -> Changing:
        self._thread.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()
        for file, (data, at_ns) in self._were.items():
            self._put(file, data)
            os.utime(file, ns=(at_ns, at_ns))

    def _go_on(self) -> None:
        while not self._ended.wait(_PAUSE_S):
            self.count += 1
            file = self._chance.choice(self._files)
            data = self._were[file][0]
            now = self._chance.choice((data, self._other, data[: len(data) // 2], b"", None))
            if now is None:
                file.unlink(missing_ok=True)
            else:
                self._put(file, now)

    @staticmethod
    def _put(file: Path, data: bytes) -> None:
        # No name of a photo, nor one of ours, which would be swept.
        beside = file.with_name(f"{file.name}.theirs")
        assert not beside.name.startswith(TEMPORARY_PREFIX)
        beside.write_bytes(data)
        beside.replace(file)
