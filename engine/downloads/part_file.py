"""A file that is still being downloaded, and what is needed to go on with it another day."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import IO

from engine.api.errors import ModelError
from engine.atomic import lock, replace_durably, write_text
from engine.records.folders import DAMAGE

#: Headers that change when a file on a server does.
VALIDATORS = ("ETag", "Last-Modified", "X-Goog-Hash")


class PartFile:
    """``NAME.part`` and, beside it, ``NAME.part.json``: address, size and version on the server.

    Args:
        target: the name that the file gets when it is whole and checked.
        url: what is there from another address is not gone on with.

    Attributes:
        path: of the part.
        total: size in bytes that the server announced; ``None`` if it did not.
        validators: headers that tell this version of the server's file from others.
    """

    def __init__(self, target: Path, url: str) -> None:
        self.path = target.with_name(target.name + ".part")
        self.total: int | None = None
        self.validators: Mapping[str, str] = {}
        self._target = target
        self._state = target.with_name(target.name + ".part.json")
        self._url = url
        self._file: IO[bytes] | None = None
        self._load()

    @property
    def size(self) -> int:
        """Bytes that are here."""
        return self.path.stat().st_size if self.path.exists() else 0

    @property
    def is_whole(self) -> bool:
        """Whether as many bytes are here as the server announced."""
        return self.total is not None and self.size == self.total

    def start(self, total: int | None, validators: Mapping[str, str]) -> None:
        """Begin anew with what the server says of its file."""
        self.discard()
        self.total, self.validators = total, dict(validators)
        state = {"url": self._url, "total": total, "validators": dict(validators)}
        write_text(self._state, json.dumps(state))

    def write(self, data: bytes) -> None:
        """Append.

        Raises:
            OSError: the disk is full or gone; what was written before stays.
        """
        if self._file is None:
            self._file = self.path.open("ab", buffering=0)
        rest = memoryview(data)
        while rest:
            rest = rest[self._file.write(rest) :]

    def close(self) -> None:
        """Keep what is here for another time; nothing is kept of nothing."""
        if self._file is not None:
            with contextlib.suppress(OSError):  # a full disk, which the writer has reported
                os.fsync(self._file.fileno())
            self._file.close()
            self._file = None
        if self.size == 0:
            self.discard()

    def discard(self) -> None:
        """Delete what is here."""
        if self._file is not None:
            self._file.close()
            self._file = None
        self.path.unlink(missing_ok=True)
        self._state.unlink(missing_ok=True)
        self.total, self.validators = None, {}

    def finish(self) -> None:
        """Give the whole and checked file its name."""
        self.close()
        replace_durably(self.path, self._target)
        self._state.unlink(missing_ok=True)

    def _load(self) -> None:
        try:
            state = json.loads(self._state.read_text(encoding="utf-8"))
            total, validators = state["total"], state["validators"]
            usable = (
                state["url"] == self._url
                and (total is None or isinstance(total, int))
                and all(isinstance(validators.get(name, ""), str) for name in VALIDATORS)
            )
        except (OSError, *DAMAGE):
            usable = False
        if not usable or (total is not None and self.size > total):
            self.discard()
            return
        self.total = total
        self.validators = {name: validators[name] for name in VALIDATORS if validators.get(name)}


@contextlib.contextmanager
def sole_owner(target: Path) -> Generator[None, None, None]:
    """Keep other processes from downloading the same file at the same time.

    Raises:
        ModelError: one does already.
    """
    path = target.with_name(target.name + ".lock")
    with path.open("wb") as file:
        try:
            lock(file.fileno())
        except OSError as error:
            raise ModelError(f"{target.stem!r} is being downloaded already.") from error
        try:
            yield
        finally:
            with contextlib.suppress(OSError):  # Windows keeps a file that is open
                path.unlink()
