"""Turning photos without loss: their sidecars say how they stand, and no photo is touched."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.data.decoding.turning import after, orientation_beside
from engine.data.sidecar_names import Style, sidecar_path, sidecars_of
from engine.interchange.writing.job import recover
from engine.interchange.writing.targets import Neighbours
from engine.interchange.writing.values import Target
from engine.library.store import Library
from engine.library.written import FileState, WrittenFile
from engine.metadata import sidecars
from engine.metadata.errors import MetadataError
from engine.metadata.exif import read_orientation
from engine.metadata.values import Changes
from engine.metadata.xmp import merged
from engine.texts import display_name, photos_text, reason_text

#: Begins the captions of such writes in the journal.
CAPTION = "Rotate"
_JXL = ".jxl"  # whose reader obeys the picture's own turn, whatever its EXIF says


@dataclass(frozen=True, slots=True)
class TurnStep:
    """What became of one photo; ``problem`` is empty if it was turned."""

    photo: Path
    problem: str = ""


def orientation_of(photo: Path) -> int:
    """How a photo is to be turned to stand as it is shown now, 1 to 8, as EXIF counts.

    Raises:
        OSError: it cannot be read.
    """
    beside = orientation_beside(photo)
    if beside is not None:
        return beside
    return 1 if photo.suffix.lower() == _JXL else read_orientation(photo)


def turn(
    library: Library, photos: Sequence[Path], by: int, style: Style = "extension"
) -> Generator[TurnStep, None, None]:
    """Turn photos as they are shown; closing it stops after the photo at hand.

    Each is noted in the journal of writes before, so that ``job.undo`` takes it back, also after a
    restart.

    Args:
        library: has the journal.
        photos: their paths.
        by: ``RIGHT``, ``LEFT`` or ``HALF`` of ``decoding.turning``.
        style: of a sidecar that has to be made.

    Raises:
        LibraryError: the journal cannot be written; nothing was touched without being noted.
    """
    recover(library)
    neighbours = Neighbours()
    write_id = library.begin_write(f"{CAPTION} {photos_text(len(photos))}")
    try:
        for photo in photos:
            try:
                _turn(library, write_id, photo, by, _sidecar(photo, style, neighbours))
            except MetadataError as error:
                yield TurnStep(photo, str(error))
            except OSError as error:
                why = reason_text(error)
                yield TurnStep(photo, f"{display_name(photo)} cannot be read: {why}.")
            else:
                yield TurnStep(photo)
    finally:
        library.end_write(write_id)


def _turn(library: Library, write_id: int, photo: Path, by: int, path: Path) -> None:
    before = sidecars.read(path)
    wanted = after(orientation_of(photo), by)
    data = merged(before.data, Changes(orientation=wanted), before.path.name)
    digest = hashlib.sha256(data).hexdigest()
    library.note_files([WrittenFile(write_id, before.path, before.data, digest)])
    state: FileState | None = None
    try:
        sidecars.replace(before, data)
        state = FileState.DONE
    finally:
        library.settle_files(write_id, {before.path: state})


def _sidecar(photo: Path, style: Style, neighbours: Neighbours) -> Path:
    """The sidecar that counts first; of one that two photos share, each gets its own before it."""
    found = sidecars_of(photo)
    path = found[0] if found else sidecar_path(photo, style)
    is_own = path == sidecar_path(photo)
    if is_own or not neighbours.clash(photo, Target.SIDECAR_ADOBE):
        return path
    return sidecar_path(photo)
