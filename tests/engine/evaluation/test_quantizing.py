"""Models in whole numbers: made on some photos, measured on others, kept only if good enough."""

from __future__ import annotations

import dataclasses
import errno
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.api.config import EvaluateConfig
from engine.api.errors import DataError, ModelError
from engine.api.evaluation import EvaluationProgress, EvaluationRequest
from engine.api.quantizing import QuantizingDone
from engine.checkpoints.loading import open_checkpoint
from engine.cli import run
from engine.evaluation.quantizing import correlation, divide
from engine.inference.graphs import graph_folder, graph_key, keep_graph
from engine.inference.int8 import Int8Maker
from engine.inference.int8_opening import open_int8
from engine.records import int8_networks
from engine.records.backend_kinds import BACKENDS
from engine.records.int8_networks import Int8Figures, Int8Networks
from engine.records.measured_backends import MeasuredBackends
from engine.service.local import LocalEngine
from engine.service.opening import known_graph
from tests.engine.graphs import graph_of
from tests.engine.tiny_models import save_tiny_model, tiny_config

GOOD = Int8Figures(
    "val, 9 images", "train, 8 images", "2026-01-01", 0.9, 0.899, 0.995, 5.0, 9.0, "a", "onnx", "b"
)


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory):
    checkpoint = open_checkpoint(save_tiny_model(tmp_path_factory.mktemp("m") / "m.safetensors"))
    return checkpoint.record.config, graph_of(checkpoint)


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, graph) -> Path:
    monkeypatch.setenv("CSRA_GUI_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setattr(int8_networks, "LEAST_PHOTOS", 8)
    keep_graph(*graph)
    (tmp_path / "data" / "models").mkdir()
    return save_tiny_model(tmp_path / "data" / "models" / "tiny.safetensors")


def some_photos(root: Path, count: int, *splits: str) -> Path:
    chance = np.random.default_rng(0)
    for split in splits:
        for number in range(count):
            folder = root / split / ("cat", "dog")[number % 2]
            folder.mkdir(parents=True, exist_ok=True)
            pixels = chance.integers(0, 256, (64, 64, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / f"{number}.png")
    return root


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return some_photos(tmp_path / "set", 10, "train", "val")


@pytest.fixture
def engine(model: Path) -> Iterator[LocalEngine]:
    found = LocalEngine("cpu", 1, "onnx")
    yield found
    found.close()


def request_for(model: Path, data: Path, split: str = "val") -> EvaluationRequest:
    return EvaluationRequest("folder", data, split, str(model), EvaluateConfig())


def quantize(model: Path, data: Path, *more: str) -> int:
    where = ["--dataset", "folder", "--data", str(data)]
    return run(["models", "quantize", str(model), *where, *more])


def test_quantizing_measures_and_keeps_figures_in_the_model(
    model: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = open_checkpoint(model).id
    status = quantize(model, data)
    said = capsys.readouterr().err
    figures = Int8Networks().figures(before)
    assert figures is not None
    assert status == (0 if figures.is_offered else 1), said
    assert figures.correlation > 0.9  # int8 of random weights, but of the right ones
    assert "train" in figures.calibrated_on
    assert "val, 10 images" in figures.measured_on
    checkpoint = open_checkpoint(model)
    assert checkpoint.id == before
    assert checkpoint.record.provenance["int8"] == figures.text
    run(["models", "show", str(model)])
    assert figures.text in capsys.readouterr().out


@pytest.mark.parametrize(
    "change",
    [{"map_int8": 0.89}, {"correlation": 0.98}, {"correlation": float("nan")}],
)
def test_what_loses_too_much_is_not_offered_and_its_network_goes(
    model: Path, change: dict[str, float]
) -> None:
    kept = Int8Networks()
    kept.keep("m", GOOD, b"network")
    assert kept.network("m") == b"network"
    kept.keep("m", dataclasses.replace(GOOD, **change), b"other")
    figures = kept.figures("m")
    assert figures is not None
    assert figures.text.startswith("not offered: ")
    with pytest.raises(DataError, match="not good enough"):
        kept.network("m")
    assert not list((model.parents[1] / "int8").glob("*.onnx"))


@pytest.fixture
def quantized(model: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The model with an int8 network that is offered, whatever random weights lose."""
    monkeypatch.setattr(int8_networks, "MOST_LOSS", 100.0)
    monkeypatch.setattr(int8_networks, "LEAST_CORRELATION", -1.0)
    assert quantize(model, data) == 0
    return model


def test_int8_runs_only_when_asked_for_and_its_scores_are_another_models(
    quantized: Path, data: Path
) -> None:
    photo = next(data.glob("val/*/*.png"))
    found = {}
    for precision in ("float", "int8"):
        engine = LocalEngine("cpu", 1, "onnx", precision=precision)
        info = engine.open_model(str(quantized))
        found[precision] = info, next(engine.predict(info.id, [photo])).scores
        if precision == "int8":
            with pytest.raises(ModelError, match="own input size"):
                engine.explain(info.id, photo, input_size=96)
        engine.close()
    (plain, scores), (int8, other_scores) = found["float"], found["int8"]
    assert "int8" in int8.device
    assert "int8" not in plain.device
    assert int8.id != plain.id
    assert int8.int8_of == plain.id
    assert (plain.full_name, int8.full_name) == (plain.name, f"{plain.name} (int8)")
    assert not np.array_equal(scores, other_scores)
    np.testing.assert_allclose(scores, other_scores, atol=0.1)


def test_a_person_can_choose_int8_for_a_model_and_return(quantized: Path, data: Path) -> None:
    photo, kept = next(data.glob("val/*/*.png")), Int8Networks()
    own_id = open_checkpoint(quantized).id
    engine, plain = LocalEngine("cpu", 1, "onnx", precision="auto"), LocalEngine("cpu", 1, "onnx")
    found = []
    for chosen in (False, True, False):
        kept.choose(own_id, int8=chosen)
        info = engine.open_model(str(quantized))
        assert ("int8" in info.device) is chosen
        assert not info.note
        found.append((info.id, next(engine.predict(info.id, [photo])).scores))
        assert plain.open_model(str(quantized)).id == own_id  # asked for full precision
        if chosen:
            with pytest.raises(ModelError, match="Models dialog"):
                engine.explain(info.id, photo, input_size=96)
    engine.close()
    plain.close()
    (before, scores), (int8, int8_scores), (after, scores_again) = found
    assert before == after == own_id != int8
    np.testing.assert_array_equal(scores, scores_again)
    assert not np.array_equal(scores, int8_scores)


@pytest.mark.slow
@pytest.mark.parametrize("asked", ["of the engine", "of the model"])
def test_who_runs_int8_can_be_chosen(quantized: Path, asked: str) -> None:
    pytest.importorskip("openvino")
    for name in ("onnx", "openvino"):
        if asked == "of the model":
            MeasuredBackends().set_wish(graph_key(tiny_config()), name)
            opened = open_int8(quantized)
        else:
            opened = open_int8(quantized, name)
        assert opened.info.device.startswith(f"CPU, {BACKENDS[name].title}")
    MeasuredBackends().set_wish(graph_key(tiny_config()), "torch")
    assert "PyTorch" not in open_int8(quantized).info.device  # which does not run int8


def test_a_choice_counts_as_soon_as_a_network_is_there(
    model: Path, data: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    Int8Networks().choose(open_checkpoint(model).id, int8=True)
    engine = LocalEngine("cpu", 1, "onnx", precision="auto")
    assert "full precision, since no int8 network was made" in engine.open_model(str(model)).note
    assert "full precision" in caplog.text
    monkeypatch.setattr(int8_networks, "MOST_LOSS", 100.0)
    monkeypatch.setattr(int8_networks, "LEAST_CORRELATION", -1.0)
    assert quantize(model, data) == 0
    info = engine.open_model(str(model))
    engine.close()
    assert "int8" in info.device
    assert not info.note


def test_in_int8_no_score_is_taken_from_the_model_that_one_was_taught_from(
    quantized: Path,
) -> None:
    opened = open_int8(quantized)
    provenance = {"started from": "base", "taught": "cat"}
    record = dataclasses.replace(opened.record, provenance=provenance)
    taught = dataclasses.replace(opened, weights=dataclasses.replace(opened.weights, record=record))
    assert taught.info.taught_from == ""
    assert dataclasses.replace(taught, int8_of="").info.taught_from == "base"


@pytest.mark.parametrize("options", [("cuda", "auto"), ("mps", "auto"), ("cpu", "torch")])
def test_int8_is_refused_where_it_does_not_run(options: tuple[str, str]) -> None:
    with pytest.raises(ModelError, match="precision float"):
        LocalEngine(options[0], 1, options[1], precision="int8")


@pytest.mark.parametrize("damage", ["missing", "cut", "changed", "figures", "version"])
def test_a_damaged_int8_network_is_left_alone_with_a_message(
    quantized: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    folder = quantized.parents[1] / "int8"
    network, figures = next(folder.glob("*.onnx")), next(folder.glob("*.json"))
    if damage == "missing":
        network.unlink()
    elif damage == "cut":
        network.write_bytes(network.read_bytes()[:-9])
    elif damage == "changed":  # it would run, and say other things
        data = bytearray(network.read_bytes())
        data[len(data) // 2] ^= 1
        network.write_bytes(data)
    elif damage == "figures":
        figures.write_text("{")
    else:
        figures.write_text(json.dumps({**json.loads(figures.read_text()), "version": 99}))
    with pytest.raises(DataError):
        open_int8(quantized)
    engine = LocalEngine("cpu", 1, "onnx", precision="int8")
    with caplog.at_level("WARNING"):
        info = engine.open_model(str(quantized))
    engine.close()
    assert "full precision" in caplog.text
    assert "full precision" in info.note
    assert "int8" not in info.device


@pytest.mark.parametrize("splits", [("train", "val"), ("val",)])
def test_no_photo_is_for_both(
    engine: LocalEngine, model: Path, tmp_path: Path, splits: tuple[str, ...]
) -> None:
    root = some_photos(tmp_path / "other", 20, *splits)
    with engine.evaluation(request_for(model, root)) as work:
        photos = divide(work)
    calibration = {request.path for request in photos.calibration}
    assert calibration
    assert calibration.isdisjoint(photos.measured.paths)
    assert all(splits[0] in path.parts for path in calibration)


def test_too_few_photos_are_refused(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = some_photos(tmp_path / "few", 4, "train", "val")
    assert quantize(model, root) == 1
    said = capsys.readouterr().err
    assert "too few photos" in said
    assert "8 labelled photos at least, not on 4" in said
    assert not list((model.parents[1] / "int8").iterdir())


@pytest.mark.parametrize("photos", ["0", "-3", "many", "1", "7"])
def test_a_number_of_photos_is_one_that_says_something(
    model: Path, data: Path, photos: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert quantize(model, data, "--photos", photos) == 2
    assert "measure on 8 photos at least" in capsys.readouterr().err


def test_without_a_train_split_the_photos_asked_for_are_those_measured_on(
    engine: LocalEngine, model: Path, tmp_path: Path
) -> None:
    root = some_photos(tmp_path / "one", 40, "val")
    with engine.evaluation(request_for(model, root)) as work:
        photos = divide(work, 8)
        assert len(photos.measured) == 8
        assert len(photos.calibration) == 32
        with pytest.raises(DataError, match="8 labelled photos at least, not on 7"):
            divide(work, 7)


@pytest.mark.parametrize("what", ["no folder", "read-only", "full"])
def test_where_nothing_can_be_kept_nothing_is_begun(
    model: Path,
    data: Path,
    what: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = model.parents[1] / "int8"
    if what == "no folder":
        folder.write_text("a file")
    elif what == "read-only":  # whoever runs the tests may write anywhere
        monkeypatch.setattr(Path, "touch", refuse)
    else:
        nearly_full = shutil.disk_usage(model)._replace(free=10)
        monkeypatch.setattr(shutil, "disk_usage", lambda _place: nearly_full)
    monkeypatch.setattr(Int8Maker, "__init__", refuse)
    assert quantize(model, data) == 1
    said = capsys.readouterr().err
    assert f"could not be kept in {folder}" in said
    assert ("Make room" in said) is (what == "full")


def refuse(*_arguments: object, **_more: object) -> None:
    raise OSError(errno.EROFS, "Read-only file system")


@pytest.mark.parametrize("damage", ["network", "missing", "figures"])
def test_a_damaged_network_is_shown_with_what_to_do(
    quantized: Path, damage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = quantized.parents[1] / "int8"
    network, figures = next(folder.glob("*.onnx")), next(folder.glob("*.json"))
    if damage == "network":
        network.write_bytes(network.read_bytes()[:-9])
    elif damage == "missing":
        network.unlink()
    else:
        figures.write_text("{")
    capsys.readouterr()
    assert run(["models", "show", str(quantized)]) == 0
    shown = capsys.readouterr().out
    assert "cannot be used" in shown
    assert "csra models quantize" in shown


@pytest.mark.slow
def test_a_model_that_runs_in_int8_is_compared_with_itself_in_full_precision(
    quantized: Path, data: Path
) -> None:
    own_id = open_checkpoint(quantized).id
    before = Int8Networks().figures(own_id)
    Int8Networks().choose(own_id, int8=True)
    engine = LocalEngine("cpu", 1, "onnx", precision="auto")
    assert "int8" in engine.open_model(str(quantized)).device
    values = list(engine.quantize(request_for(quantized, data)))
    engine.close()
    assert values[-1] == QuantizingDone(own_id)
    steps = [value for value in values[:-1] if isinstance(value, EvaluationProgress)]
    assert [step.done for step in steps if step.total] == list(range(1, 21))
    after = Int8Networks().figures(own_id)
    assert before is not None
    assert after is not None
    assert after.map_float == before.map_float
    assert "int8" not in after.runtime_float


@pytest.mark.slow
def test_cancelled_quantizing_leaves_what_was_there(quantized: Path, data: Path) -> None:
    own_id = open_checkpoint(quantized).id
    before = Int8Networks().network(own_id), Int8Networks().figures(own_id)
    engine = LocalEngine("cpu", 1, "onnx")
    values = engine.quantize(request_for(quantized, data))
    for _ in range(12):
        next(values)
    values.close()
    engine.close()
    assert (Int8Networks().network(own_id), Int8Networks().figures(own_id)) == before


@pytest.mark.usefixtures("graphs_made_once")
def test_a_network_without_a_graph_gets_one(model: Path, data: Path) -> None:
    shutil.rmtree(graph_folder())
    assert known_graph(model) is None
    engine = LocalEngine("cpu", 1)
    values = list(engine.quantize(request_for(model, data)))
    engine.close()
    assert isinstance(values[-1], QuantizingDone)
    assert known_graph(model) is not None


def test_correlation_is_that_of_each_map() -> None:
    maps = np.random.default_rng(0).normal(size=(2, 3, 4, 4)).astype(np.float32)
    assert correlation(maps, 3.0 * maps + 7.0) == pytest.approx(1.0)
    assert correlation(maps, -maps) == pytest.approx(-1.0)
    assert np.isnan(correlation(np.ones_like(maps), np.ones_like(maps)))
