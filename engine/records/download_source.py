"""Where a file can be downloaded from, and how to know that it is the right one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from engine.api.errors import ConfigError

_HASH_START = re.compile(r"[0-9a-f]{8,64}")
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
_DRIVE_ID = re.compile(r"[A-Za-z0-9_-]{10,100}")


@dataclass(frozen=True)
class DownloadSource:
    """A file on the network.

    Args:
        url: ``https:``; ``http:`` only on this computer.
        file_name: the name it gets here, without any folder.
        sha256: published start of its SHA-256 in hexadecimal, 8 to 64 digits; ``None`` where
            none is published.
        size: published size in bytes, exact; ``None`` where none is.

    Raises:
        ConfigError: one of these makes no sense.
    """

    url: str
    file_name: str
    sha256: str | None = None
    size: int | None = None

    def __post_init__(self) -> None:
        if urlsplit(self.url).scheme not in ("https", "http") or not self.host:
            raise ConfigError(f"{self.url[:100]!r} is not an address on the web.")
        if not _FILE_NAME.fullmatch(self.file_name):
            raise ConfigError(f"{self.file_name[:100]!r} is not a plain file name.")
        if self.sha256 is not None and not _HASH_START.fullmatch(self.sha256):
            raise ConfigError(f"{self.sha256[:100]!r} is not the start of a SHA-256.")
        if self.size is not None and self.size <= 0:
            raise ConfigError(f"A file cannot have {self.size} bytes.")

    @property
    def host(self) -> str:
        """The computer it comes from, for messages."""
        return urlsplit(self.url).hostname or ""


def drive_url(file_id: str) -> str:
    """The address of a public file on Google Drive.

    Raises:
        ConfigError: this is not an id of a file there.
    """
    if not _DRIVE_ID.fullmatch(file_id):
        raise ConfigError(f"{file_id[:100]!r} is not the id of a file on Google Drive.")
    return f"https://drive.google.com/uc?export=download&id={file_id}"
