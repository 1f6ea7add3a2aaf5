"""Facts of pictures that are made to have them, and of those that nearly do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter
from PIL.TiffImagePlugin import IFDRational

from engine.api.facts import FACT_NAMES, FACT_WORDS, Fact, names_of
from engine.api.geometry import Box
from engine.api.values import DecodedImage, PixelArray
from engine.data.decoding.decode import decode, decode_with_more
from engine.data.decoding.measuring import measure as measure_of
from engine.data.decoding.origin import Origin, origin_of
from engine.data.decoding.pool import DecodePool, DecodeRequest
from engine.metadata.exif import read_camera_facts
from engine.resources import resource_path

SHARP = resource_path("samples", "astronaut.jpg")
ALIKE = Fact.BLACK_AND_WHITE | Fact.VERY_DARK | Fact.VERY_BRIGHT | Fact.BLURRED | Fact.SCREENSHOT
_MAKE, _DETAIL, _EXPOSURE, _APERTURE, _ISO = 0x010F, 0x8769, 0x829A, 0x829D, 0x8827


def picture(pixels: PixelArray, width: int = 640, height: int = 480) -> DecodedImage:
    """Pixels of a photo of so many."""
    return DecodedImage(pixels, width, height)


def measure(image: DecodedImage, origin: Origin = Origin()) -> Fact:  # noqa: B008 - frozen
    """Facts of a picture of which nothing is known beside its pixels."""
    return measure_of(image, origin)


def with_exif(path: Path, pixels: PixelArray, *, exposure: float, iso: int = 100) -> Path:
    """A JPEG that says how it was taken, at f/2."""
    exif = Image.Exif()
    exif[_MAKE] = "Maker"
    as_cameras_do = {_EXPOSURE: IFDRational(exposure), _APERTURE: IFDRational(2), _ISO: iso}
    exif.get_ifd(_DETAIL).update(as_cameras_do)
    Image.fromarray(pixels).save(path, exif=exif)
    return path


def facts_of(path: Path) -> Fact:
    """What is measured of a file."""
    facts = decode_with_more(path, 224, "squash", None, facts=True).facts
    assert facts is not None
    return facts


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


def window_with_lines(size: tuple[int, int] = (448, 448)) -> PixelArray:
    """A picture of a program."""
    window = Image.new("RGB", size, (240, 240, 244))
    draw = ImageDraw.Draw(window)
    draw.rectangle((0, 0, size[0] // 30, size[1]), fill=(60, 60, 70))
    step = size[1] // 7
    for place in range(step // 3, size[1] - step // 2, step):
        box = (size[0] // 20, place, size[0] * 9 // 10, place + step * 2 // 3)
        draw.rectangle(box, fill=(40, 90, 200), outline=(10, 10, 10))
        draw.text((size[0] // 10, place + 10), "Some words of a program", fill=(255, 255, 255))
    return np.asarray(window)


@pytest.mark.parametrize(
    ("size", "origin", "is_one"),
    [
        ((640, 480), Origin(is_exact=True), True),
        ((1920, 1080), Origin(), True),
        ((1170, 2532), Origin(), True),
        ((1921, 1080), Origin(), False),
        ((1920, 1080), Origin(has_camera=True), False),
        ((640, 480), Origin(has_camera=True, is_exact=True), False),
    ],
)
def test_flat_and_lined_is_a_screenshot_only_where_more_speaks_for_it(
    size: tuple[int, int], origin: Origin, is_one: bool
) -> None:
    image = picture(window_with_lines(), *size)
    assert bool(measure(image, origin) & Fact.SCREENSHOT) is is_one


def test_a_photo_of_the_size_of_a_screen_is_no_screenshot(photo: DecodedImage) -> None:
    as_large = replace(photo, width=1920, height=1080)
    assert not measure(as_large, Origin(is_exact=True)) & Fact.SCREENSHOT


def test_a_screenshot_is_told_by_its_file(tmp_path: Path) -> None:
    window = Image.fromarray(window_with_lines((448, 448)))
    window.save(tmp_path / "window.png")
    window.save(tmp_path / "window.jpg", quality=98)
    assert facts_of(tmp_path / "window.png") & Fact.SCREENSHOT
    assert not facts_of(tmp_path / "window.jpg") & Fact.SCREENSHOT


@pytest.mark.parametrize(
    ("exposure", "iso", "darker", "facts"),
    [
        (4.0, 100, 8, Fact.LONG_EXPOSURE | Fact.NIGHT),
        (1.0, 100, 8, Fact.LONG_EXPOSURE | Fact.NIGHT),
        (0.99, 100, 8, Fact(0)),  # EV 2.01
        (0.25, 1600, 8, Fact.NIGHT),
        (1 / 60, 100, 8, Fact(0)),  # dark, in enough light: somebody wanted it so
        (30.0, 100, 1, Fact.LONG_EXPOSURE),  # bright for all that: a filter before the lens
    ],
)
def test_long_exposures_and_nights_are_told_by_what_the_camera_says(
    tmp_path: Path, photo: DecodedImage, exposure: float, iso: int, darker: int, facts: Fact
) -> None:
    path = with_exif(tmp_path / "x.jpg", photo.pixels // darker, exposure=exposure, iso=iso)
    said = read_camera_facts(path)
    assert (said.exposure_s, said.aperture, said.iso) == (pytest.approx(exposure), 2.0, iso)
    assert facts_of(path) & (Fact.LONG_EXPOSURE | Fact.NIGHT) == facts


def test_a_photo_whose_camera_says_too_little_is_no_night(photo: DecodedImage) -> None:
    dark = picture(photo.pixels // 8)
    told = Origin(has_camera=True, exposure_s=4.0, aperture=2.0, iso=100)
    assert measure(dark, told) & Fact.NIGHT
    for silent in ("exposure_s", "aperture", "iso"):
        assert not measure(dark, replace(told, **{silent: None})) & Fact.NIGHT


@pytest.mark.parametrize("value", [b"nonsense", "1/2", 0, -1.0, float("inf"), (), (0, 0)])
def test_exposures_that_make_no_sense_say_nothing(value: object) -> None:
    image = Image.new("RGB", (200, 200))
    detail = image.getexif().get_ifd(_DETAIL)
    image.getexif()[_DETAIL] = detail
    detail[_EXPOSURE] = 2.0
    assert origin_of(image).exposure_s == 2.0
    detail[_EXPOSURE] = value
    assert origin_of(image).exposure_s is None


def test_broken_exif_says_nothing_and_the_photo_is_measured(tmp_path: Path) -> None:
    path = tmp_path / "x.jpg"
    broken = b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\xff" * 40
    Image.new("RGB", (300, 100)).save(path, exif=broken)
    assert facts_of(path) & Fact.PANORAMA_FORMAT


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
    assert set(FACT_NAMES) == set(FACT_WORDS) == set(Fact)
    assert len(set(FACT_WORDS.values())) == len(Fact)
    assert names_of(Fact.BLURRED | Fact.PORTRAIT_FORMAT) == ("portrait format", "blurred")


def test_a_pool_measures_only_where_it_is_asked_to(tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    Image.new("RGB", (300, 100), (10, 10, 10)).save(path)
    with DecodePool(1) as pool:
        with_facts = pool.submit(DecodeRequest(path, 96, "squash", facts=True)).result()
        both = pool.submit(DecodeRequest(path, 96, "squash", thumbnail=64, facts=True)).result()
        without = pool.submit(DecodeRequest(path, 96, "squash")).result()
    expected = Fact.PANORAMA_FORMAT | Fact.VERY_DARK | Fact.BLACK_AND_WHITE
    assert (with_facts.facts, both.facts, without.facts) == (expected, expected, None)
