from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from csra_gui.base.settings import FOLD_MAPS, Settings
from csra_gui.widgets.fold import Fold, ScrollColumn


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(tmp_path / "settings.ini")


def made(qtbot: QtBot, settings: Settings) -> tuple[Fold, QLabel]:
    content = QLabel("What is in it")
    fold = Fold("Map", content, settings, FOLD_MAPS)
    fold.set_summary("Local probability")
    qtbot.addWidget(fold)
    fold.show()
    return fold, content


def summary(fold: Fold) -> QLabel:
    return next(x for x in fold.findChildren(QLabel) if x.text() != "What is in it")


def test_a_folded_group_says_in_a_word_what_is_in_it(qtbot: QtBot, settings: Settings) -> None:
    fold, content = made(qtbot, settings)
    assert fold.is_folded
    assert not content.isVisible()
    assert summary(fold).text() == "Local probability"
    fold.button.click()
    assert content.isVisible()
    assert summary(fold).text() == ""


def test_a_click_on_what_it_says_unfolds_it_too(qtbot: QtBot, settings: Settings) -> None:
    fold, content = made(qtbot, settings)
    qtbot.mouseClick(summary(fold), Qt.MouseButton.LeftButton)
    assert content.isVisible()


def test_what_has_no_room_beside_the_heading_is_cut_at_its_end(
    qtbot: QtBot, settings: Settings
) -> None:
    fold, _ = made(qtbot, settings)
    fold.resize(200, 60)
    fold.set_summary("2024-05-01 12:30, " + "Canon EOS " * 20)
    text = summary(fold).text()
    assert text.startswith("2024") and text.endswith("…")
    assert "Canon EOS Canon EOS" in summary(fold).toolTip()
    fold.resize(4000, 60)
    qtbot.waitUntil(lambda: summary(fold).text().endswith("Canon EOS "))
    assert summary(fold).toolTip() == ""


def test_a_group_that_was_unfolded_is_so_the_next_time(qtbot: QtBot, settings: Settings) -> None:
    first, _ = made(qtbot, settings)
    first.toggle()
    _, content = made(qtbot, settings)
    assert content.isVisible()


def column_of(lines: int) -> ScrollColumn:
    content = QWidget()
    layout = QVBoxLayout(content)
    for line in range(lines):
        layout.addWidget(QLabel(f"Line {line}"))
    return ScrollColumn(content)


def test_a_column_takes_little_room_where_there_is_little_and_scrolls(qtbot: QtBot) -> None:
    column = column_of(40)
    qtbot.addWidget(column)
    column.resize(200, 100)
    column.show()
    assert column.minimumSizeHint().height() < 60
    assert column.sizeHint().height() == column.widget().sizeHint().height()
    assert column.verticalScrollBar().maximum() > 0
    assert not column.horizontalScrollBar().isVisible()


def test_a_column_with_room_for_all_of_it_does_not_scroll(qtbot: QtBot) -> None:
    column = column_of(3)
    qtbot.addWidget(column)
    column.resize(column.sizeHint())
    column.show()
    assert column.verticalScrollBar().maximum() == 0
    assert column.minimumSizeHint().width() >= column.widget().minimumSizeHint().width()
