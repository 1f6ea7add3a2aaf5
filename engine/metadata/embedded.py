"""Labels, rating and title that lie within a photo itself: XMP, IPTC, and what Windows writes."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field, replace
from pathlib import Path

from engine.metadata import bounded
from engine.metadata.blocks import Blocks
from engine.metadata.bounded import BrokenError
from engine.metadata.containers import find_blocks, with_tiff
from engine.metadata.errors import MetadataError, XmpError
from engine.metadata.iptc import IptcValues, read_iptc
from engine.metadata.values import XmpValues, joined
from engine.metadata.xmp import parsed
from engine.texts import display_name

_BEST_RATING = 5


@dataclass(frozen=True)
class FoundMetadata:
    """What was found in a photo or beside it.

    Attributes:
        values: what it says. Of what lies in the photo, the orientation is that of its pixels
            and stands in EXIF, so that it is never among these.
        faults: what could not be read, each a sentence for a person.
    """

    values: XmpValues = field(default_factory=XmpValues)
    faults: tuple[str, ...] = ()


def read_embedded(photo: Path) -> FoundMetadata:
    """What a photo itself says: keywords of all kinds, else what XMP says before IPTC.

    A file that is no picture, or is broken, says nothing.

    Raises:
        MetadataError: it cannot be read or is no regular file.
    """
    try:
        with bounded.opened(photo) as file:
            try:
                blocks = with_tiff(find_blocks(file))
            except (BrokenError, struct.error, ValueError, OverflowError):
                return FoundMetadata()
    except OSError as error:
        raise MetadataError(
            f"{display_name(photo)} cannot be read: {error.strerror or 'it is no regular file'}."
        ) from error
    return _said(blocks, photo)


def _said(blocks: Blocks, photo: Path) -> FoundMetadata:
    values, faults = [], []
    for packet in blocks.xmp:
        try:
            values.append(parsed(packet.rstrip(b"\0"), photo.name))
        except XmpError as error:
            faults.append(str(error))
    values += [_of_iptc(read_iptc(block)) for block in blocks.iptc]
    values.append(_of_windows(blocks))
    return FoundMetadata(replace(joined(values), orientation=None), tuple(dict.fromkeys(faults)))


def _of_iptc(said: IptcValues) -> XmpValues:
    return XmpValues(keywords=said.keywords, title=said.title or None)


def _of_windows(blocks: Blocks) -> XmpValues:
    text = blocks.windows_keywords.decode("utf-16-le", "replace").replace("\0", "")
    words = (" ".join(word.split()) for word in text.split(";"))
    rating = blocks.windows_rating
    return XmpValues(
        keywords=tuple(dict.fromkeys(word for word in words if word)),
        rating=rating if rating is not None and 0 < rating <= _BEST_RATING else None,
    )
