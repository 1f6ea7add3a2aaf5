"""What a camera wrote into a photo, in words; and reading it for one photo."""

from __future__ import annotations

import math
from collections.abc import Generator
from pathlib import Path

from PySide6.QtCore import QDateTime, QLocale

from engine.data.patience import LIMIT_S, Patience
from engine.library.cameras import CameraFacts
from engine.metadata.exif import read_camera_facts
from engine.texts import display_text

#: A caption, and what is said below it or beside it.
Fact = tuple[str, str]
TAKEN, CAMERA, PLACE = "Taken", "Camera", "Place"
_MEGA = 1_000_000
# Exposures that are longer are not written as a fraction of a second.
_LONG_S = 0.3
_SHORTEST_S = 1e-6


def read_camera(path: Path) -> Generator[None, None, CameraFacts | None]:
    """What one file says, in a worker; nothing if it cannot be read, or its disk is away.

    Closing it waits for nothing.
    """
    with Patience(LIMIT_S) as patience:
        attempt = patience.begin(lambda _: _facts(path))
        yield from attempt.wait()
        return attempt.result() if attempt.is_done else None


def _facts(path: Path) -> CameraFacts | None:
    try:
        return read_camera_facts(path)
    except (OSError, ValueError):  # ValueError: a NUL in the name
        return None


def camera_texts(facts: CameraFacts) -> list[Fact]:
    """What is said, as far as it is; plain text that may hold anything visible."""
    found = (
        (TAKEN, taken_text(facts.taken)),
        (CAMERA, display_text(facts.camera)),
        ("Lens", display_text(facts.lens)),
        ("Exposure", ", ".join(filter(None, _exposure(facts)))),
        ("Pixels", pixels_text(facts.width, facts.height)),
        (PLACE, place_text(facts)),
    )
    return [(caption, text) for caption, text in found if text]


def taken_text(taken: str) -> str:
    """A moment by the camera's clock; empty for none."""
    return moment_text(QDateTime.fromString(taken, "yyyy-MM-ddTHH:mm:ss")) if taken else ""


def moment_text(moment: QDateTime) -> str:
    """A moment as this computer writes it."""
    return QLocale().toString(moment, QLocale.FormatType.ShortFormat)


def pixels_text(width: int | None, height: int | None) -> str:
    """The size of a photo; empty if it is not known."""
    if width is None or height is None:
        return ""
    return f"{width:,} × {height:,} ({width * height / _MEGA:,.1f} megapixels)"


def place_text(facts: CameraFacts) -> str:
    """Latitude and longitude in degrees, as maps take them; empty for none."""
    if facts.latitude is None or facts.longitude is None:
        return ""
    return f"{facts.latitude:.6f}, {facts.longitude:.6f}"


def _exposure(facts: CameraFacts) -> tuple[str, str, str, str]:
    return (
        "" if facts.exposure_s is None else _seconds(facts.exposure_s),
        "" if facts.aperture is None else f"f/{facts.aperture:.3g}",
        "" if facts.iso is None else f"ISO {facts.iso:,}",
        "" if facts.focal_mm is None else f"{facts.focal_mm:.4g} mm",
    )


def _seconds(exposure_s: float) -> str:
    if exposure_s < _SHORTEST_S or not math.isfinite(exposure_s):
        return ""
    if exposure_s >= _LONG_S:
        return f"{exposure_s:.3g} s"
    return f"1/{round(1 / exposure_s):,} s"
