from __future__ import annotations

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from csra_gui.app import Application
from tests.fakes import CATEGORIES
from tests.gui.driver import Start, select, wait_until_tagged


@pytest.fixture
def looking(qtbot: QtBot, start: Start, photos: Path) -> Application:
    """A window on the photo of a cat and a dog, with its position scores there and cat pinned."""
    application = start([photos])
    application.window.browse.browsing.set_photo_beside(True)
    wait_until_tagged(qtbot, application)
    select(qtbot, application, "cat-and-dog.jpg")
    qtbot.waitUntil(application.window.maps.viewer.view.has_photo)
    application.session.focus.set_pinned(CATEGORIES.index_of("cat"))
    return application
