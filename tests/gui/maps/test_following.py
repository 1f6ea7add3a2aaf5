"""What a label that follows from a kind gives as its reason: Why, the readout, the maps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPointF
from pytestqt.qtbot import QtBot

from csra_gui.app import Application
from csra_gui.maps.head_change import HeadChange
from csra_gui.maps.why_dialog import WhyDialog
from engine.api.categories import Categories
from engine.api.label_parents import CategoryParents
from engine.explain.evidence import MapKind, activate, logits, map_of
from tests.fakes import FakeEngine
from tests.gui.driver import Start, own_model, select, trigger, wait_for_model, wait_until_tagged

NAMES = Categories(("animal", "cat", "owl", "thing"))
ANIMAL, CAT, OWL, THING = range(4)
PARENTS = CategoryParents({CAT: (ANIMAL,), ANIMAL: (THING,), OWL: (THING,)})


@pytest.fixture
def looking(qtbot: QtBot, start: Start, photos: Path, engine: FakeEngine) -> Application:
    """A window on the photo of a cat; the model by itself sees no animal in it."""
    info = own_model(engine, "nested", NAMES, parents=PARENTS)
    application = start([photos])
    application.window.browse.browsing.set_photo_beside(True)
    wait_until_tagged(qtbot, application)
    application.session.models.use("nested")
    wait_for_model(qtbot, application, info.id)
    select(qtbot, application, "cat-and-dog.jpg")
    qtbot.waitUntil(application.window.maps.viewer.view.has_photo)
    return application


@pytest.mark.slow
def test_the_map_and_the_score_are_those_of_the_kind(looking: Application) -> None:
    own, shown = looking.session.focus.evidence, looking.window.maps.display.source.scores
    assert own is not None and shown is not None
    assert logits(own)[ANIMAL] < logits(own)[CAT]
    assert shown.follows == {ANIMAL: CAT, THING: CAT}
    for kind in MapKind:
        np.testing.assert_array_equal(map_of(shown, ANIMAL, kind), map_of(own, CAT, kind))
    percent = activate(logits(shown), shown.activation)
    assert percent[ANIMAL] == percent[CAT]


@pytest.mark.slow
def test_why_says_from_what_a_label_follows_and_gives_its_numbers(looking: Application) -> None:
    looking.session.focus.set_pinned(CAT)
    trigger(looking, "why")
    [dialog] = looking.window.findChildren(WhyDialog)
    of_the_cat = dialog.numbers.toPlainText().split("\n")
    assert "follow" not in dialog.reason.text()
    looking.session.focus.set_pinned(ANIMAL)
    assert dialog.heading.text() == "animal"
    assert dialog.reason.text().startswith("animal: follows from cat, ")
    assert "speaks for cat" in dialog.reason.text() or "speaks against cat" in dialog.reason.text()
    first, *rest = dialog.numbers.toPlainText().split("\n")
    assert first == "The numbers are those of cat, from which animal follows"
    assert rest == of_the_cat
    dialog.close()


@pytest.mark.slow
def test_without_a_chosen_label_why_tells_of_the_kind_that_others_follow_from(
    looking: Application,
) -> None:
    trigger(looking, "why")
    [dialog] = looking.window.findChildren(WhyDialog)
    assert dialog.heading.text() == "cat"
    dialog.close()


@pytest.mark.slow
def test_under_the_pointer_the_kind_is_named_and_nothing_twice(looking: Application) -> None:
    looking.session.focus.set_pinned(ANIMAL)
    readout = looking.window.maps.viewer.readout
    readout.set_point(QPointF(0.3, 0.6))
    value, spot = readout.text().split("\n")
    assert value.startswith("animal, from cat, here: ")
    assert spot.startswith("This spot looks like cat ")
    assert "animal" not in spot and "thing" not in spot
    looking.session.focus.set_pinned(CAT)
    assert readout.text().startswith("cat here: ")


@pytest.mark.slow
def test_a_what_if_looks_anew_from_which_kind_a_label_follows(looking: Application) -> None:
    source, own = looking.window.maps.display.source, looking.session.focus.evidence
    assert own is not None
    stored = source.stored
    source.set_change(HeadChange(lam=0.0))
    assert source.scores is not None and source.stored is stored
    expected = PARENTS.implied(logits(HeadChange(lam=0.0).applied(own)))
    np.testing.assert_allclose(logits(source.scores), expected, atol=1e-4)
    assert source.without_attention is source.scores
