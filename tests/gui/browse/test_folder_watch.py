from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from csra_gui.app import Application
from csra_gui.browse import folder_watch
from csra_gui.session.change_job import FileChanges, Opened, look_for_changes
from csra_gui.session.decided_labels import decided_labels
from csra_gui.session.photo_files import PhotoFiles
from csra_gui.session.photo_table import PhotoTable
from csra_gui.session.retag_plan import RetagMode, RetagPlan
from engine.library.values import Verdict, look_at
from tests.fakes import FakeEngine
from tests.gui.driver import Start, names, trigger, wait_until_tagged


@pytest.fixture(autouse=True)
def no_pause_between_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_watch, "_SETTLE_MS", 1)
    monkeypatch.setattr(folder_watch, "_SHORTEST_PAUSE_S", 0.0)


def shown(application: Application) -> set[str]:
    session = application.session
    return {session.photos.paths[int(row)].name for row in session.shown.rows}


def start_watching(qtbot: QtBot, start: Start, folder: Path) -> Application:
    application = start([folder])
    wait_until_tagged(qtbot, application)
    qtbot.waitUntil(lambda: not application.session.pipeline.is_looking_up)
    return application


# In the window.


def test_a_new_photo_appears_and_is_tagged(qtbot: QtBot, start: Start, photos: Path) -> None:
    application = start_watching(qtbot, start, photos)
    (photos / "boat.jpg").touch()
    qtbot.waitUntil(lambda: "boat.jpg" in shown(application))
    row = names(application).index("boat.jpg")
    qtbot.waitUntil(lambda: application.session.photos.is_tagged(row))
    assert application.window.browse.folders.tree.model().index(0, 1).data() == "6"


@pytest.mark.slow
def test_a_photo_that_was_deleted_goes_and_comes_back(
    qtbot: QtBot, start: Start, photos: Path
) -> None:
    application = start_watching(qtbot, start, photos)
    counts = application.window.browse.folders.tree.model()
    (photos / "cat.jpg").rename(photos.parent / "away.jpg")
    qtbot.waitUntil(lambda: "cat.jpg" not in shown(application))
    assert counts.index(0, 1).data() == "4"
    (photos.parent / "away.jpg").rename(photos / "cat.jpg")
    qtbot.waitUntil(lambda: "cat.jpg" in shown(application))
    assert counts.index(0, 1).data() == "5"
    assert len(application.session.photos) == 5


def test_a_changed_photo_is_tagged_again_and_gets_a_new_thumbnail(
    qtbot: QtBot, start: Start, engine: object, photos: Path
) -> None:
    application = start_watching(qtbot, start, photos)
    thumbnails = application.window.browse.grid.thumbnails
    cat = photos / "cat.jpg"
    qtbot.waitUntil(lambda: isinstance(thumbnails.image(cat), QImage))
    before = thumbnails.image(cat)
    calls = len(engine.predicted)  # type: ignore[attr-defined]
    cat.write_bytes(b"another photo")
    application.window.browse.watch.look_again()
    qtbot.waitUntil(lambda: len(engine.predicted) > calls)  # type: ignore[attr-defined]
    assert engine.predicted[-1] == cat  # type: ignore[attr-defined]
    wait_until_tagged(qtbot, application)
    qtbot.waitUntil(lambda: thumbnails.image(cat) is not None)
    assert thumbnails.image(cat) is not before


def test_photos_in_a_new_folder_inside_appear(qtbot: QtBot, start: Start, photos: Path) -> None:
    application = start_watching(qtbot, start, photos)
    new = photos.parent / "new"
    new.mkdir()
    (new / "boat.jpg").touch()
    new.rename(photos / "new")
    qtbot.waitUntil(lambda: "boat.jpg" in shown(application))


def test_neighbours_of_a_photo_that_was_opened_alone_stay_out(
    qtbot: QtBot, start: Start, photos: Path
) -> None:
    application = start([photos / "cat.jpg"])
    wait_until_tagged(qtbot, application)
    (photos / "boat.jpg").touch()
    with qtbot.waitSignal(application.window.browse.watch.checked):
        application.window.browse.watch.look_again()
    assert shown(application) == {"cat.jpg"}


def test_what_happened_meanwhile_is_noticed_when_the_person_comes_back(
    qtbot: QtBot, start: Start, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_watch, "MAX_WATCHED", 0)
    application = start_watching(qtbot, start, photos)
    (photos / "dog.jpg").unlink()
    application.window.browse.watch.look_again()
    qtbot.waitUntil(lambda: "dog.jpg" not in shown(application))


# What is looked at, and what is said.


def current(application: Application) -> str:
    path = application.session.focus.current_path
    return "" if path is None else "/".join(path.parts[-2:])


def said(application: Application) -> str:
    window = application.window
    done = "" if window.notifier.toast is None else window.notifier.toast.text
    return " ".join((*window.message_bar.texts(), done))


@pytest.mark.slow
def test_a_photo_that_was_deleted_gives_way_and_is_not_counted(
    qtbot: QtBot, start: Start, photos: Path
) -> None:
    application = start_watching(qtbot, start, photos)
    session, window = application.session, application.window
    session.go_to(names(application).index("cat.jpg"))
    session.decisions.decide(session.selection, {"cat": Verdict.ACCEPTED}, caption="Accept")
    (photos / "cat.jpg").unlink()
    qtbot.waitUntil(lambda: len(session.shown) == 4)
    assert current(application) == "photos/dog.jpg"
    assert session.selection == (session.focus.current,)
    assert window.search.panel.bar.count == window.browse.grid._count.text() == "4 photos"
    assert window.status._counts.text() == "3 of 4 tagged · 1 unreadable"
    assert "cat.jpg is not there any more" in said(application)
    assert session.retagger.rows(RetagPlan(RetagMode.REPLACE)) == session.shown.rows.tolist()
    assert not len(decided_labels(session.photos.columns()).rows)
    session.shown.set_filter("name:zebra*")
    (photos / "dog.jpg").unlink()
    qtbot.waitUntil(lambda: window.search.panel.bar.count == "0 of 3 photos")
    for path in photos.iterdir():
        path.unlink()
    nothing, gone = window.browse.grid.nothing, "The photos are not there any more"
    qtbot.waitUntil(lambda: nothing.accessibleName() == gone)
    assert nothing.isVisible()
    assert session.focus.current is None


@pytest.mark.slow
def test_photos_of_a_folder_inside_that_is_renamed_come_along(
    qtbot: QtBot, start: Start, photos: Path
) -> None:
    inner = photos / "day1"
    inner.mkdir()
    for number, name in enumerate(("cat-1.jpg", "cat-2.jpg", "cat-3.jpg")):
        (inner / name).write_bytes(name.encode())
        os.utime(inner / name, ns=(number, number))
    application = start_watching(qtbot, start, photos)
    session = application.session
    rows = [names(application).index(name) for name in ("cat-2.jpg", "cat-3.jpg")]
    session.focus.set_current(rows[1])
    session.set_selection(rows)
    session.decisions.decide(rows, {"cat": Verdict.ACCEPTED}, caption="Accept")
    qtbot.waitUntil(lambda: not session.decisions.is_writing)
    for new, old in (("day 1", "day1"), ("day1", "day 1")):  # and back
        (photos / old).rename(photos / new)
        qtbot.waitUntil(lambda new=new: current(application).startswith(new))
        qtbot.waitUntil(lambda: len(session.shown) == 8)
        assert current(application) == f"{new}/cat-3.jpg"
        assert [session.photos.paths[row].name for row in session.selection] == [
            "cat-2.jpg",
            "cat-3.jpg",
        ]
        qtbot.waitUntil(
            lambda: session.photos.verdicts(session.selection[0]) == {"cat": Verdict.ACCEPTED}
        )
        qtbot.waitUntil(lambda: session.photos.is_tagged(session.selection[0]))
        qtbot.waitUntil(lambda: not session.pipeline.is_searching)
        assert "not there" not in said(application)
    wait_until_tagged(qtbot, application)


@pytest.mark.slow
def test_undo_reaches_a_photo_whose_folder_was_renamed(
    qtbot: QtBot, start: Start, photos: Path
) -> None:
    inner = photos / "day1"
    inner.mkdir()
    (inner / "cat-1.jpg").write_bytes(b"a cat")
    application = start_watching(qtbot, start, photos)
    session = application.session
    session.go_to(names(application).index("cat-1.jpg"))
    application.window.review.controller.accept("cat")
    qtbot.waitUntil(lambda: not session.decisions.is_writing)
    inner.rename(photos / "day2")
    qtbot.waitUntil(lambda: current(application) == "day2/cat-1.jpg")
    row = session.focus.current
    assert row is not None
    qtbot.waitUntil(lambda: session.photos.verdicts(row) == {"cat": Verdict.ACCEPTED})
    session.go_to(0)
    session.decisions.undo()
    qtbot.waitUntil(lambda: session.focus.current == row)
    assert not session.photos.verdicts(row)
    wait_until_tagged(qtbot, application)


@pytest.mark.slow
def test_what_was_opened_and_gets_another_name_is_said_to_be_gone_until_it_is_back(
    qtbot: QtBot, start: Start, engine: FakeEngine, photos: Path
) -> None:
    application = start_watching(qtbot, start, photos)
    photos.rename(photos.parent / "other")
    qtbot.waitUntil(lambda: "“photos” is not there any more" in said(application))
    assert not len(application.session.shown)
    assert application.session.focus.current is None
    asked = len(engine.predict_calls)
    (photos.parent / "other").rename(photos)
    qtbot.waitUntil(lambda: len(application.session.shown) == 5)
    assert len(engine.predict_calls) == asked, "they are as they were"
    qtbot.waitUntil(lambda: "not there" not in said(application))
    assert current(application).startswith("photos/")
    wait_until_tagged(qtbot, application)


def test_what_cannot_be_reached_is_said_and_stays(
    qtbot: QtBot, start: Start, tmp_path: Path, photos: Path
) -> None:
    (tmp_path / "disk").mkdir()
    inside = photos.rename(tmp_path / "disk" / "photos")
    application = start_watching(qtbot, start, inside)
    (tmp_path / "disk").rename(tmp_path / "away")
    application.window.browse.watch.look_again()
    qtbot.waitUntil(lambda: "“photos” cannot be reached" in said(application))
    assert len(application.session.shown) == 5


def test_looking_again_keeps_the_photo_and_says_what_it_found(
    qtbot: QtBot, start: Start, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_watch, "MAX_WATCHED", 0)
    application = start_watching(qtbot, start, photos)
    session = application.session
    session.focus.set_current(3)
    session.focus.set_pinned(1)
    trigger(application, "reload")
    qtbot.waitUntil(lambda: "Nothing has changed" in said(application))
    (photos / "boat.jpg").touch()
    (photos / "person.jpg").write_bytes(b"another one")
    trigger(application, "reload")
    qtbot.waitUntil(lambda: "1 photo found, 1 photo changed." in said(application))
    assert (session.focus.current, session.focus.pinned) == (3, 1)
    wait_until_tagged(qtbot, application)


def test_tagging_that_was_cancelled_is_not_begun_again_by_looking(
    qtbot: QtBot, start: Start, engine: FakeEngine, photos: Path
) -> None:
    engine.predict_gate.clear()
    application = start([photos])
    session = application.session
    qtbot.waitUntil(lambda: session.tagger.is_running)
    session.pipeline.cancel()
    engine.predict_gate.set()
    qtbot.waitUntil(lambda: not session.tagger.is_running)
    assert session.photos.untagged_rows()
    trigger(application, "reload")
    qtbot.waitUntil(lambda: "Nothing has changed" in said(application))
    (photos / "boat.jpg").touch()
    qtbot.waitUntil(lambda: "boat.jpg" in shown(application))
    qtbot.waitUntil(lambda: not session.pipeline.is_searching)
    assert not session.tagger.is_running
    trigger(application, "include_subfolders")
    qtbot.waitUntil(lambda: not session.pipeline.is_searching and len(session.photos) == 6)
    assert not session.tagger.is_running and session.photos.untagged_rows()
    trigger(application, "tag")
    wait_until_tagged(qtbot, application)


# In the worker.


def known(*folders: Path) -> PhotoFiles:
    table = PhotoTable()
    for folder in folders:
        paths = sorted(folder.glob("*.jpg"))
        table.add(paths, [look_at(path) for path in paths])
    return table.files()


def changes(places: list[Path], files: PhotoFiles, *, recursive: bool = True) -> FileChanges:
    gone = np.zeros(len(files), dtype=bool)
    opened = Opened(tuple(places), recursive)
    parts = list(look_for_changes(places, files, gone, opened))
    return FileChanges(
        tuple(file for part in parts for file in part.new),
        tuple(change for part in parts for change in part.changed),
        tuple(row for part in parts for row in part.vanished),
    )


def test_nothing_happened_if_nothing_happened(photos: Path) -> None:
    assert not changes([photos], known(photos))


def test_each_kind_of_change_is_told_apart(photos: Path) -> None:
    files = known(photos)
    (photos / "cat.jpg").write_bytes(b"other")
    os.utime(photos / "person.jpg", ns=(1, 1))
    (photos / "dog.jpg").unlink()
    (photos / "boat.jpg").touch()
    found = changes([photos], files)
    rows = {files.names[change.row] for change in found.changed}
    assert rows == {"cat.jpg", "person.jpg"}
    assert [files.names[row] for row in found.vanished] == ["dog.jpg"]
    assert [file.path.name for file in found.new] == ["boat.jpg"]


def test_only_the_places_looked_at_count(photos: Path, tmp_path: Path) -> None:
    inner = photos / "inner"
    inner.mkdir()
    (inner / "a.jpg").touch()
    files = known(photos, inner)
    (photos / "cat.jpg").unlink()
    (inner / "a.jpg").unlink()
    assert [files.names[row] for row in changes([inner], files).vanished] == ["a.jpg"]
    alone = changes([photos], files, recursive=False)
    assert [files.names[row] for row in alone.vanished] == ["cat.jpg"]


def test_a_folder_that_was_removed_takes_its_photos_along(photos: Path) -> None:
    inner = photos / "inner"
    inner.mkdir()
    (inner / "a.jpg").touch()
    files = known(photos, inner)
    shutil.rmtree(inner)
    assert len(changes([inner], files).vanished) == 1
    assert len(changes([photos], files).vanished) == 1


def test_a_disk_that_is_away_has_lost_nothing(photos: Path) -> None:
    files = known(photos)
    away = photos.parent / "away"
    photos.rename(away)
    (photos.parent / "away").rename(photos.parent / "elsewhere")
    below = PhotoFiles(
        files.names,
        tuple(f"{folder}/disk/photos" for folder in files.folders),
        files.folder_of,
        files.sizes,
        files.mtimes_ns,
        files.image_ids,
    )
    assert not changes([photos / "disk" / "photos"], below)
