from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from engine.api.errors import ImageError
from engine.api.geometry import Box
from engine.data.decoding import pixels as pixels_module
from engine.data.decoding.decode import MAX_PIXELS, Fit, decode
from tests.engine.images import (
    ORIENTATION_TAG,
    gradient,
    save_image,
    save_oriented,
    swapped_profile,
)


def fault(path: Path, side: int | None = None) -> str:
    with pytest.raises(ImageError) as caught:
        decode(path, side)
    return str(caught.value)


def assert_close(actual: np.ndarray, expected: np.ndarray, tolerance: float) -> None:
    assert actual.shape == expected.shape
    assert np.abs(actual.astype(float) - expected.astype(float)).max() <= tolerance


@pytest.mark.parametrize("ending", ["png", "bmp", "tif", "gif", "webp", "avif", "jpg", "dib"])
def test_every_format_opens_in_full_size(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"x.{ending}"
    Image.new("RGB", (30, 20), (255, 0, 0)).save(path)

    image = decode(path, None)

    assert (image.width, image.height, image.content) == (30, 20, Box.UNIT)
    assert image.pixels.dtype == np.uint8
    assert_close(image.pixels, np.full((20, 30, 3), (255, 0, 0)), 4)


@pytest.mark.parametrize(
    ("fit", "side", "shape", "content"),
    [
        ("inside", 48, (32, 48, 3), Box.UNIT),
        ("inside", 1000, (64, 96, 3), Box.UNIT),
        ("squash", 48, (48, 48, 3), Box.UNIT),
        ("squash", 200, (200, 200, 3), Box.UNIT),
        ("letterbox", 48, (48, 48, 3), Box(0, 8 / 48, 1, 40 / 48)),
        ("letterbox", 192, (192, 192, 3), Box(0, 32 / 192, 1, 160 / 192)),
    ],
)
def test_a_picture_fits_its_square_as_asked(
    tmp_path: Path, fit: Fit, side: int, shape: tuple[int, int, int], content: Box
) -> None:
    image = decode(save_image(tmp_path / "x.png"), side, fit)

    assert image.pixels.shape == shape
    assert image.content == content
    assert (image.width, image.height) == (96, 64)


def test_letterbox_pads_with_grey_around_the_whole_picture(tmp_path: Path) -> None:
    square = decode(save_image(tmp_path / "x.png"), 96, "letterbox").pixels

    assert (square[:16] == 128).all()
    assert (square[80:] == 128).all()
    np.testing.assert_array_equal(square[16:80], gradient())


@pytest.mark.parametrize("ending", ["png", "jpg"])
def test_shrinking_keeps_the_picture_in_place(tmp_path: Path, ending: str) -> None:
    """Draft mode and whole-number shrinking must not shift or darken anything."""
    path = save_image(
        tmp_path / f"x.{ending}", 1501, 1003, **{"quality": 95} if ending == "jpg" else {}
    )

    image = decode(path, 100)

    expected = Image.fromarray(gradient(1501, 1003)).resize((100, 67), Image.Resampling.BOX)
    difference = np.abs(image.pixels.astype(float) - np.asarray(expected, float))
    assert difference.mean() < 1.5
    assert np.abs(difference[..., :2]).max() < 12


def test_a_size_that_does_not_divide_stretches_nothing(tmp_path: Path) -> None:
    image = decode(save_image(tmp_path / "x.png", 139, 139), 10)

    expected = Image.fromarray(gradient(139, 139)).resize((10, 10), Image.Resampling.BILINEAR)
    assert_close(image.pixels[..., :2], np.asarray(expected)[..., :2], 3)


def noisy_jpeg(path: Path, width: int, height: int, **options: bool) -> Path:
    chance = np.random.default_rng(0)
    pixels = chance.integers(0, 256, (height, width, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path, quality=90, **options)
    return path


@pytest.mark.parametrize("size", [(640, 480), (480, 640), (1500, 1000), (300, 200)])
@pytest.mark.parametrize("side", [224, 448])
@pytest.mark.parametrize("progressive", [False, True])
def test_exact_decoding_is_what_the_official_code_does(
    tmp_path: Path, size: tuple[int, int], side: int, progressive: bool
) -> None:
    path = noisy_jpeg(tmp_path / "x.jpg", *size, progressive=progressive)

    found = decode(path, side, "squash", mode="exact")

    with Image.open(path) as image:
        expected = image.convert("RGB").resize((side, side), Image.Resampling.BILINEAR)
    np.testing.assert_array_equal(found.pixels, np.asarray(expected))
    assert (found.width, found.height) == size


def test_fast_decoding_leaves_out_what_small_squares_cannot_show(tmp_path: Path) -> None:
    path = noisy_jpeg(tmp_path / "x.jpg", 640, 480)

    exact = decode(path, 224, "squash", mode="exact")
    fast = decode(path, 224, "squash", mode="fast")
    usual = decode(path, 224, "squash")

    assert np.abs(exact.pixels.astype(int) - fast.pixels).max() > 10
    np.testing.assert_array_equal(usual.pixels, fast.pixels)


def test_the_exact_way_fits_a_picture_as_the_fast_one_does(tmp_path: Path) -> None:
    path = save_oriented(tmp_path / "x.png", 6)

    for fit in ("inside", "letterbox", "squash"):
        exact, fast = decode(path, 40, fit, mode="exact"), decode(path, 40, fit)
        assert (exact.pixels.shape, exact.content) == (fast.pixels.shape, fast.content)


@pytest.mark.parametrize("size", [(1, 5000), (5000, 1), (1, 1)])
@pytest.mark.parametrize("fit", ["inside", "squash", "letterbox"])
def test_no_side_becomes_nothing(tmp_path: Path, size: tuple[int, int], fit: Fit) -> None:
    image = decode(save_image(tmp_path / "x.png", *size), 64, fit)

    assert min(image.pixels.shape) >= 1
    assert (image.width, image.height) == size


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("ending", ["png", "tif"])
def test_every_orientation_is_undone_exactly(tmp_path: Path, orientation: int, ending: str) -> None:
    image = decode(save_oriented(tmp_path / f"x.{ending}", orientation), None)

    np.testing.assert_array_equal(image.pixels, gradient())
    assert (image.width, image.height) == (96, 64)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("fit", ["inside", "letterbox"])
def test_a_turned_picture_is_scaled_like_an_upright_one(
    tmp_path: Path, orientation: int, fit: Fit
) -> None:
    image = decode(save_oriented(tmp_path / "x.png", orientation), 40, fit)
    upright = decode(save_image(tmp_path / "upright.png"), 40, fit)

    assert image.content == upright.content
    assert_close(image.pixels, upright.pixels, 2)


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_illegal_orientation_counts_as_upright(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[ORIENTATION_TAG] = orientation
    path = save_image(tmp_path / "x.png", exif=exif)

    np.testing.assert_array_equal(decode(path, None).pixels, gradient())


def test_broken_exif_does_not_harm_the_picture(tmp_path: Path) -> None:
    path = save_image(tmp_path / "x.png", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")

    np.testing.assert_array_equal(decode(path, None).pixels, gradient())


def ramp() -> np.ndarray:
    return np.tile(np.linspace(0, 255, 64).round(), (8, 1))


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ((ramp() * 257).astype(np.uint16), "x.png"),
        ((ramp() * 257).astype(np.uint16), "x.tif"),
        ((ramp() / 255).astype(np.float32), "x.tif"),
        (ramp().astype(np.float32), "x.tif"),
        ((ramp() * 257).astype(np.int32), "x.tif"),
        ((ramp() * 1e6 - 1e7).astype(np.int32), "x.tif"),
    ],
)
def test_deep_greys_are_scaled_and_not_clipped(
    tmp_path: Path, values: np.ndarray, name: str
) -> None:
    Image.fromarray(values).save(tmp_path / name)

    pixels = decode(tmp_path / name, None).pixels

    assert_close(pixels[..., 0], ramp(), 1)
    assert (pixels == pixels[..., :1]).all()


def test_numbers_that_are_none_become_black_or_white(tmp_path: Path) -> None:
    values = np.array([[np.nan, np.inf, -np.inf, 1.0, 0.5]], np.float32)
    Image.fromarray(values).save(tmp_path / "x.tif")
    Image.fromarray(np.full((2, 2), np.nan, np.float32)).save(tmp_path / "all.tif")

    assert decode(tmp_path / "x.tif", None).pixels[0, :, 0].tolist() == [0, 255, 0, 255, 128]
    assert not decode(tmp_path / "all.tif", None).pixels.any()


def test_cmyk_becomes_rgb(tmp_path: Path) -> None:
    for name in ("x.jpg", "x.tif"):
        Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(tmp_path / name)

        assert_close(decode(tmp_path / name, None).pixels, np.full((8, 8, 3), (255, 0, 0)), 4)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA"])
def test_transparency_lies_over_white(tmp_path: Path, mode: str) -> None:
    black = Image.new("LA" if mode == "LA" else "RGBA", (4, 1))
    black.putalpha(Image.fromarray(np.array([[0, 255, 51, 0]], np.uint8)))
    if mode == "PA":
        black = Image.new("P", (4, 1))
        black.putpalette([0, 0, 0] * 4)
        black.putdata([0, 1, 2, 0])
        black.save(tmp_path / "x.png", transparency=bytes([0, 255, 51, 255]))
    else:
        black.save(tmp_path / "x.png")

    assert decode(tmp_path / "x.png", None).pixels[0, :, 0].tolist() == [255, 0, 204, 255]


def test_a_transparent_colour_lies_over_white(tmp_path: Path) -> None:
    Image.fromarray(np.array([[0, 7, 200]], np.uint8)).save(tmp_path / "l.png", transparency=7)

    assert decode(tmp_path / "l.png", None).pixels[0, :, 0].tolist() == [0, 255, 200]


def test_only_the_first_frame_counts(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (9, 9), colour) for colour in ("red", "lime", "blue")]
    for name in ("x.gif", "x.png", "x.webp"):
        options = {"lossless": True} if name == "x.webp" else {}
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:], **options)

        assert (decode(tmp_path / name, None).pixels == (255, 0, 0)).all()


def test_an_embedded_profile_is_applied(tmp_path: Path) -> None:
    Image.new("RGB", (4, 4), (255, 0, 0)).save(tmp_path / "x.png", icc_profile=swapped_profile())

    assert_close(decode(tmp_path / "x.png", None).pixels, np.full((4, 4, 3), (0, 0, 255)), 3)


@pytest.mark.parametrize(
    "profile",
    [
        b"garbage" * 50,
        ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes(),
        ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(),
    ],
    ids=["broken", "of other pixels", "sRGB"],
)
def test_other_profiles_change_nothing(tmp_path: Path, profile: bytes) -> None:
    path = save_image(tmp_path / "x.png", icc_profile=profile)

    np.testing.assert_array_equal(decode(path, None).pixels, gradient())


@pytest.mark.parametrize("mode", ["RGB", "L", "1", "P", "RGBA", "CMYK", "I;16", "F"])
@pytest.mark.parametrize("side", [None, 40])
def test_working_in_bands_changes_no_pixel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str, side: int | None
) -> None:
    whole = Image.fromarray(gradient(301, 203))
    whole = whole.convert("L").convert(mode) if mode == "I;16" else whole.convert(mode)
    whole.save(tmp_path / "x.tif")
    expected = decode(tmp_path / "x.tif", side).pixels

    monkeypatch.setattr(pixels_module, "_BAND_PIXELS", 5000)

    np.testing.assert_array_equal(decode(tmp_path / "x.tif", side).pixels, expected)


def test_the_limit_of_pixels_is_checked_before_anything_is_decoded(tmp_path: Path) -> None:
    def header(width: int, height: int) -> Path:
        """A BMP that ends where its pixels would begin."""
        buffer = io.BytesIO()
        Image.new("RGB", (1, 1)).save(buffer, "BMP")
        data = bytearray(buffer.getvalue()[:54])
        data[18:26] = width.to_bytes(4, "little") + height.to_bytes(4, "little")
        (tmp_path / "x.bmp").write_bytes(data)
        return tmp_path / "x.bmp"

    assert MAX_PIXELS == 150_000_000
    assert (
        fault(header(15_001, 10_000)) == "The picture has 151 megapixels; at most 150 are opened."
    )
    assert (
        fault(header(20_000, 20_000)) == "The picture has 400 megapixels; at most 150 are opened."
    )
    assert "ends before" in fault(header(100, 100))


@pytest.mark.parametrize("ending", ["jpg", "png", "bmp", "tif", "gif"])
def test_a_file_that_was_cut_short_is_refused(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"x.{ending}"
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    assert fault(path) == "The file is damaged: it ends before the picture is complete."


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "The file is empty."),
        (bytes(5000), "The file is damaged: it holds nothing but zeros."),
        (b"<!DOCTYPE html><p>404", "This is not a picture (it looks like a web page)."),
        (b"%PDF-1.7\n", "This is not a picture (it looks like a PDF document)."),
        (b"%!PS-Adobe-3.0\n", "This is not a picture (it looks like a PostScript document)."),
        (
            b"version https://git-lfs.github.com/spec/v1",
            "This is only a Git LFS pointer: the picture itself was not downloaded.",
        ),
        (
            b"\0\0\0\x18ftypheic\0\0\0\0",
            "The file is damaged: it ends before the picture is complete.",
        ),
        (b"just a note", "This is not a picture (it looks like text)."),
        (b"\xff\xd8\xff", "The file is damaged, or a kind of JPEG that is not supported."),
        (b"\x80\x04K\x01.", "This is not a picture."),
    ],
)
def test_what_is_no_picture_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "x.jpg").write_bytes(content)

    assert fault(tmp_path / "x.jpg") == message


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    assert fault(tmp_path) == "This is a folder, not a picture."
    assert fault(tmp_path / "gone.jpg") == "The file is no longer there."
    assert fault(Path("nul\0.jpg")) == "No file has such a name."


@pytest.mark.skipif(os.name != "posix", reason="needs named pipes")
def test_a_pipe_is_refused_without_waiting_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.jpg")

    assert fault(tmp_path / "x.jpg") == "This is a pipe, socket or device, not a picture."
    assert fault(Path("/dev/zero")) == "This is a pipe, socket or device, not a picture."


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root reads everything")
def test_a_forbidden_file_is_refused(tmp_path: Path) -> None:
    path = save_image(tmp_path / "x.png")
    path.chmod(0)

    assert fault(path) == "You have no permission to read this file."


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX names")
@pytest.mark.parametrize("name", ["a\nb.png", "bad\udcff\udcfe.png", "n" * 251 + ".png"])
def test_odd_names_open(tmp_path: Path, name: str) -> None:
    assert decode(save_image(tmp_path / name), 32).width == 96


def test_full_size_cannot_be_squashed(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="needs a side"):
        decode(save_image(tmp_path / "x.png"), None, "squash")
