"""What is measured of photos, in the window: kept, shown, counted, asked for, and turned off."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from csra_gui.app import Application
from csra_gui.base.settings import MEASURE, Settings
from csra_gui.browse.photo_facts import session_texts
from csra_gui.session.retag_plan import RetagMode, RetagPlan
from csra_gui.session.session import Session
from csra_gui.tagging.difference_dialog import DifferenceDialog
from engine.api.facts import Fact
from engine.api.values import Prediction
from tests.fakes import FakeEngine
from tests.gui.driver import Start, row, row_in, shown_names, wait_until_tagged
from tests.gui.session.restarts import Restarts

WIDE = Fact.LANDSCAPE_FORMAT
SOFT = Fact.BLURRED | Fact.PORTRAIT_FORMAT


@pytest.fixture
def restarts(qtbot: QtBot, settings_file: Path) -> Iterator[Restarts]:
    made = Restarts(qtbot, settings_file)
    yield made
    made.end_all()


@pytest.fixture(autouse=True)
def soft_dog(engine: FakeEngine) -> None:
    engine.facts["dog.jpg"] = SOFT


@pytest.fixture
def measured(qtbot: QtBot, start: Start, photos: Path) -> Application:
    """A window on photos that were measured."""
    application = start([photos])
    wait_until_tagged(qtbot, application)
    qtbot.waitUntil(lambda: application.session.library.is_open)
    return application


def facts(session: Session, name: str) -> Fact | None:
    return session.photos.facts(row_in(session, name))


def look_at(application: Application, name: str) -> str:
    """What the panel beside a photo says."""
    session, place = application.session, row(application, name)
    session.focus.set_current(place)
    session.set_selection((place,))
    line = application.window.review.labels.measured
    return line.text() if line.isVisibleTo(line.parentWidget()) else ""


def test_facts_are_there_again_after_a_restart(
    restarts: Restarts, engine: FakeEngine, photos: Path
) -> None:
    first = restarts.start(engine, [photos])
    restarts.wait_until_tagged(first, 5)
    assert (facts(first, "dog.jpg"), facts(first, "cat.jpg")) == (SOFT, WIDE)
    assert facts(first, "bad.jpg") is None
    restarts.wait_until_written(first)
    restarts.end(first)
    again = FakeEngine()
    second = restarts.start(again, [photos])
    restarts.wait_until_tagged(second, 5)
    assert again.predict_calls == []
    assert (facts(second, "dog.jpg"), facts(second, "cat.jpg")) == (SOFT, WIDE)


def test_a_line_below_the_labels_says_what_is_not_ordinary(measured: Application) -> None:
    assert look_at(measured, "dog.jpg") == "Measured: blurred"
    assert look_at(measured, "cat.jpg") == ""
    assert look_at(measured, "bad.jpg") == ""


def test_properties_say_all_of_it(measured: Application) -> None:
    session = measured.session
    said = dict(session_texts(session, row_in(session, "dog.jpg")))
    assert said["Measured"] == "portrait format, blurred"
    assert "Measured" not in dict(session_texts(session, row_in(session, "bad.jpg")))


@pytest.mark.slow
def test_a_filter_and_the_counts_find_them(measured: Application, qtbot: QtBot) -> None:
    window = measured.window
    window.search.panel.bar.edit.setText("measured:blurred")
    qtbot.waitUntil(lambda: shown_names(measured) == ["dog.jpg"])
    window.search.facets.show()
    panel = window.search.facets.panel
    qtbot.waitUntil(
        lambda: (
            {r.caption for r in panel.list.counts.rows()}
            >= {"Measured", "Blurred", "Portrait format"}
        )
    )


@pytest.fixture
def not_measured(qtbot: QtBot, start: Start, photos: Path, settings_file: Path) -> Application:
    """A window on photos that were tagged before and are to be measured from now on."""
    settings = Settings(settings_file)
    settings.set_value(MEASURE, False)
    application = start([photos], settings=settings)
    wait_until_tagged(qtbot, application)
    settings.set_value(MEASURE, True)
    assert facts(application.session, "dog.jpg") is None
    return application


def stored(session: Session, name: str) -> list[int]:
    """What the library has."""
    library, image = session.library.library, session.photos.image_id(row_in(session, name))
    assert library is not None and image is not None
    return [bits for _, bits in library.stored([image]).facts]


@pytest.mark.parametrize(("button", "expected"), [("accept", SOFT), ("discard", None)])
def test_tagging_again_measures_if_what_changes_is_accepted(
    not_measured: Application,
    engine: FakeEngine,
    qtbot: QtBot,
    button: str,
    expected: Fact | None,
) -> None:
    session = not_measured.session

    def other_mind(prediction: Prediction) -> Prediction:
        return replace(prediction, scores=1 - prediction.scores)

    engine.revise = other_mind
    with qtbot.waitSignal(session.retagger.ready):
        session.retag(RetagPlan(RetagMode.UPDATE))
    assert facts(session, "dog.jpg") is None
    [dialog] = not_measured.window.findChildren(DifferenceDialog)
    with qtbot.waitSignal(session.retagger.settled):
        dialog._on_buttons_accepted() if button == "accept" else dialog._on_discard_clicked()
    assert facts(session, "dog.jpg") == expected
    qtbot.waitUntil(lambda: stored(session, "dog.jpg") == ([expected] if expected else []))


def test_tagging_again_measures_where_no_label_changes(
    not_measured: Application, qtbot: QtBot
) -> None:
    session = not_measured.session
    with qtbot.waitSignal(session.retagger.accepted):
        session.retag(RetagPlan(RetagMode.UPDATE))
    assert facts(session, "dog.jpg") == SOFT
    assert stored(session, "dog.jpg") == [SOFT]


def test_one_setting_turns_all_of_it_off_and_on_again(
    measured: Application, engine: FakeEngine, qtbot: QtBot
) -> None:
    session, shown = measured.session, measured.session.shown
    shown.set_filter("measured:blurred")
    qtbot.waitUntil(lambda: shown_names(measured) == ["dog.jpg"])
    look_at(measured, "dog.jpg")
    measured.settings.set_value(MEASURE, False)
    assert look_at(measured, "dog.jpg") == ""
    assert "Measured" not in dict(session_texts(session, row_in(session, "dog.jpg")))
    qtbot.waitUntil(lambda: "turned off" in str(shown.filter_error))
    session.photos.forget_results([row_in(session, "cat.jpg")])
    session.pipeline.tag()
    qtbot.waitUntil(lambda: not session.tagger.is_running)
    assert [config is not None and config.facts for config in engine.predict_configs] == [
        True,
        False,
    ]
    measured.settings.set_value(MEASURE, True)
    assert look_at(measured, "dog.jpg") == "Measured: blurred"
    qtbot.waitUntil(lambda: shown.filter_error is None and shown_names(measured) == ["dog.jpg"])


def test_what_was_measured_of_a_file_is_void_once_it_is_another_or_turned(
    measured: Application, qtbot: QtBot, engine: FakeEngine
) -> None:
    session = measured.session
    engine.facts["dog.jpg"] = WIDE
    dog, cat = row_in(session, "dog.jpg"), row_in(session, "cat.jpg")
    file = session.photos.file(cat)
    session.photos.set_file(cat, file)
    assert session.photos.facts(cat) == WIDE
    session.photos.set_file(cat, None)
    assert session.photos.facts(cat) is None
    session.pipeline.take_turned([dog])
    assert session.photos.facts(dog) is None
    wait_until_tagged(qtbot, measured)
    assert session.photos.facts(dog) == WIDE
