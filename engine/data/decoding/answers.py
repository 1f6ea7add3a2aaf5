"""What a decoding process says, as text and bytes that its driver checks before it uses them.

A stranger's file may have taken the process over. So nothing that it sends is code or names code:
each answer is a small JSON object of known fields, types and ranges, then pixels as bytes, whose
number follows from what was asked for.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from engine.api.facts import Fact
from engine.api.geometry import Box
from engine.api.values import DecodedImage, PixelArray, Thumbnail
from engine.isolation.frames import BadMessageError, FrameReader

#: The most bytes of an answer without its pixels, and the most characters of a text in it.
_MOST_BYTES, _MOST_TEXT = 1 << 16, 8_000
_MOST_SIDE = 1 << 31
_FACTS = sum(Fact)


@dataclass(frozen=True)
class Ready:
    """The process waits for its first picture; ``confined`` says what it gave up, for the log."""

    confined: str


@dataclass(frozen=True)
class Admission:
    """The process asks whether it may hold so many pixels."""

    pixels: int


@dataclass(frozen=True)
class Failure:
    """The picture cannot be read; if it is no fault of the picture, ``is_bug``."""

    text: str
    is_bug: bool


@dataclass(frozen=True)
class _Announced:
    """An image whose pixels follow."""

    width: int
    height: int
    shape: tuple[int, int]
    content: Box
    facts: Fact | None
    thumbnail: Mapping[str, Any] | None


Answer = Ready | Admission | Failure | DecodedImage


def send_ready(connection: Connection, confined: str) -> None:
    """See ``Ready``."""
    _send(connection, kind="ready", text=confined[:_MOST_TEXT])


def send_admission(connection: Connection, pixels: int) -> None:
    """See ``Admission``."""
    _send(connection, kind="admit", pixels=pixels)


def send_failure(connection: Connection, text: str, *, is_bug: bool) -> None:
    """See ``Failure``; of a long text, the end is sent."""
    _send(connection, kind="broken" if is_bug else "failed", text=text[-_MOST_TEXT:])


def send_image(connection: Connection, image: DecodedImage) -> None:
    """Send an image: what is said of it, its pixels, and those of its thumbnail."""
    small = image.thumbnail
    box = image.content
    _send(
        connection,
        kind="done",
        size=[image.width, image.height],
        shape=image.pixels.shape[:2],
        content=[box.left, box.top, box.right, box.bottom],
        facts=None if image.facts is None else int(image.facts),
        thumbnail=None
        if small is None
        else {
            "shape": small.pixels.shape[:2],
            "side": small.side,
            "file_size": small.file_size,
            "mtime_ns": small.mtime_ns,
            "turn": small.turn,
        },
    )
    connection.send_bytes(image.pixels.reshape(-1).data)
    if small is not None:
        connection.send_bytes(small.pixels.reshape(-1).data)


def receive(reader: FrameReader, timeout_s: float, most_pixels: int, side: int | None) -> Answer:
    """The next answer, checked.

    Args:
        reader: of the pipe from the process.
        timeout_s: seconds that each message may take.
        most_pixels: of the image that was asked for.
        side: of the thumbnail that was asked for; ``None`` for none.

    Raises:
        BadMessageError: it is no answer to that.
        EOFError, OSError, TimeoutError: as ``FrameReader.receive``.
    """
    message = reader.receive(_MOST_BYTES, timeout_s)
    try:
        said = _parsed(message)
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError) as error:
        raise BadMessageError(f"no answer that makes sense ({type(error).__name__})") from error
    if not isinstance(said, _Announced):
        return said
    pixels = _pixels(reader, timeout_s, said.shape, most_pixels)
    small = None
    if said.thumbnail is not None:
        if side is None:
            raise BadMessageError("a thumbnail that was not asked for")
        small = _thumbnail(reader, timeout_s, said.thumbnail, side)
    return DecodedImage(pixels, said.width, said.height, said.content, small, said.facts)


def _send(connection: Connection, **said: object) -> None:
    connection.send_bytes(json.dumps(said).encode("ascii"))


def _parsed(message: bytes) -> Ready | Admission | Failure | _Announced:
    said = json.loads(message)
    kind = said["kind"]
    if kind == "ready":
        return Ready(_text(said["text"]))
    if kind == "admit":
        return Admission(_whole(said["pixels"], 1, _MOST_SIDE))
    if kind in ("failed", "broken"):
        return Failure(_text(said["text"]), is_bug=kind == "broken")
    if kind != "done":
        raise ValueError
    width, height = said["size"]
    facts = said["facts"]
    return _Announced(
        _whole(width, 1, _MOST_SIDE),
        _whole(height, 1, _MOST_SIDE),
        _shape(said["shape"]),
        _box(said["content"]),
        None if facts is None else Fact(_whole(facts, 0, _FACTS)),
        None if said["thumbnail"] is None else _thumbnail_fields(said["thumbnail"]),
    )


def _thumbnail_fields(said: Mapping[str, Any]) -> Mapping[str, Any]:
    return {
        "shape": _shape(said["shape"]),
        "side": _whole(said["side"], 1, _MOST_SIDE),
        "file_size": _whole(said["file_size"], 0, 1 << 62),
        "mtime_ns": _whole(said["mtime_ns"], -(1 << 62), 1 << 62),
        "turn": _whole(said["turn"], 0, 8),
    }


def _thumbnail(
    reader: FrameReader, timeout_s: float, said: Mapping[str, Any], side: int
) -> Thumbnail:
    if said["side"] != side or max(said["shape"]) > side:
        raise BadMessageError("a thumbnail of another size than was asked for")
    pixels = _pixels(reader, timeout_s, said["shape"], side * side)
    return Thumbnail(pixels, side, said["file_size"], said["mtime_ns"], said["turn"])


def _pixels(reader: FrameReader, timeout_s: float, shape: tuple[int, int], most: int) -> PixelArray:
    if math.prod(shape) > most:
        raise BadMessageError(f"{math.prod(shape)} pixels, where {most} are the most")
    pixels = np.empty((*shape, 3), dtype=np.uint8)
    reader.receive_into(pixels.reshape(-1).data, timeout_s)
    return pixels


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value) > _MOST_TEXT:
        raise TypeError
    return value


def _whole(value: object, least: int, most: int) -> int:
    if type(value) is not int or not least <= value <= most:
        raise ValueError
    return value


def _shape(value: object) -> tuple[int, int]:
    if not isinstance(value, list):
        raise TypeError
    height, width = value
    return _whole(height, 1, _MOST_SIDE), _whole(width, 1, _MOST_SIDE)


def _box(value: object) -> Box:
    if not isinstance(value, list):
        raise TypeError
    edges = [float(edge) for edge in value if type(edge) in (int, float)]
    left, top, right, bottom = edges
    if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
        raise ValueError
    return Box(left, top, right, bottom)
