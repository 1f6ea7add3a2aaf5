"""Checksums of files that nobody published one for: recorded at first use, checked from then on."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from engine.api.errors import ModelError
from engine.atomic import write_text

FILE_NAME = "known_hashes.json"
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class KnownHashes:
    """A small table in a file: address → SHA-256 in hexadecimal.

    Args:
        path: of the file; it need not exist yet.
    """

    path: Path

    def get(self, url: str) -> str | None:
        """What was recorded for an address."""
        return self._read().get(url)

    def record(self, url: str, sha256: str) -> None:
        """Remember a checksum, in place of an older one.

        Raises:
            ModelError: it cannot be written.
        """
        table = {**self._read(), url: sha256}
        try:
            write_text(self.path, json.dumps(table, indent=1, sort_keys=True) + "\n")
        except OSError as error:
            reason = error.strerror or "unknown reason"
            raise ModelError(f"The file's checksum could not be recorded: {reason}.") from error

    def _read(self) -> dict[str, str]:
        try:
            table = json.loads(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, RecursionError) as error:
            raise self._damaged() from error
        if not isinstance(table, dict) or not all(
            isinstance(value, str) and _SHA256.fullmatch(value) for value in table.values()
        ):
            raise self._damaged()
        return table

    def _damaged(self) -> ModelError:
        # Going on with an empty table would accept any file as seen for the first time.
        return ModelError(
            f"The list of recorded checksums ({FILE_NAME} beside the downloads) is damaged. "
            "Delete it to start a new one."
        )
