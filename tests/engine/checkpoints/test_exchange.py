import pickle
from pathlib import Path

import pytest
import torch

from engine.api.categories import Categories
from engine.api.errors import CheckpointError, ConfigError, MissingFactsError, ModelError
from engine.api.values import ModelImport
from engine.checkpoints import exchange
from engine.records.catalogue import read_categories
from engine.records.models import ModelStore, check_model_name, default_store, shipped_models
from engine.service.local import LocalEngine
from tests.engine.csra_checkpoints import resnet_state
from tests.engine.tiny_models import save_tiny_model


@pytest.fixture
def engine():
    engine = LocalEngine("cpu", num_workers=1)
    yield engine
    engine.close()


def saved(path: Path, num_classes: int = 20) -> Path:
    torch.save(resnet_state(num_classes=num_classes), path)
    return path


@pytest.mark.slow
def test_a_file_that_does_not_say_lam_asks_and_then_opens(engine, tmp_path):
    file = saved(tmp_path / "weights.pth")
    with pytest.raises(MissingFactsError) as asked:
        engine.import_model(ModelImport(file))
    assert (asked.value.facts, asked.value.num_classes) == (("lam",), 20)
    assert engine.import_model(ModelImport(file, lam=0.2)) == "weights"
    info = engine.open_model("weights")
    assert (info.lam, info.categories[0], info.activation) == (0.2, "aeroplane", "sigmoid")


@pytest.mark.slow
def test_categories_that_nobody_knows_are_asked_for_until_they_fit(engine, tmp_path):
    file = saved(tmp_path / "net_lam0.1.pth", num_classes=3)
    for given in (None, Categories(("fox", "owl"))):
        with pytest.raises(MissingFactsError) as asked:
            engine.import_model(ModelImport(file, categories=given))
        assert (asked.value.facts, asked.value.num_classes) == (("categories",), 3)
    names = Categories(("fox", "owl", "cat"))
    name = engine.import_model(ModelImport(file, "Three", categories=names))
    assert tuple(engine.open_model(name).categories) == tuple(names)


def test_a_file_that_is_no_model_is_refused_without_a_question(engine, tmp_path):
    file = tmp_path / "weights.pth"
    file.write_bytes(b"no model at all")
    with pytest.raises(CheckpointError) as refused:
        engine.import_model(ModelImport(file))
    assert not isinstance(refused.value, MissingFactsError)
    assert default_store().models() == {}


def test_a_question_survives_the_pipe_between_processes():
    error = pickle.loads(pickle.dumps(MissingFactsError("No λ.", ("lam",), 20)))
    assert (str(error), error.facts, error.num_classes) == ("No λ.", ("lam",), 20)


def test_a_closed_model_is_not_open_any_more_and_can_be_opened_again(engine, tmp_path):
    source = str(save_tiny_model(tmp_path / "tiny.safetensors"))
    info = engine.open_model(source)
    engine.close_model(info.id)
    engine.close_model("never opened")
    with pytest.raises(ModelError, match="not open"):
        engine.explain(info.id, tmp_path / "photo.jpg")
    assert engine.open_model(source) == info


@pytest.mark.slow
def test_only_what_the_official_code_knows_can_become_a_pth(engine, tmp_path, monkeypatch):
    tiny = save_tiny_model(tmp_path / "tiny.safetensors")
    assert ".pth" not in engine.export_formats(str(tiny))
    name = engine.import_model(ModelImport(saved(tmp_path / "net_lam0.1.pth")))
    assert {".pth", ".safetensors"} <= set(engine.export_formats(name))
    monkeypatch.setattr(exchange, "_ONNX_PACKAGES", ("no_such_package",))
    assert engine.export_formats(name) == (".pth", ".safetensors")
    engine.export_model(name, tmp_path / "out.pth")
    assert engine.open_model(str(tmp_path / "net_lam0.1.pth")).lam == 0.1


@pytest.mark.parametrize(
    "wished", ["plain", "a/b\\c", "<b>bold</b>", "  .hidden", "con", "", "é\u0301\u202e", "x" * 300]
)
def test_any_name_becomes_a_usable_one(tmp_path, wished):
    store = ModelStore(tmp_path)
    name = store.free_name(wished)
    assert check_model_name(name) == name
    store.new_path(name).touch()
    other = store.free_name(wished)
    assert other != name
    assert store.new_path(other).parent == tmp_path


def test_a_name_that_ships_is_not_taken(tmp_path):
    shipped = next(iter(shipped_models()))
    assert ModelStore(tmp_path).free_name(shipped.upper()) == f"{shipped.upper()} 2"


def test_names_of_categories_are_read_with_care(tmp_path):
    file = tmp_path / "names.txt"
    file.write_text("\ufefffox\n\n owl \n", encoding="utf-8")
    assert tuple(read_categories(file)) == ("fox", "owl")
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ModelError, match="not a text in UTF-8"):
        read_categories(file)
    file.write_text("fox\nfox\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="listed twice"):
        read_categories(file)
    with pytest.raises(ModelError, match="cannot be read"):
        read_categories(tmp_path / "none.txt")
