from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QMessageBox
from pytestqt.qtbot import QtBot

from csra_gui.base.paths import library_file
from csra_gui.startup import launch, waiting_dialog
from csra_gui.startup.arguments import WindowRequest
from csra_gui.startup.handover import Handover, HandoverServer, Outcome
from csra_gui.startup.instance import Instance
from csra_gui.startup.launch import place_for
from tests.gui.startup.calling import Call

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="sockets are files")
PHOTOS = (Path("/photos/cat.jpg"),)


def answer(monkeypatch: pytest.MonkeyPatch, outcome: Outcome | None) -> list[Handover]:
    """Let the person, or the window, answer like this once it is said that there is no answer."""
    asked: list[Handover] = []

    def ask(_instance: Instance, handover: Handover) -> Outcome | None:
        asked.append(handover)
        return outcome

    monkeypatch.setattr(waiting_dialog, "ask_while_waiting", ask)
    monkeypatch.setattr(launch, "_MOMENT_S", 0.1)
    return asked


@pytest.fixture
def opened() -> Iterator[list[Instance]]:
    """Places of windows that are there, given back in the end."""
    places: list[Instance] = []
    yield places
    for place in places:
        place.release()


def open_place(request: WindowRequest, opened: list[Instance]) -> Instance:
    place = place_for(request)
    assert isinstance(place, Instance)
    opened.append(place)
    return place


def test_the_first_start_opens_the_usual_library(opened: list[Instance]) -> None:
    assert open_place(WindowRequest(PHOTOS), opened).library == library_file()


def test_another_library_is_another_window(opened: list[Instance], tmp_path: Path) -> None:
    open_place(WindowRequest(), opened)
    other = open_place(WindowRequest(library=tmp_path / "work.db"), opened)
    assert other.library == tmp_path / "work.db"


def test_a_new_window_has_a_library_beside_even_if_it_is_the_only_one(
    opened: list[Instance],
) -> None:
    names = [open_place(WindowRequest(is_new_window=True), opened).library.name for _ in range(2)]
    assert names == ["library-2.db", "library-3.db"]


@pytest.mark.parametrize(
    ("outcome", "status"), [(Outcome.HANDED_OVER, 0), (None, 1)], ids=["answered", "cancelled"]
)
def test_after_the_question_no_window_need_be_opened(
    place: Instance, monkeypatch: pytest.MonkeyPatch, outcome: Outcome | None, status: int
) -> None:
    monkeypatch.setenv("XDG_ACTIVATION_TOKEN", "token-3")
    asked = answer(monkeypatch, outcome)
    assert place_for(WindowRequest(PHOTOS)) == status
    assert asked == [Handover(PHOTOS, "token-3")]
    assert not Instance(place.library).claim()


def test_after_the_question_another_window_can_be_opened(
    place: Instance, monkeypatch: pytest.MonkeyPatch, opened: list[Instance]
) -> None:
    answer(monkeypatch, Outcome.NO_ANSWER)
    assert open_place(WindowRequest(PHOTOS), opened).library.name == "library-2.db"


def box_then(press: str = "") -> list[str]:
    """Press a button of the question as soon as it is there; returns what it says by then."""
    texts: list[str] = []

    def look() -> None:
        box = next((w for w in QApplication.topLevelWidgets() if isinstance(w, QMessageBox)), None)
        if box is None or not box.isVisible():
            QTimer.singleShot(10, look)
            return
        texts.append(f"{box.text()} {box.informativeText()}")
        if press:
            next(b for b in box.buttons() if b.text().replace("&", "") == press).click()

    QTimer.singleShot(10, look)
    return texts


@pytest.mark.parametrize(
    ("button", "outcome"), [("Cancel", None), ("Open another window", Outcome.NO_ANSWER)]
)
def test_the_question_says_what_happened_and_takes_an_answer(
    qtbot: QtBot, place: Instance, button: str, outcome: Outcome | None
) -> None:
    texts = box_then(press=button)
    assert waiting_dialog.ask_while_waiting(Instance(place.library), Handover(PHOTOS)) is outcome
    assert "already open, but its window does not answer" in texts[0]
    assert "library of its own" in texts[0]


def test_the_question_closes_when_the_window_answers(
    server: HandoverServer, taken: list[Handover], place: Instance
) -> None:
    QTimer.singleShot(300, server, server.serve)
    texts = box_then()
    outcome = waiting_dialog.ask_while_waiting(Instance(place.library), Handover(PHOTOS))
    assert outcome is Outcome.HANDED_OVER
    assert taken == [Handover(PHOTOS)]
    assert texts


def test_the_question_closes_when_the_window_has_ended(
    qtbot: QtBot, place: Instance, opened: list[Instance]
) -> None:
    opened.append(Instance(place.library))
    QTimer.singleShot(300, place.release)
    outcome = waiting_dialog.ask_while_waiting(opened[0], Handover(PHOTOS))
    assert outcome is Outcome.FIRST
    assert not place.claim()


@pytest.mark.parametrize("late", [Outcome.FIRST, Outcome.NO_ANSWER])
def test_who_cancels_gets_no_window_even_if_the_place_is_free_at_that_moment(
    qtbot: QtBot, place: Instance, monkeypatch: pytest.MonkeyPatch, late: Outcome
) -> None:
    """The thread that calls may come out just as the button is pressed."""

    def comes_out_late(
        instance: Instance, _handover: Handover, is_over: Callable[[], bool], _pause: float
    ) -> Outcome:
        while not is_over():
            threading.Event().wait(0.01)
        if late is Outcome.FIRST:
            place.release()
            assert instance.claim()
        return late

    monkeypatch.setattr(waiting_dialog, "hand_over", comes_out_late)
    instance = Instance(place.library)
    box_then(press="Cancel")
    assert waiting_dialog.ask_while_waiting(instance, Handover(PHOTOS)) is None
    assert late is Outcome.NO_ANSWER or place.claim()


def test_a_window_that_answers_takes_over_without_a_question(
    qtbot: QtBot, server: HandoverServer, taken: list[Handover], call: Call
) -> None:
    server.serve()
    start = call(*PHOTOS)
    qtbot.waitUntil(start.is_through)
    assert start.outcome is Outcome.HANDED_OVER
    assert not [w for w in QApplication.topLevelWidgets() if isinstance(w, QMessageBox)]
