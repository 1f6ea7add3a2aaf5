"""The line above the photos: what to show of them, and in which order."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QAction, QPalette
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QToolButton, QVBoxLayout, QWidget

from csra_gui.base.icons import icon
from csra_gui.base.theme import Tone, tone_color
from csra_gui.base.tool_tips import tool_tip
from csra_gui.search.filter_edit import Completing, FilterEdit
from csra_gui.search.filter_help import FilterHelp
from csra_gui.search.sort_chooser import SortChooser
from csra_gui.session.unknown_words import TEACH
from engine.api.label_names import did_you_mean
from engine.library.filters.completion import quoted
from engine.library.filters.tree import FilterError, Span, WordInNames
from engine.texts import display_text, photos_text

#: What the link to teaching leads to; those to labels lead to numbers.
_TEACH = "teach"


class FilterBar(QWidget):
    """The filter, how many photos pass it, their order, saved filters, and help.

    Args:
        completing: finds what could stand at the cursor of the filter.
        orders: key, caption, and whether the greatest comes first, of each order.
        parent: of the widget.

    Signals:
        tagging_requested: photos that could not be compared shall be looked at.
        teach_requested: the model shall learn the word that no label has.
    """

    tagging_requested = Signal()
    teach_requested = Signal(str)

    def __init__(
        self,
        completing: Completing,
        orders: Sequence[tuple[str, str, bool]],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.edit = FilterEdit(completing, self)
        self.sort = SortChooser(orders, self)
        self.saved_menu = QMenu(self)
        self.help = FilterHelp(self)
        self._count = _plain_label(self)
        self._error = _plain_label(self)
        self._note = _plain_label(self)
        self._unread = _plain_label(self)
        self._unknown = _plain_label(self)
        self._wrong: FilterError | None = None
        self._words: tuple[WordInNames, ...] = ()
        self._saved = _tool(self, "star", "Saved filters")
        self._saved.setMenu(self.saved_menu)
        self._saved.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._questions = _tool(self, "help", "What a filter can say")
        self.facets = _tool(self, "tag", "Counts")
        self._row = QHBoxLayout()
        self._set_up_layout()
        self._questions.clicked.connect(self._on_questions_clicked)
        self.help.example_chosen.connect(self._on_help_example_chosen)
        self.edit.textChanged.connect(self._on_edit_text_changed)
        self._error.linkActivated.connect(self._on_error_link_activated)
        self._note.linkActivated.connect(self._on_note_link_activated)
        self._unknown.linkActivated.connect(self.tagging_requested)
        self.show_error(None)
        self.show_words(())
        self.show_unread(0)
        self.show_unknown("", offers=False)

    def _set_up_layout(self) -> None:
        self._row.setSpacing(6)
        self._row.addWidget(self.edit, 1)
        for widget in (self._questions, self._saved, self.facets, self._count, self.sort):
            self._row.addWidget(widget)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 4, 8, 4)
        layout.setSpacing(2)
        layout.addLayout(self._row)
        for label in (self._error, self._note, self._unknown):
            label.setWordWrap(True)
            layout.addWidget(label)
            label.setTextFormat(Qt.TextFormat.RichText)
        self._unread.setWordWrap(True)
        layout.addWidget(self._unread)

    def add_widget(self, widget: QWidget) -> None:
        """Put something at the end of the line."""
        self._row.addWidget(widget)

    def set_facets_action(self, action: QAction) -> None:
        """What the button with the counts does."""
        self.facets.setDefaultAction(action)

    def show_count(self, text: str) -> None:
        """How many photos pass."""
        self._count.setText(text)

    def show_error(self, error: FilterError | None, lacking: str = "") -> None:
        """Say that the filter is not applied and why, mark where, and offer what may be meant.

        Args:
            error: what is wrong; ``None`` if nothing is.
            lacking: that the model does not know the word; empty if it cannot be taught it.
        """
        self._wrong = error
        self.edit.set_error(None if error is None else (error.start, error.end))
        self.edit.setAccessibleDescription(self.error)
        self._error.setText("" if error is None else f"Not applied: {_with_links(error, lacking)}")
        self._error.setVisible(error is not None)
        self._tint(self._error, Tone.DANGER)

    def show_words(self, words: Sequence[WordInNames]) -> None:
        """Say which words of the filter are found in file names, and offer what may be meant."""
        self._words = tuple(words)
        self._note.setText(" ".join(_words_with_links(self._words)))
        self._note.setVisible(bool(words))
        self._tint(self._note, Tone.MUTED)

    def show_unread(self, count: int) -> None:
        """Say of how many photos date and camera are not known yet; nothing of none."""
        text = f"Still reading dates of {photos_text(count)}." if count else ""
        self._unread.setText(text)
        self._unread.setVisible(bool(text))
        self._tint(self._unread, Tone.MUTED)

    def show_unknown(self, text: str, *, offers: bool) -> None:
        """Say which photos could not be compared, and offer to have them looked at.

        Args:
            text: empty: all could.
            offers: whether they can be looked at now.
        """
        link = ' <a href="tag">Tag them</a>' if offers else ""
        self._unknown.setText(html.escape(text) + link if text else "")
        self._unknown.setVisible(bool(text))
        self._tint(self._unknown, Tone.MUTED)

    @property
    def unknown(self) -> str:
        """What is said of photos that could not be compared, as rich text."""
        return self._unknown.text()

    def _tint(self, label: QLabel, tone: Tone) -> None:
        colors, color = label.palette(), tone_color(tone, self.palette())
        for role in (label.foregroundRole(), QPalette.ColorRole.Link):
            colors.setColor(role, color)
        label.setPalette(colors)

    @property
    def error(self) -> str:
        """What is said to be wrong."""
        wrong = self._wrong
        return "" if wrong is None else f"{wrong}{did_you_mean(wrong.suggestions)}"

    @property
    def note(self) -> str:
        """What is said of words that are found in file names, as rich text."""
        return self._note.text()

    @property
    def unread(self) -> str:
        """What is said of photos whose dates are not known yet."""
        return self._unread.text()

    @property
    def count(self) -> str:
        """How many photos are said to pass."""
        return self._count.text()

    @Slot(str)
    def _on_edit_text_changed(self) -> None:
        self.show_error(None)
        self.show_words(())

    @Slot()
    def _on_questions_clicked(self) -> None:
        self.help.show_below(self._questions)

    @Slot(str)
    def _on_error_link_activated(self, place: str) -> None:
        wrong = self._wrong
        if wrong is not None and place == _TEACH:
            self.teach_requested.emit(wrong.unknown)
        elif wrong is not None:
            self._replace(Span(wrong.start, wrong.end), wrong.suggestions[int(place)])

    @Slot(str)
    def _on_note_link_activated(self, place: str) -> None:
        word, _, suggestion = place.partition(".")
        chosen = self._words[int(word)]
        self._replace(chosen.span, chosen.suggestions[int(suggestion)])

    def _replace(self, span: Span, label: str) -> None:
        text = self.edit.text()
        self.edit.setText(text[: span.start] + quoted(label) + text[span.end :])
        self.edit.setFocus()

    @Slot(str)
    def _on_help_example_chosen(self, example: str) -> None:
        self.edit.setText(example)
        self.edit.setFocus()


def _with_links(error: FilterError, lacking: str) -> str:
    """The message, safe as rich text; what may have been meant, or be taught, can be clicked."""
    said = html.escape(display_text(str(error))) + _question(error.suggestions)
    return f'{said} {html.escape(lacking)} <a href="{_TEACH}">{TEACH}</a>' if lacking else said


def _words_with_links(words: Sequence[WordInNames]) -> Iterator[str]:
    for place, word in enumerate(words):
        said = f"“{display_text(word.text)}” is no label: looked for in file names."
        yield html.escape(said) + _question(word.suggestions, f"{place}.")


def _question(suggestions: Sequence[str], prefix: str = "") -> str:
    names = [html.escape(display_text(label)) for label in suggestions]
    return did_you_mean([f'<a href="{prefix}{i}">{name}</a>' for i, name in enumerate(names)])


def _plain_label(parent: QWidget) -> QLabel:
    label = QLabel(parent)
    label.setTextFormat(Qt.TextFormat.PlainText)
    return label


def _tool(parent: QWidget, icon_name: str, caption: str) -> QToolButton:
    button = QToolButton(parent)
    button.setAutoRaise(True)
    button.setIcon(icon(icon_name))
    button.setToolTip(tool_tip(caption))
    button.setAccessibleName(caption)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return button
