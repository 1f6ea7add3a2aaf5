"""The map on the screen lies over what the model saw: a real file, a bright object in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from csra_gui.app import Application
from csra_gui.base.settings import Settings
from csra_gui.browse.view_mode import ViewMode
from engine.api.geometry import Box
from engine.api.values import FloatArray, PositionScores
from engine.data.decoding.pool import DecodePool, DecodeRequest
from tests.engine.images import save_oriented
from tests.fakes import CATEGORIES, FakeEngine

CELLS, SIDE = 14, 112
#: Where the bright object lies in every photo, in fractions.
OBJECT = Box(0.6, 0.15, 0.95, 0.45)


class SeesBrightness(FakeEngine):
    """Decodes the real file; the score of a cell is its brightness."""

    fit = "squash"
    pool: DecodePool

    def explain(
        self, model_id: str, path: Path, hidden: Box | None = None, input_size: int | None = None
    ) -> PositionScores:
        """Bright cells have 6, dark ones −6, for every category."""
        image = self.pool.submit(DecodeRequest(path, SIDE, self.fit)).result()  # type: ignore[arg-type]
        grey = image.pixels.mean(axis=2).reshape(CELLS, SIDE // CELLS, CELLS, SIDE // CELLS)
        cells = (grey.mean(axis=(1, 3)) / 255 * 12 - 6).astype(np.float32)
        values = np.broadcast_to(cells, (1, len(CATEGORIES), CELLS, CELLS))
        width, height = image.width, image.height
        return PositionScores(path, model_id, values, (1.0,), 0.1, image.content, width, height)


@pytest.fixture
def application(qtbot: QtBot, tmp_path: Path) -> Iterator[Application]:
    """The whole window with real decoding."""
    engine = SeesBrightness()
    with DecodePool(1) as pool:
        engine.pool = pool
        settings = Settings(tmp_path / "settings.ini")
        made = Application(lambda: engine, settings, decoder=DecodePool(1, newest_first=True))
        made.start([])
        made.session.engine_under_test = engine  # type: ignore[attr-defined]
        yield made
        made.window.close()
        assert made.shut_down()
        made.window.deleteLater()
        made.deleteLater()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def photo(width: int, height: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Dark; the object is white."""
    pixels = np.full((height, width, 3), 10, np.uint8)
    rows = slice(round(OBJECT.top * height), max(1, round(OBJECT.bottom * height)))
    pixels[rows, round(OBJECT.left * width) : round(OBJECT.right * width)] = 255
    return pixels


def grey(image: QImage) -> FloatArray:
    converted = image.convertToFormat(QImage.Format.Format_Grayscale8)
    rows = np.frombuffer(converted.constBits(), np.uint8).reshape(image.height(), -1)
    return rows[:, : image.width()].astype(np.float32)


def middle(mask: FloatArray) -> tuple[float, float]:
    """The centre of what is marked, in pixels of the widget."""
    rows, columns = np.nonzero(mask)
    return float(columns.mean()), float(rows.mean())


@pytest.mark.slow
@pytest.mark.parametrize("fit", ["squash", "letterbox"])
@pytest.mark.parametrize(
    ("size", "orientation"),
    [((160, 120), 1), ((160, 96), 6), ((96, 160), 3), ((900, 60), 1), ((60, 900), 8), ((8, 6), 1)],
    ids=["plain", "rotated", "upside down", "wide", "high and rotated", "tiny"],
)
def test_the_overlay_lies_on_the_object_that_is_seen(
    qtbot: QtBot,
    application: Application,
    tmp_path: Path,
    size: tuple[int, int],
    orientation: int,
    fit: str,
) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    if orientation == 1:
        Image.fromarray(photo(*size)).save(folder / "x.png")
    else:
        save_oriented(folder / "x.jpg", orientation, photo(*size))
    session, view = application.session, application.window.maps.viewer.view
    session.engine_under_test.fit = fit  # type: ignore[attr-defined]
    application.window.browse.opener.open([folder])
    qtbot.waitUntil(lambda: len(session.photos) == 1 and not session.tagger.is_running)
    application.window.browse.browsing.set_mode(ViewMode.LARGE)
    qtbot.waitUntil(view.isVisible)
    session.focus.set_current(0)
    qtbot.waitUntil(lambda: session.focus.evidence is not None and view.has_photo())
    session.focus.set_pinned(0)
    assert view.overlay_visible()
    view.set_caption("")
    view.set_zoom_shown(False)
    view.set_peeking(True)
    seen = grey(view.grab().toImage()) > 128
    view.set_peeking(False)
    without = view.photo_rect()
    overlay = grey(view._overlay.toImage().convertToFormat(QImage.Format.Format_ARGB32))
    x, y = middle(overlay > overlay.max() / 2)
    scale_x = without.width() / overlay.shape[1]
    scale_y = without.height() / overlay.shape[0]
    drawn = without.left() + (x + 0.5) * scale_x, without.top() + (y + 0.5) * scale_y
    photo_x, photo_y = middle(seen)
    content = session.focus.evidence.content if session.focus.evidence else Box.UNIT
    cell_x = without.width() / CELLS / content.width
    cell_y = without.height() / CELLS / content.height
    assert abs(drawn[0] - photo_x) <= max(2.0, 0.75 * cell_x)
    assert abs(drawn[1] - photo_y) <= max(2.0, 0.75 * cell_y)
