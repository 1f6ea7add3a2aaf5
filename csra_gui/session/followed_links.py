"""Of which data sets' folders the person wants links followed that lead out of them."""

from __future__ import annotations

import json
import os
from pathlib import Path

from csra_gui.base.settings import FOLLOWED_LINKS, Settings

_MOST_FOLDERS = 100


class FollowedLinks:
    """What was answered for each folder, for ever or until it is answered otherwise."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def answer(self, folder: Path) -> bool | None:
        """Whether links of a folder are followed; ``None`` if nobody was asked."""
        return self._answers().get(_key(folder))

    def remember(self, folder: Path, follow: bool) -> None:
        """Take an answer; the oldest of very many is forgotten."""
        answers = self._answers()
        answers.pop(_key(folder), None)
        kept = [*answers.items(), (_key(folder), follow)][-_MOST_FOLDERS:]
        self._settings.set_value(FOLLOWED_LINKS, json.dumps(dict(kept)))

    def _answers(self) -> dict[str, bool]:
        try:
            body = json.loads(str(self._settings.value(FOLLOWED_LINKS)) or "{}")
        except ValueError:
            return {}
        if not isinstance(body, dict):
            return {}
        return {key: value for key, value in body.items() if isinstance(value, bool)}


def _key(folder: Path) -> str:
    return os.path.abspath(folder)  # noqa: PTH100 - keeps links, and asks no disk
