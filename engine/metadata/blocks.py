"""What is found of metadata in a file, as bytes that nobody has read yet."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.metadata.bounded import BoundedFile


@dataclass
class Blocks:
    """The blocks of one file.

    Attributes:
        exif: directories of TIFF; not read yet, since it can be the whole file.
        detail: those of the camera, where they lie apart from ``exif``.
        place: those of the place, likewise.
        xmp: packets; what a file has in two halves is two.
        iptc: blocks of IPTC-IIM.
        windows_keywords: as Windows writes them beside XMP: UTF-16, between semicolons.
        windows_rating: 0 to 5.
        width: pixels, as stored; ``None`` where only directories say it.
        height: likewise.
    """

    exif: BoundedFile | None = None
    detail: BoundedFile | None = None
    place: BoundedFile | None = None
    xmp: list[bytes] = field(default_factory=list)
    iptc: list[bytes] = field(default_factory=list)
    windows_keywords: bytes = b""
    windows_rating: int | None = None
    width: int | None = None
    height: int | None = None
