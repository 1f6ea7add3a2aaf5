"""What lies within a photo of what labels are written into, as ExifTool gives it."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from engine.library.values import ImageFile
from engine.metadata.errors import MetadataError
from engine.metadata.exiftool import ExifTool
from engine.metadata.iptc import read_iptc
from engine.texts import display_name

_UTF8_MARK = b"\x1c\x01\x5a\x00\x03\x1b%G"
_LONGEST_KEYWORD = 64
#: Kinds that labels are written into, and those of them that hold IPTC where others look for it.
_KINDS = frozenset(
    {"JPEG", "MPO", "PNG", "APNG", "TIFF", "WEBP", "Extended WEBP", "HEIC", "HEIF", "HEICS"}
    | {"HEIFS", "AVIF", "DNG"}
)
_WITH_IPTC = frozenset({"JPEG", "MPO", "TIFF", "DNG"})
_WANTED = (
    *("-b", "-G1", "-FileType", "-XMP", "-IPTC", "-XMP-xmpNote:HasExtendedXMP"),
    *("-Photoshop:IPTCDigest", "-File:CurrentIPTCDigest"),
)

#: ``plain``: nothing but ASCII, so that it may be called UTF-8. ``other``: nobody knows.
IptcCharacters = Literal["none", "plain", "utf8", "other"]


@dataclass(frozen=True, slots=True)
class EmbeddedState:
    """What a photo holds.

    Attributes:
        file: the photo's file.
        inode: of the file, which tells it from another one of the same size and time.
        packet: its XMP; ``None``: it has none.
        iptc: keywords of its IPTC.
        characters: how these are written.
        takes_iptc: whether IPTC belongs into such a file.
        is_long: its XMP goes on beyond the packet.
        is_digest_true: Photoshop's digest is that of its IPTC, and is to stay so.
    """

    file: ImageFile
    inode: int
    packet: bytes | None
    iptc: tuple[str, ...]
    characters: IptcCharacters
    takes_iptc: bool
    is_long: bool = False
    is_digest_true: bool = False

    def can_hold(self, word: str) -> bool:
        """Whether a keyword fits into the IPTC of this photo."""
        if not self.takes_iptc or len(word.encode()) > _LONGEST_KEYWORD:
            return False
        return self.characters != "other" or word.isascii()

    def noted(self) -> str:
        """What a journal keeps of it, beside the packet."""
        stamp = [self.file.size, self.file.mtime_ns, self.inode]
        return json.dumps({"stamp": stamp, "iptc": self.characters})


def stamp_of(path: Path) -> tuple[ImageFile, int]:
    """The file and its inode, now.

    Raises:
        OSError: it is gone.
    """
    found = path.stat()
    return ImageFile(path, found.st_size, found.st_mtime_ns), found.st_ino


def noted_stamp(noted: str, path: Path) -> tuple[ImageFile, int]:
    """The same as it was before, from what a journal keeps."""
    size, mtime_ns, inode = json.loads(noted)["stamp"]
    return ImageFile(path, size, mtime_ns), inode


def noted_characters(noted: str) -> IptcCharacters:
    """How IPTC was written before, from what a journal keeps."""
    characters: IptcCharacters = json.loads(noted)["iptc"]
    return characters


def read_state(tool: ExifTool, path: Path) -> EmbeddedState:
    """What a photo holds now.

    Raises:
        MetadataError: it is of no kind that labels are written into, or cannot be read.
    """
    file, inode = stamp_of(path)
    (found,) = tool.read(_WANTED, path)
    kind = _value(found, "FileType")
    if kind not in _KINDS:
        what = f"a photo of the kind {kind}" if kind else "no photo that ExifTool knows"
        raise MetadataError(
            f"{display_name(path)} was left alone: it is {what}. Write its labels beside it."
        )
    packet, block = _bytes(_value(found, "XMP")), _bytes(_value(found, "IPTC"))
    digest = _value(found, "IPTCDigest")
    return EmbeddedState(
        file,
        inode,
        packet,
        read_iptc(block or b"").keywords,
        _characters(block),
        kind in _WITH_IPTC,
        bool(_value(found, "HasExtendedXMP")),
        bool(digest) and digest == _value(found, "CurrentIPTCDigest"),
    )


def _value(found: dict[str, Any], name: str) -> str:
    return next((str(value) for key, value in found.items() if key.split(":")[-1] == name), "")


def _bytes(text: str) -> bytes | None:
    if text.startswith("base64:"):
        return base64.b64decode(text.removeprefix("base64:"))
    return text.encode() if text else None


def _characters(block: bytes | None) -> IptcCharacters:
    if block is None:
        return "none"
    if _UTF8_MARK in block:
        return "utf8"
    return "plain" if block.isascii() and b"\x1c\x01\x5a" not in block else "other"
