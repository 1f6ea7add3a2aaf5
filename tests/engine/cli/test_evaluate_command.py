import json
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from engine import cli
from engine.api.categories import Categories, shipped_categories
from engine.api.config import ModelConfig
from engine.checkpoints.safetensors_model import save_checkpoint
from engine.records.model_record import CheckpointRecord
from tests.engine.data.datasets.devkits import write_devkit
from tests.engine.tiny_models import save_tiny_model, tiny_classifier, tiny_config
from tests.paths import ROOT

KEYS = {
    *("mAP", "CP", "CR", "CF1", "OP", "OR", "OF1", "top3", "per_category", "intervals"),
    *("pointing_game", "num_images", "model", "dataset"),
}
BOX = "<bndbox><xmin>5</xmin><ymin>5</ymin><xmax>30</xmax><ymax>30</ymax></bndbox>"


@pytest.fixture
def data(tmp_path, monkeypatch):
    """A devkit of twelve images, and a place of its own for runs."""
    monkeypatch.setenv("CSRA_GUI_DATA", str(tmp_path / "own"))
    rng = np.random.default_rng(0)
    names = [f"{i:06}" for i in range(12)]
    folder = write_devkit(
        tmp_path / "data", {n: [(("dog", "cat", "person")[int(n) % 3], False)] for n in names}
    )
    for name in names:
        pixels = rng.integers(0, 256, (50, 60, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / "JPEGImages" / f"{name}.jpg")
        annotation = folder / "Annotations" / f"{name}.xml"
        annotation.write_text(annotation.read_text().replace("</object>", f"{BOX}</object>"))
    return tmp_path / "data"


@pytest.fixture
def model(tmp_path):
    base = tiny_config()
    config = ModelConfig(base.backbone, shipped_categories("voc"), base.head, base.preprocess)
    path = tmp_path / "model.safetensors"
    save_checkpoint(path, tiny_classifier(config), CheckpointRecord(config, "tiny voc"))
    return path


def arguments(data, model, *more):
    return [
        *("evaluate", "--dataset", "voc2007", "--data", str(data), "--split", "train"),
        *("--model", str(model), "--device", "cpu", "--resamples", "20", *map(str, more)),
    ]


def test_the_command_prints_a_table_and_writes_every_number(data, model, tmp_path, capsys):
    assert cli.run(arguments(data, model, "--json", tmp_path / "x.json")) == 0
    captured = capsys.readouterr()
    assert "tiny voc on VOC2007 train: 12 images" in captured.out
    assert "pointing game" in captured.out and "Kept as run" in captured.err
    result = json.loads((tmp_path / "x.json").read_text())
    assert result.keys() >= KEYS
    assert result["num_images"] == 12 and result["dataset"]["kind"] == "voc2007"
    assert f"mAP {100 * result['mAP']:.1f}" in captured.out
    assert "No image has aeroplane" in captured.err


def test_a_kept_run_is_scored_again_without_model_or_images(data, model, tmp_path, capsys):
    assert cli.run(arguments(data, model, "--json", tmp_path / "first.json")) == 0
    model.unlink()
    again = tmp_path / "again.json"
    assert (
        cli.run(["evaluate", "--from-run", "last", "--resamples", "20", "--json", str(again)]) == 0
    )
    assert json.loads(again.read_text()) == json.loads((tmp_path / "first.json").read_text())


@pytest.mark.parametrize("precision", ["int8", "float"])
def test_a_kept_run_has_the_precision_that_it_has(precision, capsys):
    assert cli.run(["evaluate", "--from-run", "last", "--precision", precision]) == 2
    assert "--precision cannot change that" in capsys.readouterr().err


def test_the_report_is_one_page_that_needs_nothing_else(data, model, tmp_path):
    page = tmp_path / "report.html"
    assert cli.run(arguments(data, model, "--html", page)) == 0
    text = page.read_text(encoding="utf-8")
    assert "data:image/jpeg;base64," in text and "<svg" in text
    assert "http://" not in text.replace("http://www.w3.org/", "")
    assert str(tmp_path) not in text


def test_a_missing_and_a_broken_image_are_counted_and_strict_stops(data, model, capsys):
    folder = data / "VOCdevkit" / "VOC2007" / "JPEGImages"
    (folder / "000003.jpg").unlink()
    (folder / "000004.jpg").write_bytes(b"broken")
    assert cli.run(arguments(data, model)) == 0
    captured = capsys.readouterr()
    assert "10 images, 1 could not be read" in captured.out
    assert "000003" in captured.err
    assert cli.run(arguments(data, model, "--strict")) == 1


def test_a_model_of_other_categories_needs_a_mapping(data, tmp_path, capsys):
    base = tiny_config()
    config = ModelConfig(base.backbone, Categories(("Hund", "Katze")), base.head, base.preprocess)
    path = tmp_path / "german.safetensors"
    save_checkpoint(path, tiny_classifier(config), CheckpointRecord(config, "german"))
    assert cli.run(arguments(data, path)) == 1
    assert "share no category" in capsys.readouterr().err
    mapping = tmp_path / "names.csv"
    mapping.write_text("dog,Hund\ncat,Katze\n")
    assert cli.run(arguments(data, path, "--mapping", mapping)) == 0
    assert "Hund" in capsys.readouterr().out


def test_flip_and_another_size_change_the_numbers_and_are_written_down(data, model, tmp_path):
    results = []
    for more in ((), ("--tta", "flip"), ("--size", "96"), ("--decode", "fast")):
        file = tmp_path / "x.json"
        assert cli.run(arguments(data, model, "--json", file, "--no-keep", *more)) == 0
        results.append(json.loads(file.read_text()))
    assert len({r["intervals"]["mAP"]["value"] for r in results}) > 1
    assert results[1]["settings"]["flip"] == "True"
    assert results[2]["settings"]["input size"] == "96"
    assert [r["settings"]["decode"] for r in results] == [*3 * ["exact"], "fast"]
    assert not (tmp_path / "own").exists()


@pytest.mark.parametrize(("mode", "other"), [("exact", "fast"), ("fast", "exact")])
def test_what_another_way_of_reading_photos_changes_is_said_and_written(
    data, model, tmp_path, capsys, mode, other
):
    file = tmp_path / "x.json"
    asked = arguments(data, model, "--json", file, "--no-keep", "--decode", mode, "--drift")
    assert cli.run(asked) == 0
    assert f"--decode {other} instead of {mode}: mAP" in capsys.readouterr().out
    drift = json.loads(file.read_text())["decode_drift"]
    assert drift["before"] == json.loads(file.read_text())["mAP"]
    assert drift["largest"] >= drift["mean"] >= 0


@pytest.mark.parametrize(
    "more",
    [
        ["evaluate"],
        ["evaluate", "--dataset", "voc2007"],
        ["evaluate", "--tta", "rotate"],
    ],
)
def test_wrong_usage_has_status_two(more, capsys):
    assert cli.run(more) == 2


def test_an_unknown_split_or_data_set_is_one_sentence(data, tmp_path, capsys):
    path = save_tiny_model(tmp_path / "tiny.safetensors")
    assert cli.run(arguments(data, path, "--split", "nothing")) == 1
    assert cli.run(["evaluate", "--dataset", "x", "--data", str(data), "--model", str(path)]) == 1
    assert capsys.readouterr().err.count("error: ") == 2


# By default they are played within one process: tests/engine/evaluation/test_evaluator.py.
@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="torchrun with gloo is tested on POSIX")
def test_two_processes_give_the_same_bits_as_one(data, model, tmp_path):
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}

    def run(*launcher):
        file = tmp_path / f"{len(launcher)}.json"
        command = [sys.executable, *launcher, *arguments(data, model, "--json", file)]
        subprocess.run(command, check=True, cwd=ROOT, env=environment, capture_output=True)
        result = json.loads(file.read_text())
        for key in ("date", "run", "settings"):
            del result[key]
        return result

    one = run("main.py")
    two = run("-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "main.py")
    assert one == two
