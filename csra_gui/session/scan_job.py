"""What a scan job does: walk the folders and look at each file, off the GUI thread."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.data.scan import ScanProblem, scan
from engine.library.values import ImageFile, look_at


@dataclass(frozen=True)
class FoundPhotos:
    """The next part of a scan.

    Attributes:
        paths: of photos, in order.
        files: their sizes and times, as many; ``None`` for one that cannot be looked at.
        skipped: what could not be looked at at all.
    """

    paths: tuple[Path, ...]
    files: tuple[ImageFile | None, ...]
    skipped: tuple[ScanProblem, ...] = ()


def scan_work(
    roots: Sequence[Path], *, recursive: bool
) -> Callable[[], Generator[FoundPhotos, None, None]]:
    """The work of a job that yields the photos in files and folders as they are found."""
    roots = tuple(roots)

    def work() -> Generator[FoundPhotos, None, None]:
        for batch in scan(roots, recursive=recursive):
            for path in batch.paths:
                # A path keeps its text. Working it out is most of what adding 100,000 photos to
                # a table costs, and here it does not hold up the window.
                os.fspath(path)
            files = tuple(look_at(path) for path in batch.paths)
            yield FoundPhotos(batch.paths, files, batch.skipped)

    return work
