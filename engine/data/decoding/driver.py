"""The program's side of one decoding process: start it, ask it, give up on it, replace it."""

from __future__ import annotations

import contextlib
import functools
import logging
import multiprocessing
import threading
from collections.abc import Generator
from multiprocessing.connection import Connection
from typing import NoReturn

from engine.api.errors import ImageError
from engine.api.passing import DECODER_NOT_STARTED, DECODING_STOPPED
from engine.api.values import DecodedImage
from engine.data.away import AwayFolders
from engine.data.decoding import worker as decode_worker
from engine.data.decoding.answers import Admission, Answer, Failure, Ready, receive
from engine.data.decoding.child import Child, start_child
from engine.data.decoding.limits import MAX_PIXELS
from engine.data.decoding.worker import Decoder, Request
from engine.isolation.frames import BadMessageError, FrameReader
from engine.isolation.interrupts import interrupts_blocked

_logger = logging.getLogger(__name__)

# A fresh interpreter that imports Pillow takes well under a second; a busy machine may need long.
_START_TIMEOUT_S = 60.0
_KILL_TIMEOUT_S = 5.0
# Past its limit the driver ends a process; past this too, it ends itself: the driver is gone.
_GRACE_S = 10.0
_ENDED = (
    "The decoder ended twice at this picture. It may be damaged, or memory ran out: close other "
    "programs and tag it again."
)
# A picture is tried in a few ways, each of which asks.
_MOST_ADMISSIONS = 32
_NONSENSE = (
    "The decoder gave an answer that makes no sense, so this file was left alone: it may be made "
    "to attack programs."
)


class _ProcessDiedError(Exception):
    """The process ended while it was asked; its text is what is said if the next one does too."""


class PixelBudget:
    """Lets pictures be decoded side by side while their pixels together stay below a limit.

    Args:
        limit: in pixels.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._used = 0
        self._closed = False
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def hold(self, pixels: int) -> Generator[None, None, None]:
        """Wait until so many pixels more fit in, and hold them; alone, any number fits."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._closed or not self._used or self._used + pixels <= self._limit
            )
            self._used += pixels
        try:
            yield
        finally:
            with self._changed:
                self._used -= pixels
                self._changed.notify_all()

    def close(self) -> None:
        """Let nobody wait any more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()


class DecoderProcess:
    """One worker process, started when it is needed and replaced when it is lost.

    One thread, its driver, calls ``decode`` and at last ``release``; any thread may ``stop`` it.
    """

    def __init__(
        self,
        decoder: Decoder,
        timeout_s: float,
        memory_limit: int | None,
        budget: PixelBudget,
        away: AwayFolders,
    ) -> None:
        """Start nothing yet.

        Args:
            decoder: what the process runs, importable by name.
            timeout_s: seconds that a picture may take, waiting for the budget aside.
            memory_limit: bytes of address space for a picture; ``None`` for no limit.
            budget: shared with the other processes.
            away: shared with them, too.
        """
        self._away = away
        self._decoder = decoder
        self._timeout_s = timeout_s
        self._memory_limit = memory_limit
        self._budget = budget
        self._process: Child | None = None
        self._connection: Connection | None = None
        self._reader: FrameReader | None = None
        self._lock = threading.Lock()
        self._stopped = False

    def decode(self, request: Request) -> DecodedImage:
        """Decode one picture in the process.

        A process that ends at it is replaced once, as it need not be the picture's fault: the
        system may have ended it for want of memory.

        Raises:
            ImageError: the picture is damaged, its disk does not answer, or the process crashed
                twice, took too long, could not be started or was stopped meanwhile.
        """
        try:
            return self._decode_once(request)
        except _ProcessDiedError as error:
            _logger.info("A decoder ended and is replaced (%s)", error.__cause__)
        try:
            return self._decode_once(request)
        except _ProcessDiedError as error:
            raise ImageError(str(error)) from error

    def _decode_once(self, request: Request) -> DecodedImage:
        self._away.check(request[0])
        connection = self._ready_connection()
        try:
            connection.send(request)
            with contextlib.ExitStack() as held:
                return self._answered(request, held)
        except ImageError:
            self._away.check_reading(request[0], lambda: self._stopped)
            raise
        except TimeoutError:
            self.release()
            self._away.suspect(request[0])
            message = f"Decoding the picture took longer than {self._timeout_s:g} seconds."
            raise ImageError(message) from None
        except BadMessageError as error:
            self.release()
            _logger.warning("A decoder was ended: it sent %s.", error)
            raise ImageError(_NONSENSE) from error
        except (EOFError, OSError) as error:
            self.release()
            self._away.check_reading(request[0], lambda: self._stopped)
            raise self._lost(_ENDED) from error
        except BaseException:
            self.release()  # what is left in the pipe would be taken for the next answer
            raise

    def prepare(self) -> None:
        """Start the process unless it runs.

        Raises:
            ImageError: it could not be started, or was stopped meanwhile.
        """
        try:
            self._ready_connection()
        except _ProcessDiedError as error:
            raise ImageError(str(error)) from error

    def stop(self) -> None:
        """End the process at once and for good; a picture that is being decoded fails."""
        with self._lock:
            self._stopped = True
            if self._process is not None:
                self._process.kill()

    def release(self) -> None:
        """End the process and free what belongs to it; the next picture gets a new one."""
        with self._lock:
            process, self._process = self._process, None
        connection, self._connection, self._reader = self._connection, None, None
        if connection is not None:
            connection.close()
        if process is not None:
            process.kill()
            process.wait(_KILL_TIMEOUT_S)

    def _answered(self, request: Request, held: contextlib.ExitStack) -> DecodedImage:
        for _ in range(_MOST_ADMISSIONS + 1):
            answer = self._next(most_pixels(request), request[6])
            if isinstance(answer, DecodedImage):
                return answer
            if isinstance(answer, Failure):
                return _failed(answer)
            if not isinstance(answer, Admission) or self._connection is None:
                break
            held.close()  # to wait while holding some would be waiting for ever
            held.enter_context(self._budget.hold(answer.pixels))
            self._connection.send("go")
        raise BadMessageError("an answer out of turn")

    def _next(self, pixels: int = 0, thumbnail: int | None = None) -> Answer:
        if self._reader is None:
            raise EOFError
        return receive(self._reader, self._timeout_s, pixels, thumbnail)

    def _ready_connection(self) -> Connection:
        # Between two pictures nothing comes from a live process; the end of the pipe is readable.
        if self._connection is not None and not self._connection.poll(0):
            return self._connection
        self.release()
        try:
            connection = self._start()
            ready = receive(FrameReader(connection), _START_TIMEOUT_S, 0, None)
            if not isinstance(ready, Ready):
                raise BadMessageError("an answer out of turn")
            _log_once(ready.confined)
        except (BadMessageError, EOFError, OSError) as error:
            self.release()
            raise self._lost(DECODER_NOT_STARTED) from error
        return connection

    def _start(self) -> Connection:
        ours, theirs = multiprocessing.Pipe()
        self._connection, self._reader = ours, FrameReader(ours)
        stop_s = 2 * self._timeout_s + _GRACE_S
        work = decode_worker.run, self._decoder, self._memory_limit, stop_s
        with theirs, self._lock, interrupts_blocked():
            if self._stopped:
                raise EOFError
            self._process = start_child(theirs, ours, *work)
        return ours

    def _lost(self, message: str) -> Exception:
        return ImageError(DECODING_STOPPED) if self._stopped else _ProcessDiedError(message)


def most_pixels(request: Request) -> int:
    """The most pixels that an answer to a request can have."""
    _, side, _, crop, tile, *_ = request
    if tile is not None:
        across, down = (
            (edge // tile.reduction) + 2
            for edge in (tile.right - tile.left, tile.bottom - tile.top)
        )
        return min(max(across, 0) * max(down, 0), MAX_PIXELS)
    return MAX_PIXELS if side is None or crop is not None else side * side


def _failed(answer: Failure) -> NoReturn:
    if not answer.is_bug:
        raise ImageError(answer.text)
    _logger.error("A picture made the decoder fail in an unforeseen way:\n%s", answer.text)
    raise ImageError("The picture could not be decoded because of a program error.")


@functools.cache
def _log_once(confined: str) -> None:
    _logger.info("What decodes photos runs with limits: %s.", confined)
