"""The paths of many photos, each folder's written down once."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import overload

import numpy as np
from numpy.typing import NDArray

from csra_gui.session.growing_array import GrowingArray


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
        """The files' names; the same object until a path is added."""
        if len(self._frozen_names) != len(self._names):
            self._frozen_names = tuple(self._names)
        return self._frozen_names

    @property
    def folders(self) -> tuple[str, ...]:
        """The folders there are photos in, in the order they were found."""
        return tuple(self._folders)

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

    def clear(self) -> None:
        """Forget every path."""
        self._names.clear()
        self._frozen_names = ()
        self._folders.clear()
        self._places.clear()
        self._rows.clear()
        self._folder_of.clear()

    def _add_folder(self, folder: str) -> int:
        self._places[folder] = number = len(self._folders)
        self._folders.append(folder)
        self._rows.append({})
        return number
