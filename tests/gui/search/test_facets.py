from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QAbstractItemModelTester
from pytestqt.qtbot import QtBot

from csra_gui.search.facet import Facet, FacetGroup
from csra_gui.search.facet_list import FacetList, arrow_area
from csra_gui.search.facet_model import FacetModel, FacetRole
from csra_gui.search.facets import facet_groups, found_facets, unfolded
from csra_gui.search.filter_terms import TermState
from engine.api.facts import Fact
from engine.api.label_names import SHIPPED_NAMES
from engine.library.columns import NOT_MEASURED, Columns
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


def test_what_was_measured_is_counted_of_what_is_shown_unless_nobody_wants_to_know(
    view: LibraryView,
) -> None:
    dark, soft = Fact.VERY_DARK, Fact.BLURRED
    facts = np.array([soft, soft | dark, 0, NOT_MEASURED, dark], dtype=np.int32)
    measured = LibraryView(replace(view.columns, facts=facts), view.thresholds)

    def named(rows: list[int]) -> dict[str, int]:
        found = counts(facet_groups(measured, np.array(rows)))
        return {term: count for term, count in found.items() if term.startswith("measured:")}

    assert named([0, 1, 2, 3, 4]) == {"measured:very-dark": 2, "measured:blurred": 2}
    assert named([0, 3]) == {"measured:blurred": 1}
    for term, count in named([0, 1, 2, 3, 4]).items():
        assert np.count_nonzero(measured.rows(parse(term))) == count
    assert "Measured" not in {group.caption for group in facet_groups(view, np.arange(5))}


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


def folders_of(*paths: str) -> Columns:
    """A photo in each folder."""
    photos = len(paths)
    return replace(
        columns(),
        image_ids=np.arange(photos),
        names=("x.jpg",) * photos,
        folders=paths,
        folder_of=np.arange(photos),
        mtimes_ns=np.zeros(photos, dtype=np.int64),
        reviewed=np.zeros(photos, dtype=bool),
        failed=np.zeros(photos, dtype=bool),
        scores=np.full((photos, 2), np.nan, dtype=np.float16),
        verdicts=np.zeros((photos, 3), dtype=np.uint8),
    )


TREE = folders_of("/p/2023/10 sea", "/p/2023/9 city", "/p/2024", "/p/2024/trip/one", "/q")


def test_folders_are_a_tree_whose_counts_include_what_is_below() -> None:
    view = LibraryView(TREE, np.array([0.5, 0.5], dtype=np.float32))
    groups = facet_groups(view, np.arange(4), ["/p", "/q"])
    folders = groups[-1].facets
    assert [(f.caption, f.depth, f.count, f.has_parts) for f in folders] == [
        ("2023", 0, 2, True),
        ("9 city", 1, 1, False),
        ("10 sea", 1, 1, False),
        ("2024", 0, 2, True),
        ("trip", 1, 1, True),
        ("one", 2, 1, False),
    ]
    for facet in folders:
        rows = view.rows(parse(facet.term))
        assert np.count_nonzero(rows[:4]) == facet.count, facet.term
    both = facet_groups(view, np.arange(5), ["/p", "/q"])[-1].facets
    assert [f.caption for f in both if not f.depth] == ["p", "q"]


def test_a_search_finds_labels_by_any_name_and_folders_with_what_they_lie_in() -> None:
    view = LibraryView(TREE, np.array([0.5, 0.5], dtype=np.float32))
    groups = (
        FacetGroup("Labels", (Facet("sofa", "sofa", 3), Facet("dog", "dog", 1))),
        *facet_groups(view, np.arange(4), ["/p"]),
    )

    def found(text: str) -> list[str]:
        return [f.caption for g in found_facets(groups, text, SHIPPED_NAMES) for f in g.facets]

    assert found("COUCH") == ["sofa"]
    assert found("one") == ["2024", "trip", "one"]
    assert found("zzz") == []


def test_parts_of_what_is_folded_are_not_listed() -> None:
    view = LibraryView(TREE, np.array([0.5, 0.5], dtype=np.float32))
    folders = facet_groups(view, np.arange(4), ["/p"])[-1].facets
    seen = unfolded(folders, lambda facet: facet.caption in ("2023", "trip"))
    assert [f.caption for f in seen] == ["2023", "9 city", "10 sea", "2024"]


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
    widget.counts.set_groups(GROUPS, {}, 4)
    widget.resize(220, 300)
    widget.show()
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


def test_a_folder_is_folded_by_its_arrow_and_by_keys(facets: FacetList, qtbot: QtBot) -> None:
    folders = (Facet("a", "a", 2, 0, True), Facet("b", "b", 1, 1, False))
    told: list[str] = []
    facets.fold_requested.connect(told.append)
    facets.counts.set_groups([FacetGroup("Folders", folders)], {}, 2)
    index = facets.counts.index(1)
    arrow = arrow_area(facets.visualRect(index), index.data(FacetRole.ROW)).center()
    with qtbot.assertNotEmitted(facets.facet_clicked):
        qtbot.mouseClick(facets.viewport(), Qt.MouseButton.LeftButton, pos=arrow)
    assert told == ["a"]
    facets.setCurrentIndex(index)
    qtbot.keyClick(facets, Qt.Key.Key_Right)
    assert told == ["a"], "it is open"
    qtbot.keyClick(facets, Qt.Key.Key_Left)
    assert told == ["a", "a"]
    facets.counts.set_groups([FacetGroup("Folders", folders)], {}, 2, lambda _: False)
    assert [row.caption for row in facets.counts.rows()] == ["Folders", "a"]
    spoken = facets.counts.index(1).data(Qt.ItemDataRole.AccessibleTextRole)
    assert spoken == "a, 2 photos, folded"
    with qtbot.waitSignal(facets.facet_clicked):
        qtbot.mouseClick(facets.viewport(), Qt.MouseButton.LeftButton, pos=middle(facets, 1))


def test_states_look_different(facets: FacetList) -> None:
    def shot() -> object:
        return facets.viewport().grab(facets.visualRect(facets.counts.index(1))).toImage()

    looks = []
    for state in TermState:
        facets.counts.set_groups(GROUPS, {"cat": state}, 4)
        looks.append(shot())
    assert looks[0] != looks[1] != looks[2] != looks[0]
    assert isinstance(facets.counts.index(1).data(FacetRole.ROW).share, float)
