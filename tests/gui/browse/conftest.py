from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from csra_gui.app import Application
from tests.gui.driver import Start, full_screens, unpainted


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """23 photos in two folders: 12 cats, then 11 dogs."""
    folder = tmp_path / "many"
    (folder / "dogs").mkdir(parents=True)
    for number in range(12):
        (folder / f"cat-{number}.jpg").touch()
    for number in range(11):
        (folder / "dogs" / f"dog-{number}.jpg").touch()
    return folder


@pytest.fixture
def application(qtbot: QtBot, start: Start, many: Path) -> Iterator[Application]:
    made = start([many])
    made.window.resize(1400, 900)
    session = made.session
    with unpainted(made.window):
        qtbot.waitUntil(
            lambda: (
                len(session.photos) == 23
                and not session.photos.untagged_rows()
                and not session.tagger.is_running
            ),
            timeout=30_000,
        )
    yield made
    for screen in full_screens():
        screen.close()
