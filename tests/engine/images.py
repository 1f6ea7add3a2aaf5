"""Tiny pictures for tests, drawn rather than stored."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageCms

from engine.api.values import PixelArray

ORIENTATION_TAG = 0x0112


def gradient(width: int = 96, height: int = 64) -> PixelArray:
    """Pixels without any symmetry: red grows to the right, green downwards, blue is a corner."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[..., 0] = np.linspace(0, 255, width).astype(np.uint8)
    pixels[..., 1] = np.linspace(0, 255, height).astype(np.uint8)[:, None]
    pixels[: height // 2, : width // 2, 2] = 200
    return pixels


def save_image(path: Path, width: int = 96, height: int = 64, **options: object) -> Path:
    """Write the gradient in the format of the path's ending."""
    Image.fromarray(gradient(width, height)).save(path, **options)
    return path


def save_oriented(path: Path, orientation: int, pixels: PixelArray | None = None) -> Path:
    """Pixels (the gradient), stored so that undoing the EXIF orientation makes them upright."""
    upright = Image.fromarray(gradient() if pixels is None else pixels)
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = upright.transpose(undo[orientation]) if orientation in undo else upright
    exif = Image.Exif()
    exif[ORIENTATION_TAG] = orientation
    stored.save(path, exif=exif)
    return path


def swapped_profile() -> bytes:
    """The sRGB profile with red and blue exchanged, under a name of its own."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    name = "sRGB".encode("utf-16-be")
    assert name in profile
    for before, after in (
        (name, "Swap".encode("utf-16-be")),
        (b"rXYZ", b"tmp "),
        (b"bXYZ", b"rXYZ"),
        (b"tmp ", b"bXYZ"),
    ):
        profile = profile.replace(before, after)
    return profile
