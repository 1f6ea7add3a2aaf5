"""Letting the library know its photos again when their drive has another letter or mount point."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from engine.data.patience import ask
from engine.library.places import FoundFolder
from engine.library.store import Library
from engine.library.values import ImageFile
from engine.library.volumes import Probe, Spot, VolumeProbe


class FolderSpots:
    """Tells the library of one folder after another on which volume it lies, in a worker.

    Args:
        library: is told.
        probe: asks the disk; ``None`` takes one of this moment.
    """

    def __init__(self, library: Library, probe: Probe | None = None) -> None:
        self._library = library
        self._probe = probe or VolumeProbe()
        self._told: set[Path] = set()

    def tell(self, files: Sequence[ImageFile]) -> None:
        """Before the files are added: their folders may be known by other paths.

        Raises:
            LibraryError: the file or the disk fails.
        """
        by_folder = defaultdict[Path, list[ImageFile]](list)
        for file in files:
            by_folder[file.path.parent].append(file)
        found = []
        for folder in by_folder.keys() - self._told:
            spot = self._spot(folder)
            if spot is not None:
                found.append(FoundFolder(folder, spot, tuple(by_folder[folder])))
        self._told |= by_folder.keys()
        new = self._library.not_placed(found) if found else ()
        if new:
            elsewhere = self._library.known_elsewhere(new)
            left = [path for path, spot in elsewhere.items() if self._spot(path) != spot]
            self._library.place_folders(new, left)

    def _spot(self, folder: Path) -> Spot | None:
        return ask(lambda: self._probe(folder), None)
