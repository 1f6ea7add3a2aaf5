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
    return lambda: scan(roots, recursive=recursive)
