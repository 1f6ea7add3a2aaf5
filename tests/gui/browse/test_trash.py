"""Photos that go to the trash, with all that belongs to them, and come back."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QCheckBox, QMessageBox, QWidget
from pytestqt.qtbot import QtBot

from csra_gui.app import Application
from csra_gui.base.settings import ASK_BEFORE_TRASH
from csra_gui.browse import folder_watch
from csra_gui.browse.trash import PhotoTrash
from csra_gui.browse.trash_job import TrashError, move_to_trash, put_photos_back, trash_photos
from engine.library.values import Verdict
from tests.gui.driver import Start, full_screens, names, trigger, wait_until_tagged

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="the trash of freedesktop.org")


@pytest.fixture(autouse=True)
def own_trash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(folder_watch, "_SETTLE_MS", 1)
    monkeypatch.setattr(folder_watch, "_SHORTEST_PAUSE_S", 0.0)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home" / "data"))
    return tmp_path / "home" / "data" / "Trash"


class FakeTrash:
    """A folder that may refuse files by their names."""

    def __init__(self, folder: Path, *refused: str) -> None:
        folder.mkdir()
        self.folder, self.refused = folder, refused

    def __call__(self, path: Path) -> Path:
        if path.name in self.refused:
            raise TrashError(f"{path.name} stays: its disk has no trash.")
        place = self.folder / f"{len(list(self.folder.iterdir()))}-{path.name}"
        path.rename(place)
        return place


@pytest.fixture
def application(qtbot: QtBot, start: Start, photos: Path) -> Application:
    for name in ("cat.jpg.xmp", "cat.txt", "cat-and-dog.xmp"):
        (photos / name).write_text(name)
    application = start([photos])
    wait_until_tagged(qtbot, application)
    qtbot.waitUntil(lambda: not application.session.pipeline.is_looking_up)
    return application


@pytest.fixture
def trash(application: Application, tmp_path: Path) -> PhotoTrash:
    trash = application.window.browse.trash
    trash.trash = FakeTrash(tmp_path / "trash")
    return trash


def choose(application: Application, *chosen: str) -> tuple[int, ...]:
    rows = tuple(names(application).index(name) for name in chosen)
    application.session.set_selection(rows)
    application.session.focus.set_current(rows[0])
    application.session.set_selection(rows)
    return rows


def shown(application: Application) -> set[str]:
    session = application.session
    return {session.photos.paths[int(row)].name for row in session.shown.rows}


def question() -> QMessageBox | None:
    return next((b for b in QApplication.topLevelWidgets() if is_open_box(b)), None)  # type: ignore[return-value]


def is_open_box(widget: QWidget) -> bool:
    return isinstance(widget, QMessageBox) and widget.isVisible()


def agree(*, never_again: bool = False) -> None:
    box = question()
    assert box is not None
    if never_again:
        box.findChild(QCheckBox).setChecked(True)
    next(button for button in box.buttons() if "Move" in button.text()).click()


def move(qtbot: QtBot, application: Application, *chosen: str) -> tuple[int, ...]:
    rows = choose(application, *chosen)
    trigger(application, "move_to_trash")
    agree()
    qtbot.waitUntil(lambda: not application.window.browse.trash.is_busy)
    return rows


def put_back(qtbot: QtBot, application: Application) -> None:
    trigger(application, "put_back")
    qtbot.waitUntil(lambda: not application.window.browse.trash.is_busy)


def messages(application: Application) -> str:
    return " ".join(application.window.message_bar.texts())


def test_photos_go_with_what_is_theirs_and_come_back_with_their_tags(
    qtbot: QtBot, application: Application, trash: PhotoTrash, photos: Path
) -> None:
    session = application.session
    before = {path.name: path.read_bytes() for path in photos.iterdir()}
    rows = choose(application, "cat.jpg", "cat-and-dog.jpg")
    scores = session.photos.scores[list(rows)].copy()
    session.decisions.decide(rows, {"cat": Verdict.ACCEPTED}, caption="Accept", reviewed=True)

    move(qtbot, application, "cat.jpg", "cat-and-dog.jpg")

    assert {path.name for path in photos.iterdir()} == {"dog.jpg", "bad.jpg", "person.jpg"}
    assert shown(application) == {"dog.jpg", "bad.jpg", "person.jpg"}
    toast = application.window.notifier.toast
    assert toast is not None and "2 photos moved" in toast.text
    assert "trash" not in messages(application)

    put_back(qtbot, application)
    qtbot.waitUntil(lambda: "cat.jpg" in shown(application))

    assert {path.name: path.read_bytes() for path in photos.iterdir()} == before
    assert shown(application) >= {"cat.jpg", "cat-and-dog.jpg"}
    assert (session.photos.scores[list(rows)] == scores).all()
    assert [session.photos.verdicts(row) for row in rows] == [{"cat": Verdict.ACCEPTED}] * 2
    assert not application.window.actions_table["put_back"].isEnabled()


def test_no_other_program_is_said_to_have_taken_them(
    qtbot: QtBot, application: Application, trash: PhotoTrash
) -> None:
    watch = application.window.browse.watch
    move(qtbot, application, "cat.jpg")
    with qtbot.waitSignal(watch.answered):
        watch.look_now()

    assert "another program" not in messages(application)
    assert not application.session.leaving


def test_the_library_knows_that_they_are_back(
    qtbot: QtBot, application: Application, trash: PhotoTrash, photos: Path
) -> None:
    session, library = application.session, application.session.library.library
    assert library is not None
    (row,) = move(qtbot, application, "cat.jpg")
    image = session.photos.image_id(row)
    qtbot.waitUntil(
        lambda: image not in {i.id for i in library.images_below(photos, recursive=True)}
    )

    put_back(qtbot, application)

    qtbot.waitUntil(lambda: image in {i.id for i in library.images_below(photos, recursive=True)})


def test_asking_can_be_left_out_and_no_is_no(
    qtbot: QtBot, application: Application, trash: PhotoTrash, photos: Path
) -> None:
    choose(application, "cat.jpg")
    trigger(application, "move_to_trash")
    box = question()
    assert box is not None and "“cat.jpg”" in box.text() and "sidecars" in box.informativeText()
    box.reject()
    assert (photos / "cat.jpg").exists()

    trigger(application, "move_to_trash")
    agree(never_again=True)
    qtbot.waitUntil(lambda: not trash.is_busy)
    assert application.settings.value(ASK_BEFORE_TRASH) is False
    choose(application, "dog.jpg")
    trigger(application, "move_to_trash")
    assert question() is None
    qtbot.waitUntil(lambda: not (photos / "dog.jpg").exists() and not trash.is_busy)


def test_what_cannot_go_stays_whole_and_is_named(
    qtbot: QtBot, application: Application, trash: PhotoTrash, photos: Path, tmp_path: Path
) -> None:
    trash.trash = FakeTrash(tmp_path / "fussy", "cat.txt", "dog.jpg")

    move(qtbot, application, "cat.jpg", "dog.jpg", "person.jpg")

    assert (photos / "cat.jpg").exists() and (photos / "cat.jpg.xmp").exists()
    assert shown(application) == {"cat.jpg", "dog.jpg", "bad.jpg", "cat-and-dog.jpg"}
    said = messages(application)
    assert "1 photo moved to the trash." in said
    assert "cat.txt stays" in said and "dog.jpg stays" in said


def test_cancel_stops_after_the_photo_at_hand_and_undo_brings_back_what_went(
    qtbot: QtBot, application: Application, trash: PhotoTrash, photos: Path
) -> None:
    real = trash.trash

    def cancels(path: Path) -> Path | None:
        trash.cancel()
        return real(path)

    trash.trash = cancels
    move(qtbot, application, "dog.jpg", "bad.jpg", "person.jpg")
    assert len(shown(application)) == 4

    put_back(qtbot, application)
    qtbot.waitUntil(lambda: len(shown(application)) == 5)


def test_nothing_that_is_there_now_is_replaced(tmp_path: Path) -> None:
    photo = tmp_path / "a.jpg"
    photo.write_text("old")
    steps = list(trash_photos([(photo, ())], lambda: False, FakeTrash(tmp_path / "trash")))
    photo.write_text("new")

    (back,) = put_photos_back(steps, lambda: False)

    assert photo.read_text() == "new" and "another file" in back.problem and back.moved
    photo.unlink()
    (back,) = put_photos_back([back], lambda: False)
    assert photo.read_text() == "old" and not back.problem and not back.moved


@on_linux
@pytest.mark.parametrize("name", ["a.jpg", "ü \n%41'\"&.jpg", "-rf.jpg", "目.jpg"])
def test_the_real_trash_takes_and_gives_back(tmp_path: Path, own_trash: Path, name: str) -> None:
    photo = tmp_path / name
    photo.write_text("x")
    facts = photo.stat()

    steps = list(trash_photos([(photo, ())], lambda: False))

    assert not photo.exists() and not steps[0].problem
    assert len(list(own_trash.rglob("*.trashinfo"))) == 1
    list(put_photos_back(steps, lambda: False))
    assert (photo.read_text(), photo.stat().st_mtime_ns) == ("x", facts.st_mtime_ns)
    assert not [path for path in own_trash.rglob("*") if path.is_file()]


@on_linux
def test_a_name_that_is_no_text_never_stands_for_another_file(tmp_path: Path) -> None:
    odd, near = Path(os.fsdecode(bytes(tmp_path) + b"/b\xff.jpg")), tmp_path / "b.jpg"
    odd.touch()
    near.touch()

    with pytest.raises(TrashError, match="stays"):
        move_to_trash(odd)

    assert odd.exists() and near.exists()


@on_linux
def test_a_link_goes_and_what_it_leads_to_stays(tmp_path: Path) -> None:
    (tmp_path / "real.jpg").touch()
    (tmp_path / "link.jpg").symlink_to(tmp_path / "real.jpg")

    move_to_trash(tmp_path / "link.jpg")

    assert not os.path.lexists(tmp_path / "link.jpg") and (tmp_path / "real.jpg").exists()


def test_what_is_gone_is_said(tmp_path: Path) -> None:
    with pytest.raises(TrashError, match="not there any more"):
        move_to_trash(tmp_path / "none.jpg")


@pytest.mark.parametrize("place", ["grid", "list", "filmstrip", "large", "whole screen"])
def test_delete_means_the_photos_where_they_have_the_keys(
    qtbot: QtBot, application: Application, trash: PhotoTrash, place: str
) -> None:
    choose(application, "cat.jpg")
    browse = application.window.browse
    widget: QWidget = browse.grid.grid
    if place == "list":
        trigger(application, "view_list")
        widget = browse.grid.list
    elif place in ("filmstrip", "large"):
        trigger(application, "view_large")
        widget = (
            browse.stage.filmstrip if place == "filmstrip" else application.window.maps.viewer.view
        )
    elif place == "whole screen":
        trigger(application, "photo_full_screen")
        (widget,) = full_screens()
    widget.setFocus()
    QTest.keyClick(widget, Qt.Key.Key_Delete)

    box = question()
    assert box is not None
    box.reject()
    for screen in full_screens():
        screen.close()


@pytest.mark.slow
def test_delete_on_a_label_is_about_the_label(
    qtbot: QtBot, application: Application, trash: PhotoTrash
) -> None:
    (row,) = choose(application, "cat.jpg")
    labels = application.window.review.labels.labels
    labels.setFocus()
    labels.setCurrentIndex(labels.model().index(0, 0))
    QTest.keyClick(labels, Qt.Key.Key_Delete)

    assert question() is None
    assert list(application.session.photos.verdicts(row).values()) == [Verdict.REJECTED]
