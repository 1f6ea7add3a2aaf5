from __future__ import annotations

import dataclasses
from datetime import datetime
from pathlib import Path

import numpy as np

from engine.library.cameras import CameraFacts
from engine.library.columns import NOT_TAKEN
from engine.library.filters.evaluation import LibraryView
from engine.library.filters.parser import parse
from engine.library.opening import open_library
from engine.library.schema import MIGRATIONS
from engine.library.values import ImageFile
from tests.engine.library.parts import columns_of, files, filled

FACTS = CameraFacts("2024-05-01T12:30:05", "Acme", "50mm", 0.004, 2.8, 400, 50.0, 9, 8, -4.5, 1.5)
BEFORE = next(i for i, step in enumerate(MIGRATIONS) if "camera_facts" in step[0])


def test_facts_are_kept_until_the_file_changes(tmp_path: Path) -> None:
    with open_library(tmp_path / "library.db") as library:
        first, second, third = library.add_images(files(3))
        library.set_camera_facts({first: FACTS, second: CameraFacts(), 999: FACTS})
        assert library.camera_facts([first, second, third]) == {
            first: FACTS,
            second: CameraFacts(),
        }
        changed = dataclasses.replace(files(1)[0], size=7)
        library.add_images([changed])
        assert library.camera_facts([first, second]) == {second: CameraFacts()}


def test_a_moved_image_keeps_its_facts(tmp_path: Path) -> None:
    with open_library(tmp_path / "library.db") as library:
        old = library.add_images(files(1))[0]
        library.set_camera_facts({old: FACTS})
        library.mark_missing([old])
        elsewhere = dataclasses.replace(files(1)[0], path=Path("/photos/else/IMG_0000.jpg"))
        new = library.add_images([elsewhere])
        library.take_over_unhashed(new)
        assert library.camera_facts([old]) == {old: FACTS}


def test_a_library_of_the_version_before_gets_room_for_facts(tmp_path: Path) -> None:
    path = tmp_path / "library.db"
    with open_library(path, migrations=MIGRATIONS[:BEFORE]) as old:
        ids = old.add_images(files(2))
    with open_library(path) as library:
        assert library.camera_facts(ids) == {}
        library.set_camera_facts({ids[0]: FACTS})
        assert library.camera_facts(ids) == {ids[0]: FACTS}
        assert isinstance(library.files()[ids[1]], ImageFile)


def test_filters_go_by_the_date_taken_and_the_camera(tmp_path: Path) -> None:
    with open_library(tmp_path / "library.db") as library:
        filled(library, 3)
        plain = columns_of(library)  # of files of November 2023
    taken = int(datetime(2020, 5, 3).timestamp()) * 10**9
    columns = dataclasses.replace(
        plain,
        taken_ns=np.array([NOT_TAKEN, taken, NOT_TAKEN]),
        cameras=("", "Acme X100", "Émile"),
        camera_of=np.array([0, 1, 2]),
    )

    def wanted(text: str) -> list[int]:
        view = LibraryView(columns, np.full(3, 0.5, dtype=np.float32))
        return np.flatnonzero(view.rows(parse(text))).tolist()

    assert wanted("date:2020-05") == [1]
    assert wanted("date:2023") == [0, 2]  # the file's date, where no camera says one
    assert wanted("camera:x100") == [1]
    assert wanted("camera:émile") == [2]
    assert wanted("camera:*") == [1, 2]
    assert wanted("NOT camera:*") == [0]
    unread = LibraryView(plain, np.full(3, 0.5, dtype=np.float32))
    assert not unread.rows(parse("camera:acme")).any()
    assert unread.rows(parse("date:2023")).all()
