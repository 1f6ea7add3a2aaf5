from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.api.errors import ImageError
from engine.api.values import PixelArray
from engine.data.decoding.decode import decode
from engine.data.decoding.pool import DecodePool, DecodeRequest
from engine.data.decoding.tiles import Tile, TileDecoder
from tests.engine.images import gradient, save_image, save_oriented, swapped_profile

WIDTH, HEIGHT = 151, 101
INSIDE = Tile(32, 24, 104, 88)
WHOLE = Tile(0, 0, WIDTH, HEIGHT)
CORNER = Tile(96, 64, 200, 200)


def cut(pixels: PixelArray, tile: Tile) -> PixelArray:
    return pixels[tile.top : tile.bottom, tile.left : tile.right]


def shrunk(pixels: PixelArray, factor: int) -> PixelArray:
    return np.asarray(Image.fromarray(pixels).reduce(factor))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("ending", ["jpg", "png", "tif", "webp"])
def test_a_tile_is_cut_out_of_the_upright_picture(
    tmp_path: Path, ending: str, orientation: int
) -> None:
    path = save_oriented(tmp_path / f"x.{ending}", orientation, gradient(WIDTH, HEIGHT))
    whole = decode(path, None)

    for tile in (INSIDE, WHOLE, CORNER):
        read = TileDecoder().decode(path, tile)

        assert (read.width, read.height) == (WIDTH, HEIGHT)
        np.testing.assert_array_equal(read.pixels, cut(whole.pixels, tile))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("ending", ["jpg", "png", "tif", "webp"])
def test_a_reduced_tile_is_cut_out_of_the_reduced_picture(
    tmp_path: Path, ending: str, orientation: int
) -> None:
    """151 and 101 are multiples of nothing, so the blocks must begin at the upright corner."""
    path = save_oriented(tmp_path / f"x.{ending}", orientation, gradient(WIDTH, HEIGHT))
    whole = shrunk(decode(path, None).pixels, 4)

    for tile in (INSIDE, WHOLE, CORNER):
        small = Tile(tile.left // 4, tile.top // 4, -(-tile.right // 4), -(-tile.bottom // 4))
        read = TileDecoder().decode(
            path, Tile(tile.left, tile.top, tile.right, tile.bottom, reduction=4)
        )

        np.testing.assert_array_equal(read.pixels, cut(whole, small))


@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_a_reduced_jpeg_leaves_out_detail_and_stays_in_place(
    tmp_path: Path, orientation: int
) -> None:
    path = save_oriented(tmp_path / "x.jpg", orientation, gradient(320, 160))

    read = TileDecoder().decode(path, Tile(64, 32, 320, 160, reduction=2))

    expected = cut(shrunk(decode(path, None).pixels, 2), Tile(32, 16, 160, 80))
    assert read.pixels.shape == expected.shape
    assert np.abs(read.pixels.astype(int) - expected)[..., :2].max() <= 6


@pytest.mark.parametrize("mode", ["L", "1", "P", "RGBA", "CMYK", "I;16", "F"])
def test_every_kind_of_pixels_becomes_the_same_colours(tmp_path: Path, mode: str) -> None:
    whole = Image.fromarray(gradient(WIDTH, HEIGHT))
    whole = whole.convert("L").convert(mode) if mode == "I;16" else whole.convert(mode)
    whole.save(tmp_path / "x.tif")

    read = TileDecoder().decode(tmp_path / "x.tif", INSIDE).pixels

    np.testing.assert_array_equal(read, cut(decode(tmp_path / "x.tif", None).pixels, INSIDE))


def test_an_embedded_profile_is_applied(tmp_path: Path) -> None:
    path = save_image(tmp_path / "x.png", icc_profile=swapped_profile())

    read = TileDecoder().decode(path, Tile(16, 16, 48, 48)).pixels

    whole = decode(path, None).pixels
    np.testing.assert_array_equal(read, whole[16:48, 16:48])
    assert not np.array_equal(whole, gradient())


class Admitted(list[int]):
    """Counts what is decoded: the pixels of each picture."""


def read(decoder: TileDecoder, path: Path, tile: Tile, admitted: Admitted) -> PixelArray:
    return decoder.decode(path, tile, admitted.append).pixels


def test_a_picture_is_decoded_once_for_many_tiles(tmp_path: Path) -> None:
    path, decoder, admitted = save_image(tmp_path / "x.png"), TileDecoder(), Admitted()

    for left in range(0, 96, 32):
        read(decoder, path, Tile(left, 0, left + 32, 64), admitted)
    read(decoder, path, Tile(0, 0, 96, 64, reduction=4), admitted)

    assert admitted == [96 * 64]
    decoder.forget()
    assert not decoder.is_keeping
    read(decoder, path, Tile(0, 0, 8, 8), admitted)
    assert admitted == [96 * 64] * 2


def test_finer_tiles_have_a_jpeg_decoded_again_and_coarser_ones_do_not(tmp_path: Path) -> None:
    path, decoder, admitted = save_image(tmp_path / "x.jpg", 160, 80), TileDecoder(), Admitted()

    for reduction in (4, 8, 2, 4, 1, 2):
        read(decoder, path, Tile(0, 0, 80, 80, reduction), admitted)

    assert admitted == [40 * 20, 80 * 40, 160 * 80]


def test_a_file_that_is_another_one_now_is_read_anew(tmp_path: Path) -> None:
    path, decoder, admitted = tmp_path / "x.png", TileDecoder(), Admitted()
    save_image(path)
    read(decoder, path, Tile(0, 0, 8, 8), admitted)
    Image.new("RGB", (96, 64), "red").save(tmp_path / "y.png")
    (tmp_path / "y.png").replace(path)

    assert (read(decoder, path, Tile(0, 0, 8, 8), admitted) == (255, 0, 0)).all()


def test_no_more_pixels_are_kept_than_the_limit_but_for_one_picture(tmp_path: Path) -> None:
    one, other = save_image(tmp_path / "one.png"), save_image(tmp_path / "other.png", 50, 50)
    decoder, admitted, tile = TileDecoder(kept_pixels=7000), Admitted(), Tile(0, 0, 8, 8)

    for path in (one, one, other, other, one):
        read(decoder, path, tile, admitted)

    assert admitted == [96 * 64, 2500, 96 * 64]


def test_a_tile_beside_the_picture_says_that_the_photo_is_another_one(tmp_path: Path) -> None:
    path = save_image(tmp_path / "x.png")

    with pytest.raises(ImageError, match="another size now"):
        TileDecoder().decode(path, Tile(96, 0, 120, 64))


def test_what_is_broken_says_why(tmp_path: Path) -> None:
    path = save_image(tmp_path / "x.png")
    path.write_bytes(path.read_bytes()[:200])

    for broken, why in ((path, "ends before"), (tmp_path / "gone.png", "no longer there")):
        with pytest.raises(ImageError, match=why):
            TileDecoder().decode(broken, INSIDE)


def save_hollow_bmp(path: Path, width: int, height: int) -> Path:
    """A black picture whose pixels take no room on the disk."""
    Image.new("RGB", (1, 1)).save(path)
    head = bytearray(path.read_bytes()[:54])
    head[18:26] = width.to_bytes(4, "little") + height.to_bytes(4, "little")
    size = 54 + -(-3 * width // 4) * 4 * height
    head[2:6], head[34:38] = size.to_bytes(4, "little"), (size - 54).to_bytes(4, "little")
    path.write_bytes(head)
    os.truncate(path, size)
    return path


@pytest.mark.slow
def test_the_largest_picture_that_is_opened_stays_within_the_memory_of_a_process(
    tmp_path: Path,
) -> None:
    """150 megapixels, and 200 that are refused before anything is decoded."""
    largest = save_hollow_bmp(tmp_path / "150.bmp", 15_000, 10_000)
    larger = save_hollow_bmp(tmp_path / "200.bmp", 20_000, 10_000)
    tile = Tile(14_500, 9_500, 15_012, 10_012)

    with DecodePool(1) as pool:
        small = pool.submit(DecodeRequest(save_image(tmp_path / "x.png"), tile=Tile(0, 0, 8, 8)))
        read = pool.submit(DecodeRequest(largest, tile=tile)).result()
        refused = pool.submit(DecodeRequest(larger, tile=tile)).exception()

    assert small.result().pixels.shape == (8, 8, 3)
    assert read.pixels.shape == (500, 500, 3)
    assert str(refused) == "The picture has 200 megapixels; at most 150 are opened."


@pytest.mark.slow
def test_a_photo_of_200_megapixels_is_seen_but_for_its_finest_detail(tmp_path: Path) -> None:
    path = tmp_path / "200.jpg"
    Image.new("L", (20_000, 10_000), 70).save(path)
    tile = Tile(8192, 4096, 9216, 5120, reduction=2)

    with DecodePool(1) as pool:
        small = pool.submit(DecodeRequest(path, 448)).result()
        half = pool.submit(DecodeRequest(path, tile=tile)).result()
        refused = pool.submit(DecodeRequest(path, tile=Tile(0, 0, 512, 512))).exception()

    assert (small.width, small.height, small.pixels.shape) == (20_000, 10_000, (224, 448, 3))
    assert half.pixels.shape == (512, 512, 3)
    assert (half.pixels == 70).all()
    assert str(refused) == "The picture has 200 megapixels; at most 150 are opened."


@pytest.mark.slow
def test_a_picture_beyond_the_memory_of_a_process_says_so(tmp_path: Path) -> None:
    path = save_hollow_bmp(tmp_path / "x.bmp", 12_000, 10_000)

    with DecodePool(1, memory_limit=300 << 20) as pool:
        refused = pool.submit(DecodeRequest(path, tile=Tile(0, 0, 512, 512))).exception()

    assert str(refused) == "The picture needs more memory than a single picture may have."


def test_all_tiles_come_from_one_process_and_pictures_from_others(tmp_path: Path) -> None:
    """A second process would decode the whole picture once more."""
    path = save_image(tmp_path / "x.png")
    with DecodePool(4) as pool:
        wanted = [DecodeRequest(path, tile=Tile(x, 0, x + 8, 8)) for x in range(0, 96, 8)]
        futures = [pool.submit(request) for request in (*wanted, DecodeRequest(path))]

        for request, future in zip(wanted, futures, strict=False):
            assert request.tile is not None
            np.testing.assert_array_equal(future.result().pixels, cut(gradient(), request.tile))
        assert futures[-1].result().pixels.shape == (64, 96, 3)
        assert len(pool._processes) == 2
