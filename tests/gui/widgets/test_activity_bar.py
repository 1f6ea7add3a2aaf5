from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QProgressBar, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from csra_gui.base.activity import Activity, Progress, counted, transferred
from csra_gui.widgets.activity_bar import ActivityBar, ActivityRow


def button(parent: QWidget, text: str) -> QPushButton:
    return next(b for b in parent.findChildren(QPushButton) if b.text() == text)


@pytest.fixture
def owner(qapp: QObject) -> QObject:
    return QObject()


@pytest.fixture
def cancelled() -> list[bool]:
    return []


@pytest.fixture
def activity(owner: QObject, cancelled: list[bool]) -> Activity:
    return Activity(owner, cancel=lambda: cancelled.append(True))


@pytest.fixture
def row(qtbot: QtBot, activity: Activity) -> ActivityRow:
    widget = ActivityRow(activity)
    qtbot.addWidget(widget)
    return widget


def test_progress_is_one_sentence(activity: Activity, row: ActivityRow) -> None:
    assert not row.isVisible()
    activity.set_progress(counted("Tagging", 120, 4021, 14.23))
    assert row.isVisible()
    assert row.text() == "Tagging · 120 of 4,021 · 14.2 photos/s · about 5 min left"
    activity.set_progress(counted("Tagging", 0, 4021))
    assert row.text() == "Tagging · 0 of 4,021"
    activity.set_progress(None)
    assert not row.isVisible()


def test_cancelling_is_asked_for_once(
    activity: Activity, row: ActivityRow, cancelled: list[bool], qtbot: QtBot
) -> None:
    activity.set_progress(counted("Tagging", 1, 10))
    qtbot.mouseClick(button(row, "Cancel"), Qt.MouseButton.LeftButton)
    activity.set_progress(counted("Tagging", 2, 10))  # a last report after the click
    qtbot.mouseClick(button(row, "Cancel"), Qt.MouseButton.LeftButton)
    assert len(cancelled) == 1
    activity.set_progress(None)
    activity.set_progress(counted("Tagging", 1, 10))
    assert button(row, "Cancel").isEnabled()


def test_work_that_cannot_be_ended_has_no_cancel_button(
    activity: Activity, row: ActivityRow
) -> None:
    activity.set_progress(Progress("Loading the model…", can_cancel=False))
    assert row.text() == "Loading the model…"
    assert not button(row, "Cancel").isVisible()
    activity.set_progress(counted("Tagging", 1, 10))
    assert button(row, "Cancel").isVisible()


def test_what_waits_offers_to_go_on_and_what_runs_to_wait(qtbot: QtBot, owner: QObject) -> None:
    told: list[str] = []
    activity = Activity(
        owner, pause=lambda: told.append("pause"), resume=lambda: told.append("resume")
    )
    row = ActivityRow(activity)
    qtbot.addWidget(row)
    activity.set_progress(counted("Tagging", 1, 10, can_pause=True))
    assert not button(row, "Continue").isVisible()
    button(row, "Pause").click()
    activity.set_progress(replace(counted("Tagging is paused", 1, 10), is_paused=True))
    assert not button(row, "Pause").isVisible()
    button(row, "Continue").click()
    activity.set_progress(counted("Tagging", 1, 10, can_pause=True))
    assert button(row, "Pause").isEnabled()
    assert told == ["pause", "resume"]


def test_each_thing_that_goes_on_has_a_row_while_it_does(qtbot: QtBot, owner: QObject) -> None:
    tagging = Activity(owner, cancel=lambda: None)
    shown: list[bool] = []
    training = Activity(
        owner, show=("Show training", lambda: shown.append(True)), name="Progress of the training"
    )
    bar = ActivityBar((tagging, training))
    qtbot.addWidget(bar)
    bar.show()
    assert bar.texts() == ()
    training.set_progress(Progress("cats", "Ready to start", total=0))
    tagging.set_progress(counted("Tagging", 1, 10))
    assert bar.texts() == ("Tagging · 1 of 10", "cats · Ready to start")
    bars = {each.accessibleName(): each.isVisible() for each in bar.findChildren(QProgressBar)}
    assert bars == {"Progress": True, "Progress of the training": False}
    button(bar, "Show training").click()
    assert shown == [True]
    tagging.set_progress(None)
    assert bar.texts() == ("cats · Ready to start",)


def test_a_download_is_told_in_bytes() -> None:
    line = transferred("Downloading x", 12_300_000, 170_500_000, 3_200_000).line
    assert line == "Downloading x · 12.3 of 170.5 MB · 3.2 MB/s · about 50 s left"
    assert transferred("Connecting for x", 0, None, None).line == "Connecting for x"
