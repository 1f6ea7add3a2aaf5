"""Moving photos to the system's trash with all that belongs to them, and back; for a worker."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QFile, QStandardPaths

from engine.library.values import ImageFile, look_at
from engine.metadata.belongings import Belongings
from engine.texts import display_name


class TrashError(Exception):
    """A file was not moved, and why, for a person."""


@dataclass(frozen=True, slots=True)
class Moved:
    """A file that was moved.

    Attributes:
        path: where it was.
        place: where it is in the trash; ``None`` where the system does not say.
    """

    path: Path
    place: Path | None


@dataclass(frozen=True, slots=True)
class TrashStep:
    """What became of one photo.

    Attributes:
        photo: its path.
        moved: its files that are in the trash now.
        problem: why it stayed; empty if it did not.
        file: the photo as it is once it is back.
    """

    photo: Path
    moved: tuple[Moved, ...] = ()
    problem: str = ""
    file: ImageFile | None = None


#: Moves a file to the trash and says where it is there.
Trash = Callable[[Path], Path | None]
Steps = Generator[TrashStep, None, None]
#: Whether the person wants no more of it.
Stopped = Callable[[], bool]


def move_to_trash(path: Path) -> Path | None:
    """Move a file to the trash of its disk; a link itself, not what it leads to.

    Returns:
        Where it is now; ``None`` if the system does not say.

    Raises:
        TrashError: it stays where it is. Nothing is ever deleted instead.
    """
    name = display_name(path)
    try:
        str(path).encode()
    except UnicodeEncodeError:  # Qt would leave out what it cannot say, and mean another file
        raise TrashError(f"{name} has a name that the trash cannot take; it stays.") from None
    if not os.path.lexists(path):
        raise TrashError(f"{name} is not there any more.")
    if not os.access(path.parent, os.W_OK):
        raise TrashError(f"{name} stays: its folder may not be changed.")
    if sys.platform.startswith("linux"):  # Qt makes the trash, but nothing above it
        data = QStandardPaths.StandardLocation.GenericDataLocation
        with contextlib.suppress(OSError):
            Path(QStandardPaths.writableLocation(data)).mkdir(mode=0o700, parents=True)
    file = QFile(str(path))
    if not file.moveToTrash() or os.path.lexists(path):
        raise TrashError(f"{name} stays: its disk has no trash, or the trash cannot take it.")
    place = Path(file.fileName())
    return place if place != path and os.path.lexists(place) else None


def trash_photos(
    photos: Sequence[tuple[Path, tuple[str, ...]]],
    stopped: Stopped,
    trash: Trash = move_to_trash,
) -> Steps:
    """Move photos to the trash, each with all that belongs to it or not at all.

    Args:
        photos: paths and the names of their second files.
        stopped: is asked before each photo; all that was moved is told, so that it can come back.
        trash: moves one file.
    """
    belongings = Belongings()
    for photo, others in photos:
        if stopped():
            return
        files = belongings.of(photo, others)
        # If the photo itself is gone, what is left of it stays.
        step = _trash(photo, files if files[:1] == (photo,) else (photo,), trash)
        belongings.note_gone(moved.path for moved in step.moved)
        yield step


def _trash(photo: Path, files: Sequence[Path], trash: Trash) -> TrashStep:
    moved: list[Moved] = []
    try:
        for file in files:
            moved.append(Moved(file, trash(file)))
    except TrashError as error:
        left = _back_again(moved)
        problem = str(error)
        if not left:
            return TrashStep(photo, (), problem)
        return TrashStep(photo, left, f"{problem} {display_name(photo)} is in the trash already.")
    return TrashStep(photo, tuple(moved))


def _back_again(moved: Sequence[Moved]) -> tuple[Moved, ...]:
    """Put back what was moved; what could not be."""
    left = []
    for file in reversed(moved):
        try:
            _put_back(file)
        except TrashError:
            left.append(file)
    return tuple(left)


def put_photos_back(steps: Sequence[TrashStep], stopped: Stopped) -> Steps:
    """Move photos out of the trash to where they were; nothing that is there now is replaced.

    Args:
        steps: as ``trash_photos`` gave them.
        stopped: is asked before each photo.
    """
    for step in steps:
        if stopped():
            return
        problems = []
        left = []
        for file in reversed(step.moved):  # the photo last: then all that is its is there
            try:
                _put_back(file)
            except TrashError as error:
                problems.append(str(error))
                left.append(file)
        yield TrashStep(step.photo, tuple(left), " ".join(problems), look_at(step.photo))


def _put_back(moved: Moved) -> None:
    name, place = display_name(moved.path), moved.place
    if place is None or not os.path.lexists(place):
        raise TrashError(f"{name} is no longer where it was in the trash; look for it there.")
    if os.path.lexists(moved.path):
        raise TrashError(f"{name} stays in the trash: there is another file of its name now.")
    try:
        _move(place, moved.path)
    except FileExistsError:
        raise TrashError(
            f"{name} stays in the trash: there is another file of its name now."
        ) from None
    except OSError as error:
        raise TrashError(f"{name} stays in the trash: {error.strerror or error}.") from None
    _forget_note(place)


def _move(source: Path, target: Path) -> None:
    """Give a file its old name, which nobody else may have got meanwhile."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target, follow_symlinks=False)
    except FileExistsError:
        raise
    except (OSError, NotImplementedError):  # another disk, or one that knows no second names
        shutil.move(source, target)
    else:
        source.unlink()


def _forget_note(place: Path) -> None:
    """Remove what the trash notes beside a file that has left it."""
    with contextlib.suppress(OSError):
        if place.parent.name == "files":  # freedesktop.org
            note = place.parent.with_name("info") / f"{place.name}.trashinfo"
            note.unlink(missing_ok=True)
        elif place.name.startswith("$R"):  # Windows
            place.with_name(f"$I{place.name[2:]}").unlink(missing_ok=True)
