"""What a picture says of how it was taken, as far as measuring it goes by that."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PIL import Image

from engine.data.decoding.faults import METADATA_ERRORS

_MAKE, _MODEL, _DETAIL = 0x010F, 0x0110, 0x8769
_EXPOSURE, _APERTURE, _ISO = 0x829A, 0x829D, 0x8827
#: Kinds that keep every pixel as it was, in which computers save what is on their screens.
_EXACT = ("PNG", "BMP", "DIB")


@dataclass(frozen=True, slots=True)
class Origin:
    """How a picture came to be; what it does not say is ``None``.

    Attributes:
        has_camera: whether a camera or a lens left a trace in it.
        exposure_s: seconds, above 0.
        aperture: the f-number, above 0.
        iso: the film speed, above 0.
        is_exact: whether it is of a kind that cameras do not write and screens are saved as.
    """

    has_camera: bool = False
    exposure_s: float | None = None
    aperture: float | None = None
    iso: float | None = None
    is_exact: bool = False

    @property
    def exposure_value(self) -> float | None:
        """How much light there was: EV at ISO 100, as in APEX; ``None`` if it is not known.

        About 15 in the sun, 6 to 8 in lit rooms, 3 to 6 in lit streets at night, below 0 where
        hardly anything can be seen.
        """
        if self.exposure_s is None or self.aperture is None or self.iso is None:
            return None
        return math.log2(self.aperture**2 / self.exposure_s) - math.log2(self.iso / 100)


def origin_of(image: Image.Image) -> Origin:
    """What an open image says, of whatever type it is; broken EXIF says nothing."""
    is_exact = image.format in _EXACT
    try:
        main = image.getexif()
        detail = main.get_ifd(_DETAIL) if _DETAIL in main else {}
    except METADATA_ERRORS:
        return Origin(is_exact=is_exact)
    exposure, aperture, iso = (_above_zero(detail.get(tag)) for tag in (_EXPOSURE, _APERTURE, _ISO))
    has_camera = any(main.get(tag) for tag in (_MAKE, _MODEL)) or exposure is not None
    return Origin(has_camera, exposure, aperture, iso, is_exact)


def _above_zero(value: object) -> float | None:
    found = value[0] if isinstance(value, tuple) and value else value
    try:
        number = float(found)  # type: ignore[arg-type]  # a fraction of Pillow's, too
    except METADATA_ERRORS:
        return None
    return number if math.isfinite(number) and number > 0 else None
