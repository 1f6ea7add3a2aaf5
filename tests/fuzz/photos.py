"""Targets that are given what lies within photos: EXIF, IPTC, XMP and their containers."""

from __future__ import annotations

import io
import struct
from pathlib import Path

from PIL import Image

from engine.metadata.embedded import read_embedded
from engine.metadata.errors import MetadataError
from engine.metadata.exif import read_camera_facts, read_orientation
from engine.metadata.iptc import read_iptc
from engine.metadata.picture_data import picture_digest
from tests.fuzz.target import Target, check_words, promise, variant

_EXIF, _XMP = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0"
_PHOTOSHOP = b"Photoshop 3.0\x008BIM\x04\x04\0\0"


def _segment(kind: int, body: bytes) -> bytes:
    body = body[:65_000]
    return bytes([0xFF, kind]) + struct.pack(">H", len(body) + 2) + body


def _photo(way: int, body: bytes) -> bytes:
    """A file as it is, or a JPEG of which a block is."""
    start, end = b"\xff\xd8", b"\xff\xda\0\2\xff\xd9"
    if way == 1:
        return start + _segment(0xE1, _EXIF + body) + end
    if way == 2:
        return start + _segment(0xE1, _XMP + body) + end
    if way == 3:
        return start + _segment(0xED, _PHOTOSHOP + struct.pack(">I", len(body)) + body) + end
    return body


def _embedded(data: bytes, folder: Path) -> None:
    way, body = variant(data, 4)
    path = folder / "photo.jpg"
    path.write_bytes(_photo(way, body))
    facts = read_camera_facts(path)
    promise(facts.latitude is None or -90 <= facts.latitude <= 90, "a latitude is one")
    promise(facts.width is None or facts.width > 0, "a width is one")
    promise(1 <= read_orientation(path) <= 8, "an orientation is one")
    said = read_embedded(path)
    promise(said.values.rating is None or -1 <= said.values.rating <= 5, "a rating is one")
    promise(picture_digest(path) == picture_digest(path), "a digest is always the same")
    for fault in said.faults:
        check_words(fault)
    read_iptc(body)


def _seeds() -> list[bytes]:
    image = Image.new("RGB", (8, 6))
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x0112] = "Canon", "EOS R5", 6
    exif.get_ifd(0x8769).update({0x9003: "2024:05:17 12:00:00", 0x829A: (1, 250), 0x8827: 100})
    place = {1: "N", 2: (52.0, 30.0, 1.5), 3: "W", 4: (13.0, 20.0, 2.0)}
    exif.get_ifd(0x8825).update(place)
    exif[0x9C9E] = "dog;cat".encode("utf-16-le")
    found = [b"1" + exif.tobytes().removeprefix(_EXIF)]
    for kind in ("JPEG", "PNG", "WEBP", "TIFF", "AVIF", "GIF", "BMP"):
        with io.BytesIO() as file:
            extra = {} if kind in ("GIF", "BMP") else {"exif": exif}
            image.save(file, kind, **extra)
            found.append(b"0" + file.getvalue())
    packet = b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/>'
    iptc = b"\x1c\x01\x5a\0\3\x1b%G" + b"\x1c\x02\x19\0\3dog" + b"\x1c\x02\5\0\4walk"
    return [*found, b"2" + packet, b"3" + iptc]


TARGETS = {
    "photos": Target(
        _embedded,
        (MetadataError,),
        _seeds,
        (
            "II*\0",
            "MM\0*",
            "Exif\0\0",
            "ftypheic",
            "meta",
            "iloc",
            "iinf",
            "infe",
            "iprp",
            "RIFF",
            "WEBP",
            "EXIF",
            "XMP ",
            "eXIf",
            "iTXt",
            "8BIM",
            "uuid",
            "moov",
            "JXL ",
            "Exif",
        ),
    ),
}
