from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QTreeWidget, QTreeWidgetItem
from pytestqt.qtbot import QtBot

from csra_gui.app import Application
from csra_gui.base.settings import FAVOURITE_LABELS, USED_LABELS, Settings
from csra_gui.review.bulk_dialog import BulkDialog
from csra_gui.review.favourites_dialog import FavouritesDialog
from csra_gui.review.label_entry import LabelEntry
from csra_gui.review.label_history import UsedLabels
from csra_gui.review.label_list_model import LabelRow, Share
from csra_gui.session.typed_labels import label_problem, spelled_as_known
from engine.library.values import Verdict
from tests.gui.driver import Start, row, trigger, wait_until_tagged

ACCEPTED, REJECTED, ADDED = Verdict.ACCEPTED, Verdict.REJECTED, Verdict.ADDED


@pytest.fixture
def reviewing(qtbot: QtBot, start: Start, photos: Path) -> Application:
    """A window on tagged photos, looking at the cat."""
    application = start([photos])
    wait_until_tagged(qtbot, application)
    qtbot.waitUntil(lambda: application.session.library.is_open)
    look_at(application, "cat.jpg")
    return application


def look_at(application: Application, *names: str) -> None:
    rows = [row(application, name) for name in names]
    application.session.focus.set_current(rows[0])
    application.session.set_selection(rows)


def said(application: Application, name: str) -> dict[str, Verdict]:
    return dict(application.session.photos.verdicts(row(application, name)))


def listed(application: Application) -> dict[str, LabelRow]:
    rows = application.window.review.labels.labels.model().rows()
    return {r.category: r for r in rows}


def current(application: Application) -> str:
    path = application.session.focus.current_path
    assert path is not None
    return path.name


def test_a_label_that_is_right_or_wrong_is_told_apart_and_taken_back(
    reviewing: Application,
) -> None:
    review = reviewing.window.review.controller
    review.accept("cat")
    assert said(reviewing, "cat.jpg")["cat"] is ACCEPTED
    review.reject("cat")
    assert listed(reviewing)["cat"].verdict is REJECTED
    assert list(listed(reviewing))[-1] == "cat", "rejected ones stand at the end"
    review.reject("cat")
    assert "cat" not in said(reviewing, "cat.jpg")


def test_number_keys_go_through_what_can_be_said(reviewing: Application) -> None:
    first = next(iter(listed(reviewing)))
    trigger(reviewing, "label_1")
    assert said(reviewing, "cat.jpg") == {first: ACCEPTED}
    trigger(reviewing, "label_1")
    assert said(reviewing, "cat.jpg") == {first: REJECTED}
    trigger(reviewing, "label_9")
    assert said(reviewing, "cat.jpg") == {first: REJECTED}, "there is no ninth label"


def test_what_is_typed_is_added_and_offered_again(reviewing: Application, qtbot: QtBot) -> None:
    entry = reviewing.window.review.labels.entry
    reviewing.window.activateWindow()
    entry.setFocus()
    qtbot.waitUntil(entry.hasFocus)
    QTest.keyClicks(entry, "Grandma")
    QTest.keyClick(entry, Qt.Key.Key_Return)
    assert said(reviewing, "cat.jpg")["Grandma"] is ADDED
    assert entry.text() == ""
    assert reviewing.window.review.controller.known_labels[0] == "Grandma"
    QTest.keyClicks(entry, "  PERSON ")
    QTest.keyClick(entry, Qt.Key.Key_Return)
    assert "person" in said(reviewing, "cat.jpg"), "as the model spells it"


def test_a_label_that_the_machine_has_too_is_accepted_when_typed(reviewing: Application) -> None:
    reviewing.window.review.controller.add("cat")
    assert said(reviewing, "cat.jpg")["cat"] is ACCEPTED


def test_accepting_all_says_so_of_what_is_shown_and_goes_on(reviewing: Application) -> None:
    names = [name for name, label in listed(reviewing).items() if label.counts]
    other = next(name for name in names if name != "cat")
    reviewing.window.review.controller.reject(other)
    session = reviewing.session
    before = session.focus.current
    assert before is not None
    trigger(reviewing, "accept_all")
    assert said(reviewing, "cat.jpg") == {other: REJECTED} | {
        name: ACCEPTED for name in names if name != other
    }
    assert session.photos.is_reviewed(before)
    assert session.focus.current == before + 1


def test_the_next_photo_is_the_next_shown_that_is_not_reviewed(
    reviewing: Application, qtbot: QtBot
) -> None:
    session = reviewing.session
    session.shown.set_sort("name", True)
    qtbot.waitUntil(lambda: session.shown.row_at(0) == row(reviewing, "person.jpg"))
    look_at(reviewing, "dog.jpg")
    trigger(reviewing, "next_unreviewed")
    assert current(reviewing) == "cat.jpg"
    for name in ("cat-and-dog.jpg", "cat.jpg"):
        look_at(reviewing, name)
        trigger(reviewing, "reviewed")
    look_at(reviewing, "dog.jpg")
    trigger(reviewing, "next_unreviewed")
    assert current(reviewing) == "bad.jpg"
    trigger(reviewing, "next_unreviewed")
    assert current(reviewing) == "person.jpg", "from the end it goes on at the beginning"


def test_when_all_is_reviewed_that_is_said(reviewing: Application) -> None:
    session = reviewing.session
    look_at(reviewing, *(path.name for path in session.photos.paths))
    trigger(reviewing, "reviewed")
    assert reviewing.window.review.controller.progress() == (5, 5)
    assert reviewing.window.review.labels.progress.done.text() == "5 of 5 reviewed"
    before = session.focus.current
    trigger(reviewing, "next_unreviewed")
    assert session.focus.current == before
    told = [label.text() for label in reviewing.window.message_bar.findChildren(QLabel)]
    assert "All photos that are shown have been reviewed." in told


def test_repeating_says_the_same_of_another_photo(reviewing: Application) -> None:
    review = reviewing.window.review.controller
    review.reject("cat")
    review.add("Grandma")
    assert not reviewing.window.actions_table["repeat"].isEnabled(), "not of the same photo"
    look_at(reviewing, "dog.jpg")
    trigger(reviewing, "repeat")
    assert said(reviewing, "dog.jpg") == {"cat": REJECTED, "Grandma": ADDED}
    look_at(reviewing, "person.jpg")
    trigger(reviewing, "repeat")
    assert said(reviewing, "person.jpg") == {"cat": REJECTED, "Grandma": ADDED}


def test_what_is_said_goes_for_all_selected_photos(reviewing: Application) -> None:
    look_at(reviewing, "cat.jpg", "dog.jpg")
    assert listed(reviewing)["cat"].of == 2
    assert listed(reviewing)["cat"].having >= 1
    reviewing.window.review.controller.add("Grandma")
    assert listed(reviewing)["Grandma"].share is Share.ALL
    for name in ("cat.jpg", "dog.jpg"):
        assert said(reviewing, name)["Grandma"] is ADDED
    trigger(reviewing, "reviewed")
    assert reviewing.window.review.controller.reviewed is Share.ALL
    look_at(reviewing, "cat.jpg", "person.jpg")
    assert listed(reviewing)["Grandma"].share is Share.SOME
    assert reviewing.window.review.controller.reviewed is Share.SOME
    assert reviewing.window.actions_table["reviewed"].iconText() == "Partly"


def test_undo_takes_back_one_step_on_all_photos(reviewing: Application, qtbot: QtBot) -> None:
    look_at(reviewing, "cat.jpg", "dog.jpg")
    reviewing.window.review.controller.add("Grandma")
    qtbot.waitUntil(reviewing.window.actions_table["undo"].isEnabled)
    assert "Grandma" in reviewing.window.actions_table["undo"].text()
    trigger(reviewing, "undo")
    qtbot.waitUntil(lambda: not said(reviewing, "cat.jpg") and not said(reviewing, "dog.jpg"))
    qtbot.waitUntil(reviewing.window.actions_table["redo"].isEnabled)
    trigger(reviewing, "redo")
    qtbot.waitUntil(lambda: said(reviewing, "dog.jpg") == {"Grandma": ADDED})


def test_a_favourite_gives_its_label_and_takes_it_away(reviewing: Application) -> None:
    actions, used = reviewing.window.actions_table, reviewing.window.review.used_labels
    assert not actions["favourite_2"].isEnabled()
    used.set_favourites(["", "Grandma", "cat"])
    assert "Grandma" in actions["favourite_2"].text()
    trigger(reviewing, "favourite_2")
    assert said(reviewing, "cat.jpg") == {"Grandma": ADDED}
    trigger(reviewing, "favourite_2")
    assert said(reviewing, "cat.jpg") == {}
    trigger(reviewing, "favourite_3")
    assert said(reviewing, "cat.jpg") == {"cat": REJECTED}, "the machine's label is taken away"


def test_single_keys_are_letters_where_one_types(reviewing: Application, qtbot: QtBot) -> None:
    window = reviewing.window
    window.activateWindow()
    edit = window.search.panel.bar.edit
    edit.setFocus()
    qtbot.waitUntil(edit.hasFocus)
    for key in ("r", "1", "n"):
        QTest.keyClick(window.windowHandle(), key)
    QTest.keyClick(window.windowHandle(), Qt.Key.Key_Return)
    assert edit.text() == "r1n"
    assert not said(reviewing, "cat.jpg")
    assert current(reviewing) == "cat.jpg"


def test_return_in_a_tree_chooses_there_and_accepts_nothing(
    reviewing: Application, qtbot: QtBot
) -> None:
    window = reviewing.window
    tree = QTreeWidget(window)
    tree.addTopLevelItem(QTreeWidgetItem(["a folder"]))
    tree.show()
    window.activateWindow()
    tree.setFocus()
    qtbot.waitUntil(tree.hasFocus)
    QTest.keyClick(window.windowHandle(), Qt.Key.Key_Return)
    assert not said(reviewing, "cat.jpg")
    assert current(reviewing) == "cat.jpg"
    tree.deleteLater()


def test_single_keys_are_commands_elsewhere(reviewing: Application, qtbot: QtBot) -> None:
    window = reviewing.window
    window.activateWindow()
    window.review.labels.labels.setFocus()
    qtbot.waitUntil(window.review.labels.labels.hasFocus)
    QTest.keyClick(window.windowHandle(), "1")
    assert list(said(reviewing, "cat.jpg").values()) == [ACCEPTED]
    QTest.keyClick(window.windowHandle(), "a")
    qtbot.waitUntil(window.review.labels.entry.hasFocus)


def test_escape_in_an_empty_filter_goes_back_to_the_photos(
    reviewing: Application, qtbot: QtBot
) -> None:
    window = reviewing.window
    window.activateWindow()
    trigger(reviewing, "find")
    qtbot.waitUntil(window.search.panel.bar.edit.hasFocus)
    QTest.keyClick(window.search.panel.bar.edit, Qt.Key.Key_Escape)
    qtbot.waitUntil(window.browse.grid.view.hasFocus)


def test_keeping_a_map_is_a_key(reviewing: Application) -> None:
    session = reviewing.session
    assert not reviewing.window.actions_table["pin"].isEnabled()
    session.focus.set_hovered(1)
    trigger(reviewing, "pin")
    session.focus.set_hovered(None)
    assert session.focus.pinned == 1
    trigger(reviewing, "pin")
    assert session.focus.pinned is None


def test_many_photos_are_changed_after_a_look(reviewing: Application, qtbot: QtBot) -> None:
    before = {path.name: said(reviewing, path.name) for path in reviewing.session.photos.paths}
    trigger(reviewing, "bulk_edit")
    dialog = reviewing.window.findChild(BulkDialog)
    assert dialog is not None
    assert not dialog.apply.isEnabled()
    dialog.label.setText("Grandma")
    qtbot.waitUntil(dialog.apply.isEnabled)
    assert dialog.summary.text() == "5 photos change. You can undo it."
    assert dialog.samples.count() == 5
    assert before == {name: said(reviewing, name) for name in before}, "it was only a look"
    dialog.apply.click()
    assert all(said(reviewing, name).get("Grandma") is ADDED for name in before)


def test_replacing_a_label_changes_only_photos_that_have_it(
    reviewing: Application, qtbot: QtBot
) -> None:
    look_at(reviewing, "cat.jpg", "dog.jpg")
    reviewing.window.review.controller.add("Granma")
    trigger(reviewing, "bulk_edit")
    dialog = reviewing.window.findChild(BulkDialog)
    assert dialog is not None
    dialog.scope.setCurrentIndex(1)
    dialog.kind.setCurrentIndex(2)
    dialog.kind.activated.emit(2)
    dialog.label.setText("granma")
    assert not dialog.apply.isEnabled()
    dialog.replacement.setText("Grandma")
    qtbot.waitUntil(dialog.apply.isEnabled)
    assert dialog.summary.text() == "2 photos change, 3 stay as they are. You can undo it."
    dialog.apply.click()
    assert said(reviewing, "dog.jpg") == {"Grandma": ADDED}
    assert said(reviewing, "person.jpg") == {}


def test_a_label_of_the_model_that_is_removed_is_said_to_be_wrong(
    reviewing: Application, qtbot: QtBot
) -> None:
    trigger(reviewing, "bulk_edit")
    dialog = reviewing.window.findChild(BulkDialog)
    assert dialog is not None
    dialog.kind.setCurrentIndex(1)
    dialog.label.setText("cat")
    qtbot.waitUntil(dialog.apply.isEnabled)
    dialog.apply.click()
    assert said(reviewing, "cat-and-dog.jpg") == {"cat": REJECTED}


def test_favourites_are_edited_in_a_dialog(reviewing: Application) -> None:
    trigger(reviewing, "edit_favourites")
    dialog = reviewing.window.findChild(FavouritesDialog)
    assert dialog is not None
    ok = dialog.buttons.buttons()[0]
    dialog.lines[0].setText("two\u202eways")
    assert not ok.isEnabled()
    dialog.lines[0].setText("DOG")
    dialog.accept()
    assert reviewing.window.review.used_labels.favourites()[0] == "dog"


def test_the_queue_sets_the_order_and_follows_it(reviewing: Application) -> None:
    progress, shown = reviewing.window.review.labels.progress, reviewing.session.shown
    progress.queues.activated.emit(1)
    assert (shown.sort_key, shown.descending) == ("uncertainty", True)
    assert reviewing.window.search.panel.bar.sort.key == "uncertainty"
    shown.set_sort("name", False)
    assert progress.queues.currentIndex() == -1
    shown.set_sort("mistakes", True)
    assert progress.queues.currentText() == "Suspected mistakes first"


def test_what_was_reviewed_is_known_at_the_next_start(
    reviewing: Application, qtbot: QtBot, start: Start, photos: Path
) -> None:
    trigger(reviewing, "reviewed")
    reviewing.window.review.controller.accept("cat")
    qtbot.waitUntil(lambda: not reviewing.session.decisions.is_writing)
    reviewing.window.close()
    assert reviewing.shut_down()
    again = start([photos])
    progress = again.window.review.labels.progress
    qtbot.waitUntil(lambda: progress.done.text() == "1 of 5 reviewed")
    look_at(again, "cat.jpg")
    assert listed(again)["cat"].verdict is ACCEPTED
    assert again.window.actions_table["reviewed"].isChecked()


def test_a_comma_is_between_two_labels_given_at_once(reviewing: Application, qtbot: QtBot) -> None:
    review = reviewing.window.review.controller
    review.add(' railway ,"black, white", human,, railway')
    assert said(reviewing, "cat.jpg").keys() == {"railway", "black, white", "person"}
    assert review.known_labels[:3] == ["person", "black, white", "railway"]
    qtbot.waitUntil(reviewing.window.actions_table["undo"].isEnabled)
    trigger(reviewing, "undo")
    qtbot.waitUntil(lambda: not said(reviewing, "cat.jpg"))
    review.add("black, white")
    assert said(reviewing, "cat.jpg") == {"black, white": ADDED}, "it is known as one"
    before = said(reviewing, "cat.jpg")
    review.add(" , ")
    assert said(reviewing, "cat.jpg") == before


def test_where_one_label_is_asked_for_two_are_refused(reviewing: Application) -> None:
    trigger(reviewing, "bulk_edit")
    dialog = reviewing.window.findChild(BulkDialog)
    assert dialog is not None
    dialog.label.setText("railway, old")
    assert "needs quotes" in dialog.summary.text()
    dialog.label.setText('"railway, old"')
    assert dialog.edit.label == "railway, old"
    assert "quotes" not in dialog.summary.text()
    dialog.close()


# Parts alone.


@pytest.fixture
def entry(qtbot: QtBot, qapp: QApplication) -> LabelEntry:
    widget = LabelEntry(lambda: ["haddock", "hot dog", "dog", "cat"])
    qtbot.addWidget(widget)
    widget.show()
    widget.activateWindow()
    widget.setFocus()
    qtbot.waitUntil(widget.hasFocus)
    return widget


def test_labels_are_offered_wherever_the_typed_text_stands_in_them(
    entry: LabelEntry, qtbot: QtBot
) -> None:
    qtbot.keyClicks(entry, "DO")
    assert entry.offered == ["dog", "hot dog", "haddock"]
    qtbot.keyClick(entry, Qt.Key.Key_Tab)
    assert entry.text() == "dog"
    with qtbot.waitSignal(entry.label_entered) as told:
        qtbot.keyClick(entry, Qt.Key.Key_Return)
    assert told.args == ["dog"]


def test_of_several_labels_the_last_one_is_completed(entry: LabelEntry, qtbot: QtBot) -> None:
    qtbot.keyClicks(entry, '"a, b",cat,  had')
    assert entry.offered == ["haddock"]
    qtbot.keyClick(entry, Qt.Key.Key_Tab)
    assert entry.text() == '"a, b",cat, haddock'
    qtbot.keyClicks(entry, ", hot")
    qtbot.keyClick(entry.offers, Qt.Key.Key_Down)
    with qtbot.waitSignal(entry.label_entered) as told:
        qtbot.keyClick(entry.offers, Qt.Key.Key_Return)
    assert told.args == ['"a, b",cat, haddock, hot dog']


def test_an_offer_is_chosen_with_the_arrow_keys(entry: LabelEntry, qtbot: QtBot) -> None:
    qtbot.keyClicks(entry, "do")
    for _ in range(2):
        qtbot.keyClick(entry.offers, Qt.Key.Key_Down)
    with qtbot.waitSignal(entry.label_entered) as told:
        qtbot.keyClick(entry.offers, Qt.Key.Key_Return)
    assert told.args == ["hot dog"]
    assert entry.text() == ""


def test_return_takes_what_is_typed_even_if_something_is_offered(
    entry: LabelEntry, qtbot: QtBot
) -> None:
    qtbot.keyClicks(entry, "do")
    with qtbot.waitSignal(entry.label_entered) as told:
        qtbot.keyClick(entry, Qt.Key.Key_Return)
    assert told.args == ["do"]
    assert not entry.offered


def test_escape_empties_the_line_and_then_leaves_it(entry: LabelEntry, qtbot: QtBot) -> None:
    entry.setText("xyz")
    qtbot.keyClick(entry, Qt.Key.Key_Escape)
    assert entry.text() == ""
    with qtbot.waitSignal(entry.left), qtbot.assertNotEmitted(entry.label_entered):
        qtbot.keyClick(entry, Qt.Key.Key_Return)
        qtbot.keyClick(entry, Qt.Key.Key_Escape)


@pytest.mark.parametrize("stored", ["{", "3", '[1, "", "ok"]', '["a\\nb"]'])
def test_damaged_labels_are_left_out(tmp_path: Path, stored: str) -> None:
    settings = Settings(tmp_path / "settings.ini")
    settings.set_value(USED_LABELS, stored)
    settings.set_value(FAVOURITE_LABELS, stored)
    used = UsedLabels(settings)
    assert used.used() in ([], ["ok"])
    assert len(used.favourites()) == 9


def test_labels_used_last_come_first(tmp_path: Path) -> None:
    used = UsedLabels(Settings(tmp_path / "settings.ini"))
    for name in ("a", "b, c", "a"):
        used.note(name)
    assert used.used() == ["a", "b, c"]


def test_a_typed_name_is_spelled_as_it_is_known() -> None:
    assert spelled_as_known("  potted   PLANT ", ["Potted plant"]) == "Potted plant"
    assert spelled_as_known("dog", ["Dog", "dog"]) == "dog"
    assert spelled_as_known("new one", []) == "new one"


@pytest.mark.parametrize("name", ["", "  ", "x" * 201, "a\u202eb", "a\nb"])
def test_what_cannot_be_a_label_is_said(name: str) -> None:
    assert label_problem(name)
