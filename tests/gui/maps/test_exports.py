from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from csra_gui.app import Application
from csra_gui.maps.export_files import PageProgress, write_page
from engine.api.errors import DataError, ImageError
from engine.api.values import PositionScores
from engine.explain.drawn_maps import DrawingSettings
from engine.explain.evidence import local_probability
from tests.fakes import CATEGORIES, HEIGHT, WIDTH, FakeDecoder, FakeEngine, fake_model
from tests.gui.driver import trigger

CAT = CATEGORIES.index_of("cat")


def save(qtbot: QtBot, application: Application, command: str, target: Path) -> Path:
    """Choose the command and a name, and wait for the file."""
    trigger(application, command)
    [dialog] = application.window.findChildren(QFileDialog)
    exports = application.window.maps.exports
    with qtbot.waitSignal(exports.written):
        dialog.fileSelected.emit(str(target))
        dialog.done(QFileDialog.DialogCode.Rejected)
    qtbot.waitUntil(lambda: not exports.is_busy)
    assert f"{target.name} is written." in " ".join(application.window.message_bar.texts())
    return target


@pytest.mark.slow
def test_the_picture_is_saved_and_copied_as_it_is_seen(
    qtbot: QtBot, looking: Application, tmp_path: Path
) -> None:
    view = looking.window.maps.viewer.view
    trigger(looking, "copy_picture")
    copied = QGuiApplication.clipboard().image()
    assert copied.size() == view.size() * view.devicePixelRatioF()
    saved = QImage(str(save(qtbot, looking, "save_picture", tmp_path / "seen.png")))
    assert saved == copied.convertToFormat(saved.format())


def test_the_whole_photo_is_saved_with_all_its_pixels_and_the_map(
    qtbot: QtBot, looking: Application, tmp_path: Path
) -> None:
    looking.session.thresholds.set_common(0.95)  # the blob reaches it, what is around does not
    saved = QImage(str(save(qtbot, looking, "save_full_picture", tmp_path / "full.png")))
    assert (saved.width(), saved.height()) == (WIDTH, HEIGHT)
    scores = looking.session.focus.evidence
    assert scores is not None
    grid = local_probability(scores, CAT)
    row, column = np.unravel_index(grid.argmax(), grid.shape)
    high = saved.pixelColor(
        int((column + 0.5) / grid.shape[1] * WIDTH), int((row + 0.5) / grid.shape[0] * HEIGHT)
    )
    row, column = np.unravel_index(grid.argmin(), grid.shape)
    low = saved.pixelColor(
        int((column + 0.5) / grid.shape[1] * WIDTH), int((row + 0.5) / grid.shape[0] * HEIGHT)
    )
    assert high.red() > low.red() + 50  # the photo is a plain (90, 90, 90)
    assert low.red() < 150


@pytest.mark.slow
def test_numbers_are_the_shown_map_or_everything(
    qtbot: QtBot, looking: Application, tmp_path: Path
) -> None:
    scores = looking.session.focus.evidence
    assert scores is not None
    one = np.load(save(qtbot, looking, "save_numbers", tmp_path / "map.npy"))
    assert np.array_equal(one, local_probability(scores, CAT))
    with np.load(save(qtbot, looking, "save_numbers", tmp_path / "all.npz")) as every:
        assert np.array_equal(every["position_scores"], scores.values)
        assert {"cat", "dog"} <= set(every["shown"].tolist())


@pytest.mark.slow
def test_a_sheet_has_the_photo_and_a_tile_per_label(
    qtbot: QtBot, looking: Application, tmp_path: Path
) -> None:
    sheet = QImage(str(save(qtbot, looking, "save_sheet", tmp_path / "sheet.png")))
    labels = len(looking.session.labels(looking.session.focus.current or 0))
    assert labels >= 2
    assert sheet.width() > min(5, labels + 1) * 300


@pytest.mark.slow
def test_a_page_tells_of_the_selected_photos_and_what_it_left_out(
    qtbot: QtBot, looking: Application, tmp_path: Path
) -> None:
    looking.session.set_selection(range(len(looking.session.photos)))
    page = save(qtbot, looking, "save_page", tmp_path / "page.html").read_text(encoding="utf-8")
    assert page.count("<section") == 4
    assert "cat-and-dog.jpg" in page
    assert "bad.jpg" not in page
    assert page.endswith("</html>\n")
    assert "1 photos could not be read" in " ".join(looking.window.message_bar.texts())


@pytest.mark.slow
def test_a_cancelled_page_leaves_nothing(
    qtbot: QtBot, looking: Application, engine: FakeEngine, tmp_path: Path
) -> None:
    engine.explain_gate.clear()
    exports = looking.window.maps.exports
    exports.save_page(tmp_path / "page.html")
    assert exports.is_busy
    assert not exports.can_export
    exports.cancel()
    engine.explain_gate.set()
    qtbot.waitUntil(lambda: not exports.is_busy)
    assert not list(tmp_path.glob("*.html"))
    assert not list(tmp_path.glob(".csra*"))


@pytest.mark.slow
def test_a_disk_that_refuses_is_said_and_the_old_file_stays(
    qtbot: QtBot, looking: Application, tmp_path: Path
) -> None:
    exports = looking.window.maps.exports
    with qtbot.waitSignal(exports.failed):
        exports.save_seen(tmp_path / "no" / "such" / "folder.png")
    assert any("could not be written" in text for text in looking.window.message_bar.texts())


def test_a_page_is_not_there_before_it_is_whole(tmp_path: Path) -> None:
    target, decoder = tmp_path / "page.html", FakeDecoder()

    def explain(path: Path) -> PositionScores:
        raise ImageError("The file ends too early.")

    photos = [Path("a.jpg"), Path("b.jpg")]
    writing = write_page(decoder, fake_model("m", None), DrawingSettings(), explain, photos, target)
    assert next(writing) == PageProgress(1, 2, 1)
    assert not target.exists()
    assert list(writing) == [PageProgress(2, 2, 2)]
    assert target.exists()
    decoder.close()
    with pytest.raises(DataError):
        next(write_page(decoder, fake_model("m", None), DrawingSettings(), explain, [], tmp_path))
