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
from csra_gui.session.change_job import FileChanges, look_for_changes
from csra_gui.session.photo_files import PhotoFiles
from csra_gui.session.photo_table import PhotoTable
from engine.library.values import look_at
from tests.gui.driver import Start, names, wait_until_tagged


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
    qtbot.waitUntil(lambda: "boat.jpg" in shown(application), timeout=15_000)
    row = names(application).index("boat.jpg")
    qtbot.waitUntil(lambda: application.session.photos.is_tagged(row))
    assert application.window.browse.folders.tree.model().index(0, 1).data() == "6"


def test_a_photo_that_was_deleted_goes_and_comes_back(
    qtbot: QtBot, start: Start, photos: Path
) -> None:
    application = start_watching(qtbot, start, photos)
    counts = application.window.browse.folders.tree.model()
    (photos / "cat.jpg").rename(photos.parent / "away.jpg")
    qtbot.waitUntil(lambda: "cat.jpg" not in shown(application), timeout=15_000)
    assert counts.index(0, 1).data() == "4"
    (photos.parent / "away.jpg").rename(photos / "cat.jpg")
    qtbot.waitUntil(lambda: "cat.jpg" in shown(application), timeout=15_000)
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
    qtbot.waitUntil(lambda: len(engine.predicted) > calls, timeout=15_000)  # type: ignore[attr-defined]
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
    qtbot.waitUntil(lambda: "boat.jpg" in shown(application), timeout=15_000)


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


# In the worker.


def known(*folders: Path) -> PhotoFiles:
    table = PhotoTable()
    for folder in folders:
        paths = sorted(folder.glob("*.jpg"))
        table.add(paths, [look_at(path) for path in paths])
    return table.files()


def changes(places: list[Path], files: PhotoFiles, *, recursive: bool = True) -> FileChanges:
    gone = np.zeros(len(files), dtype=bool)
    parts = list(look_for_changes(places, files, gone, recursive=recursive))
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
