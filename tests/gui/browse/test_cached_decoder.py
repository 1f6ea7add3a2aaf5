from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from csra_gui.browse.cached_decoder import CachedDecoder
from engine.api.errors import ImageError
from engine.api.values import DecodedImage
from engine.data.decoding.decode import decode
from engine.data.decoding.pool import DecodeRequest
from engine.records.thumbnail_cache import ThumbnailCache

SIDE = 64


class DirectDecoder:
    """Decodes for real, at once, in the caller's thread."""

    def __init__(self) -> None:
        self.paths: list[Path] = []

    def submit(self, request: DecodeRequest) -> Future[DecodedImage]:
        self.paths.append(request.path)
        future: Future[DecodedImage] = Future()
        try:
            future.set_result(decode(request.path, request.side))
        except ImageError as error:
            future.set_exception(error)
        return future

    def close(self) -> None:
        """There is nothing to end."""


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    rng = np.random.default_rng(3)
    Image.fromarray(rng.integers(0, 255, (300, 400, 3), dtype=np.uint8)).save(path)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def direct() -> DirectDecoder:
    return DirectDecoder()


@pytest.fixture
def decoder(direct: DirectDecoder, folder: Path) -> Iterator[CachedDecoder]:
    made = CachedDecoder(direct, ThumbnailCache(folder, 1_000_000))
    yield made
    made.close()


def thumbnail(decoder: CachedDecoder, path: Path) -> DecodedImage:
    """A thumbnail, once what is to be written for it is on the disk."""
    image = decoder.submit(DecodeRequest(path, SIDE)).result(10)
    wait_for_writes(decoder)
    return image


def wait_for_writes(decoder: CachedDecoder) -> None:
    decoder._writer.run(int).result(10)


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_a_thumbnail_is_decoded_once_and_then_comes_from_the_disk(
    decoder: CachedDecoder, direct: DirectDecoder, folder: Path, photo: Path
) -> None:
    first = thumbnail(decoder, photo)
    (file,) = files(folder)
    again = thumbnail(decoder, photo)
    assert direct.paths == [photo, file]
    assert again.pixels.shape == first.pixels.shape == (48, 64, 3)
    with Image.open(file) as stored:
        assert stored.format == "WEBP"


def test_a_changed_photo_gets_a_new_thumbnail(
    decoder: CachedDecoder, direct: DirectDecoder, photo: Path
) -> None:
    thumbnail(decoder, photo)
    Image.new("RGB", (90, 30), "red").save(photo)
    assert thumbnail(decoder, photo).pixels.shape == (21, 64, 3)
    assert direct.paths == [photo, photo]


def test_another_size_is_another_thumbnail(
    decoder: CachedDecoder, direct: DirectDecoder, photo: Path
) -> None:
    thumbnail(decoder, photo)
    decoder.submit(DecodeRequest(photo, 2 * SIDE)).result(10)
    assert direct.paths == [photo, photo]


@pytest.mark.parametrize("damage", [b"", b"RIFF\x00\x00\x00\x00WEBPVP8 ", b"GIF89a", b"x" * 5000])
def test_a_damaged_thumbnail_is_made_again(
    decoder: CachedDecoder, folder: Path, photo: Path, damage: bytes
) -> None:
    sound = thumbnail(decoder, photo)
    (file,) = files(folder)
    file.write_bytes(damage)
    assert np.array_equal(thumbnail(decoder, photo).pixels, sound.pixels)
    with Image.open(file) as stored:
        assert stored.size == (64, 48)


def test_a_damaged_thumbnail_goes_though_there_is_no_room_for_another(
    direct: DirectDecoder, folder: Path, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = ThumbnailCache(folder, 1_000_000)
    decoder = CachedDecoder(direct, cache)
    thumbnail(decoder, photo)
    (file,) = files(folder)
    file.write_bytes(b"damaged")
    monkeypatch.setattr(cache, "store", lambda *_: None)
    thumbnail(decoder, photo)
    decoder.close()
    assert not files(folder)


def test_a_link_in_the_cache_is_not_followed(
    decoder: CachedDecoder, direct: DirectDecoder, folder: Path, photo: Path, tmp_path: Path
) -> None:
    thumbnail(decoder, photo)
    (file,) = files(folder)
    other = tmp_path / "other.png"
    Image.new("RGB", (9, 9)).save(other)
    file.unlink()
    file.symlink_to(other)
    assert thumbnail(decoder, photo).pixels.shape == (48, 64, 3)
    assert other.exists() and not file.is_symlink()


def test_a_photo_that_cannot_be_read_is_not_cached(
    decoder: CachedDecoder, folder: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no picture")
    for path in (broken, tmp_path / "missing.jpg"):
        with pytest.raises(ImageError):
            thumbnail(decoder, path)
    assert not files(folder)


def test_a_cache_that_cannot_be_written_costs_nothing_but_time(
    direct: DirectDecoder, photo: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    decoder = CachedDecoder(direct, ThumbnailCache(tmp_path / "file" / "cache", 1_000_000))
    assert thumbnail(decoder, photo).pixels.shape == (48, 64, 3)
    assert thumbnail(decoder, photo).pixels.shape == (48, 64, 3)
    decoder.close()


def test_what_waits_when_the_decoder_is_closed_is_cancelled(
    decoder: CachedDecoder, photo: Path
) -> None:
    gate: Future[None] = Future()
    decoder._readers.submit(gate.result)
    answer = decoder.submit(DecodeRequest(photo, SIDE))
    decoder._readers.shutdown(wait=False, cancel_futures=True)
    gate.set_result(None)
    decoder.close()
    assert answer.cancelled()
