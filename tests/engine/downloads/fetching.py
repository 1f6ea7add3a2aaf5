"""A file to download, and the ways in which tests do it."""

import hashlib
import random
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TypeVar

import pytest

from engine.api.errors import ModelError
from engine.downloads.download import download
from engine.downloads.part_file import PartFile
from engine.downloads.progress import DownloadProgress, DownloadSettings
from engine.records.download_source import DownloadSource
from tests.engine.downloads.download_server import DownloadServer

DATA = random.Random(0).randbytes(1_000_003)
SHA256 = hashlib.sha256(DATA).hexdigest()
EAGER = DownloadSettings(attempts=3, pause=0.0, silence=5.0)
Result = TypeVar("Result")


def drain(
    steps: Generator[DownloadProgress, None, Result],
) -> tuple[Result, list[DownloadProgress]]:
    seen: list[DownloadProgress] = []
    while True:
        try:
            seen.append(next(steps))
        except StopIteration as end:
            return end.value, seen


def source_of(server: DownloadServer, sha256: str | None = SHA256) -> DownloadSource:
    return DownloadSource(server.url, "model.pth", sha256)


def get(
    server: DownloadServer,
    folder: Path,
    sha256: str | None = SHA256,
    settings: DownloadSettings = EAGER,
) -> tuple[Path, str]:
    """The file, and all notes."""
    path, steps = drain(download(source_of(server, sha256), folder, settings))
    return path, " ".join(step.note for step in steps if step.note)


def fail(
    server: DownloadServer,
    folder: Path,
    sha256: str | None = SHA256,
    settings: DownloadSettings = EAGER,
) -> str:
    """The message of a download that must not succeed, and must leave no file to open."""
    with pytest.raises(ModelError) as caught:
        get(server, folder, sha256, settings)
    assert not (folder / "model.pth").exists()
    assert str(folder) not in str(caught.value)
    return str(caught.value)


def leave_part(folder: Path, size: int, etag: str = '"v1"') -> Callable[[DownloadServer], None]:
    """Put the first bytes of the file there, as an earlier download would have left them."""

    def leave(server: DownloadServer) -> None:
        part = PartFile(folder / "model.pth", server.url)
        part.start(len(DATA), {"ETag": etag})
        part.write(DATA[:size])
        part.close()

    return leave


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())
