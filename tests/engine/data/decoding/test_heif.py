from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.api.errors import ImageError
from engine.data.decoding.decode import decode
from engine.data.decoding.heif import is_heif
from engine.data.decoding.pool import DecodePool, DecodeRequest
from engine.data.decoding.tiles import Tile, TileDecoder
from tests.engine.heif_files import HEIF_FILES, stored, with_property, with_size
from tests.engine.images import gradient

NEAR = 12


def written(folder: Path, data: bytes, name: str = "x.heic") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def assert_near(pixels: np.ndarray, wanted: np.ndarray) -> None:
    assert pixels.shape == wanted.shape
    assert np.abs(pixels.astype(int) - wanted).mean() < NEAR


@pytest.mark.parametrize("name", ["plain.heic", "deep.hif", "two.heif"])
def test_a_heif_opens_with_its_primary_image(name: str) -> None:
    image = decode(HEIF_FILES / name, None)

    assert_near(image.pixels, gradient())


def test_what_is_transparent_is_white() -> None:
    pixels = decode(HEIF_FILES / "alpha.heic", None).pixels

    assert_near(pixels[:, :46], gradient()[:, :46])
    assert pixels[:, 52:].min() > 240


def test_colours_go_through_the_profile() -> None:
    pixels = decode(HEIF_FILES / "profile.heic", None).pixels

    assert_near(pixels, gradient()[..., ::-1])


@pytest.mark.parametrize("turns", range(4))
def test_it_is_turned_once_by_its_own_property(tmp_path: Path, turns: int) -> None:
    data = with_property(stored(), b"irot", bytes([turns]))
    path = written(tmp_path, data)
    upright = np.rot90(gradient(), turns)

    whole = decode(path, None)
    small = decode(path, 48)
    tile = TileDecoder().decode(path, Tile(8, 16, 40, 56))

    assert_near(whole.pixels, upright)
    assert (small.width, small.height) == upright.shape[1::-1]
    np.testing.assert_array_equal(tile.pixels, whole.pixels[16:56, 8:40])


@pytest.mark.parametrize(("axis", "flipped"), [(0, 0), (1, 1)])
def test_it_is_mirrored_by_its_own_property(tmp_path: Path, axis: int, flipped: int) -> None:
    data = with_property(stored(), b"imir", bytes([axis]))

    assert_near(decode(written(tmp_path, data), None).pixels, np.flip(gradient(), flipped))


def test_the_exif_that_repeats_the_turn_does_not_turn_it_again() -> None:
    """The file has no turn of its own; its EXIF says 6, as that of a phone does beside ``irot``."""
    image = decode(HEIF_FILES / "turned-exif.heic", None)

    assert_near(image.pixels, gradient())


def test_a_photo_of_a_phone_s_kind_is_shrunk(tmp_path: Path) -> None:
    with DecodePool(1) as pool:
        (image,) = pool.map([DecodeRequest(HEIF_FILES / "cat.heic", 100)])

    assert not isinstance(image, ImageError)
    assert image.pixels.shape == (67, 100, 3)
    with Image.open("resources/samples/cat.jpg") as cat:
        assert_near(image.pixels, np.asarray(cat.resize((100, 67))))


@pytest.mark.parametrize("share", [0.02, 0.1, 0.3, 0.6, 0.99])
def test_one_that_is_cut_is_refused(tmp_path: Path, share: float) -> None:
    data = stored()
    path = written(tmp_path, data[: int(len(data) * share)])

    wanted = "ends before the picture is complete" if share > 0.1 else "damaged"
    with pytest.raises(ImageError, match=wanted):
        decode(path, None)


@pytest.mark.parametrize("size", [(30_000, 20_000), (13_000, 12_000), (65_535, 65_535)])
def test_one_of_a_huge_stated_size_is_refused(tmp_path: Path, size: tuple[int, int]) -> None:
    path = written(tmp_path, with_size(stored(), *size))

    for read in (lambda: decode(path, 64), lambda: TileDecoder().decode(path, Tile(0, 0, 9, 9))):
        with pytest.raises(ImageError, match="megapixels; at most 150"):
            read()


@pytest.mark.parametrize("size", [(1, 1), (200, 200), (95, 64), (9_000, 9_000)])
def test_one_of_a_wrong_stated_size_is_damaged(tmp_path: Path, size: tuple[int, int]) -> None:
    path = written(tmp_path, with_size(stored(), *size))

    with pytest.raises(ImageError, match="damaged"):
        decode(path, None)


@pytest.mark.parametrize("at", range(40, 1000, 97))
def test_a_broken_byte_never_is_more_than_a_message(tmp_path: Path, at: int) -> None:
    data = bytearray(stored())
    data[at] ^= 0xFF
    path = written(tmp_path, bytes(data))

    try:
        decode(path, None)
    except ImageError as error:
        assert str(error).endswith(".")


def test_without_the_package_the_message_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "pi_heif", None)

    with pytest.raises(ImageError, match="pip install pi-heif"):
        decode(HEIF_FILES / "plain.heic", None)


def test_heif_is_told_by_its_brands() -> None:
    assert is_heif(b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic")
    assert is_heif(b"\0\0\0\x18ftypheix\0\0\0\0mif1heix")
    assert not is_heif(b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif")
    assert not is_heif(b"\0\0\0\x18ftypisom\0\0\0\0mp41heic")
    file = io.BytesIO()
    Image.fromarray(gradient()).save(file, "AVIF")
    assert not is_heif(file.getvalue()[:64])


@pytest.mark.parametrize(
    "junk", [b"\xff" * 16, b"II*\0\xff\xff\xff\x7f", b"MM\0*\0\0\0\x08\xff\xff"]
)
def test_a_broken_exif_does_not_cost_the_picture(tmp_path: Path, junk: bytes) -> None:
    data = stored("turned-exif.heic")
    at = data.index(b"MM\0*") if b"MM\0*" in data else data.index(b"II*\0")
    path = written(tmp_path, data[:at] + junk + data[at + len(junk) :])

    assert_near(decode(path, None).pixels, gradient())
