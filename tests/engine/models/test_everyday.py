"""The model that the program starts with, as it ships: its words, its evidence, its papers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from engine.api.label_measures import LabelStatus
from engine.api.values import ModelInfo
from engine.api.vocabulary import everyday
from engine.explain.evidence import evidence_maps, logits, sigmoid
from engine.explain.explanation import explanation
from engine.explain.following import following
from engine.records.catalogue import DEFAULT_MODEL, find_model
from engine.records.model_record import CheckpointRecord, from_metadata
from engine.records.safetensors_header import read_header
from engine.resources import resource_path
from engine.service.local import LocalEngine
from tests.paths import ROOT

SAMPLES = resource_path("samples")


@pytest.fixture(scope="module")
def record() -> CheckpointRecord:
    return from_metadata(read_header(find_model(None)).metadata)


@pytest.fixture(scope="module")
def engine() -> Iterator[LocalEngine]:
    with closing(LocalEngine("cpu", backend="onnx")) as engine:
        yield engine


@pytest.fixture(scope="module")
def model(engine: LocalEngine) -> ModelInfo:
    return engine.open_model(None)


def test_its_words_are_those_of_the_vocabulary(record: CheckpointRecord) -> None:
    vocabulary = everyday()
    assert record.measures is not None
    names = tuple(record.config.categories)
    assert len(names) >= 250
    assert not [name for name in names if name not in vocabulary.names]
    assert not [name for name in names if vocabulary.category(name).is_detail]
    for name in names:
        place = record.config.categories.index_of(name)
        above = {names[parent] for parent in record.config.parents.of.get(place, ())}
        is_suggestion = record.measures[place].status is LabelStatus.UNMEASURED
        expected = () if is_suggestion else vocabulary.ancestors(name)
        assert above == {parent for parent in expected if parent in names}


@pytest.mark.parametrize(
    ("photo", "wanted"),
    [
        ("coffee.jpg", {"coffee", "drink", "cup"}),
        ("rocket.jpg", {"rocket"}),
        ("cat.jpg", {"cat", "animal"}),
        ("nagasaki-boats.jpg", {"boat", "vehicle"}),
        ("astronaut.jpg", {"person"}),
        ("sheep-in-march.jpg", {"sheep"}),
    ],
)
def test_it_says_what_is_in_the_samples(
    engine: LocalEngine, model: ModelInfo, photo: str, wanted: set[str]
) -> None:
    (found,) = engine.predict(model.id, [SAMPLES / photo])
    labels = found.labels(model.categories)
    assert wanted <= {label.category for label in labels}
    assert len(labels) <= 8


def test_the_evidence_of_its_parts_adds_up_to_the_score(
    engine: LocalEngine, model: ModelInfo
) -> None:
    photo = SAMPLES / "coffee.jpg"
    scores = engine.explain(model.id, photo)
    (found,) = engine.predict(model.id, [photo])
    assert len(scores.values) == len(model.temperatures) == 3
    assert model.head_titles == ("learned", "ImageNet groups", "detector")
    own = sigmoid(logits(scores))
    summed = sigmoid(evidence_maps(scores).sum(axis=(1, 2)))
    np.testing.assert_allclose(summed, own, atol=1e-4)
    # Parents are lifted to their kinds afterwards, and nothing else is done to a score.
    lifted = model.parents.implied(own)
    np.testing.assert_allclose(found.scores, lifted, atol=1e-3)
    coffee = model.categories.index_of("coffee")
    peak = np.unravel_index(evidence_maps(scores)[coffee].argmax(), scores.values.shape[2:])
    assert 3 <= peak[0] <= 9 and 3 <= peak[1] <= 9  # the cup is in the middle


def test_the_cat_is_the_reason_for_the_animal(engine: LocalEngine, model: ModelInfo) -> None:
    photo = SAMPLES / "cat.jpg"
    (found,) = engine.predict(model.id, [photo])
    shown = following(engine.explain(model.id, photo), model.parents)
    animal, cat = map(model.categories.index_of, ("animal", "cat"))
    why = explanation(shown, animal)
    assert why.follows_from == cat
    assert why.score == pytest.approx(float(found.scores[animal]), abs=1e-3)
    assert evidence_maps(shown)[animal].sum() == pytest.approx(why.logit, abs=1e-4)


def test_each_label_has_its_own_measure_and_the_document_says_the_same(
    record: CheckpointRecord,
) -> None:
    assert record.measures is not None
    text = (ROOT / "docs" / "EVERYDAY.md").read_text(encoding="utf-8")
    written = dict(
        re.findall(r"^\| ([^|]+) \| (measured|limited|unmeasured) \|", text, re.MULTILINE)
    )
    statuses = zip(record.config.categories, record.measures, strict=True)
    assert written == {name: str(measure.status) for name, measure in statuses}
    count = [m.status for m in record.measures].count(LabelStatus.MEASURED)
    assert count >= 50


def test_its_card_says_what_the_file_says(record: CheckpointRecord) -> None:
    card = Path(find_model(None)).with_suffix(".md").read_text(encoding="utf-8")
    assert f"names {len(record.config.categories)} things" in card
    for name, value in record.results.items():
        if name.startswith("mAP"):
            assert f"{100 * value:.1f}" in card
    assert DEFAULT_MODEL in card
