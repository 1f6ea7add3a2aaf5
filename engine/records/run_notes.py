"""What a person says of a kept run, beside it: a note, where its images lie, doubtful labels."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.api.errors import DataError
from engine.atomic import write_text
from engine.texts import display_name

_PLACE, _NOTE, _MARKS = "place.json", "note.json", "marks.json"
_MAX_BYTES = 64 << 20


@dataclass(frozen=True, slots=True, order=True)
class LabelMark:
    """A label of the data set that a person holds for wrong.

    Attributes:
        sample: the image's id in the run.
        category: name of the label's category.
        is_label: what the data set says: the image has the category, or has not.
    """

    sample: str
    category: str
    is_label: bool


def remember_place(folder: Path, root: Path) -> None:
    """Note where the images of a run lie on this machine; it is no part of the run itself.

    Raises:
        DataError: it cannot be written.
    """
    _write(folder / _PLACE, {"root": str(root.absolute())})  # JSON escapes what is not UTF-8


def place_of(folder: Path) -> Path | None:
    """Where the images of a run lay; ``None`` if nobody noted it."""
    root = _read(folder / _PLACE).get("root")
    return Path(root) if isinstance(root, str) and root else None


def set_note(folder: Path, text: str) -> None:
    """Note something about a run.

    Raises:
        DataError: it cannot be written.
    """
    _write(folder / _NOTE, {"note": text})


def note_of(folder: Path) -> str:
    """What was noted about a run, or an empty text."""
    text = _read(folder / _NOTE).get("note")
    return text if isinstance(text, str) else ""


def set_marks(folder: Path, marks: frozenset[LabelMark]) -> None:
    """Keep which labels a person holds for wrong, instead of those before.

    Raises:
        DataError: they cannot be written.
    """
    rows = [[mark.sample, mark.category, mark.is_label] for mark in sorted(marks)]
    _write(folder / _MARKS, {"wrong labels": rows})


def marks_of(folder: Path) -> frozenset[LabelMark]:
    """Which labels of a run's data set a person holds for wrong."""
    rows = _read(folder / _MARKS).get("wrong labels")
    if not isinstance(rows, list):
        return frozenset()
    return frozenset(
        LabelMark(str(row[0]), str(row[1]), bool(row[2]))
        for row in rows
        if isinstance(row, list) and len(row) == 3
    )


def delete_run(folder: Path) -> None:
    """Delete a kept run with all that lies beside it.

    Raises:
        DataError: it cannot be deleted.
    """
    try:
        # Without its description it is no run any more, whatever happens next.
        (folder / "run.json").unlink()
        shutil.rmtree(folder)
    except OSError as error:
        raise DataError(
            f"The run {display_name(folder)} could not be deleted: {error.strerror}."
        ) from error


def _write(path: Path, body: dict[str, object]) -> None:
    try:
        write_text(path, json.dumps(body, indent=1))
    except OSError as error:
        raise DataError(
            f"{display_name(path)} of the run could not be written: {error.strerror}."
        ) from error


def _read(path: Path) -> dict[str, Any]:
    """What the file says; nothing if it is missing or damaged: the numbers do not need it."""
    try:
        if path.stat().st_size > _MAX_BYTES:
            return {}
        body = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}
