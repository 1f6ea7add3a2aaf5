"""What a scan job does: walk the folders, off the GUI thread."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from pathlib import Path

from engine.data.scan import ScanBatch, scan


def scan_work(
    roots: Sequence[Path], *, recursive: bool
) -> Callable[[], Generator[ScanBatch, None, None]]:
    """The work of a job that yields the photos in files and folders as they are found."""
    roots = tuple(roots)

    def work() -> Generator[ScanBatch, None, None]:
        for batch in scan(roots, recursive=recursive):
            for path in batch.paths:
                # A path keeps its hash. Working it out is most of what adding 100,000 photos to
                # a table costs, and here it does not hold up the window.
                hash(path)
            yield batch

    return work
