"""A click while long work goes on: one pass at most is before it, and no photo that waits."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.api.config import PredictConfig
from engine.api.evaluation import EvaluationRequest
from engine.api.geometry import Box
from engine.api.values import DecodedImage, PositionScores
from engine.data.decoding.pool import DecodePool, DecodeRequest
from engine.inference.open_model import OpenModel
from engine.inference.weights import read_weights
from engine.service.local import LocalEngine
from tests.engine.passes import CountedPasses, WatchedTurns
from tests.engine.tiny_models import TINY_CATEGORIES, save_tiny_model

PHOTOS = 12


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    folder = tmp_path / "photos"
    folder.mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (PHOTOS, 40, 50, 3), dtype=np.uint8)
    paths = [folder / f"{number:02}.png" for number in range(PHOTOS)]
    for path, values in zip(paths, pixels, strict=True):
        Image.fromarray(values).save(path)
    rows = [f"{path.name},{TINY_CATEGORIES[0]}" for path in paths]
    (folder / "labels.csv").write_text("\n".join(["path,label", *rows]) + "\n")
    return paths


class AskedPool(DecodePool):
    """Remembers which photos were asked for at once."""

    def __init__(self) -> None:
        super().__init__(1)
        self.urgent: list[Path] = []

    def submit(self, request: DecodeRequest, *, urgent: bool = False) -> Future[DecodedImage]:
        if urgent:
            self.urgent.append(request.path)
        return super().submit(request, urgent=urgent)


class ClickedEngine(LocalEngine):
    """Somebody asks for a photo's position scores within the first pass of other work."""

    def __init__(self, click: Callable[[LocalEngine], object]) -> None:
        super().__init__("cpu", num_workers=1)
        self.pool: AskedPool = AskedPool()
        self.passes = CountedPasses(during=self._click_once)
        self._turns: WatchedTurns = WatchedTurns(self.passes)
        self._clicks = ThreadPoolExecutor(1)
        self._click = click
        self.answer: Future[object] | None = None

    def _opened(self, path: Path) -> OpenModel:
        return OpenModel(read_weights(path), self.passes, path)

    def _click_once(self, number: int) -> None:
        if number == 1:
            self.answer = self._clicks.submit(self._click, self)
            assert self._turns.asked_urgently.wait(20)

    def close(self) -> None:
        self._clicks.shutdown()
        super().close()


def tag(engine: LocalEngine, model: str, photos: list[Path]) -> Generator[object, None, None]:
    yield from engine.predict(model, photos)


def tag_and_keep(
    engine: LocalEngine, model: str, photos: list[Path]
) -> Generator[object, None, None]:
    kept = photos[0].parent.with_name("kept")
    yield from engine.predict(model, photos, PredictConfig(features=kept))


def evaluate(engine: LocalEngine, model: str, photos: list[Path]) -> Generator[object, None, None]:
    source = photos[0].parent.with_name("m.safetensors")
    yield from engine.evaluate(EvaluationRequest("folder", photos[0].parent, "all", str(source)))


@pytest.fixture
def made() -> Iterator[list[ClickedEngine]]:
    engines: list[ClickedEngine] = []
    yield engines
    for engine in engines:
        engine.close()


@pytest.mark.parametrize("hidden", [None, Box(0.1, 0.1, 0.5, 0.5)])
@pytest.mark.parametrize("work", [tag, tag_and_keep, evaluate])
def test_a_click_waits_for_one_pass_and_no_more(
    photos: list[Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    made: list[ClickedEngine],
    work: Callable[[LocalEngine, str, list[Path]], Generator[object, None, None]],
    hidden: Box | None,
) -> None:
    monkeypatch.setenv("CSRA_GUI_DATA", str(tmp_path / "data"))
    source = save_tiny_model(tmp_path / "m.safetensors")
    made.append(ClickedEngine(lambda engine: engine.explain(info.id, photos[-1], hidden)))
    info = made[0].open_model(str(source))

    for _ in work(made[0], info.id, photos):
        pass

    assert made[0].passes.sizes == [2, 1, *[2] * (PHOTOS // 2 - 1)]
    assert made[0].pool.urgent == [photos[-1]]
    assert made[0].answer is not None
    assert isinstance(made[0].answer.result(10), PositionScores)
