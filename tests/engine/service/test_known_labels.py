"""What a model's file says of its labels: how well it knows each, and what each is a kind of."""

import dataclasses
import json

import numpy as np
import pytest
from PIL import Image

from engine import cli
from engine.api.config import HeadConfig, ModelConfig
from engine.api.errors import CheckpointError, ConfigError
from engine.api.label_measures import Estimate, LabelMeasure
from engine.api.label_parents import CategoryParents
from engine.api.values import ModelImport
from engine.checkpoints.exchange import import_file
from engine.checkpoints.safetensors_model import load_checkpoint, save_checkpoint
from engine.evaluation.calibrate import fit
from engine.explain.evidence import logits, sigmoid
from engine.inference.photo_features import Kept, PhotoFeatures
from engine.records.model_record import from_metadata, model_id, to_metadata
from engine.records.models import default_store
from engine.service.local import LocalEngine
from tests.engine.tiny_models import (
    rewrite,
    save_tiny_model,
    tiny_classifier,
    tiny_config,
    tiny_record,
)

#: Cats, dogs and persons are kinds of trees here, and trees of boats.
PARENTS = CategoryParents({0: (2,), 1: (2,), 4: (2,), 2: (3,)})
MEASURES = (
    LabelMeasure(31, Estimate(0.9, 0.8, 0.95), Estimate(0.8, 0.7, 0.9), Estimate(0.7, 0.6, 0.8)),
    LabelMeasure(7, Estimate(0.5, 0.3, 0.7), None, Estimate(0.0, 0.0, 0.4)),
    LabelMeasure(2, None, None, Estimate(0.0, 0.0, 0.66)),
    LabelMeasure(),
    LabelMeasure(),
)
CONFIG = dataclasses.replace(tiny_config(), parents=PARENTS)
RECORD = dataclasses.replace(tiny_record(CONFIG), measures=MEASURES)


@pytest.fixture(scope="module")
def model_file(tmp_path_factory):
    file = tmp_path_factory.mktemp("models") / "known.safetensors"
    save_checkpoint(file, tiny_classifier(CONFIG), RECORD)
    return file


@pytest.fixture(scope="module")
def photo(tmp_path_factory):
    file = tmp_path_factory.mktemp("photos") / "noise.png"
    pixels = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(file)
    return file


def test_both_survive_the_file_and_its_import(model_file):
    assert load_checkpoint(model_file).record.measures == MEASURES
    assert load_checkpoint(model_file).record.config.parents == PARENTS
    import_file(default_store(), ModelImport(model_file, "Mine"))
    record = load_checkpoint(default_store().models()["Mine"]).record
    assert (record.measures, record.config.parents) == (MEASURES, PARENTS)


def test_parents_make_another_model_of_the_same_weights_measures_do_not():
    plain = model_id(to_metadata(tiny_record(), "weights"))
    measured = dataclasses.replace(tiny_record(), measures=MEASURES)
    assert model_id(to_metadata(measured, "weights")) == plain
    assert model_id(to_metadata(RECORD, "weights")) != plain


def test_heads_may_have_titles_which_make_no_other_model(tmp_path):
    count = len(tiny_record().config.head.temperatures)
    titles = tuple(f"part {place}" for place in range(count))
    record = dataclasses.replace(tiny_record(), head_titles=titles)
    plain, titled = (to_metadata(one, "weights") for one in (tiny_record(), record))
    assert model_id(titled) == model_id(plain)
    assert from_metadata(titled).head_titles == titles
    assert from_metadata(plain).head_titles == ()
    with pytest.raises(ConfigError, match="do not fit"):
        dataclasses.replace(record, head_titles=(*titles, "one more"))
    with pytest.raises(ConfigError, match="1 to 40"):
        dataclasses.replace(record, head_titles=("x" * 41,) * count)


def test_files_that_say_nothing_of_it_have_the_text_they_had():
    text = to_metadata(tiny_record(), "weights")["model"]
    assert not {"measures", "parents", "head_titles"} & set(json.loads(text))
    record = from_metadata(to_metadata(tiny_record(), "weights"))
    assert record.measures is None
    assert not record.config.parents


@pytest.mark.parametrize(
    "wrong",
    [
        {"measures": [{"positives": 3}]},
        {"measures": {"cat": 3}},
        {"measures": [{"positives": 3, "recall": [0.5, 0.6, 0.7]}] * 5},
        {"parents": {"cat": ["cat"]}},
        {"parents": {"cat": ["animal"]}},
        {"parents": ["cat"]},
        {"head_titles": ["a", "b", "c", "d", "e", "f", "g"]},
        {"head_titles": "ab"},
        {"head_titles": [1, 2]},
    ],
)
def test_a_file_whose_words_on_it_make_no_sense_is_refused(tmp_path, wrong):
    file = save_tiny_model(tmp_path / "wrong.safetensors")
    rewrite(file, model=wrong)
    with pytest.raises(CheckpointError, match="damaged"):
        load_checkpoint(file)


def test_parents_need_scores_that_stand_each_for_itself():
    head = HeadConfig((1.0,), activation="softmax")
    with pytest.raises(ConfigError, match="follow from"):
        ModelConfig("plain", CONFIG.categories, head, parents=PARENTS)
    with pytest.raises(ConfigError, match="category 9"):
        dataclasses.replace(CONFIG, parents=CategoryParents({0: (9,)}))


@pytest.mark.usefixtures("graphs_made_once")
@pytest.mark.parametrize("backend", ["auto", "onnx"])
def test_scores_imply_parents_while_maps_are_of_the_label_itself(
    model_file, photo, backend, tmp_path
):
    plain = save_tiny_model(tmp_path / "plain.safetensors")
    engine = LocalEngine("cpu", num_workers=1, backend=backend)
    try:
        info, other = engine.open_model(str(model_file)), engine.open_model(str(plain))
        assert (info.parents, info.measures) == (PARENTS, MEASURES)
        scores = next(engine.predict(info.id, [photo])).scores
        own = next(engine.predict(other.id, [photo])).scores
        seen = engine.explain(info.id, photo)
    finally:
        engine.close()
    assert scores[2] == own[[0, 1, 2, 4]].max() > own[2]
    assert scores[3] == own.max()
    np.testing.assert_array_equal(scores[[0, 1, 4]], own[[0, 1, 4]])
    np.testing.assert_allclose(sigmoid(logits(seen)), own, atol=1e-5)


def test_answers_from_what_is_kept_imply_parents_too(model_file, tmp_path):
    photos = PhotoFeatures(load_checkpoint(model_file).weights, tmp_path)
    kept = Kept(np.zeros((1, 1, 1), np.float32), np.zeros(5, np.uint64), np.zeros(5, np.float16))
    scores = photos.with_exact(np.array([[0.9, 0.2, 0.1, 0.3, 0.4]], np.float32), [kept])
    assert scores.tolist() == [pytest.approx([0.9, 0.2, 0.9, 0.9, 0.4])]


def test_what_is_learned_of_some_labels_leaves_what_is_known_of_others():
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(60, 5))
    targets = np.zeros((60, 5), dtype=np.bool_)
    targets[:30, 1] = True
    ignored = np.ones((60, 5), dtype=np.bool_)
    ignored[:, 1] = False
    record = fit(scores, targets, ignored).put_into(RECORD, "some images")
    assert record.measures is not None
    assert record.measures[0] == MEASURES[0]
    assert record.measures[1].positives == 30


def test_models_show_lists_each_label_with_what_was_measured(model_file, capsys):
    assert cli.run(["models", "show", str(model_file)]) == 0
    text = capsys.readouterr().out
    assert "1 measured, 1 limited, 3 unmeasured" in text
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert "cat measured 31 90.0 (80.0 to 95.0) 80.0 (70.0 to 90.0) 70.0 (60.0 to 80.0)" in lines
    assert "boat unmeasured 0 – – –" in lines


def test_the_table_of_a_model_card_is_printed_by_itself(model_file, capsys, tmp_path):
    assert cli.run(["models", "show", str(model_file), "--labels"]) == 0
    heads, rule, first, *_ = capsys.readouterr().out.splitlines()
    assert heads == "| Label | Status | Images | AP % | Precision % | Recall % |"
    assert rule == "| --- | --- | ---: | ---: | ---: | ---: |"
    assert first.startswith("| cat | measured | 31 | 90.0 (80.0 to 95.0) |")
    plain = save_tiny_model(tmp_path / "plain.safetensors")
    assert cli.run(["models", "show", str(plain), "--labels"]) == 1
    assert "csra models fit" in capsys.readouterr().err
