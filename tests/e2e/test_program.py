"""The real program: the real window, engine process, decoders and shipped model."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from csra_gui.app import Application
from csra_gui.base.settings import MAP_DIM, VIEW_MODE, Settings
from csra_gui.widgets.photo_view import PhotoView
from engine.api.remote import RemoteEngine
from engine.service.server import serve_local
from tests.e2e.waiting import wait_until
from tests.paths import ROOT

SAMPLES = ROOT / "resources" / "samples"
OBJECTS = json.loads((SAMPLES / "objects.json").read_text(encoding="utf-8"))
TIMEOUT_MS = 90_000
# Those with an object that the shipped model can name.
SHOWN = {name: objects[0] for name, objects in OBJECTS.items() if objects}
# A kind stands in the list before what it is one of, which is folded away.
LISTED_AS = {"boat": "sailing boat"}


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    """The program on the sample photos, opened by dropping their folder, tagged."""
    app = QApplication.instance() or QApplication([])
    own = pytest.MonkeyPatch()  # this is made before the guards of a test
    own.setenv("CSRA_GUI_DATA", str(tmp_path_factory.mktemp("data")))
    settings = Settings(tmp_path_factory.mktemp("profile") / "settings.ini")
    settings.set_value(VIEW_MODE, "large")
    settings.set_value(MAP_DIM, False)  # the map is to be seen by its colours alone
    application = Application(lambda: RemoteEngine(serve_local), settings)
    application.start([])
    drop(application, SAMPLES)
    session = application.session

    def is_tagged() -> bool:
        app.processEvents()
        assert not session.models.error
        return len(session.photos) > 0 and not session.photos.untagged_rows()

    wait_until(is_tagged, "the photos are tagged")
    yield application
    application.window.close()
    assert application.shut_down()
    own.undo()


def drop(application: Application, folder: Path) -> None:
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(folder))])
    action, left = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
    none = Qt.KeyboardModifier.NoModifier
    window = application.window
    QApplication.sendEvent(window, QDragEnterEvent(QPoint(60, 60), action, mime, left, none))
    QApplication.sendEvent(window, QDropEvent(QPointF(60, 60), action, mime, left, none))


def look_at(qtbot: QtBot, application: Application, name: str) -> None:
    session = application.session
    session.focus.set_current([path.name for path in session.photos.paths].index(name))
    qtbot.waitUntil(
        lambda: (
            session.focus.evidence is not None and application.window.maps.viewer.view.has_photo()
        ),
        timeout=TIMEOUT_MS,
    )


def point_at_label(qtbot: QtBot, application: Application, category: str) -> None:
    """Move the pointer onto a label's row, as a hand would."""
    assert application.session.models.model is not None
    index = application.session.models.model.categories.index_of(category)
    view = application.window.review.labels.labels
    row = view.model().row_of(index)
    assert row is not None, f"{category} is not in the list"
    where = view.visualRect(view.model().index(row, 0)).center()
    QTest.mouseMove(view.viewport(), QPoint(1, 1))
    QTest.mouseMove(view.viewport(), where)
    qtbot.waitUntil(lambda: application.session.focus.category == index)


def heat(application: Application) -> np.ndarray:
    """How strongly the map colours each pixel of the photo as it is painted on the screen."""
    view = application.window.maps.viewer.view
    assert view.overlay_visible()
    with_map = painted(view)
    view.set_peeking(True)
    without = painted(view)
    view.set_peeking(False)
    return np.abs(with_map - without).sum(axis=2)


def painted(view: PhotoView) -> np.ndarray:
    rectangle = view.photo_rect().toAlignedRect()
    image = view.grab(rectangle).toImage().convertToFormat(QImage.Format.Format_RGB32)
    pixels = np.frombuffer(image.constBits(), np.uint8)
    return pixels.reshape(image.height(), image.width(), 4)[..., :3].astype(float)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(SHOWN))
def test_the_main_object_of_a_sample_is_its_label(application: Application, name: str) -> None:
    session = application.session
    row = [path.name for path in session.photos.paths].index(name)
    assert SHOWN[name]["category"] in [label.category for label in session.labels(row)]


@pytest.mark.parametrize("name", sorted(SHOWN))
def test_pointing_at_a_label_lays_the_heat_on_the_object(
    qtbot: QtBot, application: Application, name: str
) -> None:
    look_at(qtbot, application, name)
    category = SHOWN[name]["category"]
    point_at_label(qtbot, application, LISTED_AS.get(category, category))
    strength = heat(application)
    height, width = strength.shape
    box = np.zeros_like(strength, dtype=bool)
    for shown in OBJECTS[name]:
        if shown["category"] == SHOWN[name]["category"]:
            left, top, right, bottom = shown["box"]
            rows = slice(int(top * height), int(bottom * height) + 1)
            box[rows, int(left * width) : int(right * width) + 1] = True
    inside = strength[box].sum() / strength.sum()
    assert inside > 0.5, f"only {inside:.0%} of the heat lies on the object"
    assert strength[box].mean() > strength[~box].mean()


def test_every_sample_was_read(application: Application) -> None:
    photos = application.session.photos
    assert len(photos) == len(list(SAMPLES.glob("*.jpg")))
    assert [row for row in range(len(photos)) if photos.error(row)] == []


def test_nothing_is_written_beside_the_photos(application: Application) -> None:
    names = {path.name for path in SAMPLES.iterdir()}
    assert {n for n in names if not n.endswith((".jpg", ".md", ".json"))} == set()


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="sends a POSIX signal")
def test_the_program_started_by_its_command_ends_cleanly_when_asked(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "QT_QPA_PLATFORM": "offscreen",
        "CSRA_GUI_PROFILE": str(tmp_path / "profile"),
    }
    program = subprocess.Popen(
        [sys.executable, "main.py", "--samples"],
        cwd=ROOT,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    written = tmp_path / "profile" / "settings.ini"
    wait_until(lambda: written.exists() or program.poll() is not None, "the window is there")
    program.send_signal(signal.SIGINT)
    _, errors = program.communicate(timeout=TIMEOUT_MS / 1000)
    assert program.returncode == 0, errors
    assert not re.search(r"Traceback|QThread|Warning", errors), errors


@pytest.mark.slow
def test_the_tag_command_agrees_with_the_window(application: Application) -> None:
    result = subprocess.run(
        [sys.executable, "main.py", "tag", str(SAMPLES), "--device", "cpu"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    session = application.session
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [row["path"] for row in rows] == [str(path) for path in session.photos.paths]
    for number, row in enumerate(rows):
        shown = [label.category for label in session.photos.labels(number, 0.5)]
        assert [label["category"] for label in row["labels"]] == shown
