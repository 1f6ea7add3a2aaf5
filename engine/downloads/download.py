"""Downloading model files: resumed, checked, cancelled at once, and never half a file in use."""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Generator
from pathlib import Path

from engine.api.errors import FileChangedError, ModelError
from engine.downloads.known_hashes import FILE_NAME, KnownHashes
from engine.downloads.part_file import PartFile, sole_owner
from engine.downloads.transfer import DownloadProgress, DownloadSettings, Transfer
from engine.records.download_source import DownloadSource
from engine.records.models import make_folder

__all__ = ["DownloadProgress", "DownloadSettings", "DownloadSource", "download"]

_HASH_CHUNK = 4 * 2**20
_DISK_FULL = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}


def download(
    source: DownloadSource, folder: Path, settings: DownloadSettings | None = None
) -> Generator[DownloadProgress, None, Path]:
    """Get a file, or go on getting it.

    Yields at least every 0.2 s, so closing the generator cancels at once, even while a server
    says nothing; what has arrived is kept as ``NAME.part`` and gone on with next time. The file
    gets its name only when all of it is here and its SHA-256 is right.

    Args:
        source: where from.
        folder: made if missing.
        settings: ``None`` is the default.

    Yields:
        Progress.

    Returns:
        The file.

    Raises:
        ModelError: it cannot be had; the message says why and what stays.
    """
    settings = settings or DownloadSettings()
    make_folder(folder)
    target = folder / source.file_name
    check = _Check(source, KnownHashes(folder / FILE_NAME), accept_change=settings.accept_change)
    try:
        with sole_owner(target):
            note = yield from _check_old(target, check)
            if not target.exists():
                note = yield from _get(source, target, check, settings)
    except OSError as error:
        raise _disk_error(error) from error
    size = target.stat().st_size
    yield DownloadProgress("checking", size, size, note)
    return target


def _check_old(target: Path, check: _Check) -> Generator[DownloadProgress, None, str]:
    """Delete a file that is here already but not the right one."""
    if not target.is_file():
        return ""
    found = yield from _sha256(target)
    if check.complaint(found) is None:
        return check.accept(found)
    target.unlink()
    yield DownloadProgress(
        "connecting", 0, None, "The file that was here is damaged; it is downloaded again."
    )
    return ""


def _get(
    source: DownloadSource, target: Path, check: _Check, settings: DownloadSettings
) -> Generator[DownloadProgress, None, str]:
    part = PartFile(target, source.url)
    try:
        yield from Transfer(source, part, settings).run()
        found = yield from _sha256(part.path)
        complaint = check.complaint(found)
        if complaint is not None:
            part.discard()
            raise check.error(found)(f"{complaint} It was deleted.")
        note = check.accept(found)
        part.finish()
    finally:
        part.close()
    return note


class _Check:
    """Whether a file is the right one."""

    def __init__(self, source: DownloadSource, known: KnownHashes, *, accept_change: bool) -> None:
        self._source = source
        self._known = known
        self._recorded = known.get(source.url)
        self._accept_change = accept_change

    def complaint(self, found: str) -> str | None:
        """What is wrong with a file of this SHA-256; ``None`` if nothing is."""
        source = self._source
        if source.sha256 is not None and not found.startswith(source.sha256):
            return (
                f"The file from {source.host} is not the one that was published: its SHA-256 "
                f"starts with {found[: len(source.sha256)][:16]} and should start with "
                f"{source.sha256[:16]}."
            )
        if self._recorded not in (None, found) and not self._accept_change:
            return (
                f"The file from {source.host} is not the one that was downloaded before: its "
                "SHA-256 has changed. If a new version was published, allow it with "
                "--accept-change."
            )
        return None

    def error(self, found: str) -> type[ModelError]:
        """What to raise for a file that there is a complaint about."""
        published = self._source.sha256
        is_wrong = published is not None and not found.startswith(published)
        return ModelError if is_wrong else FileChangedError

    def accept(self, found: str) -> str:
        """Record the SHA-256 if nobody published all of it.

        Returns:
            What the person should know; empty if nothing.
        """
        if found in (self._recorded, self._source.sha256):
            return ""
        self._known.record(self._source.url, found)
        if self._source.sha256 is not None:
            return ""
        return (
            "Nobody published a checksum for this file, so nothing could be compared. Its SHA-256 "
            f"({found[:16]}…) is recorded now, and any later download has to match it."
        )


def _sha256(path: Path) -> Generator[DownloadProgress, None, str]:
    digest, total, done = hashlib.sha256(), path.stat().st_size, 0
    with path.open("rb") as file:
        while chunk := file.read(_HASH_CHUNK):
            digest.update(chunk)
            done += len(chunk)
            yield DownloadProgress("checking", done, total)
    return digest.hexdigest()


def _disk_error(error: OSError) -> ModelError:
    if error.errno in _DISK_FULL:
        return ModelError(
            "The disk is full. What has arrived is kept: make room and start the download again to "
            "go on."
        )
    return ModelError(f"The download could not be written: {error.strerror or 'unknown reason'}.")
