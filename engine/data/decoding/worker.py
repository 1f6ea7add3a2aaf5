"""The process in which pictures are decoded: what may crash, stall or grow does so in here.

It imports Pillow and NumPy and nothing heavier. The conversation with its driver, over one pipe;
what the worker says is checked there (``decoding.answers``):

    worker: ready, and what it gave up (``engine.isolation``)
    driver: (path, side, fit, crop, tile, mode, side of a thumbnail, whether to measure)
    worker: asks for admission, and waits for any answer, before it decodes a large picture;
            again if the picture could not be read and is tried in another way
    worker: the image
         or a failure: the message of an ``ImageError``, or the traceback of what no picture
            should raise

It ends when the pipe does, so it cannot outlive the program, even one that was killed.
"""

from __future__ import annotations

import contextlib
import os
import signal
import traceback
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

from engine.api.config import DecodeMode
from engine.api.errors import ImageError
from engine.api.values import DecodedImage
from engine.data.decoding import answers
from engine.data.decoding.decode import Admit, CropBox, Fit, decode_with_more
from engine.data.decoding.tiles import Tile, TileDecoder
from engine.isolation.confinement import confine_decoder

#: The signature of ``engine.data.decoding.decode.decode``.
Decoder = Callable[[Path, int | None, Fit, Admit | None, CropBox | None, DecodeMode], DecodedImage]

#: What the driver sends for each picture.
Request = tuple[Path, int | None, Fit, CropBox | None, Tile | None, DecodeMode, int | None, bool]

# Smaller pictures are decoded without asking: together they weigh little.
_ADMITTED_PIXELS = 4_000_000
# Pictures that tiles are of stay decoded for so long: somebody pans, or looks at one place.
_KEEP_S = 20.0
# The kernel picks whom to kill when memory runs out by this score: a worker before the program.
_OOM_SCORE = "500"


def run(connection: Connection, decoder: Decoder, memory_limit: int | None, stop_s: float) -> None:
    """Answer requests until the pipe ends.

    Args:
        connection: to the driver.
        decoder: called for each request, but for those of tiles, with a thumbnail or with facts.
        memory_limit: bytes of address space on top of what the process takes at its start.
        stop_s: seconds after which a picture ends the process, should nobody else be left to.
    """
    _keep_quiet()
    _set_limits(memory_limit)
    confined = confine_decoder()
    # The driver is gone when the pipe breaks; there is nobody to tell.
    with connection, contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        answers.send_ready(connection, confined)
        tiles = TileDecoder()
        while True:
            if tiles.is_keeping and not connection.poll(_KEEP_S):
                tiles.forget()
            _answer(connection, partial(_decode, decoder, tiles), connection.recv(), stop_s)


def _decode(decoder: Decoder, tiles: TileDecoder, request: Request, admit: Admit) -> DecodedImage:
    path, side, fit, crop, tile, mode, thumbnail, facts = request
    if tile is not None:
        return tiles.decode(path, tile, admit)
    if side is not None and (thumbnail is not None or facts):
        return decode_with_more(path, side, fit, thumbnail, admit, facts=facts)
    return decoder(path, side, fit, admit, crop, mode)


def _answer(
    connection: Connection,
    decode: Callable[[Request, Admit], DecodedImage],
    request: Request,
    stop_s: float,
) -> None:

    def admit(pixels: int) -> None:
        if pixels > _ADMITTED_PIXELS:
            _set_alarm(0.0)
            answers.send_admission(connection, pixels)
            connection.recv()
            _set_alarm(stop_s)

    _set_alarm(stop_s)
    try:
        image = decode(request, admit)
    except ImageError as error:
        answers.send_failure(connection, str(error), is_bug=False)
    except Exception:  # noqa: BLE001 - a bug, but one for the driver to report
        answers.send_failure(connection, traceback.format_exc(), is_bug=True)
    else:
        answers.send_image(connection, image)
    finally:
        _set_alarm(0.0)


def _keep_quiet() -> None:
    """Leave Ctrl-C to the program, and its output free of what C libraries write."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    os.close(null)


def _set_limits(limit: int | None) -> None:
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_OOM_SCORE, encoding="ascii")
    try:
        import resource  # noqa: PLC0415 - not on Windows
    except ImportError:
        return
    # A crash must not leave a dump, which would hold somebody's photo.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if limit is None:
        return
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    total = _address_space() + limit
    if hard != resource.RLIM_INFINITY:
        total = min(total, hard)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_AS, (total, hard))


def _address_space() -> int:
    """Bytes of address space in use; NumPy's thread pools alone take much on large machines."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except (OSError, ValueError, IndexError):
        return 1 << 30
    return pages * os.sysconf("SC_PAGE_SIZE")


def _set_alarm(seconds: float) -> None:
    # The default action of SIGALRM ends the process even inside C code that never returns.
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, seconds)
