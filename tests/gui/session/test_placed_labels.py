from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from csra_gui.base.settings import WRITE_RENAMING
from csra_gui.session.session import Session
from engine.library.filters.evaluation import LibraryView
from engine.library.filters.parser import parse
from engine.library.filters.tree import FilterError
from engine.library.values import Verdict
from tests.fakes import FakeEngine
from tests.gui.driver import row_in
from tests.gui.session.restarts import Restarts


@pytest.fixture
def restarts(qtbot: QtBot, settings_file: Path) -> Iterator[Restarts]:
    made = Restarts(qtbot, settings_file)
    yield made
    made.end_all()


def found(session: Session, text: str) -> list[int]:
    columns = session.photos.columns()
    view = LibraryView(columns, np.full(columns.model_categories, 2, dtype=np.float32))
    return np.flatnonzero(view.rows(parse(text))).tolist()


def test_own_labels_imply_what_the_table_for_files_puts_them_below(
    qtbot: QtBot, restarts: Restarts, engine: FakeEngine, tmp_path: Path
) -> None:
    folder, table = tmp_path / "photos", tmp_path / "table.csv"
    folder.mkdir()
    (folder / "a.jpg").write_text("a")
    (folder / "b.jpg").write_text("b")
    table.write_text("from,to\nRex,kennel|dog|Rex\nGrandma,Oma\n", encoding="utf-8")
    session = restarts.start(engine, [folder])
    qtbot.waitUntil(lambda: len(session.photos) == 2)
    row = row_in(session, "a.jpg")
    session.decisions.decide([row], {"Rex": Verdict.ADDED}, caption="Add Rex")
    assert found(session, "Rex") == [row]
    with pytest.raises(FilterError):
        found(session, "kennel")
    restarts.settings.set_value(WRITE_RENAMING, str(table))
    qtbot.waitUntil(lambda: found(session, "dog") == [row])
    assert found(session, "kennel") == [row]
    session.decisions.decide([row], {"Kitty": Verdict.ADDED}, caption="Add Kitty")
    session.decisions.rename(["Kitty"], "Mimi")
    restarts.wait_until_written(session)
    assert found(session, "Mimi") == [row]
    assert found(session, "dog") == [row]
    restarts.settings.set_value(WRITE_RENAMING, str(tmp_path / "gone.csv"))
    qtbot.waitUntil(lambda: not session.photos.names.placed)
    assert found(session, "=Rex") == [row]


def test_the_table_is_read_again_when_the_library_is_opened(
    qtbot: QtBot, restarts: Restarts, engine: FakeEngine, tmp_path: Path
) -> None:
    table = tmp_path / "table.toml"
    table.write_text('Rex = "animal|dog|Rex"\n', encoding="utf-8")
    restarts.settings.set_value(WRITE_RENAMING, str(table))
    session = restarts.start(engine)
    qtbot.waitUntil(lambda: session.photos.names.above("Rex") == ("dog", "animal"))
