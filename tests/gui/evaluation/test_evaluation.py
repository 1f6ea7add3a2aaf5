from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import (
    QApplication,
    QFileDialog,
    QLabel,
    QMessageBox,
    QWidget,
)
from pytestqt.qtbot import QtBot

from csra_gui.app import Application
from csra_gui.evaluation.category_model import CategoryModel
from csra_gui.evaluation.decisions_dialog import DecisionsDialog
from csra_gui.evaluation.preflight import FoundData
from csra_gui.evaluation.result_state import ThresholdSet
from csra_gui.evaluation.result_window import ResultWindow
from csra_gui.evaluation.start_dialog import StartDialog
from csra_gui.evaluation.threshold_saver import SaveThresholdsDialog
from engine.api.errors import DataError
from engine.api.evaluation import Unfinished
from engine.library.values import Verdict
from engine.records.evaluations import EvaluationStore
from engine.records.unfinished import UnfinishedRun, UnfinishedStore
from engine.report.verdict import verdict
from tests.engine.data.datasets.devkits import voc_object, write_voc
from tests.fakes import FakeEngine
from tests.gui.driver import Start, press, trigger, wait_until_tagged
from tests.gui.evaluation.evaluation_runs import keep_altered

NAMES = ("cat", "dog", "car", "person", "boat")


@pytest.fixture
def devkit(tmp_path: Path) -> Path:
    """Forty images of VOC2007 val; every third has a cat, every fourth a dog, and so on."""
    images = {}
    for number in range(1, 41):
        here = [name for place, name in enumerate(NAMES) if number % (place + 3) == 0]
        images[f"{number:06}"] = "".join(map(voc_object, here or ["person"]))
    write_voc(tmp_path, {"val": list(images)}, images)
    return tmp_path / "VOCdevkit"


def start_dialog(qtbot: QtBot, application: Application, devkit: Path) -> StartDialog:
    """The dialog with the devkit in it, ready to start."""
    qtbot.waitUntil(lambda: application.session.models.model is not None)
    trigger(application, "evaluate_voc")
    dialog = application.window.evaluation.controller.dialog
    assert dialog is not None
    dialog.data.set_folder(devkit)
    qtbot.waitUntil(dialog.start.isEnabled)
    return dialog


def evaluated(qtbot: QtBot, application: Application, devkit: Path) -> ResultWindow:
    """The window of results on a run that has just been made."""
    dialog = start_dialog(qtbot, application, devkit)
    controller = application.window.evaluation.controller
    with qtbot.waitSignal(controller.runner.ended):
        dialog.start.click()
    press(application.window, "Show the results")
    results = controller.results
    assert results is not None
    qtbot.waitUntil(lambda: results.state.analysis is not None)
    return results


def texts(widget: QWidget) -> str:
    """Everything that labels in it say."""
    return "\n".join(label.text() for label in widget.findChildren(QLabel))


def cell(results: ResultWindow, category: str, column: str) -> str:
    model = results.categories.model
    row, place = _row(model, category), _column(model, column)
    return str(model.index(row, place).data())


def click_cell(results: ResultWindow, category: str, column: str) -> None:
    tab = results.categories
    index = tab.model.index(_row(tab.model, category), _column(tab.model, column))
    tab.view.clicked.emit(tab.order.mapFromSource(index))


def _row(model: CategoryModel, category: str) -> int:
    rows = range(model.rowCount())
    return next(row for row in rows if model.index(row, 0).data() == category)


def _column(model: CategoryModel, title: str) -> int:
    columns = range(model.columnCount())
    header = Qt.Orientation.Horizontal
    return next(c for c in columns if model.headerData(c, header) == title)


def shown(application: Application) -> list[str]:
    session = application.session
    return [session.photos.paths[row].stem for row in session.shown.rows]


@pytest.mark.slow
def test_no_more_images_can_be_asked_for_than_the_split_has(
    qtbot: QtBot, start: Start, devkit: Path
) -> None:
    dialog = start_dialog(qtbot, start(), devkit)
    dialog.limit.setMaximum(5000)
    dialog.limit.setValue(300)
    qtbot.waitUntil(dialog.start.isEnabled)
    assert dialog.limit.text() == "all images"
    dialog.limit.setValue(30)
    qtbot.waitUntil(dialog.start.isEnabled)
    assert dialog.limit.text() == "30 of 40 images, spread over them"


def test_a_devkit_is_recognised_evaluated_and_a_number_shows_its_images(
    qtbot: QtBot, start: Start, devkit: Path
) -> None:
    application = start()
    dialog = start_dialog(qtbot, application, devkit)
    assert dialog.data.chosen_split == "val"
    assert "40" in dialog.sheet.toPlainText()
    assert "20 of 20 categories" in dialog.sheet.toPlainText()

    results = evaluated(qtbot, application, devkit)
    run = results.state.analysis.run
    assert len(run.ids) == 40
    cat = run.categories.index_of("cat")
    wrong = [
        run.ids[row]
        for row in np.argsort(-run.logits[:, cat], kind="stable")
        if run.logits[row, cat] >= 0 and not run.targets[row, cat]
    ]
    assert wrong
    assert cell(results, "cat", "Wrong") == str(len(wrong))

    click_cell(results, "cat", "Wrong")
    qtbot.waitUntil(lambda: shown(application) == wrong)
    assert application.session.shown.fixed_caption == f"cat: wrongly labelled ({len(wrong)})"
    wait_until_tagged(qtbot, application)


@pytest.mark.slow
def test_another_number_shows_other_images_of_the_same_run(
    qtbot: QtBot, start: Start, devkit: Path
) -> None:
    application = start()
    results = evaluated(qtbot, application, devkit)
    run = results.state.analysis.run
    dog = run.categories.index_of("dog")
    positives = {run.ids[row] for row in np.flatnonzero(run.targets[:, dog])}

    click_cell(results, "cat", "Wrong")
    qtbot.waitUntil(lambda: application.session.shown.fixed_caption.startswith("cat"))
    click_cell(results, "dog", "Images")
    qtbot.waitUntil(lambda: set(shown(application)) == positives)
    wait_until_tagged(qtbot, application)


@pytest.mark.slow
def test_the_photos_of_the_person_come_back_after_images_of_a_run(
    qtbot: QtBot, start: Start, photos: Path, devkit: Path
) -> None:
    application = start([photos])
    wait_until_tagged(qtbot, application)
    results = evaluated(qtbot, application, devkit)
    click_cell(results, "cat", "Images")
    qtbot.waitUntil(lambda: bool(application.session.shown.fixed_caption))
    press(application.window, "Back to my photos")
    qtbot.waitUntil(lambda: "cat-and-dog" in shown(application))
    wait_until_tagged(qtbot, application)


def test_cancelling_stops_the_evaluation_and_says_how_to_go_on(
    qtbot: QtBot, start: Start, engine: FakeEngine, devkit: Path
) -> None:
    application = start()
    dialog = start_dialog(qtbot, application, devkit)
    engine.evaluate_gate.clear()
    dialog.start.click()
    controller = application.window.evaluation.controller
    qtbot.waitUntil(lambda: controller.runner.is_running)
    running = application.window.activity_bar.texts
    assert [text for text in running() if text.startswith("Evaluating")]
    with qtbot.waitSignal(controller.runner.ended):
        trigger(application, "cancel_evaluation")
        engine.evaluate_gate.set()
    assert engine.evaluate_closed.is_set()
    assert not [text for text in running() if text.startswith("Evaluating")]
    assert EvaluationStore().paths() == []
    with qtbot.waitSignal(controller.runner.ended):
        press(application.window, "Continue")
    assert len(EvaluationStore().paths()) == 1


def test_an_evaluation_that_fails_says_why(
    qtbot: QtBot, start: Start, engine: FakeEngine, devkit: Path
) -> None:
    application = start()
    dialog = start_dialog(qtbot, application, devkit)
    engine.evaluate_error = DataError("The disk is full.")
    controller = application.window.evaluation.controller
    with qtbot.waitSignal(controller.runner.ended) as ended:
        dialog.start.click()
    assert str(ended.args[0].error) == "The disk is full."
    assert not controller.runner.is_running


def test_closing_while_it_runs_asks_and_leaves_no_half_run(
    qtbot: QtBot, start: Start, engine: FakeEngine, devkit: Path
) -> None:
    application = start()
    dialog = start_dialog(qtbot, application, devkit)
    engine.evaluate_gate.clear()
    dialog.start.click()
    qtbot.waitUntil(lambda: application.window.evaluation.controller.runner.is_running)

    application.window.close()
    assert application.window.isVisible()
    [question] = application.window.findChildren(QMessageBox)
    press(question, "Keep the window open")
    qtbot.waitUntil(lambda: not application.window.findChildren(QMessageBox))
    assert application.window.evaluation.controller.runner.is_running

    application.window.close()
    [question] = application.window.findChildren(QMessageBox)
    with qtbot.waitSignal(application.window.closed):
        press(question, "Stop and close")
    assert application.shut_down()
    assert not [path for path in EvaluationStore().root.rglob("*") if path.is_file()]


def test_a_devkit_that_is_opened_as_photos_is_noticed(
    qtbot: QtBot, start: Start, devkit: Path
) -> None:
    application = start()
    qtbot.waitUntil(lambda: application.session.models.model is not None)
    application.session.open([devkit])
    qtbot.waitUntil(lambda: "PASCAL VOC 2007" in texts(application.window.message_bar))
    press(application.window, "Evaluate a model on it…")
    dialog = application.window.evaluation.controller.dialog
    assert dialog is not None
    qtbot.waitUntil(dialog.start.isEnabled)
    assert dialog.data.data == FoundData(devkit, "voc2007", ("val",))
    dialog.close()
    wait_until_tagged(qtbot, application)


def test_a_folder_dropped_on_the_dialog_is_recognised(
    qtbot: QtBot, start: Start, devkit: Path, photos: Path
) -> None:
    application = start()
    dialog = start_dialog(qtbot, application, devkit)
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(photos))])
    copy, button = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
    keys = Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(QPoint(5, 5), copy, mime, button, keys)
    QApplication.sendEvent(dialog.data, enter)
    assert enter.isAccepted()
    QApplication.sendEvent(dialog.data, QDropEvent(QPointF(5, 5), copy, mime, button, keys))
    qtbot.waitUntil(lambda: "none of the known" in dialog.problem.text())
    assert not dialog.start.isEnabled()
    (photos / "labels.csv").write_text("cat.jpg,cat\ndog.jpg,dog\n")
    dialog.data.set_kind("folder")
    dialog.data.set_folder(photos)
    qtbot.waitUntil(dialog.start.isEnabled)
    assert "2 of 2 categories" in dialog.sheet.toPlainText()


def test_what_was_stopped_before_is_offered_at_the_next_start(
    qtbot: QtBot, start: Start, engine: FakeEngine, devkit: Path
) -> None:
    stopped = UnfinishedRun(
        "0" * 16,
        {"model name": "Fake model", "data set": "VOC2007 val", "kind": "voc2007"}
        | {"root": str(devkit), "split": "val", "limit": "30"},
        30,
        np.arange(4),
        np.zeros((4, 5), dtype=np.float32),
        (),
        None,
    )
    UnfinishedStore().save(stopped)
    application = start()
    qtbot.waitUntil(lambda: "4 of 30 images" in texts(application.window.message_bar))
    controller = application.window.evaluation.controller
    with qtbot.waitSignal(controller.runner.ended):
        press(application.window, "Continue")
    [request] = engine.evaluated
    assert (request.root, request.split, request.limit) == (devkit, "val", 30)
    assert request.unfinished is Unfinished.GO_ON

    controller.show_results()
    qtbot.waitUntil(lambda: len(controller.unfinished.records) == 1)
    controller.results.runs.keep.click()
    qtbot.waitUntil(lambda: len(engine.evaluated) == 2 and not controller.runner.is_running)
    assert engine.evaluated[1].unfinished is Unfinished.AS_IT_IS
    controller.results.runs.forget.click()
    qtbot.waitUntil(lambda: controller.unfinished.records == ())
    assert UnfinishedStore().paths() == []


@pytest.mark.slow
def test_a_run_whose_images_have_moved_asks_where_they_are(
    qtbot: QtBot, start: Start, devkit: Path
) -> None:
    application = start()
    results = evaluated(qtbot, application, devkit)
    moved = devkit.rename(devkit.with_name("elsewhere"))
    click_cell(results, "cat", "Images")
    qtbot.waitUntil(lambda: "There is no folder" in texts(results.message_bar))
    press(results, "Choose the folder…")
    [dialog] = results.findChildren(QFileDialog)
    dialog.fileSelected.emit(str(moved))
    dialog.close()
    qtbot.waitUntil(lambda: application.session.shown.fixed_caption.startswith("cat"))
    assert application.session.photos.paths[0].is_relative_to(moved)
    wait_until_tagged(qtbot, application)


@pytest.mark.slow
def test_bars_and_cells_show_the_images_they_count(
    qtbot: QtBot, start: Start, devkit: Path
) -> None:
    application = start()
    results = evaluated(qtbot, application, devkit)
    run = results.state.analysis.run
    cat, dog = (run.categories.index_of(name) for name in ("cat", "dog"))
    results.pairs.kind.setCurrentIndex(1)
    qtbot.waitUntil(lambda: results.pairs.matrix.model().rowCount() > 0)
    results.pairs.matrix.cell_activated.emit(cat, dog)
    both = {run.ids[row] for row in np.flatnonzero(run.targets[:, cat] & run.targets[:, dog])}
    assert both
    qtbot.waitUntil(lambda: set(shown(application)) == both)

    results.state.set_category(cat)
    results.scores.chooser.setCurrentIndex(results.scores.chooser.findData(cat))
    results.scores.chooser.activated.emit(0)
    scores = 1 / (1 + np.exp(-run.logits[:, cat].astype(float)))
    wanted = (scores >= 0.9) & (scores < 0.95) & run.targets[:, cat]
    assert results.scores.histogram.groups[0].counts[18] == wanted.sum() > 0
    results.scores.histogram.bar_clicked.emit(0, 18)
    ids = {run.ids[row] for row in np.flatnonzero(wanted)}
    qtbot.waitUntil(lambda: set(shown(application)) == ids)
    wait_until_tagged(qtbot, application)


@pytest.mark.slow
def test_a_threshold_that_is_dragged_changes_the_table(
    qtbot: QtBot, start: Start, devkit: Path
) -> None:
    application = start()
    results = evaluated(qtbot, application, devkit)
    state = results.state
    analysis = state.analysis
    state.set_category(analysis.run.categories.index_of("dog"))
    cat_before = cell(results, "cat", "Found")
    results.curves.over.cursor_moved.emit(0.0)
    assert cell(results, "dog", "Missed") == "0"
    assert cell(results, "cat", "Found") == cat_before
    qtbot.waitUntil(lambda: results.curves.against.marker == pytest.approx((1.0, 0.2), abs=0.2))
    state.use(ThresholdSet.HALF)
    dog = analysis.run.categories.index_of("dog")
    right = (analysis.run.logits[:, dog] >= 0) & analysis.run.targets[:, dog]
    assert cell(results, "dog", "Found") == str(int(right.sum()))


def test_results_are_listed_noted_and_deleted(qtbot: QtBot, start: Start, devkit: Path) -> None:
    application = start()
    results = evaluated(qtbot, application, devkit)
    item = results.runs.tree.topLevelItem(0)
    with qtbot.waitSignal(application.window.evaluation.controller.runs.records_changed):
        item.setText(4, "the first")
    assert application.window.evaluation.controller.runs.values[0].note == "the first"
    results.runs.delete.click()
    [question] = results.findChildren(QMessageBox)
    press(question, "Delete")
    qtbot.waitUntil(lambda: application.window.evaluation.controller.runs.records == ())
    assert EvaluationStore().paths() == []


def test_two_runs_are_compared(qtbot: QtBot, start: Start, devkit: Path) -> None:
    application = start()
    results = evaluated(qtbot, application, devkit)
    controller = application.window.evaluation.controller
    [first] = EvaluationStore().paths()
    qtbot.waitUntil(lambda: len(controller.runs.records) == 1)
    second = keep_altered(EvaluationStore().load(first))
    controller.show_run(second.name)
    qtbot.waitUntil(lambda: results.state.analysis.folder == second)
    results.compare.compare_with(first)
    qtbot.waitUntil(lambda: getattr(results.compare.comparison, "difference", None) is not None)
    found = results.compare.comparison
    assert results.compare.summary.text().startswith(verdict(found))
    assert results.compare.categories.item(0, 4).text().count(" to ") == 1
    assert len(results.compare.table().rows[0]) == len(results.compare.table().header)
    assert len(found.worse) == 1
    assert found.better == ()
    results.compare.worse.list.itemActivated.emit(results.compare.worse.list.item(0))
    sample = found.worse[0][0]
    qtbot.waitUntil(lambda: shown(application) == [sample])
    wait_until_tagged(qtbot, application)


@pytest.mark.slow
def test_label_errors_are_marked_and_the_marks_are_kept(
    qtbot: QtBot, start: Start, devkit: Path
) -> None:
    application = start()
    results = evaluated(qtbot, application, devkit)
    tab = results.label_errors
    qtbot.waitUntil(lambda: len(tab.label_errors) > 2)
    scores = [abs(label_error.score - 0.5) for label_error in tab.label_errors]
    assert scores == sorted(scores, reverse=True)
    for row in (0, 1):
        tab.view.item(row, 0).setCheckState(Qt.CheckState.Checked)
    folder = results.state.analysis.folder
    qtbot.waitUntil(lambda: EvaluationStore().marks(folder) == tab.marks)
    assert {mark.sample for mark in tab.marks} == {
        label_error.sample for label_error in tab.label_errors[:2]
    }
    assert tab.label_errors[0].category is not None
    assert "image,category" in tab.table().as_csv()


@pytest.mark.slow
def test_decisions_are_evaluated_without_the_model(
    qtbot: QtBot, start: Start, engine: FakeEngine, photos: Path
) -> None:
    application = start([photos])
    wait_until_tagged(qtbot, application)
    session = application.session
    qtbot.waitUntil(lambda: session.library.is_open)
    rows = {path.name: row for row, path in enumerate(session.photos.paths)}
    session.decisions.decide([rows["cat.jpg"]], {"cat": Verdict.ACCEPTED}, caption="Accept")
    session.decisions.decide([rows["dog.jpg"]], {"cat": Verdict.REJECTED}, caption="Reject")
    asked = len(engine.predict_calls)
    trigger(application, "evaluate_decisions")
    [dialog] = application.window.findChildren(DecisionsDialog)
    assert dialog.complete == ()
    dialog.accept()
    controller = application.window.evaluation.controller
    qtbot.waitUntil(
        lambda: controller.results is not None and controller.results.state.analysis is not None
    )
    run = controller.results.state.analysis.run
    assert list(run.categories) == ["cat"]
    assert sorted(run.ids) == ["cat.jpg", "dog.jpg"]
    assert len(engine.predict_calls) == asked
    click_cell(controller.results, "cat", "Images")
    qtbot.waitUntil(lambda: shown(application) == ["cat"])


def test_exports_are_written(qtbot: QtBot, start: Start, devkit: Path, tmp_path: Path) -> None:
    application = start()
    results = evaluated(qtbot, application, devkit)
    for suffix, part in (
        (".html", "<!DOCTYPE html>"),
        (".json", '"mAP"'),
        (".csv", "category,AP,"),
        (".csv", ",label\ncat,"),
    ):
        path = tmp_path / f"out{suffix}"
        with qtbot.waitSignal(results.exports.written):
            results._export(path)
        assert part in path.read_text(encoding="utf-8")
    results.overview._sharing.copy_numbers()
    assert "mAP" in QApplication.clipboard().text()


def test_thresholds_go_into_a_copy_of_the_model_that_ships(
    qtbot: QtBot, start: Start, engine: FakeEngine, devkit: Path
) -> None:
    application = start()
    results = evaluated(qtbot, application, devkit)
    results.state.use(ThresholdSet.BEST_F1)
    results.save_thresholds.click()
    [dialog] = results.findChildren(SaveThresholdsDialog)
    assert not dialog.itself.isEnabled()
    dialog.name.setText("mine")
    dialog.accept()
    qtbot.waitUntil(lambda: len(engine.saved_thresholds) == 1)
    [request] = engine.saved_thresholds
    assert request.name == "mine"
    best = results.state.analysis.report.thresholds.values
    assert list(request.values.values()) == pytest.approx(list(best))
