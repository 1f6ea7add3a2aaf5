"""Downloading model files: resumed, checked, cancelled at once, and never half a file in use."""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Generator
from pathlib import Path

from engine.api.errors import ModelError
from engine.downloads.checksum import ChecksumRule
from engine.downloads.part_file import PartFile, sole_owner
from engine.downloads.progress import DownloadProgress, DownloadSettings
from engine.records.download_source import DownloadSource
from engine.records.models import make_folder

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
    rule = ChecksumRule(source, folder, accept_change=settings.accept_change)
    try:
        with sole_owner(target):
            note = yield from _check_old(target, rule)
            if not target.exists():
                note = yield from _get(source, target, rule, settings)
    except OSError as error:
        raise _disk_error(error) from error
    size = target.stat().st_size
    yield DownloadProgress("checking", size, size, note)
    return target


def _check_old(target: Path, rule: ChecksumRule) -> Generator[DownloadProgress, None, str]:
    """Delete a file that is here already but not the right one."""
    if not target.is_file():
        return ""
    found = yield from _sha256(target)
    if rule.complaint(found) is None:
        return rule.accept(found)
    target.unlink()
    yield DownloadProgress(
        "connecting", 0, None, "The file that was here is damaged; it is downloaded again."
    )
    return ""


def _get(
    source: DownloadSource, target: Path, rule: ChecksumRule, settings: DownloadSettings
) -> Generator[DownloadProgress, None, str]:
    from engine.downloads.transfer import Transfer  # noqa: PLC0415  # HTTP, only when it is needed

    part = PartFile(target, source.url)
    try:
        yield from Transfer(source, part, settings).run()
        found = yield from _sha256(part.path)
        if (complaint := rule.complaint(found)) is not None:
            part.discard()
            raise complaint
        note = rule.accept(found)
        part.finish()
    finally:
        part.close()
    return note


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
