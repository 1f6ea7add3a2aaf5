from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.api.errors import ImageError
from engine.api.values import DecodedImage
from engine.data import away
from engine.data.away import AwayFolders, read_ends
from engine.data.decoding.pool import DecodePool, DecodeRequest
from tests.engine.data.decoding.hooks import misbehave
from tests.engine.images import save_image

LIMIT_S = 0.2


class Disk:
    """Files in folders called ``away`` hang until the disk is back."""

    def __init__(self) -> None:
        self.back = threading.Event()
        self.asked = 0

    def __call__(self, path: Path) -> None:
        self.asked += 1
        if path.parent.name == "away":
            self.back.wait()
        if not path.exists():
            raise FileNotFoundError(path)


@pytest.fixture
def disk() -> Iterator[Disk]:
    made = Disk()
    yield made
    made.back.set()


def test_a_folder_that_does_not_answer_is_asked_about_once_in_a_while(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = AwayFolders(disk, LIMIT_S)
    photo = Path("/media/away/a.jpg")
    folders.check(photo)  # nothing is suspected
    with pytest.raises(ImageError, match="does not answer"):
        folders.suspect(photo)
    for name in ("a.jpg", "b.jpg"):
        with pytest.raises(ImageError, match="does not answer"):
            folders.check(photo.with_name(name))
    folders.check(Path("/media/here/a.jpg"))
    assert disk.asked == 1

    monkeypatch.setattr(away, "_ASK_AGAIN_AFTER_S", 0.0)
    folders.check(Path("/media/here/a.jpg"))
    with pytest.raises(ImageError):
        folders.suspect(photo)
    disk.back.set()
    folders.check(photo)
    folders.check(photo)
    assert disk.asked == 3


def test_of_a_disk_that_answers_nothing_is_suspected(disk: Disk, tmp_path: Path) -> None:
    folders = AwayFolders(disk, LIMIT_S)
    folders.suspect(tmp_path / "gone.jpg")  # that there is no such file is an answer
    folders.check(tmp_path / "gone.jpg")


@pytest.mark.slow
def test_a_job_goes_on_with_the_rest_when_a_disk_hangs(disk: Disk, tmp_path: Path) -> None:
    for folder in ("away", "here"):
        (tmp_path / folder).mkdir()
    paths = [
        *(tmp_path / "away" / name for name in ("hang.png", "b.png", "c.png")),
        *(save_image(tmp_path / "here" / name) for name in ("d.png", "e.png")),
    ]
    for path in paths[:3]:
        save_image(path)
    folders = AwayFolders(disk, LIMIT_S)

    with DecodePool(1, timeout_s=2.0, _decode=misbehave, _away=folders) as pool:
        found = list(pool.map(map(DecodeRequest, paths)))

    assert ["does not answer" in str(image) for image in found] == [True] * 3 + [False] * 2
    assert all(isinstance(image, DecodedImage) for image in found[3:])
    assert disk.asked == 1


def test_pipes_are_not_opened_to_see_whether_they_answer(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.jpg")
    read_ends(tmp_path / "x.jpg")
