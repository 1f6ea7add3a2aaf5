from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from csra_gui.base.jobs import JobRunner
from csra_gui.session import photo_view_order, sort_keys
from csra_gui.session.photo_table import PhotoTable
from csra_gui.session.photo_view_order import ShownPhotos, begins_with
from csra_gui.session.sort_keys import (
    CAMERA,
    CHANGED,
    DATE,
    FOUND,
    MISTAKES,
    NAME,
    SCORE,
    UNCERTAINTY,
    natural_key,
    natural_order,
)
from engine.library.columns import NOT_TAKEN, IntArray
from engine.library.values import ImageFile, Verdict

NAMES = ("IMG_10.jpg", "img_2.jpg", "a.jpg", "b.jpg", "c.jpg")
SCORES = ((0.9, 0.1), (0.55, 0.2), (0.2, 0.8), (0.1, 0.1))
HALF = np.full(2, 0.5, dtype=np.float32)


class Table:
    """A table of five photos, the last one not tagged, and what is shown of it."""

    def __init__(self, qtbot: QtBot) -> None:
        self._qtbot = qtbot
        self.owner = QObject()
        self.jobs = JobRunner(self.owner)
        self.photos = PhotoTable()
        self.photos.use_model("m", ("cat", "dog"))
        self.photos.add(
            [Path("/x") / name for name in NAMES],
            [ImageFile(Path("/x") / name, 1, 100 - i) for i, name in enumerate(NAMES)],
        )
        for row, scores in enumerate(SCORES):
            self.photos.set_scores(row, np.array(scores, dtype=np.float32))
        self.shown = ShownPhotos(self.photos, lambda: HALF, self.jobs, self.owner)
        self.shown.refresh()

    def wait_for(self, *rows: int) -> None:
        """Until just these rows are shown, in this order."""
        self._qtbot.waitUntil(lambda: self.shown.rows.tolist() == list(rows))


@pytest.fixture
def table(qtbot: QtBot) -> Iterator[Table]:
    made = Table(qtbot)
    yield made
    assert made.jobs.shut_down(5.0)


def test_all_photos_are_shown_at_once_in_the_order_they_were_found(table: Table) -> None:
    assert table.shown.rows.tolist() == [0, 1, 2, 3, 4]
    table.photos.add([Path("/x/new.jpg")])
    table.shown.refresh()
    assert len(table.shown) == 6
    assert table.shown.position_of(5) == 5
    assert table.shown.row_at(6) is None
    assert table.shown.position_of(6) is None


def test_a_filter_hides_what_it_does_not_want_and_positions_follow(table: Table) -> None:
    table.shown.set_filter("cat")
    table.wait_for(0, 1)
    assert table.shown.position_of(2) is None
    table.shown.set_filter("dog OR name:c.jpg")
    table.wait_for(2, 4)
    assert table.shown.row_at(0) == 2
    assert table.shown.position_of(4) == 1
    table.shown.set_filter("")
    assert len(table.shown) == 5


def test_a_filter_that_cannot_be_understood_changes_nothing_but_the_error(table: Table) -> None:
    table.shown.set_filter("cat")
    table.wait_for(0, 1)
    table.shown.set_filter("cat AND (")
    assert table.shown.filter_error is not None
    assert table.shown.rows.tolist() == [0, 1]
    table.shown.set_filter("cat")
    assert table.shown.filter_error is None


def test_a_category_that_nobody_knows_is_an_error_until_it_is_known(
    qtbot: QtBot, table: Table
) -> None:
    table.shown.set_filter("zebra")
    qtbot.waitUntil(lambda: table.shown.filter_error is not None)
    assert "zebra" in str(table.shown.filter_error)
    table.photos.decide([3], {"zebra": Verdict.ADDED})
    table.shown.refresh()
    table.wait_for(3)
    assert table.shown.filter_error is None


def test_a_decision_is_followed(table: Table) -> None:
    table.shown.set_filter("cat")
    table.wait_for(0, 1)
    table.photos.decide([0], {"cat": Verdict.REJECTED})
    table.photos.decide([4], {"cat": Verdict.ADDED})
    table.shown.refresh()
    table.wait_for(1, 4)


@pytest.mark.parametrize(
    ("key", "descending", "rows"),
    [
        (NAME, False, [2, 3, 4, 1, 0]),
        (NAME, True, [0, 1, 4, 3, 2]),
        (DATE, False, [4, 3, 2, 1, 0]),
        (CHANGED, False, [4, 3, 2, 1, 0]),
        (CAMERA, False, [0, 1, 2, 3, 4]),
        (FOUND, True, [4, 3, 2, 1, 0]),
        (f"{SCORE}cat", True, [0, 1, 2, 3, 4]),
        (f"{SCORE}dog", False, [0, 3, 1, 2, 4]),
        (f"{SCORE}unknown", True, [0, 1, 2, 3, 4]),
        (UNCERTAINTY, True, [1, 2, 0, 3, 4]),
    ],
)
def test_photos_are_sorted_and_those_without_scores_come_last(
    table: Table, key: str, descending: bool, rows: list[int]
) -> None:
    if rows == [0, 1, 2, 3, 4]:  # so that there is something to wait for
        table.shown.set_sort(NAME)
        table.wait_for(2, 3, 4, 1, 0)
    table.shown.set_sort(key, descending)
    table.wait_for(*rows)


def test_photos_are_sorted_by_what_cameras_say_and_else_by_their_files(table: Table) -> None:
    table.photos.set_cameras([1, 3], np.array([50, NOT_TAKEN]), ["Canon 10", "Canon 9"])
    for key, descending, rows in (
        (DATE, False, [1, 4, 3, 2, 0]),
        (DATE, True, [0, 2, 3, 4, 1]),
        (CHANGED, False, [4, 3, 2, 1, 0]),
        (CAMERA, False, [3, 1, 0, 2, 4]),
        (CAMERA, True, [1, 3, 0, 2, 4]),
    ):
        table.shown.set_sort(key, descending)
        table.wait_for(*rows)
        assert table.shown.asks_the_camera is (key != CHANGED)
    table.shown.set_sort(FOUND)
    assert not table.shown.asks_the_camera
    table.shown.set_filter("NOT (camera:10 OR date:>2020)")
    table.wait_for(0, 2, 3, 4)
    assert table.shown.asks_the_camera


def test_a_photo_whose_file_is_another_one_is_unread_again(table: Table) -> None:
    photos = table.photos
    photos.set_cameras([1, 3], np.array([50, 60]), ["Canon", "Acme"])
    assert photos.unread_rows().tolist() == [0, 2, 4]
    photos.set_file(1, photos.file(1))
    assert photos.unread_rows().tolist() == [0, 2, 4]
    photos.set_file(1, ImageFile(photos.paths[1], 7, 8))
    photos.set_gone([2], True)
    assert photos.unread_rows().tolist() == [0, 1, 4]
    assert photos.columns().taken_ns.tolist() == [NOT_TAKEN, NOT_TAKEN, NOT_TAKEN, 60, NOT_TAKEN]
    photos.clear()
    photos.add([Path("/x/new.jpg")], [ImageFile(Path("/x/new.jpg"), 1, 1)])
    assert photos.unread_rows().tolist() == [0] and photos.cameras.names == ("",)


def test_decisions_that_the_model_contradicts_come_first_as_suspected_mistakes(
    table: Table,
) -> None:
    table.photos.decide([0], {"cat": Verdict.REJECTED})  # the model is sure: 0.9
    table.photos.decide([3], {"dog": Verdict.ADDED})  # the model label_errors it: 0.2
    table.photos.set_scores(3, np.array([0.1, 0.2], dtype=np.float32))
    table.photos.decide([2], {"dog": Verdict.ACCEPTED})  # both agree
    table.shown.set_sort(MISTAKES, True)
    table.wait_for(0, 3, 1, 2, 4)


def test_a_fixed_choice_keeps_its_order_and_can_be_filtered_and_sorted(table: Table) -> None:
    table.shown.show_only([4, 2, 0], "three of them")
    table.wait_for(4, 2, 0)
    assert table.shown.fixed_caption == "three of them"
    table.shown.set_sort(NAME)
    table.wait_for(2, 4, 0)
    table.shown.set_filter("cat")
    table.wait_for(0)
    table.shown.set_filter("")
    table.shown.set_sort(FOUND)
    table.shown.show_all()
    assert len(table.shown) == 5
    assert table.shown.fixed_caption == ""


def test_what_was_asked_last_wins(table: Table) -> None:
    for text in ("cat", "dog", "cat AND dog", "NOT cat"):
        table.shown.set_filter(text)
    table.wait_for(2, 3, 4)


def test_another_folder_begins_empty_and_keeps_the_filter(table: Table) -> None:
    table.shown.set_filter("cat")
    table.wait_for(0, 1)
    table.photos.clear()
    table.shown.reset()
    assert len(table.shown) == 0
    table.photos.add([Path("/y/1.jpg"), Path("/y/2.jpg")])
    table.photos.set_scores(1, np.array([0.9, 0.0], dtype=np.float32))
    table.shown.refresh()
    table.wait_for(1)


def test_numbers_in_names_count_by_their_value() -> None:
    names = ["img10", "img9", "img", "10", "9", "a"]
    assert sorted(names, key=natural_key) == ["9", "10", "a", "img", "img9", "img10"]


def test_columns_are_kept_until_something_changes() -> None:
    photos = PhotoTable()
    photos.add([Path("/x/1.jpg")])
    first = photos.columns()
    assert photos.columns() is first
    assert first.tagged.tolist() == [False], "also without a model"
    names = first.folded_names
    photos.decide([0], {"cat": Verdict.ADDED})
    assert photos.columns() is not first
    assert photos.columns().folded_names is names
    assert photos.columns().categories == ("cat",)


def test_photos_that_are_found_are_not_compared_with_all_before(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[int] = []

    def array_equal(first: IntArray, second: IntArray) -> bool:
        compared.append(len(first))
        return first.tolist() == second.tolist()

    monkeypatch.setattr(photo_view_order.np, "array_equal", array_equal)
    for first in range(0, 4000, 100):
        table.photos.add([Path(f"/y/{i}.jpg") for i in range(first, first + 100)])
        before = table.shown.rows
        table.shown.refresh()
        assert begins_with(table.shown.rows, before)
    assert table.shown.rows.tolist() == list(range(4005))
    assert len(compared) < 20  # only where there was no room left, which doubles


def test_rows_begin_with_others_if_they_are_the_same_at_the_start() -> None:
    rows = np.arange(6)
    for before, is_so in ((rows[:3], True), (np.arange(3), True), (rows[1:3], False)):
        assert begins_with(rows[:5], before) is is_so
    assert not begins_with(rows[:3], rows[:5])
    assert not begins_with(rows[::2], rows[:3])


def test_a_place_is_that_of_the_row_until_a_photo_is_gone(table: Table) -> None:
    assert [table.shown.position_of(row) for row in (-1, 0, 4, 5)] == [None, 0, 4, None]
    table.photos.set_gone([1], True)
    table.shown.refresh()
    assert [table.shown.position_of(row) for row in range(5)] == [0, None, 1, 2, 3]


def test_photos_found_after_thousands_come_into_view_together(
    table: Table, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(photo_view_order, "MANY", 5)
    changes: list[int] = []
    table.shown.changed.connect(lambda: changes.append(len(table.shown)))
    for place in range(20):
        table.photos.add([Path(f"/z/{place}.jpg")])
        table.shown.refresh()
    assert changes == []
    assert table.shown.is_pending
    qtbot.waitUntil(lambda: len(table.shown) == 25)
    assert changes == [25]
    assert not table.shown.is_pending
    table.photos.set_gone([24], True)
    table.shown.refresh()  # what goes is gone at once
    assert len(table.shown) == 24


@pytest.mark.parametrize("descending", [False, True])
def test_positions_of_rows_are_those_of_each(table: Table, descending: bool) -> None:
    if descending:
        table.shown.set_sort(FOUND, descending=True)
        table.wait_for(4, 3, 2, 1, 0)
    rows = [3, 0, 9]
    each = [table.shown.position_of(row) for row in rows]
    assert table.shown.positions_of(rows).tolist() == [place for place in each if place is not None]


ODD_NAMES = (
    *("a", "b", "a1", "a01", "a001b", "a10", "a9b", "a9", "1", "01", "10", "9", "", "a.b", "a b"),
    *("img_2.jpg", "img_10.jpg", "é", "z", "ü2", "ü10", "\udc80x", "\U0001f600", "a" * 60 + "2"),
    *("a" * 60 + "10", "a" * 60 + "9", "1" * 99, "1" * 100 + "x", "0", "00", "0a", "-1", "_2"),
    *(f"{'long beginning ' * 4}{number}" for number in (100, 20, 3)),
)


@pytest.mark.parametrize("seed", range(5))
def test_names_are_sorted_as_python_would_sort_them(seed: int) -> None:
    names = np.random.default_rng(seed).permutation(np.array(ODD_NAMES * 2, dtype=object)).tolist()
    expected = sorted(range(len(names)), key=lambda i: natural_key(names[i]))
    assert natural_order(names).tolist() == expected


def test_ordinary_names_are_not_left_to_python_to_sort(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sort_keys, "natural_key", None)
    names = [f"img_{number}.jpg" for number in (*range(300, 0, -1), 5)]
    assert natural_order(names).tolist() == [*range(299, 294, -1), 300, *range(294, -1, -1)]
    assert natural_order([]).tolist() == []
