"""Results of a model that knows hundreds of categories."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from csra_gui.app import Application
from csra_gui.evaluation.cooccurrence_tab import MOST_LISTED
from csra_gui.evaluation.result_window import ResultWindow
from engine.api.categories import Categories
from engine.api.vocabulary import everyday
from engine.records.evaluations import EvaluationRun, EvaluationStore, now
from tests.gui.driver import Start, trigger

MANY = Categories(everyday().names[-400:])
IMAGES = 500


def run_of(categories: Categories) -> EvaluationRun:
    """One label in each image; sofas and towels are taken for each other, nothing else is."""
    targets = np.zeros((IMAGES, len(categories)), dtype=bool)
    targets[np.arange(IMAGES), np.arange(IMAGES) % len(categories)] = True
    logits = np.where(targets, 3.0, -3.0).astype(np.float32)
    if "sofa" in categories:
        sofa, towel = (categories.index_of(name) for name in ("sofa", "towel"))
        logits[targets[:, sofa], towel] = 2.0
    ids = tuple(f"{number}.jpg" for number in range(IMAGES))
    facts = {"name": "m", "id": "0"}, {"name": "d", "split": "test", "kind": "folder", "hash": "0"}
    ignored = np.zeros_like(targets)
    return EvaluationRun(*facts, {}, now(), categories, ids, logits, targets, ignored)


def shown(qtbot: QtBot, application: Application, run: EvaluationRun, images: Path) -> ResultWindow:
    folder = EvaluationStore().save(run, images)
    controller = application.window.evaluation.controller
    trigger(application, "evaluation_results")
    controller.show_run(folder.name)
    results = controller.results
    assert results is not None
    qtbot.waitUntil(
        lambda: results.state.analysis is not None and results.state.analysis.folder == folder
    )
    return results


@pytest.fixture
def results(qtbot: QtBot, start: Start, tmp_path: Path) -> ResultWindow:
    return shown(qtbot, start(), run_of(MANY), tmp_path)


@pytest.mark.slow
def test_a_category_is_searched_by_any_of_its_names(results: ResultWindow) -> None:
    tab = results.categories
    assert tab.order.rowCount() == 400
    assert not tab.search.isHidden()
    tab.search.setText("Couch")
    assert [tab.order.index(row, 0).data() for row in range(tab.order.rowCount())] == ["sofa"]
    tab.search.clear()
    assert tab.order.rowCount() == 400


@pytest.mark.slow
def test_in_a_long_list_to_choose_from_names_are_in_order(results: ResultWindow) -> None:
    chooser = results.curves.chooser
    names = [chooser.itemText(place) for place in range(chooser.count())]
    assert names == sorted(names, key=str.casefold)
    place = names.index("sofa")
    chooser.setCurrentIndex(place)
    chooser.activated.emit(place)
    assert results.state.category == MANY.index_of("sofa")


@pytest.mark.slow
def test_of_many_pairs_those_are_listed_that_there_are_most_of(
    qtbot: QtBot, results: ResultWindow
) -> None:
    model = results.pairs.matrix.model()
    qtbot.waitUntil(lambda: model.rowCount() > 0)
    assert model.rowCount() == MOST_LISTED
    assert "100 of 400" in results.pairs.help.text()
    names = list(model.names)
    row, column = names.index("sofa"), names.index("towel")
    assert model.counts[row, column] > 0
    with qtbot.waitSignal(results.state.cases_requested) as asked:
        results.pairs.matrix.cell_activated.emit(row, column)
    [cases] = asked.args
    run = results.state.analysis.run
    sofas = np.flatnonzero(run.targets[:, MANY.index_of("sofa")])
    assert set(cases.samples) == {run.ids[image] for image in sofas}


def test_few_categories_are_listed_as_ever(qtbot: QtBot, start: Start, tmp_path: Path) -> None:
    few = Categories(("sofa", "towel", "car"))
    results = shown(qtbot, start(), run_of(few), tmp_path)
    assert results.categories.search.isHidden()
    chooser = results.curves.chooser
    assert [chooser.itemText(place) for place in range(chooser.count())] == list(few)
    qtbot.waitUntil(lambda: results.pairs.matrix.model().rowCount() == 3)
    assert "of 3" not in results.pairs.help.text()
