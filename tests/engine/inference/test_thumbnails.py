"""Thumbnails of photos that are decoded for a model anyway."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.api.config import ThumbnailWish
from engine.api.errors import ImageError
from engine.api.facts import Fact
from engine.api.values import DecodedImage
from engine.data.decoding.pool import DecodePool, DecodeRequest
from engine.inference.thumbnails import image_source
from engine.records.thumbnail_cache import ThumbnailCache, ThumbnailKey

SIDE = 128
LIMIT = 10**8
ALL_FORMATS = Fact.LANDSCAPE_FORMAT | Fact.PANORAMA_FORMAT


@pytest.fixture(scope="module")
def pool() -> Iterator[DecodePool]:
    with DecodePool(1) as pool:
        yield pool


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    """Two large ones, one small one, and one that is broken."""
    folder = tmp_path / "photos"
    folder.mkdir()
    paths = [folder / f"{name}.png" for name in ("large", "small", "wide")]
    for path, size in zip(paths, [(1600, 1300), (640, 480), (2400, 900)], strict=True):
        Image.new("RGB", size, (200, 30, 60)).save(path)
    (folder / "broken.png").write_bytes(b"no picture")
    return [*paths, folder / "broken.png"]


def read(
    pool: DecodePool, paths: list[Path], wish: ThumbnailWish | None
) -> list[DecodedImage | ImageError]:
    with image_source(pool, wish) as source:
        return list(source.map(DecodeRequest(path, 64, "squash") for path in paths))


def kept(folder: Path, paths: list[Path], side: int = SIDE) -> list[str]:
    """Of which photos the window would find a thumbnail."""
    cache = ThumbnailCache(folder, LIMIT)
    return [path.stem for path in paths if cache.find(ThumbnailKey.of(path, side)) is not None]


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_the_window_finds_thumbnails_of_large_photos_under_its_own_keys(
    pool: DecodePool, photos: list[Path], tmp_path: Path
) -> None:
    folder = tmp_path / "cache"
    plain = read(pool, photos, None)
    found = read(pool, photos, ThumbnailWish(folder, SIDE, LIMIT))
    assert kept(folder, photos) == ["large", "wide"]
    assert not kept(folder, photos, 2 * SIDE)
    assert [type(image) for image in found] == [type(image) for image in plain]
    for one, other in zip(found[:3], plain[:3], strict=True):
        assert isinstance(one, DecodedImage) and isinstance(other, DecodedImage)
        np.testing.assert_array_equal(one.pixels, other.pixels)
    file = ThumbnailCache(folder, LIMIT).find(ThumbnailKey.of(photos[2], SIDE))
    assert file is not None
    with Image.open(file) as thumbnail:
        assert (thumbnail.format, thumbnail.size) == ("WEBP", (128, 48))


def test_a_relative_path_is_found_too(
    pool: DecodePool, photos: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    relative = [path.relative_to(tmp_path) for path in photos[:1]]
    with DecodePool(1) as here:
        read(here, relative, ThumbnailWish(tmp_path / "cache", SIDE, LIMIT))
    assert kept(tmp_path / "cache", photos) == ["large"]


def test_what_is_in_the_cache_is_not_written_again(
    pool: DecodePool, photos: list[Path], tmp_path: Path
) -> None:
    folder = tmp_path / "cache"
    cache, key = ThumbnailCache(folder, LIMIT), ThumbnailKey.of(photos[0], SIDE)
    cache.store(key, np.zeros((20, 30, 3), np.uint8))
    file = cache.find(key)
    assert file is not None
    before = file.read_bytes()
    read(pool, photos, ThumbnailWish(folder, SIDE, LIMIT))
    assert file.read_bytes() == before
    assert kept(folder, photos) == ["large", "wide"]


def test_nothing_goes_for_thumbnails_that_nobody_asked_for(
    pool: DecodePool, photos: list[Path], tmp_path: Path
) -> None:
    folder = tmp_path / "cache"
    cache = ThumbnailCache(folder, LIMIT)
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    other = ThumbnailKey(Path("/photos/looked_at.jpg"), 10, 10, SIDE)
    cache.store(other, noise)
    read(pool, photos, ThumbnailWish(folder, SIDE, cache.total()))
    assert not kept(folder, photos)
    assert cache.find(other) is not None


def test_without_a_cache_nothing_is_made(
    pool: DecodePool, photos: list[Path], tmp_path: Path
) -> None:
    found = read(pool, photos, ThumbnailWish(tmp_path / "cache", SIDE, 0))
    assert all(image.thumbnail is None for image in found if isinstance(image, DecodedImage))
    assert not (tmp_path / "cache").exists()


def test_a_cache_that_cannot_be_written_costs_no_photo(
    pool: DecodePool, photos: list[Path], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    found = read(pool, photos, ThumbnailWish(tmp_path / "file" / "cache", SIDE, LIMIT))
    assert [isinstance(image, DecodedImage) for image in found] == [True, True, True, False]


def test_who_stops_in_the_middle_keeps_what_was_made(
    pool: DecodePool, photos: list[Path], tmp_path: Path
) -> None:
    folder = tmp_path / "cache"
    with image_source(pool, ThumbnailWish(folder, SIDE, LIMIT)) as source:
        images = source.map(DecodeRequest(path, 64, "squash") for path in photos)
        next(images)
        images.close()
    assert kept(folder, photos) == ["large"]
    assert [file.suffix for file in files(folder)] == [".webp"]
    assert sorted((tmp_path / "photos").iterdir()) == sorted(photos)  # nothing is written there


@pytest.mark.parametrize("limit", [0, LIMIT])
def test_facts_are_measured_along_the_way_with_thumbnails_and_without(
    pool: DecodePool, photos: list[Path], tmp_path: Path, limit: int
) -> None:
    wish = ThumbnailWish(tmp_path / "cache", SIDE, limit)
    requests = [DecodeRequest(path, 64, "squash") for path in photos]
    with image_source(pool, wish, facts=True) as source:
        found = list(source.map(requests))
    facts = [image.facts if isinstance(image, DecodedImage) else None for image in found]
    formats = (Fact.LANDSCAPE_FORMAT, Fact.LANDSCAPE_FORMAT, Fact.PANORAMA_FORMAT)
    assert [fact and fact & ALL_FORMATS for fact in facts] == [*formats, None]
    assert kept(tmp_path / "cache", photos) == (["large", "wide"] if limit else [])
    with image_source(pool, wish) as source:
        plain = list(source.map(requests))
    assert all(image.facts is None for image in plain if isinstance(image, DecodedImage))
