"""What the window says while not everything is there yet, and that each of it can be called off."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from csra_gui.app import Application
from csra_gui.session import library_maintenance, library_sync, photo_scan, tag_job
from engine.library.errors import NoRoomError
from engine.library.store import Library
from engine.library.values import Verdict
from tests.fakes import FakeEngine
from tests.gui.driver import Start, press, row, trigger, wait_for_model, wait_until_tagged

Works = Generator[Any, None, None]


@pytest.fixture
def hold(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[object, str], threading.Event]]:
    """Stops a piece of work before its first step, until the event is set."""
    gates: list[threading.Event] = []

    def held(module: object, name: str) -> threading.Event:
        original, gate = getattr(module, name), threading.Event()
        gates.append(gate)

        def waiting(*arguments: object, **options: object) -> Works:
            while not gate.wait(0.01):
                yield from ()
            yield from original(*arguments, **options)

        monkeypatch.setattr(module, name, waiting)
        return gate

    yield held
    for gate in gates:
        gate.set()


def listed(application: Application) -> list[str]:
    return [r.category for r in application.window.review.labels.labels.model().rows()]


def state(application: Application) -> str:
    return application.window.review.labels._state.text()


def activity(application: Application) -> tuple[str, ...]:
    return application.window.activity_bar.texts()


def look_at(application: Application, name: str) -> None:
    application.session.set_selection((row(application, name),))
    application.session.focus.set_current(row(application, name))


@pytest.mark.slow
def test_stored_labels_are_listed_and_decided_on_before_the_model_is_there(
    qtbot: QtBot, start: Start, photos: Path, engine: FakeEngine
) -> None:
    first = start([photos])
    wait_until_tagged(qtbot, first)
    look_at(first, "cat-and-dog.jpg")
    before = listed(first)
    assert {"cat", "dog"} <= set(before)
    first.window.close()
    assert first.shut_down()
    engine.closed.clear()
    engine.open_gate.clear()
    second = start([photos])
    session = second.session
    qtbot.waitUntil(lambda: session.photos.tagged_count() == 4)
    look_at(second, "cat-and-dog.jpg")
    assert session.models.model is None
    assert listed(second) == before
    assert state(second) == ""
    look_at(second, "bad.jpg")
    assert state(second) == "The file ends too early."
    look_at(second, "cat-and-dog.jpg")
    panel = second.window.review.labels
    panel.labels.category_hovered.emit(0)
    assert "once the model is loaded" in state(second)
    panel.labels.category_pinned.emit(session.photos.index_of("dog"))
    second.window.review.controller.reject("cat")
    assert session.photos.verdicts(row(second, "cat-and-dog.jpg"))["cat"] is Verdict.REJECTED
    assert second.window.review.controller._row("cat").index == session.photos.index_of("cat")
    assert "cat" in second.window.review.controller.known_labels
    engine.open_gate.set()
    wait_for_model(qtbot, second)
    qtbot.waitUntil(lambda: state(second) == "")
    assert session.focus.pinned == session.photos.index_of("dog"), "the pin stays"


def test_labels_of_ones_own_are_listed_without_any_model(
    qtbot: QtBot, start: Start, photos: Path, engine: FakeEngine
) -> None:
    engine.open_gate.clear()
    application = start([photos])
    qtbot.waitUntil(lambda: len(application.session.photos) == 5)
    look_at(application, "cat.jpg")
    assert state(application) == "Not tagged yet; the model is being loaded."
    application.window.review.controller.add("Grandma")
    assert listed(application) == ["Grandma"]
    engine.open_gate.set()
    wait_until_tagged(qtbot, application)


def test_a_photo_whose_only_label_was_rejected_says_so(
    qtbot: QtBot, start: Start, photos: Path
) -> None:
    application = start([photos])
    wait_until_tagged(qtbot, application)
    look_at(application, "cat.jpg")
    for label in listed(application):
        application.window.review.controller.reject(label)
    assert state(application) == "You rejected every label that reaches the threshold of 50 %."
    application.session.thresholds.set_common(1.0)
    assert state(application) == "No label reaches the threshold of 100 %."


@pytest.mark.parametrize(
    ("module", "name", "said"),
    [
        (photo_scan, "_found", "Looking for photos…"),
        (library_sync, "sync_rows", "Looking up what is known of the photos…"),
        (library_maintenance, "settle_moves", "Looking for photos that were moved…"),
    ],
)
def test_whatever_comes_before_tagging_is_said_and_can_be_cancelled(
    qtbot: QtBot,
    start: Start,
    photos: Path,
    engine: FakeEngine,
    hold: Callable[[object, str], threading.Event],
    module: object,
    name: str,
    said: str,
) -> None:
    application = start()
    wait_for_model(qtbot, application)
    qtbot.waitUntil(lambda: application.session.library.is_open)
    gate = hold(module, name)
    application.window.browse.opener.open([photos])
    qtbot.waitUntil(lambda: len(activity(application)) == 1)
    qtbot.waitUntil(lambda: activity(application)[0].startswith(said))
    trigger(application, "cancel")
    assert any(t.startswith("Cancelled.") for t in application.window.message_bar.texts())
    gate.set()
    pipeline = application.session.pipeline
    qtbot.waitUntil(lambda: not (pipeline.is_scanning or pipeline.is_looking_up))
    assert activity(application) == ()
    assert not application.window.actions_table["cancel"].isEnabled()
    assert engine.predict_calls == []
    if len(application.session.photos):
        press(application.window, "Tag them")
        wait_until_tagged(qtbot, application)


def test_tagging_that_waits_for_the_model_can_be_called_off(
    qtbot: QtBot, start: Start, photos: Path, engine: FakeEngine
) -> None:
    engine.open_gate.clear()
    application = start([photos])
    qtbot.waitUntil(lambda: len(application.session.photos) == 5)
    qtbot.waitUntil(lambda: not application.session.pipeline.is_looking_up)
    qtbot.waitUntil(lambda: activity(application) == ("Loading the model…",))
    trigger(application, "cancel")
    assert not application.window.actions_table["cancel"].isEnabled()
    assert activity(application) == ("Loading the model…",)
    engine.open_gate.set()
    wait_for_model(qtbot, application)
    qtbot.waitUntil(lambda: activity(application) == ())
    assert engine.predict_calls == []
    press(application.window, "Tag them")
    wait_until_tagged(qtbot, application)


def test_that_the_disk_is_full_is_said_once_and_no_longer_when_there_is_room(
    qtbot: QtBot, start: Start, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tag_job, "TRY_AGAIN_S", 0.02)
    record, is_full = Library.record_predictions, threading.Event()

    def recorded(library: Library, *arguments: object) -> int:
        if is_full.is_set():
            raise NoRoomError("library.db: The disk is full.", "The disk is full.")
        return record(library, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Library, "record_predictions", recorded)
    is_full.set()
    application = start([photos])
    bar = application.window.message_bar
    full = "Nothing can be kept for now. The disk is full. Make room, and it goes on by itself."
    qtbot.waitUntil(lambda: full in bar.texts())
    qtbot.waitUntil(lambda: "waits for room on the disk" in " ".join(activity(application)))
    is_full.clear()
    wait_until_tagged(qtbot, application)
    assert full not in bar.texts()
