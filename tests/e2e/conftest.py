"""The whole program on an engine in a process of its own, with photos and a tiny model."""

from __future__ import annotations

import multiprocessing.util
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication

from csra_gui.app import Application
from csra_gui.base import settings as keys
from csra_gui.base.settings import Settings
from engine.api.remote import RemoteEngine
from engine.records.models import default_store
from tests.e2e.cycled_program import Rig, rigged
from tests.e2e.cycling import ENGINE_LOG, serve_quietly
from tests.engine.tiny_models import save_tiny_model

COUNT = 48


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
    default_store().folder.mkdir(parents=True, exist_ok=True)
    save_tiny_model(default_store().folder / "tiny.safetensors")
    settings.set_model("tiny")
    application = Application(lambda: RemoteEngine(serve_quietly), settings)
    yield rigged(files, application, COUNT, ".jpg")
    application.window.close()
    assert application.shut_down()
    said = files / "engine.log"
    assert not said.exists() or not said.read_text()
