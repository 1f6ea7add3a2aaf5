from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest

from engine.library.cameras import CameraFacts, taken_ns
from engine.library.columns import NOT_TAKEN
from engine.library.opening import open_library
from engine.library.store import Library
from engine.library.values import ImageFile, look_at
from engine.metadata import camera_reading
from engine.metadata.camera_reading import AskedFile, keep_missing, read_and_keep
from tests.engine.metadata.camera_photos import WHOLE, written


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with open_library(tmp_path / "library.db") as opened:
        yield opened


@pytest.fixture
def asked(tmp_path: Path, library: Library) -> list[AskedFile]:
    """A photo that says everything, one that says nothing, one more in another folder."""
    (tmp_path / "more").mkdir()
    (tmp_path / "b.jpg").write_bytes(b"no picture")
    paths = [written(tmp_path / "a.jpg"), tmp_path / "b.jpg", written(tmp_path / "more" / "c.jpg")]
    files = [file for path in paths if (file := look_at(path))]
    ids = library.add_images(files)
    return [AskedFile(i * 10, ids[i], file) for i, file in enumerate(files)]


def read(library: Library, asked: list[AskedFile], **options: float) -> dict[int, CameraFacts]:
    found: dict[int, CameraFacts] = {}
    for part in read_and_keep(library, asked, **options):
        found |= part.facts
    return found


def test_each_photo_is_read_and_kept_once(library: Library, asked: list[AskedFile]) -> None:
    assert read(library, asked) == {0: WHOLE, 10: CameraFacts(), 20: WHOLE}
    ids = [each.image_id for each in asked]
    assert library.camera_facts(ids) == dict(zip(ids, (WHOLE, CameraFacts(), WHOLE), strict=True))
    known = library.dates_and_cameras(ids)
    assert sorted(known.image_ids.tolist()) == ids
    moment = int(datetime(2024, 5, 1, 12, 30, 5).timestamp()) * 10**9
    assert sorted(known.taken_ns.tolist()) == [NOT_TAKEN, moment, moment]
    assert sorted(known.cameras) == ["", "Acme X100", "Acme X100"]


def test_only_what_nobody_read_is_read(library: Library, asked: list[AskedFile]) -> None:
    ids = [each.image_id for each in asked]
    library.set_camera_facts({ids[0]: CameraFacts(camera="Known")})
    for _ in keep_missing(library, ids):
        pass
    assert library.camera_facts(ids)[ids[0]].camera == "Known"
    assert library.camera_facts(ids)[ids[2]] == WHOLE


def _remove(path: Path) -> None:
    path.unlink()


def _change(path: Path) -> None:
    os.utime(path, ns=(1, 1))


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("happens", [_remove, _change, _pipe, _folder])
def test_a_file_that_is_another_one_now_says_nothing_and_nothing_is_kept(
    library: Library, asked: list[AskedFile], happens: Callable[[Path], None]
) -> None:
    happens(asked[0].file.path)
    assert read(library, asked) == {0: CameraFacts(), 10: CameraFacts(), 20: WHOLE}
    assert asked[0].image_id not in library.camera_facts([each.image_id for each in asked])


def test_what_was_read_of_a_file_before_it_changed_is_not_kept(
    library: Library, asked: list[AskedFile]
) -> None:
    image_id, file = asked[0].image_id, asked[0].file
    library.add_images([ImageFile(file.path, file.size + 1, file.mtime_ns)])
    library.set_camera_facts({image_id: WHOLE}, {image_id: file})
    assert library.camera_facts([image_id]) == {}


def test_a_photo_that_the_library_does_not_know_is_read_all_the_same(
    library: Library, asked: list[AskedFile]
) -> None:
    assert read(library, [AskedFile(7, 0, asked[0].file)]) == {7: WHOLE}


def test_a_folder_that_does_not_answer_holds_up_no_other(
    library: Library, asked: list[AskedFile], monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = threading.Event()
    real = camera_reading.read_camera_facts

    def slow(path: Path) -> CameraFacts:
        if path.name == "a.jpg":
            answers.wait(30.0)
        return real(path)

    monkeypatch.setattr(camera_reading, "read_camera_facts", slow)
    try:
        found = read(library, asked, limit_s=0.05)
    finally:
        answers.set()
    assert found == {0: CameraFacts(), 10: CameraFacts(), 20: WHOLE}


@pytest.mark.parametrize(
    "text", ["", "soon", "2024-13-01T00:00:00", "0001-01-01T00:00:00", "9999-12-31T23:59:59"]
)
def test_a_moment_that_no_count_can_hold_is_none(text: str) -> None:
    assert taken_ns(text) == NOT_TAKEN
