"""The library's disk is full when it is opened or copied."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.library import backup
from engine.library.errors import LibraryError, NoRoomError
from engine.library.opening import open_library
from engine.library.values import ImageFile
from tests.disks import SmallDisk, small_disk

COUNT = 2000


def images(folder: str) -> list[ImageFile]:
    return [ImageFile(Path(f"{folder}/{number}.jpg"), number, number) for number in range(COUNT)]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "small", mib=8) as made:
        with open_library(made.place / "library.db") as library:
            library.add_images(images("/photos"))
        yield made


def left_in(disk: SmallDisk) -> set[str]:
    return {path.name for path in disk.place.rglob("*") if path.is_file()} - {"filler"}


def test_without_room_for_the_copy_of_the_day_a_library_opens_and_says_so(disk: SmallDisk) -> None:
    path = disk.place / "library.db"
    disk.fill(room=100_000)
    with open_library(path) as library:
        assert len(library.files()) == COUNT
        assert "No backup" in library.notice and "full" in library.notice
        with pytest.raises(NoRoomError):
            library.add_images(images("/other"))
        assert len(library.files()) == COUNT
    assert left_in(disk) == {"library.db", "library.db.lock"}
    disk.make_room()
    with open_library(path) as library:
        assert library.notice == ""
        library.add_images(images("/other"))
        assert len(library.files()) == 2 * COUNT
    [copy] = backup.backups(path)
    assert backup.newest_good_backup(path) == copy


def test_without_any_room_it_is_said_and_the_library_is_as_it_was(disk: SmallDisk) -> None:
    path = disk.place / "library.db"
    before = path.read_bytes()
    disk.fill()
    with pytest.raises(NoRoomError, match="full"):
        open_library(path)
    assert path.read_bytes() == before
    disk.make_room()
    with open_library(path) as library:
        assert len(library.files()) == COUNT


def test_a_copy_that_does_not_fit_leaves_those_before(disk: SmallDisk) -> None:
    path = disk.place / "library.db"
    with open_library(path) as library:
        first = library.back_up()
        kept = first.read_bytes()
        before = backup.backups(path)
        disk.fill(room=50_000)
        with pytest.raises(LibraryError, match="full"):
            library.back_up()
        assert backup.backups(path) == before
        assert first.read_bytes() == kept
        assert backup.newest_good_backup(path) is not None
        disk.make_room()
        assert backup.newest_good_backup(path) == backup.backups(path)[0]
        assert library.back_up() in backup.backups(path)
