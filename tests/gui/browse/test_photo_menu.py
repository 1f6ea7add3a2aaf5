from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QContextMenuEvent, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu, QWidget
from pytestqt.qtbot import QtBot

from csra_gui.app import Application
from csra_gui.base.programs import Program
from csra_gui.browse.photo_list_model import PhotoListModel
from csra_gui.browse.properties_dialog import PropertiesDialog
from csra_gui.review.add_label_dialog import AddLabelDialog
from engine.library.values import Verdict
from tests.fakes import FakeDecoder
from tests.gui.driver import NONE, full_screens, trigger

RIGHT = Qt.MouseButton.RightButton
Reason = QContextMenuEvent.Reason


@pytest.fixture(autouse=True)
def menus_close() -> Iterator[None]:
    yield
    while (menu := QApplication.activePopupWidget()) is not None:
        menu.close()


def ask_for_menu(widget: QWidget, point: QPoint, reason: Reason = Reason.Mouse) -> None:
    if reason is Reason.Mouse:
        QTest.mousePress(widget, RIGHT, NONE, point)
    event = QContextMenuEvent(reason, point, widget.mapToGlobal(point))
    QApplication.sendEvent(widget, event)


def menu() -> QMenu | None:
    found = QApplication.activePopupWidget()
    assert found is None or isinstance(found, QMenu)
    return found


def texts() -> list[str]:
    shown = menu()
    assert shown is not None
    return [action.text().replace("&", "") for action in shown.actions() if action.text()]


def open_grid(application: Application) -> tuple[QWidget, Callable[[int], QPoint]]:
    view = application.window.browse.grid.grid
    return view.viewport(), lambda row: view.visualRect(view._photos.index_of(row)).center()


def open_list(application: Application) -> tuple[QWidget, Callable[[int], QPoint]]:
    trigger(application, "view_list")
    view = application.window.browse.grid.list
    return view.viewport(), lambda row: view.visualRect(view._photos.index_of(row)).center()


def open_filmstrip(application: Application) -> tuple[QWidget, Callable[[int], QPoint]]:
    trigger(application, "view_large")
    view = application.window.browse.stage.filmstrip
    return view.viewport(), lambda row: view.visualRect(view._photos.index_of(row)).center()


@pytest.mark.parametrize("open_view", [open_grid, open_list, open_filmstrip])
def test_a_click_with_the_other_button_is_about_the_photo_or_about_the_selection_it_is_in(
    application: Application,
    open_view: Callable[[Application], tuple[QWidget, Callable[[int], QPoint]]],
) -> None:
    session = application.session
    widget, place = open_view(application)
    QApplication.processEvents()
    session.set_selection((0, 1, 2))
    session.focus.set_current(0)
    ask_for_menu(widget, place(1))
    assert (session.focus.current, session.selection) == (1, (0, 1, 2))
    assert texts()[0] == "3 photos" and "Copy the paths of 3 photos" in texts()
    menus_shown = menu()
    assert menus_shown is not None
    menus_shown.close()
    ask_for_menu(widget, place(3))
    assert (session.focus.current, session.selection) == (3, (3,))
    assert texts()[0] == "Reviewed" and "Copy the path" in texts()


@pytest.mark.parametrize("open_view", [open_grid, open_list])
def test_no_menu_comes_up_where_no_photo_is(
    application: Application,
    open_view: Callable[[Application], tuple[QWidget, Callable[[int], QPoint]]],
) -> None:
    application.session.show_only((0, 1), "two")
    application.session.focus.set_current(0)
    widget, _ = open_view(application)
    QApplication.processEvents()
    ask_for_menu(widget, QPoint(widget.width() - 4, widget.height() - 4))
    assert menu() is None and application.session.focus.current == 0


@pytest.mark.parametrize("by_shortcut", [False, True])
def test_keys_open_the_menu_at_the_current_photo_wherever_the_view_is_scrolled(
    application: Application, by_shortcut: bool
) -> None:
    grid = application.window.browse.grid.grid
    application.session.focus.set_current(22)
    grid.verticalScrollBar().setValue(0)
    places: list[QPoint] = []
    grid.menu_requested.connect(places.append)
    grid.setFocus()
    if by_shortcut:
        trigger(application, "photo_menu")
    else:
        ask_for_menu(grid, QPoint(), Reason.Keyboard)
    assert menu() is not None
    model = grid._photos
    assert isinstance(model, PhotoListModel)
    cell = grid.visualRect(model.index_of(22))
    assert grid.viewport().rect().contains(cell.center())
    assert cell.contains(grid.viewport().mapFromGlobal(places[0]))


def test_the_large_photo_and_each_of_two_compared_have_the_menu(application: Application) -> None:
    session, stage = application.session, application.window.browse.stage
    session.focus.set_current(2)
    trigger(application, "view_large")
    ask_for_menu(application.window.maps.viewer.view, QPoint(20, 20))
    assert "Properties" in texts()
    QApplication.activePopupWidget().close()
    session.set_selection((4, 5, 6))
    trigger(application, "view_compare")
    QApplication.processEvents()
    for place, side in enumerate(stage.compare.sides):
        ask_for_menu(side.view, QPoint(20, 20))
        assert session.focus.current == 4 + place
        trigger(application, "copy_path")  # of that photo alone, whatever is selected
        assert QGuiApplication.clipboard().text() == str(session.photos.paths[4 + place])
        QApplication.activePopupWidget().close()
    application.window.browse.browsing.set_both(True)
    ask_for_menu(stage.compare.sides[0].view, QPoint(20, 20))
    assert texts()[0] == "2 photos"


def test_a_photo_on_the_whole_screen_has_the_menu_and_a_line_for_labels(
    qtbot: QtBot, application: Application
) -> None:
    application.session.set_selection((0, 1))
    application.session.focus.set_current(1)
    trigger(application, "photo_full_screen")
    screen = full_screens()[0]
    qtbot.waitUntil(lambda: QApplication.activeWindow() is screen)
    ask_for_menu(screen.view, QPoint(30, 30))
    assert texts()[0] == "Reviewed"
    shown = menu()
    assert shown is not None and shown.parentWidget() is screen
    shown.close()
    qtbot.keyClick(screen, Qt.Key.Key_A)
    entry = screen.findChild(AddLabelDialog).entry
    qtbot.keyClicks(entry, "railway")
    qtbot.keyClick(entry, Qt.Key.Key_Return)
    assert application.session.photos.verdicts(1) == {"railway": Verdict.ADDED}
    assert not application.session.photos.verdicts(0)


@pytest.mark.parametrize("label", ["cat", "reviewed:no", "a & b", 'say "cheese"'])
def test_photos_are_found_by_a_label_of_the_chosen_one(
    qtbot: QtBot, application: Application, label: str
) -> None:
    session = application.session
    session.decisions.decide([0, 13], {label: Verdict.ADDED}, caption="Add")
    session.set_selection((13,))
    session.focus.set_current(13)
    labels = application.window.actions_table.menu("find_by_label")
    labels.aboutToShow.emit()
    entries = {action.text().replace("&&", "&"): action for action in labels.actions()}
    assert next(iter(entries)) == label and "dog" in entries
    entries[label].trigger()
    having = [r for r in range(23) if label in {x.category for x in session.labels(r)}]
    assert {0, 13} <= {*having} and len(having) < 23
    qtbot.waitUntil(lambda: session.shown.rows.tolist() == having)
    assert session.focus.current == 13 and not session.shown.filter_error


# Properties.


def test_properties_are_read_in_the_background(
    qtbot: QtBot, application: Application, many: Path
) -> None:
    decoder = application.decoder
    assert isinstance(decoder, FakeDecoder)
    (many / "cat-1.jpg").write_bytes(b"1234567")
    application.session.set_selection((1,))
    application.session.focus.set_current(1)
    decoder.gate.clear()
    trigger(application, "photo_properties")
    dialog = application.window.findChild(PropertiesDialog)
    assert dialog.facts["File"] == "Reading…" and "cat 9" in dialog.facts["Labels"]
    decoder.gate.set()
    qtbot.waitUntil(lambda: "Pixels" in dialog.facts)
    assert dialog.facts["Size"].endswith("(7 bytes)") and dialog.facts["File"] == "cat-1.jpg"
    dialog.copy.click()
    assert "Folder: " in QGuiApplication.clipboard().text()
    dialog.close()


def test_properties_of_a_damaged_and_of_a_vanished_photo_say_so(
    qtbot: QtBot, application: Application, many: Path
) -> None:
    (many / "cat-1.jpg").unlink()
    application.session.focus.set_current(1)
    trigger(application, "photo_properties")
    dialog = application.window.findChild(PropertiesDialog)
    qtbot.waitUntil(lambda: "not there" in dialog.facts.get("Problem", ""))
    dialog.close()


def test_a_closed_dialog_of_properties_hears_of_nothing(
    qtbot: QtBot, application: Application
) -> None:
    decoder = application.decoder
    assert isinstance(decoder, FakeDecoder)
    application.session.focus.set_current(1)
    decoder.gate.clear()
    trigger(application, "photo_properties")
    dialog = application.window.findChild(PropertiesDialog)
    shown: list[object] = []
    dialog._show = shown.append  # type: ignore[method-assign]
    dialog.reject()
    jobs = application.session.jobs
    qtbot.waitUntil(lambda: all(job.name != "properties" for job in jobs._jobs))
    decoder.gate.set()
    QApplication.processEvents()
    assert not shown


def test_several_photos_have_properties_together(qtbot: QtBot, application: Application) -> None:
    application.session.decisions.decide([0], {}, caption="Mark", reviewed=True)
    trigger(application, "select_all")
    trigger(application, "photo_properties")
    dialog = application.window.findChild(PropertiesDialog)
    qtbot.waitUntil(lambda: "Photos" in dialog.facts)
    assert dialog.windowTitle() == "Properties of 23 photos"
    assert dialog.facts["Folder"] == "2 folders" and dialog.facts["Reviewed"] == "1 of 23"
    dialog.close()


# Other programs.


def test_photos_are_opened_with_a_program_that_is_chosen(
    qtbot: QtBot, application: Application, many: Path
) -> None:
    files = application.window.browse.files
    started: list[list[str]] = []
    files.start = lambda command: started.append(command) is None
    viewer = Program("Viewer", ("viewer", "--open", "%F"))
    files.find_programs = lambda: [Program("Editor", ("editor", "%f")), viewer]
    application.session.set_selection((0, 1))
    trigger(application, "open_with")
    qtbot.waitUntil(lambda: QApplication.activeModalWidget() is not None)
    dialog = QApplication.activeModalWidget()
    dialog.setTextValue("Viewer")  # type: ignore[attr-defined]
    dialog.accept()  # type: ignore[attr-defined]
    assert started == [["viewer", "--open", str(many / "cat-0.jpg"), str(many / "cat-1.jpg")]]


@pytest.mark.parametrize("action", ["open_default", "open_with"])
@pytest.mark.parametrize("what", ["vanished", "many"])
def test_what_cannot_be_opened_elsewhere_is_said(
    qtbot: QtBot, application: Application, many: Path, action: str, what: str
) -> None:
    application.session.focus.set_current(0)
    if what == "vanished":
        (many / "cat-0.jpg").unlink()
    else:
        trigger(application, "select_all")
    trigger(application, action)
    bar, said = application.window.message_bar, "not there" if what == "vanished" else "at most 10"
    qtbot.waitUntil(lambda: any(said in text for text in bar.texts()))
