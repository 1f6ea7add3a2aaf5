"""What is wrong with a file that does not open as a picture, in words for its owner."""

from __future__ import annotations

import errno
import re
import struct
import zlib
from pathlib import Path
from typing import BinaryIO

from PIL import Image, UnidentifiedImageError

from engine.api.passing import DISK_FAILS, FILE_GONE
from engine.data.away import is_disk_fault

#: What Pillow raises on damaged files; its own fuzzers allow the first six and the bomb error.
DECODER_ERRORS: tuple[type[Exception], ...] = (
    OSError,
    SyntaxError,
    MemoryError,
    ValueError,
    NotImplementedError,
    OverflowError,
    Image.DecompressionBombError,
    EOFError,
    struct.error,
    zlib.error,
)

#: What reading broken metadata raises besides, by which a picture is none the worse.
METADATA_ERRORS: tuple[type[Exception], ...] = (
    *DECODER_ERRORS,
    LookupError,
    TypeError,
    AttributeError,
    ZeroDivisionError,
)

_DAMAGED = "The file is damaged."
_CUT_SHORT = "The file is damaged: it ends before the picture is complete."
_TOO_LARGE_FOR_MEMORY = "The picture needs more memory than a single picture may have."
_BOMB_PIXELS = re.compile(r"\((\d+) pixels\)")
_PROBE_BYTES = 512

# What a file begins with, and what that makes it.
_PICTURES: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8", "JPEG"),
    (b"\x89PNG", "PNG"),
    (b"GIF8", "GIF"),
    (b"BM", "BMP"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"),
)
_UNSUPPORTED: tuple[tuple[bytes, str], ...] = (
    (b"8BPS", "Photoshop"),
    (b"\0\0\0\x0cjP  ", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
    (b"\0\0\1\0", "icon"),
    (b"qoif", "QOI"),
)
_OTHERS: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "a PDF document"),
    (b"%!PS", "a PostScript document"),
    (b"\xc5\xd0\xd3\xc6", "a PostScript document"),
    (b"PK\x03\x04", "a zip archive"),
    (b"\x1f\x8b", "a compressed archive"),
    (b"7z\xbc\xaf", "a compressed archive"),
    (b"Rar!", "a compressed archive"),
    (b"SQLite format 3", "a database"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"\xd0\xcf\x11\xe0", "an Office document"),
    (b"\0\x05\x16\x07", "a Mac's notes about another file"),
    (b"RIFF", "a sound or a film"),
    (b"ID3", "a sound"),
    (b"OggS", "a sound or a film"),
    (b"\x1aE\xdf\xa3", "a film"),
)
_HEIF_BRANDS = frozenset({b"mif1", b"msf1", b"mif2", b"miaf"})
_GIT_LFS = b"version https://git-lfs"


def opening_fault(error: OSError | ValueError, path: Path) -> str:
    """Why a file could not be opened at all."""
    if isinstance(error, FileNotFoundError):
        return FILE_GONE
    if isinstance(error, IsADirectoryError) or path.is_dir():
        return "This is a folder, not a picture."
    if isinstance(error, PermissionError):
        return "You have no permission to read this file."
    return _reading_fault(error) if isinstance(error, OSError) else "No file has such a name."


def picture_fault(error: Exception, stream: BinaryIO, max_pixels: int) -> str:
    """Why an opened file gave no picture.

    Args:
        error: one of ``DECODER_ERRORS``.
        stream: the file; its beginning is read again.
        max_pixels: the limit to name when the picture is too large.
    """
    if isinstance(error, Image.DecompressionBombError):
        return _bomb_fault(error, max_pixels)
    if isinstance(error, MemoryError):
        return _TOO_LARGE_FOR_MEMORY
    if isinstance(error, UnidentifiedImageError):
        return _unidentified_fault(stream)
    if isinstance(error, OSError) and error.errno is not None:
        return _reading_fault(error)
    return _damage_fault(error)


def _damage_fault(error: Exception) -> str:
    text = str(error).lower()
    if isinstance(error, EOFError) or "truncated" in text or "end of file" in text:
        return _CUT_SHORT
    if "too large" in text or "memory" in text:
        return "The file is damaged or hostile: a part of it unpacks to far too much."
    return _DAMAGED


def _reading_fault(error: OSError) -> str:
    if is_disk_fault(error):
        return DISK_FAILS
    if error.errno in (errno.ENAMETOOLONG, errno.ELOOP):
        return "The file's path is too long or leads in a circle."
    return f"The file cannot be read: {error.strerror}."


def _bomb_fault(error: Exception, max_pixels: int) -> str:
    limit = max_pixels // 1_000_000
    found = _BOMB_PIXELS.search(str(error))
    if found is None:
        return f"The picture is too large; at most {limit} megapixels are opened."
    size = -(-int(found[1]) // 1_000_000)  # rounded up, lest "150" exceed "150"
    return f"The picture has {size:,} megapixels; at most {limit} are opened."


def _unidentified_fault(stream: BinaryIO) -> str:
    try:
        stream.seek(0)
        head = stream.read(_PROBE_BYTES)
    except (OSError, ValueError):
        return _DAMAGED
    if head.startswith(_GIT_LFS):
        return "This is only a Git LFS pointer: the picture itself was not downloaded."
    if not head.strip(b"\0"):
        return "The file is damaged: it holds nothing but zeros."
    kind = _picture_kind(head)
    if kind is not None:
        return f"The file is damaged, or a kind of {kind} that is not supported."
    unsupported = _unsupported_kind(head)
    if unsupported is not None:
        return f"Files of the kind {unsupported} are not supported; save the picture as JPEG."
    other = _starting_with(head, _OTHERS) or _kind_by_look(head)
    return f"This is not a picture (it looks like {other})." if other else "This is not a picture."


def _starting_with(head: bytes, kinds: tuple[tuple[bytes, str], ...]) -> str | None:
    return next((kind for magic, kind in kinds if head.startswith(magic)), None)


def _picture_kind(head: bytes) -> str | None:
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WebP"
    if head[4:8] == b"ftyp" and head[8:12] in (b"avif", b"avis"):
        return "AVIF"
    if head[4:8] == b"ftyp" and head[8:12] in _HEIF_BRANDS:
        return "HEIF"
    return _starting_with(head, _PICTURES)


def _unsupported_kind(head: bytes) -> str | None:
    return "SVG" if b"<svg" in head.lower() else _starting_with(head, _UNSUPPORTED)


def _kind_by_look(head: bytes) -> str | None:
    if head[4:8] == b"ftyp":
        return "a film"
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<!doctype html", b"<html")):
        return "a web page"
    printable = all(byte >= 32 or byte in b"\t\r\n\f" for byte in head)
    return "text" if printable and head.isascii() else None
