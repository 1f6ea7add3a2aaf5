"""What runs a model: ONNX Runtime if it can, PyTorch else; and graphs made for later."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.api.errors import ModelError
from engine.inference.graphs import Graph, find_graph, keep_graph
from engine.service.graph_maker import GraphMaker
from engine.service.local import LocalEngine
from tests.engine.tiny_models import save_tiny_model, tiny_config


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CSRA_GUI_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    return save_tiny_model(tmp_path / "tiny.safetensors")


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    pixels = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    return tmp_path / "a.png"


@pytest.fixture
def engines() -> Iterator[list[LocalEngine]]:
    opened: list[LocalEngine] = []
    yield opened
    for engine in opened:
        engine.close()


def test_both_backends_say_the_same_and_the_graph_is_kept(
    model: Path, photo: Path, engines: list[LocalEngine]
) -> None:
    engines += [LocalEngine("cpu", 1, backend) for backend in ("torch", "onnx", "auto")]
    infos = [engine.open_model(str(model)) for engine in engines]
    assert [info.device for info in infos] == [
        "CPU, PyTorch",
        "CPU, ONNX Runtime",
        "CPU, ONNX Runtime",  # by now there is a graph
    ]
    assert len({info.id for info in infos}) == 1
    pairs = list(zip(engines, infos, strict=True))
    first, *others = [next(engine.predict(info.id, [photo])).scores for engine, info in pairs]
    maps, *other_maps = [engine.explain(info.id, photo).values for engine, info in pairs]
    for scores in others:
        np.testing.assert_allclose(scores, first, atol=1e-4)
    for values in other_maps:
        np.testing.assert_allclose(values, maps, atol=1e-3)


def test_a_graph_that_cannot_be_run_is_put_aside_with_a_message(
    model: Path, engines: list[LocalEngine], caplog: pytest.LogCaptureFixture
) -> None:
    keep_graph(tiny_config(), Graph(b"no graph", {}))
    engines.append(LocalEngine("cpu", 1))
    with caplog.at_level(logging.WARNING):
        assert engines[0].open_model(str(model)).device == "CPU, PyTorch"
    assert "PyTorch goes on" in caplog.text


def test_onnx_runtime_is_not_promised_on_a_graphics_card() -> None:
    with pytest.raises(ModelError, match="CPU"):
        LocalEngine("cuda", 1, "onnx")


@pytest.mark.slow
def test_a_graph_is_made_in_a_process_of_its_own(model: Path, engines: list[LocalEngine]) -> None:
    maker = GraphMaker()
    engines.append(LocalEngine("cpu", 1, graphs=maker))
    assert engines[0].open_model(str(model)).device == "CPU, PyTorch"
    assert maker._process is not None
    maker._process.join(100)
    engines.append(LocalEngine("cpu", 1))
    assert engines[1].open_model(str(model)).device == "CPU, ONNX Runtime"


def test_closing_ends_what_is_made(model: Path) -> None:
    maker = GraphMaker()
    engine = LocalEngine("cpu", 1, graphs=maker)
    engine.open_model(str(model))
    engine.close()
    assert maker._process is not None
    assert not maker._process.is_alive()
    assert find_graph(tiny_config()) is None
