from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engine.api.errors import DataError, ImageError
from engine.data.datasets.registry import load_dataset
from engine.data.decoding.decode import decode
from engine.data.decoding.pool import DecodePool, DecodeRequest
from tests.engine.data.datasets.devkits import wider_person, write_wider
from tests.engine.images import gradient, save_image, save_oriented

ATTRIBUTES = [1, -1, 0, 1, -1, -1, 0, -1, -1, 1, -1, -1, 0, -1]


def test_each_person_is_a_sample_and_what_is_unspecified_is_ignored(tmp_path: Path) -> None:
    a, b = "test/1--Run/a.jpg", "test/0--Parade/b.jpg"
    persons = [wider_person(ATTRIBUTES, [-3, 2, 5.5, 9]), wider_person([-1] * 14)]
    write_wider(tmp_path, [(a, persons), (b, [wider_person([1] * 14)])])

    images = load_dataset("wider", tmp_path, "test")

    assert images.ids == (f"{a}#0", f"{a}#1", f"{b}#0")
    assert images.paths == (tmp_path / "Image" / a,) * 2 + (tmp_path / "Image" / b,)
    assert images.crops == ((-3, 2, 5.5, 9), (1, 2, 3, 4), (1, 2, 3, 4))
    assert images.targets[0].tolist() == [value == 1 for value in ATTRIBUTES]
    assert images.ignored[0].tolist() == [value == 0 for value in ATTRIBUTES]
    assert not images.targets[1].any() and not images.ignored[1].any()
    assert images.targets[2].all()
    assert images.categories[4] == "Tshiirt"


def test_train_and_val_are_parts_of_trainval_by_their_folder(tmp_path: Path) -> None:
    person = [wider_person(ATTRIBUTES)]
    names = ["train/0--Parade/a.jpg", "val/0--Parade/b.jpg", "train/0--Parade/c.jpg"]
    write_wider(tmp_path, [(name, person) for name in names], "trainval")

    loaded = {s: load_dataset("wider", tmp_path, s).ids for s in ("train", "val", "trainval")}

    assert loaded["trainval"] == tuple(f"{name}#0" for name in names)
    assert loaded["train"] == (f"{names[0]}#0", f"{names[2]}#0")
    assert loaded["val"] == (f"{names[1]}#0",)
    with pytest.raises(DataError, match=r"no split 'test'.*it has: trainval, train, val"):
        load_dataset("wider", tmp_path, "test")


@pytest.mark.parametrize(
    ("person", "message"),
    [
        (wider_person(ATTRIBUTES[:13]), "without 14 attributes"),
        (wider_person([*ATTRIBUTES[:13], 99]), "without 14 attributes"),
        (wider_person([*ATTRIBUTES[:13], True]), "without 14 attributes"),
        (wider_person(ATTRIBUTES, None), "box makes no sense"),
        (wider_person(ATTRIBUTES, [1, 2, 0, 4]), "box makes no sense"),
        (wider_person(ATTRIBUTES, [1, 2, -3, 4]), "box makes no sense"),
        (wider_person(ATTRIBUTES, [1, 2, 1e308, 4]), "box makes no sense"),
        ("person", "box makes no sense"),
    ],
)
def test_persons_that_cannot_be_used_are_told(tmp_path: Path, person: Any, message: str) -> None:
    write_wider(tmp_path, [("test/a.jpg", [person, wider_person(ATTRIBUTES)])])
    images = load_dataset("wider", tmp_path, "test")
    assert images.ids == ("test/a.jpg#1",)
    assert message in images.problems[0] and "test/a.jpg#0" in images.problems[0]
    with pytest.raises(DataError, match=message):
        load_dataset("wider", tmp_path, "test", strict=True)


def test_a_missing_photo_takes_its_persons_with_it(tmp_path: Path) -> None:
    person = [wider_person(ATTRIBUTES)]
    write_wider(tmp_path, [("test/a.jpg", person * 2), ("test/b.jpg", person)])
    (tmp_path / "Image/test/a.jpg").unlink()
    images = load_dataset("wider", tmp_path, "test")
    assert images.ids == ("test/b.jpg#0",)
    assert "(1): test/a.jpg." in images.problems[0]


@pytest.mark.parametrize("text", ["[" * 100_000, "{}", '{"images": [1]}', "[]", '{"images": NaN}'])
def test_a_hostile_or_broken_file_is_refused_by_name(tmp_path: Path, text: str) -> None:
    write_wider(tmp_path, []).write_text(text)
    with pytest.raises(DataError, match=r"wider_attribute_test\.json"):
        load_dataset("wider", tmp_path, "test")


@pytest.mark.parametrize(
    "crop",
    [(10, 5, 30, 20), (-7, -3, 50, 40), (80, 50, 40, 40), (200, 200, 9, 9), (0.5, 1.5, 9.6, 2.5)],
)
def test_a_crop_is_that_of_the_official_code(tmp_path: Path, crop: tuple[float, ...]) -> None:
    path = save_image(tmp_path / "x.png")
    x, y, width, height = crop
    expected = Image.open(path).convert("RGB").crop((x, y, x + width, y + height))

    image = decode(path, None, crop=(x, y, width, height))

    np.testing.assert_array_equal(image.pixels, np.asarray(expected))
    assert (image.width, image.height) == expected.size


def test_a_crop_is_scaled_after_it_was_cut(tmp_path: Path) -> None:
    path = save_image(tmp_path / "x.png")
    small = decode(path, 16, "squash", crop=(-8, 0, 24, 24)).pixels
    assert small.shape == (16, 16, 3)
    assert not small[:, :4].any()
    assert small[:, 7:].any()


def test_a_crop_is_cut_from_the_picture_as_it_is_stored(tmp_path: Path) -> None:
    path = save_oriented(tmp_path / "x.png", 6)
    with Image.open(path) as stored:
        expected = np.asarray(stored.convert("RGB").crop((1, 2, 11, 22)))
    np.testing.assert_array_equal(decode(path, None, crop=(1, 2, 10, 20)).pixels, expected)


def test_outside_a_picture_with_a_palette_it_is_black_too(tmp_path: Path) -> None:
    picture = Image.new("P", (4, 4), 0)
    picture.putpalette([255, 0, 0] * 256)
    picture.save(tmp_path / "x.png")
    pixels = decode(tmp_path / "x.png", None, crop=(2, 0, 4, 4)).pixels
    assert pixels[0, :, 0].tolist() == [255, 255, 0, 0]


@pytest.mark.parametrize(
    ("crop", "message"),
    [((0, 0, 0, 5), "empty"), ((0, 0, 5, -5), "empty"), ((0, 0, 1e6, 1e6), "pixels")],
)
def test_an_empty_or_enormous_crop_is_refused(
    tmp_path: Path, crop: tuple[float, float, float, float], message: str
) -> None:
    admitted: list[int] = []
    with pytest.raises(ImageError, match=message):
        decode(save_image(tmp_path / "x.png"), None, admit=admitted.append, crop=crop)
    assert not admitted


def test_the_pool_decodes_crops(tmp_path: Path) -> None:
    path = save_image(tmp_path / "x.png")
    with DecodePool(1) as pool:
        image = pool.submit(DecodeRequest(path, crop=(10, 5, 30, 20))).result()
    np.testing.assert_array_equal(image.pixels, gradient()[5:25, 10:40])


def test_the_file_is_read_with_whatever_else_it_holds(tmp_path: Path) -> None:
    file = write_wider(tmp_path, [("test/a.jpg", [wider_person(ATTRIBUTES)])])
    content = json.loads(file.read_text()) | {"attribute_id_map": {"0": "Male"}}
    file.write_text(json.dumps(content))
    assert len(load_dataset("wider", tmp_path, "test")) == 1
