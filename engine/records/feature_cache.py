"""What training and teaching keep of images so that the next time is quicker."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from os import stat_result
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from engine.data.datasets.array_files import ARRAY_DAMAGE

_log = logging.getLogger(__name__)

_SUFFIX = ".npy"


def note_use(*files: Path) -> None:
    """What is used now is the last to go."""
    for file in files:
        with suppress(OSError):  # of another owner, or on a medium that cannot be written
            os.utime(file)


def kept_array(file: Path, shape: Sequence[int | None], dtype: DTypeLike) -> NDArray[Any] | None:
    """An array that is kept, mapped from its file; ``None`` if there is none.

    One that a disk or another program has damaged goes, so that it is made again.

    Args:
        file: ends in ``.npy``.
        shape: that it must have; ``None`` stands for any size.
        dtype: that it must have.
    """
    try:
        array: NDArray[Any] = np.load(file, mmap_mode="r", allow_pickle=False)
        sizes = zip(array.shape, shape, strict=True)
        if array.dtype != dtype or any(wanted not in (size, None) for size, wanted in sizes):
            raise ValueError("another shape")
    except FileNotFoundError:
        return None
    except (*ARRAY_DAMAGE, AttributeError) as error:
        _log.info("%s is damaged and made again: %s", file.name, error)
        with suppress(OSError):
            file.unlink()
        return None
    return array


def cached_bytes(folder: Path) -> int:
    """The bytes of all that is kept."""
    return sum(status.st_size for _, status in _files(folder))


def shrink_cache(folder: Path, limit: int) -> int:
    """Delete what was used longest ago until the rest is no larger than the limit.

    What cannot be deleted, as a file that is in use on some systems, stays.

    Args:
        folder: of the cache; it need not exist.
        limit: in bytes; 0 deletes everything.

    Returns:
        How many bytes were freed.
    """
    files = dict(_files(folder))
    excess, freed = sum(status.st_size for status in files.values()) - limit, 0
    for file in sorted(files, key=lambda file: files[file].st_mtime_ns):
        if freed >= excess:
            break
        try:
            file.unlink()
        except OSError as error:  # another program may delete the same
            _log.info("%s could not be deleted: %s", file.name, error)
        else:
            freed += files[file].st_size
    return freed


def _files(folder: Path) -> Iterator[tuple[Path, stat_result]]:
    for file in folder.rglob(f"*{_SUFFIX}"):
        with suppress(OSError):
            if file.is_file() and not file.is_symlink():
                yield file, file.stat()
