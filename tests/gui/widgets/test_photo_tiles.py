from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, QRectF, QSize, QSizeF, Qt
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot
from typing_extensions import override

from csra_gui.widgets.photo_geometry import PhotoGeometry
from csra_gui.widgets.photo_tiles import MOST_TILES, TILE_SIDE, PhotoTiles, needed_tiles
from csra_gui.widgets.photo_view import PhotoView
from engine.api.values import PixelArray
from engine.data.decoding.tiles import Tile

PHOTO = QSize(6000, 4000)
SHOWN = 2560


def geometry(zoom: float, ratio: float = 1.0, view: tuple[int, int] = (1200, 800)) -> PhotoGeometry:
    made = PhotoGeometry()
    made.photo, made.view, made.ratio = PHOTO, QSizeF(*view), ratio
    made.fit()
    made.zoom_about(zoom, QPointF(view[0] / 2, view[1] / 2))
    return made


def rect(tile: Tile) -> QRectF:
    return QRectF(tile.left, tile.top, tile.right - tile.left, tile.bottom - tile.top)


@pytest.mark.parametrize("ratio", [1.0, 1.5, 2.0])
def test_at_actual_size_a_pixel_of_the_photo_takes_one_of_the_screen(ratio: float) -> None:
    placed = geometry(1.0, ratio)
    assert placed.device_size() == PHOTO
    assert placed.rect().width() * ratio == pytest.approx(6000)
    assert placed.seen().width() == pytest.approx(1200 * ratio)
    assert placed.seen().center() == QPointF(3000, 2000)


@pytest.mark.parametrize("ratio", [1.0, 2.0])
@pytest.mark.parametrize("zoom", [0.45, 0.5, 0.7, 1.0, 3.0, 16.0])
def test_what_is_seen_is_covered_by_tiles_that_are_as_fine_as_the_screen(
    zoom: float, ratio: float
) -> None:
    placed = geometry(zoom, ratio)
    needed = needed_tiles(placed, SHOWN)
    (reduction,) = {tile.reduction for tile in needed}
    assert reduction == (2 if zoom <= 0.5 else 1)
    seen = placed.seen()
    covered = [rect(tile).intersected(seen) for tile in needed]
    points = [(x, y) for x in np.linspace(0.01, 0.99, 40) for y in np.linspace(0.01, 0.99, 40)]
    for x, y in points:
        at = QPointF(seen.left() + x * seen.width(), seen.top() + y * seen.height())
        assert any(part.contains(at) for part in covered)
    whole = QRectF(0, 0, PHOTO.width(), PHOTO.height())
    assert all(whole.contains(rect(tile)) for tile in needed)
    assert len(set(needed)) == len(needed) <= MOST_TILES


def test_the_middle_comes_first_and_what_is_out_of_sight_last() -> None:
    placed = geometry(1.0)
    needed = needed_tiles(placed, SHOWN)
    assert rect(needed[0]).contains(QPointF(3000, 2000))
    in_sight = [rect(tile).intersects(placed.seen()) for tile in needed]
    assert in_sight.index(False) >= 6
    assert not any(in_sight[in_sight.index(False) + 1 :][6:])


def test_no_tile_is_needed_where_the_picture_has_a_pixel_for_each_of_the_screen() -> None:
    assert needed_tiles(geometry(SHOWN / 6000), SHOWN) == ()
    assert needed_tiles(geometry(16.0), 6000) == ()
    assert needed_tiles(PhotoGeometry(), 0) == ()
    assert needed_tiles(geometry(SHOWN / 6000 / 2, ratio=2.0), SHOWN) == ()


def test_the_largest_screen_has_no_more_tiles_than_are_kept() -> None:
    placed = PhotoGeometry()
    placed.photo, placed.view = QSize(40_000, 20_000), QSizeF(7680, 4320)
    for zoom in (0.26, 0.51, 0.75, 1.0):
        placed.zoom_about(zoom, QPointF(3840, 2160))
        needed = needed_tiles(placed, SHOWN)
        in_sight = [tile for tile in needed if rect(tile).intersects(placed.seen())]
        assert needed
        assert len(in_sight) <= len(needed) <= MOST_TILES
        assert max(tile.reduction for tile in needed) * zoom <= 2


def test_tiles_that_have_not_been_needed_for_longest_go_first(qtbot: QtBot) -> None:
    tiles, image = PhotoTiles(), QImage(4, 4, QImage.Format.Format_RGB32)
    every = [Tile(left, 0, left + 4, 4) for left in range(0, 4 * (MOST_TILES + 1), 4)]
    for tile in every[:-1]:
        tiles.add(tile, image)
    assert tiles.missing(every) == (every[-1],)
    assert tiles.missing([every[0]]) == ()
    tiles.add(every[-1], image)
    assert len(tiles) == MOST_TILES
    assert tiles.missing(every) == (every[1],)


class ScaledView(PhotoView):
    """On a screen with two pixels, each way, for one of a widget's."""

    @override
    def devicePixelRatioF(self) -> float:
        return 2.0


def pattern(width: int, height: int) -> PixelArray:
    """Every pixel differs from its neighbours; each place has its own colours."""
    y, x = np.mgrid[:height, :width]
    return np.stack([x % 251, y % 241, (x * 7 + y * 13) % 239], axis=2).astype(np.uint8)


def to_image(pixels: PixelArray) -> QImage:
    height, width = pixels.shape[:2]
    raw = pixels.tobytes()
    image = QImage(raw, width, height, 3 * width, QImage.Format.Format_RGB888)
    return image.convertToFormat(QImage.Format.Format_RGB32)


def to_pixels(image: QImage) -> PixelArray:
    converted = image.convertToFormat(QImage.Format.Format_RGB32)
    raw = np.frombuffer(converted.constBits(), np.uint8)
    return raw.reshape(image.height(), image.width(), 4)[..., 2::-1].copy()


def answer(view: PhotoView, photo: PixelArray) -> list[Tile]:
    """Give the view the tiles that it asks for, at once; what it asked for comes back."""
    given: list[Tile] = []

    def give(tiles: tuple[Tile, ...]) -> None:
        for tile in tiles:
            part = photo[tile.top : tile.bottom, tile.left : tile.right]
            view.set_tile(tile, to_image(np.ascontiguousarray(part)))
        given.extend(tiles)

    view.tiles_requested.connect(give)
    return given


def shown(view: PhotoView) -> PixelArray:
    """What is on the screen, in its own pixels."""
    ratio = view.devicePixelRatioF()
    screen = QImage(view.size() * ratio, QImage.Format.Format_RGB32)
    screen.setDevicePixelRatio(ratio)
    view.set_zoom_shown(False)
    view.render(screen)
    screen.setDevicePixelRatio(1.0)
    return to_pixels(screen)


def opened(qtbot: QtBot, view: PhotoView, photo: PixelArray) -> list[Tile]:
    """Show a photo by a picture of a quarter of its size."""
    qtbot.addWidget(view)
    view.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    view.resize(400, 300)
    view.show()
    height, width = photo.shape[:2]
    given = answer(view, photo)
    small = to_image(photo).scaled(width // 4, height // 4)
    view.set_photo(small, QSize(width, height))
    return given


@pytest.mark.slow
@pytest.mark.parametrize("kind", [PhotoView, ScaledView])
def test_at_actual_size_the_screen_shows_the_photos_own_pixels(
    qtbot: QtBot, kind: type[PhotoView]
) -> None:
    photo, view = pattern(2400, 1500), kind()
    given = opened(qtbot, view, photo)
    assert view.zoom == pytest.approx(min(400 / 2400, 300 / 1500) * view.devicePixelRatioF())
    view.actual_size()
    qtbot.waitUntil(lambda: bool(given))

    screen = shown(view)

    height, width = screen.shape[:2]
    left, top = (2400 - width) // 2, (1500 - height) // 2
    expected = photo[top : top + height, left : left + width]
    np.testing.assert_array_equal(screen, expected)


@pytest.mark.parametrize("kind", [PhotoView, ScaledView])
@pytest.mark.parametrize("zoom", [1.3, 1.7, 4.0])
def test_tiles_show_what_the_whole_photo_would_also_across_their_edges(
    qtbot: QtBot, kind: type[PhotoView], zoom: float
) -> None:
    size = 1024, 2048  # four tiles meet in the middle
    photo = np.random.default_rng(0).integers(0, 255, (*size, 3), dtype=np.uint8)
    view, whole = kind(), kind()
    given = opened(qtbot, view, photo)
    opened(qtbot, whole, photo)
    whole.set_photo(to_image(photo))
    for each in (view, whole):
        each._zoom_about(zoom, QPointF(200, 150))
    qtbot.waitUntil(lambda: bool(given))

    difference = np.abs(shown(view).astype(int) - shown(whole))

    middle = difference[20:-20, 20:-20]
    assert middle.max() <= 8
    assert middle.mean() < 1


@pytest.mark.slow
def test_panning_asks_for_what_comes_into_sight_and_for_no_more(qtbot: QtBot) -> None:
    photo, view = pattern(4096, 3072), PhotoView()
    given = opened(qtbot, view, photo)
    view.actual_size()
    qtbot.waitUntil(lambda: bool(given))
    first = len(given)
    for _ in range(9):
        view._pan(QPointF(-60, 0))
    assert first < len(given) <= first + 8
    assert len(set(given)) == len(given)
    np.testing.assert_array_equal(shown(view)[150, 200], photo[1536, 2048 + 540])


def test_until_tiles_come_the_old_picture_is_seen_and_never_nothing(qtbot: QtBot) -> None:
    view, photo = PhotoView(), np.full((1500, 2400, 3), 200, np.uint8)
    qtbot.addWidget(view)
    view.resize(400, 300)
    view.show()
    view.set_photo(to_image(photo).scaled(600, 375), QSize(2400, 1500))
    with qtbot.waitSignal(view.tiles_requested) as asked:
        view.actual_size()
    assert asked.args[0]
    assert (shown(view)[10:-10, 10:-10] == 200).all()


def test_no_tile_is_asked_for_while_nobody_sees_the_photo(qtbot: QtBot) -> None:
    photo, view = pattern(2400, 1500), PhotoView()
    given = opened(qtbot, view, photo)
    view.actual_size()
    qtbot.waitUntil(lambda: bool(given))
    view.hide()
    assert not len(view._tiles)
    before = len(given)
    view._zoom_about(2.0, QPointF(10, 10))
    view._on_refine_timeout()
    assert len(given) == before
    with qtbot.waitSignal(view.tiles_requested):
        view.show()


def test_another_photo_has_none_of_the_tiles_of_the_one_before(qtbot: QtBot) -> None:
    photo, view = pattern(2400, 1500), PhotoView()
    given = opened(qtbot, view, photo)
    view.actual_size()
    qtbot.waitUntil(lambda: bool(given))
    view.set_photo(to_image(np.full((75, 120, 3), 9, np.uint8)), QSize(120, 75))
    view.actual_size()
    assert (shown(view)[150, 200] == 9).all()


def test_pointing_marking_and_linked_views_keep_to_the_photo_not_to_its_picture(
    qtbot: QtBot,
) -> None:
    view, plain = PhotoView(), PhotoView()
    for widget in (view, plain):
        qtbot.addWidget(widget)
        widget.resize(400, 300)
        widget.show()
    photo = to_image(pattern(1600, 1200))
    view.set_photo(photo.scaled(200, 150), QSize(1600, 1200))
    plain.set_photo(photo)
    assert view.photo_rect() == plain.photo_rect()
    view.place_changed.connect(plain.set_place)
    view._zoom_about(1.5, QPointF(120, 90))
    assert view.photo_rect() == plain.photo_rect()
    assert view.view_to_photo(QPointF(33, 44)) == plain.view_to_photo(QPointF(33, 44))
    for widget in (view, plain):
        qtbot.mousePress(
            widget, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ShiftModifier, QPoint(50, 60)
        )
        qtbot.mouseMove(widget, QPoint(150, 160))
        qtbot.mouseRelease(widget, Qt.MouseButton.LeftButton, pos=QPoint(150, 160))
    assert view.region == plain.region is not None


@pytest.mark.parametrize(
    ("begin", "factor", "end"),
    [
        (0.9, 1.25, 1.0),
        (1.0, 1.25, 1.25),
        (1.8, 1.25, 2.0),
        (1.1, 0.8, 1.0),
        (2.2, 0.8, 2.0),
        (0.5, 0.8, 0.4),
        (0.22, 0.8, 0.2),
    ],
)
def test_a_step_of_the_zoom_ends_at_fit_and_at_round_sizes(
    begin: float, factor: float, end: float
) -> None:
    assert geometry(begin).stepped_zoom(factor) == pytest.approx(end)


def test_the_zoom_is_said_in_per_cent_of_the_photos_own_pixels(qtbot: QtBot) -> None:
    view = PhotoView()
    opened(qtbot, view, pattern(2400, 1500))
    assert view._zoom_text() == "17 %"
    view.actual_size()
    assert view._zoom_text() == "100 %"
    view.set_detail_note("sharpening…")
    assert view._zoom_text() == "100 %, sharpening…"


def test_a_picture_to_be_kept_is_without_the_zoom(qtbot: QtBot) -> None:
    view = PhotoView()
    opened(qtbot, view, np.full((300, 400, 3), 120, np.uint8))
    assert (to_pixels(view.picture()) == 120).all()
    assert not (to_pixels(view.grab().toImage()) == 120).all()
    assert TILE_SIDE == 512
