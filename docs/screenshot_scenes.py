"""What the pictures show: one function per scene, in the order in which they are taken."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from PySide6.QtTest import QTest
from screenshot_studio import Studio

from csra_gui.browse.view_mode import ViewMode
from csra_gui.interchange.write_dialog import WriteDialog
from csra_gui.maps.comparison import Beside, Together
from csra_gui.maps.why_dialog import WhyDialog
from csra_gui.review.bulk_dialog import BulkDialog
from csra_gui.review.favourites_dialog import FavouritesDialog
from csra_gui.session.retag_plan import Retagged, RetagMode, difference
from csra_gui.shell.log_dialog import LogDialog
from csra_gui.shell.settings_dialog import SettingsDialog
from csra_gui.shell.shortcuts_dialog import ShortcutsDialog
from csra_gui.tagging.difference_dialog import DifferenceDialog
from csra_gui.tagging.problems_dialog import ProblemsDialog
from csra_gui.tagging.retag_dialog import RetagDialog
from csra_gui.training.runner import Phase
from engine.api.categories import Categories
from engine.api.geometry import Box
from engine.library.values import Verdict
from engine.records.evaluations import EvaluationRun, EvaluationStore, now


def empty(studio: Studio) -> None:
    studio.keep("empty")


def main(studio: Studio) -> None:
    studio.look_at("cat.jpg", "cat")
    studio.keep("main")


def list_view(studio: Studio) -> None:
    studio.look_at("nagasaki-boats.jpg", "boat")
    studio.window.browse.browsing.set_mode(ViewMode.LIST)
    studio.keep("list")
    studio.window.browse.browsing.set_mode(ViewMode.GRID)


def large(studio: Studio) -> None:
    studio.look_at("sheep-in-march.jpg", "sheep")
    studio.window.browse.browsing.set_mode(ViewMode.LARGE)
    studio.keep("large")
    studio.window.browse.browsing.set_mode(ViewMode.GRID)


def compare(studio: Studio) -> None:
    studio.look_at("astronaut.jpg")
    studio.session.set_selection((studio.row("astronaut.jpg"), studio.row("photographer.jpg")))
    studio.command("view_compare")
    studio.keep("compare")
    studio.window.browse.browsing.set_mode(ViewMode.GRID)


def folders(studio: Studio) -> None:
    studio.look_at("aeroplane-from-above.jpg", "aeroplane")
    studio.window.browse.folders.show()
    studio.keep("folders")
    studio.window.browse.folders.hide()


def counts(studio: Studio) -> None:
    studio.look_at("cat.jpg")
    studio.window.search.facets.show()
    edit = studio.window.search.panel.bar.edit
    studio.window.search.panel.start_typing()
    QTest.keyClicks(edit, "person OR b")
    studio.keep("counts-and-completion")
    edit.offers.hide()
    edit.clear()
    studio.window.search.panel.clear()
    studio.window.search.facets.hide()


def filter_error(studio: Studio) -> None:
    studio.session.shown.set_filter("score:cat>much AND dog")
    studio.keep("filter-error")
    studio.window.search.panel.clear()


def filter_help(studio: Studio) -> None:
    bar = studio.window.search.panel.bar
    bar._on_questions_clicked()
    studio.keep("filter-help")
    bar.help.hide()


def review(studio: Studio) -> None:
    session = studio.session
    row = studio.row("photographer.jpg")
    said = {
        "person": Verdict.ACCEPTED,
        "camera": Verdict.ADDED,
        "bicycle": Verdict.REJECTED,
    }
    session.decisions.decide([row], said, caption="Decide", reviewed=True)
    session.decisions.decide(
        [studio.row("cat.jpg")], {"cat": Verdict.ACCEPTED}, caption="Accept “cat”", reviewed=True
    )
    session.decisions.decide(
        [studio.row("coffee.jpg")], {"cup": Verdict.ADDED}, caption="Add “cup”"
    )
    studio.look_at("photographer.jpg")
    studio.keep("review")
    session.set_selection(tuple(session.shown.rows.tolist()[:4]))
    session.focus.set_current(session.selection[0])
    session.set_selection(tuple(session.shown.rows.tolist()[:4]))
    studio.keep("review-many")


def bulk(studio: Studio) -> None:
    studio.command("bulk_edit")
    dialog = studio.dialog(BulkDialog)
    dialog.label.setText("person")
    studio.keep("bulk-edit", dialog)


def write_labels(studio: Studio) -> None:
    said = {"cat.jpg": "cat", "coffee.jpg": "cup", "photographer.jpg": "person"}
    for name, label in said.items():
        verdicts = {label: Verdict.ACCEPTED}
        studio.session.decisions.decide([studio.row(name)], verdicts, caption="Decide")
    studio.look_at("cat.jpg")
    studio.command("write_labels")
    dialog = studio.dialog(WriteDialog)
    studio.wait(lambda: dialog.summary.text().startswith("Would be"), "what would be written")
    studio.keep("write-labels", dialog)


def favourites(studio: Studio) -> None:
    studio.command("edit_favourites")
    studio.keep("favourites", studio.dialog(FavouritesDialog))


def retag(studio: Studio) -> None:
    studio.command("retag")
    studio.keep("tag-again", studio.dialog(RetagDialog))


def changes(studio: Studio) -> None:
    session = studio.session
    assert session.models.model is not None
    columns = session.photos.columns()
    rows = np.flatnonzero(~np.isnan(columns.scores[:, 0].astype(np.float32)))
    scores = columns.scores[rows].astype(np.float32)
    scores[:, 14] = 1 - scores[:, 14]  # as if another model saw persons elsewhere
    scores[:, 3] = np.maximum(scores[:, 3], 0.6)
    thresholds = np.full(scores.shape[1], 0.5, dtype=np.float32)
    after = Retagged(
        rows, scores.astype(np.float16), {}, session.models.model.categories, thresholds
    )
    found = difference(columns, thresholds, after, RetagMode.REPLACE)
    dialog = DifferenceDialog(found, session.photos, studio.window)
    dialog.show()
    studio.keep("what-would-change", dialog)
    dialog.deleteLater()


def together(studio: Studio) -> None:
    window = studio.window
    model = studio.session.models.model
    assert model is not None
    studio.look_at("black-canyon.jpg")
    window.maps.panel.show_together()
    names = ("person", "boat")
    comparison = window.maps.viewer.comparison
    comparison.set_categories([model.categories.index_of(name) for name in names])
    comparison.set_together(Together.COLORS)
    studio.keep("maps-together")
    window.maps.viewer.comparison.set_together(Together.OFF)
    studio.look_at("cat.jpg", "cat")
    window.maps.viewer.comparison.set_beside(Beside.NO_ATTENTION)
    studio.keep("maps-beside")
    window.maps.viewer.comparison.set_beside(Beside.NOTHING)
    window.maps.viewer.comparison.set_categories(())


def what_if(studio: Studio) -> None:
    window = studio.window
    source = window.maps.display.source
    studio.look_at("astronaut.jpg", "person")
    window.maps.panel.show_changes()
    source.set_hidden(Box(0.3, 0.1, 0.7, 0.5))
    studio.wait(lambda: source.scores is not None, "the part is hidden")
    studio.keep("what-if")
    source.reset()
    window.maps.panel.tabs.setCurrentWidget(window.maps.panel.heads)
    studio.keep("heads")
    window.maps.panel.hide()


def why(studio: Studio) -> None:
    studio.look_at("cat.jpg", "cat")
    studio.command("why")
    dialog = studio.dialog(WhyDialog)
    studio.keep("why", dialog)
    dialog.unfold.click()
    studio.keep("why-numbers", dialog)


def models(studio: Studio) -> None:
    studio.command("models")
    dialog = studio.window.models.controller.dialog
    assert dialog is not None
    studio.keep("models", dialog)


def settings(studio: Studio) -> None:
    studio.command("settings")
    studio.keep("settings", studio.dialog(SettingsDialog))


def shortcuts(studio: Studio) -> None:
    studio.command("shortcuts")
    studio.keep("shortcuts", studio.dialog(ShortcutsDialog))


def log(studio: Studio) -> None:
    studio.command("show_log")
    studio.keep("log", studio.dialog(LogDialog))


def problems(studio: Studio) -> None:
    studio.command("show_problems")
    studio.keep("unreadable", studio.dialog(ProblemsDialog))


def evaluation(studio: Studio) -> None:
    first = made_up_run(studio, "Example model", 1.6)
    second = EvaluationStore().save(made_up_run(studio, "Another example", 1.2))
    controller = studio.window.evaluation.controller
    folder = EvaluationStore().save(first)
    controller.show_run(folder.name)
    results = controller.results
    assert results is not None
    studio.wait(lambda: results.state.analysis is not None, "the run is analysed")
    for place in range(results.tabs.count()):
        results.tabs.setCurrentIndex(place)
        name = results.tabs.tabText(place).replace("&", "").lower().replace(" ", "-")
        if results.tabs.currentWidget() is results.compare:
            results.compare.compare_with(second)
            studio.wait(lambda: results.compare.comparison is not None, "runs are compared")
        studio.rest()
        studio.keep(f"evaluation-{name}", results)
    results.tabs.setCurrentIndex(0)


def start_evaluation(studio: Studio) -> None:
    studio.command("evaluate_voc")
    dialog = studio.window.evaluation.controller.dialog
    assert dialog is not None
    studio.keep("evaluate", dialog)


def training(studio: Studio) -> None:
    controller = studio.window.training.controller
    for name, label in (
        ("cat.jpg", "cat"),
        ("sheep-in-march.jpg", "sheep"),
        ("astronaut.jpg", "person"),
    ):
        studio.session.decisions.decide(
            [studio.row(name)], {label: Verdict.ACCEPTED}, caption="Accept"
        )
    studio.command("new_training")
    assert controller.new_dialog is not None
    controller.new_dialog.from_labels.click()
    studio.keep("training-new", controller.new_dialog)
    controller.new_dialog.form.editor("epochs").setValue(8)
    controller.new_dialog.start.click()
    studio.wait(lambda: controller.runner.phase is Phase.ASKING, "the training asks")
    dialog = controller.dialog
    assert dialog is not None
    studio.keep("training-check", dialog)
    dialog.begin.click()
    studio.wait(
        lambda: controller.runner.phase is Phase.ENDED and not controller.runner.is_busy,
        "it is done",
    )
    for place in range(dialog.view.tabs.count()):
        dialog.view.tabs.setCurrentIndex(place)
        caption = dialog.view.tabs.tabText(place).replace("&", "").lower().replace(" ", "-")
        studio.rest()
        studio.keep(f"training-{caption}", dialog)
    dialog.close()
    studio.command("trainings")
    studio.rest()
    studio.keep("trainings", controller.runs_dialog)


def teachings(studio: Studio) -> None:
    controller = studio.window.training.controller.teaching
    studio.command("improve_model")
    assert controller.improve_dialog is not None
    studio.keep("improve", controller.improve_dialog)
    controller.improve_dialog.close()
    studio.session.set_selection(tuple(range(3)))
    studio.command("teach_label")
    assert controller.teach_dialog is not None
    controller.teach_dialog.name.setText("rocket")
    studio.keep("teach", controller.teach_dialog)


def made_up_run(studio: Studio, name: str, skill: float) -> EvaluationRun:
    """Numbers that look like those of a model, and are of none."""
    model = studio.session.models.model
    assert model is not None
    categories: Categories = model.categories
    drawn = np.random.default_rng(7)
    shape = (600, len(categories))
    targets = drawn.random(shape) < np.linspace(0.04, 0.3, len(categories))
    targets[:, 14] |= targets[:, 8] & (drawn.random(len(targets)) < 0.6)
    ease = skill + drawn.random(len(categories)) * 2.0
    logits = np.where(targets, ease, -ease - 1.0) + drawn.normal(0.0, 2.0, shape)
    return EvaluationRun(
        model={"name": name, "id": name.lower(), "backbone": "made up"},
        dataset={"name": "Made-up labels", "kind": "voc2007", "split": "test", "hash": "0"},
        settings={"device": "cpu", "images per second": "10"},
        date=now(),
        categories=categories,
        ids=tuple(f"{number:06}" for number in range(len(targets))),
        logits=logits.astype(np.float32),
        targets=targets,
        ignored=np.zeros(shape, dtype=bool),
    )


SCENES: Mapping[str, Callable[[Studio], None]] = MappingProxyType(
    {
        "empty": empty,
        "main": main,
        "list": list_view,
        "large": large,
        "compare": compare,
        "folders": folders,
        "counts": counts,
        "filter-error": filter_error,
        "filter-help": filter_help,
        "review": review,
        "bulk": bulk,
        "write-labels": write_labels,
        "favourites": favourites,
        "retag": retag,
        "changes": changes,
        "together": together,
        "what-if": what_if,
        "why": why,
        "models": models,
        "settings": settings,
        "shortcuts": shortcuts,
        "log": log,
        "problems": problems,
        "evaluation": evaluation,
        "start-evaluation": start_evaluation,
        "training": training,
        "teachings": teachings,
    }
)
