from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QTreeWidgetItem
from pytestqt.qtbot import QtBot

from csra_gui.base.actions import menu_paths, plain_text
from csra_gui.search.filter_help import EXAMPLES
from csra_gui.shell.help_window import HelpWindow
from csra_gui.shell.manual import PAGES, Page, read_manual
from csra_gui.shell.menus import MENUS
from engine.library.filters.parser import parse
from engine.resources import document_path
from tests.gui.driver import Start, trigger


@pytest.fixture(scope="module")
def pages() -> tuple[Page, ...]:
    return read_manual()


@pytest.fixture
def window(qtbot: QtBot, pages: tuple[Page, ...]) -> HelpWindow:
    window = HelpWindow()
    qtbot.addWidget(window)
    window.set_pages(pages)
    window.show()
    return window


def listed(window: HelpWindow) -> list[str]:
    """Sections that can be seen once all is unfolded."""

    def below(item: QTreeWidgetItem) -> Iterator[str]:
        if not item.isHidden():
            yield item.text(0)
            for place in range(item.childCount()):
                yield from below(item.child(place))

    tree = window.contents
    tops = [tree.topLevelItem(place) for place in range(tree.topLevelItemCount())]
    return [title for top in tops for title in below(top)]


def shown_heading(window: HelpWindow) -> str:
    return window.text.textCursor().block().text()


def test_every_page_is_there_and_begins_with_its_title(pages: tuple[Page, ...]) -> None:
    assert tuple(page.name for page in pages) == PAGES
    assert [page.sections[0].level for page in pages] == [1] * len(PAGES)
    assert pages[0].sections[0].title == "Manual"


def test_commands_and_keys_of_the_manual_are_those_of_the_window(
    start: Start, pages: tuple[Page, ...]
) -> None:
    table = start().window.actions_table
    known = {
        f"{menu} ▸ {plain_text(spec.text)}": [QKeySequence(k).toString() for k in spec.shortcuts]
        for spec in table.shortcuts.specs
        if (menu := menu_paths(MENUS).get(spec.id))
    }
    text = " ".join(pages[0].markdown.split())
    named = re.findall(r"\*(\w+ ▸ [^*]+)\*(?: \(([^)]+)\))?", text)
    assert len(named) > 30
    for command, key in named:
        if command in menu_paths(MENUS).values():  # a menu in a menu
            continue
        assert command in known, command
        keys = ["Return" if key == "Return" else key]
        assert not key or keys[0] in known[command], f"{command} is {known[command]}, not {key}"


def test_filters_of_the_manual_and_of_the_help_can_be_understood(pages: tuple[Page, ...]) -> None:
    chapter = pages[0].markdown.partition("## Find photos")[2].partition("\n## ")[0]
    filters = re.findall(r"^\| `([^`]+)` \|", chapter, re.MULTILINE)
    assert len(filters) > 10
    for text in (*filters, *(example for example, _ in EXAMPLES)):
        parse(text)


def test_links_between_pages_lead_somewhere(window: HelpWindow, pages: tuple[Page, ...]) -> None:
    for page in pages:
        for name, anchor in re.findall(r"\]\((\w+)\.md(?:#([^)]+))?\)", page.markdown):
            if name in PAGES:
                assert window.show_page(name, anchor), f"{page.name} links to {name}#{anchor}"
            else:
                assert document_path(f"{name}.md").is_file()


def test_a_section_is_shown_from_its_heading_on(
    window: HelpWindow, pages: tuple[Page, ...]
) -> None:
    for page in pages:
        for section in page.sections:
            assert window.show_page(page.name, section.anchor)
            assert shown_heading(window) == section.title


def test_what_is_searched_for_hides_the_rest_and_is_marked(
    qtbot: QtBot, window: HelpWindow
) -> None:
    everything = listed(window)
    qtbot.keyClicks(window.search, "Threshold Delete")
    found = listed(window)
    assert 2 <= len(found) < len(everything)
    assert "When something is not as you expect" in found
    assert window.text.extraSelections()
    window.find_next()
    assert window.text.textCursor().selectedText().casefold() == "threshold"
    qtbot.keyClicks(window.search, " nothinglikethis")
    assert listed(window) == []
    window.find_next()
    window.search.clear()
    assert listed(window) == everything
    assert not window.text.extraSelections()


def test_help_opens_the_manual(qtbot: QtBot, start: Start) -> None:
    application = start()
    trigger(application, "manual")
    [window] = application.window.findChildren(HelpWindow)
    qtbot.waitUntil(lambda: "Open photos" in listed(window))
    assert "Drop a folder" in window.text.toPlainText()
    trigger(application, "manual")
    assert len(application.window.findChildren(HelpWindow)) == 1
    window.close()
