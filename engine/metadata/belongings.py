"""Which files go with a photo wherever it goes: its sidecars, its text file, its RAW."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from engine.data.kinds import IMAGE_SUFFIXES
from engine.data.sidecar_names import sidecars_of

_TEXT = ".txt"


class Belongings:
    """Finds what belongs to photos; the names of one folder are read once."""

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._stems: Counter[str] = Counter()

    def of(self, photo: Path, other_names: Iterable[str] = ()) -> tuple[Path, ...]:
        """The files of a photo that are there, its own first.

        What is named by the photo's stem alone, as ``name.xmp`` and ``name.txt``, stays if another
        photo of that stem does, for then it may be that one's.

        Args:
            photo: its own file, which need not be there.
            other_names: of its second files beside it.
        """
        files = [photo, *(photo.with_name(name) for name in other_names)]
        stems = {file.stem.casefold() for file in files}
        is_shared = self._count(photo.parent, stems) > sum(map(os.path.lexists, files))
        found = dict.fromkeys(files)
        for file in files:
            texts = (file.with_name(name + _TEXT) for name in (file.name, file.stem))
            for path in (*sidecars_of(file), *texts):
                if not (is_shared and path.stem == file.stem):
                    found[path] = None
        return tuple(path for path in found if os.path.lexists(path))

    def _count(self, folder: Path, stems: set[str]) -> int:
        if folder != self._folder:
            self._folder = folder
            self._stems = Counter(_picture_stems(folder))
        return sum(self._stems[stem] for stem in stems)

    def note_gone(self, files: Iterable[Path]) -> None:
        """Files have left the folder that was read last."""
        for file in files:
            if file.parent == self._folder and file.suffix.lower() in IMAGE_SUFFIXES:
                self._stems[file.stem.casefold()] -= 1


def _picture_stems(folder: Path) -> list[str]:
    try:
        names = [Path(name) for name in os.listdir(folder)]  # noqa: PTH208 - names alone
    except OSError:
        return []
    return [name.stem.casefold() for name in names if name.suffix.lower() in IMAGE_SUFFIXES]
