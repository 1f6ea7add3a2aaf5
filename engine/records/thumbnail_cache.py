"""Thumbnails on the disk: small WebP files with a limit on all of them together.

Every method may block and belongs in a worker. The window keeps what it decodes, and the engine
what it decodes for a model along the way.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import secrets
import stat
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from engine.api.values import PixelArray
from engine.atomic import TEMPORARY_PREFIX
from engine.data.decoding.turning import orientation_beside

_log = logging.getLogger(__name__)

_SUFFIX = ".webp"
_QUALITY = 80
#: How hard the encoder tries, 0 to 6: small gains in size cost much time.
_EFFORT = 2
#: When the limit is reached, as much is removed as brings the rest down to this share of it.
_SHARE_KEPT = 0.9
#: Times of use are written this coarsely (s): reading must not write at every look.
_TOUCH_AFTER_S = 3600.0
#: A temporary file this old (s) belongs to nobody who is still writing it.
_LEFT_OVER_AFTER_S = 3600.0
_SHARD_DIGITS = 2


@dataclass(frozen=True, slots=True)
class ThumbnailKey:
    """One state of a photo's file, at one size; another state has another thumbnail.

    Attributes:
        path: absolute.
        size: of the file, in bytes.
        mtime_ns: when the file was changed, in ns since 1970.
        side: of the square that the thumbnail fits, in pixels.
        turn: how a sidecar says that the photo is turned, 1 to 8; 0 if none does.
    """

    path: Path
    size: int
    mtime_ns: int
    side: int
    turn: int = 0

    @classmethod
    def of(cls, path: Path, side: int) -> ThumbnailKey:
        """The key of a file as it is now.

        Raises:
            OSError: there is no such file.
        """
        status = path.stat()
        whole = Path(os.path.abspath(path))  # noqa: PTH100 - keeps links
        turn = orientation_beside(whole) or 0
        return cls(whole, status.st_size, status.st_mtime_ns, side, turn)

    @property
    def digest(self) -> str:
        """A name for it: 40 hexadecimal digits."""
        turn = f"{self.turn}/" if self.turn else ""
        facts = f"{self.size}/{self.mtime_ns}/{self.side}/{turn}".encode()
        facts += os.fsencode(self.path)
        return hashlib.blake2b(facts, digest_size=20).hexdigest()


@dataclass(slots=True)
class _Entry:
    """A file of the cache: when it was used last, in s since 1970, and its size in bytes."""

    used: float
    size: int


class ThumbnailCache:
    """A folder of thumbnails, in 256 subfolders; those used longest ago go when it is full.

    What cannot be read or written is as if it were not there: a cache may cost time, never a photo.
    Several programs may share the folder. Safe from any thread.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        """Touch nothing yet.

        Args:
            folder: is made when the first thumbnail is stored.
            limit: of all files together, in bytes; 0 stores nothing.
        """
        self._folder = folder
        self._limit = limit
        self._lock = threading.Lock()
        # Known only once something is stored or counted; listing costs a second for 500 MB.
        self._entries: dict[str, _Entry] | None = None
        self._total = 0

    @property
    def limit(self) -> int:
        """The most bytes that all files may have together."""
        return self._limit

    def set_limit(self, limit: int) -> None:
        """Change the limit; what is over it goes now."""
        with self._lock:
            self._limit = limit
            self._shrink(self._listed(), limit)

    def find(self, key: ThumbnailKey) -> Path | None:
        """The file that holds a thumbnail, if it is there; nobody has looked into it."""
        file = self._file(key.digest)
        try:
            status = file.lstat()
        except OSError:
            return None
        if not stat.S_ISREG(status.st_mode):
            return None
        self._note_use(key.digest, file, status.st_mtime)
        return file

    def store(self, key: ThumbnailKey, pixels: PixelArray) -> None:
        """Keep a thumbnail, (h, w, 3) uint8."""
        if not self._limit:
            return
        file = self._file(key.digest)
        try:
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            size = _write(file, pixels)
            used = file.stat().st_mtime
        except (OSError, ValueError) as error:  # a full disk, a read-only home
            _log.debug("A thumbnail could not be stored: %s", error)
            return
        with self._lock:
            entries = self._listed()
            self._forget(key.digest)
            entries[key.digest] = _Entry(used, size)
            self._total += size
            if self._total > self._limit:
                self._shrink(entries, round(self._limit * _SHARE_KEPT))

    def drop(self, key: ThumbnailKey) -> None:
        """Remove a thumbnail that turned out to be damaged."""
        with self._lock:
            self._remove(key.digest)

    def clear(self) -> int:
        """Remove all thumbnails; how many bytes that freed."""
        with self._lock:
            self._entries = None
            entries = self._listed()
            freed = self._total
            for digest in list(entries):
                self._remove(digest)
            return freed - self._total

    def has_room(self) -> bool:
        """Whether more can be stored long before anything has to go for it."""
        return self.total() < round(self._limit * _SHARE_KEPT)

    def total(self) -> int:
        """The bytes of all thumbnails."""
        with self._lock:
            self._listed()
            return self._total

    # With the lock held.

    def _listed(self) -> dict[str, _Entry]:
        if self._entries is None:
            self._entries = dict(_list(self._folder))
            self._total = sum(entry.size for entry in self._entries.values())
        return self._entries

    def _shrink(self, entries: dict[str, _Entry], target: int) -> None:
        """Remove those used longest ago until the rest is no larger than the target."""
        if self._total <= target:
            return
        for digest in sorted(entries, key=lambda name: entries[name].used):
            self._remove(digest)
            if self._total <= target:
                return

    def _remove(self, digest: str) -> None:
        try:
            self._file(digest).unlink(missing_ok=True)
        except OSError as error:
            _log.debug("A thumbnail could not be removed: %s", error)
            return
        self._forget(digest)

    def _forget(self, digest: str) -> None:
        entry = None if self._entries is None else self._entries.pop(digest, None)
        if entry is not None:
            self._total -= entry.size

    # Without it.

    def _file(self, digest: str) -> Path:
        return self._folder / digest[:_SHARD_DIGITS] / f"{digest[_SHARD_DIGITS:]}{_SUFFIX}"

    def _note_use(self, digest: str, file: Path, noted: float) -> None:
        now = time.time()
        with self._lock:
            entry = None if self._entries is None else self._entries.get(digest)
            if entry is not None:
                entry.used = now
        if abs(now - noted) > _TOUCH_AFTER_S:
            with contextlib.suppress(OSError):
                os.utime(file)


def _write(file: Path, pixels: PixelArray) -> int:
    """Write a thumbnail whole or not at all; its size in bytes.

    Unlike ``engine.atomic`` this does not wait for the disk: what a power cut damages is noticed
    when it is read, and made again.
    """
    temporary = file.with_name(f"{TEMPORARY_PREFIX}{secrets.token_hex(8)}")
    try:
        with temporary.open("xb") as stream:
            Image.fromarray(pixels).save(stream, "WEBP", quality=_QUALITY, method=_EFFORT)
            size = stream.tell()
        temporary.replace(file)
    finally:
        temporary.unlink(missing_ok=True)
    return size


def _list(folder: Path) -> Iterator[tuple[str, _Entry]]:
    """What is in the cache; remains of a program that was killed are removed."""
    for shard in _scanned(folder):
        if len(shard.name) != _SHARD_DIGITS or not shard.is_dir(follow_symlinks=False):
            continue
        for file in _scanned(shard.path):
            with contextlib.suppress(OSError):
                status = file.stat(follow_symlinks=False)
                if file.name.endswith(_SUFFIX) and stat.S_ISREG(status.st_mode):
                    digest = shard.name + file.name.removesuffix(_SUFFIX)
                    yield digest, _Entry(status.st_mtime, status.st_size)
                elif _is_left_over(file.name, status.st_mtime):
                    Path(file.path).unlink()


def _scanned(folder: str | Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []


def _is_left_over(name: str, changed: float) -> bool:
    return name.startswith(TEMPORARY_PREFIX) and time.time() - changed > _LEFT_OVER_AFTER_S
