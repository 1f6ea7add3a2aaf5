from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.modeltest import ModelTester
from pytestqt.qtbot import QtBot

from csra_gui.app import Application
from csra_gui.base import settings as keys
from csra_gui.browse.full_screen import FullScreen
from csra_gui.browse.photo_details_model import COLUMNS, PhotoDetailsModel
from csra_gui.browse.photo_list_model import FilmstripModel, PhotoListModel
from csra_gui.browse.photo_ranges import as_selection, positions_in, runs, spread
from csra_gui.browse.photo_roles import PhotoRole
from csra_gui.browse.shown_photos_model import ShownPhotosModel
from csra_gui.browse.thumbnail_view import ThumbnailView
from csra_gui.browse.view_mode import ViewMode
from engine.library.values import Verdict
from tests.gui.driver import Start

CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
NONE = Qt.KeyboardModifier.NoModifier
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """23 photos in two folders: 12 cats, then 11 dogs."""
    folder = tmp_path / "many"
    (folder / "dogs").mkdir(parents=True)
    for number in range(12):
        (folder / f"cat-{number}.jpg").touch()
    for number in range(11):
        (folder / "dogs" / f"dog-{number}.jpg").touch()
    return folder


@pytest.fixture
def application(qtbot: QtBot, start: Start, many: Path) -> Iterator[Application]:
    made = start([many])
    made.window.resize(1400, 900)
    session = made.session
    qtbot.waitUntil(
        lambda: (
            len(session.photos) == 23
            and not session.photos.untagged_rows()
            and not session.pipeline.is_tagging
        ),
        timeout=30_000,
    )
    yield made
    for screen in full_screens():
        screen.close()


def full_screens() -> list[FullScreen]:
    return [w for w in QApplication.topLevelWidgets() if isinstance(w, FullScreen)]


def shown_names(application: Application) -> list[str]:
    session = application.session
    return [session.photos.paths[int(row)].name for row in session.shown.rows]


def current_name(application: Application) -> str:
    path = application.session.focus.current_path
    return "" if path is None else path.name


def trigger(application: Application, name: str) -> None:
    action = application.window.actions_table[name]
    assert action.isEnabled(), f"{name} cannot be used"
    action.trigger()


def click(view: ThumbnailView, photo: int, modifiers: Qt.KeyboardModifier = NONE) -> None:
    index = view._photos.index_of(photo)
    view.scrollTo(index)
    QTest.mouseClick(view.viewport(), LEFT, modifiers, view.visualRect(index).center())


def filter_to(qtbot: QtBot, application: Application, text: str, count: int) -> None:
    application.session.shown.set_filter(text)
    qtbot.waitUntil(lambda: len(application.session.shown) == count)


# Choosing several.


def test_a_click_chooses_one_ctrl_adds_and_shift_chooses_all_between(
    application: Application,
) -> None:
    grid, session = application.window.grid.grid, application.session
    click(grid, 2)
    assert (session.focus.current, session.selection) == (2, (2,))
    click(grid, 7, SHIFT)
    assert (session.focus.current, session.selection) == (7, (2, 3, 4, 5, 6, 7))
    click(grid, 4, CTRL)
    assert session.selection == (2, 3, 5, 6, 7)
    click(grid, 20, CTRL)
    assert session.selection == (2, 3, 5, 6, 7, 20)
    click(grid, 0)
    assert session.selection == (0,)


def test_shift_and_arrow_keys_choose_in_reading_order(
    qtbot: QtBot, application: Application
) -> None:
    grid, session = application.window.grid.grid, application.session
    columns = grid._grid.columns
    click(grid, 1)
    qtbot.keyClick(grid, Qt.Key.Key_Down, SHIFT)
    assert session.selection == tuple(range(1, columns + 2))
    qtbot.keyClick(grid, Qt.Key.Key_End, SHIFT)
    assert session.selection == tuple(range(1, 23))
    qtbot.keyClick(grid, Qt.Key.Key_Home, CTRL)
    assert (session.focus.current, len(session.selection)) == (0, 22)
    qtbot.keyClick(grid, Qt.Key.Key_Space, CTRL)
    assert session.selection == tuple(range(23))


def test_a_frame_chooses_what_it_touches(qtbot: QtBot, application: Application) -> None:
    grid, session = application.window.grid.grid, application.session
    columns = grid._grid.columns
    first = grid.visualRect(grid._photos.index_of(0)).center()
    below = grid.visualRect(grid._photos.index_of(columns + 1)).center()
    QTest.mousePress(grid.viewport(), LEFT, NONE, first)
    QTest.mouseMove(grid.viewport(), below)
    QTest.mouseRelease(grid.viewport(), LEFT, NONE, below)
    assert session.selection == (0, 1, columns, columns + 1)
    # With Ctrl what was chosen stays.
    last = grid.visualRect(grid._photos.index_of(columns - 1)).center()
    QTest.mousePress(grid.viewport(), LEFT, CTRL, last)
    QTest.mouseMove(grid.viewport(), last - QPoint(0, 40))
    QTest.mouseRelease(grid.viewport(), LEFT, CTRL, last)
    assert set(session.selection) >= {0, columns, columns + 1}


def test_all_photos_that_are_shown_can_be_selected_and_the_selection_inverted(
    qtbot: QtBot, application: Application
) -> None:
    session = application.session
    filter_to(qtbot, application, "name:dog*", 11)
    trigger(application, "select_all")
    assert session.selection == tuple(range(12, 23))
    click(application.window.grid.grid, 14)
    trigger(application, "invert_selection")
    assert session.selection == (12, 13, *range(15, 23))
    trigger(application, "select_none")
    assert session.selection == (12,)


@pytest.mark.parametrize(("text", "rows"), [("name:dog*", range(12, 23)), ("name:dog-0*", [12])])
def test_what_is_said_after_selecting_all_goes_to_them_and_not_to_a_hidden_photo(
    qtbot: QtBot, application: Application, text: str, rows: Sequence[int]
) -> None:
    assert application.session.focus.current == 0
    filter_to(qtbot, application, text, len(rows))
    trigger(application, "select_all")
    assert application.window.review.targets == tuple(rows)


def test_what_a_filter_hides_is_no_longer_selected(qtbot: QtBot, application: Application) -> None:
    click(application.window.grid.grid, 10)
    click(application.window.grid.grid, 13, SHIFT)
    filter_to(qtbot, application, "name:dog*", 11)
    assert application.session.selection == (12, 13)
    assert application.session.focus.current == 13


def test_a_selection_made_elsewhere_is_seen_in_the_grid(application: Application) -> None:
    grid = application.window.grid.grid
    application.session.set_selection((3, 4, 9))
    assert grid.selected_photos == (3, 4, 9)
    assert grid.selectionModel().isSelected(grid._photos.index_of(9))


def test_a_narrower_window_keeps_what_is_selected(qtbot: QtBot, application: Application) -> None:
    grid = application.window.grid.grid
    application.session.set_selection((3, 4, 9))
    columns = grid._grid.columns
    application.settings.set_value(keys.THUMBNAIL_SIDE, 300)
    qtbot.waitUntil(lambda: grid._grid.columns != columns)
    assert application.session.selection == (3, 4, 9)


# Ways of looking.


def test_keys_go_to_the_photos_as_soon_as_there_are_some(application: Application) -> None:
    window = application.window
    assert window.focusWidget() is window.grid.grid
    trigger(application, "view_list")
    assert window.focusWidget() is window.grid.list


def test_each_view_mode_shows_what_it_says(application: Application) -> None:
    window = application.window
    seen = {
        "view_list": (window.grid.list, window.viewer),
        "view_large": (window.viewer, window.stage.filmstrip),
        "view_compare": (window.stage.compare, window.stage.filmstrip),
        "view_grid": (window.grid.grid, window.viewer),
    }
    everything = {widget for widgets in seen.values() for widget in widgets}
    for name, widgets in seen.items():
        trigger(application, name)
        assert {widget for widget in everything if widget.isVisible()} == set(widgets)
        assert window.actions_table[name].isChecked()


def test_the_view_mode_is_remembered(
    qtbot: QtBot, start: Start, application: Application, many: Path
) -> None:
    trigger(application, "view_list")
    application.settings.save()
    other = start([many])
    assert other.window.browsing.mode is ViewMode.LIST
    assert other.window.grid.list.isVisibleTo(other.window) or not len(other.session.photos)


def test_a_double_click_shows_the_photo_large_and_the_key_goes_back(
    application: Application,
) -> None:
    grid, browsing = application.window.grid.grid, application.window.browsing
    place = grid.visualRect(grid._photos.index_of(3)).center()
    QTest.mouseClick(grid.viewport(), LEFT, NONE, place)
    QTest.mouseDClick(grid.viewport(), LEFT, NONE, place)
    assert (browsing.mode, application.session.focus.current) == (ViewMode.LARGE, 3)
    trigger(application, "view_large")
    assert browsing.mode is ViewMode.GRID


def test_next_and_previous_go_by_what_is_shown(qtbot: QtBot, application: Application) -> None:
    session = application.session
    session.shown.set_sort("name", descending=True)
    qtbot.waitUntil(lambda: shown_names(application)[0] == "dog-10.jpg")
    trigger(application, "first_photo")
    assert current_name(application) == "dog-10.jpg"
    trigger(application, "next_photo")
    assert current_name(application) == "dog-9.jpg"
    trigger(application, "last_photo")
    trigger(application, "next_photo")
    assert current_name(application) == "cat-0.jpg"
    trigger(application, "previous_photo")
    assert current_name(application) == "cat-1.jpg"


def test_after_a_photo_was_hidden_the_next_one_is_what_took_its_place(
    qtbot: QtBot, application: Application
) -> None:
    session = application.session
    filter_to(qtbot, application, "reviewed:no", 23)
    session.focus.set_current(5)
    session.decisions.decide([5], {}, caption="Reviewed", reviewed=True)
    qtbot.waitUntil(lambda: len(session.shown) == 22)
    assert session.focus.current == 5
    trigger(application, "next_photo")
    assert session.focus.current == 6


def test_keys_in_the_filmstrip_go_on_and_the_grid_follows(
    qtbot: QtBot, application: Application
) -> None:
    trigger(application, "view_large")
    strip = application.window.stage.filmstrip
    qtbot.keyClick(strip, Qt.Key.Key_Right)
    qtbot.keyClick(strip, Qt.Key.Key_Right, SHIFT)
    assert application.session.selection == (1, 2)
    qtbot.keyClick(strip, Qt.Key.Key_End)
    trigger(application, "view_grid")
    assert application.window.grid.grid.current_photo == 22


# The list.


def list_texts(application: Application, row: int) -> list[str]:
    model = application.window.grid.list.model()
    return [model.index(row, column).data() for column in range(len(COLUMNS))]


def test_the_list_says_what_is_known_of_each_photo(application: Application) -> None:
    application.session.decisions.decide(
        [12], {"boat": Verdict.ADDED}, caption="Add", reviewed=True
    )
    name, labels, folder, changed, reviewed = list_texts(application, 12)
    assert (name, folder, reviewed) == ("dog-0.jpg", "many/dogs", "✓")
    assert "dog" in labels and "boat" in labels and changed


def test_a_click_on_a_head_sorts_up_then_down_then_as_found(
    qtbot: QtBot, application: Application
) -> None:
    trigger(application, "view_list")
    header = application.window.grid.list.horizontalHeader()
    shown = application.session.shown
    column = [c.sort_key for c in COLUMNS].index("folder")
    place = QPoint(header.sectionViewportPosition(column) + 5, 5)
    for key, descending, first in (
        ("folder", False, "cat-0.jpg"),
        ("folder", True, "dog-0.jpg"),
        ("found", False, "cat-0.jpg"),
    ):
        qtbot.mouseClick(header.viewport(), LEFT, pos=place)
        assert (shown.sort_key, shown.descending) == (key, descending)
        qtbot.waitUntil(lambda first=first: shown_names(application)[0] == first)
    assert not header.isSortIndicatorShown()


@pytest.mark.parametrize("column", [c.sort_key for c in COLUMNS])
def test_every_column_can_be_sorted_by(qtbot: QtBot, application: Application, column: str) -> None:
    application.session.decisions.decide([4, 9], {}, caption="Reviewed", reviewed=True)
    before = shown_names(application)
    application.session.shown.set_sort(column, descending=True)
    qtbot.waitUntil(lambda: application.session.shown.view is not None)
    qtbot.waitUntil(lambda: shown_names(application) != before or column == "date")
    if column == "reviewed":
        assert shown_names(application)[:2] == ["cat-4.jpg", "cat-9.jpg"]


def test_rows_chosen_in_the_list_are_the_selection(application: Application) -> None:
    trigger(application, "view_list")
    view, session = application.window.grid.list, application.session
    for row, modifiers in ((3, NONE), (6, SHIFT), (9, CTRL)):
        place = view.visualRect(view.model().index(row, 0)).center()
        QTest.mouseClick(view.viewport(), LEFT, modifiers, place)
    assert session.selection == (3, 4, 5, 6, 9)
    assert session.focus.current == 9


# Two photos, and one alone.


def test_two_selected_photos_are_compared_with_the_same_zoom(
    qtbot: QtBot, application: Application
) -> None:
    application.session.set_selection((2, 15))
    trigger(application, "view_compare")
    left, right = (side.view for side in application.window.stage.compare.sides)
    qtbot.waitUntil(lambda: left.has_photo() and right.has_photo())
    left.zoom_in()
    left.zoom_in()
    assert right.zoom == pytest.approx(left.zoom) and not right.fitted
    right.fit()
    assert left.fitted


def test_going_on_while_comparing_changes_the_right_photo(application: Application) -> None:
    application.session.focus.set_current(4)
    application.session.set_selection((4,))
    trigger(application, "view_compare")
    browsing = application.window.browsing
    assert browsing.pair == (4, 5)
    trigger(application, "next_photo")
    assert browsing.pair == (4, 5)  # now the right one is current
    trigger(application, "next_photo")
    assert browsing.pair == (4, 6)
    view = application.window.stage.compare.sides[0].view
    QTest.mouseClick(view, LEFT)
    assert application.session.focus.current == 4


def test_opening_another_folder_ends_comparing(
    qtbot: QtBot, application: Application, photos: Path
) -> None:
    trigger(application, "view_compare")
    application.window.opener.open([photos])
    assert application.window.browsing.mode is ViewMode.GRID
    qtbot.waitUntil(lambda: len(application.session.photos) == 5)


def test_the_photo_alone_goes_on_with_arrows_shows_labels_and_ends_with_escape(
    qtbot: QtBot, application: Application
) -> None:
    trigger(application, "photo_full_screen")
    (screen,) = full_screens()
    qtbot.waitUntil(screen.view.has_photo)
    qtbot.keyClick(screen, Qt.Key.Key_Right)
    qtbot.keyClick(screen, Qt.Key.Key_Right)
    qtbot.keyClick(screen, Qt.Key.Key_Left)
    assert application.session.focus.current == 1
    assert screen.view.accessibleDescription() == ""
    qtbot.keyClick(screen, Qt.Key.Key_I)
    qtbot.waitUntil(lambda: "cat-1.jpg: " in screen.view.accessibleDescription())
    qtbot.keyClick(screen, Qt.Key.Key_Plus)
    assert not screen.view.fitted
    trigger(application, "photo_full_screen")
    assert full_screens() == [screen]
    qtbot.keyClick(screen, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: not full_screens())


def test_a_photo_that_cannot_be_read_says_so_on_the_whole_screen(
    qtbot: QtBot, start: Start, photos: Path
) -> None:
    application = start([photos])
    qtbot.waitUntil(lambda: len(application.session.photos) == 5)
    trigger(application, "photo_full_screen")
    (screen,) = full_screens()
    qtbot.waitUntil(lambda: "cannot be read" in screen.view.accessibleDescription())
    screen.close()


# Marks and words.


def test_reviewed_photos_and_decisions_are_told_to_the_view_and_to_screen_readers(
    application: Application,
) -> None:
    application.session.decisions.decide(
        [1], {"cat": Verdict.ACCEPTED}, caption="Accept", reviewed=True
    )
    index = application.window.grid.grid._photos.index_of(1)
    assert index.data(PhotoRole.IS_REVIEWED) is True
    assert "cat" in [label.category for label in index.data(PhotoRole.LABELS)]
    text = index.data(Qt.ItemDataRole.AccessibleTextRole)
    assert text.startswith("cat-1.jpg: ") and "cat 97% ✓" in text and text.endswith("reviewed")
    application.session.decisions.decide([1], {"cat": Verdict.REJECTED}, caption="Reject")
    assert "cat" not in [label.category for label in index.data(PhotoRole.LABELS)]


def test_paths_of_selected_photos_can_be_copied(application: Application, many: Path) -> None:
    application.session.set_selection((0, 12))
    trigger(application, "copy_path")
    expected = f"{many / 'cat-0.jpg'}\n{many / 'dogs' / 'dog-0.jpg'}"
    assert QGuiApplication.clipboard().text() == expected


# Thumbnails on the disk.


def test_thumbnails_are_kept_on_the_disk_until_they_are_cleared(
    qtbot: QtBot, application: Application, own_profile: Path
) -> None:
    folder = own_profile / "csra-gui" / "cache" / "thumbnails"
    qtbot.waitUntil(lambda: len(list(folder.rglob("*.webp"))) == 23)
    trigger(application, "clear_thumbnails")
    bar = application.window.message_bar
    qtbot.waitUntil(lambda: any("cache is empty" in text for text in bar.texts()))
    assert not any(folder.rglob("*.webp"))


def test_the_limit_of_the_thumbnails_on_the_disk_is_a_setting(
    qtbot: QtBot, application: Application, own_profile: Path
) -> None:
    folder = own_profile / "csra-gui" / "cache" / "thumbnails"
    qtbot.waitUntil(lambda: len(list(folder.rglob("*.webp"))) == 23)
    application.settings.set_value(keys.THUMBNAIL_CACHE_MB, 0)
    qtbot.waitUntil(lambda: not any(folder.rglob("*.webp")))


# Folders.


def test_a_click_on_a_folder_shows_only_what_is_in_it(
    qtbot: QtBot, application: Application, many: Path
) -> None:
    folders, session = application.window.folders, application.session
    session.shown.set_filter("tagged:yes")
    folders.choose(many / "dogs")
    qtbot.waitUntil(lambda: len(session.shown) == 11)
    assert session.shown.filter_text.startswith("tagged:yes folder:")
    assert folders.tree.currentIndex().data() == "dogs"
    folders.choose(many / "dogs")
    qtbot.waitUntil(lambda: len(session.shown) == 23)
    assert session.shown.filter_text == "tagged:yes"
    assert not folders.tree.selectionModel().hasSelection()


def test_typing_another_filter_takes_the_mark_off_the_folder(
    qtbot: QtBot, application: Application, many: Path
) -> None:
    folders = application.window.folders
    folders.choose(many / "dogs")
    application.session.shown.set_filter("cat")
    assert not folders.tree.selectionModel().hasSelection()


def test_opening_a_folder_of_the_tree_shows_all_of_it(
    qtbot: QtBot, application: Application, many: Path
) -> None:
    application.window.folders.choose(many / "dogs")
    application.window.folders.tree.folder_opened.emit(many / "dogs")
    qtbot.waitUntil(lambda: len(application.session.shown) == 11)
    assert application.session.pipeline.roots == [many / "dogs"]
    assert application.session.shown.filter_text == ""
    assert application.settings.recent_folders[0] == many / "dogs"


def test_recent_folders_are_listed_and_can_be_forgotten(
    application: Application, many: Path, tmp_path: Path
) -> None:
    window = application.window
    window.opener.open([many / "dogs"])
    recent = window.folders.recent
    assert recent.item(0).text() == "dogs"
    window.opener.forget(many / "dogs")
    assert "dogs" not in [recent.item(row).text() for row in range(recent.count())]


# Item models and their arithmetic.


@pytest.mark.parametrize("kind", [PhotoListModel, FilmstripModel, PhotoDetailsModel])
def test_the_item_models_keep_qt_s_rules_while_photos_come_and_go(
    qtbot: QtBot,
    application: Application,
    qtmodeltester: ModelTester,
    photos: Path,
    kind: type[ShownPhotosModel],
) -> None:
    session, thumbnails = application.session, application.window.grid.thumbnails
    model = (
        PhotoDetailsModel(session, application)
        if kind is PhotoDetailsModel
        else kind(session, thumbnails, application)  # type: ignore[call-arg]
    )
    if isinstance(model, PhotoListModel):
        model.set_columns(5)
    qtmodeltester.check(model, force_py=True)
    session.pipeline.add([photos])
    qtbot.waitUntil(lambda: len(session.photos) == 28 and not session.pipeline.is_scanning)
    assert model.count == 28 and model.photo_at(model.index_at(27)) == 27
    session.shown.set_sort("name", descending=True)
    qtbot.waitUntil(lambda: session.shown.row_at(0) != 0)
    assert model.photo_at(model.index_at(0)) == session.shown.row_at(0)
    session.shown.set_sort("found")
    filter_to(qtbot, application, "name:cat*", 14)
    assert model.count == 14 and not model.index_at(14).isValid()
    assert model.photo_at(model.index_at(13)) == int(session.shown.rows[13])
    assert model.index_of(13).isValid() is False  # a dog


def test_a_grid_has_empty_cells_after_the_last_photo(application: Application) -> None:
    model = application.window.grid._model
    model.set_columns(5)
    assert (model.rowCount(), model.columnCount()) == (5, 5)
    assert model.photo_at(model.index(4, 2)) == 22
    empty = model.index(4, 3)
    assert model.photo_at(empty) is None and not model.flags(empty) and empty.data() is None


def test_positions_become_rectangles_and_come_back(application: Application) -> None:
    model = application.window.grid._model
    some = [[], [0], [22], list(range(4, 12)), [0, 2, 3, 21, 22], list(range(23))]
    for columns in (1, 3, 7, 40):
        model.set_columns(columns)
        for positions in some:
            wanted = np.array(positions, dtype=np.int64)
            selection = as_selection(model, wanted)
            assert positions_in(model, selection).tolist() == positions
            assert selection.count() <= 3 * len(runs(wanted))


def test_a_spread_has_both_ends() -> None:
    assert spread(4, 2).tolist() == [2, 3, 4]
