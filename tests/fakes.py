"""Stand-ins that implement the real interfaces, deterministic and controllable."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from engine.categories import Categories
from engine.config import PredictConfig
from engine.data.decode_pool import DecodeRequest
from engine.errors import EngineError, ImageError
from engine.evidence import logits, sigmoid
from engine.geometry import Box
from engine.values import DecodedImage, ModelInfo, PositionScores, Prediction

CATEGORIES = Categories(("cat", "dog", "car", "person", "boat", "<b>bold</b> & co"))
MODEL_ID = "f4ce"
GRID = 14
WIDTH, HEIGHT = 640, 480


def _opened() -> threading.Event:
    gate = threading.Event()
    gate.set()
    return gate


@dataclass
class FakeEngine:
    """A ``TaggingEngine`` whose answers follow from the file's name.

    A category in the name ("cat-and-dog.jpg") has a high score and a blob of position scores; a
    name with "bad" in it fails. Everything else is drawn from a hash of the name.

    Attributes:
        model_error: makes ``open_model`` fail while it is set.
        predict_bug: is raised by ``predict`` while it is set.
        open_gate: ``open_model`` waits for it.
        predict_gate: each prediction waits for it.
        explain_gate: each explanation waits for it.
        predict_calls: the paths of each call.
        predicted: photos that a prediction was made for.
        explain_calls: the path of each call.
        closed: set when ``close`` was called.
        predict_closed: set when a ``predict`` has come to its end, whichever.
    """

    model_error: EngineError | None = None
    predict_bug: Exception | None = None
    open_gate: threading.Event = field(default_factory=_opened)
    predict_gate: threading.Event = field(default_factory=_opened)
    explain_gate: threading.Event = field(default_factory=_opened)
    predict_calls: list[tuple[Path, ...]] = field(default_factory=list)
    predicted: list[Path] = field(default_factory=list)
    explain_calls: list[Path] = field(default_factory=list)
    closed: threading.Event = field(default_factory=threading.Event)
    predict_closed: threading.Event = field(default_factory=threading.Event)

    def open_model(self, source: str | None = None) -> ModelInfo:
        """The one model, unless it is told to fail."""
        self._wait(self.open_gate)
        if self.model_error is not None:
            raise self.model_error
        return ModelInfo(
            MODEL_ID, "Fake model", None, CATEGORIES, (1.0,), 0.1, 448, "fake", device="CPU"
        )

    def predict(
        self, model_id: str, paths: Sequence[Path], config: PredictConfig | None = None
    ) -> Generator[Prediction, None, None]:
        """One prediction per path, in order."""
        self.predict_calls.append(tuple(paths))
        try:
            for path in paths:
                self._wait(self.predict_gate)
                if self.predict_bug is not None:
                    raise self.predict_bug
                self.predicted.append(path)
                yield self._prediction(path)
        finally:
            self.predict_closed.set()

    def explain(self, model_id: str, path: Path) -> PositionScores:
        """A blob for each category in the name."""
        self.explain_calls.append(path)
        self._wait(self.explain_gate)
        if "bad" in path.name:
            raise ImageError("The file ends too early.")
        return position_scores(path)

    def close(self) -> None:
        """Let everything that waits go on to its end."""
        self.closed.set()

    def _prediction(self, path: Path) -> Prediction:
        if "bad" in path.name:
            empty = np.empty(0, dtype=np.float32)
            return Prediction(path, MODEL_ID, empty, error="The file ends too early.")
        return Prediction(path, MODEL_ID, sigmoid(logits(position_scores(path))), WIDTH, HEIGHT)

    def _wait(self, gate: threading.Event) -> None:
        while not gate.wait(0.01):
            if self.closed.is_set():
                raise EngineError("The engine is closed.")


def position_scores(path: Path) -> PositionScores:
    """One head, one blob per category; its place follows from the name."""
    values = np.full((1, len(CATEGORIES), GRID, GRID), -4.0, dtype=np.float32)
    rows, columns = np.mgrid[:GRID, :GRID]
    for place, category in enumerate(CATEGORIES):
        digest = hashlib.sha256(f"{path.name}/{category}".encode(errors="replace")).digest()
        distance = (rows - digest[0] % GRID) ** 2 + (columns - digest[1] % GRID) ** 2
        values[0, place] += 6.0 * np.exp(-distance / 8.0)
        if category in path.name or digest[2] < 60:
            values[0, place] += 6.0
    return PositionScores(path, MODEL_ID, values, (1.0,), 0.1, Box.UNIT, WIDTH, HEIGHT)


class FakeDecoder:
    """Decodes nothing: a plain colour for every file, an error for names with "bad" in them.

    Attributes:
        gate: each picture waits for it.
        requests: what was asked for, in order.
    """

    def __init__(self) -> None:
        self.gate = _opened()
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
        side = min(request.side or WIDTH, WIDTH)
        pixels = np.full((side * 3 // 4, side, 3), 90, dtype=np.uint8)
        return DecodedImage(pixels, WIDTH, HEIGHT)
