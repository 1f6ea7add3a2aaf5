"""Photos with all that must survive when labels are written into them."""

from __future__ import annotations

import functools
import hashlib
import json
import shutil
import struct
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from PIL import Image, ImageCms

from engine.interchange.writing.values import Target, WriteOptions
from tests.programs import needs_program

EMBED = WriteOptions(Target.EMBED, may_change_photos=True)
needs_exiftool = needs_program("exiftool")
HEIF = Path(__file__).parents[4] / "tests" / "data" / "heif"
TRAILER = b"MotionPhoto_Data" + bytes(range(256)) * 20

XMP_NAME = b"http://ns.adobe.com/xap/1.0/\0"
_MORE = b"http://ns.adobe.com/xmp/extension/\0"


def exif_of_all(paths: Sequence[Path], *options: str) -> list[dict[str, Any]]:
    """What ExifTool, run by itself, says of photos."""
    command = ["exiftool", "-config", "", "-j", "-G1", "-struct", *options, "--", *map(str, paths)]
    out = subprocess.run(command, check=True, capture_output=True).stdout
    found: list[dict[str, Any]] = json.loads(out)
    return found


def exif_of(path: Path, *options: str) -> dict[str, Any]:
    """The same of one photo."""
    return exif_of_all([path], *options)[0]


def exiftool(path: Path, *options: str) -> None:
    command = [
        "exiftool",
        "-config",
        "",
        "-q",
        "-q",
        "-m",
        "-overwrite_original",
        *options,
        str(path),
    ]
    subprocess.run(command, check=True, capture_output=True)


def _frames() -> list[Image.Image]:
    return [Image.new("RGB", (40, 30), (60 * n, 200 - 40 * n, 90)) for n in range(3)]


def plain(path: Path) -> None:
    _frames()[1].save(path)


def several(path: Path) -> None:
    """Frames of an animation, pages, or the further pictures of an MPO."""
    first, *rest = _frames()
    extra = {"format": "MPO"} if path.suffix == ".jpg" else {}
    first.save(path, save_all=True, append_images=rest, **extra)


def _made_once(make: Callable[[Path], None]) -> Callable[[Path], None]:
    """The same photo each time, for a start of ExifTool once for each kind of file."""
    made: dict[str, bytes] = {}

    @functools.wraps(make)
    def put(path: Path) -> None:
        if path.suffix not in made:
            make(path)
            made[path.suffix] = path.read_bytes()
        path.write_bytes(made[path.suffix])

    return put


@_made_once
def rich(path: Path) -> None:
    """A profile, a camera's facts, and keywords, a title and places of others."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x0112] = "Kamera", "Modell 1", 6
    if path.suffix != ".tif":  # of a TIFF it would have to be understood, to be moved
        exif.get_ifd(0x8769)[0x927C] = b"MAKER\0" + bytes(range(200))
    exif.get_ifd(0x8769)[0x9003] = "2024:05:06 07:08:09"
    _frames()[2].save(path, icc_profile=profile, exif=exif.tobytes())
    theirs = ["-XMP-dc:Subject=Rome", "-XMP-dc:Title=Früh", "-XMP-xmp:Rating=4"]
    theirs += ["-XMP-lr:HierarchicalSubject=Places|Rome", "-XMP-iptcExt:LocationShownCity=Roma"]
    if path.suffix in (".jpg", ".tif"):
        theirs += ["-IPTC:Keywords=Rome", "-IPTC:Caption-Abstract=Plain words"]
    exiftool(path, *theirs)


def motion(path: Path) -> None:
    """A film behind the picture, as phones write it."""
    plain(path)
    path.write_bytes(path.read_bytes() + TRAILER)


def long_xmp(path: Path) -> None:
    """XMP that goes on in further segments, as phones write depth maps."""
    plain(path)
    head = b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    head += b'<rdf:Description rdf:about="" xmlns:GImage="http://ns.google.com/photos/1.0/image/" '
    more = b'<x:xmpmeta xmlns:x="adobe:ns:meta/">' + head
    more += b'GImage:Data="' + b"QUJD" * 20_000 + b'"/></rdf:RDF></x:xmpmeta>'
    digest = hashlib.md5(more, usedforsecurity=False).hexdigest().upper().encode()
    packet = b'<x:xmpmeta xmlns:x="adobe:ns:meta/">' + head + b'GImage:Mime="image/jpeg" '
    packet += b'xmlns:xmpNote="http://ns.adobe.com/xmp/note/" xmpNote:HasExtendedXMP="' + digest
    packet += b'"/></rdf:RDF></x:xmpmeta>'
    segments = segment(XMP_NAME + packet)
    for place in range(0, len(more), 60_000):
        place_in_all = struct.pack(">II", len(more), place)
        segments += segment(_MORE + digest + place_in_all + more[place : place + 60_000])
    data = path.read_bytes()
    path.write_bytes(data[:2] + segments + data[2:])


def segment(data: bytes) -> bytes:
    return b"\xff\xe1" + struct.pack(">H", len(data) + 2) + data


def untidy(path: Path) -> None:
    """EXIF as no specification wants it, and with something between its parts."""
    plain(path)
    entries = ((0x0110, b"Modell 1\0"), (0x010F, b"Kamera 1\0"))
    heads, texts, place = b"", b"between", 8 + 2 + 12 * len(entries) + 4 + len(b"between")
    for tag, text in entries:
        heads += struct.pack(">HHII", tag, 2, len(text), place + len(texts) - len(b"between"))
        texts += text
    exif = b"Exif\0\0MM\0*" + struct.pack(">IH", 8, len(entries)) + heads + bytes(4) + texts
    data = path.read_bytes()
    path.write_bytes(data[:2] + segment(exif) + data[2:])


def phone(path: Path) -> None:
    """HEIC of a phone, or what stands for it: with EXIF."""
    shutil.copy(HEIF / "turned-exif.heic", path)


@_made_once
def dng(path: Path) -> None:
    plain(path.with_suffix(".tif"))
    path.with_suffix(".tif").rename(path)
    exiftool(path, "-DNGVersion=1 4 0 0", "-UniqueCameraModel=Modell 1")


MAKERS: dict[str, tuple[str, Callable[[Path], None]]] = {
    "plain jpeg": ("a.jpg", plain),
    "mpo": ("a.jpg", several),
    "rich jpeg": ("a.jpg", rich),
    "motion photo": ("a.jpg", motion),
    "depth map": ("a.jpg", long_xmp),
    "untidy exif": ("a.jpg", untidy),
    "png": ("a.png", plain),
    "animated png": ("a.png", several),
    "rich png": ("a.png", rich),
    "tiff": ("a.tif", plain),
    "pages": ("a.tif", several),
    "rich tiff": ("a.tif", rich),
    "webp": ("a.webp", plain),
    "animated webp": ("a.webp", several),
    "rich webp": ("a.webp", rich),
    "heic": ("a.heic", phone),
    "avif": ("a.avif", plain),
    "dng": ("a.dng", dng),
}
