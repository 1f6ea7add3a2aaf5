from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from csra_gui.app import Application
from csra_gui.base import settings as keys
from csra_gui.browse.photo_details_model import COLUMNS
from csra_gui.browse.photo_roles import PhotoRole
from csra_gui.browse.view_mode import ViewMode
from engine.api.config import ThumbnailWish
from engine.library.cameras import taken_ns
from engine.library.values import Verdict
from tests.fakes.engine import FakeEngine
from tests.gui.driver import CTRL, LEFT, NONE, SHIFT, Start, filter_to, full_screens, trigger


def shown_names(application: Application) -> list[str]:
    session = application.session
    return [session.photos.paths[int(row)].name for row in session.shown.rows]


def current_name(application: Application) -> str:
    path = application.session.focus.current_path
    return "" if path is None else path.name


# Choosing several.


# Ways of looking.


def test_keys_go_to_the_photos_as_soon_as_there_are_some(application: Application) -> None:
    window = application.window
    assert window.focusWidget() is window.browse.grid.grid
    trigger(application, "view_list")
    assert window.focusWidget() is window.browse.grid.list


def test_each_view_mode_shows_what_it_says(application: Application) -> None:
    window = application.window
    seen = {
        "view_list": (window.browse.grid.list,),
        "view_large": (window.maps.viewer, window.browse.stage.filmstrip),
        "view_compare": (window.browse.stage.compare, window.browse.stage.filmstrip),
        "view_grid": (window.browse.grid.grid,),
    }
    everything = {widget for widgets in seen.values() for widget in widgets}
    for name, widgets in seen.items():
        trigger(application, name)
        assert {widget for widget in everything if widget.isVisible()} == set(widgets)
        assert window.actions_table[name].isChecked()


@pytest.mark.parametrize("name", ["view_grid", "view_list"])
def test_the_photo_comes_beside_the_others_on_demand_and_leaves_them_all_the_room(
    application: Application, name: str
) -> None:
    window = application.window
    trigger(application, name)
    whole = window.browse.grid.width()
    assert whole + window.review.labels.width() > 0.95 * window.centralWidget().width()
    trigger(application, "photo_beside")
    assert window.maps.viewer.isVisible()
    assert not window.browse.stage.filmstrip.isVisible()
    QGuiApplication.processEvents()
    assert window.browse.grid.width() < whole
    trigger(application, "photo_beside")
    assert not window.maps.viewer.isVisible()


@pytest.mark.slow
def test_the_photo_beside_is_remembered(start: Start, application: Application, many: Path) -> None:
    trigger(application, "photo_beside")
    application.settings.save()
    assert start([many]).window.browse.browsing.shows_photo


def test_what_needs_the_photo_on_the_screen_waits_for_it_or_brings_it(
    application: Application,
) -> None:
    table = application.window.actions_table
    on_it = ("zoom_in", "zoom_actual", "mark_region", "save_picture")
    assert not any(table[name].isEnabled() for name in on_it)
    trigger(application, "beside_category")
    assert application.window.maps.viewer.isVisible()
    assert all(table[name].isEnabled() for name in on_it)
    trigger(application, "view_compare")
    assert not any(table[name].isEnabled() for name in on_it)
    assert not table["photo_beside"].isEnabled()


def test_the_view_mode_is_remembered(
    qtbot: QtBot, start: Start, application: Application, many: Path
) -> None:
    trigger(application, "view_list")
    application.settings.save()
    other = start([many])
    assert other.window.browse.browsing.mode is ViewMode.LIST
    assert other.window.browse.grid.list.isVisibleTo(other.window) or not len(other.session.photos)


def test_a_double_click_shows_the_photo_large_and_the_key_goes_back(
    application: Application,
) -> None:
    grid, browsing = application.window.browse.grid.grid, application.window.browse.browsing
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


def test_a_photo_that_is_no_longer_shown_gives_way_to_what_came_after_it(
    qtbot: QtBot, application: Application
) -> None:
    session = application.session
    filter_to(qtbot, application, "reviewed:no", 23)
    session.focus.set_current(5)
    session.decisions.decide([5], {}, caption="Reviewed", reviewed=True)
    qtbot.waitUntil(lambda: len(session.shown) == 22)
    assert (session.focus.current, session.selection) == (6, (6,))
    trigger(application, "next_photo")
    assert session.focus.current == 7


def test_keys_in_the_filmstrip_go_on_and_the_grid_follows(
    qtbot: QtBot, application: Application
) -> None:
    trigger(application, "view_large")
    filmstrip = application.window.browse.stage.filmstrip
    qtbot.keyClick(filmstrip, Qt.Key.Key_Right)
    qtbot.keyClick(filmstrip, Qt.Key.Key_Right, SHIFT)
    assert application.session.selection == (1, 2)
    qtbot.keyClick(filmstrip, Qt.Key.Key_End)
    trigger(application, "view_grid")
    assert application.window.browse.grid.grid.current_photo == 22


# The list.


def list_texts(application: Application, row: int) -> dict[str, str]:
    model = application.window.browse.grid.list.model()
    return {c.caption: model.index(row, place).data() for place, c in enumerate(COLUMNS)}


def test_the_list_says_what_is_known_of_each_photo(application: Application) -> None:
    application.session.decisions.decide(
        [12], {"boat": Verdict.ADDED}, caption="Add", reviewed=True
    )
    taken = np.array([taken_ns("2019-05-17T12:00:00")])
    application.session.photos.set_cameras([12], taken, ["<b>Acme"])
    said = list_texts(application, 12)
    assert "19" in said["Taken"] and said["Camera"] == "<b>Acme"
    assert (said["Name"], said["Folder"], said["Reviewed"]) == ("dog-0.jpg", "many/dogs", "✓")
    assert "dog" in said["Labels"] and "boat" in said["Labels"] and said["Changed"]
    nothing = list_texts(application, 13)
    assert (nothing["Taken"], nothing["Camera"]) == ("", "")


def test_a_click_on_a_head_sorts_up_then_down_then_as_found(
    qtbot: QtBot, application: Application
) -> None:
    trigger(application, "view_list")
    header = application.window.browse.grid.list.horizontalHeader()
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


#: Orders in which these photos are not as they were found.
_TELLING_APART = ("name", "labels", "folder", "reviewed")


@pytest.mark.parametrize("column", [c.sort_key for c in COLUMNS])
def test_every_column_can_be_sorted_by(qtbot: QtBot, application: Application, column: str) -> None:
    application.session.decisions.decide([4, 9], {}, caption="Reviewed", reviewed=True)
    before = shown_names(application)
    application.session.shown.set_sort(column, descending=True)
    qtbot.waitUntil(lambda: application.session.shown.view is not None)
    qtbot.waitUntil(lambda: shown_names(application) != before or column not in _TELLING_APART)
    if column == "reviewed":
        assert shown_names(application)[:2] == ["cat-4.jpg", "cat-9.jpg"]


def test_rows_chosen_in_the_list_are_the_selection(application: Application) -> None:
    trigger(application, "view_list")
    view, session = application.window.browse.grid.list, application.session
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
    left, right = (side.view for side in application.window.browse.stage.compare.sides)
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
    browsing = application.window.browse.browsing
    assert browsing.pair == (4, 5)
    trigger(application, "next_photo")
    assert browsing.pair == (4, 5)  # now the right one is current
    trigger(application, "next_photo")
    assert browsing.pair == (4, 6)
    view = application.window.browse.stage.compare.sides[0].view
    QTest.mouseClick(view, LEFT)
    assert application.session.focus.current == 4


def test_opening_another_folder_ends_comparing(
    qtbot: QtBot, application: Application, photos: Path
) -> None:
    trigger(application, "view_compare")
    application.window.browse.opener.open([photos])
    assert application.window.browse.browsing.mode is ViewMode.GRID
    qtbot.waitUntil(lambda: len(application.session.photos) == 5)


def test_no_photo_is_compared_once_another_folder_is_opened(
    qtbot: QtBot, application: Application, photos: Path
) -> None:
    session, browsing = application.session, application.window.browse.browsing
    session.set_selection((3, 4))
    trigger(application, "view_compare")
    seen: list[object] = []
    for fact in (
        session.focus.current_changed,
        session.selection_changed,
        session.decisions.changed,
        session.pipeline.predictions_changed,
        session.thresholds.changed,
        session.shown.settled,
        session.shown.changed,
    ):
        fact.connect(lambda *_: seen.append((len(session.photos), browsing.pair)))
    application.window.browse.opener.open([photos])
    assert all(pair is None for count, pair in seen if not count)
    assert any(not count for count, _ in seen)


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
    assert screen.foot.isVisible() and screen.foot.name.text() == "cat-1.jpg"
    screen.rest()
    assert not screen.foot.isVisible()
    qtbot.keyClick(screen, Qt.Key.Key_I)
    screen.rest()
    assert screen.foot.isVisible(), "I keeps the labels there"
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
    index = application.window.browse.grid.grid._photos.index_of(1)
    assert index.data(PhotoRole.IS_REVIEWED) is True
    assert "cat" in [label.category for label in index.data(PhotoRole.LABELS)]
    text = index.data(Qt.ItemDataRole.AccessibleTextRole)
    assert text.startswith("cat-1.jpg: ") and "cat 97 % ✓" in text and text.endswith("reviewed")
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


def test_tagging_is_told_which_thumbnails_will_be_looked_at(
    application: Application, engine: FakeEngine, own_profile: Path
) -> None:
    folder = own_profile / "csra-gui" / "cache" / "thumbnails"
    loader, tagger = application.window.browse.grid.thumbnails, application.session.tagger
    config = engine.predict_configs[-1]
    assert config is not None
    assert config.thumbnails == ThumbnailWish(folder, loader.side, 500_000_000)
    application.settings.set_value(keys.THUMBNAIL_SIDE, 320)
    application.settings.set_value(keys.THUMBNAIL_CACHE_MB, 7)
    assert loader.side >= 320
    assert tagger.thumbnails() == ThumbnailWish(folder, loader.side, 7_000_000)


# Folders.


def test_a_click_on_a_folder_shows_only_what_is_in_it(
    qtbot: QtBot, application: Application, many: Path
) -> None:
    folders, session = application.window.browse.folders, application.session
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
    folders = application.window.browse.folders
    folders.choose(many / "dogs")
    application.session.shown.set_filter("cat")
    assert not folders.tree.selectionModel().hasSelection()


def test_opening_a_folder_of_the_tree_shows_all_of_it(
    qtbot: QtBot, application: Application, many: Path
) -> None:
    application.window.browse.folders.choose(many / "dogs")
    application.window.browse.folders.tree.folder_opened.emit(many / "dogs")
    qtbot.waitUntil(lambda: len(application.session.shown) == 11)
    assert application.session.pipeline.roots == [many / "dogs"]
    assert application.session.shown.filter_text == ""
    assert application.settings.recent_folders[0] == many / "dogs"


def test_recent_folders_are_listed_and_can_be_forgotten(
    application: Application, many: Path, tmp_path: Path
) -> None:
    window = application.window
    window.browse.opener.open([many / "dogs"])
    recent = window.browse.folders.recent
    assert recent.item(0).text() == "dogs"
    window.browse.opener.forget(many / "dogs")
    assert "dogs" not in [recent.item(row).text() for row in range(recent.count())]


# Item models and their arithmetic.
