"""Where data sets lie, remembered by their kind."""

from __future__ import annotations

import json
from pathlib import Path

from csra_gui.base.settings import DATA_FOLDERS, Settings


class DataFolders:
    """A folder for each kind of data set."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def folder_of(self, kind: str) -> Path | None:
        """Where a data set of this kind lay last; ``None`` if there was none."""
        folder = self._folders().get(kind)
        return None if folder is None else Path(folder)

    def remember(self, kind: str, folder: Path) -> None:
        """Offer this folder the next time."""
        folders = {**self._folders(), kind: str(folder)}
        self._settings.set_value(DATA_FOLDERS, json.dumps(folders))

    def _folders(self) -> dict[str, str]:
        try:
            body = json.loads(str(self._settings.value(DATA_FOLDERS)) or "{}")
        except ValueError:
            return {}
        return {str(k): str(v) for k, v in body.items()} if isinstance(body, dict) else {}
