"""Whether a row is about the very file that is here."""

from __future__ import annotations

import hashlib
from pathlib import Path

from engine.data.kinds import IMAGE_SUFFIXES
from engine.interchange.importing.tag_paths import PathMap, goes_up, with_bytes
from engine.interchange.importing.tag_values import ReadRow, Refusal, TagCheck
from engine.library.images import content_digest
from engine.library.values import ImageFile, look_at

#: So far apart may times of change be: some file systems count in two seconds, and times in
#: seconds as one number are rounded.
TIME_TOLERANCE_NS = 2_000_001_000


def find_file(row: ReadRow, paths: PathMap, check: TagCheck) -> ImageFile | Refusal:
    """The file that a row is about, or why there is none to be believed.

    Args:
        row: sound.
        paths: where the photos are here.
        check: what must agree.
    """
    place = paths.place(row.path)
    if place is None:
        return Refusal.UPWARDS if goes_up(row.path) else Refusal.NOT_PLACED
    if place.suffix.lower() not in IMAGE_SUFFIXES:
        return Refusal.NO_PHOTO
    file = look_at(place)
    if file is None:
        other = with_bytes(place)
        file = None if other is None else look_at(other)
    if file is None:
        return Refusal.NOT_THERE
    reason = _reason(row, file, check)
    return file if reason is None else reason


def _reason(row: ReadRow, file: ImageFile, check: TagCheck) -> Refusal | None:
    """Why a file is not the one that was tagged."""
    if check is TagCheck.NONE:
        return None
    if check is TagCheck.HASH:
        return _by_hash(row, file)
    if row.size is None or row.mtime_ns is None:
        return Refusal.NO_SIZE_TIME
    is_near = abs(row.mtime_ns - file.mtime_ns) <= TIME_TOLERANCE_NS
    return None if row.size == file.size and is_near else Refusal.OTHER_FILE


def _by_hash(row: ReadRow, file: ImageFile) -> Refusal | None:
    if not row.sha256:
        return Refusal.NO_HASH
    if row.size is not None and row.size != file.size:
        return Refusal.OTHER_CONTENT
    try:
        found = content_digest(Path(file.path), hashlib.sha256()).hex()
    except OSError:
        return Refusal.NOT_READ
    return None if found == row.sha256 else Refusal.OTHER_CONTENT
