import dataclasses

import numpy as np
import pytest
import torch

from engine.api.categories import Categories
from engine.api.config import HeadTrainConfig, LossSettings
from engine.api.errors import ConfigError
from engine.api.training_config import TrainConfig
from engine.data.datasets.labelled import LabelledImages
from engine.train.losses import (
    LOSSES,
    Criterion,
    criterion_of,
    effective_weights,
    label_weights,
)

RNG = np.random.default_rng(0)
LOGITS = np.concatenate([RNG.normal(size=(6, 4)) * 3, [[-30.0, 30.0, 0.0, -2.9]]])
HARD = (RNG.random(LOGITS.shape) < 0.5).astype(float)
SOFT = RNG.random(LOGITS.shape)
SETTINGS = LossSettings(
    gamma_negative=3.0,
    gamma_positive=2.0,
    margin=0.1,
    focal_gamma=1.5,
    focal_alpha=0.3,
    focusing_gradient=True,
)


def in_numpy(name, logits, targets, settings):
    """The formulas of the papers, one by one, in double precision."""
    p = 1 / (1 + np.exp(-logits))
    if name == "asl":
        q = np.maximum(p - settings.margin, 0)
        positive = -((1 - p) ** settings.gamma_positive) * np.log(p)
        negative = -(q**settings.gamma_negative) * np.log(1 - q)
    elif name == "focal":
        positive = -settings.focal_alpha * (1 - p) ** settings.focal_gamma * np.log(p)
        negative = -(1 - settings.focal_alpha) * p**settings.focal_gamma * np.log(1 - p)
    else:
        positive, negative = -np.log(p), -np.log(1 - p)
    return targets * positive + (1 - targets) * negative


@pytest.mark.parametrize("targets", [HARD, SOFT], ids=["hard", "mixed"])
@pytest.mark.parametrize("name", LOSSES)
def test_each_loss_is_that_of_its_paper(name, targets):
    # Where 1 − p is 1e-13, the plain formulas have few digits left.
    found = Criterion(name, SETTINGS)(torch.from_numpy(LOGITS), torch.from_numpy(targets))
    expected = in_numpy(name, LOGITS, targets, SETTINGS)
    np.testing.assert_allclose(found.numpy(), expected, rtol=2e-3, atol=1e-6)
    assert bool((found >= 0).all())


@pytest.mark.parametrize("name", LOSSES)
def test_the_gradient_is_that_of_the_formula(name):
    logits = torch.from_numpy(LOGITS[:-1]).requires_grad_()
    targets = torch.from_numpy(HARD[:-1])
    torch.set_default_dtype(torch.float64)
    try:
        assert torch.autograd.gradcheck(
            lambda values: LOSSES[name](values, targets, SETTINGS), (logits,)
        )
    finally:
        torch.set_default_dtype(torch.float32)


def test_the_weights_of_the_asymmetric_loss_have_no_gradient_unless_that_is_wanted():
    targets = torch.from_numpy(HARD[:-1])
    step = 1e-6
    p = 1 / (1 + np.exp(-LOGITS[:-1]))
    q = np.maximum(p - SETTINGS.margin, 0)

    def with_weights_held(logits):
        score = 1 / (1 + np.exp(-logits))
        shifted = np.maximum(score - SETTINGS.margin, 0)
        positive = -((1 - p) ** SETTINGS.gamma_positive) * np.log(score)
        negative = -(q**SETTINGS.gamma_negative) * np.log(1 - shifted)
        return HARD[:-1] * positive + (1 - HARD[:-1]) * negative

    expected = with_weights_held(LOGITS[:-1] + step) - with_weights_held(LOGITS[:-1] - step)
    found = {}
    for flows in (False, True):
        logits = torch.from_numpy(LOGITS[:-1]).requires_grad_()
        settings = dataclasses.replace(SETTINGS, focusing_gradient=flows)
        LOSSES["asl"](logits, targets, settings).sum().backward()
        found[flows] = logits.grad.numpy()
    np.testing.assert_allclose(found[False], expected / (2 * step), rtol=1e-5, atol=1e-8)
    assert not np.allclose(found[True], found[False])


def labelled(targets, ignored):
    names = Categories(tuple(f"c{i}" for i in range(targets.shape[1])))
    paths = tuple(f"{i}" for i in range(len(targets)))
    return LabelledImages("x", names, paths, targets, ignored)


def test_rare_labels_weigh_more_by_the_effective_number_of_images():
    targets = np.zeros((1000, 4), dtype=bool)
    targets[:10, 0] = targets[:500, 1] = targets[:1000, 2] = True  # and none has the fourth
    beta = 0.99
    weights = effective_weights(targets, np.ones_like(targets), beta)
    rare, common = ((1 - beta) / (1 - beta**n) for n in (10, 990))
    np.testing.assert_allclose(weights[1, 0], 2 * rare / (rare + common), rtol=1e-6)
    np.testing.assert_allclose(weights.sum(axis=0), 2.0, rtol=1e-6)
    np.testing.assert_allclose(weights[:, 1], 1.0, rtol=1e-6)
    assert weights[:, 2:].tolist() == [[1.0, 1.0], [1.0, 1.0]]  # nothing to weigh against


def test_the_class_balanced_loss_weighs_what_counts():
    targets = np.zeros((100, 1), dtype=bool)
    targets[:5] = True
    ignored = np.zeros_like(targets)
    ignored[50:] = True
    config = HeadTrainConfig(loss="class-balanced")
    criterion = criterion_of(config, labelled(targets, ignored))
    weights = effective_weights(targets, ~ignored, 0.999)
    logits, wanted = torch.zeros(2, 1), torch.tensor([[0.0], [1.0]])
    np.testing.assert_allclose(
        criterion(logits, wanted)[:, 0] / Criterion("bce")(logits, wanted)[:, 0], weights[:, 0]
    )
    assert weights[1, 0] > 5 * weights[0, 0]


@pytest.mark.parametrize("config", [HeadTrainConfig(), TrainConfig()])
def test_unknown_labels_are_left_out_or_weakly_negative_or_negative(config):
    ignored = np.array([[True, False]])
    labels = labelled(np.array([[False, True]]), ignored)
    for changes, expected in (
        ({}, 0.0),
        ({"unknown_weight": 0.25}, 0.25),
        ({"ignore_unclear": False, "unknown_weight": 0.25}, 1.0),
    ):
        weights = label_weights(labels, dataclasses.replace(config, **changes))
        assert weights.tolist() == [[expected, 1.0]] and weights.dtype == np.float32


@pytest.mark.parametrize(
    "make",
    [
        lambda: LossSettings(gamma_negative=-1),
        lambda: LossSettings(margin=1.0),
        lambda: LossSettings(focal_alpha=1.5),
        lambda: LossSettings(beta=1.0),
        lambda: LossSettings(focal_gamma=float("nan")),
        lambda: TrainConfig(loss="mse"),
        lambda: TrainConfig(unknown_weight=2.0),
        lambda: HeadTrainConfig(unknown_weight=-0.1),
    ],
)
def test_parameters_that_make_no_sense_are_refused(make):
    with pytest.raises(ConfigError):
        make()
