"""Ratings, colour labels and titles: of files, of people, and which of them counts."""

from __future__ import annotations

from pathlib import Path

from engine.library.connections import connect_reading
from engine.library.opening import open_library
from engine.library.schema import MIGRATIONS
from tests.engine.library.parts import files

BEFORE = next(n for n, steps in enumerate(MIGRATIONS) if "own_attributes" in "".join(steps))


def test_a_library_of_the_version_before_gets_room_for_ratings(tmp_path: Path) -> None:
    path = tmp_path / "library.db"
    with open_library(path, migrations=MIGRATIONS[:BEFORE]) as old:
        ids = old.add_images(files(2))
    with open_library(path) as library:
        assert list(library.files()) == ids
    connection = connect_reading(path)
    for table in ("file_attributes", "read_attributes", "own_attributes", "attribute_changes"):
        assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
    connection.close()
