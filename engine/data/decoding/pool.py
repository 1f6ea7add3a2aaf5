"""Pictures decoded side by side in processes of their own, with limits of time and memory."""

from __future__ import annotations

import contextlib
import multiprocessing.util
import os
import threading
from collections import deque
from collections.abc import Generator, Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from engine.api.config import DecodeMode
from engine.api.errors import ImageError
from engine.api.values import DecodedImage
from engine.data.away import AwayFolders
from engine.data.decoding.decode import CropBox, Fit, decode
from engine.data.decoding.driver import DecoderProcess, PixelBudget
from engine.data.decoding.tiles import Tile
from engine.data.decoding.worker import Decoder, Request

# Beside a network on the same cores, and where they have the cores for themselves.
_MAX_WORKERS, _MAX_WORKERS_ALONE = 8, 32
_MEMORY_LIMIT = 2 << 30
# Also at the end of a child of multiprocessing, where no function of atexit is called.
_EXIT_PRIORITY = 10


@dataclass(frozen=True)
class DecodeRequest:
    """One picture to decode, or a tile of one.

    Attributes:
        path: as are ``side``, ``fit``, ``crop`` and ``mode``, it is for ``decoding.decode.decode``.
        tile: the part to decode in the picture's own pixels; the others mean nothing then.
        thumbnail: the side of a thumbnail that is wanted of the same decoding
            (``decoding.decode.decode_with_more``); for whole pictures with a side, read fast.
        facts: whether they are to be measured too (``decoding.measuring``); for the same pictures.
    """

    path: Path
    side: int | None = None
    fit: Fit = "inside"
    crop: CropBox | None = None
    tile: Tile | None = None
    mode: DecodeMode = "fast"
    thumbnail: int | None = None
    facts: bool = False

    def __post_init__(self) -> None:
        is_plain = self.side is not None and self.crop is None and self.mode == "fast"
        if (self.thumbnail is not None or self.facts) and not is_plain:
            raise ValueError("Thumbnails and facts come with whole pictures that are read fast.")


class _Lane:
    """Requests that wait for the same processes.

    Attributes:
        limit: the most processes.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.waiting: deque[tuple[DecodeRequest, Future[DecodedImage]]] = deque()
        self.processes = self.idle = 0


class DecodePool:
    """Decodes pictures in worker processes; use it as a context manager.

    A picture that crashes its worker, exceeds a limit or is damaged fails alone, with an
    ``ImageError``; the worker is replaced. Nothing is started before the first request. One worker
    more decodes all tiles: the pictures stay with it for a while. All methods may be called from
    any thread.
    """

    def __init__(
        self,
        num_workers: int = 0,
        *,
        timeout_s: float = 20.0,
        memory_limit: int | None = _MEMORY_LIMIT,
        newest_first: bool = False,
        pixel_budget: int = 200_000_000,
        _decode: Decoder = decode,
        _away: AwayFolders | None = None,
    ) -> None:
        """Make a pool.

        Args:
            num_workers: processes, besides that for tiles; 0 chooses for the machine.
            timeout_s: seconds that one picture may take.
            memory_limit: bytes of address space that one picture may take; ``None`` for no limit.
            newest_first: serve the latest request first, as a scrolling view wants.
            pixel_budget: how many pixels may be decoded at the same time, small pictures aside;
                one that is larger by itself is decoded alone.
            _decode: for tests; ``_away`` likewise.
        """
        self._timeout_s = timeout_s
        self._memory_limit = memory_limit
        self._newest_first = newest_first
        self._decoder = _decode
        self._budget = PixelBudget(pixel_budget)
        self._away = _away or AwayFolders()
        self._changed = threading.Condition()
        workers = num_workers or decoding_processes(beside_network=True)
        self._pictures, self._tiles = _Lane(workers), _Lane(1)
        self._threads: list[threading.Thread] = []
        self._processes: list[DecoderProcess] = []
        self._closed = False
        self._at_exit: multiprocessing.util.Finalize | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def warm_up(self) -> None:
        """Start one process, so that the first picture need not wait for that; it takes no time."""
        with self._changed:
            if not self._closed and not self._pictures.processes:
                self._add_worker(self._pictures)

    def submit(self, request: DecodeRequest, *, urgent: bool = False) -> Future[DecodedImage]:
        """Ask for a picture.

        Args:
            request: what to decode.
            urgent: serve it before all that wait, also if they come in the order asked.

        Returns:
            The future picture; it fails with ``ImageError``. Cancelling works while it waits.

        Raises:
            RuntimeError: the pool is closed.
        """
        future: Future[DecodedImage] = Future()
        with self._changed:
            if self._closed:
                raise RuntimeError("The pool is closed.")
            lane = self._pictures if request.tile is None else self._tiles
            if urgent and not self._newest_first:
                lane.waiting.appendleft((request, future))
            else:
                lane.waiting.append((request, future))
            if lane.idle < len(lane.waiting) and lane.processes < lane.limit:
                self._add_worker(lane)
            self._changed.notify_all()
        return future

    def map(
        self, requests: Iterable[DecodeRequest], window: int = 32
    ) -> Generator[DecodedImage | ImageError, None, None]:
        """Decode many pictures and yield them in the order asked; a fault is a value.

        Args:
            requests: taken as needed, so it may be a generator.
            window: the most pictures that are asked for ahead of the one yielded, at least 1.
        """
        ahead: deque[Future[DecodedImage]] = deque()
        try:
            for request in requests:
                ahead.append(self.submit(request))
                while ahead and (len(ahead) >= window or ahead[0].done()):
                    yield _outcome(ahead.popleft())
            while ahead:
                yield _outcome(ahead.popleft())
        finally:
            for future in ahead:
                future.cancel()

    def close(self) -> None:
        """End all processes and threads at once; what waits is cancelled, what runs fails."""
        with self._changed:
            self._closed = True
            waiting = (*self._pictures.waiting, *self._tiles.waiting)
            threads, processes = tuple(self._threads), tuple(self._processes)
            self._changed.notify_all()
        for _, future in waiting:
            future.cancel()
        self._budget.close()
        for process in processes:
            process.stop()
        for thread in threads:
            if thread is not threading.current_thread():  # as when a future's callback closes us
                thread.join()
        if self._at_exit is not None:
            self._at_exit.cancel()

    def _add_worker(self, lane: _Lane) -> None:
        if self._at_exit is None:
            self._at_exit = multiprocessing.util.Finalize(
                None, self.close, exitpriority=_EXIT_PRIORITY
            )
        process = DecoderProcess(
            self._decoder, self._timeout_s, self._memory_limit, self._budget, self._away
        )
        thread = threading.Thread(
            target=self._drive,
            args=(process, lane),
            name=f"decode-{len(self._threads)}",
            daemon=True,
        )
        lane.processes += 1
        self._processes.append(process)
        self._threads.append(thread)
        thread.start()

    def _drive(self, process: DecoderProcess, lane: _Lane) -> None:
        try:
            with contextlib.suppress(ImageError):  # the first picture tells why
                process.prepare()
            while (task := self._take(lane)) is not None:
                _serve(process, *task)
                del task  # or the picture would stay in memory while we wait
        finally:
            process.release()

    def _take(self, lane: _Lane) -> tuple[DecodeRequest, Future[DecodedImage]] | None:
        with self._changed:
            lane.idle += 1
            self._changed.wait_for(lambda: lane.waiting or self._closed)
            lane.idle -= 1
            if self._closed:
                return None
            return lane.waiting.pop() if self._newest_first else lane.waiting.popleft()


def _serve(process: DecoderProcess, request: DecodeRequest, future: Future[DecodedImage]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        image = process.decode(_message(request))
    except ImageError as error:
        future.set_exception(error)
    except Exception as error:  # noqa: BLE001 - whoever waits for the future gets it
        # A driver that died of it would leave every later request waiting.
        future.set_exception(error)
    else:
        future.set_result(image)


def _message(request: DecodeRequest) -> Request:
    form = request.side, request.fit, request.crop
    path = request.path.absolute()  # the process stays in the folder that it began in
    return path, *form, request.tile, request.mode, request.thumbnail, request.facts


def _outcome(future: Future[DecodedImage]) -> DecodedImage | ImageError:
    try:
        return future.result()
    except ImageError as error:
        return error


def decoding_processes(*, beside_network: bool) -> int:
    """How many processes decode on this machine: as many as there are cores, within bounds.

    Each core is wanted by decoders and by a network on the processor, whichever has work; where
    the network runs elsewhere, more of them are needed to keep it busy (docs/BENCHMARKS.md).

    Args:
        beside_network: whether a network takes the same cores.
    """
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    return max(1, min(_MAX_WORKERS if beside_network else _MAX_WORKERS_ALONE, cores))
