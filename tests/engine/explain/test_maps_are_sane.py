"""Do the maps of the model that ships show what it learned? On the sample photos."""

import copy
import json

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks.perturbation import (
    area_under,
    rank_correlation,
    ranking,
    step_shares,
    with_first_cells,
)
from engine.checkpoints.loading import open_checkpoint
from engine.explain.evidence import activate
from engine.pytorch.torch_backend import TorchBackend
from engine.records.catalogue import find_model
from engine.resources import resource_path

SAMPLES = resource_path("samples")
OBJECTS = json.loads((SAMPLES / "objects.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def classifier():
    return open_checkpoint(find_model(None)).classifier


@pytest.fixture(scope="module")
def pixels(classifier):
    side = classifier.config.preprocess.input_size
    photos = []
    for name in OBJECTS:
        with Image.open(SAMPLES / name) as image:
            photos.append(np.asarray(image.convert("RGB").resize((side, side))))
    return np.stack(photos)


@pytest.fixture(scope="module")
def present(classifier):
    """(N, C): which categories are in each photo."""
    names = classifier.config.categories
    targets = np.zeros((len(OBJECTS), len(names)), dtype=bool)
    for row, objects in enumerate(OBJECTS.values()):
        targets[row, [names.index_of(item["category"]) for item in objects]] = True
    return targets


@pytest.fixture(scope="module")
def maps(classifier, pixels):
    return score_maps(classifier, pixels)


def score_maps(classifier, pixels):
    return TorchBackend(classifier, torch.device("cpu")).run(pixels).position_scores.sum(axis=1)


@pytest.mark.slow
def test_a_category_that_is_absent_stays_colder_than_one_that_is_there(classifier, maps, present):
    lam = classifier.config.head.lam
    highest = activate((1.0 + lam) * maps, "sigmoid").max(axis=(2, 3))
    assert highest[present].mean() > 0.9
    assert highest[~present].mean() < 0.4


@pytest.mark.slow
def test_maps_lose_their_resemblance_when_the_heads_forget(classifier, pixels, maps, present):
    forgetful = copy.deepcopy(classifier)
    weight = forgetful.heads.weight.data
    order = torch.randperm(weight.numel(), generator=torch.Generator().manual_seed(0))
    weight.copy_(weight.flatten()[order].reshape(weight.shape))
    others = score_maps(forgetful, pixels)
    alike = [rank_correlation(maps[i, c], others[i, c]) for i, c in np.argwhere(present)]
    assert abs(np.mean(alike)) < 0.3


@pytest.mark.slow
def test_hiding_the_highest_cells_costs_more_than_hiding_the_lowest(classifier, pixels, maps):
    """Deletion in four steps, from either end of the ranking."""
    row = list(OBJECTS).index("sheep-in-march.jpg")
    column = classifier.config.categories.index_of("sheep")
    photo, order = pixels[row], ranking(maps[row, column])
    grid = maps.shape[2:]
    blank = np.full_like(photo, photo.mean(axis=(0, 1)).astype(np.uint8))
    areas = []
    for cells in (order, order[::-1]):
        steps = [with_first_cells(photo, blank, cells, share, grid) for share in step_shares(4)]
        logits = TorchBackend(classifier, torch.device("cpu")).run(np.stack(steps)).logits
        areas.append(area_under(activate(logits, "sigmoid")[:, column]))
    assert areas[0] < areas[1] - 0.2
