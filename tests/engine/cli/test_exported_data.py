"""What ``export`` writes is a data set to measure a model on and to learn from."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine import cli
from engine.api.categories import Categories
from engine.api.config import ModelConfig
from engine.checkpoints.safetensors_model import load_checkpoint, save_checkpoint
from engine.interchange.exporting.formats import FORMATS
from engine.library.opening import open_library
from engine.library.values import Verdict, Wish, look_at
from engine.records.model_record import CheckpointRecord
from tests.engine.export_readers import READERS
from tests.engine.tiny_models import TINY_BACKBONE, tiny_classifier, tiny_config

COUNT = 12
Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: object) -> tuple[int, str]:
        status = cli.run([str(argument) for argument in arguments])
        return status, "".join(capsys.readouterr())

    return run


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with photos, and a library that knows of a dog, a cat, and neither.

    Every other photo is no dog; of every third nobody has said whether a cat is in it.
    """
    monkeypatch.setenv("CSRA_GUI_DATA", str(tmp_path / "own"))
    monkeypatch.setattr("engine.train.start.load_imagenet_weights", lambda backbone, name: None)
    (tmp_path / "photos").mkdir()
    rng = np.random.default_rng(0)
    paths = [tmp_path / "photos" / f"p{i:02}.png" for i in range(COUNT)]
    for path in paths:
        Image.fromarray(rng.integers(0, 256, (50, 60, 3), dtype=np.uint8)).save(path)
    with open_library(tmp_path / "library.db") as library:
        ids = library.add_images([file for path in paths if (file := look_at(path))])
        said = []
        for i, image_id in enumerate(ids):
            said.append(Wish(image_id, "dog", Verdict.REJECTED if i % 2 else Verdict.ADDED))
            if i % 3:
                wanted = Verdict.ADDED if i % 3 == 1 else Verdict.REJECTED
                said.append(Wish(image_id, "cat", wanted))
        library.decide(said, who="me", caption="Test")
    return tmp_path


def exported(run: Run, place: Path, name: str) -> list[object]:
    """Export, and the options that name the data set."""
    target = place / f"labels{FORMATS[name].suffix}"
    status, told = run(
        *("export", place / "photos", "--format", name, "--output", target),
        *("--library", place / "library.db"),
    )
    assert status == 0, told
    kind, split = READERS[name]
    return ["--data", target, "--dataset", kind, "--split", split, "--follow-links"]


def model(place: Path) -> Path:
    base = tiny_config()
    config = ModelConfig(base.backbone, Categories(("cat", "dog")), base.head, base.preprocess)
    path = place / "model.safetensors"
    save_checkpoint(path, tiny_classifier(config), CheckpointRecord(config, "tiny"))
    return path


@pytest.mark.parametrize("name", FORMATS)
def test_an_export_is_ground_truth(run: Run, place: Path, name: str) -> None:
    result = place / "result.json"
    status, told = run(
        *("evaluate", *exported(run, place, name), "--model", model(place), "--device", "cpu"),
        *("--resamples", "20", "--no-keep", "--strict", "--json", result),
    )
    assert status == 0, told
    rows = json.loads(result.read_text())["per_category"]
    counted = {
        row["category"]: (row["positives"], row["negatives"], row["ignored"]) for row in rows
    }
    # Four photos have neither label; folders have no place for them.
    assert counted == (
        {"cat": (4, 2, 2), "dog": (6, 2, 0)}
        if name == "folders"
        else {"cat": (4, 4, 4), "dog": (6, 6, 0)}
    )
    assert "named otherwise" not in told


@pytest.mark.slow
@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("preset", ["recommended", "paper"])
def test_an_export_is_something_to_learn_from(
    run: Run, place: Path, name: str, preset: str
) -> None:
    status, told = run(
        *("train", *exported(run, place, name), "--output", place / "run", "--val-fraction", "0.5"),
        *("--cache", place / "cache", "--batch-size", "4", "--preset", preset, "--epochs", "1"),
        *("--backbone", TINY_BACKBONE, "--input-size", "64", "--device", "cpu"),
    )
    assert status == 0, told
    unknown = 2 if name == "folders" else 4
    left_out = f"Images with labels that nobody can tell, which are left out: {unknown}."
    assert (left_out in told) == (preset == "paper")  # whose recipe has no word for unknown
    categories = load_checkpoint(place / "run" / "best.safetensors").record.config.categories
    assert sorted(categories) == ["cat", "dog"]


def test_what_was_tagged_on_the_command_line_was_measured_and_can_be_asked_for(
    run: Run, place: Path
) -> None:
    Image.new("RGB", (90, 30)).save(place / "photos" / "wide.png")
    of = (place / "photos", "--library", place / "library.db", "--model")
    how = ("--labels", "machine", "--dry-run", "--device", "cpu")
    assert run("write", *of, model(place), *how)[0] == 0
    target = place / "labels.jsonl"
    status, told = run(
        *("export", *of, "tiny", "--labels", "both", "--format", "jsonl", "--output", target),
        *("--filter", "measured:panorama"),
    )
    assert status == 0, told
    [row] = map(json.loads, target.read_text().splitlines())
    assert (Path(row["path"]).name, row["measured"]) == (
        "wide.png",
        ["black and white", "panorama format", "very dark"],
    )
