from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from engine.data.decoding.decode import decode
from engine.data.decoding.pool import DecodePool, DecodeRequest


def picture(file: Path, tags: dict[int, object], taken: object = None) -> Path:
    exif = Image.Exif()
    exif.update(tags)
    if taken is not None:
        exif.get_ifd(0x8769)[0x9003] = taken
    Image.new("RGB", (40, 30)).save(file, exif=exif)
    return file


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif"])
def test_camera_and_moment_are_read_in_the_process_that_decodes(
    tmp_path: Path, suffix: str
) -> None:
    tags = {0x010F: "NIKON CORPORATION", 0x0110: "NIKON D70", 0x0132: "2024:05:01 12:30:00"}
    file = picture(tmp_path / f"a.{suffix}", tags, "2024:05:01 12:30:00")
    with DecodePool(1) as pool:
        image = pool.submit(DecodeRequest(file, 20)).result()
    assert (image.camera, image.taken) == ("NIKON D70", "2024-05-01T12:30:00")
    assert (image.width, image.height) == (40, 30)


@pytest.mark.parametrize(
    ("tags", "taken", "said"),
    [
        ({0x010F: "Canon", 0x0110: "Canon EOS 5D"}, None, ("Canon EOS 5D", "")),
        ({0x010F: "SONY", 0x0110: "DSC-R1"}, None, ("SONY DSC-R1", "")),
        ({0x010F: "Apple\0junk"}, None, ("Apple", "")),
        ({0x0132: "2020:01:02 03:04:05"}, None, ("", "2020-01-02T03:04:05")),
        ({0x0110: "x" * 5000}, "0000:00:00 00:00:00", ("x" * 100, "")),
        ({0x0110: "  "}, "yesterday", ("", "")),
        ({}, None, ("", "")),
    ],
)
def test_what_makes_no_sense_counts_as_not_there(
    tmp_path: Path, tags: dict[int, object], taken: object, said: tuple[str, str]
) -> None:
    image = decode(picture(tmp_path / "a.jpg", tags, taken), 20)
    assert (image.camera, image.taken) == said


def test_broken_exif_spoils_no_picture(tmp_path: Path) -> None:
    file = picture(tmp_path / "a.jpg", {0x0110: "D70"}, "2024:05:01 12:30:00")
    data = file.read_bytes()
    at = data.index(b"Exif")
    file.write_bytes(data[: at + 14] + b"\xff" * 20 + data[at + 34 :])
    assert decode(file, 20).width == 40
