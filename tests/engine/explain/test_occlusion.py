import numpy as np
import pytest

from engine.api.geometry import Box, content_box
from engine.api.values import DecodedImage
from engine.explain.occlusion import with_hidden


def decoded(content=Box.UNIT, side=40):
    pixels = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
    return DecodedImage(pixels, 300, 100, content)


def changed(before, after):
    return np.argwhere((before.pixels != after.pixels).any(axis=-1))


def test_only_pixels_inside_the_rectangle_change():
    image = decoded()
    hidden = with_hidden(image, Box(0.25, 0.5, 0.5, 1.0))
    rows, columns = changed(image, hidden).T
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (20, 39, 10, 19)
    assert (hidden.width, hidden.height, hidden.content) == (300, 100, Box.UNIT)


def test_the_rectangle_is_one_of_the_photo_and_padding_stays():
    image = decoded(content_box(300, 100, 40, "letterbox"))
    top, bottom = round(image.content.top * 40), round(image.content.bottom * 40)
    rows, columns = changed(image, with_hidden(image, Box.UNIT)).T
    assert (rows.min(), rows.max() + 1) == (top, bottom)
    assert (columns.min(), columns.max()) == (0, 39)


def test_the_fill_is_the_mean_of_what_stays_visible():
    image = decoded(content_box(300, 100, 40, "letterbox"))
    image.pixels[:] = 128
    image.pixels[13:26] = (10, 20, 30)  # the photo
    image.pixels[13:26, :20] = (200, 0, 0)  # the object
    hidden = with_hidden(image, Box(0, 0, 0.5, 1))
    assert (hidden.pixels[13:26] == (10, 20, 30)).all()


def test_the_image_given_is_not_changed():
    image = decoded()
    before = image.pixels.copy()
    with_hidden(image, Box(0, 0, 0.5, 0.5))
    np.testing.assert_array_equal(image.pixels, before)


@pytest.mark.parametrize("box", [Box(0.5, 0.5, 0.5, 0.9), Box(0.501, 0.501, 0.502, 0.502)])
def test_a_rectangle_without_a_pixel_hides_nothing(box):
    assert not changed(decoded(), with_hidden(decoded(), box)).size


def test_a_rectangle_may_reach_beyond_the_photo_and_be_dragged_backwards():
    image = decoded()
    forward = with_hidden(image, Box(0.5, 0.5, 1.0, 1.0))
    backward = with_hidden(image, Box(9.0, 3.0, 0.5, 0.5))
    np.testing.assert_array_equal(forward.pixels, backward.pixels)


def test_the_smallest_photo_can_be_hidden():
    image = DecodedImage(np.full((1, 1, 3), 7, np.uint8), 1, 1)
    assert with_hidden(image, Box.UNIT).pixels.tolist() == [[[7, 7, 7]]]
