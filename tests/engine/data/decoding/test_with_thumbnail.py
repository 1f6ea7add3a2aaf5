"""One decoding gives what a model looks at and a thumbnail."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.api.errors import ImageError
from engine.data.decoding.decode import Fit, decode, decode_with_more
from engine.data.decoding.pool import DecodePool, DecodeRequest

SIDE = 128


def photo(path: Path, size: tuple[int, int] = (1800, 1200), orientation: int = 1) -> Path:
    """Soft shapes, as in a photo."""
    rng = np.random.default_rng(5)
    small = Image.fromarray(rng.integers(0, 256, (9, 12, 3), dtype=np.uint8))
    exif = Image.Exif()
    exif[274] = orientation
    small.resize(size, Image.Resampling.BICUBIC).save(path, exif=exif)
    return path


@pytest.mark.parametrize("fit", ["squash", "letterbox"])
@pytest.mark.parametrize(
    ("suffix", "orientation"), [(".jpg", 1), (".jpg", 6), (".png", 1), (".png", 8), (".tif", 3)]
)
def test_the_model_gets_the_very_same_pixels_and_the_window_its_thumbnail(
    tmp_path: Path, suffix: str, orientation: int, fit: Fit
) -> None:
    path = photo(tmp_path / f"x{suffix}", orientation=orientation)
    both, alone = decode_with_more(path, 224, fit, SIDE), decode(path, 224, fit)
    np.testing.assert_array_equal(both.pixels, alone.pixels)
    assert (both.width, both.height, both.content) == (alone.width, alone.height, alone.content)
    assert both.thumbnail is not None
    expected = decode(path, SIDE).pixels
    assert both.thumbnail.pixels.shape == expected.shape
    difference = np.abs(both.thumbnail.pixels.astype(int) - expected.astype(int))
    assert difference.max() <= (6 if suffix == ".jpg" else 0)


def test_a_thumbnail_tells_which_state_of_the_file_it_shows(tmp_path: Path) -> None:
    path = photo(tmp_path / "x.jpg")
    (tmp_path / "x.xmp").write_text(
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
        'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
        'xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/></rdf:RDF></x:xmpmeta>'
    )
    made = decode_with_more(path, 224, "squash", SIDE).thumbnail
    assert made is not None
    status = path.stat()
    assert (made.file_size, made.mtime_ns) == (status.st_size, status.st_mtime_ns)
    assert (made.side, made.turn) == (SIDE, 6)
    assert made.pixels.shape == (128, 85, 3)


def test_no_thumbnail_of_a_small_photo_or_larger_than_what_was_decoded(tmp_path: Path) -> None:
    small = photo(tmp_path / "small.jpg", (1500, 1000))
    assert decode_with_more(small, 224, "squash", SIDE).thumbnail is None
    large = photo(tmp_path / "large.jpg", (4000, 3000))  # of which 500 x 375 are decoded
    assert decode_with_more(large, 224, "squash", 512).thumbnail is None
    assert decode_with_more(large, 224, "squash", 384).thumbnail is not None


def test_a_broken_photo_fails_as_it_does_alone(tmp_path: Path) -> None:
    path = photo(tmp_path / "x.jpg")
    path.write_bytes(path.read_bytes()[:900])
    with pytest.raises(ImageError) as alone:
        decode(path, 224, "squash")
    with pytest.raises(ImageError) as both:
        decode_with_more(path, 224, "squash", SIDE)
    assert str(both.value) == str(alone.value)


def test_a_pool_hands_both_on(tmp_path: Path) -> None:
    path = photo(tmp_path / "x.jpg")
    expected = decode_with_more(path, 224, "squash", SIDE)
    with DecodePool(1) as pool:
        found = pool.submit(DecodeRequest(path, 224, "squash", thumbnail=SIDE)).result()
        plain = pool.submit(DecodeRequest(path, 224, "squash")).result()
    assert plain.thumbnail is None
    assert found.thumbnail is not None and expected.thumbnail is not None
    np.testing.assert_array_equal(found.pixels, expected.pixels)
    np.testing.assert_array_equal(found.thumbnail.pixels, expected.thumbnail.pixels)
    assert found.thumbnail.mtime_ns == expected.thumbnail.mtime_ns


def test_only_whole_pictures_that_are_read_fast_come_with_a_thumbnail() -> None:
    path = Path("x.jpg")
    with pytest.raises(ValueError, match="read fast"):
        DecodeRequest(path, thumbnail=SIDE)
    with pytest.raises(ValueError, match="read fast"):
        DecodeRequest(path, 224, crop=(0, 0, 9, 9), thumbnail=SIDE)
    with pytest.raises(ValueError, match="read fast"):
        DecodeRequest(path, 224, mode="exact", thumbnail=SIDE)
