from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QToolButton
from pytestqt.qtbot import QtBot

from csra_gui.base.settings import SAVED_FILTERS, Settings
from csra_gui.search.filter_bar import FilterBar
from csra_gui.search.filter_edit import FilterEdit
from csra_gui.search.filter_help import EXAMPLES, FilterHelp
from csra_gui.search.saved_filters import SavedFilter, SavedFilters
from csra_gui.search.sort_chooser import SortChooser
from csra_gui.session.photo_table import PhotoTable
from engine.api.categories import shipped_categories
from engine.api.values import FloatArray
from engine.library.columns import IntArray
from engine.library.filters.completion import Completion, complete
from engine.library.filters.evaluation import LibraryView
from engine.library.filters.parser import parse
from engine.library.filters.tree import FilterError

NAMES = ("dog", "donkey", "potted plant")
ORDERS = (("found", "As found", False), ("name", "Name", False), ("score", "Score of", True))


def completing(text: str, cursor: int) -> Completion:
    return complete(text, cursor, NAMES)


@pytest.fixture
def edit(qtbot: QtBot, qapp: object) -> FilterEdit:
    widget = FilterEdit(completing)
    qtbot.addWidget(widget)
    widget.resize(400, 30)
    widget.show()
    widget.activateWindow()
    widget.setFocus()
    qtbot.waitUntil(widget.hasFocus)
    return widget


def test_a_pause_in_typing_tells_the_filter_once(edit: FilterEdit, qtbot: QtBot) -> None:
    told: list[str] = []
    edit.filter_changed.connect(told.append)
    qtbot.keyClicks(edit, "tags:2")
    assert not told
    qtbot.waitUntil(lambda: told == ["tags:2"])


def test_return_tells_at_once_and_only_what_is_new(edit: FilterEdit, qtbot: QtBot) -> None:
    told: list[str] = []
    edit.filter_changed.connect(told.append)
    edit.setText("dog")
    qtbot.keyClick(edit, Qt.Key.Key_Return)
    qtbot.keyClick(edit, Qt.Key.Key_Return)
    assert told == ["dog"]


def test_a_filter_set_from_elsewhere_is_shown_silently(edit: FilterEdit, qtbot: QtBot) -> None:
    told: list[str] = []
    edit.filter_changed.connect(told.append)
    edit.set_filter("cat")
    qtbot.keyClick(edit, Qt.Key.Key_Return)
    assert edit.text() == "cat"
    assert not told


def test_escape_clears_and_then_leaves(edit: FilterEdit, qtbot: QtBot) -> None:
    told: list[str] = []
    edit.filter_changed.connect(told.append)
    edit.set_filter("dog")
    with qtbot.assertNotEmitted(edit.left):
        qtbot.keyClick(edit, Qt.Key.Key_Escape)
    assert told == [""]
    with qtbot.waitSignal(edit.left):
        qtbot.keyClick(edit, Qt.Key.Key_Escape)


def test_tab_takes_the_first_offer_and_return_applies_what_is_typed(
    edit: FilterEdit, qtbot: QtBot
) -> None:
    told: list[str] = []
    edit.filter_changed.connect(told.append)
    qtbot.keyClicks(edit, "NOT pot")
    assert edit.offered == ['"potted plant"']
    qtbot.keyClick(edit, Qt.Key.Key_Tab)
    assert edit.text() == 'NOT "potted plant" '
    assert not edit.offered
    qtbot.keyClicks(edit, "do")
    assert edit.offered == ["dog", "donkey"]
    qtbot.keyClick(edit, Qt.Key.Key_Return)
    assert edit.text() == 'NOT "potted plant" do'
    assert told[-1] == edit.text()
    assert not edit.offered


def test_an_offer_is_chosen_with_the_arrow_and_return(edit: FilterEdit, qtbot: QtBot) -> None:
    qtbot.keyClicks(edit, "score:do")
    offers = edit.offers
    for _ in range(2):
        qtbot.keyClick(offers, Qt.Key.Key_Down)
    qtbot.keyClick(offers, Qt.Key.Key_Return)
    assert edit.text() == "score:donkey", "a comparison must follow"


def test_after_a_field_its_values_are_offered(edit: FilterEdit, qtbot: QtBot) -> None:
    qtbot.keyClicks(edit, "revi")
    qtbot.keyClick(edit, Qt.Key.Key_Tab)
    assert edit.text() == "reviewed:"
    assert edit.offered == ["yes", "no"]
    qtbot.keyClick(edit.offers, Qt.Key.Key_Escape)
    assert not edit.offered
    assert edit.text() == "reviewed:"


def test_what_is_wrong_is_marked_where_it_is(edit: FilterEdit) -> None:
    edit.setText("dog frog cat")
    edit.setCursorPosition(12)
    plain = edit.grab().toImage()
    edit.set_error((4, 8))
    assert edit.marked == (4, 8)
    marked = edit.grab().toImage()
    assert marked != plain
    changed = [
        x
        for x in range(plain.width())
        for y in range(plain.height())
        if plain.pixel(x, y) != marked.pixel(x, y)
    ]
    metrics, start = edit.fontMetrics(), min(changed)
    width = metrics.horizontalAdvance("frog")
    assert max(changed) - start <= width + 4
    edit.set_error(None)
    assert edit.grab().toImage() == plain


def test_an_end_that_is_missing_is_marked_at_the_last_character(edit: FilterEdit) -> None:
    edit.setText("dog AND")
    edit.set_error((7, 7))
    assert edit.marked == (6, 7)
    edit.setText("dog")
    assert edit.marked is None


class NothingAlike:
    """Has compared all photos, and found none alike."""

    def similarities(self, asked: Sequence[int], image_ids: IntArray) -> FloatArray:
        return np.zeros(len(image_ids), dtype=np.float32)


@pytest.mark.parametrize("example", [example for example, _ in EXAMPLES])
@pytest.mark.parametrize("known", ["voc", "coco"])
def test_every_example_of_the_help_holds_with_the_labels_that_ship(
    example: str, known: str
) -> None:
    photos = PhotoTable()
    photos.use_model("x", shipped_categories(known))
    photos.add([Path("/photos/IMG_1.jpg")])
    least = np.full(len(photos.categories), 0.5, dtype=np.float32)
    view = LibraryView(photos.columns(), least, NothingAlike())
    assert view.rows(parse(example)).shape == (1,)
    assert not view.words_in_names(parse(example))


def test_an_example_that_is_clicked_becomes_the_filter(qtbot: QtBot) -> None:
    bar = FilterBar(completing, ORDERS)
    qtbot.addWidget(bar)
    bar.show()
    button = next(b for b in bar.help.findChildren(QToolButton) if b.text() == "uncertain:dog")
    with qtbot.waitSignal(bar.edit.filter_changed) as told:
        button.click()
    assert told.args == ["uncertain:dog"]


def test_the_help_appears_and_goes_with_a_choice(qtbot: QtBot) -> None:
    sheet = FilterHelp()
    qtbot.addWidget(sheet)
    anchor = QToolButton()
    qtbot.addWidget(anchor)
    anchor.show()
    sheet.show_below(anchor)
    assert sheet.isVisible()
    sheet.findChildren(QToolButton)[0].click()
    assert not sheet.isVisible()


def test_an_error_is_said_below_and_goes_when_the_filter_changes(qtbot: QtBot) -> None:
    bar = FilterBar(completing, ORDERS)
    qtbot.addWidget(bar)
    bar.edit.setText("frog")
    bar.show_error(FilterError("There is no label “frog”.", 0, 4))
    assert bar.error == "There is no label “frog”."
    assert bar.edit.accessibleDescription() == bar.error
    bar.edit.setText("frogs")
    assert not bar.error
    assert bar.edit.marked is None


def test_an_order_starts_the_way_that_suits_it_and_can_be_turned(qtbot: QtBot) -> None:
    chooser = SortChooser(ORDERS)
    qtbot.addWidget(chooser)
    chooser.set_categories(NAMES)
    told: list[tuple[str, bool]] = []
    chooser.sort_changed.connect(lambda key, descending: told.append((key, descending)))
    chooser.orders.setCurrentIndex(2)
    chooser.orders.activated.emit(2)
    chooser.categories.setCurrentIndex(1)
    chooser.categories.activated.emit(1)
    chooser.direction.click()
    assert told == [("score:dog", True), ("score:donkey", True), ("score:donkey", False)]


def test_an_order_set_from_elsewhere_is_shown_silently(qtbot: QtBot) -> None:
    chooser = SortChooser(ORDERS)
    qtbot.addWidget(chooser)
    chooser.set_categories(NAMES)
    with qtbot.assertNotEmitted(chooser.sort_changed):
        chooser.set_sort("score:potted plant", True)
    assert chooser.key == "score:potted plant"
    chooser.set_categories(("cat", "potted plant"))
    assert chooser.key == "score:potted plant", "the choice survives another model"


def test_without_a_category_no_order_by_score_is_asked_for(qtbot: QtBot) -> None:
    chooser = SortChooser(ORDERS)
    qtbot.addWidget(chooser)
    chooser.orders.setCurrentIndex(2)
    with qtbot.assertNotEmitted(chooser.sort_changed):
        chooser.orders.activated.emit(2)


def test_saved_filters_survive_and_are_sorted_by_name(tmp_path: Path, qtbot: QtBot) -> None:
    file = tmp_path / "settings.ini"
    settings = Settings(file)
    saved = SavedFilters(settings)
    saved.add("zebras, maybe", 'uncertain:"zebra"')
    with qtbot.waitSignal(saved.changed):
        saved.add("All dogs", "dog")
    saved.add("All dogs", "dog OR puppy")
    settings.save()
    again = SavedFilters(Settings(file))
    assert again.all() == (
        SavedFilter("All dogs", "dog OR puppy"),
        SavedFilter("zebras, maybe", 'uncertain:"zebra"'),
    )
    again.remove("All dogs")
    assert [kept.name for kept in again.all()] == ["zebras, maybe"]


@pytest.mark.parametrize(
    "stored", ["{", '{"a": 1}', '[1, {"name": 2}, {"name": " ", "text": "dog"}]', "null"]
)
def test_damaged_saved_filters_are_left_out(tmp_path: Path, stored: str) -> None:
    settings = Settings(tmp_path / "settings.ini")
    settings.set_value(SAVED_FILTERS, stored)
    assert SavedFilters(settings).all() == ()
