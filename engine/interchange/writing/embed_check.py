"""Whether a photo that was written anew is the same but for what was to change."""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np

from engine.api.errors import ImageError
from engine.api.values import DecodedImage, PixelArray
from engine.data.decoding.pool import DecodePool, DecodeRequest
from engine.data.decoding.turning import between, orientation_beside, upright
from engine.metadata.errors import MetadataError
from engine.metadata.exif import read_orientation
from engine.metadata.exiftool import ExifTool
from engine.metadata.picture_data import picture_digest
from engine.records.litter import OwnFolder
from engine.texts import display_name, display_text

# Every packed byte is compared already. Opened, a picture is compared as it is on a screen: all of
# it is unpacked, but a tenth of the numbers goes from one process to the other.
_SIDE = 1024
_ALL = ("-a", "-G1:4", "-struct", "-n")
# What is of the file rather than in it, or made of other fields.
_NOT_IN_IT = frozenset({"SourceFile", "ExifTool", "System", "Composite"})
_OURS = frozenset(
    {"XMP-dc:Subject", "XMP-lr:HierarchicalSubject", "XMP-digiKam:TagsList", "IPTC:Keywords"}
    | {"IPTC:CodedCharacterSet", "IPTC:EnvelopeRecordVersion", "IPTC:ApplicationRecordVersion"}
    | {"Photoshop:IPTCDigest", "File:CurrentIPTCDigest", "XMP-x:XMPToolkit"}
    | {"XMP-xmpNote:HasExtendedXMP", "File:FileType", "File:FileTypeExtension", "File:MIMEType"}
    # What a plain WebP says of itself twice once it has metadata.
    | {"RIFF:WebP_Flags", "RIFF:ImageWidth", "RIFF:ImageHeight"}
    | {"QuickTime:MediaDataSize", "MPImage1:MPImageLength"}
)
# Where something lies in the file: it changes with what lies before it.
_PLACE = re.compile(r"(Offsets?|Start)$")


def check_fields(tool: ExifTool, old: Path, new: Path, ours: Collection[str] = ()) -> None:
    """Make sure that ExifTool reads everything in the new file that it reads in the old one.

    Args:
        tool: reads them.
        old: the photo.
        new: the one that is to take its place.
        ours: further fields that were to change, such as "XMP-xmp:Rating".

    Raises:
        MetadataError: something is lost or changed, and what.
    """
    before, after = tool.read(_ALL, old, new)
    changed = {*_OURS, *(field.removesuffix("#") for field in ours)}
    for key, value in _theirs(before, changed).items():
        if after.get(key) != value:
            raise MetadataError(
                f"{display_name(old)} was left alone: ExifTool would lose or change its field "
                f"“{display_text(key)}”."
            )


def _theirs(found: dict[str, Any], ours: Collection[str]) -> dict[str, Any]:
    kept = {}
    for key, value in found.items():
        group, _, rest = key.partition(":")
        name = rest.rpartition(":")[-1]
        if group in _NOT_IN_IT or f"{group}:{name}" in ours or _PLACE.search(name):
            continue
        kept[key] = value
    return kept


class PictureCheck:
    """Whether a photo's picture is the same in a new file: its packed bytes, and its pixels.

    Args:
        pool: opens both.
        old: the photo. It is opened at once, while the new file is still being written.
    """

    def __init__(self, pool: DecodePool, old: Path) -> None:
        self._pool, self._old = pool, old
        self._picture = pool.submit(DecodeRequest(old, _SIDE))

    def close(self) -> None:
        """Do not open what has not been."""
        self._picture.cancel()

    def finish(self, new: Path) -> None:
        """Compare them.

        Raises:
            MetadataError: it is not the same, or one cannot know.
            OSError: a file cannot be read.
        """
        name = display_name(self._old)
        with OwnFolder() as folder:
            named = _named(new, Path(folder, f"photo{self._old.suffix}"))
            picture = self._pool.submit(DecodeRequest(named, _SIDE))
            digest = picture_digest(self._old)
            is_same = digest == picture_digest(new)
            first, second = _pixels(self._picture), _pixels(picture)
        if not digest:
            raise MetadataError(
                f"{name} was left alone: its file is not built as it should be, so that its "
                "picture could not be compared."
            )
        if not is_same:
            raise MetadataError(f"{name} was left alone: ExifTool would change its picture.")
        if first is None:
            raise MetadataError(
                f"{name} was left alone: it cannot be opened, so that its picture could not be "
                "compared."
            )
        if second is None or not np.array_equal(first, self._turned(second)):
            raise MetadataError(f"{name} was left alone: its picture would not be the same.")

    def _turned(self, pixels: PixelArray) -> PixelArray:
        """Pixels of the new file as the photo is shown, for which a sidecar may turn it."""
        beside = orientation_beside(self._old)
        if beside is None:
            return pixels
        return upright(pixels, between(read_orientation(self._old), beside))


def _pixels(picture: Future[DecodedImage]) -> PixelArray | None:
    try:
        return picture.result().pixels
    except ImageError:
        return None


def _named(new: Path, link: Path) -> Path:
    """The new file under the photo's ending, by which some kinds of photos are told."""
    if os.name == "nt":
        return new
    link.symlink_to(new.absolute())
    return link
