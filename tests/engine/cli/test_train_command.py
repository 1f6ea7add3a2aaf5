"""The command line of training a whole network."""

import argparse
import dataclasses
import json
import math
import signal
import sys

import numpy as np
import pytest
import torch
from PIL import Image

from engine import __version__, cli
from engine.api.errors import ConfigError
from engine.api.network_names import network_title
from engine.api.training import HEAD_FORMS, INPUT_SIZES
from engine.api.training_config import PRESETS
from engine.api.training_reports import Ending, StepReport
from engine.checkpoints.safetensors_model import load_checkpoint
from engine.cli import train_progress
from engine.cli.train import _stop_wish, add_parser
from engine.cli.train_request import training_request
from engine.data.datasets.registry import load_dataset
from engine.records.trainings import TrainingStore
from engine.texts import percent
from engine.train.preflight import problems_of
from engine.train.sources import seen_images
from tests.engine.data.datasets.devkits import write_devkit
from tests.engine.tiny_models import TINY_BACKBONE, save_tiny_model

pytestmark = pytest.mark.usefixtures("graphs_made_once")


@pytest.fixture
def devkit(tmp_path, monkeypatch):
    names = [f"{i:06}" for i in range(12)]
    folder = write_devkit(
        tmp_path / "data", {n: [("dog" if int(n) % 2 else "cat", False)] for n in names}
    )
    rng = np.random.default_rng(0)
    for name in names:
        picture = Image.fromarray(rng.integers(0, 256, (50, 60, 3), dtype=np.uint8))
        picture.save(folder / "JPEGImages" / f"{name}.jpg")
    monkeypatch.setattr("engine.train.start.load_imagenet_weights", lambda backbone, name: None)
    return tmp_path


def train(folder, *options):
    judged_by = () if "--val-fraction" in options else ("--val-split", "train")
    return cli.run(
        [
            *("train", "--data", str(folder / "data"), "--output", str(folder / "run")),
            *("--dataset", "voc2007", *judged_by, "--cache", str(folder / "cache")),
            *("--batch-size", "4", *options),
        ]
    )


def small(*options, preset="recommended"):
    return ("--preset", preset, "--backbone", TINY_BACKBONE, "--input-size", "64", *options)


def log_steps(folder):
    lines = map(json.loads, (folder / "run" / "log.jsonl").read_text().splitlines())
    return [line["step"] for line in lines if line["kind"] == "step"]


def test_the_command_says_what_it_needs_trains_and_keeps_the_best(devkit, capsys):
    assert train(devkit, *small("--epochs", "2")) == 0
    told = capsys.readouterr().err
    assert "cat 6" in told and "fewer than 10 images" in told and "of disk" in told
    record = load_checkpoint(devkit / "run" / "best.safetensors").record
    assert "learns from 12 of the 12 images" in told
    assert record.name == "run (chosen on images it learned from)"
    assert TrainingStore().read(devkit / "run").name == record.name
    value = record.results["mAP on images with some that it learned from"]
    assert f"val mAP {percent(value, ' %')} (" in told and ", of 2 of 20 categories" in told
    assert record.results.keys() >= {"AP dog", "AP cat"}
    assert len(record.thresholds) == 20
    assert str(devkit) not in str(record)
    load_checkpoint(devkit / "run" / "last.safetensors")
    assert log_steps(devkit) == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(("default", "stays"), [("cache", False), ("elsewhere", True)])
def test_what_trainings_keep_is_limited_in_the_default_folder_alone(
    devkit, monkeypatch, default, stays
):
    monkeypatch.setattr("engine.cli.train.default_cache", lambda: devkit / default)
    monkeypatch.setattr("engine.cli.train._CACHE_GB", 0)
    assert train(devkit, *small("--epochs", "1")) == 0
    assert bool(list((devkit / "cache").rglob("*.npy"))) == stays


@pytest.mark.parametrize(
    ("preset", "heads", "backbone", "size"),
    [
        ("paper", ((1.0,), 0.1), "ResNet-101", 448),
        ("paper-coco", ((1, 2, 3, 4, 5, math.inf), 0.5), "ResNet-101", 448),
        ("paper-wider", ((1.0,), 0.3), "ViT-B/16", 224),
    ],
)
def test_the_papers_presets_bring_their_network_and_heads(preset, heads, backbone, size):
    request = asked("--preset", preset)
    head = HEAD_FORMS[request.start.form]
    assert (head.temperatures, head.lam, head.normalize, head.bias) == (*heads, True, False)
    assert network_title(request.start.backbone) == backbone
    assert INPUT_SIZES[request.start.form] == size
    assert request.config == PRESETS[preset]


def test_what_the_command_names_goes_before_its_preset():
    request = asked("--preset", "paper", "--backbone", "resnet18", "--lam", "0.4", "--no-flip")
    assert (request.start.backbone, request.start.lam) == ("resnet18", 0.4)
    assert request.config.augment == dataclasses.replace(PRESETS["paper"].augment, flip=False)
    assert not asked("--no-flip").config.flip


def test_the_plan_names_network_heads_and_rates_first(devkit, capsys, monkeypatch):
    monkeypatch.setattr("engine.cli.train._prepare", lambda model: None)
    assert train(devkit, *small("--epochs", "1", preset="paper")) == 0
    told = capsys.readouterr().err.splitlines()
    plan = {line.partition(": ")[0]: line.partition(": ")[2] for line in told}
    assert "ImageNet weights, 64 px, squashed" in plan["network"]
    assert plan["heads"] == "1 head (T = 1; λ = 0.1; weights of length 1), new"
    assert plan["learning rates"] == "backbone 0.01, heads 0.1"
    assert told.index("learning rates: backbone 0.01, heads 0.1") < 3


def asked(*options):
    """The request of a command, without anything done."""
    parser = argparse.ArgumentParser()
    add_parser(parser.add_subparsers())
    where = ("--data", "data", "--output", "run")
    given = ["train", *where, *options]
    return training_request(parser.parse_args(given, argparse.Namespace(arguments=given)))


def test_a_file_of_settings_is_read_and_the_command_goes_before_it(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text(
        'preset = "paper"\nname = "From a file"\n'
        '[data]\nsplit = "trainval"\nval_fraction = 0.1\n[start]\nmodel = "resnet-cut"\nlam = 0.2\n'
        "[training]\nepochs = 3\nbatch_size = 4\n[training.augment]\ncutout = 0.1\nnum_ops = 1\n"
    )
    request = asked("--config", str(file))
    assert (request.name, request.source.split, request.source.val_fraction) == (
        *("From a file", "trainval"),
        0.1,
    )
    assert (request.start.model, request.start.lam) == ("resnet-cut", 0.2)
    assert (request.start.backbone, request.start.form) == ("resnet101", "paper")
    assert (request.config.epochs, request.config.optimizer) == (3, "sgd")

    over = ("--epochs", "5", "--set", "augment.cutout=0.3", "--name", "Mine", "--seed", "7")
    request = asked("--config", str(file), *over, "--val-split", "test", "--backbone", "resnet18")
    assert (request.config.epochs, request.config.batch_size, request.config.seed) == (5, 4, 7)
    assert (request.config.augment.cutout, request.config.augment.num_ops) == (0.3, 1)
    assert (request.name, request.source.val_split, request.source.val_fraction) == (
        *("Mine", "test"),
        None,
    )
    assert (request.start.model, request.start.backbone) == (None, "resnet18")
    assert asked("--config", str(file), "--init", "mine.pth").start.model == "mine.pth"


def test_a_split_and_a_share_to_judge_by_exclude_each_other_in_one_place(tmp_path, capsys):
    file = tmp_path / "mine.toml"
    file.write_text('[data]\nval_split = "test"\n')
    source = asked("--config", str(file), "--val-fraction", "0.3").source
    assert source.val_fraction == 0.3 and not source.is_chosen_on_test
    with pytest.raises(SystemExit):
        asked("--val-split", "val", "--val-fraction", "0.3")
    assert "not allowed with argument --val-split" in capsys.readouterr().err


def test_a_file_to_start_from_that_is_lacking_is_told_with_both_paths(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text('[start]\nmodel = "nofile.pth"\n')
    with pytest.raises(ConfigError) as told:
        asked("--config", str(file))
    assert str(file) in str(told.value) and str(tmp_path / "nofile.pth") in str(told.value)
    assert asked("--config", str(file), "--init", "mine.pth").start.model == "mine.pth"


def test_images_to_judge_by_that_are_learned_from_are_counted_over_splits(devkit):
    lists = next((devkit / "data").rglob("ImageSets/Main"))
    names = (lists / "train.txt").read_text().splitlines()
    (lists / "trainval.txt").write_text("\n".join(names))
    (lists / "train.txt").write_text("\n".join(names[:5:2]))
    train, both = (load_dataset("voc2007", devkit / "data", s) for s in ("train", "trainval"))
    assert seen_images((train, both)) == 3
    assert seen_images((train, both.subset([1, 3]))) == 0
    told = problems_of((train, both))
    assert [text.partition(":")[0] for text in told] == ["VOC2007 train", "VOC2007 trainval"]
    assert "no image has (19)" in told[0] and "no image has (18)" in told[1]
    assert problems_of((both, both)) == both.problems


def test_a_mistake_in_a_file_of_settings_is_told_with_what_is_meant(devkit, capsys):
    file = devkit / "mine.toml"
    file.write_text("[training]\nepochz = 3\n")
    assert train(devkit, "--config", str(file)) == 1
    assert "'epochz' in [training]. Did you mean 'epochs'?" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["quick", "recommended"])
def test_the_settings_in_a_run_give_the_same_run_again(devkit, preset):
    options = small("--epochs", "2", "--device", "cpu", "--seed", "5", preset=preset)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # else sums are added in another order each time
    try:
        assert train(devkit, *options) == 0
        again = ("--config", str(devkit / "run" / "train.toml"), "--output", str(devkit / "again"))
        assert cli.run(["train", *again]) == 0
    finally:
        torch.set_num_threads(threads)
    one, two = (load_checkpoint(devkit / run / "best.safetensors") for run in ("run", "again"))
    theirs = two.classifier.state_dict()
    assert all(torch.equal(t, theirs[n]) for n, t in one.classifier.state_dict().items())
    assert one.record.name == two.record.name == "run (chosen on images it learned from)"
    settings = [(devkit / run / "train.toml").read_text() for run in ("run", "again")]
    assert settings[0] == settings[1]


@pytest.mark.skipif(sys.platform == "win32", reason="sends POSIX signals")
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_status_tells_what_stopped_a_training(number, status):
    with _stop_wish() as wish:
        assert not wish.is_set()
        signal.raise_signal(number)
    assert (wish.is_set(), wish.status) == (True, status)


@pytest.mark.slow
def test_ctrl_c_stops_after_the_step_and_resume_goes_on(devkit, monkeypatch, capsys):
    tell = train_progress.Teller.tell

    def interrupted(teller, report):
        tell(teller, report)
        if isinstance(report, StepReport) and report.step == 2:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(train_progress.Teller, "tell", interrupted)
    before = signal.getsignal(signal.SIGINT)
    assert train(devkit, *small("--epochs", "2")) == 130
    assert signal.getsignal(signal.SIGINT) is before
    assert log_steps(devkit) == [1, 2]
    load_checkpoint(devkit / "run" / "last.safetensors")
    monkeypatch.setattr(train_progress.Teller, "tell", tell)
    assert train(devkit, *small("--epochs", "2", "--resume")) == 0
    assert "Going on after step 2" in capsys.readouterr().err
    assert log_steps(devkit) == [1, 2, 3, 4, 5, 6]


def test_a_run_is_neither_overwritten_nor_resumed_with_other_settings(devkit, capsys):
    assert train(devkit, *small("--epochs", "1")) == 0
    assert train(devkit, *small("--epochs", "1")) == 1
    assert "holds a run already" in capsys.readouterr().err
    assert train(devkit, *small("--epochs", "2", "--resume")) == 1
    assert "other settings" in capsys.readouterr().err


@pytest.mark.slow
def test_training_starts_from_a_model_with_other_categories(devkit):
    model = save_tiny_model(devkit / "tiny.safetensors")
    assert train(devkit, "--preset", "recommended", "--init", str(model), "--epochs", "1") == 0
    record = load_checkpoint(devkit / "run" / "last.safetensors").record
    assert len(record.config.categories) == 20
    assert record.config.head == load_checkpoint(model).record.config.head


def test_any_setting_can_be_given_and_a_wrong_one_is_told(devkit, capsys):
    options = small("--epochs", "1", "--set", "augment.mixing=mixup", "--set", "ema_decay=0")
    assert train(devkit, *options) == 0
    config = json.loads((devkit / "run" / "config.json").read_text())
    assert config["augment"]["mixing"] == "mixup" and config["ema_decay"] == 0
    assert train(devkit, *small("--set", "colour=red")) == 1
    assert "colour=red" in capsys.readouterr().err
    assert train(devkit, *small("--set", "ema_decay=fast")) == 1
    assert "ema_decay" in capsys.readouterr().err


def test_a_picture_that_cannot_be_read_stops_the_run_with_its_name(devkit, capsys):
    broken = next((devkit / "data").rglob("000003.jpg"))
    broken.write_bytes(b"broken")
    assert train(devkit, *small("--epochs", "1")) == 1
    assert "000003.jpg" in capsys.readouterr().err
    assert not list((devkit / "cache").glob("*.npy"))


@pytest.mark.slow
def test_a_share_of_the_images_can_be_kept_apart_to_report_on(devkit, capsys):
    assert train(devkit, *small("--epochs", "1", "--val-fraction", "0.34")) == 0
    assert "cat 4, chair 0" in capsys.readouterr().err
    record = load_checkpoint(devkit / "run" / "last.safetensors").record
    assert record.provenance["validation images"] == "VOC2007 train, 34% of it, 4 images"
    assert train(devkit, *small("--val-fraction", "1.5")) == 1
    assert "between 0 and 1" in capsys.readouterr().err


def test_heads_alone_can_be_written_into_a_folder(devkit, monkeypatch):
    monkeypatch.setattr("engine.train.start.load_imagenet_weights", lambda backbone, name: None)
    (devkit / "run").mkdir()
    assert train(devkit, *small("--epochs", "1", preset="quick")) == 0
    load_checkpoint(devkit / "run" / "best.safetensors")


@pytest.mark.slow
def test_a_run_says_what_was_asked_how_it_ended_and_what_made_it(devkit, monkeypatch):
    monkeypatch.chdir(devkit)
    assert train(devkit, *small("--epochs", "1")) == 0
    run = json.loads((devkit / "run" / "run.json").read_text())
    assert run["source"]["dataset"] == "voc2007" and run["config"]["epochs"] == 1
    assert run["ending"] == "done" and not run["chosen on the test split"]
    [start] = run["starts"]
    assert start["program"] == f"csra-gui {__version__}" and start["decode"] == "exact"
    assert start["backend"].startswith("PyTorch") and int(start["threads"]) >= 1
    assert start["command"].startswith("csra train --data data --output run --dataset voc2007")
    record = load_checkpoint(devkit / "run" / "best.safetensors").record
    assert record.provenance["command"] == start["command"]
    assert record.provenance["program"] == start["program"]
    assert TrainingStore().read(devkit / "run").ending is Ending.DONE
    assert train(devkit, *small("--epochs", "1")) == 1  # refused, so nothing began
    assert train(devkit, *small("--epochs", "1", "--resume")) == 0
    starts = json.loads((devkit / "run" / "run.json").read_text())["starts"]
    assert len(starts) == 2 and starts[0] == start


@pytest.mark.parametrize("preset", ["quick", "recommended"])
def test_a_model_that_is_chosen_on_the_test_split_says_so(devkit, capsys, preset):
    lists = next((devkit / "data").rglob("ImageSets/Main"))
    (lists / "test.txt").write_text((lists / "train.txt").read_text())
    assert train(devkit, *small("--epochs", "1", preset=preset), "--val-split", "test") == 0
    told = capsys.readouterr().err
    assert (
        "chooses its epoch, thresholds and calibration on PASCAL VOC 2007, the split test" in told
    )
    assert "no test result" in told and "the model's name says so" in told
    record = load_checkpoint(devkit / "run" / "best.safetensors").record
    assert record.name == "run (chosen on test)"
    assert record.provenance["chosen on"] == "VOC2007 test, with 12 images that it learned from"
    assert "chosen on the test split" in record.description
    assert "val mAP" not in record.results
    assert any(name.startswith("mAP on the test split") for name in record.results)
    run = json.loads((devkit / "run" / "run.json").read_text())
    assert run["chosen on the test split"] and run["title"] == record.name
    asked = ["evaluate", "--dataset", "voc2007", "--data", str(devkit / "data"), "--device", "cpu"]
    page = devkit / "page.html"
    model = str(devkit / "run" / "best.safetensors")
    assert cli.run([*asked, "--model", model, "--resamples", "5", "--html", str(page)]) == 0
    assert "This model was chosen on VOC2007 test" in capsys.readouterr().err
    assert "The model was chosen on VOC2007 test" in page.read_text()


def test_head_and_loss_are_options_and_are_kept_in_the_file(devkit, capsys, monkeypatch):
    monkeypatch.setattr("engine.cli.train.make_graph", lambda model: "")  # it takes seconds
    options = ("--epochs", "1", "--head", "ml-decoder", "--queries", "3", "--width", "16")
    loss = ("--loss", "asl", "--gamma-negative", "2", "--unknown-weight", "0.5")
    assert train(devkit, *small(*options, *loss)) == 0
    kept = json.loads((devkit / "run" / "config.json").read_text())
    assert (kept["loss"], kept["unknown_weight"]) == ("asl", 0.5)
    assert kept["loss_settings"]["gamma_negative"] == 2 and kept["loss_settings"]["margin"] == 0.05
    model = devkit / "run" / "last.safetensors"
    head = load_checkpoint(model).record.config.head
    assert (head.kind, head.queries, head.width, head.standardize) == ("ml-decoder", 3, 16, True)
    photo = next((devkit / "data").rglob("*.jpg"))
    capsys.readouterr()
    asked = ("--model", str(model), "--backend", "torch", "--output", str(devkit / "maps"))
    assert cli.run(["explain", str(photo), *asked]) != 0
    said = capsys.readouterr().err.strip().splitlines()
    assert len(said) == 1 and "it has no maps" in said[0]


@pytest.mark.slow  # the same is asked of each part by itself
def test_heads_alone_learn_with_any_head_and_loss(devkit, monkeypatch):
    monkeypatch.setattr("engine.cli.train.make_graph", lambda model: "")
    for number, head in enumerate(("gap", "ml-decoder")):
        output = ("--output", str(devkit / f"run{number}"))
        options = ("--epochs", "1", "--head", head, "--loss", "class-balanced", "--beta", "0.9")
        assert train(devkit, *small(*options, *output, preset="quick")) == 0
        record = load_checkpoint(devkit / f"run{number}" / "best.safetensors").record
        assert record.config.head.kind == head


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--beta", "0.9"), "--beta is of the loss class-balanced"),
        (("--loss", "asl", "--focal-alpha", "0.9"), "--focal-alpha is of the loss focal"),
        (("--loss", "asl", "--margin", "2"), "margin must be"),
        (("--head", "gap", "--lam", "0.2"), "neither temperatures nor λ"),
        (("--head", "gap", "--width", "16"), "neither queries nor a width"),
        (("--set", "loss_settings.gamma=2"), "Did you mean"),
    ],
)
def test_options_that_do_not_fit_each_other_are_refused_in_a_sentence(
    devkit, capsys, options, said
):
    assert train(devkit, *small(*options)) != 0
    assert said in capsys.readouterr().err.strip().splitlines()[-1]
