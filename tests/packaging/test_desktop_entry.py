"""What Linux desktops are told of the program."""

from __future__ import annotations

import configparser
import mimetypes
from pathlib import Path

from PySide6.QtWidgets import QApplication

from csra_gui.base.programs import photo_programs
from csra_gui.base.settings import Settings
from csra_gui.startup.qt_application import qt_application
from engine.data.kinds import IMAGE_SUFFIXES
from tests.paths import ROOT

FILE = ROOT / "resources" / "csra-gui.desktop"


def entry() -> configparser.SectionProxy:
    parser = configparser.RawConfigParser()
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string(FILE.read_text("utf-8"))
    return parser["Desktop Entry"]


def test_the_entry_starts_the_window_on_what_is_chosen() -> None:
    found = entry()
    assert (found["Type"], found["Exec"], found["Icon"]) == (
        "Application",
        "csra-gui %F",
        "csra-gui",
    )
    assert f'{found["Exec"].split()[0]} = "csra_gui.__main__:main_gui"' in (
        ROOT / "pyproject.toml"
    ).read_text("utf-8")


def test_the_window_is_known_by_the_name_of_the_entry(qapp: QApplication, tmp_path: Path) -> None:
    before = qapp.applicationName(), qapp.applicationDisplayName(), qapp.desktopFileName()
    app = qt_application(Settings(tmp_path / "settings.ini"))
    assert app.desktopFileName() == FILE.stem == entry()["StartupWMClass"]
    qapp.setApplicationName(before[0])
    qapp.setApplicationDisplayName(before[1])
    qapp.setDesktopFileName(before[2])


def test_it_is_offered_for_folders_and_every_kind_of_photo() -> None:
    kinds = entry()["MimeType"].removesuffix(";").split(";")
    known = {mimetypes.guess_type(f"a{suffix}")[0] for suffix in IMAGE_SUFFIXES} - {None}
    assert {"inode/directory", "image/webp", "image/heic", "image/x-adobe-dng"} <= {*kinds}
    images = {kind for kind in known if kind is not None and kind.startswith("image/")}
    assert images <= {*kinds, "image/x-ms-bmp"} and len(kinds) == len({*kinds})


def test_the_program_does_not_offer_itself_to_open_photos_with(tmp_path: Path) -> None:
    places = [tmp_path / name / "applications" for name in ("a", "b")]
    for place, name in zip(places, (FILE.name, "other.desktop"), strict=True):
        place.mkdir(parents=True)
        (place / name).write_bytes(FILE.read_bytes())
    assert photo_programs([tmp_path / "a"]) == []
    assert [each.name for each in photo_programs([tmp_path / "b"])] == ["CSRA"]
