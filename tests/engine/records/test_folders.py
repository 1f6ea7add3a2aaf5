"""The store of records: what earlier versions wrote, what is damaged, what is not ours."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from engine.api.errors import DataError
from engine.records.evaluations import EvaluationStore, LabelMark

RUN = {
    "format": 1,
    "model": {"name": "m"},
    "dataset": {"name": "d"},
    "settings": {"images per second": "12.5"},
    "date": "2026-01-02T03:04:05+00:00",
    "categories": ["cat", "dog"],
    "ids": ["a"],
    "failed": [],
    "problems": [],
    "localisation": None,
}


@pytest.fixture
def store(tmp_path: Path) -> EvaluationStore:
    return EvaluationStore(tmp_path / "evaluations")


def written(store: EvaluationStore, name: str, text: str = json.dumps(RUN)) -> Path:
    """A folder as every version has written it."""
    folder = store.root / name
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(text)
    with (folder / "scores.npz").open("wb") as file:
        np.savez_compressed(
            file,
            logits=np.array([[2.0, -2.0]], dtype=np.float32),
            targets=np.array([[True, False]]),
            ignored=np.zeros((1, 2), dtype=bool),
        )
    (folder / "note.json").write_text('{"note": "the first"}')
    (folder / "place.json").write_text('{"root": "/images"}')
    (folder / "marks.json").write_text('{"wrong labels": [["a", "cat", true]]}')
    return folder


def test_what_earlier_versions_wrote_is_read(store: EvaluationStore) -> None:
    folder = written(store, "20260102-030405-01234567")
    summary = store.read(folder)
    assert (summary.model, summary.dataset, summary.num_images) == ("m", "d", 1)
    assert (summary.mean_average_precision, summary.rate_per_s) == (1.0, 12.5)
    assert summary.note == "the first"
    assert store.images(folder) == Path("/images")
    assert store.marks(folder) == {LabelMark("a", "cat", True)}


def test_scores_with_any_byte_changed_are_read_or_said_to_be_damaged(
    store: EvaluationStore,
) -> None:
    folder = written(store, "20260102-030405-01234567")
    file = folder / "scores.npz"
    good, said = file.read_bytes(), 0
    for place in range(len(good)):
        file.write_bytes(good[:place] + bytes([good[place] ^ 0x55]) + good[place + 1 :])
        try:
            store.load(folder)
        except DataError as error:
            assert "is damaged" in str(error)
            said += 1
    assert said > len(good) / 2


def test_the_newest_comes_first_and_what_is_damaged_says_why(store: EvaluationStore) -> None:
    old = written(store, "20260102-030405-01234567")
    damaged = written(store, "20260103-030405-01234567", "{")
    later = written(store, "20260104-030405-01234567", json.dumps({**RUN, "format": 2}))
    written(store, "holiday")
    records = store.records()
    assert [record.path for record in records] == [later, damaged, old]
    assert "it has version 2" in records[0].problem
    assert "damaged" in records[1].problem
    assert [record.value is None for record in records] == [True, True, False]


def test_only_what_is_ours_is_deleted(store: EvaluationStore, tmp_path: Path) -> None:
    ours = written(store, "20260102-030405-01234567")
    other = written(store, "holiday")
    elsewhere = written(EvaluationStore(tmp_path / "x"), "20260102-030405-01234567")
    for folder in (other, elsewhere, store.root):
        with pytest.raises(DataError, match="is no evaluation run of this program"):
            store.delete(folder)
    store.delete(ours)
    assert (other.exists(), elsewhere.exists(), ours.exists()) == (True, True, False)


def test_a_note_that_cannot_be_read_is_replaced(store: EvaluationStore) -> None:
    folder = written(store, "20260102-030405-01234567")
    (folder / "note.json").write_text("[")
    assert store.read(folder).note == ""
    store.set_note(folder, "new")
    assert store.read(folder).note == "new"
