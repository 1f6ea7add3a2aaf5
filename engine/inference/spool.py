"""What was seen in photos, on the disk until it is needed: a megabyte each adds up."""

from __future__ import annotations

import tempfile
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from engine.inference.reduction import HalfArray


@dataclass(frozen=True, eq=False)
class Seen:
    """What a model saw in a photo.

    Attributes:
        key: of the photo, by ``PhotoFeatures.key``.
        features: (D, h, w) float16 or float32.
        scores: (C,) float16, of the model's own heads.
    """

    key: str
    features: NDArray[np.floating]
    scores: HalfArray


@dataclass(frozen=True, eq=False)
class _Place:
    key: str
    scores: HalfArray
    offset: int
    shape: tuple[int, ...]
    dtype: np.dtype[np.floating]


class Spool:
    """Photos in the order they came; their features in a file without a name, gone with it.

    Args:
        folder: where the file goes; made if missing.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file: IO[bytes] | None = None
        self._places: list[_Place] = []

    def __len__(self) -> int:
        return len(self._places)

    def add(self, seen: Sequence[Seen]) -> None:
        """Take photos in.

        Raises:
            OSError: the disk does not take them.
        """
        if self._file is None:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115  # see below
            self._closing = weakref.finalize(self, self._file.close)
        for one in seen:
            offset = self._file.seek(0, 2)
            features = np.ascontiguousarray(one.features)  # halving them takes longer
            self._file.write(features.data)
            place = _Place(one.key, one.scores, offset, features.shape, features.dtype)
            self._places.append(place)

    def __iter__(self) -> Iterator[Seen]:
        """One after the other; each is read when it is asked for.

        Raises:
            OSError: the disk does not give them back.
        """
        for place in tuple(self._places):
            if self._file is None:
                return
            self._file.seek(place.offset)
            count = int(np.prod(place.shape))
            data = self._file.read(count * place.dtype.itemsize)
            features = np.frombuffer(data, dtype=place.dtype, count=count).reshape(place.shape)
            yield Seen(place.key, features, place.scores)

    def clear(self) -> None:
        """Forget all."""
        self._places = []
        if self._file is not None:
            self._file = None
            self._closing()
