import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from engine import __version__, cli
from engine.api.calibration import LogitScaling
from engine.api.categories import Categories, shipped_categories
from engine.api.config import ModelConfig
from engine.checkpoints.safetensors_model import save_checkpoint
from engine.cli.command_line import command_line
from engine.records.model_record import CheckpointRecord
from tests.engine.csra_checkpoints import resnet_state
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


def test_the_only_split_is_taken_where_none_is_said(model, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CSRA_GUI_DATA", str(tmp_path / "own"))
    folder = tmp_path / "photos"
    folder.mkdir()
    Image.new("RGB", (40, 40)).save(folder / "a.png")
    (folder / "metadata.csv").write_text("file_name,labels\na.png,dog\n")
    call = ["evaluate", "--dataset", "imagefolder", "--data", str(folder), "--model", str(model)]
    call += ["--device", "cpu", "--resamples", "20"]
    assert cli.run(call) == 0
    assert "photos all: 1 image" in capsys.readouterr().out
    (folder / "test").mkdir()
    assert cli.run([*call, "--no-keep"]) == 1  # the list has no photo of this split
    assert "test" in capsys.readouterr().err


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
    assert [file for file in (tmp_path / "own").rglob("*") if file.is_file()] == []


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


def test_what_made_the_numbers_is_kept_with_them(data, model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("pathlib.Path.home", lambda: data)
    assert cli.run(arguments(data, model, "--json", "x.json")) == 0
    settings = json.loads((tmp_path / "x.json").read_text())["settings"]
    assert settings["program"] == f"csra-gui {__version__}"
    assert settings.keys() >= {"backend", "decode", "threads", "python", "system", "device"}
    assert int(settings["threads"]) >= 1
    assert settings["command"] == (
        "csra evaluate --dataset voc2007 --data data --split train --model model.safetensors "
        "--device cpu --resamples 20 --json x.json"
    )
    [kept] = (tmp_path / "own" / "evaluations").glob("*/run.json")
    assert json.loads(kept.read_text())["settings"] == settings


@pytest.mark.parametrize(
    ("argument", "shown"),
    [
        ("voc2007", "voc2007"),
        ("some/where", "some/where"),
        ("/home/ann/work/x y.json", "'x y.json'"),
        ("--data=/home/ann/voc", "'--data=~/voc'"),
        ("/home/ann/my voc", "~/'my voc'"),
        ("/home/ann", "~"),
        ("/media/ann/disk/voc/VOC2007", "'…/voc/VOC2007'"),
        ("augment.crop_scale=(1,1)", "'augment.crop_scale=(1,1)'"),
    ],
)
@pytest.mark.skipif(os.name == "nt", reason="paths of POSIX")
def test_a_command_is_kept_without_anyones_folders(argument, shown, monkeypatch):
    monkeypatch.setattr("pathlib.Path.home", lambda: Path("/home/ann"))
    monkeypatch.setattr("pathlib.Path.cwd", lambda: Path("/home/ann/work"))
    assert command_line(["tag", argument]) == f"csra tag {shown}"


def test_thresholds_and_calibration_of_the_file_are_measured_too(data, tmp_path, capsys):
    base = tiny_config()
    config = ModelConfig(base.backbone, shipped_categories("voc"), base.head, base.preprocess)
    record = CheckpointRecord(
        config,
        "tiny voc",
        thresholds=(0.3,) * 20,
        calibration=LogitScaling((2.0,) * 20, (-3.0,) * 20),
        provenance={"validation images": "VOC2007 train, 12 images"},
    )
    path = tmp_path / "model.safetensors"
    save_checkpoint(path, tiny_classifier(config), record)
    assert cli.run(arguments(data, path, "--json", tmp_path / "x.json")) == 0
    out = capsys.readouterr().out
    origin = "(from VOC2007 train, 12 images; in-sample: the same images)"
    assert f"at the thresholds in the model's file {origin}" in out
    assert f"with the calibration in the model's file {origin}" in out
    assert "in-sample: at the best thresholds of these very images" in out
    assert "arithmetic paper-voc, since PASCAL VOC" in out
    result = json.loads((tmp_path / "x.json").read_text())
    assert result["stored_thresholds"]["per_category"][0]["threshold"] == 0.3
    assert result["stored_calibration"]["Brier"] != result["calibration"]["Brier"]


def test_a_file_without_thresholds_says_so(data, model, capsys):
    assert cli.run(arguments(data, model)) == 0
    out = capsys.readouterr().out
    assert "has no thresholds" in out and "has no calibration" in out


@pytest.fixture
def official(tmp_path):
    """Weights in the layout of the official code, in a file that does not say its λ."""
    torch.save(resnet_state(), tmp_path / "weights.pth")
    return tmp_path / "weights.pth"


@pytest.mark.slow
def test_lambda_can_be_given_for_a_file_that_does_not_say_it(data, official, tmp_path, capsys):
    few = ("--limit", "2", "--size", "64")
    assert cli.run(arguments(data, official, *few)) == 1
    assert "does not say its λ" in capsys.readouterr().err
    file = tmp_path / "x.json"
    told = arguments(data, official, *few, "--lam", "0.9", "--heads", "1", "--json", file)
    assert cli.run(told) == 0
    assert "1 head, λ = 0.9 (as given)" in capsys.readouterr().err
    assert json.loads(file.read_text())["model"]["heads"] == "1, temperatures 1, λ 0.9"


@pytest.mark.parametrize("told", [("--lam", "0.5"), ("--heads", "4")])
def test_what_a_file_says_itself_cannot_be_told_otherwise(data, model, official, told, capsys):
    named = official.rename(official.with_name("weights_lam0.1.pth"))
    for file in (model, named):
        assert cli.run(arguments(data, file, *told)) == 1
        assert f"Leave out {told[0]}" in capsys.readouterr().err


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
