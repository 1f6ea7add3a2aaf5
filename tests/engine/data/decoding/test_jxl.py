from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.api.errors import ImageError
from engine.data.decoding.decode import decode
from engine.data.decoding.pool import DecodePool, DecodeRequest
from engine.data.decoding.tiles import Tile, TileDecoder
from engine.data.kinds import IMAGE_SUFFIXES
from tests.engine.images import gradient, save_oriented, swapped_profile

library = pytest.importorskip("pylibjxl")


def written(folder: Path, pixels: np.ndarray, **options: object) -> Path:
    path = folder / "x.jxl"
    path.write_bytes(library.encode(np.ascontiguousarray(pixels), lossless=True, **options))
    return path


def test_a_jpeg_xl_opens_and_tiles_are_cut_out_of_it(tmp_path: Path) -> None:
    path = written(tmp_path, gradient())

    np.testing.assert_array_equal(decode(path, None).pixels, gradient())
    assert decode(path, 48).pixels.shape == (32, 48, 3)
    tile = TileDecoder().decode(path, Tile(8, 16, 40, 56))
    np.testing.assert_array_equal(tile.pixels, gradient()[16:56, 8:40])
    assert ".jxl" in IMAGE_SUFFIXES


def test_what_is_transparent_is_white_and_grey_is_grey(tmp_path: Path) -> None:
    alpha = np.zeros((64, 96, 1), np.uint8)
    alpha[:, :48] = 255
    pixels = decode(written(tmp_path, np.dstack([gradient(), alpha])), None).pixels

    np.testing.assert_array_equal(pixels[:, :48], gradient()[:, :48])
    assert pixels[:, 48:].min() == 255


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_what_was_a_jpeg_is_turned_once(tmp_path: Path, orientation: int) -> None:
    jpeg = save_oriented(tmp_path / "x.jpg", orientation)
    path = tmp_path / "x.jxl"
    path.write_bytes(library.jpeg_to_jxl(jpeg.read_bytes()))

    pixels = decode(path, None).pixels
    assert pixels.shape == gradient().shape
    assert np.abs(pixels.astype(int) - decode(jpeg, None).pixels).mean() < 3


def test_colours_go_through_the_profile(tmp_path: Path) -> None:
    jpeg, path = tmp_path / "x.jpg", tmp_path / "x.jxl"
    Image.fromarray(gradient()).save(jpeg, quality=95, icc_profile=swapped_profile())
    path.write_bytes(library.jpeg_to_jxl(jpeg.read_bytes()))

    wanted = decode(jpeg, None).pixels
    assert np.abs(decode(path, None).pixels.astype(int) - wanted).mean() < 4


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_one_that_is_cut_is_refused(tmp_path: Path, share: float) -> None:
    path = written(tmp_path, gradient())
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])

    with DecodePool(1) as pool:
        (result,) = pool.map([DecodeRequest(path, 64)])
    assert isinstance(result, ImageError)
    assert "damaged" in str(result)


def test_without_the_package_the_message_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, gradient())
    monkeypatch.setitem(sys.modules, "pylibjxl", None)

    with pytest.raises(ImageError, match="pip install pylibjxl"):
        decode(path, None)
