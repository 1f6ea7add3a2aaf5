"""One check box takes the model with details, and gives it back."""

from __future__ import annotations

from pytestqt.qtbot import QtBot

from csra_gui.base.settings import SUGGEST_DETAILS
from engine.records.catalogue import DETAILS_MODEL
from tests.fakes import FakeEngine
from tests.gui.driver import Start, own_model, wait_for_model


def test_the_check_box_and_the_model_in_use_are_at_one(
    qtbot: QtBot, start: Start, engine: FakeEngine
) -> None:
    details, mine = own_model(engine, DETAILS_MODEL), own_model(engine, "mine")
    application = start()
    wait_for_model(qtbot, application)
    settings, models = application.settings, application.session.models
    assert settings.value(SUGGEST_DETAILS) is False
    settings.set_value(SUGGEST_DETAILS, True)
    wait_for_model(qtbot, application, details.id)
    assert settings.model == DETAILS_MODEL
    settings.set_value(SUGGEST_DETAILS, False)
    wait_for_model(qtbot, application)
    assert settings.model == ""
    models.use(DETAILS_MODEL)
    qtbot.waitUntil(lambda: settings.value(SUGGEST_DETAILS) is True)
    models.use("mine")
    qtbot.waitUntil(lambda: settings.value(SUGGEST_DETAILS) is False)
    wait_for_model(qtbot, application, mine.id)


def test_a_model_that_cannot_be_made_leaves_the_box_as_it_was(
    qtbot: QtBot, start: Start, engine: FakeEngine
) -> None:
    application = start()
    wait_for_model(qtbot, application)
    with qtbot.waitSignal(application.session.models.refused):
        application.settings.set_value(SUGGEST_DETAILS, True)
    assert application.settings.value(SUGGEST_DETAILS) is False
    wait_for_model(qtbot, application)
