"""Whatever is wrong beside the pixels costs no picture; whatever is missing of them does."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin

from engine.api.errors import ImageError
from engine.data.decoding.decode import decode
from engine.data.decoding.tiles import Tile, TileDecoder
from tests.engine.images import ORIENTATION_TAG, gradient, swapped_profile

END = b"\xff\xd9"
CUT = "The file is damaged: it ends before the picture is complete."


def encoded(kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(gradient()).save(buffer, kind, **options)
    return buffer.getvalue()


def opened(tmp_path: Path, data: bytes) -> np.ndarray:
    (tmp_path / "x").write_bytes(data)
    return decode(tmp_path / "x", None).pixels


def assert_cut(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x").write_bytes(data)
    with pytest.raises(ImageError, match=r"damaged|not supported"):
        decode(tmp_path / "x", None)
    with pytest.raises(ImageError):
        decode(tmp_path / "x", 32)


# PNG


def chunk(name: bytes, body: bytes, *, crc: int | None = None, length: int | None = None) -> bytes:
    crc = zlib.crc32(name + body) if crc is None else crc
    size = len(body) if length is None else length
    return struct.pack(">I", size) + name + body + struct.pack(">I", crc)


def with_chunk(new: bytes, *, behind: bool = False) -> bytes:
    data = encoded("PNG")
    at = len(data) - 12 if behind else 33
    return data[:at] + new + data[at:]


LONG = zlib.compress(bytes(3 << 20))
HUGE_PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes() + bytes(2 << 20)

SIDE_CHUNKS = {
    "zTXt too long": chunk(b"zTXt", b"Comment\0\0" + LONG),
    "iTXt too long": chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + LONG),
    "tEXt long": chunk(b"tEXt", b"Comment\0" + bytes(2 << 20)),
    "iCCP too long": chunk(b"iCCP", b"x\0\0" + zlib.compress(HUGE_PROFILE)),
    "many texts": chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(1 << 20))) * 70,
    "iCCP garbage": chunk(b"iCCP", b"x\0\0garbage"),
    "iCCP method": chunk(b"iCCP", b"x\0\7" + zlib.compress(b"x")),
    "iCCP empty": chunk(b"iCCP", b""),
    "zTXt garbage": chunk(b"zTXt", b"Comment\0\0garbage"),
    "zTXt method": chunk(b"zTXt", b"Comment\0\7garbage"),
    "zTXt empty": chunk(b"zTXt", b""),
    "iTXt empty": chunk(b"iTXt", b""),
    "gAMA short": chunk(b"gAMA", b"\0"),
    "tRNS short": chunk(b"tRNS", b"\0"),
    "pHYs short": chunk(b"pHYs", b"\0"),
    "eXIf garbage": chunk(b"eXIf", b"II*\0\xff\xff\xff\xff"),
    "unknown": chunk(b"vpAg", b"\0" * 9),
    **{
        f"{name.decode()} bad checksum": chunk(name, body, crc=1)
        for name, body in (
            (b"tEXt", b"a\0b"),
            (b"zTXt", b"a\0\0" + zlib.compress(b"b")),
            (b"iTXt", b"a\0\0\0\0\0b"),
            (b"iCCP", b"x\0\0" + zlib.compress(HUGE_PROFILE[: -2 << 20])),
            (b"eXIf", b"II*\0\x08\0\0\0\0\0"),
            (b"tIME", bytes(7)),
            (b"gAMA", bytes(4)),
            (b"sRGB", b"\0"),
            (b"acTL", bytes(8)),
        )
    },
    "tEXt too long a length": chunk(b"tEXt", b"a\0b", length=1 << 30),
    "tEXt too short a length": chunk(b"tEXt", b"a\0" + b"b" * 99, length=3),
}


@pytest.mark.parametrize("name", SIDE_CHUNKS)
@pytest.mark.parametrize("behind", [False, True], ids=["before", "behind"])
def test_no_side_chunk_costs_a_png(tmp_path: Path, name: str, behind: bool) -> None:
    data = with_chunk(SIDE_CHUNKS[name], behind=behind)

    np.testing.assert_array_equal(opened(tmp_path, data), gradient())
    tile = TileDecoder().decode(tmp_path / "x", Tile(0, 0, 96, 64))
    np.testing.assert_array_equal(tile.pixels, gradient())


def test_what_is_sound_of_a_mended_png_still_counts(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ORIENTATION_TAG] = 3
    data = encoded("PNG", exif=exif, icc_profile=swapped_profile())
    data = data[:33] + SIDE_CHUNKS["zTXt too long"] + data[33:]

    pixels = opened(tmp_path, data)

    assert pixels[0, 0, 2] > 200  # red, grown to the right, now at the left and called blue
    assert pixels[0, -1, 2] < 50


@pytest.mark.parametrize("cut", [4, 8, 12, 13, 14])
def test_a_png_without_its_last_bytes_opens_if_its_rows_are_there(tmp_path: Path, cut: int) -> None:
    np.testing.assert_array_equal(opened(tmp_path, encoded("PNG")[:-cut]), gradient())


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_png_with_side_data_that_is_cut_stays_refused(tmp_path: Path, share: float) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 96, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    texts = PngImagePlugin.PngInfo()
    texts.add_text("a", "b")
    Image.fromarray(noise).save(buffer, "PNG", pnginfo=texts)
    data = buffer.getvalue()
    data = data[:33] + SIDE_CHUNKS["zTXt too long"] + data[33:]

    assert_cut(tmp_path, data[: len(data) - int(len(buffer.getvalue()) * (1 - share))])


# JPEG

PHONE = bytes(range(1, 255)) * 4 + b"SEFT"
INNER = encoded("JPEG")
TRAILERS = {
    "nothing": b"",
    "half a mark": b"\xff",
    "zeros": bytes(5000),
    "a phone's": PHONE,
    "another JPEG": INNER,
    "half another JPEG": INNER[: len(INNER) // 2],
    "a film": b"\0\0\0\x18ftypmp42" + bytes(range(256)) * 20,
    "text": b"MotionPhoto_Data" * 30,
}
KINDS = {
    "baseline": {},
    "progressive": {"progressive": True},
    "optimised": {"optimize": True, "subsampling": 0},
    "restarts": {"restart_marker_rows": 1},
    "progressive restarts": {"progressive": True, "restart_marker_blocks": 3},
}


def jpeg_pixels(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)))


@pytest.mark.parametrize("trailer", TRAILERS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_jpeg_without_its_end_mark_opens(tmp_path: Path, kind: str, trailer: str) -> None:
    data = encoded("JPEG", **KINDS[kind])
    assert data.endswith(END)

    pixels = opened(tmp_path, data[:-2] + TRAILERS[trailer])

    np.testing.assert_array_equal(pixels, jpeg_pixels(data))
    small = decode(tmp_path / "x", 24).pixels
    assert small.shape == (16, 24, 3)


@pytest.mark.parametrize("trailer", TRAILERS)
def test_what_follows_the_end_mark_is_of_no_concern(tmp_path: Path, trailer: str) -> None:
    data = encoded("JPEG")

    np.testing.assert_array_equal(opened(tmp_path, data + TRAILERS[trailer]), jpeg_pixels(data))


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_other_colours_need_no_end_mark_either(tmp_path: Path, mode: str) -> None:
    buffer = io.BytesIO()
    Image.fromarray(gradient()).convert(mode).save(buffer, "JPEG")

    pixels = opened(tmp_path, buffer.getvalue()[:-2])

    np.testing.assert_array_equal(pixels, opened(tmp_path, buffer.getvalue()))


@pytest.mark.parametrize("kind", KINDS)
def test_a_jpeg_that_lacks_rows_stays_refused(tmp_path: Path, kind: str) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (96, 96, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, "JPEG", **KINDS[kind])
    data = buffer.getvalue()
    for cut in (30, 300, len(data) // 2):
        assert_cut(tmp_path, data[:-cut])


@pytest.mark.parametrize("trailer", ["a film", "text"])
@pytest.mark.parametrize("kind", ["progressive", "restarts", "progressive restarts"])
def test_a_trailer_does_not_make_up_for_missing_rows(
    tmp_path: Path, kind: str, trailer: str
) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (96, 96, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, "JPEG", **KINDS[kind])
    data = buffer.getvalue()

    assert_cut(tmp_path, data[: len(data) * 2 // 3] + 4 * TRAILERS[trailer])


def test_a_jpeg_cut_between_two_rows_or_two_scans_stays_refused(tmp_path: Path) -> None:
    for kind, mark in (("restarts", b"\xff\xd2"), ("progressive", b"\xff\xda")):
        data = encoded("JPEG", **KINDS[kind])
        assert_cut(tmp_path, data[: data.rindex(mark)])
        assert_cut(tmp_path, data[: data.rindex(mark) + 2])


def with_segment(new: bytes, data: bytes | None = None) -> bytes:
    data = encoded("JPEG") if data is None else data
    return data[:2] + new + data[2:]


def segment(marker: int, body: bytes, length: int | None = None) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2 if length is None else length) + body


SIDE_SEGMENTS = {
    "no length": segment(0xE5, b"abc", 0),
    "a length of one": segment(0xE5, b"abc", 1),
    "too long": segment(0xED, b"Photoshop 3.0\0" + b"x" * 50, 900),
    "beyond the file": segment(0xE4, b"x" * 50, 65535),
    "too short": segment(0xE5, b"x" * 50, 20),
    "too short, with a picture": segment(0xE1, b"Exif\0\0" + bytes(20) + INNER, 20),
    "too long, with a picture": segment(0xE1, b"Exif\0\0" + bytes(20) + INNER, 60000),
    "a broken MPF": segment(0xE2, b"MPF\0II*\0\x08\0\0\0\xff\xff" + bytes(9)),
    "an empty MPF": segment(0xE2, b"MPF\0"),
    "an MPF of text": segment(0xE2, b"MPF\0MM\0*\0\0\0\x08\0\1\xb0\1\0\2\0\0\0\1a\0\0\0"),
    "broken EXIF": segment(0xE1, b"Exif\0\0II*\0\xff\xff\xff\xff"),
    "empty EXIF": segment(0xE1, b"Exif\0\0"),
    "EXIF of no kind": segment(0xE1, b"Exif\0\0XX"),
    "a short JFIF": segment(0xE0, b"JFIF\0"),
    "a short Adobe": segment(0xEE, b"Adobe"),
    "a broken profile": segment(0xE2, b"ICC_PROFILE\0\1\1" + b"x" * 300),
    "a profile without a number": segment(0xE2, b"ICC_PROFILE\0"),
    "half a profile": segment(0xE2, b"ICC_PROFILE\0\1\2" + swapped_profile()[:200]),
    "broken Photoshop data": segment(0xED, b"Photoshop 3.0\0" + b"8BIM\x03\xed\0\0\0\0\0\x02ab"),
    "junk": b"junk between the segments",
    "an unknown mark": b"\xff\x02",
}


@pytest.mark.parametrize("name", SIDE_SEGMENTS)
@pytest.mark.parametrize("end", [END, b""], ids=["end", "no end"])
def test_no_side_segment_costs_a_jpeg(tmp_path: Path, name: str, end: bytes) -> None:
    data = with_segment(SIDE_SEGMENTS[name])[:-2] + end

    np.testing.assert_array_equal(opened(tmp_path, data), jpeg_pixels(encoded("JPEG")))


def test_a_mended_jpeg_keeps_its_orientation_and_profile(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ORIENTATION_TAG] = 6
    whole = encoded("JPEG", exif=exif, icc_profile=swapped_profile())

    mended = opened(tmp_path, with_segment(SIDE_SEGMENTS["too long"], whole)[:-2])

    np.testing.assert_array_equal(mended, opened(tmp_path, whole))
    assert mended.shape == (96, 64, 3)


# BMP


@pytest.mark.parametrize(
    ("mode", "place", "value"),
    [("RGB", 10, 10**6), ("RGB", 10, 0xFFFFFFFF), ("P", 46, 300), ("P", 46, 1 << 31)],
)
def test_a_bmp_opens_whatever_its_header_says_of_places(
    tmp_path: Path, mode: str, place: int, value: int
) -> None:
    buffer = io.BytesIO()
    Image.fromarray(gradient()).convert(mode).save(buffer, "BMP")
    data = bytearray(buffer.getvalue())
    expected = opened(tmp_path, bytes(data))
    struct.pack_into("<I", data, place, value)

    np.testing.assert_array_equal(opened(tmp_path, bytes(data)), expected)


# WebP


def riff(*chunks: tuple[bytes, bytes, int | None]) -> bytes:
    body = b"".join(
        name
        + struct.pack("<I", len(data) if size is None else size)
        + data
        + b"\0" * (len(data) % 2)
        for name, data, size in chunks
    )
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


def test_no_side_chunk_costs_a_webp(tmp_path: Path) -> None:
    pixels = encoded("WEBP", lossless=True)[20:]
    header = b"\x2c\0\0\0" + (95).to_bytes(3, "little") + (63).to_bytes(3, "little")
    for side in (
        [(b"EXIF", b"x" * 9, 5000)],
        [(b"XMP ", b"x" * 9, 0x7FFFFFFF)],
        [(b"????", b"", 0xFFFFFFF0)],
    ):
        data = riff((b"VP8X", header, None), (b"VP8L", pixels, None), *side)
        np.testing.assert_array_equal(opened(tmp_path, data), gradient())


def test_a_webp_that_is_cut_stays_refused(tmp_path: Path) -> None:
    assert_cut(tmp_path, encoded("WEBP", lossless=True)[:-30])
