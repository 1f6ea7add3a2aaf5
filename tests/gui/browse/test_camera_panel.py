from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from csra_gui.app import Application
from csra_gui.base.settings import FOLD_CAMERA
from csra_gui.browse import camera_texts
from csra_gui.browse.camera_panel import CameraPanel
from csra_gui.browse.camera_texts import camera_texts as texts
from csra_gui.browse.properties_dialog import PropertiesDialog
from engine.library.cameras import CameraFacts
from tests.engine.metadata.camera_photos import WHOLE, written
from tests.gui.driver import Start, row, trigger, wait_until_tagged


@pytest.fixture
def application(qtbot: QtBot, start: Start, photos: Path) -> Application:
    """A window on photos of which one says everything, and another one nothing."""
    written(photos / "cat.jpg")
    made = start([photos])
    wait_until_tagged(qtbot, made)
    return made


@pytest.fixture
def panel(application: Application) -> CameraPanel:
    return application.window.review.labels.camera


def look_at(application: Application, name: str) -> None:
    application.session.focus.set_current(row(application, name))


def test_the_panel_says_what_the_camera_wrote(
    qtbot: QtBot, application: Application, panel: CameraPanel
) -> None:
    look_at(application, "cat.jpg")
    qtbot.waitUntil(lambda: len(panel.facts) == 6)
    said = panel.facts
    assert said["Camera"] == "Acme X100" and said["Lens"] == WHOLE.lens
    assert said["Exposure"] == "1/250 s, f/2.8, ISO 400, 50 mm"
    assert said["Pixels"].startswith("40 × 30") and "24" in said["Taken"]
    assert all(
        label.textFormat() == Qt.TextFormat.PlainText for label in panel.findChildren(QLabel)
    )
    panel.copy_place.click()
    assert QGuiApplication.clipboard().text() == said["Place"] == "-48.500000, 11.250000"
    look_at(application, "dog.jpg")
    qtbot.waitUntil(lambda: panel.facts == {} and panel.note.startswith("The camera wrote nothing"))
    assert panel.copy_place.isHidden()


def test_what_is_folded_away_is_said_on_a_line_and_stays_folded(
    qtbot: QtBot, application: Application, panel: CameraPanel
) -> None:
    fold, settings = application.window.review.labels.camera_group, application.settings
    assert fold.is_folded and not panel.isVisibleTo(fold)
    look_at(application, "cat.jpg")
    qtbot.waitUntil(lambda: "Acme X100" in fold.button.accessibleDescription())
    fold.toggle()
    assert settings.value(FOLD_CAMERA) is False and panel.isVisibleTo(fold)


def test_a_file_that_is_gone_and_one_that_changes_are_told(
    qtbot: QtBot, application: Application, panel: CameraPanel, photos: Path
) -> None:
    (photos / "dog.jpg").unlink()
    look_at(application, "dog.jpg")
    qtbot.waitUntil(lambda: panel.note == "The file cannot be read now.")
    look_at(application, "person.jpg")
    qtbot.waitUntil(lambda: panel.note.startswith("The camera wrote nothing"))
    written(photos / "person.jpg")
    os.utime(photos / "person.jpg", ns=(10**18, 10**18))
    application.session.pipeline.cameras.rows_read.emit((row(application, "person.jpg"),))
    qtbot.waitUntil(lambda: "Camera" in panel.facts)


def test_a_disk_that_does_not_answer_leaves_nothing_of_another_photo(
    qtbot: QtBot,
    application: Application,
    panel: CameraPanel,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    look_at(application, "cat.jpg")
    qtbot.waitUntil(lambda: "Camera" in panel.facts)
    answers = threading.Event()
    real = camera_texts.read_camera_facts

    def slow(path: Path) -> CameraFacts:
        if path.name == "dog.jpg":
            answers.wait(30.0)
        return real(path)

    monkeypatch.setattr(camera_texts, "read_camera_facts", slow)
    look_at(application, "dog.jpg")
    qtbot.waitUntil(lambda: panel.facts == {})
    look_at(application, "cat.jpg")  # held up by nothing
    qtbot.waitUntil(lambda: "Camera" in panel.facts)
    answers.set()


def test_the_properties_say_the_same(qtbot: QtBot, application: Application) -> None:
    look_at(application, "cat.jpg")
    application.session.set_selection((row(application, "cat.jpg"),))
    trigger(application, "photo_properties")
    dialog = application.window.findChild(PropertiesDialog)
    qtbot.waitUntil(lambda: "Pixels" in dialog.facts)
    assert dict(texts(WHOLE)).items() - dialog.facts.items() <= {("Pixels", texts(WHOLE)[4][1])}
    dialog.close()


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (CameraFacts(), {}),
        (CameraFacts(exposure_s=0.5), {"Exposure": "0.5 s"}),
        (CameraFacts(exposure_s=30.0, iso=12800), {"Exposure": "30 s, ISO 12,800"}),
        (CameraFacts(exposure_s=1 / 8000), {"Exposure": "1/8,000 s"}),
        (CameraFacts(exposure_s=5e-324), {}),
        (CameraFacts(aperture=1e300, focal_mm=1e-9), {"Exposure": "f/1e+300, 1e-09 mm"}),
        (CameraFacts(latitude=0.0, longitude=-0.5), {"Place": "0.000000, -0.500000"}),
        (CameraFacts(width=3), {}),
        (CameraFacts(taken="no date"), {}),
    ],
)
def test_whatever_a_camera_says_is_put_into_words(facts: CameraFacts, said: dict[str, str]) -> None:
    assert dict(texts(facts)) == said
