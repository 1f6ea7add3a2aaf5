"""Ratings, colour labels and titles in the session: of files, of the person, taken back, kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from csra_gui.session.session import Session
from csra_gui.session.sort_keys import COLOR, RATING, TITLE
from engine.api.errors import ConfigError
from engine.library.values import Attribute
from engine.metadata.values import Changes
from engine.metadata.xmp import merged
from tests.fakes import FakeEngine
from tests.gui.driver import row_in
from tests.gui.session.restarts import Restarts

NAMES = ("a.jpg", "b.jpg", "c.jpg")


@pytest.fixture
def restarts(qtbot: QtBot, settings_file: Path) -> Iterator[Restarts]:
    made = Restarts(qtbot, settings_file)
    yield made
    made.end_all()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in NAMES:
        (folder / name).write_text(name)
    (folder / "b.jpg.xmp").write_bytes(
        merged(None, Changes(rating=2, color_label="Approved", title="Sea"))
    )
    return folder


def said(session: Session, name: str) -> tuple[int, str, str]:
    found, row = session.photos.attributes, row_in(session, name)
    return found.rating(row), found.color(row), found.title(row)


def started(qtbot: QtBot, restarts: Restarts, engine: FakeEngine, folder: Path) -> Session:
    session = restarts.start(engine, [folder])
    qtbot.waitUntil(lambda: len(session.photos) == 3 and said(session, "b.jpg")[0] != 0)
    return session


def test_what_sidecars_say_is_shown_and_what_the_person_sets_counts_and_stays(
    qtbot: QtBot, restarts: Restarts, engine: FakeEngine, folder: Path
) -> None:
    first = started(qtbot, restarts, engine, folder)
    assert said(first, "b.jpg") == (2, "green", "Sea")
    rows = [row_in(first, name) for name in NAMES[:2]]
    first.decisions.rate(rows, Attribute.RATING, "5", caption="Rate 5")
    first.decisions.rate(rows, Attribute.COLOR, "", caption="No colour")
    assert said(first, "b.jpg") == (5, "", "Sea")
    restarts.wait_until_written(first)
    restarts.end(first)
    second = started(qtbot, restarts, FakeEngine(), folder)
    assert [said(second, name) for name in NAMES] == [(5, "", ""), (5, "", "Sea"), (0, "", "")]
    qtbot.waitUntil(lambda: second.decisions.undo_caption == "No colour")
    for _ in range(2):
        second.decisions.undo()
        restarts.wait_until_written(second)
    assert said(second, "a.jpg") == (0, "", "")
    assert said(second, "b.jpg") == (2, "green", "Sea")
    second.decisions.redo()
    qtbot.waitUntil(lambda: said(second, "a.jpg")[0] == 5)


def test_what_cannot_be_set_changes_nothing(
    qtbot: QtBot, restarts: Restarts, engine: FakeEngine, folder: Path
) -> None:
    session = started(qtbot, restarts, engine, folder)
    with pytest.raises(ConfigError):
        session.decisions.rate([0], Attribute.RATING, "9", caption="Rate")
    assert said(session, "a.jpg") == (0, "", "")
    assert session.decisions.undo_caption == ""


@pytest.mark.parametrize(
    ("text", "names"),
    [("rating:>=2", ["b.jpg"]), ("color:green title:sea", ["b.jpg"]), ("rating:none", ["a", "c"])],
)
def test_filters_go_by_what_is_shown(
    qtbot: QtBot, restarts: Restarts, engine: FakeEngine, folder: Path, text: str, names: list[str]
) -> None:
    session = started(qtbot, restarts, engine, folder)
    with qtbot.waitSignal(session.shown.settled):
        session.shown.set_filter(text)
    shown = [session.photos.paths[row].stem for row in session.shown.rows.tolist()]
    assert shown == [Path(name).stem for name in names]


@pytest.mark.parametrize("key", [RATING, COLOR, TITLE])
def test_photos_are_sorted_by_what_is_shown(
    qtbot: QtBot, restarts: Restarts, engine: FakeEngine, folder: Path, key: str
) -> None:
    session = started(qtbot, restarts, engine, folder)
    with qtbot.waitSignal(session.shown.settled):
        session.shown.set_sort(key, descending=True)
    assert session.photos.paths[session.shown.rows[0]].name == "b.jpg"
