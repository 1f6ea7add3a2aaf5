from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.api.errors import ImageError
from engine.data.decoding.decode import decode
from engine.data.decoding.tiles import Tile, TileDecoder
from tests.engine.images import gradient, save_image
from tests.engine.raw_files import Preview, dng, jpeg, write_dng

WIDE = gradient(192, 128)
TURNS = {1: 0, 3: 2, 6: 3, 8: 1}


def near(pixels: np.ndarray, wanted: np.ndarray, within: float = 12) -> bool:
    return pixels.shape == wanted.shape and np.abs(pixels.astype(int) - wanted).mean() < within


def half(pixels: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(pixels).reduce(2))


@pytest.mark.parametrize("name", ["x.dng", "x.DNG", "x.tif", "x", "x.nef"])
def test_the_preview_is_shown(tmp_path: Path, name: str) -> None:
    path = write_dng(tmp_path / name)

    assert near(decode(path, None).pixels, WIDE)


@pytest.mark.parametrize("orientation", TURNS)
def test_a_preview_is_turned_once_by_what_the_raw_says(tmp_path: Path, orientation: int) -> None:
    data = dng(preview=Preview(jpeg(WIDE)), orientation=orientation)

    assert_upright(write_dng(tmp_path / "x.dng", data), np.rot90(WIDE, TURNS[orientation]))


@pytest.mark.parametrize("orientation", TURNS)
def test_a_preview_is_turned_once_if_it_says_so_too(tmp_path: Path, orientation: int) -> None:
    data = dng(preview=Preview(jpeg(WIDE, orientation)), orientation=orientation)

    assert_upright(write_dng(tmp_path / "x.dng", data), np.rot90(WIDE, TURNS[orientation]))


@pytest.mark.parametrize("orientation", [6, 8])
@pytest.mark.parametrize("own", [None, 1])
def test_a_preview_that_stands_already_is_left_alone(
    tmp_path: Path, orientation: int, own: int | None
) -> None:
    upright = np.rot90(WIDE, TURNS[orientation])
    data = dng(preview=Preview(jpeg(upright, own)), orientation=orientation)

    assert_upright(write_dng(tmp_path / "x.dng", data), upright)


def assert_upright(path: Path, upright: np.ndarray) -> None:
    whole = decode(path, None)
    small = decode(path, 96)
    tile = TileDecoder().decode(path, Tile(8, 16, 40, 56))

    assert near(whole.pixels, upright)
    assert (small.width, small.height) == (whole.width, whole.height) == upright.shape[1::-1]
    np.testing.assert_array_equal(tile.pixels, whole.pixels[16:56, 8:40])


@pytest.mark.parametrize("orientation", TURNS)
@pytest.mark.parametrize("preview", [None, Preview(jpeg(gradient(48, 32))), Preview(b"", 9)])
def test_without_a_useful_preview_it_is_developed_in_half_size(
    tmp_path: Path, orientation: int, preview: Preview | None
) -> None:
    if preview is not None and not preview.data:
        preview = Preview(jpeg(WIDE), 10**9)  # says that it reaches beyond the file
    data = dng(preview=preview, orientation=orientation)
    path = write_dng(tmp_path / "x.dng", data)
    upright = np.rot90(half(WIDE), TURNS[orientation])

    whole = decode(path, None)
    tile = TileDecoder().decode(path, Tile(8, 16, 40, 46))

    assert near(whole.pixels, upright, 30)  # LibRaw stretches what is dark
    assert (whole.width, whole.height) == upright.shape[1::-1]
    np.testing.assert_array_equal(tile.pixels, whole.pixels[16:46, 8:40])


@pytest.mark.parametrize("share", [0.001, 0.1, 0.5, 0.99])
@pytest.mark.parametrize("preview", [None, Preview(jpeg(WIDE))])
def test_one_that_is_cut_is_refused(tmp_path: Path, share: float, preview: Preview | None) -> None:
    data = dng(preview=preview)
    path = write_dng(tmp_path / "x.dng", data[: int(len(data) * share)])

    with pytest.raises(ImageError, match=r"damaged|not a picture"):
        decode(path, None)


def test_one_of_a_huge_stated_size_is_refused(tmp_path: Path) -> None:
    path = write_dng(tmp_path / "x.dng", dng(size=(60_000, 60_000)))

    with pytest.raises(ImageError, match="3,600 megapixels; at most 150"):
        decode(path, None)


def test_one_whose_pixels_are_not_there_is_refused(tmp_path: Path) -> None:
    path = write_dng(tmp_path / "x.dng", dng(size=(9_000, 9_000)))

    with pytest.raises(ImageError, match="ends before the picture is complete"):
        decode(path, None)


@pytest.mark.parametrize("at", range(8, 200, 17))
def test_a_broken_byte_never_is_more_than_a_message(tmp_path: Path, at: int) -> None:
    data = bytearray(dng(preview=Preview(jpeg(WIDE))))
    data[-at] ^= 0xFF
    path = write_dng(tmp_path / "x.dng", bytes(data))

    try:
        decode(path, None)
    except ImageError as error:
        assert str(error).endswith(".")


@pytest.mark.parametrize("name", ["x.dng", "x.nef"])
def test_a_plain_picture_with_a_raw_s_name_opens(tmp_path: Path, name: str) -> None:
    made = save_image(tmp_path / "x.tif")
    path = made.rename(tmp_path / name)

    assert near(decode(path, None).pixels, gradient())


@pytest.mark.parametrize("ending", ["tif", "jpg", "png"])
def test_an_ordinary_picture_is_no_raw(
    tmp_path: Path, ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "rawpy", None)

    assert near(decode(save_image(tmp_path / f"x.{ending}"), None).pixels, gradient())


@pytest.mark.parametrize(
    "head",
    [
        *(b"II*\0\x10\0\0\0CR\2\0", b"IIRO\x08\0\0\0", b"IIU\0\x18\0\0\0"),
        *(b"FUJIFILMCCD-RAW 0201", b"\0\0\0\x18ftypcrx \0\0\0\1crx isom"),
        *(b"FOVb\0\0\2\0", b"\0MRM\0\0\0\0"),
    ],
)
def test_broken_ones_of_many_cameras_are_refused(tmp_path: Path, head: bytes) -> None:
    path = write_dng(tmp_path / "x.cr2", head + bytes(range(256)) * 8)

    with pytest.raises(ImageError, match=r"kind of RAW photo that is not supported|ends before"):
        decode(path, None)


def test_without_the_package_the_message_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "rawpy", None)

    with pytest.raises(ImageError, match="pip install rawpy"):
        decode(write_dng(tmp_path / "x.dng"), None)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")  # when the test puts it in
@pytest.mark.parametrize(
    "junk", [b"\xff" * 16, b"II*\0\xff\xff\xff\x7f", b"MM\0*\0\0\0\x08\xff\xff"]
)
def test_a_broken_exif_of_the_preview_does_not_cost_the_picture(
    tmp_path: Path, junk: bytes
) -> None:
    preview = jpeg(WIDE, 6)
    at = preview.index(b"Exif\0\0") + 6
    preview = preview[:at] + junk + preview[at + len(junk) :]
    path = write_dng(tmp_path / "x.dng", dng(preview=Preview(preview), orientation=6))

    assert near(decode(path, None).pixels, np.rot90(WIDE, TURNS[6]))
