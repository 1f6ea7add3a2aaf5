"""Images whose labels wait to be written are still known after a restart."""

from __future__ import annotations

from pathlib import Path

from engine.library.opening import open_library
from engine.library.schema import MIGRATIONS
from engine.library.values import look_at
from tests.engine.images import save_image


def test_what_waits_survives_a_restart_until_it_is_written(tmp_path: Path) -> None:
    paths = [save_image(tmp_path / name, 4, 4) for name in ("a.png", "b.png")]
    with open_library(tmp_path / "library.db") as library:
        first, second = library.add_images([file for path in paths if (file := look_at(path))])
        library.await_writes([first, second, 12345])
        library.settle_awaited({first: "The folder is read-only."})
    with open_library(tmp_path / "library.db") as library:
        assert library.awaited_writes() == {first: "The folder is read-only.", second: ""}
        library.await_writes([first])
        library.settle_awaited({second: ""})
        assert library.awaited_writes() == {first: ""}


def test_a_library_of_before_gets_the_tables_and_keeps_its_journal(tmp_path: Path) -> None:
    before = next(n for n, steps in enumerate(MIGRATIONS) if "awaited_writes" in "".join(steps))
    with open_library(tmp_path / "library.db", migrations=MIGRATIONS[:before]) as library:
        number = library.begin_write("Test")
    with open_library(tmp_path / "library.db") as library:
        assert library.awaited_writes() == {}
        assert library.begin_write("Test") == number + 1
