"""What one step does, and what is done when it cannot."""

import dataclasses
import itertools
import math

import numpy as np
import pytest
import torch

from engine.api.categories import Categories
from engine.api.config import HeadConfig, HeadTrainConfig
from engine.api.errors import ConfigError, DivergedError, MemoryShortError
from engine.api.training_config import PAPER, PRESETS, RECOMMENDED, AugmentConfig, TrainConfig
from engine.api.training_reports import EpochReport
from engine.checkpoints.safetensors_model import Checkpoint
from engine.models.heads import HeadOutput
from engine.train.dataset import TrainingImages
from engine.train.ema import AveragedModel
from engine.train.losses import Criterion
from engine.train.preflight import preflight
from engine.train.resume import StateFolder
from engine.train.schedules import lr_factor
from engine.train.start import StartingPoint, from_checkpoint, set_standardization
from engine.train.train_step import TrainStep, half_type
from tests.engine.tiny_models import tiny_classifier, tiny_config, tiny_record
from tests.engine.train.work import CPU, pixel_set, trainer

SIMPLE = TrainConfig(epochs=2, batch_size=8, augment=AugmentConfig(crop_scale=(1, 1), flip=False))


def batch(count=8, seed=0):
    images = TrainingImages(pixel_set(), SIMPLE.augment, seed, ignore_unclear=True)
    rows = images.order(1)[:count].tolist()
    return images.batch(1, rows, range(count), 64)


def official_factors(epochs, steps, step_epochs):
    """The two schedulers of the official code, one after the other, as they really run."""
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([weight], lr=1.0)
    decay = torch.optim.lr_scheduler.StepLR(optimizer, step_epochs, 0.1)
    used, warmup = [], 0
    for epoch in range(1, epochs + 1):
        if epoch > 1:
            decay.step()
        for _ in range(steps):
            if epoch <= 2:
                for group in optimizer.param_groups:
                    group["lr"] = warmup / (2 * steps)
                warmup += 1
            elif epoch == 3 and len(used) == 2 * steps:
                for group in optimizer.param_groups:
                    group["lr"] = 1.0
            used.append(optimizer.param_groups[0]["lr"])
            weight.grad = torch.zeros(1)
            optimizer.step()
    return used


@pytest.mark.parametrize(("preset", "step_epochs"), [("paper", 4), ("paper-coco", 5)])
def test_the_papers_schedule_is_the_official_one_at_every_step(preset, step_epochs):
    steps = 13
    factor = lr_factor(PRESETS[preset], steps)
    ours = [factor(step) for step in range(30 * steps)]
    np.testing.assert_allclose(ours, official_factors(30, steps, step_epochs), rtol=1e-9)
    assert ours[0] == 0.0
    assert ours[2 * steps] == 1.0
    assert ours[4 * steps] == pytest.approx(0.1 if step_epochs == 4 else 1.0)


def test_the_papers_recipe_is_the_official_one():
    assert (PAPER.optimizer, PAPER.learning_rate, PAPER.head_learning_rate) == ("sgd", 0.01, 0.1)
    assert (PAPER.weight_decay, PAPER.decay_all, PAPER.batch_size) == (1e-4, True, 16)
    assert (PAPER.epochs, PAPER.ema_decay, PAPER.ignore_unclear) == (30, 0.0, False)
    assert PAPER.augment == AugmentConfig(crop_scale=(0.7, 1.0), crop_ratio=(3 / 4, 4 / 3))
    wider = PRESETS["paper-wider"]
    assert (wider.augment.flip, wider.augment.crops, wider.step_epochs) == (True, False, 5)
    optimizer = TrainStep(tiny_classifier(), PAPER, CPU).optimizer
    assert {group["weight_decay"] for group in optimizer.param_groups} == {1e-4}
    assert {group["momentum"] for group in optimizer.param_groups} == {0.9}


@pytest.mark.parametrize("schedule", ["constant", "step", "cosine", "one-cycle"])
def test_every_schedule_stays_between_nothing_and_the_peak_and_gets_there(schedule):
    config = TrainConfig(epochs=10, schedule=schedule, warmup_epochs=1)
    factors = [lr_factor(config, 20)(step) for step in range(200)]
    assert min(factors) >= 0.0 and max(factors) <= 1.0
    assert max(factors) > 0.99
    if schedule != "constant":
        assert factors[-1] < 0.02


def test_cosine_falls_steadily_after_the_warm_up():
    factors = [lr_factor(TrainConfig(epochs=4, warmup_epochs=0.5), 10)(s) for s in range(40)]
    assert factors[:6] == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1.0])
    assert all(a > b for a, b in itertools.pairwise(factors[5:]))


def test_cross_entropy_is_the_textbooks():
    logits, targets = torch.tensor([[2.0, -1.0]]), torch.tensor([[1.0, 0.0]])
    expected = [[-math.log(1 / (1 + math.exp(-2))), -math.log(1 - 1 / (1 + math.exp(1)))]]
    np.testing.assert_allclose(Criterion("bce")(logits, targets), expected, rtol=1e-6)


def test_the_asymmetric_loss_makes_light_of_easy_negatives():
    logits = torch.tensor([[-4.0, 3.0, -4.0]])
    targets = torch.tensor([[0.0, 0.0, 1.0]])
    asymmetric, entropy = Criterion("asl")(logits, targets)[0], Criterion("bce")(logits, targets)[0]
    assert asymmetric[0] == 0.0  # a score below the shift
    p = 1 / (1 + math.exp(-3)) - 0.05
    assert asymmetric[1] == pytest.approx(-math.log(1 - p) * p**4, rel=1e-4)
    assert asymmetric[2] == pytest.approx(float(entropy[2]) * (1 / (1 + math.exp(-4))), rel=1e-4)


def run_out_on_a_card():
    raise torch.OutOfMemoryError("too large")


def run_out():
    torch.empty(1 << 50, dtype=torch.uint8)


def gradients(train_step):
    return [p.grad.clone() for p in train_step.classifier.parameters() if p.grad is not None]


def test_a_batch_in_parts_gives_the_gradient_of_the_whole():
    found = []
    for passes in (1, 3):
        config = dataclasses.replace(SIMPLE, passes=passes, norms="frozen")
        train_step = TrainStep(tiny_classifier(), config, CPU)
        train_step.set_mode()
        train_step._backward(batch(), 40.0)
        found.append(gradients(train_step))
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("run_out", [run_out, run_out_on_a_card])
def test_when_memory_runs_out_the_batch_is_halved_and_the_gradient_stays(monkeypatch, run_out):
    config = dataclasses.replace(SIMPLE, norms="frozen")
    whole, halved = (TrainStep(tiny_classifier(), config, CPU) for _ in range(2))
    sizes, forward = [], halved.classifier.forward

    def small_memory(images) -> HeadOutput:
        sizes.append(len(images))
        if len(images) > 3:
            run_out()
        return forward(images)

    monkeypatch.setattr(halved.classifier, "forward", small_memory)
    for train_step in (whole, halved):
        train_step.set_mode()
    expected, got = whole.step(batch()).read(), halved.step(batch()).read()
    assert sizes == [8, 4, 2, 2, 2, 2] and halved.passes == 4
    assert got.loss == pytest.approx(expected.loss, rel=1e-5)
    assert got.grad_norm == pytest.approx(expected.grad_norm, rel=1e-4)


def test_one_image_that_does_not_fit_is_an_error(monkeypatch):
    train_step = TrainStep(tiny_classifier(), SIMPLE, CPU)

    def no_memory(images):
        raise torch.OutOfMemoryError("too large")

    monkeypatch.setattr(train_step.classifier, "forward", no_memory)
    with pytest.raises(MemoryShortError, match="too little memory"):
        train_step.step(batch())


def test_labels_that_do_not_count_teach_nothing():
    images = batch()
    images.counted[:, 2] = 0.0
    found = []
    for wrong in (False, True):
        if wrong:
            images.targets[:, 2] = 1.0 - images.targets[:, 2]
        train_step = TrainStep(tiny_classifier(), SIMPLE, CPU)
        train_step.set_mode()
        train_step.step(images)
        found.append(train_step.classifier.heads.weight.detach().clone())
    assert torch.equal(*found)


def test_a_loss_that_is_no_number_stops_with_the_best_model_and_state_kept(tmp_path):
    states, kept = StateFolder(tmp_path), []
    config = TrainConfig(epochs=50, batch_size=8, ema_decay=0.0, evaluate_every=1)
    work = trainer(config)
    reports = work.run(states, lambda model, report, logits: kept.append(report))
    for report in reports:
        if isinstance(report, EpochReport):
            break
    for group in work._train_step.optimizer.param_groups:
        group["peak_lr"] = 1e30
    with pytest.raises(DivergedError, match="best model so far is kept"):
        list(reports)
    assert [report.epoch for report in kept] == [1]
    assert states.load()["position"]["epoch"] == 2


def test_training_learns():
    config = dataclasses.replace(SIMPLE, epochs=8, learning_rate=3e-3, head_learning_rate=3e-2)
    reports = [r for r in trainer(config).run() if isinstance(r, EpochReport)]
    assert reports[-1].loss < 0.75 * reports[0].loss
    assert reports[-1].val_map > reports[0].val_map


def test_half_precision_is_for_graphics_cards_unless_it_is_wanted_elsewhere():
    for mode, cpu in (("gpu", None), ("always", torch.bfloat16), ("never", None)):
        assert half_type(CPU, mode) is cpu
    assert half_type(torch.device("cuda"), "never") is None
    outcomes = []
    for mode in ("gpu", "always"):
        train_step = TrainStep(tiny_classifier(), dataclasses.replace(SIMPLE, half=mode), CPU)
        train_step.set_mode()
        outcomes.append(train_step.step(batch()).read().loss)
    assert outcomes[0] != outcomes[1]
    assert outcomes[0] == pytest.approx(outcomes[1], rel=0.05)


def test_the_average_follows_the_weights_and_forgets_the_start():
    model = torch.nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        model.weight.fill_(1.0)
        average = AveragedModel(model, 0.9)
        model.weight.fill_(0.0)
    seen = []
    for _ in range(4):
        average.update(model)
        seen.append(float(average.model.weight))
    steps = [min(0.9, (1 + n) / (10 + n)) for n in range(4)]
    np.testing.assert_allclose(seen, np.cumprod(steps), rtol=1e-6)


def test_a_blend_lies_between_the_start_and_what_was_learned():
    start = tiny_classifier().state_dict()
    config = dataclasses.replace(SIMPLE, epochs=1, blend=0.25, ema_decay=0.0)
    work = trainer(config)
    list(work.run())
    learned, model = work._train_step.classifier.state_dict(), work.model.state_dict()
    name = "heads.weight"
    assert not torch.equal(start[name], learned[name])
    torch.testing.assert_close(model[name], 0.75 * start[name] + 0.25 * learned[name])


def test_frozen_layers_and_norms_stay_as_they_are():
    config = dataclasses.replace(SIMPLE, frozen=("conv_stem", "bn1."), norms="train")
    train_step = TrainStep(tiny_classifier(), config, CPU)
    before = {k: v.clone() for k, v in train_step.classifier.state_dict().items()}
    train_step.set_mode()
    train_step.step(batch())
    after = train_step.classifier.state_dict()
    changed = {name for name in after if not torch.equal(before[name], after[name])}
    start = "backbone.network."
    assert not any(name.startswith((f"{start}conv_stem", f"{start}bn1.")) for name in changed)
    assert "heads.weight" in changed
    assert any(name.endswith("running_mean") for name in changed)


def test_weight_decay_spares_biases_and_norms_unless_told():
    train_step = TrainStep(tiny_classifier(), RECOMMENDED, CPU)
    for group in train_step.optimizer.param_groups:
        is_matrix = {p.ndim > 1 for p in group["params"]}
        if group["weight_decay"]:
            assert is_matrix == {True}
    spared = [
        p for g in train_step.optimizer.param_groups if not g["weight_decay"] for p in g["params"]
    ]
    assert any(p is train_step.classifier.heads.bias for p in spared)


def test_heads_know_the_categories_of_the_model_they_start_from():
    old = Checkpoint(tiny_classifier(), tiny_record(), "x")
    new = from_checkpoint(old, Categories(("person", "zebra", "cat")), 96)
    assert new.config.preprocess.input_size == 96
    heads, theirs = new.heads, old.classifier.heads
    assert torch.equal(heads.weight[:, 0], theirs.weight[:, 4])
    assert torch.equal(heads.weight[:, 2], theirs.weight[:, 0])
    assert torch.equal(heads.bias[:, 2], theirs.bias[:, 0])
    assert torch.equal(
        new.backbone.network.conv_stem.weight, old.classifier.backbone.network.conv_stem.weight
    )


def test_another_form_of_heads_starts_anew_on_the_same_backbone():
    old = Checkpoint(tiny_classifier(), tiny_record(), "x")
    new = from_checkpoint(old, old.classifier.config.categories, 0, HeadConfig((1.0,), 0.1))
    assert new.heads.weight.shape[0] == 1 and new.heads.bias is None


def test_new_heads_standardise_by_the_training_images():
    classifier = tiny_classifier(tiny_config())
    set_standardization(classifier, pixel_set(), 0)
    with torch.inference_mode():
        pixels = torch.from_numpy(pixel_set().pixels).permute(0, 3, 1, 2).float()
        features = classifier.backbone((pixels / 255 - 0.5) / 0.5)
    norm = classifier.heads.standardization
    variance = features.var(dim=(0, 2, 3), correction=0)
    torch.testing.assert_close(norm.running_mean, features.mean((0, 2, 3)), rtol=0, atol=1e-4)
    torch.testing.assert_close(norm.running_var, variance, rtol=0.05, atol=1e-7)


def test_the_preflight_report_counts_and_estimates(tmp_path):
    classifier = tiny_classifier()
    before = {k: v.clone() for k, v in classifier.state_dict().items()}
    labels = pixel_set().labels
    paths = tuple(tmp_path / f"{row}" for row in range(len(labels)))
    for path in paths:
        path.touch()
    labels = dataclasses.replace(labels, paths=paths)
    parts, folders = (labels, labels), (tmp_path, tmp_path)
    start = StartingPoint(classifier, "the model 'x'", has_new_heads=False)
    found = preflight(start, parts, TrainConfig(batch_size=16), folders, CPU)
    counts = labels.targets.sum(axis=0)
    assert dict(found.images_per_category) == dict(
        zip(labels.categories, counts.tolist(), strict=True)
    )
    assert found.rare == tuple(n for n, c in found.images_per_category if c < 10)
    enough = (counts >= 5) & (len(labels) - counts >= 5)
    assert found.unjudged == tuple(
        n for n, e in zip(labels.categories, enough, strict=True) if not e
    )
    halved = preflight(start, parts, TrainConfig(batch_size=16, passes=2), folders, CPU)
    assert halved.memory_bytes < found.memory_bytes
    assert found.seconds > 0 and found.disk_bytes > 0
    assert any("cat" in line for line in found.lines())
    assert all(torch.equal(before[k], v) for k, v in classifier.state_dict().items())


def test_gradient_checkpointing_changes_nothing_but_memory():
    found = []
    for on in (False, True):
        config = dataclasses.replace(SIMPLE, gradient_checkpointing=on, norms="frozen")
        train_step = TrainStep(tiny_classifier(), config, CPU)
        train_step.set_mode()
        found.append(train_step.step(batch()).read())
    assert found[0].loss == pytest.approx(found[1].loss, rel=1e-6)
    assert found[0].grad_norm == pytest.approx(found[1].grad_norm, rel=1e-4)


@pytest.mark.parametrize(
    "make",
    [
        lambda: TrainConfig(epochs=0),
        lambda: TrainConfig(passes=17, batch_size=16),
        lambda: TrainConfig(learning_rate=math.nan),
        lambda: TrainConfig(ema_decay=1.0),
        lambda: TrainConfig(blend=0.0),
        lambda: TrainConfig(schedule="steep"),
        lambda: TrainConfig(train_size=8),
        lambda: TrainConfig(half="double"),
        lambda: TrainConfig(patience=-1),
        lambda: HeadTrainConfig(loss="mse"),
        lambda: HeadTrainConfig(ema_decay=1.0),
        lambda: HeadTrainConfig(patience=-1),
        lambda: AugmentConfig(crop_scale=(0.9, 0.5)),
        lambda: AugmentConfig(mixing="cutmix"),
    ],
)
def test_settings_that_make_no_sense_are_refused(make):
    with pytest.raises(ConfigError):
        make()
