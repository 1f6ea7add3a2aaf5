"""How labels are written, as the settings have it."""

from __future__ import annotations

from pathlib import Path

from csra_gui.base.settings import (
    KEEP_FILE_TIMES,
    WRITE_LABELS,
    WRITE_PARENTS,
    WRITE_PREFIX,
    WRITE_RENAMING,
    WRITE_TARGET,
    Settings,
)
from engine.interchange.exporting.values import WhichLabels
from engine.interchange.writing.renaming import read_renaming
from engine.interchange.writing.values import Target, WriteOptions


def chosen_which(settings: Settings) -> WhichLabels:
    """Whose labels are written."""
    return WhichLabels(str(settings.value(WRITE_LABELS)))


def chosen_options(settings: Settings) -> WriteOptions:
    """How labels are written.

    Raises:
        WriteError: the table of names cannot be read.
    """
    prefix, table = str(settings.value(WRITE_PREFIX)), str(settings.value(WRITE_RENAMING))
    return WriteOptions(
        Target(str(settings.value(WRITE_TARGET))),
        tuple(part.strip() for part in prefix.split("|") if part.strip()),
        read_renaming(Path(table)) if table else {},
        keep_mtime=bool(settings.value(KEEP_FILE_TIMES)),
        parents=bool(settings.value(WRITE_PARENTS)),
    )
