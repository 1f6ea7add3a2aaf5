from __future__ import annotations

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from csra_gui.app import Application
from csra_gui.base.settings import MOST_LABELS
from engine.api.categories import Categories
from engine.api.label_parents import CategoryParents
from engine.api.values import Prediction
from engine.library.values import Verdict
from tests.fakes import FakeEngine
from tests.gui.driver import Start, labels, own_model, row, wait_for_model, wait_until_tagged

NESTED = Categories(("animal", "dog", "puppy", "cat", "car"))
#: A puppy is a dog, dogs and cats are animals.
PARENTS = CategoryParents({2: (1,), 1: (0,), 3: (0,)})
SCORES = {"dog.jpg": (0.9, 0.9, 0.1, 0.2, 0.7), "cat.jpg": (0.95, 0.9, 0.8, 0.95, 0.6)}


def told(prediction: Prediction) -> Prediction:
    scores = SCORES.get(prediction.path.name, (0.9, 0.1, 0.1, 0.1, 0.1))
    if not prediction.error:
        prediction.scores[:] = scores
    return prediction


@pytest.fixture
def opened(qtbot: QtBot, start: Start, photos: Path, engine: FakeEngine) -> Application:
    """A window on photos tagged by a model that knows what is a kind of what."""
    info = own_model(engine, "nested", NESTED, parents=PARENTS)
    engine.revise = lambda p: told(p) if p.model_id == info.id else p
    application = start([photos])
    wait_until_tagged(qtbot, application)
    qtbot.waitUntil(lambda: application.session.library.is_open)
    application.session.models.use("nested")
    wait_for_model(qtbot, application, info.id)
    wait_until_tagged(qtbot, application)
    return application


def test_below_a_thumbnail_no_label_stands_that_follows_from_another(opened: Application) -> None:
    assert labels(opened, "dog.jpg") == {"dog", "car"}
    assert labels(opened, "cat.jpg") == {"puppy", "cat", "car"}
    assert labels(opened, "person.jpg") == {"animal"}, "nothing says more"
    every = {label.category for label in opened.session.labels(row(opened, "dog.jpg"))}
    assert every == {"animal", "dog", "car"}


def test_what_the_person_said_stays(opened: Application) -> None:
    said = {"animal": Verdict.ACCEPTED, "Rex": Verdict.ADDED, "car": Verdict.REJECTED}
    opened.session.decisions.decide([row(opened, "dog.jpg")], said, caption="x")
    assert labels(opened, "dog.jpg") == {"animal", "dog", "Rex"}


def test_no_more_are_shown_than_in_the_list(opened: Application) -> None:
    opened.session.thresholds._settings.set_value(MOST_LABELS, 1)
    opened.session.decisions.decide([row(opened, "cat.jpg")], {"Tom": Verdict.ADDED}, caption="x")
    assert labels(opened, "cat.jpg") == {"cat", "Tom"}
