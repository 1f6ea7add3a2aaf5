from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QAbstractItemModelTester
from pytestqt.qtbot import QtBot

from csra_gui.search.facet_list import FacetList
from csra_gui.search.facet_model import FacetModel, FacetRole
from csra_gui.search.facets import Facet, FacetGroup, facet_groups
from csra_gui.search.filter_terms import TermState
from engine.library.columns import Columns
from engine.library.filters.evaluation import LibraryView
from engine.library.filters.parser import parse

NONE, ACCEPTED, REJECTED, ADDED = range(4)


def columns() -> Columns:
    """Cat and dog; cat, rejected; Grandma, by hand, reviewed; unreadable; not tagged yet."""
    nothing = [np.nan, np.nan]
    scores = np.array([[0.9, 0.8], [0.6, 0.1], [0.1, 0.4], nothing, nothing], dtype=np.float16)
    verdicts = np.zeros((5, 3), dtype=np.uint8)
    verdicts[1, 0], verdicts[2, 2] = REJECTED, ADDED
    return Columns(
        image_ids=np.arange(1, 6),
        names=("a.jpg", "b.jpg", "c.jpg", "d.jpg", "e.jpg"),
        folders=("/photos/2023", "/photos/20*24 x"),
        folder_of=np.array([0, 0, 0, 1, 1]),
        mtimes_ns=np.zeros(5, dtype=np.int64),
        reviewed=np.array([False, False, True, False, False]),
        failed=np.array([False, False, False, True, False]),
        categories=("cat", "potted plant", "Grandma"),
        model_categories=2,
        scores=scores,
        verdicts=verdicts,
    )


@pytest.fixture
def view() -> LibraryView:
    return LibraryView(columns(), np.array([0.5, 0.5], dtype=np.float32))


def counts(groups: tuple[FacetGroup, ...]) -> dict[str, int]:
    return {facet.term: facet.count for group in groups for facet in group.facets}


def test_counts_are_of_what_is_shown(view: LibraryView) -> None:
    found = counts(facet_groups(view, np.arange(5)))
    assert found == {
        "cat": 1,
        '"potted plant"': 1,
        "Grandma": 1,
        "reviewed:no": 4,
        "reviewed:yes": 1,
        "source:person": 1,
        "rejected:*": 1,
        "tags:=0": 1,
        "uncertain:*": 1,
        "tagged:no": 1,
        "error:yes": 1,
        "folder:/photos/2023": 3,
        'folder:"/photos/20*24 x"': 2,
    }
    assert counts(facet_groups(view, np.array([0])))["reviewed:no"] == 1
    assert "Grandma" not in counts(facet_groups(view, np.array([0, 1])))


def test_clicking_a_count_shows_as_many_photos_as_it_says(view: LibraryView) -> None:
    rows = np.arange(5)
    for term, count in counts(facet_groups(view, rows)).items():
        assert np.count_nonzero(view.rows(parse(term))) == count, term


def test_one_folder_is_not_worth_a_count(view: LibraryView) -> None:
    one = replace(columns(), folders=("/photos",), folder_of=np.zeros(5, dtype=np.int64))
    groups = facet_groups(LibraryView(one, view.thresholds), np.arange(5))
    assert "Folders" not in [group.caption for group in groups]


def test_before_there_is_a_model_there_are_counts_too() -> None:
    nothing = replace(
        columns(),
        categories=(),
        model_categories=0,
        scores=np.zeros((5, 0), dtype=np.float16),
        verdicts=np.zeros((5, 0), dtype=np.uint8),
    )
    view = LibraryView(nothing, np.zeros(0, dtype=np.float32))
    found = counts(facet_groups(view, np.arange(5)))
    assert found["tagged:no"] == 4
    assert "tags:=0" not in found, "nobody has looked yet"


GROUPS = (
    FacetGroup("Labels", (Facet("cat", "cat", 3), Facet("dog", "<b>dog</b>\u202e", 1))),
    FacetGroup("Review", (Facet("reviewed:no", "Not reviewed", 4),)),
)


def test_the_model_keeps_qts_rules() -> None:
    model = FacetModel()
    tester = QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Warning)
    model.set_groups(GROUPS, {}, 4)
    model.set_groups(GROUPS, {"cat": TermState.WANTED}, 4)
    model.set_groups(GROUPS[1:], {}, 4)
    model.set_groups((), {}, 0)
    assert tester.model() is model


def test_other_numbers_change_rows_in_place(qtbot: QtBot) -> None:
    model = FacetModel()
    model.set_groups(GROUPS, {}, 4)
    with qtbot.waitSignal(model.dataChanged), qtbot.assertNotEmitted(model.modelReset):
        model.set_groups(GROUPS, {"cat": TermState.UNWANTED}, 4)
    with qtbot.assertNotEmitted(model.dataChanged):
        model.set_groups(GROUPS, {"cat": TermState.UNWANTED}, 4)


def test_a_screen_reader_hears_count_and_state_and_names_are_literal() -> None:
    model = FacetModel()
    model.set_groups(GROUPS, {"cat": TermState.UNWANTED}, 4)
    spoken = [model.index(i).data(Qt.ItemDataRole.AccessibleTextRole) for i in range(3)]
    assert spoken == ["Labels", "cat, 3 photos, not these", "<b>dog</b>\ufffd, 1 photo"]
    assert "<b>" not in model.index(2).data(Qt.ItemDataRole.ToolTipRole)
    assert not model.flags(model.index(0)) & Qt.ItemFlag.ItemIsEnabled


@pytest.fixture
def facets(qtbot: QtBot) -> FacetList:
    widget = FacetList()
    qtbot.addWidget(widget)
    widget.set_groups(GROUPS, {}, 4)
    widget.resize(220, 300)
    widget.show()
    qtbot.waitExposed(widget)
    return widget


def middle(facets: FacetList, row: int) -> QPoint:
    return facets.visualRect(facets.counts.index(row)).center()


def test_a_click_asks_for_it_and_with_shift_for_the_others(facets: FacetList, qtbot: QtBot) -> None:
    told: list[tuple[str, bool]] = []
    facets.facet_clicked.connect(lambda term, negating: told.append((term, negating)))
    left, shift = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ShiftModifier
    qtbot.mouseClick(facets.viewport(), left, pos=middle(facets, 1))
    qtbot.mouseClick(facets.viewport(), left, shift, middle(facets, 2))
    qtbot.mouseClick(facets.viewport(), left, pos=middle(facets, 0))  # a heading
    assert told == [("cat", False), ("dog", True)]


def test_the_keyboard_does_the_same(facets: FacetList, qtbot: QtBot) -> None:
    told: list[tuple[str, bool]] = []
    facets.facet_clicked.connect(lambda term, negating: told.append((term, negating)))
    facets.setFocus()
    facets.setCurrentIndex(facets.counts.index(1))
    qtbot.keyClick(facets, Qt.Key.Key_Space)
    qtbot.keyClick(facets, Qt.Key.Key_Down)
    qtbot.keyClick(facets, Qt.Key.Key_Delete)
    qtbot.keyClick(facets, Qt.Key.Key_Down)  # over the heading
    qtbot.keyClick(facets, Qt.Key.Key_Space, Qt.KeyboardModifier.ShiftModifier)
    assert told == [("cat", False), ("dog", True), ("reviewed:no", True)]


def test_states_look_different(facets: FacetList) -> None:
    def shot() -> object:
        return facets.viewport().grab(facets.visualRect(facets.counts.index(1))).toImage()

    looks = []
    for state in TermState:
        facets.set_groups(GROUPS, {"cat": state}, 4)
        looks.append(shot())
    assert looks[0] != looks[1] != looks[2] != looks[0]
    assert isinstance(facets.counts.index(1).data(FacetRole.ROW).share, float)
