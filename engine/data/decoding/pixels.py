"""From whatever a file holds (grey, palette, CMYK, 16 bits, a colour profile) to 8-bit sRGB."""

from __future__ import annotations

import io
from collections.abc import Generator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image, ImageCms

from engine.api.values import FloatArray, PixelArray
from engine.data.decoding.deep_colour import usual_white

# A large picture is converted in bands of about this many pixels: a second whole copy of 100
# megapixels, in a wider mode perhaps, is what would break the memory limit.
_BAND_PIXELS = 4_000_000
_MAX_PROFILE_BYTES = 4 << 20
_TIFF_BITS_TAG = 258
_TIFF_PHOTOMETRIC_TAG, _WHITE_IS_ZERO = 262, 0


def rgb_pixels(image: Image.Image, to_rgb: ToRgb, factors: tuple[int, int]) -> PixelArray:
    """The pixels of a loaded image as sRGB, averaged over blocks.

    Args:
        image: loaded, of any mode.
        to_rgb: the conversion, ``ToRgb.of(image)``.
        factors: width and height in pixels of the blocks that become one pixel.

    Returns:
        (ceil(height / factor), ceil(width / factor), 3) uint8.
    """
    factor_x, factor_y = factors
    out = np.empty((-(-image.height // factor_y), -(-image.width // factor_x), 3), np.uint8)
    row = 0
    for band in _bands(image, factor_y):
        flat = to_rgb.flatten(band)
        if factors != (1, 1):
            flat = flat.reduce(factors)
        part = np.asarray(to_rgb.colour(flat))
        out[row : row + len(part)] = part
        row += len(part)
    return out


@dataclass(frozen=True, eq=False)
class ToRgb:
    """How the pixels of one image become sRGB.

    Attributes:
        black: the value that is shown black, for modes of more than 8 bits.
        white: the value that is shown white, for those modes.
        transform: from the embedded profile to sRGB; ``None`` if there is nothing to do.
    """

    black: float
    white: float
    transform: ImageCms.ImageCmsTransform | None

    @classmethod
    def of(cls, image: Image.Image) -> ToRgb:
        """Look at a loaded image and choose.

        Raises:
            SyntaxError: it needs a palette and has none.
        """
        if image.mode in ("P", "PA") and image.palette is None:
            raise SyntaxError("no palette")
        black, white = _value_range(image)
        return cls(black, white, _transform(image))

    def flatten(self, band: Image.Image) -> Image.Image:
        """Eight bits per channel and no transparency: mode L, RGB or CMYK."""
        if _is_deep(band):
            return self._eight_bits(band)
        if band.has_transparency_data:
            return _over_white(band)
        if band.mode == "1":
            return band.convert("L")
        if band.mode == "LAB":
            return _lab_to_srgb(band)
        return band if band.mode in ("L", "RGB", "CMYK") else band.convert("RGB")

    def colour(self, flat: Image.Image) -> Image.Image:
        """From ``flatten``'s modes to RGB in sRGB."""
        if self.transform is not None and flat.mode == self.transform.input_mode:
            converted = ImageCms.applyTransform(flat, self.transform)
            if converted is not None:
                return converted
        return flat if flat.mode == "RGB" else flat.convert("RGB")

    def _eight_bits(self, band: Image.Image) -> Image.Image:
        values = _numbers(band)
        scaled = (values - self.black) * (255.0 / (self.white - self.black))
        # NaN and infinities, which float TIFFs may hold, become black and the ends of the range.
        finite = np.nan_to_num(scaled, nan=0.0, posinf=255.0, neginf=0.0)
        return Image.fromarray(np.rint(np.clip(finite, 0.0, 255.0)).astype(np.uint8))


def _bands(image: Image.Image, step: int) -> Generator[Image.Image, None, None]:
    """The image in horizontal strips, each a multiple of ``step`` rows high except the last."""
    rows = max(step, _BAND_PIXELS // image.width // step * step)
    if rows >= image.height:
        yield image
        return
    for top in range(0, image.height, rows):
        yield image.crop((0, top, image.width, min(top + rows, image.height)))


def _is_deep(image: Image.Image) -> bool:
    return image.mode in ("I", "F") or image.mode.startswith("I;16")


def _numbers(image: Image.Image) -> FloatArray:
    return np.asarray(image).astype(np.float32)


def _value_range(image: Image.Image) -> tuple[float, float]:
    if not _is_deep(image):
        return 0.0, 255.0
    tags = getattr(image, "tag_v2", {})
    if tags.get(_TIFF_PHOTOMETRIC_TAG) == _WHITE_IS_ZERO and image.mode.startswith("I;16"):
        return 4095.0 if _is_12_bit(image) else 65535.0, 0.0
    return _number_range(image)


def _number_range(image: Image.Image) -> tuple[float, float]:
    if _is_12_bit(image):
        return 0.0, 4095.0
    low, high = np.inf, -np.inf
    for band in _bands(image, 1):
        values = _numbers(band)
        values = values[np.isfinite(values)]
        if values.size:
            low, high = min(low, float(values.min())), max(high, float(values.max()))
    if low >= 0:
        white = usual_white(high)
        if white is not None:
            return 0.0, white
    return (low, high) if low < high else (0.0, 1.0)


def _is_12_bit(image: Image.Image) -> bool:
    tags = getattr(image, "tag_v2", {})
    bits = tags.get(_TIFF_BITS_TAG, (16,))
    return bool(bits == 12 or (isinstance(bits, tuple) and bits[:1] == (12,)))


def _over_white(band: Image.Image) -> Image.Image:
    rgba = band.convert("RGBA")
    white = Image.new("RGB", band.size, (255, 255, 255))
    white.paste(rgba, mask=rgba.getchannel("A"))
    return white


def _lab_to_srgb(band: Image.Image) -> Image.Image:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    transform = ImageCms.buildTransform(lab, _srgb(), "LAB", "RGB")
    return ImageCms.applyTransform(band, transform) or band.convert("L")


def _transform(image: Image.Image) -> ImageCms.ImageCmsTransform | None:
    profile = image.info.get("icc_profile")
    if not isinstance(profile, bytes) or not 0 < len(profile) <= _MAX_PROFILE_BYTES:
        return None
    mode = image.mode if image.mode in ("L", "CMYK") else "RGB"
    if mode == "L" and image.has_transparency_data:
        mode = "RGB"
    return _profile_transform(profile, mode)


@lru_cache(maxsize=8)
def _profile_transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """The way from a profile to sRGB; ``None`` if it is sRGB, broken, or of other pixels.

    Cached because the photos of one camera all carry the same profile.
    """
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if (source.profile.profile_description or "").startswith("sRGB"):
            return None
        return ImageCms.buildTransform(source, _srgb(), mode, "RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None


@lru_cache(maxsize=1)
def _srgb() -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
