"""Training as a window or a notebook asks for it."""

import dataclasses
import json
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image

from engine.api.categories import Categories
from engine.api.config import HeadTrainConfig
from engine.api.errors import ConfigError, DataError
from engine.api.training import LabelSource, ModelStart, TrainRequest
from engine.api.training_config import AugmentConfig, TrainConfig
from engine.api.training_control import TrainingControl, Wish
from engine.api.training_reports import (
    Ending,
    EpochReport,
    PauseReport,
    Preflight,
    PreparationReport,
    StepReport,
    TrainingEnded,
    TrainingStarted,
)
from engine.checkpoints.safetensors_model import load_checkpoint
from engine.data.decoding.pool import DecodePool
from engine.pytorch.distributed import Processes
from engine.records.training_files import read_training_file
from engine.records.training_lock import TrainingGoesOnError, is_running
from engine.train import tensorboard as scalars
from engine.train.dataset import PixelForm, TrainingImages, load_pixels
from engine.train.features import FeatureExtractor
from engine.train.session import run_training
from engine.train.sources import load_parts
from engine.train.validation import Validation
from tests.engine.tiny_models import TINY_CATEGORIES, save_tiny_model, tiny_classifier
from tests.paths import ROOT

CONFIG = TrainConfig(
    epochs=3, batch_size=4, ema_decay=0.0, augment=AugmentConfig(crop_scale=(1, 1), flip=False)
)
HEADS = HeadTrainConfig(epochs=3, batch_size=4, keep_start=True)


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    rng = np.random.default_rng(0)
    paths = []
    for i in range(16):
        paths.append(folder / f"{i}.png")
        Image.fromarray(rng.integers(0, 256, (40, 50, 3), dtype=np.uint8)).save(paths[-1])
    return paths


@pytest.fixture
def ask(photos, tmp_path):
    """A request over labels in memory: cats accepted or rejected, the rest untouched."""
    model = save_tiny_model(tmp_path / "tiny.safetensors")
    targets = np.zeros((len(photos), len(TINY_CATEGORIES)), dtype=bool)
    targets[::2, 0] = True
    ignored = np.ones_like(targets)
    ignored[:, 0] = False
    source = LabelSource(
        "my labels", TINY_CATEGORIES, tuple(photos), targets, ignored, val_fraction=0.4
    )
    start = ModelStart(model=str(model))

    def asked(config=CONFIG, **changes):
        request = TrainRequest(source, tmp_path / "run", config, start, cache=tmp_path / "cache")
        return dataclasses.replace(request, **changes)

    return asked


def of_kind(reports, kind):
    return [report for report in reports if isinstance(report, kind)]


def test_norms_over_several_processes_are_refused_where_there_are_none(ask):
    config = dataclasses.replace(CONFIG, sync_norms=True)
    with pytest.raises(ConfigError, match=r"NVIDIA.*on CPU\. Leave sync_norms out"):
        next(run_training(ask(config, device="cpu"), process=Processes(0, 2)))
    assert not ask().output.exists() or not list(ask().output.glob("*.json"))


@pytest.mark.parametrize("config", [CONFIG, HEADS], ids=["network", "heads"])
def test_two_programs_do_not_run_the_same_training(ask, config):
    first = run_training(ask(config))
    next(first)
    assert is_running(ask().output)
    with pytest.raises(TrainingGoesOnError, match="goes on in another window or command"):
        next(run_training(ask(config, resume=True)))
    first.close()
    assert not is_running(ask().output)


def test_reports_come_in_the_order_that_a_window_shows(ask):
    reports = list(run_training(pickle.loads(pickle.dumps(ask()))))
    kinds = list(dict.fromkeys(type(report) for report in reports))
    assert kinds == [
        PreparationReport,
        Preflight,
        TrainingStarted,
        StepReport,
        EpochReport,
        TrainingEnded,
    ]
    assert pickle.loads(pickle.dumps(reports[-1])) == reports[-1]
    (start,), steps = of_kind(reports, TrainingStarted), of_kind(reports, StepReport)
    assert start.total_steps == len(steps) == steps[-1].step and start.device == "CPU"
    assert all(step.images_per_second > 0 and step.memory_bytes > 1e6 for step in steps)
    assert steps[0].remaining_seconds > steps[-1].remaining_seconds >= 0
    epoch = of_kind(reports, EpochReport)[-1]
    assert len(epoch.category_ap) == len(start.categories)
    assert epoch.val_map == pytest.approx(epoch.category_ap[0])
    assert np.isnan(epoch.category_ap[1:]).all()


def test_the_best_model_knows_its_thresholds_and_calibration(ask):
    end = list(run_training(ask(name="Mine")))[-1]
    record = load_checkpoint(end.best).record
    assert record.name == "Mine" and record.config.categories == TINY_CATEGORIES
    assert len(record.thresholds) == len(record.calibration.slopes) == len(TINY_CATEGORIES)
    assert record.results == {}  # too few validation images to say anything
    assert "my labels" in record.description
    assert load_checkpoint(end.last).record.thresholds is None


def weights_after(request):
    list(run_training(request))
    return load_checkpoint(request.last_file).classifier.heads.weight[0]


def test_rejected_labels_teach_and_untouched_ones_do_not(ask, tmp_path):
    start = load_checkpoint(tmp_path / "tiny.safetensors").classifier.heads.weight[0]
    config = dataclasses.replace(CONFIG, epochs=1, weight_decay=0.0, norms="frozen")
    weights = weights_after(ask(config))
    moved = (weights - start).abs().amax(dim=1)
    assert moved[0] > 1e-3
    assert moved[1:].max() < 1e-3  # half precision of the file


def test_labels_that_do_not_fit_together_are_refused(ask):
    source = ask().source
    for change in (
        {"targets": source.targets[:3]},
        {"ignored": source.targets},
        {"ids": ("one",)},
        {"val_fraction": 1.0},
    ):
        with pytest.raises(ConfigError):
            dataclasses.replace(source, **change)


def test_photos_that_nothing_is_known_of_are_left_out(ask):
    source = ask().source
    ignored = source.ignored.copy()
    ignored[1] = True
    work = load_parts(dataclasses.replace(source, ignored=ignored), 0)
    while True:
        try:
            next(work)
        except StopIteration as end:
            train, val = end.value
            break
    assert source.paths[1] not in (*train.paths, *val.paths)
    assert len(train) + len(val) == len(source.paths) - 1


@pytest.mark.slow
def test_closing_saves_a_model_and_the_same_request_goes_on(ask):
    reports = run_training(ask())
    for report in reports:
        if isinstance(report, StepReport) and report.step == 2:
            break
    reports.close()
    load_checkpoint(ask().last_file)
    again = list(run_training(ask(resume=True)))
    assert of_kind(again, TrainingStarted)[0].step == 2
    assert of_kind(again, StepReport)[0].step == 3
    with pytest.raises(ConfigError, match="holds a run already"):
        list(run_training(ask()))


def test_a_run_of_before_decoding_was_a_choice_goes_on_without_detail_alone(ask):
    fast = dataclasses.replace(CONFIG, epochs=1, decode="fast")
    list(run_training(ask(fast)))
    kept = ask().output / "config.json"
    settings = json.loads(kept.read_text())
    del settings["decode"]
    kept.write_text(json.dumps(settings))

    with pytest.raises(ConfigError, match="other settings"):
        list(run_training(ask(dataclasses.replace(fast, decode="exact"), resume=True)))
    list(run_training(ask(fast, resume=True)))


def test_a_run_is_not_gone_on_with_when_the_labels_have_changed(ask):
    list(run_training(ask(dataclasses.replace(CONFIG, epochs=1))))
    source = ask().source
    others = dataclasses.replace(source, targets=source.targets ^ ~source.ignored)
    config = dataclasses.replace(CONFIG, epochs=1)
    with pytest.raises(ConfigError, match="other images or labels"):
        list(run_training(ask(config, resume=True, source=others)))


@pytest.mark.parametrize("config", [CONFIG, HEADS])
def test_stopping_after_the_epoch_keeps_a_model_and_says_so(ask, config):
    control = TrainingControl()
    reports = []
    for report in run_training(ask(config), control):
        reports.append(report)
        if isinstance(report, TrainingStarted):
            control.stop_after_epoch()
    assert [report.epoch for report in of_kind(reports, EpochReport)] == [1]
    assert reports[-1].ending is Ending.STOPPED
    load_checkpoint(reports[-1].best)
    assert reports[-1].can_resume is (config is CONFIG)


def test_stopping_now_stops_after_the_step(ask):
    control = TrainingControl()
    reports = []
    for report in run_training(ask(), control):
        reports.append(report)
        if isinstance(report, StepReport):
            control.stop_now()
    assert len(of_kind(reports, StepReport)) == 1 and not of_kind(reports, EpochReport)
    end = reports[-1]
    assert (end.ending, end.best, end.can_resume) == (Ending.STOPPED, None, True)
    load_checkpoint(end.last)


def test_stopping_before_it_begins_writes_no_model(ask):
    control = TrainingControl()
    control.stop_now()
    reports = list(run_training(ask(), control))
    assert len(reports) == 2 and reports[-1].ending is Ending.STOPPED
    assert not list(ask().output.glob("*"))


@pytest.mark.slow
def test_a_pause_saves_the_state_and_going_on_changes_nothing(ask, tmp_path):
    expected = weights_after(ask(output=tmp_path / "unbroken"))
    control, pauses = TrainingControl(), []
    for report in run_training(ask(), control):
        if isinstance(report, StepReport) and report.step in (1, 3):
            control.pause()
        if isinstance(report, PauseReport):
            pauses.append(report.step)
            assert list(ask().output.glob(f"state-{report.step:09}-*"))
    assert pauses == [1, 3]
    assert torch.equal(load_checkpoint(ask().last_file).classifier.heads.weight[0], expected)


def test_the_greater_wish_wins_and_can_be_taken_back():
    control = TrainingControl()
    control.stop_after_epoch()
    control.pause()
    assert control.wish is Wish.STOP_AFTER_EPOCH
    control.met(Wish.PAUSE)
    assert control.wish is Wish.STOP_AFTER_EPOCH
    control.take_back()
    assert control.wish is Wish.NONE


@pytest.mark.parametrize("config", [CONFIG, HEADS])
def test_a_run_without_a_gain_ends_early(ask, config):
    still = {"learning_rate": 1e-12, "epochs": 9, "patience": 2}
    if isinstance(config, TrainConfig):
        still |= {"head_learning_rate": 1e-12, "norms": "frozen"}
    request = ask(dataclasses.replace(config, **still))
    enough = dataclasses.replace(request.source, val_fraction=0.8)  # to tell epochs from another
    reports = list(run_training(dataclasses.replace(request, source=enough)))
    assert [report.epoch for report in of_kind(reports, EpochReport)] == [1, 2, 3]
    assert reports[-1].ending is Ending.NO_GAIN


def test_heads_alone_keep_what_the_model_knew(ask, tmp_path):
    start = load_checkpoint(tmp_path / "tiny.safetensors").classifier.heads.weight[0]
    config = dataclasses.replace(HEADS, weight_decay=0.0)
    end = list(run_training(ask(config, output=tmp_path / "heads.safetensors")))[-1]
    assert end.best == tmp_path / "heads.safetensors" and end.last is None
    checkpoint = load_checkpoint(end.best)
    moved = (checkpoint.classifier.heads.weight[0] - start).abs().amax(dim=1)
    assert moved[0] > 1e-3 and moved[1:].max() < 1e-3
    assert checkpoint.record.calibration is not None


def test_heads_alone_keep_the_best_epoch_as_the_report_says(ask, monkeypatch):
    maps = iter([0.5, 0.9, 0.3])
    whole = Validation.of

    def judged(logits, labels):
        found = whole(logits, labels)
        return dataclasses.replace(found, val_map=next(maps), counts=((9, 9),) * len(found.counts))

    monkeypatch.setattr("engine.train.head_training.Validation.of", judged)
    reports = list(run_training(ask(HEADS)))
    assert [r.is_best for r in of_kind(reports, EpochReport)] == [True, True, False]
    assert load_checkpoint(reports[-1].best).record.provenance["epoch"] == "2"
    assert reports[-1].epoch == 3


@pytest.mark.parametrize("config", [CONFIG, HEADS], ids=["network", "heads"])
def test_a_run_asked_for_from_a_program_leaves_its_log_and_settings_too(ask, config):
    request = ask(dataclasses.replace(config, epochs=1))
    list(run_training(request))
    folder = request.output
    kinds = [json.loads(line)["kind"] for line in (folder / "log.jsonl").read_text().splitlines()]
    assert kinds[-1] == "epoch"
    assert json.loads((folder / "config.json").read_text())["epochs"] == 1
    settings = read_training_file(folder / "train.toml")
    assert settings.training["epochs"] == 1 and settings.start["model"] == request.start.model
    assert settings.data == {}  # labels in memory are in no file


def test_heads_alone_do_not_overwrite_the_run_of_a_network(ask):
    list(run_training(ask(dataclasses.replace(CONFIG, epochs=1))))
    before = ask().best_file.read_bytes()
    for resume in (False, True):
        with pytest.raises(ConfigError, match=r"holds a run already|other settings"):
            list(run_training(ask(HEADS, resume=resume)))
    assert ask().best_file.read_bytes() == before


def test_new_categories_come_behind_those_of_the_model(ask, tmp_path):
    source = ask().source
    names = Categories((*TINY_CATEGORIES, "zebra"))
    wider = [np.pad(part, ((0, 0), (0, 1))) for part in (source.targets, source.ignored)]
    source = dataclasses.replace(source, categories=names, targets=wider[0], ignored=wider[1])
    end = list(run_training(ask(HEADS, source=source)))[-1]
    assert load_checkpoint(end.best).record.config.categories == names


def test_the_preflight_says_what_will_go_wrong(ask):
    found = next(r for r in run_training(ask()) if isinstance(r, Preflight))
    assert found.train_images + found.val_images == 16
    plan = dict(found.plan)
    assert "the model" in plan["Network"] and "64 px" in plan["Network"]
    assert "of the model" in plan["Heads"] and plan["Learning rates"].endswith("heads 0.001")
    assert found.lines()[0] == f"network: {plan['Network']}"
    cats, negatives = found.images_per_category[0][1], found.negatives_per_category[0]
    assert cats > 0 and negatives > 0 and cats + negatives == found.train_images
    assert found.without_negatives == tuple(TINY_CATEGORIES)[1:]
    assert set(found.rare) >= set(tuple(TINY_CATEGORIES)[1:])
    assert found.unjudged == tuple(TINY_CATEGORIES)
    assert any("cannot be judged: cat" in line for line in found.lines())
    assert found.cache_bytes == 3 * 64**2 * (found.train_images + found.val_images)
    assert found.warnings() == []
    tight = dataclasses.replace(found, free_bytes=1, free_memory_bytes=1, free_cache_bytes=1)
    assert len(tight.warnings()) == 3
    assert set(tight.warnings()) < set(tight.lines())


def finished(work, on_report=lambda report: None):
    while True:
        try:
            on_report(next(work))
        except StopIteration as end:
            return end.value


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs signals")
def test_decoders_that_are_killed_while_images_are_prepared_are_survived(ask, photos, tmp_path):
    labels = finished(load_parts(dataclasses.replace(ask().source, val_fraction=0.1), 0))[0]
    kills = 0
    moments = []

    def kill(report):
        nonlocal kills
        for child in multiprocessing.active_children():
            if child.name == "decoder" and moments and report.done >= moments[0]:
                try:
                    os.kill(child.pid, signal.SIGKILL)
                except ProcessLookupError:  # its thread has just seen it end
                    continue
                moments.pop(0)
                kills += 1

    with DecodePool(1) as pool:
        expected = finished(load_pixels(pool, labels, PixelForm(32), tmp_path / "quiet"))
        moments += [1, 4, 9]
        found = finished(load_pixels(pool, labels, PixelForm(32), tmp_path / "rough"), kill)
        extractor = FeatureExtractor(
            tiny_classifier().backbone, tiny_classifier().config.preprocess, tmp_path / "features"
        )
        moments[:] = [1, 4, 9]
        finished(extractor.extract(pool, "x", labels.paths), kill)
    assert kills >= 2  # one in each; a decoder that is ahead of the reports is killed but once
    assert np.array_equal(expected.pixels, found.pixels)


def test_a_batch_that_cannot_be_made_is_told_and_the_state_is_kept(ask, monkeypatch):
    whole = TrainingImages._sample

    def sample(self, epoch, rows, place, size):
        if epoch == 2:
            raise OSError(5, "Input/output error")
        return whole(self, epoch, rows, place, size)

    monkeypatch.setattr(TrainingImages, "_sample", sample)
    with pytest.raises(DataError, match=r"\.png could not be prepared.*Input/output error.*kept"):
        list(run_training(ask()))
    monkeypatch.setattr(TrainingImages, "_sample", whole)
    again = list(run_training(ask(resume=True)))
    assert of_kind(again, TrainingStarted)[0].epoch == 2


def test_features_of_a_part_are_not_those_of_the_whole(photos, tmp_path):
    classifier = tiny_classifier()
    extractor = FeatureExtractor(classifier.backbone, classifier.config.preprocess, tmp_path)
    crops = [(5.0, 5.0, 20.0, 20.0)] * 2
    with DecodePool(1) as pool:
        whole = finished(extractor.extract(pool, "x", photos[:2]))
        part = finished(extractor.extract(pool, "x", photos[:2], crops=crops))
        again = finished(extractor.extract(pool, "x", photos[:2], crops=[None, None]))
    assert not np.allclose(whole, part)
    assert np.array_equal(whole, again)


def test_tensorboard_that_is_missing_is_told_before_work_begins(ask, monkeypatch):
    monkeypatch.setattr(scalars, "_MODULE", "no_such_package_as_this")
    with pytest.raises(ConfigError, match="pip install tensorboard"):
        next(run_training(ask(tensorboard=True)))


@pytest.mark.parametrize("config", [CONFIG, HEADS])
def test_tensorboard_gets_the_scalars(ask, config):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    reports = list(run_training(ask(config, tensorboard=True)))
    events = EventAccumulator(str(ask().output / "tensorboard"))
    events.Reload()
    found = [event.value for event in events.Scalars("val mAP")]
    assert found == pytest.approx([r.val_map for r in of_kind(reports, EpochReport)])
    steps = [report.loss for report in of_kind(reports, StepReport)]
    if steps:
        assert [e.value for e in events.Scalars("loss")] == pytest.approx(steps)
    names = set(events.Tags()["scalars"])
    assert "val AP/cat" in names and "val AP/dog" not in names


def test_what_a_window_needs_of_training_is_light():
    code = (
        "import engine.api.training_reports, engine.api.training, sys; "
        "import engine.api.training_control; "
        "sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
