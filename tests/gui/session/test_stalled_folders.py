"""Folders on a server that is away, and on media that cannot be written to."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from csra_gui.session import photo_scan
from engine.data.scan import scan
from engine.library.values import Verdict
from tests.gui.driver import Start, wait_until_tagged


@pytest.fixture
def away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of which nothing comes back, neither a listing nor a fact."""
    folder = tmp_path / "away"
    folder.mkdir()
    freed = threading.Event()
    asked_in_window = []

    def hanging(ask: Any) -> Any:
        def hang(path: Any = ".", *args: Any, **kwargs: Any) -> Any:
            if not isinstance(path, int) and str(os.fspath(path)).startswith(str(folder)):
                if threading.current_thread() is threading.main_thread():
                    asked_in_window.append(path)
                else:
                    freed.wait()
            return ask(path, *args, **kwargs)

        return hang

    for name in ("scandir", "stat", "lstat"):
        monkeypatch.setattr(os, name, hanging(getattr(os, name)))
    yield folder
    freed.set()
    assert not asked_in_window


def test_the_others_are_tagged_and_it_is_said_which_did_not_answer(
    qtbot: QtBot, start: Start, photos: Path, away: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(photo_scan, "scan", partial(scan, patience_s=0.3))
    application = start([away, photos])
    wait_until_tagged(qtbot, application)
    assert len(application.session.photos) == 5
    [problem] = application.session.pipeline.skipped
    assert problem.path == away and "did not answer" in problem.message


@pytest.mark.slow
def test_looking_can_be_cancelled_while_it_hangs(
    qtbot: QtBot, start: Start, photos: Path, away: Path
) -> None:
    application = start([away, photos])
    pipeline = application.session.pipeline
    qtbot.waitUntil(lambda: len(application.session.photos) == 5)
    assert pipeline.is_scanning
    with qtbot.waitSignal(pipeline.scan_finished):
        pipeline.cancel()
    assert not pipeline.is_scanning


@pytest.mark.slow
def test_the_window_closes_while_it_hangs(
    qtbot: QtBot, start: Start, photos: Path, away: Path
) -> None:
    application = start([away, photos])
    qtbot.waitUntil(lambda: len(application.session.photos) == 5)
    assert application.session.shut_down()


def test_opening_tagging_and_deciding_write_nothing_beside_the_photos(
    qtbot: QtBot, start: Start, photos: Path
) -> None:
    def facts() -> dict[Path, tuple[int, int]]:
        return {p: (p.stat().st_mtime_ns, p.stat().st_size) for p in (photos, *photos.rglob("*"))}

    before = facts()
    application = start([photos])
    wait_until_tagged(qtbot, application)
    session = application.session
    session.decisions.decide([0], {"cat": Verdict.ADDED}, caption="Add", reviewed=True)
    qtbot.waitUntil(lambda: not session.decisions.is_writing)
    assert facts() == before
