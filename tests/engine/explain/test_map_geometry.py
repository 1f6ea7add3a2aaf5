"""A model that sees nothing but brightness: its maps must point at the bright object."""

import numpy as np
import pytest
import torch
from PIL import Image

from engine.api.config import HeadConfig, ModelConfig, PreprocessConfig
from engine.api.geometry import Box
from engine.data.decoding.pool import DecodePool
from engine.explain import evidence
from engine.explain.regions import region_scores, region_shares, values_at
from engine.inference import predict
from engine.models.heads import HeadOutput
from engine.pytorch.torch_backend import TorchBackend
from tests.engine.images import save_oriented
from tests.engine.tiny_models import TINY_CATEGORIES

SIDE, CELLS, LAM = 128, 16, 0.5
#: Where the bright object lies in every photo, in fractions.
OBJECT = Box(0.65, 0.15, 0.9, 0.4)
SIZES = {"plain": (160, 120), "wide": (900, 60), "high": (60, 900), "tiny": (8, 6), "dot": (20, 2)}


class SeesBrightness(torch.nn.Module):
    """The score of a cell is its mean brightness; all other categories are absent."""

    def __init__(self, resize):
        super().__init__()
        pixels = PreprocessConfig(SIDE, resize)
        self.config = ModelConfig("none", TINY_CATEGORIES, HeadConfig((2.0,), LAM), pixels)
        self.backbone = torch.nn.Identity()
        self.heads = BrightnessHeads()


class BrightnessHeads(torch.nn.Module):
    """What ``SeesBrightness`` says of images."""

    def forward(self, images):
        cells = torch.nn.functional.avg_pool2d(images.mean(dim=1, keepdim=True), SIDE // CELLS)
        scores = torch.full((len(images), 1, 5, CELLS, CELLS), -3.0)
        scores[:, :, 0] = 6 * cells - 3
        return HeadOutput(scores.mean(dim=(1, 3, 4)), scores)


@pytest.fixture(scope="module")
def pool():
    with DecodePool(1) as pool:
        yield pool


@pytest.fixture(params=["squash", "letterbox"])
def explain(request, pool):
    classifier = SeesBrightness(request.param)
    backend = TorchBackend(classifier, torch.device("cpu"))

    def explain(path, hidden=None):
        preprocess = classifier.config.preprocess
        return predict.explain(backend, pool, "m", path, preprocess, hidden)

    return explain


def photo(width, height):
    """Dark, darker than padding; the object is white."""
    pixels = np.full((height, width, 3), 20, np.uint8)
    top, bottom = round(OBJECT.top * height), max(1, round(OBJECT.bottom * height))
    left, right = round(OBJECT.left * width), round(OBJECT.right * width)
    pixels[top:bottom, left:right] = 255
    return pixels


def assert_points_at_the_object(scores):
    """The highest point is in the object, or no further from it than one cell."""
    width, height = scores.width, scores.height
    laid = evidence.on_photo(evidence.local_probability(scores, 0), width, height, scores.content)
    row, column = np.unravel_index(laid.argmax(), laid.shape)
    u, v = (column + 0.5) / width, (row + 0.5) / height
    across, down = 1 / CELLS / scores.content.width, 1 / CELLS / scores.content.height
    assert OBJECT.left - across <= u <= OBJECT.right + across
    assert OBJECT.top - down <= v <= OBJECT.bottom + down
    middle = (OBJECT.left + OBJECT.right) / 2, (OBJECT.top + OBJECT.bottom) / 2
    assert values_at(scores, 0, middle).probability > values_at(scores, 0, (0.2, 0.8)).probability


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES.keys())
def test_the_map_points_at_the_object_in_photos_of_any_shape(explain, size, tmp_path):
    path = tmp_path / "x.png"
    Image.fromarray(photo(*size)).save(path)
    scores = explain(path)
    assert (scores.width, scores.height) == size
    assert_points_at_the_object(scores)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_map_points_at_the_object_of_the_upright_photo(explain, orientation, tmp_path):
    path = tmp_path / "x.jpg"
    save_oriented(path, orientation, photo(160, 96))
    scores = explain(path)
    assert (scores.width, scores.height) == (160, 96)
    assert_points_at_the_object(scores)


def test_the_objects_rectangle_has_the_evidence_and_says_so(explain, tmp_path):
    path = tmp_path / "x.png"
    Image.fromarray(photo(160, 120)).save(path)
    scores = explain(path)
    inside, outside = region_scores(scores, OBJECT)[0], region_scores(scores, Box(0, 0.5, 1, 1))[0]
    assert inside > 0.9
    assert outside < 0.1
    assert region_shares(scores, OBJECT)[0] > 0.8


def test_hiding_the_object_changes_its_cells_and_no_others(explain, tmp_path):
    path = tmp_path / "x.png"
    Image.fromarray(photo(160, 120)).save(path)
    seen, blind = explain(path), explain(path, OBJECT)
    assert evidence.logits(blind)[0] < evidence.logits(seen)[0] - 0.5
    different = np.argwhere(seen.values[0, 0] != blind.values[0, 0])
    (top, left), (bottom, right) = different.min(axis=0), different.max(axis=0) + 1
    inside = OBJECT.within(seen.content)
    assert left >= np.floor(inside.left * CELLS) and right <= np.ceil(inside.right * CELLS)
    assert top >= np.floor(inside.top * CELLS) and bottom <= np.ceil(inside.bottom * CELLS)
    assert region_scores(blind, OBJECT)[0] < 0.2
    np.testing.assert_array_equal(seen.values[:, 1:], blind.values[:, 1:])
    assert (blind.width, blind.height, blind.content) == (160, 120, seen.content)
