"""Keywords and title of IPTC-IIM 4.2, the form before XMP, which many programs still write."""

from __future__ import annotations

import struct
from dataclasses import dataclass

_MARK = 0x1C
_CHARACTERS, _TITLE, _KEYWORD = (1, 90), (2, 5), (2, 25)
_UTF8 = b"\x1b%G"


@dataclass(frozen=True)
class IptcValues:
    """What the blocks say; empty where they say nothing.

    Attributes:
        keywords: each once, in the order of the file; may hold any characters.
        title: the object's name.
    """

    keywords: tuple[str, ...] = ()
    title: str = ""


def read_iptc(block: bytes) -> IptcValues:
    """What a block says, up to where it is broken."""
    fields: list[tuple[tuple[int, int], bytes]] = []
    place = 0
    while place + 5 <= len(block) and block[place] == _MARK:
        record, kind, size = struct.unpack(">BBH", block[place + 1 : place + 5])
        place += 5
        if size & 0x8000:  # then so many bytes say the size
            width = size & 0x7FFF
            if width > 4:
                break
            size = int.from_bytes(block[place : place + width], "big")
            place += width
        fields.append(((record, kind), block[place : place + size]))
        place += size
    is_utf8 = (_CHARACTERS, _UTF8) in fields
    found = [(name, _text(data, is_utf8)) for name, data in fields]
    return IptcValues(
        tuple(dict.fromkeys(text for name, text in found if name == _KEYWORD and text)),
        next((text for name, text in found if name == _TITLE), ""),
    )


def _text(data: bytes, is_utf8: bool) -> str:
    """Most programs that write UTF-8 forget to say so; the others write as Windows did."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = data.decode("utf-8" if is_utf8 else "cp1252", "replace")
    return " ".join(text.replace("\0", " ").split())
