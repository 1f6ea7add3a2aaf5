"""A model with details says what it said, and beside it which breed or make it may be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.api.errors import ConfigError, ModelError
from engine.api.label_measures import UNMEASURED, suggestions
from engine.api.vocabulary import everyday
from engine.cli import run
from engine.data.decoding.decode import decode
from engine.explain.evidence import sigmoid
from engine.inference.backends import open_backend
from engine.inference.details import keep_details, read_rules, with_details, write_details
from engine.inference.graphs import find_graph
from engine.inference.implied import implying
from engine.inference.weights import ModelWeights, read_weights
from engine.records.backend_kinds import BACKENDS
from engine.records.catalogue import DETAILS_MODEL, find_model
from engine.records.models import ModelStore, shipped_models
from engine.resources import resource_path


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> ModelStore:
    return ModelStore(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def plain() -> ModelWeights:
    return read_weights(find_model(None))


@pytest.fixture(scope="module")
def detailed(store: ModelStore) -> ModelWeights:
    return read_weights(keep_details(store))


def logits(weights: ModelWeights, photo: str) -> np.ndarray:
    config = weights.record.config
    graph = find_graph(config)
    assert graph is not None, "run python docs/make_graphs.py"
    backend = implying(open_backend(BACKENDS["onnx"], weights, graph), config.parents)
    size = config.preprocess.input_size
    pixels = decode(resource_path("samples", photo), size, config.preprocess.resize).pixels
    return backend.run(pixels[None]).logits[0]


@pytest.mark.slow
@pytest.mark.parametrize("photo", ["cat.jpg", "rocket.jpg"])
def test_what_was_named_before_keeps_its_score_and_details_lie_below_it(
    plain: ModelWeights, detailed: ModelWeights, photo: str
) -> None:
    before, after = logits(plain, photo), logits(detailed, photo)
    np.testing.assert_allclose(sigmoid(after[: len(before)]), sigmoid(before), atol=1e-6)
    config = detailed.record.config
    said: dict[int, int] = {}
    for place, above in config.parents.details.items():
        assert after[place] <= min(after[list(above)])
        if after[place] >= 0:
            assert after[above[0]] >= 0
            said[above[0]] = said.get(above[0], 0) + 1
    assert all(count == 1 for count in said.values())


def test_what_is_known_of_its_labels_stays_and_details_are_suggestions(
    plain: ModelWeights, detailed: ModelWeights
) -> None:
    old, new = plain.record, detailed.record
    count = len(old.config.categories)
    assert tuple(new.config.categories)[:count] == tuple(old.config.categories)
    assert old.measures is not None and new.measures is not None
    assert new.measures[:count] == old.measures
    assert set(new.measures[count:]) == {UNMEASURED}
    details = new.config.parents.details
    assert set(details) == set(range(count, len(new.config.categories)))
    assert set(details) <= set(suggestions(new.measures))
    assert new.config.parents.of == old.config.parents.of
    assert new.thresholds == old.thresholds
    names, vocabulary = new.config.categories, everyday()
    for place, above in details.items():
        assert vocabulary.category(names[place]).is_detail
        assert [names[parent] for parent in above] == list(vocabulary.parents_of(names[place]))


def test_the_same_model_comes_out_of_it_each_time(
    plain: ModelWeights, detailed: ModelWeights, tmp_path: Path
) -> None:
    assert write_details(find_model(None), tmp_path / "again.safetensors") == detailed.record
    again = read_weights(tmp_path / "again.safetensors")
    assert again.id == detailed.id != plain.id
    _, tensors = with_details(plain, everyday(), read_rules())
    for name, values in tensors.items():  # nothing is lost in the file
        np.testing.assert_array_equal(again.tensors[name], values)


def test_it_is_made_once_and_anew_for_another_model_or_other_rules(
    store: ModelStore, detailed: ModelWeights, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = store.models()[DETAILS_MODEL]
    made = path.stat().st_mtime_ns
    assert keep_details(store) == path and path.stat().st_mtime_ns == made
    with monkeypatch.context() as patched:
        patched.setattr("engine.inference.details._made_by", lambda: "an older program")
        keep_details(store)
    assert path.stat().st_mtime_ns != made
    path.write_bytes(path.read_bytes()[:1000])
    keep_details(store)
    assert read_weights(path).id == detailed.id


def test_a_model_of_the_person_with_its_name_is_left_alone(tmp_path: Path) -> None:
    mine = tmp_path / f"{DETAILS_MODEL}.safetensors"
    mine.write_bytes(shipped_models()["csra-lite0-voc"].read_bytes())
    before = mine.read_bytes()
    assert keep_details(ModelStore(tmp_path)) == mine
    assert mine.read_bytes() == before


def test_a_model_that_cannot_tell_details_says_so(
    tmp_path: Path, detailed: ModelWeights, store: ModelStore
) -> None:
    with pytest.raises(ModelError, match="only models that know groups"):
        write_details(shipped_models()["csra-lite0-voc"], tmp_path / "x.safetensors")
    with pytest.raises(ModelError, match="all details that there are already"):
        write_details(store.models()[DETAILS_MODEL], tmp_path / "x.safetensors")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("text", ["", "weight = 0", "least = 'low'", "deviation = ["])
def test_rules_that_make_no_sense_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "details.toml"
    shipped = resource_path("categories", "details.toml").read_text(encoding="utf-8")
    key = text.partition(" ")[0]
    kept = [line for line in shipped.splitlines() if key and not line.startswith(key)]
    path.write_text("\n".join((text, *kept)), encoding="utf-8")
    with pytest.raises(ConfigError):
        read_rules(path)


def test_every_rule_is_of_something_in_the_vocabulary() -> None:
    rules, vocabulary = read_rules(), everyday()
    details = [category for category in vocabulary.categories if category.is_detail]
    parents = {category.parents[0] for category in details}
    assert set(rules.least_of) <= parents | {category.name for category in details}


def test_the_command_makes_it_and_says_how_to_use_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "details"]) == 0
    assert f"Use it with --model '{DETAILS_MODEL}'" in capsys.readouterr().err
    assert find_model(DETAILS_MODEL).is_file()
