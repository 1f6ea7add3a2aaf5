from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from csra_gui.base.theme import BACKDROP
from csra_gui.widgets.photo_geometry import MAX_ZOOM, PhotoGeometry
from csra_gui.widgets.photo_marks import PhotoMark
from csra_gui.widgets.photo_view import PhotoView

RED, BLUE = QColor("#c00000"), QColor("#0000c0")


def image(width: int, height: int, color: QColor) -> QImage:
    result = QImage(width, height, QImage.Format.Format_RGB32)
    result.fill(color)
    return result


@pytest.fixture
def view(qtbot: QtBot) -> PhotoView:
    widget = PhotoView()
    qtbot.addWidget(widget)
    widget.resize(400, 300)
    widget.show()
    return widget


def wheel(view: PhotoView, at: QPointF, notches: int) -> None:
    event = QWheelEvent(
        at,
        view.mapToGlobal(at),
        QPoint(),
        QPoint(0, 120 * notches),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(view, event)


def near(one: QPointF | None, other: QPointF | None, tolerance: float) -> bool:
    assert one is not None
    assert other is not None
    return (one - other).manhattanLength() <= tolerance


def test_a_photo_is_fitted_and_centred(view: PhotoView) -> None:
    view.set_photo(image(800, 200, RED))
    assert view.photo_rect() == QRectF(0, 100, 400, 100)
    assert view.zoom == pytest.approx(0.5)
    view.set_photo(image(300, 600, RED))
    assert view.photo_rect() == QRectF(125, 0, 150, 300)


def test_a_fitted_photo_follows_the_size_of_the_view(view: PhotoView) -> None:
    view.set_photo(image(800, 600, RED))
    view.resize(200, 150)
    assert view.photo_rect() == QRectF(0, 0, 200, 150)


def test_the_wheel_zooms_about_the_pointer(view: PhotoView) -> None:
    view.set_photo(image(800, 600, RED))
    at = QPointF(130, 90)
    before = view.view_to_photo(at)
    for notches in (3, 2, -1):
        wheel(view, at, notches)
        assert near(view.view_to_photo(at), before, 0.004)
    assert view.zoom == pytest.approx(0.5 * 1.25**4)


def test_zoom_stays_within_limits_and_the_photo_comes_back_to_the_middle(view: PhotoView) -> None:
    view.set_photo(image(800, 600, RED))
    wheel(view, QPointF(10, 10), 100)
    assert view.zoom == MAX_ZOOM
    wheel(view, QPointF(10, 10), -200)
    assert view.photo_rect() == QRectF(0, 0, 400, 300)
    assert view.fitted


def test_a_double_click_goes_to_the_photos_own_pixels_and_back(
    view: PhotoView, qtbot: QtBot
) -> None:
    view.set_photo(image(1600, 1200, RED))
    at = QPoint(100, 75)
    before = view.view_to_photo(QPointF(at))
    qtbot.mouseDClick(view, Qt.MouseButton.LeftButton, pos=at)
    assert view.zoom == 1.0
    assert near(view.view_to_photo(QPointF(at)), before, 0.002)
    qtbot.mouseDClick(view, Qt.MouseButton.LeftButton, pos=at)
    assert view.fitted


def test_dragging_moves_the_photo_with_the_pointer_up_to_its_edge(
    view: PhotoView, qtbot: QtBot
) -> None:
    view.set_photo(image(1600, 1200, RED))
    view.actual_size()
    grabbed = view.view_to_photo(QPointF(200, 150))
    qtbot.mousePress(view, Qt.MouseButton.LeftButton, pos=QPoint(200, 150))
    qtbot.mouseMove(view, QPoint(260, 190))
    assert near(view.view_to_photo(QPointF(260, 190)), grabbed, 0.002)
    qtbot.mouseMove(view, QPoint(5000, 5000))
    qtbot.mouseRelease(view, Qt.MouseButton.LeftButton, pos=QPoint(5000, 5000))
    assert view.photo_rect().topLeft() == QPointF(0, 0)
    qtbot.mouseMove(view, QPoint(10, 10))
    assert view.photo_rect().topLeft() == QPointF(0, 0)


def test_pointing_tells_the_place_in_the_photo_and_leaving_tells_none(
    view: PhotoView, qtbot: QtBot
) -> None:
    view.set_photo(image(800, 200, RED))  # lies at y 100 to 200
    told: list[QPointF | None] = []
    view.position_hovered.connect(told.append)
    qtbot.mouseMove(view, QPoint(100, 150))
    assert told[-1] == QPointF(0.25, 0.5)
    qtbot.mouseMove(view, QPoint(100, 20))
    assert told[-1] is None
    qtbot.mouseMove(view, QPoint(300, 125))
    assert told[-1] == QPointF(0.75, 0.25)
    QApplication.sendEvent(view, QEvent(QEvent.Type.Leave))
    assert told[-1] is None


def test_zoom_is_told_when_it_changes(view: PhotoView, qtbot: QtBot) -> None:
    view.set_photo(image(800, 600, RED))
    with qtbot.waitSignal(view.zoom_changed) as told:
        view.zoom_in()
    assert told.args == [pytest.approx(0.625)]
    with qtbot.assertNotEmitted(view.zoom_changed):
        view.set_caption("dog")


def colored(view: PhotoView, color: QColor) -> QRectF:
    """The rectangle that holds all pixels of a colour, or nearly: edges are blends."""
    shot = view.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    raw = np.frombuffer(shot.constBits(), dtype=np.uint8)
    bgr = raw.reshape(shot.height(), shot.width(), 4)[..., :3].astype(int)
    alike = (abs(bgr - (color.blue(), color.green(), color.red())) <= 60).all(axis=2)
    if not alike.any():
        return QRectF()
    columns, rows = np.flatnonzero(alike.any(axis=0)), np.flatnonzero(alike.any(axis=1))
    width, height = columns[-1] - columns[0] + 1, rows[-1] - rows[0] + 1
    return QRectF(columns[0], rows[0], width, height)


@pytest.mark.parametrize("size", [(640, 480), (301, 517), (90, 60)])
@pytest.mark.parametrize("notches", [0, 1, 3, -2])
def test_the_overlay_covers_exactly_the_photo_at_any_zoom(
    view: PhotoView, size: tuple[int, int], notches: int
) -> None:
    view.set_photo(image(*size, RED))
    if notches:
        wheel(view, QPointF(150, 110), notches)
    view.clearFocus()
    bare = colored(view, RED)
    view.set_overlay(image(14, 14, BLUE))
    assert colored(view, BLUE) == bare
    assert colored(view, RED).isEmpty()
    expected = view.photo_rect().intersected(QRectF(view.rect()))
    for ours, theirs in zip(bare.getCoords(), expected.getCoords(), strict=True):
        assert abs(ours - theirs) <= 1.0


def test_holding_space_hides_the_overlay_until_it_is_let_go(view: PhotoView, qtbot: QtBot) -> None:
    view.set_photo(image(400, 300, RED))
    view.set_overlay(image(10, 10, BLUE))
    assert view.overlay_visible()
    qtbot.keyPress(view, Qt.Key.Key_Space)
    assert not colored(view, RED).isEmpty()
    assert not view.overlay_visible()
    qtbot.keyRelease(view, Qt.Key.Key_Space)
    assert view.overlay_visible()


def test_losing_the_keyboard_ends_the_peek(view: PhotoView, qtbot: QtBot) -> None:
    view.set_photo(image(400, 300, RED))
    view.set_overlay(image(10, 10, BLUE))
    view.activateWindow()
    view.setFocus()
    qtbot.waitUntil(view.hasFocus)
    qtbot.keyPress(view, Qt.Key.Key_Space)
    view.clearFocus()
    assert view.overlay_visible()


def test_another_photo_comes_fitted_and_without_the_old_overlay(view: PhotoView) -> None:
    view.set_photo(image(800, 600, RED))
    view.set_overlay(image(10, 10, BLUE))
    view.actual_size()
    view.set_photo(image(800, 600, RED))
    assert view.fitted
    assert not view.overlay_visible()


def test_without_a_photo_there_is_a_message_and_nothing_to_zoom(
    view: PhotoView, qtbot: QtBot
) -> None:
    view.set_message("Cannot be read", "<b>broken</b>.jpg")
    assert view.accessibleDescription() == "Cannot be read. <b>broken</b>.jpg"
    assert view.photo_rect().isEmpty()
    assert view.view_to_photo(QPointF(10, 10)) is None
    shot = view.grab().toImage()
    middle = [shot.pixelColor(x, y) for x in range(100, 300) for y in range(100, 200)]
    assert any(color.lightnessF() > 0.7 for color in middle)
    with qtbot.assertNotEmitted(view.zoom_changed):
        wheel(view, QPointF(10, 10), 3)
        view.zoom_in()
        view.fit()


def test_plus_minus_zero_and_one_zoom(view: PhotoView, qtbot: QtBot) -> None:
    view.set_photo(image(1600, 1200, RED))
    qtbot.keyClick(view, Qt.Key.Key_Plus)
    assert view.zoom == pytest.approx(0.3125)
    qtbot.keyClick(view, Qt.Key.Key_1)
    assert view.zoom == 1.0
    qtbot.keyClick(view, Qt.Key.Key_Minus)
    assert view.zoom == pytest.approx(0.8)
    qtbot.keyClick(view, Qt.Key.Key_0)
    assert view.fitted


def test_arrows_pan_a_photo_that_is_larger_than_the_view(view: PhotoView) -> None:
    view.set_photo(image(1600, 1200, RED))
    view.actual_size()
    before = view.photo_rect()
    QTest.keyClick(view, Qt.Key.Key_Right)
    assert view.photo_rect().left() == before.left() - 64


def test_a_small_photo_is_not_blown_up_without_end(view: PhotoView) -> None:
    view.set_photo(image(10, 10, RED))
    assert view.photo_rect().size().toSize() == QSize(40, 40)
    assert view.grab().toImage().pixelColor(5, 5) == BACKDROP


def test_geometry_counts_device_pixels() -> None:
    geometry = PhotoGeometry()
    geometry.photo, geometry.ratio = QSize(1000, 500), 2.0
    geometry.view = QRectF(0, 0, 400, 400).size()
    geometry.fit()
    assert geometry.zoom == pytest.approx(0.8)
    assert geometry.device_size() == QSize(800, 400)
    geometry.zoom_about(1.0, QPointF(200, 200))
    assert geometry.rect() == QRectF(-50, 75, 500, 250)  # 1000 device pixels


def test_a_linked_view_of_another_size_shows_the_same_part_of_the_photo(qtbot: QtBot) -> None:
    one, other = PhotoView(), PhotoView()
    for widget, width in ((one, 400), (other, 260)):
        qtbot.addWidget(widget)
        widget.resize(width, 300)
        widget.show()
        widget.set_photo(image(1600, 1200, RED))
    one.place_changed.connect(other.set_place)
    wheel(one, QPointF(300, 100), 8)
    assert other.zoom == one.zoom
    assert near(other.view_to_photo(QPointF(130, 150)), one.view_to_photo(QPointF(200, 150)), 0.005)
    one.fit()
    assert other.fitted
    assert other.photo_rect().width() == pytest.approx(260)


def test_marks_lie_at_their_place_in_the_photo_and_covered_parts_are_not_seen(
    view: PhotoView,
) -> None:
    view.set_photo(image(400, 300, RED))
    view.set_marks([PhotoMark(QRectF(0.25, 0.25, 0.5, 0.5), QColor("#00ff00"))])
    view.set_covered(QRectF(0.5, 0.5, 0.5, 0.5))
    seen = view.grab().toImage()
    assert seen.pixelColor(100, 150) == QColor("#00ff00")
    assert seen.pixelColor(150, 100) == RED
    covered = seen.pixelColor(350, 280)
    assert covered.red() == covered.green() == covered.blue()
    view.set_photo(image(400, 300, RED))
    assert not view.marks
    assert view.covered is None
