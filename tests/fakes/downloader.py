"""A download without a network."""

from __future__ import annotations

import threading
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path

from engine.downloads.progress import DownloadProgress, DownloadSettings
from engine.records.download_source import DownloadSource


@dataclass
class FakeDownloader:
    """Downloads nothing, in three steps; keeps a part when it is closed early.

    Attributes:
        gate: each step after the first waits for it.
        error: is raised after the first step while it is set.
        calls: the settings of each call.
        closed: set when a download has come to its end, whichever.
    """

    gate: threading.Event = field(default_factory=threading.Event)
    error: Exception | None = None
    note: str = ""
    calls: list[DownloadSettings] = field(default_factory=list)
    closed: threading.Event = field(default_factory=threading.Event)

    def __call__(
        self, source: DownloadSource, folder: Path, settings: DownloadSettings
    ) -> Generator[DownloadProgress, None, Path]:
        self.calls.append(settings)
        folder.mkdir(parents=True, exist_ok=True)
        part = folder / f"{source.file_name}.part"
        try:
            part.write_bytes(b"half")
            yield DownloadProgress("downloading", 50_000_000, 100_000_000, self.note)
            if self.error is not None and not settings.accept_change:
                raise self.error
            while not self.gate.wait(0.01):
                yield DownloadProgress("downloading", 50_000_000, 100_000_000)
            return part.rename(folder / source.file_name)
        finally:
            self.closed.set()
