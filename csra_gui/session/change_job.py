"""What happened to the files of the open photos since they were looked at; runs in a worker."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from csra_gui.session.photo_files import PhotoFiles
from csra_gui.session.tag_job import FileChanged
from engine.data.away import read_ends
from engine.data.pairs import Companion
from engine.data.patience import patiently
from engine.data.scan import ScanProblem, scan
from engine.library.columns import BoolArray
from engine.library.values import ImageFile, look_at


@dataclass(frozen=True)
class FileChanges:
    """A part of what happened.

    Attributes:
        new: files that nobody has seen before.
        changed: rows whose file is another one now, or is back.
        vanished: rows whose file is gone.
        removed: what was opened and is not there any more.
        unreachable: what was opened and may be there, on a disk that is away.
        other_files: rows whose photo has other files beside it than before, and their names.
        companions: second files of photos that are new.
        readable: rows whose file could not be read for a reason that passes, and now can be.
        devices: on which device each thing is that was opened and is there.
    """

    new: tuple[ImageFile, ...] = ()
    changed: tuple[FileChanged, ...] = ()
    vanished: tuple[int, ...] = ()
    removed: tuple[Path, ...] = ()
    unreachable: tuple[Path, ...] = ()
    other_files: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    companions: tuple[Companion, ...] = ()
    readable: tuple[int, ...] = ()
    devices: Mapping[Path, int] = field(default_factory=dict)

    def __bool__(self) -> bool:
        paired = self.other_files or self.companions
        return bool(self.new or self.changed or self.vanished or paired or self.readable)


@dataclass(frozen=True)
class Opened:
    """What is open.

    Attributes:
        roots: files and folders.
        recursive: whether photos in subfolders are, too.
        devices: on which device each root was, as the system numbers them, as far as known.
        unread: rows whose file could not be read, for a reason that passes.
    """

    roots: tuple[Path, ...]
    recursive: bool
    devices: Mapping[Path, int] = field(default_factory=dict)
    unread: tuple[int, ...] = ()

    def is_away(self, root: Path) -> bool:
        """Whether a root's disk is not there, so that nothing is known of what is on it."""
        device = self.devices.get(root)
        if device is None:
            return _is_missing(root) and not _was_removed(root)
        return _device_of(root) != device


def look_for_changes(
    places: Sequence[Path], files: PhotoFiles, gone: BoolArray, opened: Opened
) -> Generator[FileChanges, None, bool]:
    """Walk folders again and compare what is there with what is known.

    What lies where nobody may look is as it was: a disk that is away has lost nothing. Of a folder
    that is not there, the one around it is looked at, where it may have another name. If the disk
    does not answer, nothing is said of what it was not asked about.

    Args:
        places: files and folders; photos elsewhere are left alone.
        files: what is known.
        gone: (N,) which of them had vanished.
        opened: what the places are part of.
    """
    return patiently(_changes(places, files, gone, opened), FileChanges())


def _changes(
    places: Sequence[Path], files: PhotoFiles, gone: BoolArray, opened: Opened
) -> Generator[FileChanges, None, None]:
    recursive = opened.recursive
    places = sorted({_nearest(place, opened.roots) for place in places})
    known = _Known(places, files, gone, recursive=recursive)
    out_of_reach: list[ScanProblem] = []
    for batch in scan(places, recursive=recursive):
        out_of_reach += batch.skipped
        known.pair(batch.companions)
        yield known.compared(batch.paths)
    readable = list[int]()
    for row in opened.unread:
        if known.can_be_read(row):
            readable.append(row)
        yield FileChanges()
    hidden = [problem.path for problem in out_of_reach if not _was_removed(problem.path)]
    # Where a disk was mounted there may be an empty folder.
    away = tuple(root for root in opened.roots if opened.is_away(root) and not known.has_seen(root))
    missing = (root for root in opened.roots if _is_missing(root) and root not in away)
    yield FileChanges(
        vanished=tuple(known.not_seen([*hidden, *away])),
        removed=tuple(missing),
        unreachable=away,
        other_files=known.other_files(),
        companions=tuple(known.early_companions),
        readable=tuple(readable),
        devices=devices_of(root for root in opened.roots if root not in away),
    )


def devices_of(roots: Iterable[Path]) -> dict[Path, int]:
    """The device of each file or folder that is there."""
    found = {}
    for root in roots:
        with contextlib.suppress(OSError):
            found[root] = root.stat().st_dev
    return found


def _device_of(place: Path) -> int | None:
    """The device that a file or folder is on, or the first one around it that is there."""
    for path in (place, *place.parents):
        with contextlib.suppress(OSError):
            return path.stat().st_dev
    return None


def _nearest(place: Path, roots: Sequence[Path]) -> Path:
    """A place, or the folder around it that is there; never beyond what was opened."""
    while place not in roots and place != place.parent and _is_missing(place):
        place = place.parent
    return place


class _Known:
    """The photos that lie in some places, to be ticked off."""

    def __init__(
        self, places: Sequence[Path], files: PhotoFiles, gone: BoolArray, *, recursive: bool
    ) -> None:
        self._files = files
        self._gone = gone
        self._seen: set[int] = set()
        self.early_companions: list[Companion] = []
        self._other_files: dict[int, list[str]] = {}
        self._rows: dict[str, dict[str, int]] = {}
        singles = {os.path.split(place) for place in places}
        folders = tuple(files.folders)  # there may be more at any moment
        inside = [_is_inside(folder, places, recursive=recursive) for folder in folders]
        above = {folder for folder, _ in singles}
        wanted = [i for i, folder in enumerate(folders) if inside[i] or folder in above]
        for row in np.flatnonzero(np.isin(files.folder_of, wanted)).tolist():
            name, number = files.names[row], int(files.folder_of[row])
            folder = folders[number]
            if inside[number] or (folder, name) in singles:
                self._rows.setdefault(folder, {})[name] = row

    def compared(self, paths: Iterable[Path]) -> FileChanges:
        """What is new or another one among files that are there."""
        new: list[ImageFile] = []
        changed: list[FileChanged] = []
        for path in paths:
            file = look_at(path)
            if file is None:
                continue
            row = self._row_of(path)
            if row is None:
                new.append(file)
                continue
            self._seen.add(row)
            if self._gone[row] or self._files.file(row) != file:
                changed.append(FileChanged(row, file))
        return FileChanges(tuple(new), tuple(changed))

    def pair(self, companions: Iterable[Companion]) -> None:
        """Take in second files; one that was a photo of its own before has not vanished."""
        for companion in companions:
            row = self._row_of(companion.path)
            if row is not None:
                self._seen.add(row)
            row = self._row_of(companion.of)
            if row is None:
                self.early_companions.append(companion)
            else:
                self._other_files.setdefault(row, []).append(companion.path.name)

    def other_files(self) -> dict[int, tuple[str, ...]]:
        """The photos whose other files are not those that they had, and the names of these."""
        known, found = self._files.other_files, self._other_files
        rows = {*found, *(row for row in known if row in self._seen)}
        now = {row: tuple(sorted(found.get(row, ()))) for row in rows}
        return {row: names for row, names in now.items() if names != known.get(row, ())}

    def _row_of(self, path: Path) -> int | None:
        folder, name = os.path.split(path)
        return self._rows.get(folder, {}).get(name)

    def has_seen(self, root: Path) -> bool:
        """Whether a photo of a file or folder is there."""
        rows = (self._files.path(row) for row in self._seen)
        return any(path == root or root in path.parents for path in rows)

    def can_be_read(self, row: int) -> bool:
        """Whether a photo is there, and its disk gives what it holds."""
        if row not in self._seen:
            return False
        try:
            read_ends(self._files.path(row))
        except (OSError, ValueError):
            return False
        return True

    def not_seen(self, hidden: Sequence[Path]) -> Iterator[int]:
        """What is no longer there, but for what lies where nobody could look."""
        for folder, rows in self._rows.items():
            if _is_inside(folder, hidden, recursive=True):
                continue
            for row in rows.values():
                if row not in self._seen and not self._gone[row]:
                    yield row


def _is_inside(folder: str, places: Iterable[Path], *, recursive: bool) -> bool:
    for place in map(str, places):
        below = place if place.endswith(os.sep) else place + os.sep
        if folder == place or (recursive and folder.startswith(below)):
            return True
    return False


def _is_missing(path: Path) -> bool:
    return not os.path.lexists(path)


def _was_removed(path: Path) -> bool:
    """Whether a file or folder was removed, rather than a disk with it."""
    return _is_missing(path) and path.parent.is_dir()
