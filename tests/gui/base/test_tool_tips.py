from __future__ import annotations

from PySide6.QtGui import QTextDocument

from csra_gui.base.tool_tips import TOOL_TIP_COLUMNS, tool_tip

LONG = "The photo as a whole and the places that look most like it speak for the label. " * 8


def test_a_long_tool_tip_is_broken_into_lines() -> None:
    lines = tool_tip("Short", LONG).split("\n")
    assert lines[0] == "Short"
    assert " ".join(lines[1:]) == LONG.strip()
    assert max(map(len, lines)) <= TOOL_TIP_COLUMNS


def test_a_path_without_spaces_is_broken_too_and_wide_letters_count_twice() -> None:
    path = "/" + "holidays" * 30
    assert "".join(tool_tip(path).split("\n")) == path
    assert max(map(len, tool_tip(path).split("\n"))) <= TOOL_TIP_COLUMNS
    assert max(map(len, tool_tip("写真" * 60).split("\n"))) <= TOOL_TIP_COLUMNS // 2


def test_what_looks_like_markup_is_shown_as_it_is() -> None:
    document = QTextDocument()
    document.setHtml(tool_tip("<img src=x> & co", "b"))
    assert document.toPlainText().splitlines() == ["<img src=x> & co", "b"]


def test_a_tool_tip_that_fits_stays_plain_text() -> None:
    assert tool_tip("Tag & go", "") == "Tag & go"
