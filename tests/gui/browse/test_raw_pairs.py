"""A RAW and its JPEG in the window: one photo that says that it is two files."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from csra_gui.app import Application
from csra_gui.browse import folder_watch
from csra_gui.browse.photo_facts import session_texts
from csra_gui.browse.photo_roles import PhotoRole
from csra_gui.browse.photo_texts import pair_text
from tests.engine.images import save_image
from tests.engine.raw_files import write_dng
from tests.gui.driver import Start, names, wait_until_tagged


@pytest.fixture(autouse=True)
def no_pause_between_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_watch, "_SETTLE_MS", 1)
    monkeypatch.setattr(folder_watch, "_SHORTEST_PAUSE_S", 0.0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "pairs"
    folder.mkdir()
    for name in ("boat", "cat"):
        save_image(folder / f"{name}.jpg")
    write_dng(folder / "boat.DNG")
    write_dng(folder / "dog.dng")
    return folder


@pytest.fixture
def application(qtbot: QtBot, start: Start, folder: Path) -> Application:
    application = start([folder])
    wait_until_tagged(qtbot, application)
    qtbot.waitUntil(lambda: not application.session.pipeline.is_looking_up)
    return application


def shown(application: Application) -> set[str]:
    session = application.session
    return {session.photos.paths[int(row)].name for row in session.shown.rows}


def test_it_is_shown_once_and_says_what_it_is(application: Application) -> None:
    photos = application.session.photos
    row = names(application).index("boat.jpg")

    assert shown(application) == {"boat.jpg", "cat.jpg", "dog.dng"}
    assert photos.other_files(row) == ("boat.DNG",)
    assert session_texts(application.session, row)[0] == ("RAW+JPEG", "with boat.DNG")
    model = application.window.browse.grid.grid.model()
    index = model.index_at(application.session.shown.position_of(row))
    assert index.data(PhotoRole.PAIR) == "RAW+JPEG"
    assert "boat.DNG" in index.data(Qt.ItemDataRole.ToolTipRole)
    assert "RAW+JPEG" in index.data(Qt.ItemDataRole.AccessibleTextRole)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("name:*.dng", {"boat.jpg", "dog.dng"}),
        ("name:*.jpg", {"boat.jpg", "cat.jpg"}),
        ("name:boat", {"boat.jpg"}),
    ],
)
def test_a_filter_finds_it_by_either_name(
    qtbot: QtBot, application: Application, text: str, wanted: set[str]
) -> None:
    application.session.shown.set_filter(text)

    qtbot.waitUntil(lambda: shown(application) == wanted)


@pytest.mark.slow
def test_a_raw_that_comes_later_is_taken_in_and_one_that_goes_is_forgotten(
    qtbot: QtBot, application: Application, folder: Path
) -> None:
    photos = application.session.photos
    row = names(application).index("cat.jpg")
    write_dng(folder / "cat.dng")
    qtbot.waitUntil(lambda: photos.other_files(row) == ("cat.dng",))
    assert "cat.dng" not in shown(application)

    (folder / "cat.dng").unlink()
    qtbot.waitUntil(lambda: photos.other_files(row) == ())


@pytest.mark.slow
def test_a_raw_whose_jpeg_goes_is_a_photo_of_its_own(
    qtbot: QtBot, application: Application, folder: Path
) -> None:
    (folder / "boat.jpg").unlink()

    wanted = {"boat.DNG", "cat.jpg", "dog.dng"}
    qtbot.waitUntil(lambda: shown(application) == wanted)


def test_a_pair_is_named_by_its_kinds() -> None:
    assert pair_text(Path("a.JPG"), ["a.cr2"]) == "RAW+JPEG"
    assert pair_text(Path("a.HEIC"), ["a.dng"]) == "RAW+HEIC"
    assert pair_text(Path("a.jpg"), []) == ""


@pytest.mark.slow
def test_the_library_knows_the_second_file_as_it_comes_and_goes(
    qtbot: QtBot, application: Application, folder: Path
) -> None:
    photos, library = application.session.photos, application.session.library.library
    assert library is not None
    ids = {Path(name).stem: photos.image_id(row) for row, name in enumerate(names(application))}

    def known() -> dict[str, tuple[str, ...]]:
        found = library.other_files([number for number in ids.values() if number])
        return {stem: found[number] for stem, number in ids.items() if number in found}

    qtbot.waitUntil(lambda: known() == {"boat": ("boat.DNG",)})
    write_dng(folder / "cat.cr2")
    qtbot.waitUntil(lambda: known().get("cat") == ("cat.cr2",))
    (folder / "boat.DNG").unlink()
    qtbot.waitUntil(lambda: known() == {"cat": ("cat.cr2",)})
