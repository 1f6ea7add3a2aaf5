"""The manual in a window of its own: contents, a page, and a line to search in all of them."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, QUrl, Slot
from PySide6.QtGui import (
    QDesktopServices,
    QPalette,
    QTextBlock,
    QTextCursor,
    QTextDocument,
)
from PySide6.QtWidgets import (
    QDialog,
    QLineEdit,
    QPushButton,
    QSplitter,
    QTextBrowser,
    QTextEdit,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from csra_gui.base.tool_tips import tool_tip
from csra_gui.shell.manual import Page, Section
from csra_gui.widgets.windows import button_row, fit_to_screen
from engine.resources import document_path
from engine.texts import fold

_SIZE = QSize(980, 700)
_CONTENTS_WIDTH = 280
_PLACE = Qt.ItemDataRole.UserRole
_DIALECT = (
    QTextDocument.MarkdownFeature.MarkdownDialectGitHub
    | QTextDocument.MarkdownFeature.MarkdownNoHTML
)


class HelpWindow(QDialog):
    """Not modal. What is typed is marked, and hides the sections that do not speak of it.

    Args:
        parent: the window.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Manual")
        self._pages: tuple[Page, ...] = ()
        self._items: list[QTreeWidgetItem] = []
        self._shown: Page | None = None
        self.search = QLineEdit(self)
        self.contents = QTreeWidget(self)
        self.text = QTextBrowser(self)
        self.close_button = QPushButton("Close", self)
        self._set_up()
        self.search.textChanged.connect(self._on_search_text_changed)
        self.search.returnPressed.connect(self.find_next)
        self.contents.currentItemChanged.connect(self._on_contents_current_item_changed)
        self.text.anchorClicked.connect(self._on_text_anchor_clicked)
        fit_to_screen(self, _SIZE)

    def _set_up(self) -> None:
        self.search.setPlaceholderText("Search the manual; Return goes to the next place")
        self.search.setClearButtonEnabled(True)
        self.search.setAccessibleName("Search the manual")
        self.contents.setHeaderHidden(True)
        self.contents.setAccessibleName("Contents")
        self.text.setOpenLinks(False)
        self.text.setAccessibleName("Page of the manual")
        splitter = QSplitter(Qt.Orientation.Horizontal, self)
        splitter.addWidget(self.contents)
        splitter.addWidget(self.text)
        splitter.setChildrenCollapsible(False)
        splitter.setSizes([_CONTENTS_WIDTH, _SIZE.width() - _CONTENTS_WIDTH])
        layout = QVBoxLayout(self)
        layout.addWidget(self.search)
        layout.addWidget(splitter, 1)
        layout.addLayout(button_row(close=self.close_button))
        self.search.setFocus()

    def set_pages(self, pages: Sequence[Page]) -> None:
        """Show the manual, its first page first."""
        self._pages = tuple(pages)
        self._items = []
        self.contents.clear()
        for number, page in enumerate(self._pages):
            above: list[QTreeWidgetItem] = []
            for place, section in enumerate(page.sections):
                item = QTreeWidgetItem([section.title])
                item.setToolTip(0, tool_tip(section.title))
                item.setData(0, _PLACE, (number, place))
                self._items.append(item)
                del above[section.level - 1 :]
                if above:
                    above[-1].addChild(item)
                else:
                    self.contents.addTopLevelItem(item)
                above.append(item)
        first = self.contents.topLevelItem(0)
        if first is not None:
            first.setExpanded(True)
            self.contents.setCurrentItem(first)

    def show_page(self, name: str, anchor: str = "") -> bool:
        """Go to a page, or to a section of it; ``False`` if there is none."""
        for item in self._items:
            page, section = self._at(item)
            if page.name == name and (not anchor or section.anchor == anchor):
                self.contents.setCurrentItem(item)
                return True
        return False

    @Slot()
    def find_next(self) -> None:
        """Go to the next place where a word that is searched for stands, in sections listed."""
        words = self.search.text().split()
        if not words:
            return
        if not self.text.find(words[0]):
            items = [item for item in self._items if not item.isHidden()]
            here = self.contents.currentItem()
            at = items.index(here) if here in items else -1
            for item in (*items[at + 1 :], *items[: at + 1]):
                if self._at(item)[1].speaks_of(self.search.text()):
                    self.contents.setCurrentItem(item)
                    self.text.find(words[0])
                    return

    # Helpers.

    def _at(self, item: QTreeWidgetItem) -> tuple[Page, Section]:
        number, place = item.data(0, _PLACE)
        page = self._pages[number]
        return page, page.sections[place]

    def _show(self, page: Page, section: Section) -> None:
        if page is not self._shown:
            self._shown = page
            self.text.document().setMarkdown(page.markdown, _DIALECT)
            self._mark()
        block = self._heading(page.sections.index(section))
        self.text.setTextCursor(QTextCursor(block))
        layout = self.text.document().documentLayout()
        self.text.verticalScrollBar().setValue(int(layout.blockBoundingRect(block).top()))

    def _heading(self, place: int) -> QTextBlock:
        """The block of a section's heading, by its place among all of the page."""
        block, left = self.text.document().begin(), place
        while block.isValid():
            if 1 <= block.blockFormat().headingLevel() <= 3:
                if not left:
                    return block
                left -= 1
            block = block.next()
        return self.text.document().begin()

    def _mark(self) -> None:
        marks = []
        for word in self.search.text().split():
            cursor = self.text.document().find(word)
            while not cursor.isNull():
                mark = QTextEdit.ExtraSelection()
                mark.cursor = cursor
                mark.format.setBackground(self.palette().color(QPalette.ColorRole.Highlight))
                mark.format.setForeground(self.palette().color(QPalette.ColorRole.HighlightedText))
                marks.append(mark)
                cursor = self.text.document().find(word, cursor)
        self.text.setExtraSelections(marks)

    @Slot(str)
    def _on_search_text_changed(self, text: str) -> None:
        words = fold(text).strip()
        for item in reversed(self._items):  # those inside come before what they are in
            inside = (item.child(place) for place in range(item.childCount()))
            has_found = any(child is not None and not child.isHidden() for child in inside)
            item.setHidden(not (has_found or self._at(item)[1].speaks_of(words)))
            item.setExpanded(bool(words) and has_found)
        self._mark()

    @Slot(QTreeWidgetItem, QTreeWidgetItem)
    def _on_contents_current_item_changed(self, item: QTreeWidgetItem | None) -> None:
        if item is not None:
            self._show(*self._at(item))

    @Slot(QUrl)
    def _on_text_anchor_clicked(self, url: QUrl) -> None:
        if url.scheme():
            QDesktopServices.openUrl(url)
            return
        name = url.path().removesuffix(".md") or (self._shown.name if self._shown else "")
        file = document_path(url.path())
        if not self.show_page(name, url.fragment()) and file.is_file():
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(file)))
