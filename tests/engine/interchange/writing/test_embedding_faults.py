"""An ExifTool that fails, lies or vanishes costs nothing: each photo is as it was."""

from __future__ import annotations

import shutil
from collections import namedtuple
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from engine.interchange.exporting.choice import ExportChoice
from engine.interchange.writing import embedding, job
from engine.interchange.writing.embed_check import PictureCheck
from engine.interchange.writing.values import Target, WriteOptions
from engine.library.opening import open_library
from engine.library.store import Library
from engine.library.values import Verdict, Wish, look_at
from engine.metadata.embedded import read_embedded
from engine.metadata.exiftool import ExifTool
from tests.engine.interchange.writing.embedding_parts import MAKERS, needs_exiftool
from tests.engine.interchange.writing.parts import contents, finished
from tests.engine.metadata.fakes import fake_exiftool

pytestmark = needs_exiftool


@pytest.fixture
def place(tmp_path: Path) -> Path:
    found = tmp_path / "photos"
    found.mkdir()
    for name in ("a.jpg", "b.jpg"):
        MAKERS["rich jpeg"][1](found / name)
    return found


@pytest.fixture
def library(tmp_path: Path, place: Path) -> Iterator[Library]:
    with open_library(tmp_path / "library.db") as opened:
        ids = opened.add_images([file for path in place.iterdir() if (file := look_at(path))])
        wishes = [Wish(image, "dog", Verdict.ADDED) for image in ids]
        opened.decide(wishes, who="me", caption="Test")
        yield opened


def steps(library: Library, place: Path, program: Path) -> job.Steps:
    choice = ExportChoice(library.ids_below(place, recursive=True))
    how = WriteOptions(Target.EMBED, may_change_photos=True, exiftool=str(program))
    return job.write(library, choice, how)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("hang", "took too long"),
        ("die", "ended before it was done"),
        ("vanish", "ended before it was done"),
        ("cut", "would"),
        ("repaint", "would change its picture"),
        ("lose field", "XMP-xmp:Rating"),
        ("lose label", "dog"),
        ("nothing", "nothing was written"),
    ],
)
def test_a_photo_that_exiftool_would_not_write_well_stays_as_it_is(
    library: Library,
    place: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fault: str,
    said: str,
) -> None:
    patience_s = 1.0 if fault == "hang" else 60.0
    monkeypatch.setattr(embedding, "ExifTool", partial(ExifTool, timeout_s=patience_s))
    before = contents(place)
    program = fake_exiftool(tmp_path, fault)
    report = finished(steps(library, place, program))
    assert report.written == 0
    assert [path.name for path, _ in report.refused] == ["a.jpg", "b.jpg"]
    assert said in report.refused[0][1]
    assert all("left alone" in why or "is no program" in why for _, why in report.refused)
    assert contents(place) == before
    assert library.last_write() is None


@pytest.mark.slow
def test_a_full_disk_pauses_and_goes_on(
    library: Library, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(100))
    program = fake_exiftool(tmp_path, "full")
    work = steps(library, place, program)
    assert "full" in next(work).paused
    assert next(work).paused
    program.with_name("fault").write_text("none")
    assert finished(work).written == 2
    assert set(contents(place)) == {"a.jpg", "b.jpg"}


@pytest.mark.slow
def test_an_undo_without_exiftool_says_so_and_can_be_done_later(
    library: Library, place: Path
) -> None:
    program = Path(shutil.which("exiftool") or "")
    assert finished(steps(library, place, program)).written == 2
    report = finished(job.undo(library, "/nowhere/exiftool"))
    assert (report.written, len(report.refused)) == (0, 2)
    assert "/nowhere/exiftool" in report.refused[0][1]
    assert finished(job.undo(library)).written == 2
    assert set(read_embedded(place / "a.jpg").values.keywords) == {"Rome"}


@pytest.mark.slow
def test_a_photo_that_changes_while_it_is_written_is_left_alone(
    library: Library, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish, meddled = PictureCheck.finish, []

    def meddle(self: PictureCheck, new: Path) -> None:
        finish(self, new)
        if not meddled:
            with (place / "a.jpg").open("ab") as file:
                meddled.append(file.write(b"more"))

    monkeypatch.setattr(PictureCheck, "finish", meddle)
    before = (place / "a.jpg").read_bytes()
    report = finished(steps(library, place, Path("exiftool")))
    assert "another program" in report.refused[0][1]
    assert (place / "a.jpg").read_bytes() == before + b"more"


@pytest.mark.slow
def test_a_cancelled_write_keeps_what_is_written_and_can_be_undone(
    library: Library, place: Path
) -> None:
    work = steps(library, place, Path("exiftool"))
    assert next(work).rewritten
    work.close()
    words = [set(read_embedded(path).values.keywords) for path in sorted(place.iterdir())]
    assert words == [{"Rome", "dog"}, {"Rome"}]
    assert finished(job.undo(library)).written == 1
