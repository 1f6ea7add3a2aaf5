from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, Qt
from PySide6.QtGui import QAction, QKeyEvent
from pytestqt.qtbot import QtBot

from csra_gui.base.actions import FeatureActions
from tests.gui.driver import Start, select, wait_until_tagged


@pytest.fixture
def refreshed(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each feature's actions were refreshed."""
    counts: Counter[str] = Counter()

    def count(feature: type[FeatureActions]) -> None:
        refresh = feature.refresh

        def counted(self: FeatureActions) -> None:
            counts[feature.__name__] += 1
            refresh(self)

        monkeypatch.setattr(feature, "refresh", counted)

    for feature in FeatureActions.__subclasses__():
        count(feature)
    return counts


def test_pointing_at_labels_refreshes_the_actions_of_maps_alone(
    qtbot: QtBot, refreshed: Counter[str], start: Start, photos: Path
) -> None:
    application = start([photos])
    wait_until_tagged(qtbot, application)
    select(qtbot, application, "cat.jpg")
    application.window.actions_table.flush()
    assert len(refreshed) > 5
    refreshed.clear()
    for turn in range(100):
        application.session.focus.set_hovered(turn % 2)
    assert not refreshed, "not before the event loop is idle"
    QCoreApplication.processEvents()
    assert refreshed == {"MapActions": 1, "MapExportActions": 1}
    for turn in range(100):
        application.session.focus.set_hovered(turn % 2)
        QCoreApplication.processEvents()
    assert set(refreshed) == {"MapActions", "MapExportActions"}


def test_menus_and_keys_never_go_by_what_was_possible_before(
    qtbot: QtBot, start: Start, photos: Path
) -> None:
    application = start([photos])
    wait_until_tagged(qtbot, application)
    select(qtbot, application, "cat.jpg")
    window, session = application.window, application.session
    undo, redo = (window.findChild(QAction, name) for name in ("undo", "redo"))
    assert not undo.isEnabled()
    session.decisions.decide([0], {}, caption="Mark", reviewed=True)
    assert not undo.isEnabled(), "nothing has been refreshed yet"
    control = Qt.KeyboardModifier.ControlModifier
    asked_first = QKeyEvent(QEvent.Type.ShortcutOverride, Qt.Key.Key_Z, control)
    QCoreApplication.sendEvent(window.browse.grid.view, asked_first)
    assert undo.isEnabled()
    undo.trigger()
    qtbot.waitUntil(lambda: bool(session.decisions.redo_caption))
    window.actions_table.menu("edit").aboutToShow.emit()
    assert redo.isEnabled()
    assert not undo.isEnabled()
