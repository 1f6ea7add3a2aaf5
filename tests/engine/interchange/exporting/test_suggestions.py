"""Labels that nobody measured are suggestions: the machine alone writes none of them to files."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from engine import cli
from engine.api.label_measures import LabelMeasure
from engine.api.values import Prediction
from engine.checkpoints.safetensors_model import save_checkpoint
from engine.interchange.exporting.choice import ChosenImages, ExportChoice
from engine.interchange.exporting.values import ExportedImage, WhichLabels
from engine.interchange.writing.job import preview
from engine.interchange.writing.values import WriteOptions
from engine.library.opening import open_library
from engine.library.values import LibraryModel, Verdict, Wish, look_at
from engine.records.model_record import model_id
from engine.records.models import default_store
from engine.records.safetensors_header import read_header
from tests.engine.images import save_image
from tests.engine.tiny_models import TINY_CATEGORIES, tiny_classifier, tiny_record

CAT, DOG, BOAT = 0, 1, 3
#: The person has called the second photo's dog right.
SCORES = [(0.9, 0.9, 0.1, 0.2, 0.1), (0.9, 0.9, 0.1, 0.9, 0.1)]


@pytest.fixture
def model() -> LibraryModel:
    """One of the person's own of which only the cat is known to be known."""
    measures = [LabelMeasure() for _ in TINY_CATEGORIES]
    measures[CAT] = LabelMeasure(30)
    measures[BOAT] = LabelMeasure(6)
    file = default_store().new_path("Mine")
    record = dataclasses.replace(tiny_record(), measures=tuple(measures))
    save_checkpoint(file, tiny_classifier(), record)
    return LibraryModel(model_id(read_header(file).metadata), "Mine", TINY_CATEGORIES)


@pytest.fixture
def place(tmp_path: Path, model: LibraryModel) -> Path:
    (tmp_path / "photos").mkdir()
    photos = [save_image(tmp_path / "photos" / f"{i}.jpg", 8, 6) for i in range(2)]
    with open_library(tmp_path / "library.db") as library:
        ids = library.add_images([file for path in photos if (file := look_at(path))])
        library.add_model(model)
        library.record_predictions(
            model.fingerprint,
            [
                Prediction(path, model.fingerprint, np.array(row, dtype=np.float32), 8, 6)
                for path, row in zip(photos, SCORES, strict=True)
            ],
        )
        wishes = [Wish(ids[1], "dog", Verdict.ACCEPTED)]
        library.decide(wishes, who="me", caption="Test", reviewed={ids[1]: True})
    return tmp_path


def chosen(place: Path, model: LibraryModel, which: WhichLabels) -> list[ExportedImage]:
    with open_library(place / "library.db") as library:
        ids = library.ids_below(place / "photos", recursive=True)
        choice = ExportChoice(ids, which, model, suggestions=(DOG, 2, 4))
        return [image for piece in ChosenImages(library, choice).pieces() for image in piece]


@pytest.mark.parametrize("which", [WhichLabels.BOTH, WhichLabels.MACHINE])
def test_the_machine_alone_writes_none_and_denies_none(
    place: Path, model: LibraryModel, which: WhichLabels
) -> None:
    first, second = chosen(place, model, which)
    assert [label.name for label in first.present] == ["cat"]
    known = set(first.unknown) if first.is_complete else set(TINY_CATEGORIES) - set(first.absent)
    assert {"dog", "tree", "person"} <= known
    assert (first.held_back, second.held_back) == (1, 0)
    wanted = {"cat", "boat", "dog"} if which is WhichLabels.BOTH else {"cat", "boat"}
    assert {label.name for label in second.present} == wanted


def test_writing_says_how_many_are_left_out_and_why(place: Path, model: LibraryModel) -> None:
    with open_library(place / "library.db") as library:
        ids = library.ids_below(place / "photos", recursive=True)
        for which, count in ((WhichLabels.BOTH, 1), (WhichLabels.ACCEPTED, 0)):
            choice = ExportChoice(ids, which, model, suggestions=(DOG, 2, 4))
            work = preview(library, choice, WriteOptions())
            try:
                while True:
                    next(work)
            except StopIteration as end:
                report = end.value
            assert report.held_back == count
            assert ("1 suggestion was left out" in report.text()) == bool(count)


def test_commands_know_it_from_the_models_file(place: Path, model: LibraryModel) -> None:
    out = place / "out.json"
    words = ["export", str(place / "photos"), "--library", str(place / "library.db")]
    words += ["--format", "jsonl", "--labels", "both", "--output", str(out)]
    assert cli.run(words) == 0
    assert labels_in(out) == [{"cat"}, {"cat", "boat", "dog"}]
    # What nobody called suggestions is written as before.
    default_store().remove("Mine")
    assert cli.run([*words[:-1], str(place / "all.json")]) == 0
    assert labels_in(place / "all.json")[0] == {"cat", "dog"}


def labels_in(file: Path) -> list[set[str]]:
    lines = map(json.loads, file.read_text(encoding="utf-8").splitlines())
    images = sorted((line for line in lines if "labels" in line), key=lambda one: one["path"])
    return [{label["label"] for label in image["labels"]} for image in images]
