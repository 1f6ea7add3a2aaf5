"""The whole program on an engine in a process of its own, with photos and a tiny model."""

from __future__ import annotations

import logging
import multiprocessing.util
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication

from csra_gui.base import settings as keys
from csra_gui.base.settings import Settings
from tests.e2e.cycled_program import Rig, rigged, tiny_program
from tests.e2e.cycling import ENGINE_LOG

COUNT = 48


@pytest.fixture
def no_fault(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Nothing is said that is a fault of the program."""
    yield
    loud = [r for r in caplog.records if r.levelno >= logging.ERROR or r.exc_info]
    assert [r.getMessage() for r in loud] == []


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty place for temporary files, and the log of the engine's processes."""
    own = tmp_path / "tmp"
    own.mkdir()
    multiprocessing.util.get_temp_dir()  # it stays for all tests, so it is not among these
    monkeypatch.setenv("TMPDIR", str(own))
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setenv(ENGINE_LOG, str(tmp_path / "engine.log"))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    return tmp_path


@pytest.fixture
def settings(files: Path) -> Settings:
    made = Settings(files / "settings.ini")
    made.set_value(keys.TAG_ON_OPENING, False)
    made.set_value(keys.REOPEN_LAST, False)
    return made


@pytest.fixture
def rig(files: Path, settings: Settings, qapp: QApplication) -> Iterator[Rig]:
    with tiny_program(settings) as application:
        yield rigged(files, application, COUNT, ".jpg")
    said = files / "engine.log"
    assert not said.exists() or not said.read_text()
