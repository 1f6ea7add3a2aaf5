from __future__ import annotations

import os
import random
import struct
from pathlib import Path

import pytest
from PIL import Image

from engine.data.decoding.decode import decode
from engine.library.cameras import CameraFacts
from engine.metadata.exif import read_camera_facts
from tests.engine.heif_files import HEIF_FILES
from tests.engine.metadata.camera_photos import WHOLE, written
from tests.engine.raw_files import dng, write_dng


@pytest.mark.parametrize("ending", ["jpg", "png", "tif"])
def test_all_that_a_camera_says_is_read(tmp_path: Path, ending: str) -> None:
    assert read_camera_facts(written(tmp_path / f"a.{ending}")) == WHOLE


def test_a_webp_says_it_but_for_its_size(tmp_path: Path) -> None:
    facts = read_camera_facts(written(tmp_path / "a.webp"))
    assert (facts.taken, facts.camera, facts.latitude) == (WHOLE.taken, WHOLE.camera, -48.5)


def test_a_raw_of_fujifilm_says_what_the_jpeg_in_it_says(tmp_path: Path) -> None:
    jpeg = written(tmp_path / "a.jpg").read_bytes()
    head = b"FUJIFILMCCD-RAW ".ljust(84, b"0") + struct.pack(">II", 100, len(jpeg))
    (tmp_path / "a.raf").write_bytes(head.ljust(100, b"\0") + jpeg + b"raw" * 50)
    assert read_camera_facts(tmp_path / "a.raf") == WHOLE


@pytest.mark.parametrize("content", [b"", b"text", b"\xff\xd8", b"II*\0", b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_picture_says_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.jpg").write_bytes(content)
    assert read_camera_facts(tmp_path / "a.jpg") == CameraFacts()


def test_a_picture_without_exif_says_only_its_size(tmp_path: Path) -> None:
    Image.new("L", (5, 7)).save(tmp_path / "a.jpg")
    assert read_camera_facts(tmp_path / "a.jpg") == CameraFacts(width=5, height=7)


@pytest.mark.parametrize(
    "date", ["0000:00:00 00:00:00", "2024:13:01 00:00:00", "    :  :     :  :  ", "soon", ""]
)
def test_a_date_that_is_none_is_left_out(tmp_path: Path, date: str) -> None:
    exif = Image.Exif()
    exif[0x0132] = date
    Image.new("L", (5, 7)).save(tmp_path / "a.jpg", exif=exif)
    assert read_camera_facts(tmp_path / "a.jpg").taken == ""


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["jpg", "png", "tif", "webp"])
def test_no_broken_bytes_and_no_cut_raise_or_give_senseless_numbers(
    tmp_path: Path, ending: str
) -> None:
    whole = written(tmp_path / f"a.{ending}").read_bytes()
    chance = random.Random(4)
    for number in range(300):
        broken = bytearray(whole[: chance.randrange(len(whole))] if number % 3 == 0 else whole)
        for _ in range(min(8, len(broken))):
            broken[chance.randrange(min(len(broken), 700))] = chance.randrange(256)
        (tmp_path / "b").write_bytes(broken)
        facts = read_camera_facts(tmp_path / "b")
        assert facts.latitude is None or -90 <= facts.latitude <= 90
        assert facts.exposure_s is None or facts.exposure_s > 0
        assert len(facts.lens) <= 100


def test_a_directory_that_points_at_itself_ends(tmp_path: Path) -> None:
    entry = struct.pack("<HHII", 0x8769, 4, 1, 8)
    (tmp_path / "a.tif").write_bytes(b"II*\0" + struct.pack("<IH", 8, 1) + entry + bytes(4))
    assert read_camera_facts(tmp_path / "a.tif") == CameraFacts()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes by name")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.jpg")
    with pytest.raises(OSError, match="regular file"):
        read_camera_facts(tmp_path / "a.jpg")


@pytest.mark.parametrize(
    ("tags", "taken", "said"),
    [
        ({0x010F: "Canon", 0x0110: "Canon EOS 5D"}, None, ("Canon EOS 5D", "")),
        ({0x010F: "NIKON CORPORATION", 0x0110: "NIKON D70"}, None, ("NIKON D70", "")),
        ({0x010F: "SONY", 0x0110: "DSC-R1"}, None, ("SONY DSC-R1", "")),
        ({0x010F: "Apple\0junk"}, None, ("Apple", "")),
        ({0x0132: "2020:01:02 03:04:05"}, None, ("", "2020-01-02T03:04:05")),
        ({0x0110: "x" * 5000}, "0000:00:00 00:00:00", ("x" * 100, "")),
        ({0x0110: "  "}, "yesterday", ("", "")),
        ({}, None, ("", "")),
    ],
)
def test_a_camera_has_a_name_without_what_is_said_twice(
    tmp_path: Path, tags: dict[int, object], taken: object, said: tuple[str, str]
) -> None:
    exif = Image.Exif()
    exif.update(tags)
    if taken is not None:
        exif.get_ifd(0x8769)[0x9003] = taken
    Image.new("RGB", (40, 30)).save(tmp_path / "a.jpg", exif=exif)
    facts = read_camera_facts(tmp_path / "a.jpg")
    assert (facts.camera, facts.taken) == said


@pytest.mark.parametrize("suffix", ["jpg", "png"])
@pytest.mark.parametrize("orientation", [*range(1, 9), 0, 9])
def test_the_size_is_that_of_the_upright_photo(
    tmp_path: Path, suffix: str, orientation: int
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"a.{suffix}"
    Image.new("RGB", (40, 30)).save(path, exif=exif)
    facts = read_camera_facts(path)
    image = decode(path, None)
    assert (facts.width, facts.height) == (image.width, image.height)


def test_photos_of_phones_and_raws_say_it(tmp_path: Path) -> None:
    raw = write_dng(tmp_path / "x.dng", dng())
    for path in (HEIF_FILES / "turned-exif.heic", raw):
        facts = read_camera_facts(path)
        assert (facts.camera, facts.taken) == ("Test Camera", "2024-05-01T12:30:00")
