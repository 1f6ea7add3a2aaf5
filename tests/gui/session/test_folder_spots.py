"""Drives that come back under another mount point, and others that come in their place."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from csra_gui.session import library_maintenance
from csra_gui.session.folder_spots import FolderSpots
from csra_gui.session.library_maintenance import hash_image
from engine.api.categories import Categories
from engine.api.values import Prediction
from engine.library.images import content_hash
from engine.library.opening import open_library
from engine.library.schema import MIGRATIONS
from engine.library.store import Library
from engine.library.values import (
    ImageFile,
    LibraryImage,
    LibraryModel,
    Verdict,
    Wish,
    look_at,
)
from engine.library.volumes import Spot

MODEL = LibraryModel("m", "model", Categories(("dog", "cat")))
STICK, OTHER = "uuid:stick", "uuid:other"
NAMES = ("a.jpg", "b.jpg")


class Drives:
    """Mount point → the identity of what is mounted there."""

    def __init__(self, **mounted: str) -> None:
        self.mounted = {Path("/media", name): volume for name, volume in mounted.items()}

    def __call__(self, path: Path) -> Spot | None:
        for point, volume in self.mounted.items():
            if path.is_relative_to(point):
                inside = path.relative_to(point).as_posix()
                return Spot(volume, b"" if inside == "." else inside.encode())
        return None


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with open_library(tmp_path / "library.db") as opened:
        opened.add_model(MODEL)
        yield opened


def on(point: str, size: int = 10) -> list[ImageFile]:
    return [ImageFile(Path("/media", point, "DCIM", name), size, 7) for name in NAMES]


def look(library: Library, drives: Drives, files: list[ImageFile]) -> list[int]:
    FolderSpots(library, drives).tell(files)
    return library.add_images(files)


def fill(library: Library, files: list[ImageFile], ids: list[int]) -> None:
    scores = np.array([0.9, 0.1], dtype=np.float32)
    library.record_predictions("m", [Prediction(file.path, "m", scores) for file in files])
    library.decide([Wish(ids[0], "cat", Verdict.ADDED)], who="me", caption="Add")


def known(library: Library, ids: list[int]) -> tuple[list[int], list[int]]:
    stored = library.stored(ids, "m")
    return sorted(stored.scored.tolist()), [image for image, _, _ in stored.verdicts]


def test_photos_keep_scores_and_decisions_under_another_mount_point(library: Library) -> None:
    ids = look(library, Drives(one=STICK), on("one"))
    fill(library, on("one"), ids)
    library.mark_missing(ids)

    again = look(library, Drives(two=STICK), on("two"))

    assert again == ids
    assert known(library, again) == (ids, ids[:1])
    assert {file.path for file in library.files().values()} == {f.path for f in on("two")}


def test_what_was_tagged_anew_before_goes_to_the_known_photo(library: Library) -> None:
    ids = look(library, Drives(one=STICK), on("one"))
    fill(library, on("one"), ids)
    library.add_images(on("two"))  # by an earlier version, say

    assert look(library, Drives(two=STICK), on("two")) == ids
    assert len(library.files()) == 2


def test_another_drive_at_the_same_mount_point_does_not_get_the_first_ones_word(
    library: Library,
) -> None:
    first = look(library, Drives(one=STICK), on("one"))
    fill(library, on("one"), first)
    second = look(library, Drives(one=OTHER), on("one", size=20))
    assert not set(first) & set(second)
    assert known(library, second) == ([], [])

    back = look(library, Drives(two=STICK, one=OTHER), on("two"))
    assert back == first and known(library, back) == (first, first[:1])
    assert look(library, Drives(one=OTHER), on("one", size=20)) == second
    assert look(library, Drives(one=STICK), on("one")) == first


def test_a_copy_that_is_there_beside_the_first_takes_nothing_away(library: Library) -> None:
    ids = look(library, Drives(one=STICK), on("one"))
    copies = look(library, Drives(one=STICK, two=STICK), on("two"))
    assert not set(ids) & set(copies)
    assert look(library, Drives(one=STICK, two=STICK), on("one")) == ids


def test_a_drive_or_share_with_a_new_identity_is_known_by_its_files(library: Library) -> None:
    ids = look(library, Drives(one="share:nas:/x"), on("one"))
    assert look(library, Drives(one="share:10.0.0.7:/x"), on("one")) == ids
    assert look(library, Drives(two="share:10.0.0.7:/x"), on("two")) == ids


def test_where_no_identity_is_known_paths_count(library: Library) -> None:
    ids = look(library, Drives(), on("one"))
    assert look(library, Drives(), on("one")) == ids
    assert not set(look(library, Drives(), on("two"))) & set(ids)


def test_what_the_person_said_of_both_stays_with_both(library: Library) -> None:
    ids = look(library, Drives(one=STICK), on("one"))
    fill(library, on("one"), ids)
    young = library.add_images(on("two"))
    library.decide([Wish(young[0], "dog", Verdict.REJECTED)], who="me", caption="Reject")

    again = look(library, Drives(two=STICK), on("two"))

    assert again == [young[0], ids[1]]
    assert known(library, [*ids, *again])[1].count(young[0]) == 1
    assert ids[0] in known(library, ids)[1]


@pytest.mark.parametrize("is_there", [True, False])
def test_a_copy_found_while_the_drive_is_away_is_not_taken_for_the_photo(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_there: bool
) -> None:
    first = on("stick")
    ids = look(library, Drives(stick=STICK), first)
    fill(library, first, ids)
    copy = tmp_path / "copy.jpg"
    copy.write_bytes(b"photo")
    library.set_hashes([(ids[0], content_hash(copy))])
    found = look_at(copy)
    assert found is not None
    (young,) = library.add_images([found])
    volumes = frozenset({STICK}) if is_there else frozenset({OTHER})
    monkeypatch.setattr(library_maintenance, "volumes_present", lambda: volumes)
    moves = hash_image(library, LibraryImage(young, copy))
    assert bool(moves) == is_there  # then it was deleted there, and this is it
    said = library.stored([ids[0]]).verdicts
    assert said == ((ids[0], "cat", Verdict.ADDED),)
    assert (library.files()[ids[0]].path == copy) == is_there


def test_a_library_of_the_version_before_learns_where_its_photos_lie(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    before = next(i for i, step in enumerate(MIGRATIONS) if "folder_places" in step[0])
    with open_library(path, migrations=MIGRATIONS[:before]) as old:
        ids = old.add_images(on("one"))
    with open_library(path) as library:
        assert look(library, Drives(one=STICK), on("one")) == ids
        assert look(library, Drives(two=STICK), on("two")) == ids
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
