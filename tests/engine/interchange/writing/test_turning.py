from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from engine.api.values import PixelArray
from engine.data.decoding.decode import decode
from engine.data.decoding.turning import HALF, LEFT, RIGHT, orientation_beside
from engine.interchange.writing import job
from engine.interchange.writing.turning import turn
from engine.library.opening import open_library
from engine.library.store import Library
from engine.metadata.sidecars import values_of
from tests.engine.heif_files import stored, with_property
from tests.engine.images import gradient, save_image, save_oriented
from tests.engine.interchange.writing.parts import contents, finished, write
from tests.engine.raw_files import Preview, dng, jpeg, write_dng

BY = {RIGHT: -1, LEFT: 1, HALF: 2}


def jpegs(orientation: int) -> Callable[[Path], Path]:
    return lambda folder: save_oriented(folder / "x.jpg", orientation, gradient())


def raws(orientation: int, *, developed: bool) -> Callable[[Path], Path]:
    preview = None if developed else Preview(jpeg(gradient(192, 128)))
    data = dng(preview=preview, orientation=orientation)
    return lambda folder: write_dng(folder / "x.dng", data)


def heics(data: bytes) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = folder / "x.heic"
        path.write_bytes(data)
        return path

    return make


KINDS = {
    **{f"jpeg {code}": jpegs(code) for code in range(1, 9)},
    **{f"raw {code}": raws(code, developed=False) for code in (1, 3, 6, 8)},
    **{f"developed raw {code}": raws(code, developed=True) for code in (1, 6)},
    "heic": heics(stored()),
    "heic turned": heics(with_property(stored(), b"irot", bytes([1]))),
    "heic turned, as its exif says": heics(stored("turned-exif.heic")),
    "png": lambda folder: save_image(folder / "x.png"),
    "tiff": lambda folder: save_image(folder / "x.tif"),
    "webp": lambda folder: save_image(folder / "x.webp"),
}


def turned(library: Library, photo: Path, by: int) -> None:
    (step,) = turn(library, [photo], by)
    assert step.photo == photo and not step.problem


def near(found: PixelArray, wanted: PixelArray) -> bool:
    return found.shape == wanted.shape and bool(
        np.abs(found.astype(int) - wanted.astype(int)).mean() < 3
    )


@pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)
def test_a_photo_turns_as_it_is_shown_and_is_not_touched(
    tmp_path: Path, library: Library, make: Callable[[Path], Path]
) -> None:
    photo = make(tmp_path)
    before, facts = photo.read_bytes(), photo.stat()
    shown = decode(photo, None).pixels

    for by, quarters in BY.items():
        turned(library, photo, by)
        shown = np.rot90(shown, quarters)
        assert near(decode(photo, None).pixels, shown)

    assert photo.read_bytes() == before and photo.stat().st_mtime_ns == facts.st_mtime_ns


def test_four_quarters_are_none(tmp_path: Path, library: Library) -> None:
    photo = save_oriented(tmp_path / "a.jpg", 6)
    for _ in range(4):
        turned(library, photo, RIGHT)
    assert orientation_beside(photo) == 6


def test_it_is_undone_after_a_restart_byte_for_byte(
    tmp_path: Path, folder: Path, library: Library
) -> None:
    write(library, folder)
    before = contents(folder)
    photos = [folder / "a.jpg", folder / "unseen.jpg"]
    assert [step.problem for step in turn(library, photos, LEFT)] == ["", ""]
    assert contents(folder) != before
    library.close()

    with open_library(tmp_path / "library.db") as again:
        last = again.last_write()
        assert last is not None and (last.caption, last.files) == ("Rotate 2 photos", 2)
        assert finished(job.undo(again)).written == 2

    assert contents(folder) == before


def test_what_the_sidecar_says_else_stays(folder: Path, library: Library) -> None:
    write(library, folder)
    before = values_of(folder / "a.jpg")
    turned(library, folder / "a.jpg", RIGHT)
    now = values_of(folder / "a.jpg")
    assert (now.orientation, now.keywords, now.entries) == (6, before.keywords, before.entries)
    assert write(library, folder).written == 0


def test_photos_that_share_a_sidecar_turn_alone(tmp_path: Path, library: Library) -> None:
    one, other = save_image(tmp_path / "a.jpg"), save_image(tmp_path / "a.png")
    turned(library, save_image(tmp_path / "b.jpg"), RIGHT)
    (tmp_path / "b.jpg.xmp").rename(tmp_path / "a.xmp")

    turned(library, one, RIGHT)

    assert (orientation_beside(one), orientation_beside(other)) == (3, 6)


BAD = {
    "broken sidecar": lambda photo: Path(f"{photo}.xmp").write_text("<broken"),
    "folder in its place": lambda photo: Path(f"{photo}.xmp").mkdir(),
    "gone": lambda photo: photo.unlink(),
}


@pytest.mark.parametrize("spoil", BAD.values(), ids=BAD)
def test_what_cannot_be_turned_is_named_and_the_rest_goes_on(
    folder: Path, library: Library, spoil: Callable[[Path], object]
) -> None:
    spoil(folder / "a.jpg")
    before = {path: path.is_file() and path.read_bytes() for path in folder.iterdir()}

    steps = list(turn(library, [folder / "a.jpg", folder / "b.png"], RIGHT))

    assert steps[0].problem and not steps[1].problem
    after = {path: path.is_file() and path.read_bytes() for path in before}
    assert after == before and orientation_beside(folder / "b.png") == 6


def test_a_stop_leaves_the_rest(folder: Path, library: Library) -> None:
    steps = turn(library, [folder / "a.jpg", folder / "b.png"], RIGHT)
    next(steps)
    steps.close()
    assert orientation_beside(folder / "b.png") is None
    last = library.last_write()
    assert last is not None and last.files == 1
