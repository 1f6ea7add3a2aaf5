"""Whether a photo that was written anew is the same but for what was to change."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np

from engine.api.errors import ImageError
from engine.data.decoding.pool import DecodePool, DecodeRequest
from engine.metadata.errors import MetadataError
from engine.metadata.exiftool import ExifTool
from engine.metadata.picture_data import picture_digest
from engine.texts import display_name, display_text

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
        ours: further fields that were to change, as "XMP-xmp:Rating".

    Raises:
        MetadataError: something is lost or changed, and what.
    """
    before, after = tool.read(_ALL, old, new)
    for key, value in _theirs(before, {*_OURS, *ours}).items():
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


def check_picture(pool: DecodePool, old: Path, new: Path) -> None:
    """Make sure that the picture is the same: its packed bytes, and its pixels when opened.

    Raises:
        MetadataError: it is not, or one cannot know.
        OSError: a file cannot be read.
    """
    name = display_name(old)
    digest = picture_digest(old)
    if not digest:
        raise MetadataError(
            f"{name} was left alone: its file is not built as it should be, so that its picture "
            "could not be compared."
        )
    if digest != picture_digest(new):
        raise MetadataError(f"{name} was left alone: ExifTool would change its picture.")
    with tempfile.TemporaryDirectory(prefix="csra-") as folder:
        named = _named(new, Path(folder, f"photo{old.suffix}"))
        first, second = pool.map([DecodeRequest(old), DecodeRequest(named)])
    if isinstance(first, ImageError):
        raise MetadataError(
            f"{name} was left alone: it cannot be opened, so that its picture could not be "
            "compared."
        ) from first
    if isinstance(second, ImageError) or not np.array_equal(first.pixels, second.pixels):
        raise MetadataError(f"{name} was left alone: its picture would not be the same.")


def _named(new: Path, link: Path) -> Path:
    """The new file under the photo's ending, by which some kinds of photos are told."""
    if os.name == "nt":
        return new
    link.symlink_to(new.absolute())
    return link
