from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QPointF, QSize, Qt
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot
from typing_extensions import override

from csra_gui.app import Application
from csra_gui.browse.image_loader import ImageLoader, LoadedPhoto
from csra_gui.browse.tile_loader import TileLoader
from csra_gui.widgets.photo_view import PhotoView
from engine.api.errors import ImageError
from engine.api.values import DecodedImage
from engine.data.decoding.decode import decode
from engine.data.decoding.pool import DecodePool, DecodeRequest
from engine.data.decoding.tiles import Tile
from tests.engine.images import ORIENTATION_TAG, swapped_profile
from tests.fakes import FakeDecoder
from tests.gui.driver import full_screens, trigger

SIZE = QSize(6000, 4000)


class TilesFail(FakeDecoder):
    """Photos can be decoded, tiles below a reduction cannot."""

    def __init__(self, least: int) -> None:
        super().__init__()
        self.least = least

    @override
    def _decode(self, request: DecodeRequest) -> DecodedImage:
        if request.tile is not None and request.tile.reduction < self.least:
            raise ImageError("The picture needs more memory.")
        return super()._decode(request)


@pytest.fixture
def decoder() -> Iterator[FakeDecoder]:
    made = FakeDecoder()
    yield made
    made.close()


@pytest.fixture
def view(qtbot: QtBot) -> PhotoView:
    made = PhotoView()
    qtbot.addWidget(made)
    made.resize(800, 600)
    made.show()
    return made


def loaded(path: str = "a.jpg", size: QSize = SIZE) -> LoadedPhoto:
    image = QImage(2560, 1707, QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.black)
    return LoadedPhoto(Path(path), image, size)


def sharp(view: PhotoView) -> bool:
    return bool(view._tiles) and not view._requested


def asked(decoder: FakeDecoder) -> list[Tile]:
    return [request.tile for request in decoder.requests if request.tile is not None]


def test_a_photo_that_is_zoomed_in_becomes_sharp(
    qtbot: QtBot, view: PhotoView, decoder: FakeDecoder
) -> None:
    tiles = TileLoader(decoder, view)
    tiles.show(loaded())
    view.actual_size()
    qtbot.waitUntil(lambda: len(view._tiles) == len(asked(decoder)) > 6)
    assert view.grab().toImage().pixelColor(400, 300).red() == 90
    assert view._zoom_text() == "100 %"


def test_a_photo_that_fits_has_no_tile_decoded(
    qtbot: QtBot, view: PhotoView, decoder: FakeDecoder
) -> None:
    tiles = TileLoader(decoder, view)
    tiles.show(loaded())
    view._on_refine_timeout()
    tiles.show(loaded(size=QSize(2560, 1707)))
    view._zoom_about(8.0, QPointF(10, 10))
    view._on_refine_timeout()
    assert not asked(decoder)


def test_tiles_that_are_out_of_sight_again_are_not_decoded(
    qtbot: QtBot, view: PhotoView, decoder: FakeDecoder
) -> None:
    decoder.gate.clear()
    tiles = TileLoader(decoder, view)
    tiles.show(loaded())
    view.actual_size()
    qtbot.waitUntil(lambda: len(asked(decoder)) == 2)
    view._pan(QPointF(-2500, -1500))  # into the corner
    decoder.gate.set()
    qtbot.waitUntil(lambda: not tiles._queue.is_busy)
    later = asked(decoder)[2:]
    assert later
    assert all(tile.right > 4500 and tile.bottom > 3000 for tile in later)


def test_a_tile_of_the_photo_before_is_not_shown(
    qtbot: QtBot, view: PhotoView, decoder: FakeDecoder
) -> None:
    decoder.gate.clear()
    tiles = TileLoader(decoder, view)
    tiles.show(loaded())
    view.actual_size()
    qtbot.waitUntil(lambda: len(asked(decoder)) == 2)
    tiles.show(loaded("b.jpg"))
    decoder.gate.set()
    view.actual_size()
    qtbot.waitUntil(lambda: len(asked(decoder)) > 8 and not tiles._queue.is_busy)
    assert {request.path.name for request in decoder.requests[2:]} == {"b.jpg"}
    assert len(view._tiles) == len(decoder.requests) - 2


WHY_NOT = "cannot be shown sharper: The picture needs more memory."


def test_what_cannot_be_sharper_says_why_and_the_picture_stays(
    qtbot: QtBot, view: PhotoView
) -> None:
    decoder = TilesFail(64)
    tiles = TileLoader(decoder, view)
    tiles.show(loaded())
    view.actual_size()
    qtbot.waitUntil(lambda: view._zoom_text() == f"100 %, {WHY_NOT}")
    qtbot.waitUntil(lambda: view._finest == 4 and not tiles._queue.is_busy)
    count = len(decoder.requests)
    view._pan(QPointF(-900, -900))
    assert len(decoder.requests) == count <= 4
    tiles.show(loaded("b.jpg"))
    assert view._zoom_text() == "13 %"
    decoder.close()


def test_what_cannot_have_all_its_pixels_has_as_many_as_it_can(
    qtbot: QtBot, view: PhotoView
) -> None:
    decoder = TilesFail(2)
    tiles = TileLoader(decoder, view)
    tiles.show(loaded())
    view.actual_size()
    qtbot.waitUntil(lambda: sharp(view))
    assert {tile.reduction for tile in view._tiles} == {2}
    assert view._zoom_text() == f"100 %, {WHY_NOT}"
    view._zoom_about(0.5, QPointF(400, 300))
    assert view._zoom_text() == "50 %"
    decoder.close()


def test_it_says_that_sharp_pixels_are_on_their_way_if_they_take_long(
    qtbot: QtBot, view: PhotoView, decoder: FakeDecoder
) -> None:
    decoder.gate.clear()
    tiles = TileLoader(decoder, view)
    tiles.show(loaded())
    view.actual_size()
    qtbot.waitUntil(lambda: view._zoom_text() == "100 %, sharpening…")
    decoder.gate.set()
    qtbot.waitUntil(lambda: view._zoom_text() == "100 %")


@pytest.mark.slow
@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize("ending", ["jpg", "tif"])
def test_a_real_photo_shows_its_own_pixels_upright_and_in_the_colours_of_the_small_one(
    qtbot: QtBot, view: PhotoView, tmp_path: Path, ending: str, orientation: int
) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (75, 100, 3), dtype=np.uint8)
    picture = Image.fromarray(noise).resize((4000, 3000), Image.Resampling.BICUBIC)
    exif = Image.Exif()
    exif[ORIENTATION_TAG] = orientation
    path = tmp_path / f"x.{ending}"
    picture.save(path, exif=exif, icc_profile=swapped_profile())
    whole = decode(path, None).pixels
    with DecodePool(1) as pool:
        loader = ImageLoader(pool, view, side=1000, byte_limit=10**8)
        with qtbot.waitSignal(loader.image_loaded, timeout=20_000):
            loader.want([path])
        photo, tiles = loader.photo(path), TileLoader(pool, view)
        assert photo is not None
        tiles.show(photo)
        view.clearFocus()
        view.set_zoom_shown(False)
        view.actual_size()
        blurred = view.grab().toImage()
        qtbot.waitUntil(lambda: bool(view._tiles) and not tiles._queue.is_busy, timeout=20_000)
        sharp = view.grab().toImage()
        loader.close()
        tiles.close()
    left, top = (whole.shape[1] - 800) // 2, (whole.shape[0] - 600) // 2
    for x, y in ((0, 0), (400, 300), (799, 599), (123, 456), (700, 20)):
        assert sharp.pixelColor(x, y).getRgb()[:3] == tuple(whole[top + y, left + x])
    coarse, fine = (mean_colour(image) for image in (blurred, sharp))
    np.testing.assert_allclose(coarse, fine, atol=1.5)


def mean_colour(image: QImage) -> np.ndarray:
    converted = image.convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(converted.constBits(), np.uint8).reshape(image.height(), -1)
    return rows[:, : 3 * image.width()].reshape(-1, 3).mean(axis=0)


# In the window.


@pytest.fixture
def large_photos(application: Application) -> Application:
    """All photos have 24 megapixels."""
    decoder = application.decoder
    assert isinstance(decoder, FakeDecoder)
    decoder.size = 6000, 4000
    application.window.maps.viewer.loader.clear()
    return application


def test_both_photos_that_are_compared_become_sharp_at_the_same_zoom(
    qtbot: QtBot, large_photos: Application
) -> None:
    large_photos.session.set_selection((2, 15))
    trigger(large_photos, "view_compare")
    left, right = (side.view for side in large_photos.window.browse.stage.compare.sides)
    qtbot.waitUntil(lambda: left.has_photo() and right.has_photo())
    left.actual_size()
    qtbot.waitUntil(lambda: sharp(left) and sharp(right))
    assert left.zoom == right.zoom == 1.0
    trigger(large_photos, "view_grid")
    assert not left._tiles
    assert not right._tiles


def test_the_photo_alone_becomes_sharp_and_its_zoom_hides_with_the_pointer(
    qtbot: QtBot, large_photos: Application
) -> None:
    large_photos.session.focus.set_current(3)
    trigger(large_photos, "photo_full_screen")
    (screen,) = full_screens()
    qtbot.waitUntil(screen.view.has_photo)
    qtbot.keyClick(screen, Qt.Key.Key_1, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: sharp(screen.view))
    screen.rest()
    assert not screen.view._zoom_shown
    qtbot.keyClick(screen, Qt.Key.Key_Plus)
    assert screen.view._zoom_shown
    screen.close()
    qtbot.waitUntil(lambda: not full_screens())


def test_the_photo_beside_becomes_sharp_with_the_photo(
    qtbot: QtBot, large_photos: Application
) -> None:
    session, viewer = large_photos.session, large_photos.window.maps.viewer
    session.focus.set_current(5)
    trigger(large_photos, "view_large")
    trigger(large_photos, "beside_no_attention")
    qtbot.waitUntil(lambda: viewer.view.has_photo() and viewer.side.view.has_photo())
    trigger(large_photos, "zoom_actual")
    qtbot.waitUntil(lambda: sharp(viewer.view) and sharp(viewer.side.view))
    assert viewer.side.view.zoom == 1.0
