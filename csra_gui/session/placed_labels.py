"""Where the person's own labels lie, as the table of names for files says it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

from PySide6.QtCore import QObject, Slot

from csra_gui.base.settings import WRITE_RENAMING, Settings
from csra_gui.session.decisions import Decisions
from csra_gui.session.library_client import LibraryClient
from engine.interchange.writing.renaming import placed_labels, read_renaming
from engine.interchange.writing.values import WriteError

_log = logging.getLogger(__name__)


class PlacedLabels(QObject):
    """Lets labels imply what the table puts them below: "Rex" in ``animal|dog|Rex`` is a dog."""

    def __init__(self, settings: Settings, library: LibraryClient, decisions: Decisions) -> None:
        super().__init__(decisions)
        self._settings = settings
        self._library = library
        self._decisions = decisions
        library.opened.connect(self._read)
        settings.setting_changed.connect(self._on_settings_changed)

    @Slot(str, object)
    def _on_settings_changed(self, key: str, _value: object) -> None:
        if key == WRITE_RENAMING.key:
            self._read()

    @Slot()
    def _read(self) -> None:
        table = str(self._settings.value(WRITE_RENAMING))
        self._library.submit(lambda _library: _placed_by(table), self._decisions.place_labels)


def _placed_by(table: str) -> Mapping[str, tuple[str, ...]]:
    try:
        return placed_labels(read_renaming(Path(table))) if table else {}
    except WriteError as error:  # said to the person when labels are written
        _log.info("No label lies where a table says: %s", error)
        return {}
