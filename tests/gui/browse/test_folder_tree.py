from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QAbstractItemModel, QModelIndex, Qt
from pytestqt.modeltest import ModelTester
from pytestqt.qtbot import QtBot

from csra_gui.browse.folder_tree_model import FolderColumn, FolderTreeModel
from csra_gui.browse.folder_view import FolderView

TOP = Path("/photos")
Tree = dict[str, object]


def shown(model: QAbstractItemModel, parent: QModelIndex | None = None) -> Tree:
    """Names with counts, nested, in the order that a view shows."""
    parent = QModelIndex() if parent is None else parent
    rows: Tree = {}
    for row in range(model.rowCount(parent)):
        index = model.index(row, FolderColumn.NAME, parent)
        count = model.index(row, FolderColumn.COUNT, parent).data()
        rows[f"{index.data()} {count}"] = shown(model, index)
    return rows


@pytest.fixture
def model(qtmodeltester: ModelTester) -> FolderTreeModel:
    made = FolderTreeModel()
    qtmodeltester.check(made, force_py=True)
    return made


def photos(*names: str) -> list[Path]:
    return [TOP / name for name in names]


def test_folders_have_the_photos_of_those_inside_them_too(model: FolderTreeModel) -> None:
    model.set_roots([TOP])
    model.add_photos(photos("a.jpg", "2024/b.jpg", "2024/may/c.jpg", "2024/may/d.jpg"))
    assert shown(model) == {"photos 4": {"2024 3": {"may 2": {}}}}
    model.add_photos(photos("2024/may/e.jpg", "2023/f.jpg"))
    assert shown(model) == {"photos 6": {"2023 1": {}, "2024 4": {"may 3": {}}}}


def test_folders_are_in_natural_order_however_they_are_found(model: FolderTreeModel) -> None:
    model.set_roots([TOP])
    model.add_photos(photos("day 10/a.jpg", "day 2/a.jpg", "Day 1/a.jpg", "zoo/a.jpg"))
    (names,) = shown(model).values()
    assert isinstance(names, dict)
    assert list(names) == ["Day 1 1", "day 2 1", "day 10 1", "zoo 1"]


def test_a_folder_without_photos_between_two_that_have_some_is_there(
    model: FolderTreeModel,
) -> None:
    model.set_roots([TOP])
    model.add_photos(photos("empty/deep/a.jpg"))
    assert shown(model) == {"photos 1": {"empty 1": {"deep 1": {}}}}


def test_single_photos_appear_under_their_folder(model: FolderTreeModel) -> None:
    model.set_roots([TOP / "a.jpg", Path("/other")])
    model.add_photos([TOP / "a.jpg", Path("/other/x/b.jpg")])
    assert shown(model) == {"photos 1": {}, "other 1": {"x 1": {}}}


def test_a_folder_opened_inside_another_that_is_open_is_shown_there(
    model: FolderTreeModel,
) -> None:
    model.set_roots([TOP, TOP / "2024"])
    model.add_photos(photos("a.jpg", "2024/b.jpg"))
    assert shown(model) == {"photos 2": {"2024 1": {}}}


def test_a_neighbour_whose_name_begins_alike_is_not_taken_for_a_subfolder(
    model: FolderTreeModel,
) -> None:
    model.set_roots([TOP, Path("/photos-old")])
    model.add_photos([TOP / "a.jpg", Path("/photos-old/b/c.jpg")])
    assert shown(model) == {"photos 1": {}, "photos-old 1": {"b 1": {}}}


def test_a_whole_disk_can_be_open(model: FolderTreeModel) -> None:
    model.set_roots([Path("/")])
    model.add_photos([Path("/a.jpg"), Path("/b/c.jpg")])
    assert shown(model) == {"/ 2": {"b 1": {}}}


def test_photos_that_vanish_are_counted_no_more(model: FolderTreeModel) -> None:
    model.set_roots([TOP])
    model.add_photos(photos("a.jpg", "2024/b.jpg", "2024/c.jpg"))
    model.remove_photos([*photos("2024/b.jpg", "2024/c.jpg"), Path("/elsewhere/x.jpg")])
    assert shown(model) == {"photos 1": {"2024 0": {}}}
    model.clear()
    assert shown(model) == {}


def test_strange_names_are_shown_safely_and_read_out_with_their_count(
    model: FolderTreeModel,
) -> None:
    model.set_roots([TOP])
    model.add_photos(photos("<b>x\n\u202e/a.jpg"))
    index = model.index(0, 0, model.index(0, 0))
    assert index.data() == "<b>x\ufffd\ufffd"
    assert index.data(Qt.ItemDataRole.AccessibleTextRole) == "<b>x\ufffd\ufffd, 1 photo"
    assert "<b>" not in str(index.data(Qt.ItemDataRole.ToolTipRole))


def test_a_click_chooses_and_two_open(qtbot: QtBot, model: FolderTreeModel) -> None:
    view = FolderView(model)
    qtbot.addWidget(view)
    view.resize(300, 200)
    view.show()
    model.set_roots([TOP])
    model.add_photos(photos("2024/a.jpg"))
    place = view.visualRect(model.index_of(TOP / "2024")).center()
    left = Qt.MouseButton.LeftButton
    with qtbot.waitSignal(view.folder_chosen) as chosen:
        qtbot.mouseClick(view.viewport(), left, pos=place)
    assert chosen.args == [TOP / "2024"]
    with qtbot.waitSignal(view.folder_opened) as opened:
        qtbot.mouseDClick(view.viewport(), left, pos=place)
    assert opened.args == [TOP / "2024"]


def test_return_chooses_the_current_folder(qtbot: QtBot, model: FolderTreeModel) -> None:
    view = FolderView(model)
    qtbot.addWidget(view)
    model.set_roots([TOP])
    model.add_photos(photos("2024/a.jpg"))
    view.select(TOP / "2024")
    with qtbot.waitSignal(view.folder_chosen) as chosen:
        qtbot.keyClick(view, Qt.Key.Key_Return)
    assert chosen.args == [TOP / "2024"]
    view.select(None)
    assert not view.selectionModel().hasSelection()


class AskedModel(FolderTreeModel):
    """Notes whose data it is asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: set[int] = set()

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        self.asked.add(index.row())
        return super().data(index, role)


def test_not_all_counts_are_measured_when_one_changes(qtbot: QtBot) -> None:
    model = AskedModel()  # untested: the tester would look at all folders whenever one is added
    model.set_roots([Path("/photos")])
    view = FolderView(model)
    qtbot.addWidget(view)
    view.show()
    model.add_counts({f"/photos/{i:04}": 1 for i in range(500)})
    view.expandAll()
    model.asked.clear()
    model.add_counts({"/photos/0499": 1})
    view.header().resizeSections()
    assert 0 < len(model.asked) < 100
