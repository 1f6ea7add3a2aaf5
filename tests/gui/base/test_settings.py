from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtWidgets import QCheckBox, QComboBox, QSpinBox
from pytestqt.qtbot import QtBot

from csra_gui.base import settings as keys
from csra_gui.base.settings import PAGES, SETTINGS, Settings
from csra_gui.shell.settings_dialog import SettingsDialog


@pytest.mark.parametrize(
    "text",
    [
        b"\x00\xff\xfe not an ini file \x80" * 50,
        b"[tags]\nthreshold=nan\n[view]\nthumbnail_side=huge\n[window]\ntheme=neon\n",
        b"[folders]\nlast=@Invalid()\nrecent=@Variant(\\0\\0\\0\\x7f)\n[layout]\nwindow=7\n",
        b"[tags]\nthreshold=",
    ],
)
def test_a_damaged_file_means_defaults(tmp_path: Path, text: bytes) -> None:
    file = tmp_path / "settings.ini"
    file.write_bytes(text)
    settings = Settings(file)
    for setting in SETTINGS:
        assert settings.value(setting) == setting.default
    assert settings.last_opened == []
    assert settings.recent_folders == []
    assert settings.layout("window").isEmpty()
    settings.set_value(keys.THRESHOLD, 0.25)
    settings.save()
    assert Settings(file).value(keys.THRESHOLD) == 0.25


def test_values_out_of_range_are_brought_into_it(tmp_path: Path) -> None:
    file = tmp_path / "settings.ini"
    file.write_text("[tags]\nthreshold=7\n[view]\nthumbnail_side=5\n")
    settings = Settings(file)
    assert settings.value(keys.THRESHOLD) == 1.0
    assert settings.value(keys.THUMBNAIL_SIDE) == 96


def test_recent_folders_are_few_and_the_newest_is_first(tmp_path: Path) -> None:
    settings = Settings(tmp_path / "settings.ini")
    for number in range(15):
        settings.add_recent_folder(Path(f"/photos/{number}"))
    settings.add_recent_folder(Path("/photos/9"))
    settings.add_recent_folder(Path("/not text/\udcff"))
    recent = settings.recent_folders
    assert len(recent) <= keys.MAX_RECENT_FOLDERS
    assert recent[0] == Path("/photos/9")
    assert len(set(recent)) == len(recent)


def test_every_setting_with_a_caption_is_on_one_page() -> None:
    listed = [setting.key for _, rows in PAGES for setting in rows]
    assert sorted(listed) == sorted(setting.key for setting in SETTINGS if setting.caption)


def test_the_dialog_has_a_row_for_each_setting_and_changes_it_at_once(
    qtbot: QtBot, tmp_path: Path
) -> None:
    settings = Settings(tmp_path / "settings.ini")
    dialog = SettingsDialog(settings)
    qtbot.addWidget(dialog)
    box = dialog.findChild(QCheckBox, keys.TAG_ON_OPENING.key)
    box.click()
    assert settings.value(keys.TAG_ON_OPENING) is False
    number = dialog.findChild(QSpinBox, keys.THRESHOLD.key)
    number.setValue(30)
    assert settings.value(keys.THRESHOLD) == 0.3
    theme = dialog.findChild(QComboBox, keys.THEME.key)
    theme.setCurrentIndex(2)
    theme.activated.emit(2)
    assert settings.value(keys.THEME) == "dark"
    settings.set_value(keys.THRESHOLD, 0.755)
    assert settings.value(keys.THRESHOLD) == 0.755, "the box must not round what it only shows"
    settings.reset()
    assert (box.isChecked(), number.value(), theme.currentIndex()) == (True, 50, 0)
