"""The rows of the photo table: files, what was measured of them, their images of the library."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import overload

import numpy as np
from numpy.typing import NDArray

from csra_gui.session.growing_array import GrowingArray
from csra_gui.session.photo_files import UNKNOWN_SIZE, PhotoFiles
from engine.api.facts import Fact
from engine.data.pairs import Companion
from engine.library.columns import NOT_MEASURED, IntArray
from engine.library.values import ImageFile


class PhotoPaths(Sequence[Path]):
    """Paths in the order they were added, each once.

    A ``Path`` is made when it is asked for: a million of them would take half a gigabyte.
    """

    def __init__(self) -> None:
        self._names: list[str] = []
        self._frozen_names: tuple[str, ...] = ()
        self._folders: list[str] = []
        self._places: dict[str, int] = {}
        self._rows: list[dict[str, int]] = []
        self._folder_of = GrowingArray(0, np.int32)

    def __len__(self) -> int:
        return len(self._names)

    @overload
    def __getitem__(self, index: int) -> Path: ...
    @overload
    def __getitem__(self, index: slice) -> list[Path]: ...
    def __getitem__(self, index: int | slice) -> Path | list[Path]:
        """One path, or the paths of a slice."""
        if isinstance(index, slice):
            return [self[row] for row in range(*index.indices(len(self)))]
        name = self._names[index]
        return Path(self._folders[self._folder_of.values[index]], name)

    @property
    def names(self) -> tuple[str, ...]:
        """The files' names; the same object until a path is added, and then all of it anew."""
        if len(self._frozen_names) != len(self._names):
            self._frozen_names = tuple(self._names)
        return self._frozen_names

    @property
    def growing_names(self) -> Sequence[str]:
        """The same as they come: a list that nobody else changes, and that only grows."""
        return self._names

    @property
    def folders(self) -> Sequence[str]:
        """The folders there are photos in, in the order they were found; it only grows."""
        return self._folders

    @property
    def folder_of(self) -> NDArray[np.int32]:
        """(N,): which of the folders a photo is in."""
        return self._folder_of.values

    def add(self, paths: Iterable[Path]) -> list[int]:
        """Append the paths that are not there yet; for each whether it was, by its place.

        Returns:
            Which of ``paths`` are new, as places in it.
        """
        new: list[int] = []
        folder_of: list[int] = []
        first = len(self._names)
        for place, path in enumerate(paths):
            folder, name = os.path.split(path)
            number = self._places.get(folder)
            if number is None:
                number = self._add_folder(folder)
            rows = self._rows[number]
            if name not in rows:
                rows[name] = len(self._names)
                self._names.append(name)
                folder_of.append(number)
                new.append(place)
        self._folder_of.resize(len(self._names))
        self._folder_of.values[first:] = folder_of
        return new

    def row_of(self, path: Path) -> int | None:
        """Where a path is, or ``None``."""
        folder, name = os.path.split(path)
        number = self._places.get(folder)
        return None if number is None else self._rows[number].get(name)

    def count_named(self, name: str) -> int:
        """In how many folders there is a file of this name."""
        return sum(name in rows for rows in self._rows)

    def clear(self) -> None:
        """Forget every path."""
        self._names = []  # workers may still read the lists that there were
        self._frozen_names = ()
        self._folders = []
        self._places.clear()
        self._rows.clear()
        self._folder_of.clear()

    def _add_folder(self, folder: str) -> int:
        self._places[folder] = number = len(self._folders)
        self._folders.append(folder)
        self._rows.append({})
        return number


class PhotoRows:
    """Files in the order they were found, a row each; a row is never moved.

    Attributes:
        generation: counts how often the table was emptied: rows then mean other photos.
        version: counts every change of anything in the table.
        shows_measured: whether the person wants to know of what was measured.
    """

    def __init__(self) -> None:
        self.generation = 0
        self.version = 0
        self._paths = PhotoPaths()
        self._sizes = GrowingArray(UNKNOWN_SIZE, np.int64)
        self._mtimes_ns = GrowingArray(0, np.int64)
        self._image_ids = GrowingArray(0, np.int64)
        self._gone = GrowingArray(False, np.bool_)
        self._facts = GrowingArray(NOT_MEASURED, np.int32)
        self.shows_measured = True
        self._rows_of_images: tuple[IntArray, IntArray] | None = None
        # Names by row, and companions of photos that are not here yet.
        self._other_files: dict[int, tuple[str, ...]] = {}
        self._early_companions: list[Companion] = []

    def __len__(self) -> int:
        return len(self._paths)

    @property
    def _arrays(self) -> tuple[GrowingArray, ...]:
        return (self._sizes, self._mtimes_ns, self._image_ids, self._gone, self._facts)

    @property
    def paths(self) -> Sequence[Path]:
        """All photos, in order; each ``Path`` is made when it is asked for."""
        return self._paths

    def clear(self) -> None:
        """Forget every photo."""
        self._paths.clear()
        for column in self._arrays:
            column.clear()
        self._rows_of_images = None
        self._other_files.clear()
        self._early_companions.clear()
        self.generation += 1
        self._touch()

    def add(
        self, paths: Iterable[Path], files: Sequence[ImageFile | None] | None = None
    ) -> tuple[int, int]:
        """Append the photos that are not there yet; the half-open range of their rows.

        Args:
            paths: of the photos.
            files: their sizes and times, as many, as far as they are known.
        """
        first = len(self._paths)
        new = self._paths.add(paths)
        self._resize()
        if files is not None:
            found = [files[place] for place in new]
            self._sizes.values[first:] = [UNKNOWN_SIZE if f is None else f.size for f in found]
            self._mtimes_ns.values[first:] = [0 if f is None else f.mtime_ns for f in found]
        if self._early_companions:
            self.add_companions(())
        self._touch()
        return first, len(self._paths)

    def count_named(self, name: str) -> int:
        """In how many folders there is a photo of this name."""
        return self._paths.count_named(name)

    def row_of(self, path: Path) -> int | None:
        """Where a photo is, or ``None``."""
        return self._paths.row_of(path)

    def file(self, row: int) -> ImageFile | None:
        """The photo's file as it was last looked at; ``None`` if it never was."""
        size = int(self._sizes.values[row])
        if size == UNKNOWN_SIZE:
            return None
        return ImageFile(self._paths[row], size, int(self._mtimes_ns.values[row]))

    def other_files(self, row: int) -> tuple[str, ...]:
        """Names of the photo's other files, which lie beside it: the RAW of a JPEG."""
        return self._other_files.get(row, ())

    def add_companions(self, companions: Sequence[Companion]) -> None:
        """Note the other files of photos, of which some may come later."""
        waiting = [*self._early_companions, *companions]
        self._early_companions = []
        for companion in waiting:
            row = self.row_of(companion.of)
            if row is None:
                self._early_companions.append(companion)
                continue
            names = {*self.other_files(row), companion.path.name}
            self._other_files[row] = tuple(sorted(names))
        self._touch()

    def set_other_files(self, names: Mapping[int, tuple[str, ...]]) -> None:
        """Note which other files some photos have now, by row; an empty one is none."""
        self._other_files.update(names)
        self._other_files = {row: known for row, known in self._other_files.items() if known}
        self._touch()

    @property
    def gone(self) -> NDArray[np.bool_]:
        """(N,): which photos' files have vanished; they keep their rows and are not shown."""
        return self._gone.values

    def set_gone(self, rows: Sequence[int], gone: bool) -> None:
        """Note that files have vanished, or are back."""
        self._gone.values[np.asarray(rows, dtype=np.int64)] = gone
        self._touch()

    @property
    def present_count(self) -> int:
        """How many photos have a file."""
        return len(self) - int(np.count_nonzero(self.gone))

    def moved(self, rows: Sequence[int]) -> dict[int, int]:
        """Where photos that vanish are now: the row of the only one with their name, size and time.

        Args:
            rows: of files that have vanished just now.
        """
        gone = np.zeros(len(self), dtype=np.bool_)
        gone[np.asarray(rows, dtype=np.int64)] = True
        alike = np.isin(self._mtimes_ns.values, self._mtimes_ns.values[gone]) & ~gone & ~self.gone
        found: dict[tuple[str, int, int], list[int]] = {}
        for row in np.flatnonzero(alike).tolist():
            found.setdefault(self._look(row), []).append(row)
        matches = {row: found.get(self._look(row), []) for row in rows}
        return {row: there[0] for row, there in matches.items() if len(there) == 1}

    def _look(self, row: int) -> tuple[str, int, int]:
        name, size = self._paths.names[row], int(self._sizes.values[row])
        return name, size, int(self._mtimes_ns.values[row])

    def files(self) -> PhotoFiles:
        """All files as they are now, for a worker; nothing is copied that grows with them."""
        return PhotoFiles(
            self._paths.growing_names,
            self._paths.folders,
            self._paths.folder_of,
            self._sizes.values,
            self._mtimes_ns.values,
            self._image_ids.values,
            dict(self._other_files),
        )

    def set_file(self, row: int, file: ImageFile | None) -> None:
        """Note what the photo's file is like now; what was measured was of the one before."""
        if file != self.file(row):
            self._facts.values[row] = NOT_MEASURED
        self._sizes.values[row] = UNKNOWN_SIZE if file is None else file.size
        self._mtimes_ns.values[row] = 0 if file is None else file.mtime_ns
        self._touch()

    # What was measured.

    def facts(self, row: int) -> Fact | None:
        """What was measured of a photo; ``None`` if nothing was, or nobody wants to know."""
        bits = int(self._facts.values[row])
        return None if bits == NOT_MEASURED or not self.shows_measured else Fact(bits)

    def facts_column(self) -> NDArray[np.int32]:
        """(N,) the bits of all, or ``NOT_MEASURED``; empty if nobody wants to know."""
        return self._facts.values.copy() if self.shows_measured else self._facts.values[:0].copy()

    def set_facts(self, facts: Mapping[int, int]) -> None:
        """Note what was measured of photos, by row; ``NOT_MEASURED`` takes it back."""
        if facts:
            rows = np.fromiter(facts, dtype=np.int64, count=len(facts))
            self._facts.values[rows] = list(facts.values())
            self._touch()

    def show_measured(self, shows: bool) -> None:
        """Let what was measured be known, or not."""
        self.shows_measured = shows
        self._touch()

    # In the library.

    def image_id(self, row: int) -> int | None:
        """The photo's number in the library, if it is there."""
        return int(self._image_ids.values[row]) or None

    @property
    def image_ids(self) -> IntArray:
        """(N,): the photos' numbers in the library, 0 for none; a view."""
        return self._image_ids.values

    def set_image_ids(self, rows: Sequence[int] | IntArray, ids: Sequence[int] | IntArray) -> None:
        """Note which images of the library photos are."""
        self._image_ids.values[np.asarray(rows, dtype=np.int64)] = ids
        self._rows_of_images = None
        self._touch()

    def forget_image_ids(self) -> None:
        """The library is another one: its numbers mean nothing."""
        self._image_ids.values[:] = 0
        self._rows_of_images = None
        self._touch()

    def rows_of_images(self, ids: Iterable[int]) -> list[int]:
        """The rows of those images of the library that are open."""
        rows = self.find_images(np.fromiter(ids, dtype=np.int64))
        return [int(row) for row in rows[rows >= 0]]

    def find_images(self, ids: IntArray) -> IntArray:
        """The row of each of some images of the library, (len(ids),); -1 for one not open."""
        if self._rows_of_images is None:
            order = np.argsort(self.image_ids, kind="stable")
            self._rows_of_images = self.image_ids[order], order
        known, rows = self._rows_of_images
        if not len(known):
            return np.full(len(ids), -1)
        places = np.minimum(np.searchsorted(known, ids), len(known) - 1)
        return np.where(known[places] == ids, rows[places], -1)

    def _resize(self) -> None:
        for column in self._arrays:
            column.resize(len(self._paths))
        self._rows_of_images = None

    def _touch(self) -> None:
        self.version += 1
