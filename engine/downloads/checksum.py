"""Whether a file is the right one: by the published checksum, or that of its first use."""

from __future__ import annotations

import json
import re
from pathlib import Path

from engine.api.errors import FileChangedError, ModelError
from engine.atomic import write_text
from engine.records.download_source import DownloadSource
from engine.records.folders import DAMAGE

_TABLE = "known_hashes.json"
_SHA256 = re.compile(r"[0-9a-f]{64}")


class ChecksumRule:
    """What the SHA-256 of a file has to be.

    Where nobody published all of it, it is recorded at first use (address → SHA-256, in a small
    table beside the downloads) and has to be the same from then on.

    Args:
        source: where the file comes from.
        folder: of the downloads.
        accept_change: take a file that differs from the one recorded at first use.

    Raises:
        ModelError: the table is damaged.
    """

    def __init__(self, source: DownloadSource, folder: Path, *, accept_change: bool) -> None:
        self._source = source
        self._path = folder / _TABLE
        self._recorded = self._table().get(source.url)
        self._accept_change = accept_change

    def complaint(self, found: str) -> ModelError | None:
        """What is wrong with a file of this SHA-256; ``None`` if nothing is."""
        source = self._source
        if source.sha256 is not None and not found.startswith(source.sha256):
            return ModelError(
                f"The file from {source.host} is not the one that was published: its SHA-256 "
                f"starts with {found[: len(source.sha256)][:16]} and should start with "
                f"{source.sha256[:16]}. It was deleted."
            )
        if self._recorded not in (None, found) and not self._accept_change:
            return FileChangedError(
                f"The file from {source.host} is not the one that was downloaded before: its "
                "SHA-256 has changed. If a new version was published, allow it with "
                "--accept-change. It was deleted."
            )
        return None

    def accept(self, found: str) -> str:
        """Record the SHA-256 if nobody published all of it.

        Returns:
            What the person should know; empty if nothing.

        Raises:
            ModelError: it cannot be recorded.
        """
        if found in (self._recorded, self._source.sha256):
            return ""
        table = {**self._table(), self._source.url: found}
        try:
            write_text(self._path, json.dumps(table, indent=1, sort_keys=True) + "\n")
        except OSError as error:
            reason = error.strerror or "unknown reason"
            raise ModelError(f"The file's checksum could not be recorded: {reason}.") from error
        if self._source.sha256 is not None:
            return ""
        return (
            "Nobody published a checksum for this file, so nothing could be compared. Its SHA-256 "
            f"({found[:16]}…) is recorded now, and any later download has to match it."
        )

    def _table(self) -> dict[str, str]:
        try:
            table = json.loads(self._path.read_text(encoding="utf-8"))
            if all(_SHA256.fullmatch(value) for value in table.values()):
                return dict(table)
        except FileNotFoundError:
            return {}
        except (OSError, *DAMAGE):
            pass
        # Going on with an empty table would accept any file as seen for the first time.
        raise ModelError(
            f"The list of recorded checksums ({_TABLE} beside the downloads) is damaged. "
            "Delete it to start a new one."
        )
