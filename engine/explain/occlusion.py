"""Hiding a part of a photo from a model, to see what it says without it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from engine.api.geometry import Box
from engine.api.values import DecodedImage, PixelArray


def with_hidden(image: DecodedImage, box: Box) -> DecodedImage:
    """The image with a rectangle filled with the mean colour of the rest of the photo.

    A plain colour rather than a blur: a blurred object is often still recognised. The mean of the
    rest rather than of the whole, so that nothing of what is hidden shines through, and rather
    than black or grey, which would be a new object in most photos. Its edges may still be seen.

    Args:
        image: decoded for a model; padding stays as it is.
        box: in fractions of the upright photo. Each pixel whose centre lies inside is hidden; a
            rectangle that holds no centre hides nothing.

    Returns:
        A new image; the one given is not changed.
    """
    rows, columns = _pixels(image, box.clipped())
    photo_rows, photo_columns = _pixels(image, Box.UNIT)
    if rows.start >= rows.stop or columns.start >= columns.stop:
        return image
    photo = image.pixels[photo_rows, photo_columns]
    hidden = np.zeros(image.pixels.shape[:2], dtype=np.bool_)
    hidden[rows, columns] = True
    pixels = image.pixels.copy()
    pixels[rows, columns] = _fill(photo, ~hidden[photo_rows, photo_columns])
    return replace(image, pixels=pixels)


def _fill(
    photo: PixelArray, visible: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
) -> PixelArray:
    """The mean colour of what stays visible; of all if nothing does."""
    seen = photo[visible] if visible.any() else photo.reshape(-1, 3)
    colour: PixelArray = np.rint(seen.mean(axis=0)).astype(np.uint8)
    return colour


def _pixels(image: DecodedImage, box: Box) -> tuple[slice, slice]:
    """The rows and columns whose centres lie in a rectangle of the photo."""
    height, width = image.pixels.shape[:2]
    inside = box.within(image.content)
    return (
        slice(round(inside.top * height), round(inside.bottom * height)),
        slice(round(inside.left * width), round(inside.right * width)),
    )
