"""A decoder that reads no file."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from engine.api.errors import ImageError
from engine.api.values import DecodedImage
from engine.data.decoding.pool import DecodeRequest
from tests.fakes.engine import HEIGHT, WIDTH
from tests.fakes.gates import opened_gate


class FakeDecoder:
    """Decodes nothing: a plain colour for every file, an error for names with "bad" in them.

    Attributes:
        gate: each picture waits for it.
        size: width and height of every photo.
        requests: what was asked for, in order.
    """

    def __init__(self) -> None:
        self.gate = opened_gate()
        self.size = WIDTH, HEIGHT
        self.requests: list[DecodeRequest] = []
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="fake-decode")

    def submit(self, request: DecodeRequest) -> Future[DecodedImage]:
        """A future picture, as ``DecodePool`` gives it."""
        self.requests.append(request)
        return self._threads.submit(self._decode, request)

    def close(self) -> None:
        """End the threads; what waits is cancelled."""
        self.gate.set()
        self._threads.shutdown(cancel_futures=True)

    def _decode(self, request: DecodeRequest) -> DecodedImage:
        self.gate.wait()
        if "bad" in request.path.name:
            raise ImageError("The file ends too early.")
        width, height = self.size
        if (tile := request.tile) is not None:
            columns, rows = tile.right - tile.left, tile.bottom - tile.top
            shape = -(-rows // tile.reduction), -(-columns // tile.reduction)
        else:
            columns = min(request.side or width, width)
            shape = columns * height // width, columns
        return DecodedImage(np.full((*shape, 3), 90, dtype=np.uint8), width, height)
