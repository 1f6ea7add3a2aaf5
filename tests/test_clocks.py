"""A clock that jumps changes no duration: what waits or measures follows one that does not."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.paths import ROOT

#: Where the time of day is meant: dates that are shown or kept, and the age of files.
TIME_OF_DAY = {
    "engine/atomic.py": "the age of a file",
    "engine/library/backup.py": "the name of a backup",
    "engine/library/decisions.py": "when something was said; the order is that of the edits",
    "engine/library/written.py": "when something was written; the order is that of the writes",
    "engine/metadata/exiftool.py": "the age of a folder",
    "engine/records/evaluations.py": "the date of a run",
    "engine/records/litter.py": "the age of a file",
    "engine/records/thumbnail_cache.py": "when a file was used last",
    "engine/records/trainings.py": "the date of a run",
    "engine/service/measuring.py": "the date of a measurement",
    "engine/train/log.py": "the date of a line",
    "csra_gui/base/settings_litter.py": "the age of a file",
    "csra_gui/training/feature.py": "the age of a run",
}
_CALLS = {("time", "time"), ("time", "time_ns"), ("datetime", "now"), ("datetime", "utcnow")}
_CALLS |= {("QDateTime", "currentDateTime"), ("QTime", "currentTime")}


def uses(file: Path) -> Iterator[int]:
    text = file.read_text(encoding="utf-8")
    if not any(f"{place}.{name}" in text for place, name in _CALLS):  # reading it all takes longer
        return
    for node in ast.walk(ast.parse(text)):
        named = isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
        if named and (node.value.id, node.attr) in _CALLS:
            yield node.lineno


def test_the_time_of_day_is_asked_for_dates_and_ages_alone() -> None:
    found = {
        file.relative_to(ROOT).as_posix()
        for package in ("engine", "csra_gui")
        for file in (ROOT / package).rglob("*.py")
        if any(uses(file))
    }
    assert found - TIME_OF_DAY.keys() == set()
    assert TIME_OF_DAY.keys() - found == set(), "these need not be listed any more"
