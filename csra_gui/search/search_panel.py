"""The filter line and the order, wired to what is shown."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QPushButton, QVBoxLayout, QWidget

from csra_gui.base.ask import ask_text
from csra_gui.base.settings import Settings
from csra_gui.base.tool_tips import tool_tip
from csra_gui.search.filter_bar import FilterBar
from csra_gui.search.near_duplicates import not_known_text
from csra_gui.search.saved_filters import MAX_NAME_LENGTH, SavedFilters
from csra_gui.session.session import Session
from csra_gui.session.sort_keys import (
    CAMERA,
    CHANGED,
    COLOR,
    DATE,
    FOLDER,
    FOUND,
    LABELS,
    MISTAKES,
    NAME,
    RATING,
    REVIEWED,
    TITLE,
    UNCERTAINTY,
)
from csra_gui.session.typed_labels import FEW_LABELS
from csra_gui.session.unknown_words import can_teach_searched, lacking_text
from engine.library.filters.completion import Completion, complete
from engine.texts import display_text, fold, photos_text

#: Key, caption, and whether the greatest comes first.
ORDERS: tuple[tuple[str, str, bool], ...] = (
    (FOUND, "As found", False),
    (NAME, "Name", False),
    (FOLDER, "Folder", False),
    (DATE, "Date taken", True),
    (CHANGED, "File changed", True),
    (CAMERA, "Camera", False),
    ("score", "Score of", True),
    (LABELS, "Number of labels", True),
    (REVIEWED, "Reviewed", False),
    (RATING, "Rating", True),
    (COLOR, "Colour label", False),
    (TITLE, "Title", False),
    (UNCERTAINTY, "Uncertainty", True),
    (MISTAKES, "Suspected mistakes", True),
)


class SearchPanel(QWidget):
    """What is typed decides what is shown; what is shown decides what the line says.

    Signals:
        left: the person is through with typing and wants to be with the photos.
        teach_requested: the model shall learn a word that was looked for.
    """

    left = Signal()
    teach_requested = Signal(str)

    def __init__(self, session: Session, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._is_typing = False
        self.saved = SavedFilters(settings, self)
        self.bar = FilterBar(self._completed, ORDERS, self)
        self.fixed = QPushButton(self)
        self.fixed.setToolTip("Show again what was shown before.")
        self.fixed.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.bar.add_widget(self.fixed)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.bar)
        self._connect()
        self._update_categories()
        self._update_order()
        self._update_count()

    def _connect(self) -> None:
        session, shown = self._session, self._session.shown
        self.bar.edit.filter_changed.connect(self._on_edit_filter_changed)
        self.bar.edit.left.connect(self.left)
        self.bar.edit.entered.connect(self._on_edit_entered)
        self.bar.edit.textEdited.connect(self._on_edit_text_edited)
        shown.settled.connect(self._on_shown_settled)
        self.bar.edit.offers_closed.connect(self._update_error)
        self.bar.sort.sort_changed.connect(shown.set_sort)
        self.bar.saved_menu.aboutToShow.connect(self._fill_saved_menu)
        self.bar.teach_requested.connect(self.teach_requested)
        self.bar.tagging_requested.connect(self._on_bar_tagging_requested)
        session.tagger.started.connect(self._update_unread)
        session.tagger.freed.connect(self._update_unread)
        self.fixed.clicked.connect(session.go_back)
        shown.changed.connect(self._update_count)
        shown.settled.connect(self._update_count)
        shown.order_changed.connect(self._update_order)
        session.pipeline.predictions_changed.connect(self._on_pipeline_predictions_changed)
        session.pipeline.cameras.rows_read.connect(self._update_unread)
        session.pipeline.cameras.finished.connect(self._update_unread)
        for fact in (
            session.pipeline.photos_reset,
            session.pipeline.photos_added,
            session.pipeline.scan_finished,
        ):
            fact.connect(self._update_count)

    @Slot(str)
    def _on_edit_filter_changed(self, text: str) -> None:
        self._is_typing = True
        self._session.shown.set_filter(text)

    @Slot()
    def _on_edit_text_edited(self) -> None:
        self._is_typing = True

    @Slot()
    def _on_edit_entered(self) -> None:
        self._is_typing = False
        if not self._session.shown.is_pending:
            self._on_shown_settled(True)

    @Slot(bool)
    def _on_shown_settled(self, is_asked: bool) -> None:
        """On to the photos; unless the person is typing, or what is wrong is to be corrected."""
        shown, edit = self._session.shown, self.bar.edit
        if not is_asked:
            return
        has_keys = self.window().focusWidget() is edit
        if has_keys and not self._is_typing and len(shown) and shown.filter_error is None:
            self.left.emit()
        self._is_typing = False

    def start_typing(self) -> None:
        """Let the person type a filter over what is there."""
        self.bar.edit.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.bar.edit.selectAll()

    def clear(self) -> None:
        """Show everything."""
        self._session.show_all()

    def save_filter(self) -> None:
        """Give the filter a name."""
        text = self._session.shown.filter_text.strip()
        if text:
            ask_text(
                self,
                "Save the filter",
                "Name of the filter:",
                text[:MAX_NAME_LENGTH],
                lambda name: self._save(name, text),
            )

    def _save(self, name: str, text: str) -> None:
        if name.strip():
            self.saved.add(name.strip()[:MAX_NAME_LENGTH], text)

    def _completed(self, text: str, cursor: int) -> Completion:
        photos = self._session.photos
        return complete(text, cursor, photos.known_labels, photos.names, photos.cameras.names[1:])

    @Slot()
    def _fill_saved_menu(self) -> None:
        menu = self.bar.saved_menu
        menu.clear()
        for former in menu.findChildren(QMenu):  # it is no action of the menu's, and would stay
            former.deleteLater()
        save = menu.addAction("&Save this filter…")
        save.setEnabled(bool(self._session.shown.filter_text.strip()))
        save.triggered.connect(self.save_filter)
        kept = self.saved.all()
        if not kept:
            return
        menu.addSeparator()
        for one in kept:
            action = menu.addAction(_menu_text(one.name))
            action.setToolTip(tool_tip(display_text(one.text)))
            action.triggered.connect(_call(self._session.shown.set_filter, one.text))
        menu.addSeparator()
        removing = menu.addMenu("&Delete")
        for one in kept:
            gone: QAction = removing.addAction(_menu_text(one.name))
            gone.triggered.connect(_call(self.saved.remove, one.name))

    @Slot()
    def _update_categories(self) -> None:
        photos = self._session.photos
        listed = enumerate(photos.categories)
        names = [name for i, name in listed if i not in photos.hidden]
        is_long = len(names) > FEW_LABELS  # one name is looked for in a long list
        self.bar.sort.set_categories(sorted(names, key=fold) if is_long else names)
        self._update_order()

    @Slot(object)
    def _on_pipeline_predictions_changed(self, rows: tuple[int, ...]) -> None:
        if not rows:  # those of another model
            self._update_categories()

    @Slot()
    def _update_order(self) -> None:
        shown = self._session.shown
        self.bar.edit.set_filter(shown.filter_text)
        self.bar.sort.set_sort(shown.sort_key, shown.descending)
        self.fixed.setVisible(bool(shown.fixed_caption))
        self.fixed.setText(f"{display_text(shown.fixed_caption)}  ✕")
        self._update_count()

    @Slot()
    def _update_count(self) -> None:
        shown, total = self._session.shown, self._session.photos.present_count
        self.setVisible(bool(self._session.pipeline.roots))
        everything = len(shown) == total and (not shown.filter_text or bool(shown.filter_error))
        count = photos_text(total) if everything else f"{len(shown):,} of {photos_text(total)}"
        self.bar.show_count(count)
        self._update_error()
        self._update_unread()

    @Slot()
    def _update_unread(self) -> None:
        """Whoever asks for dates, or for similar photos, shall know that some are not known yet."""
        session = self._session
        unread = session.pipeline.cameras.remaining if session.shown.asks_the_camera else 0
        self.bar.show_unread(unread)
        unknown, tagger = len(session.shown.not_compared), session.tagger
        can_tag = not tagger.is_running and not tagger.is_paused
        self.bar.show_unknown(not_known_text(unknown) if unknown else "", offers=can_tag)

    @Slot()
    def _on_bar_tagging_requested(self) -> None:
        self._session.look_again(self._session.shown.not_compared.tolist())

    @Slot()
    def _update_error(self) -> None:
        """Say what is wrong, but not while the person is choosing how a word goes on."""
        shown, is_choosing = self._session.shown, bool(self.bar.edit.offered)
        error = None if is_choosing else shown.filter_error
        words = () if is_choosing or error is not None else shown.words_in_names
        unknown = "" if error is None else error.unknown
        can = bool(unknown) and can_teach_searched(self._session, unknown)
        self.bar.show_error(error, lacking_text(self._session) if can else "")
        self.bar.show_words(words)


def _menu_text(name: str) -> str:
    return display_text(name).replace("&", "&&")


def _call(slot: Callable[[str], object], text: str) -> Callable[[], None]:
    def call() -> None:
        slot(text)

    return call
