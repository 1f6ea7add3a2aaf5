"""How training images are made and changed."""

import dataclasses

import numpy as np
import pytest
import torch
from PIL import Image

from engine.api.training_config import AugmentConfig
from engine.api.training_reports import EpochReport, StepReport
from engine.data.datasets.labelled import LabelledImages
from engine.data.decoding.pool import DecodePool
from engine.train.augment import _OPS, augmented, crop_box
from engine.train.dataset import PixelForm, TrainingImages, kept_side, load_pixels
from engine.train.log import RunLog
from tests.engine.tiny_models import TINY_CATEGORIES
from tests.engine.train.work import pixel_set

NOTHING = AugmentConfig(flip=False, crop_scale=(1.0, 1.0), crop_ratio=(1.0, 1.0))


def picture(side=64):
    ramp = np.linspace(0, 255, side, dtype=np.uint8)
    return np.stack([np.tile(ramp, (side, 1)), np.tile(ramp[:, None], (1, side))] * 2, 2)[..., :3]


def test_without_changes_an_image_is_as_it_was():
    image = augmented(picture(), 1.0, 64, NOTHING, np.random.default_rng(0))
    assert torch.equal(image.permute(1, 2, 0), torch.from_numpy(picture()))


def test_half_of_the_images_are_mirrored():
    config = dataclasses.replace(NOTHING, flip=True)
    made = [augmented(picture(), 1.0, 64, config, np.random.default_rng(i)) for i in range(200)]
    mirrored = sum(int(image[0, 0, 0]) > 128 for image in made)
    assert 70 < mirrored < 130
    left = augmented(picture(), 1.0, 64, NOTHING, np.random.default_rng(0))
    assert all(torch.equal(image, left) or torch.equal(image, left.flip(2)) for image in made)


@pytest.mark.parametrize("aspect", [0.4, 1.0, 1.5, 3.0])
def test_crops_keep_the_wanted_share_and_shape_in_the_pictures_own_pixels(aspect):
    rng = np.random.default_rng(0)
    config = AugmentConfig(crop_scale=(0.5, 1.0), crop_ratio=(3 / 4, 4 / 3))
    shares, ratios = [], []
    for _ in range(300):
        left, top, width, height = crop_box(aspect, config, rng)
        assert left >= 0 and left + width <= 1 + 1e-9
        assert top >= 0 and top + height <= 1 + 1e-9
        shares.append(width * height)
        ratios.append(width * aspect / height)
    assert min(ratios) > 0.74 and max(ratios) < 1.35
    if aspect in (1.0, 1.5):
        assert min(shares) >= 0.49
        assert max(shares) - min(shares) > 0.3


@pytest.mark.parametrize("aspect", [0.4, 1.0, 3.0])
def test_nothing_is_cut_off_where_all_of_the_area_is_kept(aspect):
    config = AugmentConfig(flip=False, crop_scale=[1, 1])
    assert crop_box(aspect, config, np.random.default_rng(0)) == (0.0, 0.0, 1.0, 1.0)
    image = augmented(picture(), aspect, 64, config, np.random.default_rng(0))
    assert torch.equal(image.permute(1, 2, 0), torch.from_numpy(picture()))
    assert kept_side(224, config) == 224 and kept_side(224, AugmentConfig()) == 256


def test_a_crop_is_enlarged_to_the_size():
    config = dataclasses.replace(NOTHING, crop_scale=(0.25, 0.25))
    image = augmented(picture(), 1.0, 64, config, np.random.default_rng(0))
    assert image.shape == (3, 64, 64)
    assert 100 < int(image[0, 0].max()) - int(image[0, 0].min()) < 150


@pytest.mark.parametrize("operation", range(len(_OPS)))
@pytest.mark.parametrize("strength", [-1.0, 0.5])
def test_every_change_gives_an_image_of_the_same_kind(operation, strength):
    image = torch.from_numpy(picture()).permute(2, 0, 1).contiguous()
    before = image.clone()
    changed = _OPS[operation](image, strength)
    assert changed.shape == image.shape and changed.dtype == torch.uint8
    assert torch.equal(image, before)


def test_cutout_greys_a_square_out():
    config = dataclasses.replace(NOTHING, cutout=0.5)
    plain = np.full((64, 64, 3), 9, np.uint8)
    image = augmented(plain, 1.0, 64, config, np.random.default_rng(3))
    assert set(image.unique().tolist()) == {9, 127}
    assert int((image[0] == 127).sum()) <= 32 * 32


def images_of(**changes):
    config = dataclasses.replace(AugmentConfig(num_ops=2, cutout=0.2), **changes)
    return TrainingImages(pixel_set(), config, 0, ignore_unclear=True)


@pytest.mark.parametrize("mixing", ["none", "mixup", "splicemix"])
def test_an_image_of_an_epoch_is_the_same_whoever_makes_it(mixing):
    rows = list(range(8))
    whole = images_of(mixing=mixing).batch(2, rows, rows, 64)
    parts = [images_of(mixing=mixing).batch(2, rows, [place], 64) for place in (5, 1)]
    for place, part in zip((5, 1), parts, strict=True):
        assert torch.equal(whole.pixels[place], part.pixels[0])
        assert torch.equal(whole.targets[place], part.targets[0])
    other = images_of(mixing=mixing).batch(3, rows, rows, 64)
    assert not torch.equal(whole.pixels, other.pixels)


def test_every_epoch_has_all_images_in_an_order_of_its_own():
    images = images_of()
    orders = [images.order(epoch).tolist() for epoch in (1, 2)]
    assert sorted(orders[0]) == sorted(orders[1]) == list(range(20))
    assert orders[0] != orders[1]


def test_mixup_mixes_labels_like_pixels():
    images = images_of(mixing="mixup", mixing_share=1.0)
    batch = images.batch(1, list(range(8)), list(range(8)), 64)
    between = batch.targets[(batch.targets > 0) & (batch.targets < 1)]
    assert len(between) > 0
    labels = torch.from_numpy(pixel_set().labels.targets[:8]).float()
    assert (batch.targets <= torch.ones_like(labels)).all()


def test_splicemix_lays_out_four_images_with_the_labels_of_all():
    images = images_of(mixing="splicemix", mixing_share=1.0, num_ops=0, cutout=0.0)
    batch = images.batch(1, list(range(8)), list(range(8)), 64)
    assert batch.pixels.shape == (8, 3, 64, 64)
    own = torch.from_numpy(pixel_set().labels.targets[:8]).float()
    assert (batch.targets >= own).all()
    assert float(batch.targets.sum()) > float(own.sum())


def test_unclear_labels_do_not_count_unless_they_shall_be_negative():
    images = pixel_set()
    images.labels.ignored[:, 0] = True
    rows = list(range(4))
    for ignore, expected in ((True, 0.0), (False, 1.0)):
        training = TrainingImages(images, NOTHING, 0, ignore_unclear=ignore)
        counted = training.batch(1, rows, rows, 64).counted
        assert counted[:, 0].unique().tolist() == [expected]
        assert counted[:, 1:].unique().tolist() == [1.0]


def load(pool, labels, folder, mode="exact"):
    work, progress = load_pixels(pool, labels, PixelForm(32, mode), folder), []
    while True:
        try:
            progress.append(next(work).done)
        except StopIteration as end:
            return end.value, progress


def test_images_are_decoded_once_and_again_when_a_file_changes(tmp_path):
    paths = []
    for i in range(3):
        paths.append(tmp_path / f"{i}.png")
        Image.new("RGB", (60, 40 + 10 * i), (80 * i, 0, 0)).save(paths[-1])
    targets = np.zeros((3, len(TINY_CATEGORIES)), dtype=bool)
    labels = LabelledImages("x", TINY_CATEGORIES, tuple(paths), targets, targets.copy())
    with DecodePool(1) as pool:
        images, progress = load(pool, labels, tmp_path / "cache")
        assert progress == [1, 2, 3]
        assert images.pixels.shape == (3, 32, 32, 3)
        assert images.pixels[:, 0, 0, 0].tolist() == [0, 80, 160]
        np.testing.assert_allclose(images.aspects, [1.5, 1.2, 1.0])
        again, progress = load(pool, labels, tmp_path / "cache")
        assert progress == [] and np.array_equal(again.pixels, images.pixels)
        _, progress = load(pool, labels, tmp_path / "cache", "fast")
        assert progress == [1, 2, 3]
        Image.new("RGB", (30, 30), (7, 0, 0)).save(paths[0])
        changed, progress = load(pool, labels, tmp_path / "cache")
        assert progress and changed.pixels[0, 0, 0, 0] == 7


@pytest.mark.parametrize("part", ["pixels", "aspects"])
def test_pixels_that_were_damaged_are_decoded_again(part, tmp_path):
    path = tmp_path / "0.png"
    Image.new("RGB", (60, 40), (80, 0, 0)).save(path)
    targets = np.zeros((1, len(TINY_CATEGORIES)), dtype=bool)
    labels = LabelledImages("x", TINY_CATEGORIES, (path,), targets, targets.copy())
    with DecodePool(1) as pool:
        load(pool, labels, tmp_path / "cache")
        [file] = (tmp_path / "cache").glob(f"{part}-*.npy")
        file.write_bytes(file.read_bytes()[:130])
        images, progress = load(pool, labels, tmp_path / "cache")
    assert progress == [1]
    assert images.pixels[0, 0, 0, 0] == 80
    assert images.aspects.tolist() == [1.5]


def test_the_log_is_rewound_to_the_state_and_half_lines_are_dropped(tmp_path):
    log = RunLog(tmp_path)
    log.rewind(0, 1)
    for step in (1, 2, 3, 4):
        log.add(StepReport(step, 9, 1 + step // 3, 0.5, 0.1, 1.0, 0.2))
    log.add(EpochReport(1, 0.5, float("nan")))
    log.add(EpochReport(2, 0.4, 0.9))
    file = tmp_path / "log.jsonl"
    assert '"val_map": null' in file.read_text()
    file.write_text(file.read_text() + '{"kind": "st')
    log.rewind(3, 2)
    kept = file.read_text().splitlines()
    assert ["step" in line for line in kept] == [True, True, True, False]
    assert '"epoch": 1, "loss"' in kept[-1]
