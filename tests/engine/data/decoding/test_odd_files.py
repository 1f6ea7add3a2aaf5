"""Files that are sound but odd: pages beside the photo, unusual depths, types of tags."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from engine.api.errors import ImageError
from engine.data.decoding.decode import decode
from engine.data.decoding.tiles import Tile, TileDecoder
from tests.engine.images import gradient
from tests.engine.tiff_files import LONG, SHORT, Entry, tiff

PLAIN = gradient()
SMALL = np.asarray(Image.fromarray(PLAIN).resize((24, 16)))
MASK = np.zeros((64, 96), np.uint8)
REDUCED: Mapping[int, Entry] = {254: (LONG, [1])}
OLD_REDUCED: Mapping[int, Entry] = {255: (SHORT, [2])}
IS_MASK: Mapping[int, Entry] = {254: (LONG, [4]), 262: (SHORT, [1])}


def opened(tmp_path: Path, data: bytes) -> NDArray[np.uint8]:
    (tmp_path / "x").write_bytes(data)
    pixels = decode(tmp_path / "x", None).pixels
    height, width = pixels.shape[:2]
    tile = TileDecoder().decode(tmp_path / "x", Tile(0, 0, width, height))
    np.testing.assert_array_equal(tile.pixels, pixels)
    return pixels


# Pages


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    ("pages", "inner"),
    [
        ([(PLAIN, {}), (SMALL, REDUCED)], 0),
        ([(SMALL, REDUCED), (PLAIN, {})], 0),
        ([(SMALL, OLD_REDUCED), (PLAIN, {})], 0),
        ([(SMALL, REDUCED), (SMALL[::2], REDUCED), (PLAIN, {})], 0),
        ([(SMALL, REDUCED), (PLAIN, REDUCED)], 0),
        ([(MASK, IS_MASK), (PLAIN, {})], 0),
        ([(SMALL, {}), (PLAIN, {})], 0),
        ([(SMALL, REDUCED), (PLAIN, {})], 1),
        ([(SMALL, REDUCED), (SMALL[::2], REDUCED), (PLAIN, {})], 2),
        ([(PLAIN, {}), (SMALL, REDUCED)], 1),
        ([(PLAIN, {}), (np.repeat(PLAIN, 3, 1), {})], 0),
    ],
)
def test_the_page_of_a_tiff_that_is_the_photo_is_taken(
    tmp_path: Path,
    pages: list[tuple[NDArray[np.uint8], Mapping[int, Entry]]],
    inner: int,
    order: str,
) -> None:
    np.testing.assert_array_equal(opened(tmp_path, tiff(pages, order=order, inner=inner)), PLAIN)


def test_pages_that_lead_nowhere_cost_no_photo(tmp_path: Path) -> None:
    nowhere = bytearray(tiff([(PLAIN, {}), (SMALL, {})]))
    at = nowhere.index(struct.pack("<I", len(tiff([(PLAIN, {})]))))
    for target in (8, 0xFFFFFFF0, 3):
        struct.pack_into("<I", nowhere, at, target)
        np.testing.assert_array_equal(opened(tmp_path, bytes(nowhere)), PLAIN)


def test_directories_below_a_thumbnail_that_lead_nowhere_leave_the_thumbnail(
    tmp_path: Path,
) -> None:
    tags = {**REDUCED, 330: (LONG, [0xFFFFFFF0, 3, 8])}
    np.testing.assert_array_equal(opened(tmp_path, tiff([(SMALL, tags)])), SMALL)


# Depths


def png(values: NDArray[np.uint16]) -> bytes:
    height, width = values.shape[:2]
    colour = {1: 0, 2: 4, 3: 2, 4: 6}[1 if values.ndim == 2 else values.shape[2]]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)

    def chunk(name: bytes, body: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(name + body))
        return struct.pack(">I", len(body)) + name + body + checksum

    header = struct.pack(">IIBBBBB", width, height, 16, colour, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def written(kind: str, values: NDArray[np.uint16]) -> bytes:
    if kind == "png":
        return png(values)
    tags: dict[int, Entry] = (
        {338: (SHORT, [2])} if values.ndim == 3 and values.shape[2] == 4 else {}
    )
    data = tiff([(values, tags)], order=">" if kind == "big" else "<")
    if kind != "lzw":
        return data
    buffer = io.BytesIO()
    Image.open(io.BytesIO(data)).save(buffer, "TIFF", compression="tiff_lzw")
    return buffer.getvalue()


def assert_close(actual: NDArray[np.uint8], expected: NDArray[np.uint8]) -> None:
    assert actual.shape == expected.shape
    assert np.abs(actual.astype(int) - expected.astype(int)).max() <= 1


@pytest.mark.parametrize("kind", ["png", "little", "big"])
@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_few_bits_in_16_are_as_bright_as_meant(
    tmp_path: Path, kind: str, bits: int, channels: int
) -> None:
    white = 2**bits - 1
    colour = np.rint(PLAIN / 255 * white).astype(np.uint16)
    alpha = np.full((64, 96, 1), white, np.uint16)
    values = {1: colour[..., 0], 3: colour, 4: np.concatenate([colour, alpha], 2)}[channels]
    expected = PLAIN if channels > 1 else np.repeat(PLAIN[..., :1], 3, 2)

    assert_close(opened(tmp_path, written(kind, values)), expected)


def test_compressed_grey_of_12_bits_is_no_blacker(tmp_path: Path) -> None:
    values = np.rint(PLAIN[..., 0] / 255 * 4095).astype(np.uint16)

    assert_close(opened(tmp_path, written("lzw", values)), np.repeat(PLAIN[..., :1], 3, 2))


def test_a_picture_that_is_black_stays_black(tmp_path: Path) -> None:
    for channels in (1, 3, 4):
        shape = (8, 9) if channels == 1 else (8, 9, channels)
        values = np.zeros(shape, np.uint16)
        if channels == 4:
            values[..., 3] = 65535
        assert not opened(tmp_path, png(values)).any()


def test_zero_may_be_white(tmp_path: Path) -> None:
    values = PLAIN[..., 0].astype(np.uint16) * 257

    pixels = opened(tmp_path, tiff([(values, {262: (SHORT, [0])})]))

    assert_close(pixels, 255 - np.repeat(PLAIN[..., :1], 3, 2))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("kind", ["float16", "float32", "float64", "uint16"])
def test_a_tiff_of_unusual_numbers_opens(
    tmp_path: Path, kind: str, channels: int, order: str
) -> None:
    white = 1.0 if kind.startswith("f") else float(np.iinfo(kind).max)
    values = np.full((64, 96, channels), white, kind)
    colours = 3 if channels > 2 else 1
    values[..., :colours] = (PLAIN[..., :colours] / 255.0 * white).astype(kind)
    extra: dict[int, Entry] = {338: (SHORT, [2])} if channels in (2, 4) else {}
    turned: dict[int, Entry] = {274: (SHORT, [3])}

    page = values if channels > 1 else values[..., 0]
    pixels = opened(tmp_path, tiff([(page, {**extra, **turned})], order=order))

    expected = PLAIN if colours == 3 else np.repeat(PLAIN[..., :1], 3, 2)
    assert_close(pixels, expected[::-1, ::-1])


def test_lights_brighter_than_white_do_not_make_the_rest_black(tmp_path: Path) -> None:
    for values in (PLAIN / 255.0 * 1.5, PLAIN[..., 0] / 255.0 * 1.5):
        pixels = opened(tmp_path, tiff([(values.astype(np.float32), {})]))
        assert pixels.max() == 255
        assert pixels.mean() > 90


def test_an_odd_tiff_that_is_cut_or_too_large_stays_refused(tmp_path: Path) -> None:
    data = tiff([((PLAIN / 255).astype(np.float32), {})])
    large: dict[int, Entry] = {256: (LONG, [200_000]), 257: (LONG, [200_000])}
    for broken in (data[:-40_000], tiff([((PLAIN / 255).astype(np.float32), large)])):
        (tmp_path / "x").write_bytes(broken)
        with pytest.raises(ImageError):
            decode(tmp_path / "x", None)


# Orientation


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    "entry",
    [(3, [6]), (4, [6]), (1, [6]), (2, b"6\0"), (2, b"6"), (3, [6, 6]), (11, [6.0]), (12, [6.0])],
)
@pytest.mark.parametrize("kind", ["jpg", "png", "tif"])
def test_an_orientation_of_an_odd_type_counts(
    tmp_path: Path, order: str, entry: Entry, kind: str
) -> None:
    assert oriented(tmp_path, order, entry, kind).shape == (96, 64, 3)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    "entry", [(3, []), (3, [0]), (3, [9]), (4, [70000]), (2, b"up\0"), (11, [6.5]), (12, [np.nan])]
)
@pytest.mark.parametrize("kind", ["jpg", "png", "tif"])
def test_an_orientation_without_sense_is_upright(
    tmp_path: Path, order: str, entry: Entry, kind: str
) -> None:
    assert oriented(tmp_path, order, entry, kind).shape == (64, 96, 3)


def oriented(tmp_path: Path, order: str, entry: Entry, kind: str) -> NDArray[np.uint8]:
    data = tiff([(PLAIN, {274: entry})], order=order)
    if kind != "tif":
        exif = tiff([(np.zeros((1, 1), np.uint8), {274: entry})], order=order)
        buffer = io.BytesIO()
        Image.fromarray(PLAIN).save(
            buffer, {"jpg": "JPEG"}.get(kind, kind), exif=b"Exif\0\0" + exif
        )
        data = buffer.getvalue()
    return opened(tmp_path, data)
