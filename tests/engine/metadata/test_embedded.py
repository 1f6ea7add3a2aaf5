from __future__ import annotations

import io
import json
import random
import struct
import subprocess
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, PngImagePlugin

from engine.metadata import xmp
from engine.metadata.embedded import read_embedded
from engine.metadata.errors import MetadataError
from engine.metadata.exif import read_camera_facts
from engine.metadata.reading import metadata_of
from engine.metadata.values import Changes
from tests.programs import needs_program

CHANGES = Changes(add=(("animal", "dog"), ("Grüße",)), rating=4, title="A day", orientation=6)
PACKET = xmp.merged(None, CHANGES)
WORDS = ("dog", "Grüße")

needs_exiftool = needs_program("exiftool")


def picture(path: Path, **options: object) -> Path:
    Image.new("RGB", (24, 16), "red").save(path, **options)  # type: ignore[arg-type]
    return path


def png_text(*chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG with these chunks behind its pixels."""
    file = io.BytesIO()
    Image.new("L", (5, 7)).save(file, "png")
    end = file.getvalue().index(b"IEND") - 4
    made = b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )
    return file.getvalue()[:end] + made + file.getvalue()[end:]


def iptc(*fields: tuple[int, int, bytes]) -> bytes:
    return b"".join(struct.pack(">BBBH", 28, *one[:2], len(one[2])) + one[2] for one in fields)


def photoshop(block: bytes) -> bytes:
    other = b"8BIM" + struct.pack(">HBB", 0x03ED, 1, 65) + struct.pack(">I", 3) + b"abc\0"
    padded = block + b"\0" * (len(block) % 2)
    return other + b"8BIM\x04\x04\0\0" + struct.pack(">I", len(block)) + padded


def segment(code: int, data: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, code, len(data) + 2) + data


def jpeg_with(*segments: bytes) -> bytes:
    file = io.BytesIO()
    Image.new("L", (5, 7)).save(file, "jpeg")
    return file.getvalue()[:2] + b"".join(segments) + file.getvalue()[2:]


def box(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data) + 8) + name + data


def jxl() -> bytes:
    return b"\0\0\0\x0cJXL \r\n\x87\n" + box(b"ftyp", b"jxl \0\0\0\0jxl ") + box(b"xml ", PACKET)


def cr3() -> bytes:
    """As Canon writes them: directories apart, XMP in a box of its own."""
    model = struct.pack("<HHII", 0x0110, 2, 4, int.from_bytes(b"R5\0\0", "little"))
    taken = struct.pack("<HHII", 0x9003, 2, 20, 26)
    first = b"II*\0" + struct.pack("<IH", 8, 1) + model + bytes(4)
    second = b"II*\0" + struct.pack("<IH", 8, 1) + taken + bytes(4) + b"2024:05:01 12:30:05\0"
    canon = bytes.fromhex("85c0b687820f11e08111f4ce462b6a48")
    adobe = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
    inner = box(b"uuid", canon + box(b"CMT1", first) + box(b"CMT2", second))
    return (
        box(b"ftyp", b"crx \0\0\0\1crx isom") + box(b"moov", inner) + box(b"uuid", adobe + PACKET)
    )


def info() -> PngImagePlugin.PngInfo:
    found = PngImagePlugin.PngInfo()
    found.add_itxt("XML:com.adobe.xmp", PACKET.decode(), zip=True)
    return found


MAKERS: dict[str, Callable[[Path], object]] = {
    "a.jpg": lambda path: picture(path, xmp=PACKET),
    "a.webp": lambda path: picture(path, xmp=PACKET),
    "a.tif": lambda path: picture(path, tiffinfo={700: PACKET}),
    "a.png": lambda path: picture(path, pnginfo=info()),
    "a.avif": lambda path: picture(path, xmp=PACKET),
    "behind.png": lambda path: path.write_bytes(
        png_text((b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + PACKET))
    ),
    "magick.png": lambda path: path.write_bytes(
        png_text(
            (
                b"zTXt",
                b"Raw profile type xmp\0\0"
                + zlib.compress(b"\nxmp\n  %d\n%s\n" % (len(PACKET), PACKET.hex().encode())),
            )
        )
    ),
    "a.jxl": lambda path: path.write_bytes(jxl()),
    "a.cr3": lambda path: path.write_bytes(cr3()),
}


@pytest.mark.parametrize("name", MAKERS)
def test_the_packet_within_a_photo_is_read(tmp_path: Path, name: str) -> None:
    MAKERS[name](tmp_path / name)
    found = read_embedded(tmp_path / name)
    assert found.faults == ()
    assert found.values.keywords == WORDS
    assert found.values.paths[0] == ("animal", "dog")
    assert (found.values.rating, found.values.title) == (4, "A day")
    assert found.values.orientation is None  # that of the pixels stands in EXIF


def test_facts_of_a_cr3_lie_in_two_directories(tmp_path: Path) -> None:
    (tmp_path / "a.cr3").write_bytes(cr3())
    facts = read_camera_facts(tmp_path / "a.cr3")
    assert (facts.camera, facts.taken) == ("R5", "2024-05-01T12:30:05")


def test_facts_of_an_avif_are_read(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0110] = "Phone 9"
    picture(tmp_path / "a.avif", exif=exif)
    assert read_camera_facts(tmp_path / "a.avif").camera == "Phone 9"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ([(1, 90, b"\x1b%G"), (2, 25, "Grüße".encode()), (2, 25, b"dog")], ("Grüße", "dog")),
        ([(2, 25, "Grüße".encode())], ("Grüße",)),  # UTF-8 that does not say so
        ([(2, 25, "Grüße".encode("cp1252")), (2, 25, b"")], ("Grüße",)),
    ],
)
@pytest.mark.parametrize("place", ["jpg", "split", "tif", "png"])
def test_keywords_of_iptc_are_read(
    tmp_path: Path, place: str, fields: list[tuple[int, int, bytes]], words: tuple[str, ...]
) -> None:
    block = iptc(*fields, (2, 5, b"A day"))
    path = tmp_path / f"a.{place.replace('split', 'jpg')}"
    if place == "jpg":
        path.write_bytes(jpeg_with(segment(0xED, b"Photoshop 3.0\0" + photoshop(block))))
    elif place == "split":  # a block that goes on in the next segment
        data = photoshop(block)
        halves = (data[:30], data[30:])
        path.write_bytes(jpeg_with(*(segment(0xED, b"Photoshop 3.0\0" + one) for one in halves)))
    elif place == "png":
        hexed = photoshop(block).hex().encode()
        text = b"Raw profile type iptc\0\0" + zlib.compress(b"\niptc\n  9\n" + hexed)
        path.write_bytes(png_text((b"zTXt", text)))
    else:
        picture(path, tiffinfo={33723: block})
    found = read_embedded(path).values
    assert (found.keywords, found.title) == (words, "A day")


def test_keywords_and_stars_of_windows_are_read(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x9C9E] = "dog;two  words;;Grüße".encode("utf-16-le") + b"\0\0"
    exif[0x4746] = 3
    picture(tmp_path / "a.jpg", exif=exif)
    found = read_embedded(tmp_path / "a.jpg").values
    assert (found.keywords, found.rating) == (("dog", "two words", "Grüße"), 3)


def test_a_packet_in_several_segments_is_read_whole(tmp_path: Path) -> None:
    more = xmp.merged(None, Changes(add=(("far",),)))
    digest = b"0" * 32
    half = len(more) // 2
    name = b"http://ns.adobe.com/xmp/extension/\0"
    parts = [
        segment(0xE1, name + digest + struct.pack(">II", len(more), place) + more[place:][:half])
        for place in (half, 2 * half, 0)  # in whatever order
    ]
    packet = segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + PACKET)
    (tmp_path / "a.jpg").write_bytes(jpeg_with(packet, *parts))
    assert read_embedded(tmp_path / "a.jpg").values.keywords == (*WORDS, "far")


def test_a_broken_packet_is_named_and_the_rest_is_read(tmp_path: Path) -> None:
    broken = segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta><rdf")
    block = segment(0xED, b"Photoshop 3.0\0" + photoshop(iptc((2, 25, b"dog"))))
    (tmp_path / "a.jpg").write_bytes(jpeg_with(broken, block))
    found = read_embedded(tmp_path / "a.jpg")
    assert found.values.keywords == ("dog",)
    assert len(found.faults) == 1
    assert "a.jpg" in found.faults[0]


@pytest.mark.parametrize(
    "content", [b"", b"x", b"\xff\xd8", b"II*\0", b"RIFF    WEBP", b"text" * 9]
)
def test_what_is_no_picture_says_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.jpg").write_bytes(content)
    assert read_embedded(tmp_path / "a.jpg").values.keywords == ()


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(MetadataError, match=r"a\.jpg"):
        read_embedded(tmp_path / "a.jpg")
    assert metadata_of(tmp_path / "a.jpg").faults


def test_a_text_that_grows_when_unpacked_stays_small(tmp_path: Path) -> None:
    packed = zlib.compress(b" " * 60_000_000, 1)
    content = png_text((b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + packed))
    (tmp_path / "a.png").write_bytes(content)
    assert read_embedded(tmp_path / "a.png").values.keywords == ()


@pytest.mark.parametrize("name", MAKERS)
def test_no_broken_bytes_and_no_cut_raise(tmp_path: Path, name: str) -> None:
    MAKERS[name](tmp_path / name)
    whole = (tmp_path / name).read_bytes()
    chance = random.Random(4)
    for number in range(100):
        broken = bytearray(whole[: chance.randrange(len(whole))] if number % 3 == 0 else whole)
        for _ in range(min(8, len(broken))):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        (tmp_path / "b").write_bytes(broken)
        read_embedded(tmp_path / "b")
        read_camera_facts(tmp_path / "b")


def test_the_sidecar_says_more_than_the_photo_and_keywords_of_both_count(tmp_path: Path) -> None:
    photo = picture(tmp_path / "a.jpg", xmp=PACKET)
    beside = xmp.merged(None, Changes(add=(("cat",),), rating=1))
    (tmp_path / "a.jpg.xmp").write_bytes(beside)
    found = metadata_of(photo)
    assert found.values.keywords == ("cat", *WORDS)
    assert (found.values.rating, found.values.title, found.faults) == (1, "A day", ())


def test_a_broken_sidecar_is_named_and_the_photo_is_read(tmp_path: Path) -> None:
    photo = picture(tmp_path / "a.jpg", xmp=PACKET)
    (tmp_path / "a.jpg.xmp").write_bytes(b"<broken")
    found = metadata_of(photo)
    assert found.values.keywords == WORDS
    assert len(found.faults) == 1


@needs_exiftool
@pytest.mark.parametrize("ending", ["jpg", "png", "webp", "tif", "avif", "jxl"])
def test_what_exiftool_writes_is_read(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a.{ending}"
    if ending == "jxl":
        path.write_bytes(b"\0\0\0\x0cJXL \r\n\x87\n" + box(b"ftyp", b"jxl \0\0\0\0jxl "))
    else:
        picture(path)
    with_iptc = [] if ending in ("webp", "avif", "jxl") else ["-IPTC:Keywords=old"]
    orders = ["-XMP-dc:Subject=dog", "-XMP-dc:Subject=Grüße", "-XMP:Rating=2", *with_iptc]
    subprocess.run(["exiftool", "-q", "-m", *orders, str(path)], check=True)
    found = read_embedded(path)
    said = subprocess.run(
        ["exiftool", "-j", "-XMP-dc:Subject", str(path)], check=True, capture_output=True
    )
    assert json.loads(said.stdout)[0]["Subject"] == ["dog", "Grüße"]
    assert found.values.keywords == (*WORDS, *(["old"] if with_iptc else []))
    assert found.values.rating == 2
