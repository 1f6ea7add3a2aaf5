"""Evaluations as the window asks for them: kept, stopped, gone on with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.api.config import EvaluateConfig
from engine.api.errors import ConfigError, DataError, ModelError
from engine.api.evaluation import EvaluationDone, EvaluationRequest, Unfinished
from engine.api.values import ThresholdsForModel
from engine.checkpoints.safetensors_model import load_checkpoint
from engine.checkpoints.thresholds_in_file import save_thresholds
from engine.data.datasets.registry import load_dataset
from engine.records.evaluations import EvaluationRun, EvaluationStore, LabelMark
from engine.records.models import default_store
from engine.records.unfinished import UnfinishedStore
from engine.report.published import why_not_comparable
from engine.service.local import LocalEngine
from tests.engine.tiny_models import TINY_CATEGORIES, save_tiny_model


@pytest.fixture(autouse=True)
def own_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CSRA_GUI_DATA", str(tmp_path / "data"))


@pytest.fixture(scope="module")
def engine():
    with_one = LocalEngine("cpu", num_workers=1)
    yield with_one
    with_one.close()


@pytest.fixture
def request_(tmp_path: Path) -> EvaluationRequest:
    """Eleven labelled photos, of which the eighth cannot be read, and a tiny model."""
    rng = np.random.default_rng(0)
    folder = tmp_path / "photos"
    folder.mkdir()
    rows = []
    for number in range(11):
        pixels = rng.integers(0, 256, (50, 80, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:02}.png")
        rows.append(f"{number:02}.png,{TINY_CATEGORIES[number % 5]}")
    (folder / "07.png").write_bytes(b"broken")
    (folder / "labels.csv").write_text("path,label\n" + "\n".join(rows) + "\n")
    model = save_tiny_model(tmp_path / "m.safetensors")
    return EvaluationRequest("folder", folder, "all", str(model))


def finished(engine: LocalEngine, request: EvaluationRequest) -> EvaluationRun:
    """Run to the end; the run that is kept."""
    last = list(engine.evaluate(request))[-1]
    assert isinstance(last, EvaluationDone)
    return EvaluationStore().load(EvaluationStore().root / last.run)


def stopped_after(engine: LocalEngine, request: EvaluationRequest, images: int) -> None:
    work = engine.evaluate(request)
    while next(work).done < images:
        pass
    work.close()


def test_a_run_is_kept_with_the_place_of_its_images(engine, request_):
    run = finished(engine, request_)
    assert len(run.ids) == 10
    assert [name for name, _ in run.failed] == ["07.png"]
    assert float(run.settings["images per second"]) > 0
    [folder] = EvaluationStore().paths()
    assert EvaluationStore().images(folder) == request_.root
    assert "root" not in str(run.dataset) + str(run.settings)
    assert UnfinishedStore().values() == []


def test_what_was_stopped_goes_on_to_the_same_numbers_bit_for_bit(engine, request_, monkeypatch):
    whole = finished(engine, request_)
    stopped_after(engine, request_, 4)
    [before] = UnfinishedStore().values()
    assert (before.done, before.total) == (4, 11)
    assert before.facts["root"] == str(request_.root)
    progress = [
        value for value in engine.evaluate(request_) if not isinstance(value, EvaluationDone)
    ]
    assert [value.done for value in progress if value.total] == [8, 11]
    again = EvaluationStore().load(EvaluationStore().paths()[0])
    np.testing.assert_array_equal(again.logits, whole.logits)
    assert again.ids == whole.ids
    assert UnfinishedStore().values() == []


def test_what_was_found_can_be_kept_as_it_is(engine, request_):
    stopped_after(engine, request_, 8)
    run = finished(engine, replace(request_, unfinished=Unfinished.AS_IT_IS))
    assert run.dataset["part"] == "8 of 11"
    assert len(run.ids) == 7
    assert "of 11" in run.dataset["name"]
    with pytest.raises(DataError, match="no results"):
        finished(engine, replace(request_, unfinished=Unfinished.AS_IT_IS))


def test_beginning_again_uses_nothing_of_before(engine, request_):
    stopped_after(engine, request_, 4)
    values = list(engine.evaluate(replace(request_, unfinished=Unfinished.AGAIN)))
    assert [value.done for value in values[1:-1]] == [4, 8, 11]


@pytest.mark.parametrize("config", [EvaluateConfig(flip=True), EvaluateConfig(decode="fast")])
def test_other_settings_do_not_go_on_from_there(engine, request_, config):
    stopped_after(engine, request_, 4)
    values = list(engine.evaluate(replace(request_, config=config)))
    assert [value.done for value in values[1:-1]] == [4, 8, 11]
    [kept] = UnfinishedStore().values()
    assert kept.done == 4


@pytest.mark.parametrize("mode", ["exact", "fast"])
def test_photos_are_read_in_full_unless_asked_otherwise_and_the_run_says_it(engine, request_, mode):
    asked = EvaluateConfig() if mode == "exact" else EvaluateConfig(decode=mode)
    stopped_after(engine, replace(request_, config=asked), 4)
    [before] = UnfinishedStore().values()
    assert before.request.config.decode == mode
    earlier = {name: fact for name, fact in before.facts.items() if name != "decode"}
    assert replace(before, facts=earlier).request.config.decode == "fast"
    run = finished(engine, replace(request_, config=asked))
    assert run.settings["decode"] == mode


@pytest.mark.slow
@pytest.mark.usefixtures("graphs_made_once")
def test_every_backend_measures_the_same_and_the_run_says_which_it_was(engine, request_):
    with_torch = finished(engine, request_)
    assert with_torch.settings["backend"].startswith("PyTorch 2")
    onnx = LocalEngine("cpu", num_workers=1, backend="onnx")
    with_onnx = finished(onnx, request_)
    onnx.close()
    assert with_onnx.settings["backend"].startswith("ONNX Runtime 1")
    assert with_onnx.settings["device"] == with_torch.settings["device"] == "cpu"
    assert with_onnx.ids == with_torch.ids
    np.testing.assert_allclose(with_onnx.logits, with_torch.logits, rtol=1e-3, atol=1e-3)


@pytest.mark.slow
@pytest.mark.usefixtures("graphs_made_once")
def test_what_one_backend_began_another_does_not_go_on_with(engine, request_):
    stopped_after(engine, request_, 4)
    onnx = LocalEngine("cpu", num_workers=1, backend="onnx")
    values = list(onnx.evaluate(request_))
    onnx.close()
    assert [value.done for value in values[1:-1]] == list(range(1, 12))


def test_an_engine_that_is_closed_meanwhile_keeps_what_was_found(request_):
    engine = LocalEngine("cpu", num_workers=1)
    work = engine.evaluate(request_)
    while next(work).done < 4:
        pass
    engine.close()
    [kept] = UnfinishedStore().values()
    assert kept.done == 4
    work.close()


def test_a_damaged_file_of_a_stopped_run_is_no_harm(engine, request_):
    stopped_after(engine, request_, 4)
    [file] = UnfinishedStore().root.glob("*.npz")
    file.write_bytes(file.read_bytes()[:100])
    assert UnfinishedStore().find(file.stem) is None
    assert len(finished(engine, request_).ids) == 10


def test_a_kept_run_whose_scores_end_too_early_is_said_to_be_damaged(engine, request_):
    finished(engine, request_)
    [folder] = EvaluationStore().paths()
    file = folder / "scores.npz"
    file.write_bytes(file.read_bytes()[:200])
    with pytest.raises(DataError, match="damaged"):
        EvaluationStore().load(folder)


def test_a_part_of_a_split_is_spread_and_never_comparable(engine, request_):
    run = finished(engine, replace(request_, limit=4))
    assert run.ids == ("00.png", "03.png", "10.png")  # and 07.png, which cannot be read
    official = replace(run, failed=(), dataset={**run.dataset, "kind": "wider", "split": "test"})
    assert "Published numbers are on" in str(why_not_comparable(official))
    with pytest.raises(ConfigError):
        replace(request_, limit=0)


def test_spreading_takes_both_ends_and_no_image_twice(request_):
    images = load_dataset("folder", request_.root, "all")
    few = images.spread(3)
    assert few.ids == ("00.png", "05.png", "10.png")
    assert images.spread(None) is images
    assert len(set(images.spread(10).ids)) == 10


def test_notes_and_marks_lie_beside_the_run_and_go_with_it(engine, request_):
    finished(engine, request_)
    [folder] = EvaluationStore().paths()
    store = EvaluationStore()
    store.set_note(folder, "before the new images")
    marks = frozenset({LabelMark("01.png", "dog", True), LabelMark("02.png", "cat", False)})
    store.set_marks(folder, marks)
    assert store.read(folder).note == "before the new images"
    assert store.marks(folder) == marks
    (folder / "marks.json").write_text("[")
    assert store.marks(folder) == frozenset()
    store.delete(folder)
    assert not folder.exists()


def test_forgetting_what_was_stopped_deletes_it(engine, request_):
    stopped_after(engine, request_, 4)
    [kept] = UnfinishedStore().values()
    UnfinishedStore().forget(kept.key)
    UnfinishedStore().forget(kept.key)
    assert UnfinishedStore().values() == []


def test_thresholds_go_into_a_copy_or_the_persons_own_model(engine, tmp_path):
    shipped = save_tiny_model(tmp_path / "m.safetensors")
    store = default_store()
    wanted = {"dog": 0.25}
    assert save_thresholds(store, shipped, ThresholdsForModel("m", wanted, "val", "mine")) == "mine"
    mine = store.models()["mine"]
    assert load_checkpoint(mine).record.thresholds == (0.5, 0.25, 0.5, 0.5, 0.5)
    before, after = load_checkpoint(shipped), load_checkpoint(mine)
    for name, tensor in before.classifier.state_dict().items():
        assert tensor.equal(after.classifier.state_dict()[name])
    save_thresholds(store, mine, ThresholdsForModel("mine", {"cat": 1.0}, "val"))
    record = load_checkpoint(mine).record
    assert record.thresholds == (1.0, 0.25, 0.5, 0.5, 0.5)
    assert record.provenance["thresholds"] == "val"
    with pytest.raises(ModelError, match="ships"):
        save_thresholds(store, shipped, ThresholdsForModel("m", wanted, "val"))
