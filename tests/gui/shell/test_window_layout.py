from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QSize
from PySide6.QtWidgets import QApplication, QDialog, QWidget
from pytestqt.qtbot import QtBot

from csra_gui.app import Application
from csra_gui.browse.view_mode import ViewMode
from csra_gui.shell import window_layout
from csra_gui.shell.window_layout import screens_key
from tests.gui.driver import Start, trigger, wait_until_tagged

#: 1080p at 200 %, less the frame of the window.
SMALL_SCREEN = QSize(950, 510)


def on_screens(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setattr(window_layout, "screens_key", lambda: key)


def opened(qtbot: QtBot, start: Start, photos: Path) -> Application:
    application = start([photos])
    wait_until_tagged(qtbot, application)
    return application


def panels(application: Application) -> dict[str, tuple[QWidget, int]]:
    """What is beside something else in the window, and the width in which it can still be read."""
    window = application.window
    return {
        "folders": (window.browse.folders, 150),
        "counts": (window.search.facets, 160),
        "grid": (window.browse.grid, 190),
        "stage": (window.browse.stage, 200),
        "labels": (window.review.labels, 230),
        "maps": (window.maps.panel, 300),
    }


def show_all_panels(application: Application) -> None:
    window = application.window
    for dock in (window.browse.folders, window.search.facets, window.maps.panel):
        dock.show()
    window.browse.browsing.set_photo_beside(True)
    for group in (window.review.labels.threshold_group, window.review.labels.map_group):
        if group.is_folded:
            group.toggle()


def fits(needed: QSize, room: QSize) -> bool:
    return needed.width() <= room.width() and needed.height() <= room.height()


def least(application: Application) -> QSize:
    QApplication.processEvents()  # what was shown just now asks for its room
    application.window.message_bar.clear()  # it comes and goes
    QApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest)
    return application.window.layout().minimumSize()


def test_the_window_is_as_small_as_a_person_needs_it(
    qtbot: QtBot, start: Start, photos: Path
) -> None:
    application = opened(qtbot, start, photos)
    assert fits(least(application), QSize(900, 500))


@pytest.mark.parametrize("mode", ViewMode)
def test_with_every_panel_open_the_window_fits_a_small_screen_at_200_percent(
    qtbot: QtBot, start: Start, photos: Path, mode: ViewMode
) -> None:
    application = opened(qtbot, start, photos)
    show_all_panels(application)
    application.window.browse.browsing.set_mode(mode)
    assert fits(least(application), SMALL_SCREEN)
    application.window.resize(SMALL_SCREEN)
    QApplication.processEvents()
    for name, (panel, width) in panels(application).items():
        if panel.isVisible():
            assert panel.width() >= width, name


def test_each_set_up_of_screens_has_its_own_layout(
    qtbot: QtBot, start: Start, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_screens(monkeypatch, "2560x1400@1")
    large = start()
    large.window.resize(1500, 760)
    large.window.browse.folders.show()
    large.window.close()

    on_screens(monkeypatch, "960x540@2")
    small = start()
    assert small.window.browse.folders.isHidden()
    small.window.maps.panel.show()
    small.window.close()

    on_screens(monkeypatch, "2560x1400@1")
    again = start()
    assert not again.window.browse.folders.isHidden()
    assert again.window.maps.panel.isHidden()


def test_a_layout_of_a_large_window_leaves_every_panel_readable_in_a_small_one(
    qtbot: QtBot, start: Start, photos: Path
) -> None:
    wide = opened(qtbot, start, photos)
    wide.window.resize(2400, 1300)
    show_all_panels(wide)
    QApplication.processEvents()
    wide.window.resize(SMALL_SCREEN)
    wide.window.close()
    small = opened(qtbot, start, photos)
    small.window.resize(SMALL_SCREEN)
    QApplication.processEvents()
    for name, (panel, width) in panels(small).items():
        assert panel.isVisible() and panel.width() >= width, name


def test_the_one_layout_of_older_versions_is_taken_over_once(start: Start) -> None:
    first = start()
    first.window.browse.folders.show()
    old = first.window.saveState()
    first.window.close()
    for name in ("window", "docks", "splitter"):
        first.settings.remove_layout(f"{screens_key()}/{name}")
    first.settings.set_layout("docks", old)
    first.settings.save()
    second = start()
    assert not second.window.browse.folders.isHidden()
    second.window.close()
    assert second.settings.layout("docks").isEmpty()
    assert not second.settings.layout(f"{screens_key()}/docks").isEmpty()


def test_the_screens_are_told_apart_by_size_and_scale() -> None:
    screen = QApplication.primaryScreen()
    size = screen.availableGeometry().size()
    assert screens_key() == f"{size.width()}x{size.height()}@{screen.devicePixelRatio():g}"


@pytest.mark.parametrize(
    "command",
    (
        *("settings", "shortcuts", "show_log", "about", "bulk_edit", "edit_favourites", "retag"),
        *("models", "evaluate_voc", "evaluation_results", "new_training", "trainings"),
        *("improve_model", "teach_label", "why"),
    ),
)
def test_every_dialog_fits_a_small_screen_at_200_percent(
    qtbot: QtBot, start: Start, photos: Path, command: str
) -> None:
    application = opened(qtbot, start, photos)
    before = set(QApplication.topLevelWidgets())
    trigger(application, command)

    def windows() -> list[QWidget]:
        new = set(QApplication.topLevelWidgets()) - before
        return [w for w in new if w.isVisible() and w.isWindow() and type(w) is not QWidget]

    qtbot.waitUntil(lambda: bool(windows()))
    for window in windows():
        assert fits(window.minimumSizeHint(), SMALL_SCREEN), type(window).__name__
        window.close() if not isinstance(window, QDialog) else window.reject()
