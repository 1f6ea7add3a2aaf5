"""Captions and texts to read and to copy; whatever is in a text is shown as it is."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QSize
from PySide6.QtGui import QFont, QTextBlockFormat, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QFrame, QTextEdit, QWidget
from typing_extensions import override

from csra_gui.base.theme import Tone, tone_color

_GAP = 8.0


class FactSheet(QTextEdit):
    """A heading and a list of captioned paragraphs; never parsed as markup."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._heading = ""
        self._facts: tuple[tuple[str, str], ...] = ()
        self.setReadOnly(True)
        self.setTabChangesFocus(True)
        self.setAcceptRichText(False)
        self.setFrameShape(QFrame.Shape.NoFrame)

    def set_facts(self, heading: str, facts: Sequence[tuple[str, str]]) -> None:
        """Show other ones."""
        if (heading, tuple(facts)) != (self._heading, self._facts):
            self._heading, self._facts = heading, tuple(facts)
            self._write()

    @override
    def sizeHint(self) -> QSize:
        return QSize(320, 240)

    @override
    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._write()

    def _write(self) -> None:
        self.clear()
        self.document().setDocumentMargin(_GAP)
        cursor = self.textCursor()
        bold = QTextCharFormat()
        bold.setFontWeight(QFont.Weight.Bold)
        caption_format = QTextCharFormat()
        caption_format.setForeground(tone_color(Tone.MUTED, self.palette()))
        cursor.insertText(self._heading, bold)
        for caption, text in self._facts:
            block = QTextBlockFormat()
            block.setTopMargin(_GAP)
            if self.document().isEmpty():
                cursor.setBlockFormat(block)
            else:
                cursor.insertBlock(block, caption_format)
            cursor.insertText(caption, caption_format)
            cursor.insertBlock(QTextBlockFormat(), QTextCharFormat())
            cursor.insertText(text, QTextCharFormat())
        cursor.movePosition(QTextCursor.MoveOperation.Start)
        self.setTextCursor(cursor)
