"""A disk that gives errors says nothing against the photos on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.api.errors import ImageError
from engine.api.passing import DISK_FAILS
from engine.data.decoding.decode import decode
from engine.data.decoding.pool import DecodePool, DecodeRequest
from tests.disks import FailingDisk, failing_disk

KINDS = {
    "b.png": {},
    "c.tif": {},
    "d.tif": {"compression": "tiff_lzw"},
    "e.webp": {},
    "f.gif": {},
    "g.bmp": {},
    "h.jpg": {"quality": 95},
}


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[FailingDisk]:
    with failing_disk(tmp_path / "disk") as made:
        yield made


def save_noise(path: Path, **options: object) -> Path:
    pixels = np.random.default_rng(0).integers(0, 256, (500, 600, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path, **options)  # type: ignore[arg-type]
    return path


def test_what_a_disk_does_not_give_is_not_said_to_be_damaged(disk: FailingDisk) -> None:
    paths = [save_noise(disk.place / name, **options) for name, options in KINDS.items()]
    disk.fail()
    with DecodePool(1) as pool:
        found = list(pool.map(DecodeRequest(path, side=64) for path in paths))
    assert [str(one) for one in found] == [DISK_FAILS] * len(paths)


def test_a_picture_is_not_mended_where_its_disk_failed(disk: FailingDisk) -> None:
    photo = save_noise(disk.place / "a.png")
    disk.fail(beyond=disk.beginning(photo) + (200 << 10))
    with pytest.raises(ImageError, match="gives an error"):
        decode(photo, None)
