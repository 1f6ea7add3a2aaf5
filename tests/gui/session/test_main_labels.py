from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from csra_gui.app import Application
from csra_gui.base.settings import MOST_LABELS
from engine.api.categories import Categories
from engine.api.label_measures import LabelMeasure
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


def test_a_low_threshold_lets_in_no_suggestion(
    qtbot: QtBot, start: Start, photos: Path, engine: FakeEngine
) -> None:
    measures = tuple(LabelMeasure(20 * (name != "puppy")) for name in NESTED)
    info = own_model(engine, "suggesting", NESTED, measures=measures)
    scores = np.array((0.4, 0.4, 0.4, 0.1, 0.9), dtype=np.float32)
    engine.revise = lambda p: p if p.error or p.model_id != info.id else replace(p, scores=scores)
    application = start([photos])
    wait_until_tagged(qtbot, application)
    application.session.models.use("suggesting")
    wait_for_model(qtbot, application, info.id)
    wait_until_tagged(qtbot, application)
    thresholds = application.session.thresholds
    assert labels(application, "dog.jpg") == {"car"} and not thresholds.holds_suggestions_back
    thresholds.set_common(0.3)
    assert labels(application, "dog.jpg") == {"animal", "dog", "car"}
    tip = application.window.review.labels.threshold.toolTip()
    assert "Suggestions (?) still need 50 %" in tip.replace("\N{NO-BREAK SPACE}", " ")
    thresholds.set_mine(NESTED.index_of("puppy"), 0.35)
    assert "puppy" in labels(application, "dog.jpg")
    at = row(application, "dog.jpg")
    [mark] = [x.mark for x in application.session.labels(at) if x.category == "puppy"]
    assert mark == "?"
