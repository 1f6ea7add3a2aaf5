"""What a view may ask of a photo's cell; apart from the model, which knows the session."""

from __future__ import annotations

from enum import IntEnum

from PySide6.QtCore import Qt


class PhotoRole(IntEnum):
    """What a delegate may ask of a cell, beside Qt's own roles."""

    #: ``list[ScoredLabel]`` at the threshold, best first.
    LABELS = Qt.ItemDataRole.UserRole + 1
    ERROR = Qt.ItemDataRole.UserRole + 2
    IS_TAGGED = Qt.ItemDataRole.UserRole + 3
    PHOTO = Qt.ItemDataRole.UserRole + 4
    IS_REVIEWED = Qt.ItemDataRole.UserRole + 5
    #: "RAW+JPEG" for a photo of two files, else empty.
    PAIR = Qt.ItemDataRole.UserRole + 6
    #: How much it is alike to what the filter names, or its group; mostly empty.
    NOTE = Qt.ItemDataRole.UserRole + 9
    #: -1 (rejected) to 5; 0 for none.
    RATING = Qt.ItemDataRole.UserRole + 7
    #: As ``engine.library.values.Attribute`` says; empty for none.
    COLOR = Qt.ItemDataRole.UserRole + 8
