"""Photos that say all that a camera can say."""

from __future__ import annotations

from pathlib import Path

from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from engine.library.cameras import CameraFacts

WHOLE = CameraFacts(
    taken="2024-05-01T12:30:05",
    camera="Acme X100",
    lens="50mm <b>f/2</b>",
    exposure_s=1 / 250,
    aperture=2.8,
    iso=400,
    focal_mm=50.0,
    width=40,
    height=30,
    latitude=-48.5,
    longitude=11.25,
)


def written(path: Path) -> Path:
    """A picture that says all of ``WHOLE``."""
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x0132] = "Acme", "X100", "2025:01:01 00:00:00"
    detail = exif.get_ifd(0x8769)
    detail[0x9003], detail[0xA434] = "2024:05:01 12:30:05", WHOLE.lens
    detail[0x829A], detail[0x829D] = IFDRational(1, 250), IFDRational(28, 10)
    detail[0x8827], detail[0x920A] = 400, IFDRational(50, 1)
    place = exif.get_ifd(0x8825)
    place[1], place[2] = "S", (IFDRational(48), IFDRational(30), IFDRational(0))
    place[3], place[4] = "E", (IFDRational(11), IFDRational(15), IFDRational(0))
    if path.suffix == ".tif":  # Pillow leaves the directories out of those that it writes
        exif[0x0100], exif[0x0101] = 40, 30
        path.write_bytes(exif.tobytes().removeprefix(b"Exif\0\0"))
    else:
        Image.new("RGB", (40, 30), "red").save(path, exif=exif)
    return path
