"""The library's note of exports that are being written."""

from __future__ import annotations

from pathlib import Path

from engine.library.opening import open_library
from engine.library.schema import MIGRATIONS
from tests.engine.library.parts import files

BEFORE = next(n for n, steps in enumerate(MIGRATIONS) if "begun_exports" in "".join(steps))


def test_a_library_of_the_version_before_notes_exports(tmp_path: Path) -> None:
    path, temporary = tmp_path / "library.db", Path("/photos/odd-\udcff")
    with open_library(path, migrations=MIGRATIONS[:BEFORE]) as old:
        ids = old.add_images(files(2))
    with open_library(path) as library:
        assert list(library.files()) == ids
        library.begin_export(temporary)
    with open_library(path) as again:
        assert again.begun_exports() == [temporary]
        again.end_export(temporary)
        assert again.begun_exports() == []
