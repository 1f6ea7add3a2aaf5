"""Text files beside pictures: labels, or captions as trainers of image generators write them."""

from __future__ import annotations

import re
from pathlib import Path

from engine.api.errors import DataError
from engine.data.datasets.label_cells import score_of
from engine.data.datasets.label_files import LabelRow
from engine.data.datasets.reading import FaultLog, read_text

_MAX_BYTES = 1 << 20
# A line of YOLO's: the place of a category and four numbers of a box, or more of an outline.
_BOX = re.compile(r"\d+(\s+[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?){4,}\s*")
_BOXES = "Text files of boxes (YOLO), whose numbers are no labels, which do not count"
_WEIGHTED = re.compile(r"(.*\S)\s*:\s*-?\d*\.?\d+")
# Only with a point: 16:9 is no score.
_SCORED = re.compile(r"(.*\S)\s*:\s*(-?\d*\.\d+)")
_ESCAPED = re.compile(r"\\([()\[\]\\])")
_PAIRS = {"(": ")", "[": "]"}


def read_caption(path: Path, log: FaultLog) -> LabelRow | None:
    """The labels in a text file, or ``None``, and the log is told.

    Commas or line breaks are between them, or semicolons in a line that has no comma. Weights are
    taken off: ``(cat:1.2)`` and ``((cat))`` are cat, while a bracket behind a backslash belongs to
    the name. A label with a score behind it (``cat: 0.9``) counts by its score.
    """
    try:
        text = read_text(path, _MAX_BYTES)
    except DataError as error:
        log.add("Text files that cannot be used", str(error).rstrip("."))
        return None
    lines = [line for line in text.splitlines() if line.strip()]
    if lines and all(_BOX.fullmatch(line.strip()) for line in lines):
        log.add(_BOXES, path.name)
        return None
    labels = LabelRow()
    for line in lines:
        for part in line.split("," if "," in line else ";"):
            if part.strip():
                _add(labels, part.strip(), log, path.name)
    return labels


def _add(labels: LabelRow, part: str, log: FaultLog, where: str) -> None:
    scored = _SCORED.fullmatch(part)
    if scored is not None:
        labels.add(_name(scored[1]), score_of(scored[2]), log, where)
    else:
        labels.present.append(_name(part))


def _name(part: str) -> str:
    """A label without weights; empty, which no category is, if its brackets fit no rule."""
    inner = part
    while len(inner) > 2 and _PAIRS.get(inner[0]) == inner[-1] and inner[-2] != "\\":
        inner = inner[1:-1].strip()
        weighted = _WEIGHTED.fullmatch(inner)
        inner = weighted[1] if weighted is not None else inner
    bare = _ESCAPED.sub("", inner)
    is_torn = any(bare.count(start) != bare.count(end) for start, end in _PAIRS.items())
    # A torn bracket goes around several labels, unless the label is a face such as ":)".
    return "" if is_torn and re.search(r"\w\w", bare) else _ESCAPED.sub(r"\1", inner)
