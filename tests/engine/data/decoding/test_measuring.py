"""Facts of pictures that are made to have them, and of those that nearly do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from engine.api.facts import FACT_NAMES, Fact, names_of
from engine.api.geometry import Box
from engine.api.values import DecodedImage, PixelArray
from engine.data.decoding.decode import decode
from engine.data.decoding.measuring import measure
from engine.data.decoding.pool import DecodePool, DecodeRequest
from engine.resources import resource_path

SHARP = resource_path("samples", "astronaut.jpg")
ALIKE = Fact.BLACK_AND_WHITE | Fact.VERY_DARK | Fact.VERY_BRIGHT | Fact.BLURRED | Fact.SCREENSHOT


def picture(pixels: PixelArray, width: int = 640, height: int = 480) -> DecodedImage:
    """Pixels of a photo of so many."""
    return DecodedImage(pixels, width, height)


@pytest.fixture(name="photo", scope="module")
def _photo() -> DecodedImage:
    return decode(SHARP, 448, "squash")


def test_an_ordinary_photo_has_a_format_and_nothing_else(photo: DecodedImage) -> None:
    assert not measure(photo) & ALIKE


@pytest.mark.parametrize(
    ("width", "height", "format_"),
    [
        (3000, 2000, Fact.LANDSCAPE_FORMAT),
        (2000, 3000, Fact.PORTRAIT_FORMAT),
        (1000, 1010, Fact.SQUARE_FORMAT),
        (4000, 1000, Fact.PANORAMA_FORMAT),
        (1000, 4000, Fact.PANORAMA_FORMAT),
    ],
)
def test_the_format_is_that_of_the_photo_and_not_of_what_the_model_sees(
    photo: DecodedImage, width: int, height: int, format_: Fact
) -> None:
    formats = ~ALIKE
    assert measure(replace(photo, width=width, height=height)) & formats == format_


def test_black_and_white_is_told_from_pale_colours(photo: DecodedImage) -> None:
    grey = np.asarray(Image.fromarray(photo.pixels).convert("L").convert("RGB"))
    pale = (grey.astype(np.float32) * 0.8 + photo.pixels * 0.2).astype(np.uint8)
    assert measure(picture(grey)) & Fact.BLACK_AND_WHITE
    assert not measure(picture(pale)) & Fact.BLACK_AND_WHITE


def test_darkness_and_brightness_are_those_of_most_of_the_picture(photo: DecodedImage) -> None:
    dark, bright = photo.pixels // 8, 255 - photo.pixels // 8
    assert measure(picture(dark)) & ALIKE == Fact.VERY_DARK
    assert measure(picture(bright)) & (Fact.VERY_DARK | Fact.VERY_BRIGHT) == Fact.VERY_BRIGHT


@pytest.mark.parametrize(("radius", "is_blurred"), [(0, False), (1, False), (2, True), (4, True)])
def test_a_blur_of_two_pixels_is_found_and_one_of_one_pixel_is_not(
    photo: DecodedImage, radius: float, is_blurred: bool
) -> None:
    soft = Image.fromarray(photo.pixels).filter(ImageFilter.GaussianBlur(radius))
    assert bool(measure(picture(np.asarray(soft))) & Fact.BLURRED) is is_blurred


def test_a_small_picture_that_is_enlarged_is_not_called_blurred(photo: DecodedImage) -> None:
    soft = np.asarray(Image.fromarray(photo.pixels).filter(ImageFilter.GaussianBlur(3)))
    assert measure(picture(soft)) & Fact.BLURRED
    assert not measure(picture(soft, width=100, height=100)) & Fact.BLURRED


def test_where_there_is_no_edge_nothing_is_called_blurred() -> None:
    sky = np.linspace(120, 180, 448).astype(np.uint8)[:, None, None].repeat(448, 1).repeat(3, 2)
    assert not measure(picture(np.ascontiguousarray(sky))) & Fact.BLURRED


def test_a_window_with_lines_is_like_a_screenshot() -> None:
    window = Image.new("RGB", (448, 448), (240, 240, 244))
    draw = ImageDraw.Draw(window)
    draw.rectangle((0, 0, 12, 448), fill=(60, 60, 70))
    for place in range(20, 420, 60):
        draw.rectangle((20, place, 400, place + 40), fill=(40, 90, 200), outline=(10, 10, 10))
        draw.text((40, place + 10), "Some words of a program", fill=(255, 255, 255))
    assert measure(picture(np.asarray(window))) & Fact.SCREENSHOT


def test_padding_does_not_count(photo: DecodedImage) -> None:
    padded = np.full((448, 448, 3), 128, dtype=np.uint8)
    padded[112:336] = photo.pixels[112:336] // 8
    inside = Box(0.0, 0.25, 1.0, 0.5)
    assert measure(replace(picture(padded), content=inside)) & Fact.VERY_DARK
    assert not measure(picture(padded)) & Fact.VERY_DARK


def test_of_a_tiny_picture_only_the_format_is_said() -> None:
    tiny = np.zeros((20, 20, 3), dtype=np.uint8)
    assert measure(picture(tiny)) == Fact.LANDSCAPE_FORMAT


def test_names_tell_formats_from_what_photos_show() -> None:
    assert set(FACT_NAMES) == set(Fact)
    assert names_of(Fact.BLURRED | Fact.PORTRAIT_FORMAT) == ("portrait format", "blurred")


def test_a_pool_measures_only_where_it_is_asked_to(tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    Image.new("RGB", (300, 100), (10, 10, 10)).save(path)
    with DecodePool(1) as pool:
        with_facts = pool.submit(DecodeRequest(path, 96, "squash", facts=True)).result()
        without = pool.submit(DecodeRequest(path, 96, "squash")).result()
    expected = Fact.PANORAMA_FORMAT | Fact.VERY_DARK | Fact.BLACK_AND_WHITE
    assert (with_facts.facts, without.facts) == (expected, None)
