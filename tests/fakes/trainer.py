"""What learns in the fake engine: it takes no time, and ends as it is told."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Generator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from engine.api.categories import Categories
from engine.api.geometry import Box
from engine.api.teaching import (
    Hits,
    Spread,
    TaughtCategory,
    TeachProgress,
    TeachReport,
    TeachRequest,
)
from engine.api.training import LabelSource, TrainRequest
from engine.api.training_control import Wish
from engine.api.training_reports import (
    Ending,
    EpochReport,
    PauseReport,
    Preflight,
    PreparationReport,
    SampleReport,
    StepReport,
    TrainingEnded,
    TrainingStarted,
    TrainReport,
)
from engine.api.validation import can_validate, compared
from engine.api.values import PositionScores
from tests.fakes.gates import opened_gate

STEPS = 3


@dataclass
class FakeTrainer:
    """What a fake engine does when it shall train or teach.

    Attributes:
        write_model: makes a model file and lets the engine open it.
        gate: each step waits for it.
        hold_after: the gate closes itself after this epoch.
        error: ends a training or teaching after its first value while it is set.
        trained: the requests of trainings.
        taught: the requests to teach.
        spread: so many of the other photos get what was taught.
        wishes: what was wished of trainings.
        closed: set when a training or teaching has come to its end, whichever.
    """

    write_model: Callable[[Path, str, Categories], None]
    gate: threading.Event = field(default_factory=opened_gate)
    hold_after: int | None = None
    error: Exception | None = None
    trained: list[TrainRequest] = field(default_factory=list)
    taught: list[TeachRequest] = field(default_factory=list)
    spread: int = 1
    wishes: list[Wish] = field(default_factory=list)
    closed: threading.Event = field(default_factory=threading.Event)
    _wish: Wish = Wish.NONE

    def steer(self, wish: Wish) -> None:
        """As ``TrainingControl`` takes wishes."""
        self.wishes.append(wish)
        self._wish = wish

    def train(
        self, request: TrainRequest, wait: Callable[[threading.Event], None]
    ) -> Generator[TrainReport, None, None]:
        """Each epoch is better than the one before by a tenth."""
        self.trained.append(request)
        self._wish = Wish.NONE
        try:
            yield from self._train(request, wait)
        finally:
            self.closed.set()

    def teach(
        self, request: TeachRequest, wait: Callable[[threading.Event], None]
    ) -> Generator[TeachProgress | TeachReport, None, None]:
        """Everything that was taught is right afterwards."""
        self.taught.append(request)
        try:
            yield TeachProgress("looking", 0, len(request.paths))
            if self.error is not None:
                raise self.error
            wait(self.gate)
            yield TeachProgress("looking", len(request.paths), len(request.paths))
            wait(self.gate)
            yield TeachProgress("learning", 1, 1)
            self.write_model(request.file, request.name, request.categories)
            others = len(request.others)
            yield TeachReport(
                request.file, request.name, self._taught(request), len(request.paths), others, 1.0
            )
        finally:
            self.closed.set()

    def _taught(self, request: TeachRequest) -> tuple[TaughtCategory, ...]:
        found = []
        for column in request.taught:
            drawn = 0 if request.drawn is None else int(request.drawn[:, column].sum())
            known, targets = request.known[:, column], request.targets[:, column]
            yes, no = int((targets & known).sum()), int((~targets & known).sum()) - drawn
            judged = request.judged_by(column)
            hits, name = Hits(judged[0], 0), request.categories[column]
            was_learned = request.learned is not None and request.learned[:, column].any()
            if name == "new" and not was_learned:
                spread = Spread(len(request.others), request.others[: self.spread])
                one = TaughtCategory(name, yes, no, drawn, *judged, None, hits, spread=spread)
            elif can_validate(*judged):
                spread = Spread(len(request.others), request.others[: self.spread])
                better = compared(sum(judged), 0)
                before = Hits(0, judged[1])
                one = TaughtCategory(name, yes, no, drawn, *judged, before, hits, better, spread)
            else:
                one = TaughtCategory(name, yes, no, drawn, *judged, None, None)
            found.append(one)
        return tuple(found)

    def _train(
        self, request: TrainRequest, wait: Callable[[threading.Event], None]
    ) -> Generator[TrainReport, None, None]:
        categories = _categories(request)
        yield PreparationReport("reading the images", 4, 4)
        if self.error is not None:
            raise self.error
        counts = tuple((name, 12) for name in categories)
        yield Preflight(counts, (), 2**30, 2**28, 2**34, 90.0, train_images=40, val_images=10)
        if self._wish >= Wish.STOP_AFTER_EPOCH:
            yield self._ended(request, Ending.STOPPED, 0)
            return
        epochs = request.config.epochs
        done = len(_log(request).read_text().splitlines()) - 1 if _log(request).exists() else 0
        yield TrainingStarted(
            tuple(categories), "CPU", epochs, epochs * STEPS, done * STEPS, done + 1, request.output
        )
        if not done:
            yield self._epoch(request, 0, categories)
            yield _samples(request, 0, categories)
        ending = Ending.DONE
        for epoch in range(done + 1, epochs + 1):
            for step in range(1, STEPS + 1):
                wait(self.gate)
                at = (epoch - 1) * STEPS + step
                yield _step(at, epochs * STEPS, epoch)
                if self._wish is Wish.STOP_NOW:
                    yield self._ended(request, Ending.STOPPED, epoch - 1)
                    return
                if self._wish is Wish.PAUSE:
                    self._wish = Wish.NONE
                    yield PauseReport(at)
            yield self._epoch(request, epoch, categories)
            yield _samples(request, epoch, categories)
            if self._wish is Wish.STOP_AFTER_EPOCH:
                ending = Ending.STOPPED
                break
        yield self._ended(request, ending, epoch)

    def _epoch(self, request: TrainRequest, epoch: int, categories: Categories) -> EpochReport:
        value = min(0.95, 0.4 + epoch / 10)
        report = EpochReport(
            epoch, 1 / (epoch + 1), value, epoch > 0, (value,) * len(categories), 2.0
        )
        with _log(request).open("a") as stream:
            stream.write(json.dumps({"kind": "epoch", **asdict(report)}) + "\n")
        (request.output / "state-fake.pt").touch()
        if epoch == self.hold_after:
            self.gate.clear()
        if epoch:
            self.write_model(request.best_file, request.name, categories)
        return report

    def _ended(self, request: TrainRequest, ending: Ending, epoch: int) -> TrainingEnded:
        best = request.best_file if request.best_file.exists() else None
        stopped = ending is Ending.STOPPED
        return TrainingEnded(ending, best, None, 0.4 + epoch / 10, epoch, can_resume=stopped)


def _step(step: int, total: int, epoch: int) -> StepReport:
    return StepReport(step, total, epoch, 1 / step, 1e-3, 1.0, 0.1, 8.0, 60.0, 2**29)


def _log(request: TrainRequest) -> Path:
    return request.output / "log.jsonl"


def _categories(request: TrainRequest) -> Categories:
    if isinstance(request.source, LabelSource):
        return request.source.categories
    return Categories(("cat", "dog"))


def _samples(request: TrainRequest, epoch: int, categories: Categories) -> SampleReport:
    paths = request.source.paths[:2] if isinstance(request.source, LabelSource) else ()
    scores = []
    for path in paths:
        seed = int.from_bytes(hashlib.sha256(path.name.encode()).digest()[:4], "big")
        values = np.random.default_rng(seed + epoch).normal(size=(1, len(categories), 7, 7))
        scores.append(
            PositionScores(path, "", values.astype(np.float32), (1.0,), 0.1, Box.UNIT, 640, 480)
        )
    return SampleReport(epoch, tuple(scores), tuple((categories[0],) for _ in paths))
