"""A model is made faster from the Models dialog, on labelled photos of the person's choice."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from csra_gui.app import Application
from csra_gui.evaluation.faster_dialog import FasterDialog
from csra_gui.models.models_dialog import ModelsDialog
from engine.api.errors import DataError
from engine.records import int8_networks
from engine.records.int8_networks import Int8Networks
from engine.records.model_record import model_id
from engine.records.models import shipped_models
from engine.records.safetensors_header import read_header
from tests.engine.data.datasets.devkits import voc_object, write_voc
from tests.fakes import SHIPPED, FakeEngine
from tests.gui.driver import Start, open_dialog, press, wait_for_model


@pytest.fixture
def devkit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Forty images of VOC2007 val, which is as many as are needed here."""
    monkeypatch.setattr(int8_networks, "LEAST_PHOTOS", 30)
    images = {f"{number:06}": voc_object(("cat", "dog")[number % 2]) for number in range(40)}
    write_voc(tmp_path, {"val": list(images)}, images)
    return tmp_path / "VOCdevkit"


def known() -> str:
    return model_id(read_header(shipped_models()[SHIPPED]).metadata)


def asked(qtbot: QtBot, application: Application) -> tuple[ModelsDialog, FasterDialog]:
    """The Models dialog, and the one that it opened."""
    wait_for_model(qtbot, application)
    models = open_dialog(qtbot, application, SHIPPED)
    models.faster.click()
    faster = application.window.evaluation.controller.faster
    assert faster is not None
    assert SHIPPED in faster.windowTitle()
    return models, faster


def begun(qtbot: QtBot, application: Application, devkit: Path) -> ModelsDialog:
    models, faster = asked(qtbot, application)
    faster.data.set_folder(devkit)
    qtbot.waitUntil(faster.start.isEnabled)
    faster.start.click()
    assert not faster.isVisible()
    return models


def test_a_model_is_made_faster_and_used_so(
    qtbot: QtBot, start: Start, engine: FakeEngine, devkit: Path
) -> None:
    application = start()
    engine.evaluate_gate.clear()
    models = begun(qtbot, application, devkit)
    activity = application.manager.activity
    qtbot.waitUntil(lambda: activity.progress is not None)
    assert not models.faster.isEnabled()
    assert activity.progress is not None
    assert activity.progress.can_cancel
    assert SHIPPED in application.window.models.closing_text()
    engine.evaluate_gate.set()
    qtbot.waitUntil(lambda: "can compute in int8 now" in "".join(models.message_bar.texts()))
    said = "".join(models.message_bar.texts())
    assert "−0.10 mAP, 3.0 times as fast, measured on val, 400 images" in said
    assert application.window.models.closing_text() == ""
    [request] = engine.quantized
    assert (request.dataset, request.root, request.split) == ("voc2007", devkit, "val")
    assert (request.model, request.limit) == (SHIPPED, None)
    qtbot.waitUntil(models.run_with._int8.isEnabled)  # the open dialog has it
    with qtbot.waitSignal(application.session.models.switched):
        press(models, "Use it now")
    assert Int8Networks().is_chosen(known())


def test_how_far_it_is_is_shown_and_it_can_be_cancelled(
    qtbot: QtBot, start: Start, engine: FakeEngine, devkit: Path
) -> None:
    application = start()
    models = asked(qtbot, application)[0]
    steps = threading.Semaphore(2)
    engine.evaluate_gate = _Counted(steps)
    models = begun(qtbot, application, devkit)
    activity = application.manager.activity
    qtbot.waitUntil(lambda: activity.progress is not None and activity.progress.done == 2)
    assert activity.progress is not None
    assert "2 of 4" in activity.progress.line
    application.manager.cancel()
    steps.release()  # the photo that was being looked at
    qtbot.waitUntil(lambda: "cancelled" in "".join(models.message_bar.texts()))
    assert engine.evaluate_closed.wait(5)
    assert Int8Networks().figures(known()) is None
    assert models.faster.isEnabled()


class _Counted(threading.Event):
    """A gate that lets so many through."""

    def __init__(self, steps: threading.Semaphore) -> None:
        super().__init__()
        self._steps = steps

    def wait(self, timeout: float | None = None) -> bool:
        return self._steps.acquire(timeout=timeout)


def test_what_is_not_good_enough_is_said_with_its_figures(
    qtbot: QtBot, start: Start, engine: FakeEngine, devkit: Path
) -> None:
    engine.int8_figures = replace(engine.int8_figures, map_int8=0.8)
    models = begun(qtbot, start(), devkit)
    qtbot.waitUntil(lambda: "not kept" in "".join(models.message_bar.texts()))
    said = "".join(models.message_bar.texts())
    assert "-10.00 mAP on val, 400 images" in said
    assert "0.3 mAP at most" in said
    assert not models.run_with._int8.isEnabled()


def test_why_it_failed_is_said(
    qtbot: QtBot, start: Start, engine: FakeEngine, devkit: Path
) -> None:
    engine.evaluate_error = DataError("An int8 network could not be kept: the disk is full.")
    models = begun(qtbot, start(), devkit)
    qtbot.waitUntil(lambda: "the disk is full" in "".join(models.message_bar.texts()))


def test_too_few_photos_are_refused_before_anything_begins(
    qtbot: QtBot, start: Start, devkit: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(int8_networks, "LEAST_PHOTOS", 41)
    _, faster = asked(qtbot, start())
    faster.data.set_folder(devkit)
    qtbot.waitUntil(lambda: "41 labelled photos at least, not on 40" in faster.problem.text())
    assert not faster.start.isEnabled()
    assert faster.limit.minimum() == 40  # stands for all


def test_fewer_photos_can_be_asked_for(
    qtbot: QtBot, start: Start, engine: FakeEngine, devkit: Path
) -> None:
    application = start()
    _, faster = asked(qtbot, application)
    faster.data.set_folder(devkit)
    qtbot.waitUntil(faster.start.isEnabled)
    faster.limit.setValue(35)
    qtbot.waitUntil(lambda: "35 of 40" in faster.sheet.toPlainText())
    qtbot.waitUntil(faster.start.isEnabled)
    with qtbot.waitSignal(application.manager.work_ended):
        faster.start.click()
    assert engine.quantized[0].limit == 35
