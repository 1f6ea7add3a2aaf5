"""The whole program, with photos and a tiny model, for whoever starts its jobs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

from csra_gui.app import Application
from csra_gui.base.jobs import JobSlot
from csra_gui.base.settings import Settings
from engine.api.remote import RemoteEngine
from engine.library.values import Verdict
from engine.records.models import default_store
from tests.e2e.cycling import serve_quietly, turn_events
from tests.engine.tiny_models import save_tiny_model


class Rig:
    """The whole program on an engine in a process of its own, with photos and a tiny model."""

    def __init__(self, root: Path, application: Application, count: int) -> None:
        self.root, self.application, self.count = root, application, count
        self.session, self.window = application.session, application.window
        self.photos = root / "photos"
        self.ends: list[object] = []

    @property
    def rows(self) -> np.ndarray:
        return np.arange(self.count)

    def until(self, condition: Callable[[], bool], limit_s: float = 300.0) -> None:
        assert turn_events(condition, limit_s)

    def open(self) -> None:
        session = self.session
        session.open([self.photos])
        self.until(lambda: len(session.photos) == self.count and not self.is_looking)
        self.until(lambda: bool((session.photos.image_ids > 0).all()))

    @property
    def is_looking(self) -> bool:
        pipeline = self.session.pipeline
        return pipeline.is_searching or pipeline.is_settling or pipeline.is_scanning

    def tag(self) -> None:
        self.session.pipeline.tag()
        self.until(lambda: not self.session.photos.untagged_rows())
        self.until(lambda: not self.session.tagger.is_running)

    def decide(self) -> None:
        decisions = self.session.decisions
        for number, label in enumerate(("Rex", "Mia")):
            rows = [row for row in range(self.count) if row % 3 != number]
            decisions.decide(rows, {label: Verdict.ADDED}, caption="Test")
        self.until(lambda: not decisions.is_writing)

    def slot(self, name: str) -> JobSlot:
        return JobSlot(self.session.jobs, name, self.application)


@contextmanager
def tiny_program(settings: Settings) -> Iterator[Application]:
    """The program with a tiny model on an engine in a process of its own; it is ended."""
    default_store().folder.mkdir(parents=True, exist_ok=True)
    save_tiny_model(default_store().folder / "tiny.safetensors")
    settings.set_model("tiny")
    application = Application(lambda: RemoteEngine(serve_quietly), settings)
    yield application
    application.window.close()
    assert application.shut_down()


def noise(path: Path, number: int, side: int = 320) -> None:
    pixels = np.random.default_rng(number).integers(0, 256, (side // 8, side // 8, 3), np.uint8)
    Image.fromarray(pixels).resize((side, side * 3 // 4)).save(path)


def rigged(files: Path, application: Application, count: int, suffix: str) -> Rig:
    rig = Rig(files, application, count)
    rig.photos.mkdir()
    for number in range(count):
        noise(rig.photos / f"{number:03}{suffix}", number)
    application.start([])
    rig.until(lambda: application.session.models.model is not None)
    rig.until(lambda: application.session.library.library is not None)
    rig.open()
    rig.tag()
    rig.decide()
    return rig
