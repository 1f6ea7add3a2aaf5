"""One program learns in the folder of a training: a lock of the system, which no crash leaves."""

from __future__ import annotations

import contextlib
import errno
import os
import time
from collections.abc import Generator
from pathlib import Path

from engine.api.errors import DataError
from engine.atomic import lock
from engine.texts import display_name

FILE_NAME = "training.lock"
_TAKEN = {errno.EWOULDBLOCK, errno.EACCES, errno.EDEADLK}
#: Whoever only looks has the lock for a moment.
_TRIES, _PAUSE_S = 5, 0.05


class TrainingGoesOnError(DataError):
    """The training is being run by another program."""


@contextlib.contextmanager
def running(folder: Path) -> Generator[None, None, None]:
    """Be the one that learns in a folder, which is made if it is missing.

    Where the disk knows no locks, nobody is kept out.

    Raises:
        TrainingGoesOnError: another one is.
        OSError: the folder cannot be made or written to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / FILE_NAME
    descriptor = _opened(file)
    try:
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())  # for whoever wonders
        yield
    finally:
        if os.name != "nt":
            file.unlink(missing_ok=True)  # while it is ours, or it might be another one's
        os.close(descriptor)


def _opened(file: Path) -> int:
    """The file, locked."""
    while True:
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
        if not _is_ours(descriptor):
            os.close(descriptor)
            raise TrainingGoesOnError(goes_on_text(file.parent.name))
        with contextlib.suppress(FileNotFoundError):  # whoever had it may have deleted it meanwhile
            if os.path.samestat(os.fstat(descriptor), file.stat()):
                return descriptor
        os.close(descriptor)


def is_running(folder: Path) -> bool:
    """Whether any program learns in a folder now, this one too."""
    try:
        descriptor = os.open(folder / FILE_NAME, os.O_RDWR)
    except OSError:
        return False
    try:
        return not _is_ours(descriptor)
    finally:
        os.close(descriptor)


def goes_on_text(name: str) -> str:
    """Says so, and what to do."""
    return (
        f"The training {display_name(Path(name))} goes on in another window or command. "
        "Pause or stop it there first."
    )


def _is_ours(descriptor: int) -> bool:
    for attempt in range(_TRIES):
        try:
            lock(descriptor)
        except OSError as error:
            if error.errno not in _TAKEN:
                return True
            if attempt + 1 < _TRIES:
                time.sleep(_PAUSE_S)
        else:
            return True
    return False
