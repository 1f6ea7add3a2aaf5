"""One window for a library: who has it, and the address at which it is called.

A lock of the system decides, so two programs that start at once cannot both be the first, and one
that was killed leaves nothing that has to be cleared away.
"""

from __future__ import annotations

import hashlib
import itertools
import logging
import os
import stat
import sys
import tempfile
from pathlib import Path

from engine.library.errors import LibraryError, LibraryLockedError
from engine.library.lock import LibraryLock

_log = logging.getLogger(__name__)
#: Of the address of a socket; systems know 104 bytes and more.
_LONGEST_ADDRESS = 100


class Instance:
    """The place of the one window on a library.

    Args:
        library: the file of the library; it need not be there.

    Attributes:
        library: the same.
        address: for ``QLocalServer``; empty if this machine has no private place for it.
    """

    def __init__(self, library: Path) -> None:
        self.library = library
        key = hashlib.blake2b(os.fsencode(os.path.realpath(library)), digest_size=8).hexdigest()
        folder = _private_folder(key)
        self._place = None if folder is None else folder / key
        self.address = "" if folder is None else str(folder / key)
        if sys.platform == "win32":  # a pipe's name, which is no path
            self.address = f"csra-gui-{key}"
        self._lock: LibraryLock | None = None

    def claim(self) -> bool:
        """Take the place; ``False`` if another program has it.

        Where places cannot be kept at all, everyone has one.
        """
        if self._place is None or self._lock is not None:
            return True
        try:
            self._lock = LibraryLock(self._place)
        except LibraryLockedError:
            return False
        except LibraryError as error:
            _log.info("Other windows cannot be known of: %s", error)
        return True

    def release(self) -> None:
        """Give the place to whoever asks next."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def is_alone(self) -> bool:
        """Whether the person has no other window open, on whatever library."""
        if self._place is None:
            return True
        own = self._place.with_name(f"{self._place.name}.lock")
        return all(_is_free(lock) for lock in self._place.parent.glob("*.lock") if lock != own)


def claim_beside(library: Path) -> Instance:
    """The place of the first numbered library beside this one that no window is open on."""
    for number in itertools.count(2):
        instance = Instance(library.with_name(f"{library.stem}-{number}{library.suffix}"))
        if instance.claim():
            return instance
    raise AssertionError  # numbers do not end


def _is_free(lock: Path) -> bool:
    try:
        LibraryLock(lock.with_suffix("")).release()
    except LibraryError as error:
        return not isinstance(error, LibraryLockedError)
    return True


def _private_folder(key: str) -> Path | None:
    """A folder that nobody else can enter, so that nobody else can call or answer."""
    user = "" if sys.platform == "win32" else f"-{os.getuid()}"
    given = os.environ.get("XDG_RUNTIME_DIR")
    folders = [Path(tempfile.gettempdir()) / f"csra-gui{user}"]
    if given:
        folders.insert(0, Path(given) / "csra-gui")
    for folder in folders:
        if len(os.fsencode(folder / key)) <= _LONGEST_ADDRESS and _is_private(folder):
            return folder
    _log.info("Other windows cannot be known of: no private folder in %s", folders)
    return None


def _is_private(folder: Path) -> bool:
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        status = folder.lstat()
    except OSError:
        return False
    if sys.platform == "win32":
        return True
    is_own = stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid()
    return is_own and not stat.S_IMODE(status.st_mode) & 0o077
