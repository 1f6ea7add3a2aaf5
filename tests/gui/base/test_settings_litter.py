from __future__ import annotations

import os
from pathlib import Path

from csra_gui.base import settings as keys
from csra_gui.base.settings import Settings
from csra_gui.base.settings_litter import sweep_settings


def test_a_lock_that_a_kill_left_empty_does_not_hold_up_the_window(tmp_path: Path) -> None:
    lock = tmp_path / "settings.ini.lock"
    lock.touch()
    settings = Settings(tmp_path / "settings.ini")
    assert not lock.exists()  # else Qt waits half a minute for it
    settings.set_value(keys.THRESHOLD, 0.25)
    settings.save()
    assert Settings(tmp_path / "settings.ini").value(keys.THRESHOLD) == 0.25


def test_a_lock_that_says_whose_it_is_stays(tmp_path: Path) -> None:
    lock = tmp_path / "settings.ini.lock"
    lock.write_text(f"{os.getpid()}\ncsra\nhere\n")
    Settings(tmp_path / "settings.ini")
    assert lock.exists()


def test_what_a_kill_left_of_a_write_goes_and_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "settings.ini"
    kept = {"settings.ini", "settings.ini.damaged", "settings.ini.backup", "settings.ini.AbCdEg"}
    for name in ("settings.ini.AbCdEf", *kept):
        (tmp_path / name).write_text("x")
        if name != "settings.ini.AbCdEg":  # just being written
            os.utime(tmp_path / name, (0, 0))
    assert sweep_settings(file) == 1
    assert {path.name for path in tmp_path.iterdir()} == kept
