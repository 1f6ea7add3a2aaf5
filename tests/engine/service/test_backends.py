"""What runs a model: ONNX Runtime if it can, PyTorch else; and graphs made for later."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from engine.api.errors import CheckpointError, ModelError
from engine.checkpoints.loading import open_checkpoint
from engine.inference.backend import BatchScores
from engine.inference.graphs import Graph, find_graph, graph_folder, graph_key, keep_graph
from engine.inference.onnx_backend import OnnxBackend
from engine.inference.told import what_runs
from engine.records.backend_kinds import BACKENDS
from engine.records.measured_backends import BackendMeasurement, MeasuredBackends, NetworkRecord
from engine.service import local, measuring
from engine.service.graph_maker import GraphMaker
from engine.service.local import LocalEngine
from engine.service.measuring import MeasuringProgress, make_graph, measure
from engine.service.opening import is_measured, is_prepared, order_of
from tests.engine.graphs import graph_of
from tests.engine.tiny_models import save_tiny_model, tiny_config

pytestmark = pytest.mark.usefixtures("graphs_made_once")


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


def test_other_sizes_of_a_convolutional_network_need_no_pytorch(
    model: Path, photo: Path, engines: list[LocalEngine]
) -> None:
    keep_graph(tiny_config(), graph_of(open_checkpoint(model)))
    engines += [LocalEngine("cpu", 1, backend) for backend in ("auto", "torch")]
    ids = [engine.open_model(str(model)).id for engine in engines]
    light, heavy = (
        engine.explain(id_, photo, input_size=96) for engine, id_ in zip(engines, ids, strict=True)
    )
    assert engines[0]._pytorch is None
    assert light.values.shape == heavy.values.shape
    np.testing.assert_allclose(light.values, heavy.values, atol=1e-3)
    engines[0].explain(ids[0], photo, input_size=72)  # such sizes are padded another way
    assert engines[0]._pytorch is not None


def test_a_graph_that_cannot_be_run_is_put_aside_with_a_message(
    model: Path, engines: list[LocalEngine], caplog: pytest.LogCaptureFixture
) -> None:
    keep_graph(tiny_config(), Graph(b"no graph", {}))
    engines.append(LocalEngine("cpu", 1))
    with caplog.at_level(logging.WARNING):
        assert engines[0].open_model(str(model)).device == "CPU, PyTorch"
    assert "PyTorch goes on" in caplog.text


def test_a_backend_that_fails_while_it_runs_is_replaced_and_that_is_said_once(
    model: Path,
    photo: Path,
    engines: list[LocalEngine],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    engines += [LocalEngine("cpu", 1, "onnx"), LocalEngine("cpu", 1)]
    info = engines[0].open_model(str(model))
    expected = next(engines[0].predict(info.id, [photo])).scores
    assert engines[1].open_model(str(model)).device == "CPU, ONNX Runtime"

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("no memory")

    with monkeypatch.context() as patch, caplog.at_level(logging.WARNING):
        patch.setattr(OnnxBackend, "run", fail)
        first, *others = engines[1].predict(info.id, [photo] * 9)
    assert "ONNX Runtime was put aside" in first.note
    assert "no memory" in first.note
    assert not any(other.note for other in others)
    for prediction in (first, *others):
        np.testing.assert_allclose(prediction.scores, expected, atol=1e-4)
    engines.append(LocalEngine("cpu", 1))
    again = engines[2].open_model(str(model))
    assert (again.device, again.note) == ("CPU, PyTorch", "")  # it is not tried again


def test_a_model_that_cannot_be_run_says_so_when_it_is_opened(
    model: Path, engines: list[LocalEngine], caplog: pytest.LogCaptureFixture
) -> None:
    keep_graph(tiny_config(), Graph(b"no graph", {}))
    engines.append(LocalEngine("cpu", 1))
    with caplog.at_level(logging.WARNING):
        assert "ONNX Runtime was put aside" in engines[0].open_model(str(model)).note
    assert engines[0].open_model(str(model)).note == ""


def result_of(steps: Generator[MeasuringProgress, None, NetworkRecord]) -> NetworkRecord:
    while True:
        try:
            progress = next(steps)
            assert 0 < progress.done <= progress.total
        except StopIteration as end:
            record: NetworkRecord = end.value
            return record


def test_measuring_finds_the_fastest_and_its_batch_and_the_next_engine_uses_it(
    model: Path, engines: list[LocalEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    record = result_of(measure(model, "cpu"))
    assert {m.backend for m in record.measurements} >= {"onnx", "torch"}
    assert all(m.rate > 0 and m.difference <= 1e-3 for m in record.measurements)
    assert all(m.batch in (1, 2, 4, 8) for m in record.measurements)
    kept, network = MeasuredBackends(), graph_key(tiny_config())
    quick = [replace(m, rate=2.0 + (m.backend == "torch")) for m in record.measurements]
    kept.keep(network, [replace(m, batch=5) for m in quick])
    engines.append(LocalEngine("cpu", 1))
    assert engines[0].open_model(str(model)).device == "CPU, PyTorch"
    kept.keep(network, [replace(m, rate=2.0 + (m.backend == "onnx"), batch=5) for m in quick])
    engines.append(LocalEngine("cpu", 1))
    info = engines[1].open_model(str(model))
    assert info.device == "CPU, ONNX Runtime"
    assert engines[1]._model(info.id).backend.best_batch == 5


def test_others_are_held_to_single_precision_where_pytorch_tags_in_half(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measuring, "half_type", lambda _: torch.float16)
    record = result_of(measure(model, "cpu"))
    found = {m.backend: m.difference for m in record.measurements}
    assert 0 < found["torch"] < 5e-3
    assert found["onnx"] <= 1e-4


@pytest.mark.parametrize(
    ("device", "has_card", "wish", "expected"),
    [
        ("auto", False, 0, 8),
        ("cpu", True, 0, 8),
        ("auto", True, 0, 16),
        ("auto", True, 3, 3),
        ("cpu", False, 3, 3),
    ],
)
def test_all_cores_decode_where_the_network_runs_elsewhere(
    monkeypatch: pytest.MonkeyPatch,
    engines: list[LocalEngine],
    device: str,
    has_card: bool,
    wish: int,
    expected: int,
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(16)), raising=False)
    monkeypatch.setattr(local, "may_have_gpu", lambda: has_card)
    engines.append(LocalEngine(device, wish))
    assert engines[0].pool._pictures.limit == expected


def test_a_backend_that_gives_other_scores_is_put_aside_by_measuring(
    model: Path, engines: list[LocalEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = OnnxBackend.run

    def wrong(self: OnnxBackend, *arguments: object, **named: object) -> BatchScores:
        # Whatever it was called with goes on to the real one.
        found = run(self, *arguments, **named)  # type: ignore[arg-type]
        return BatchScores(found.logits + 0.1, found.position_scores)

    engines.append(LocalEngine("cpu", 1, "onnx"))
    engines[0].open_model(str(model))  # makes the graph
    monkeypatch.setattr(OnnxBackend, "run", wrong)
    record = result_of(measure(model, "cpu"))
    runtime = BACKENDS["onnx"].runtime
    assert "differ" in record.reason_against("onnx", runtime)
    assert record.of("onnx") is None
    engines.append(LocalEngine("cpu", 1))
    assert engines[1].open_model(str(model)).device != "CPU, ONNX Runtime"


def test_a_network_without_a_graph_is_remembered_and_not_tried_again(
    model: Path, engines: list[LocalEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[object] = []

    def no_graph(checkpoint: object) -> Graph:
        tries.append(checkpoint)
        raise CheckpointError("its backbone has steps that ONNX lacks")

    monkeypatch.setattr(measuring, "export_graph", no_graph)
    assert not is_prepared(model)
    assert "ONNX lacks" in make_graph(model)
    record = result_of(measure(model, "cpu"))
    assert [m.backend for m in record.measurements] == ["torch"]
    assert is_prepared(model)
    assert "ONNX lacks" in what_runs(tiny_config())
    before = len(tries)
    measuring.measure_once(model)
    assert len(tries) == before
    engines.append(LocalEngine("cpu", 1))
    assert engines[0].open_model(str(model)).note == ""  # nothing new


def test_a_model_has_its_graph_once_it_was_made(model: Path, engines: list[LocalEngine]) -> None:
    assert make_graph(model) == ""
    engines.append(LocalEngine("cpu", 1))
    assert engines[0].open_model(str(model)).device == "CPU, ONNX Runtime"


def test_a_graph_that_was_deleted_is_made_again(model: Path) -> None:
    result_of(measure(model, "cpu"))
    assert is_prepared(model)
    (graph_folder() / f"{graph_key(tiny_config())}.zip").unlink()
    assert not is_prepared(model)


_HERE = {name: kind.runtime for name, kind in BACKENDS.items()}


@pytest.mark.parametrize(
    ("rates", "aside", "kept_wish", "wish", "is_light", "expected"),
    [
        ({}, (), "", "auto", True, ("onnx", "torch")),
        ({}, (), "", "auto", False, ("torch",)),
        ({"onnx": 9, "torch": 3}, (), "", "auto", True, ("onnx", "torch")),
        ({"onnx": 9, "torch": 30}, (), "", "auto", True, ("torch",)),
        ({"onnx": 9, "torch": 3}, (), "", "auto", False, ("onnx", "torch")),
        ({"onnx": 9, "torch": 3}, ("onnx",), "", "auto", True, ("torch",)),
        ({"onnx": 9, "torch": 3}, (), "torch", "auto", True, ("torch",)),
        ({"onnx": 9, "torch": 30}, (), "onnx", "auto", True, ("onnx", "torch")),
        ({"onnx": 9, "torch": 3}, (), "torch", "onnx", True, ("onnx", "torch")),
        ({"onnx": 9, "torch": 3}, (), "onnx", "torch", True, ("torch",)),
        ({"abacus": 90, "onnx": 9}, (), "", "auto", True, ("onnx", "torch")),
        ({}, (), "abacus", "auto", True, ("onnx", "torch")),
    ],
)
def test_the_order_of_backends(
    rates: dict[str, float],
    aside: tuple[str, ...],
    kept_wish: str,
    wish: str,
    is_light: bool,
    expected: tuple[str, ...],
) -> None:
    found = tuple(
        BackendMeasurement(name, _HERE.get(name, ""), "cpu", rate, 1, 1 / rate, 0.0, "")
        for name, rate in sorted(rates.items(), key=lambda item: -item[1])
    )
    reasons = {name: ("it failed", _HERE[name]) for name in aside}
    record = NetworkRecord(found, reasons, kept_wish)
    assert order_of(record, wish, is_light=is_light) == expected


def test_what_was_measured_with_another_version_does_not_count() -> None:
    old = BackendMeasurement("torch", "PyTorch 1.0", "cpu", 99.0, 1, 0.01, 0.0, "")
    record = NetworkRecord((old,))
    assert order_of(record, "auto", is_light=True) == ("onnx", "torch")
    assert not is_measured(record)


def test_a_choice_by_hand_counts_when_the_model_is_opened_again(
    model: Path, photo: Path, engines: list[LocalEngine]
) -> None:
    engines += [LocalEngine("cpu", 1, "onnx"), LocalEngine("cpu", 1)]
    engines[0].open_model(str(model))
    info = engines[1].open_model(str(model))
    kept, network = MeasuredBackends(), graph_key(tiny_config())
    for wish, device in (("torch", "CPU, PyTorch"), ("", "CPU, ONNX Runtime")):
        kept.set_wish(network, wish)
        again = engines[1].open_model(str(model))
        assert (again.id, again.device) == (info.id, device)
        assert next(engines[1].predict(info.id, [photo])).error is None


@pytest.mark.parametrize(("name", "said"), [("abacus", "no backend"), ("onnx", "CPU")])
def test_a_backend_that_cannot_be_is_refused(name: str, said: str) -> None:
    with pytest.raises(ModelError, match=said):
        LocalEngine("cuda", 1, name)


def test_onnx_runtime_is_not_promised_on_a_graphics_card() -> None:
    with pytest.raises(ModelError, match="CPU"):
        LocalEngine("cuda", 1, "onnx")


@pytest.mark.slow
def test_a_graph_is_made_in_a_process_of_its_own(model: Path, engines: list[LocalEngine]) -> None:
    maker = GraphMaker(rest_s=0.0)
    engines.append(LocalEngine("cpu", 1, graphs=maker))
    assert engines[0].open_model(str(model)).device == "CPU, PyTorch"
    wait_for(lambda: not maker._wanted)
    engines.append(LocalEngine("cpu", 1))
    assert find_graph(tiny_config()) is not None
    fastest = engines[1].open_model(str(model)).device  # was measured on this machine
    assert fastest in ("CPU, ONNX Runtime", "CPU, OpenVINO")


def test_closing_ends_what_is_made(model: Path) -> None:
    maker = GraphMaker(rest_s=0.0)
    engine = LocalEngine("cpu", 1, graphs=maker)
    engine.open_model(str(model))
    wait_for(lambda: maker.is_at_work)
    engine.close()
    wait_for(lambda: not maker.is_at_work)
    assert find_graph(tiny_config()) is None


def test_nothing_is_prepared_while_photos_are_tagged_and_what_was_begun_is_given_up(
    model: Path, photo: Path
) -> None:
    maker = GraphMaker(rest_s=0.0)
    engine = LocalEngine("cpu", 1, graphs=maker)
    info = engine.open_model(str(model))
    wait_for(lambda: maker.is_at_work)
    tagging = engine.predict(info.id, [photo] * 9)
    next(tagging)
    wait_for(lambda: not maker.is_at_work)
    assert maker._timer is None
    assert maker._wanted == [model]
    tagging.close()
    wait_for(lambda: maker.is_at_work)  # begun again
    engine.close()


def wait_for(condition: Callable[[], bool]) -> None:
    """Poll, since what is waited for is in another process."""
    end = time.monotonic() + 100
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)
