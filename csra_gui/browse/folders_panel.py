"""The folders of the open photos, and those opened lately."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PySide6.QtCore import QPoint, QSize, Qt, Slot
from PySide6.QtWidgets import (
    QDockWidget,
    QFrame,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QMenu,
    QSplitter,
    QVBoxLayout,
    QWidget,
)
from typing_extensions import override

from csra_gui.base.desktop import open_folder
from csra_gui.base.settings import Settings
from csra_gui.base.tool_tips import tool_tip
from csra_gui.browse.folder_tree_model import FolderTreeModel
from csra_gui.browse.folder_view import FolderView
from csra_gui.browse.opener import Opener
from csra_gui.search.filter_terms import TermState, term_state, terms_of, with_term
from csra_gui.session.session import Session
from engine.library.filters.completion import quoted
from engine.texts import display_name, display_path

_PATH_ROLE = Qt.ItemDataRole.UserRole
_FIELD = "folder:"
_WIDTH = 190
#: So that names of folders can be read however small the window is, in pixels.
_LEAST_WIDTH = 150


class FoldersPanel(QDockWidget):
    """A click on a folder shows only what is in it, another one takes that back; two open it."""

    def __init__(
        self, session: Session, settings: Settings, opener: Opener, parent: QWidget
    ) -> None:
        super().__init__("Folders", parent)
        self.setObjectName("folders")
        self._session = session
        self._settings = settings
        self._opener = opener
        self._chosen: Path | None = None
        self._model = FolderTreeModel(self)
        self.tree = FolderView(self._model, self)
        self.recent = QListWidget(self)
        self._set_up_recent()
        self._set_up_layout()
        self._connect()
        self._fill_recent()

    def _set_up_recent(self) -> None:
        self.recent.setAccessibleName("Recent folders")
        self.recent.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.recent.setFrameShape(QFrame.Shape.NoFrame)
        self.recent.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.recent.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.recent.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)

    def _set_up_layout(self) -> None:
        splitter = _NarrowSplitter(Qt.Orientation.Vertical, self)
        splitter.setChildrenCollapsible(False)
        splitter.addWidget(self.tree)
        splitter.addWidget(_with_heading("Recent folders", self.recent))
        splitter.setStretchFactor(0, 3)
        splitter.setStretchFactor(1, 1)
        splitter.setMinimumWidth(_LEAST_WIDTH)
        self.setWidget(splitter)
        self.setFeatures(
            QDockWidget.DockWidgetFeature.DockWidgetClosable
            | QDockWidget.DockWidgetFeature.DockWidgetMovable
        )

    def _connect(self) -> None:
        session = self._session
        session.pipeline.photos_reset.connect(self._on_pipeline_photos_reset)
        session.pipeline.scan_started.connect(self._on_pipeline_scan_started)
        session.pipeline.photos_added.connect(self._on_pipeline_photos_added)
        session.shown.order_changed.connect(self._mark_chosen)
        self.tree.folder_chosen.connect(self.choose)
        self.tree.folder_opened.connect(self._open)
        self.tree.menu_requested.connect(self._show_folder_menu)
        self._opener.recent_changed.connect(self._fill_recent)
        self.recent.itemActivated.connect(self._on_recent_item_chosen)
        self.recent.itemClicked.connect(self._on_recent_item_chosen)
        self.recent.customContextMenuRequested.connect(self._show_recent_menu)

    # Folders of the open photos.

    @Slot(object)
    def choose(self, folder: Path) -> None:
        """Show only the photos in a folder; all again if that is so already."""
        is_everything = self._session.pipeline.roots == [folder]
        self._chosen = None if is_everything or folder == self._chosen else folder
        self._session.shown.set_filter(with_folder(self._session.shown.filter_text, self._chosen))

    @Slot(QListWidgetItem)
    def _on_recent_item_chosen(self, item: QListWidgetItem | None) -> None:
        if item is not None:  # the first click of two fills the list anew
            self._open(item.data(_PATH_ROLE))

    @Slot(object)
    def _open(self, folder: Path) -> None:
        self._show_all()
        self._opener.open([folder])

    def _show_all(self) -> None:
        if self._chosen is not None:
            self.choose(self._chosen)

    @Slot()
    def _mark_chosen(self) -> None:
        """The filter is for everyone to change: believe what it says."""
        if self._chosen is not None:
            state = term_state(self._session.shown.filter_text, folder_term(self._chosen))
            if state is not TermState.WANTED:
                self._chosen = None
        self.tree.select(self._chosen)

    @Slot()
    def _on_pipeline_photos_reset(self) -> None:
        self._model.clear()
        self._show_all()

    @Slot()
    def _on_pipeline_scan_started(self) -> None:
        self._model.set_roots(self._session.pipeline.roots)

    @Slot(int, int)
    def _on_pipeline_photos_added(self, first: int, end: int) -> None:
        # By numbers of folders: 100,000 paths would take seconds to be made.
        files = self._session.photos.files()
        numbers, counts = np.unique(files.folder_of[first:end], return_counts=True)
        pairs = zip(numbers.tolist(), counts.tolist(), strict=True)
        self._model.add_counts({files.folders[number]: count for number, count in pairs})

    @Slot(object, object)
    def take_changes(self, changed: Sequence[int], vanished: Sequence[int]) -> None:
        """Count photos that are about to come back or to go."""
        photos = self._session.photos
        self._model.add_photos([photos.paths[row] for row in changed if photos.gone[row]])
        self._model.remove_photos([photos.paths[row] for row in vanished])

    @Slot(object, QPoint)
    def _show_folder_menu(self, folder: Path, place: QPoint) -> None:
        self._show_menu(
            place,
            ("Show only this folder", lambda: self.choose(folder), folder != self._chosen),
            ("Show all photos", self._show_all, self._chosen is not None),
            ("Open", lambda: self._open(folder), True),
            ("Show in the file manager", lambda: open_folder(folder), True),
        )

    # Recent folders.

    @Slot()
    def _fill_recent(self) -> None:
        self.recent.clear()
        for folder in self._settings.recent_folders:
            item = QListWidgetItem(display_name(folder), self.recent)
            item.setData(_PATH_ROLE, folder)
            item.setToolTip(tool_tip(display_path(folder)))

    @Slot(QPoint)
    def _show_recent_menu(self, point: QPoint) -> None:
        item = self.recent.itemAt(point)
        if item is None:
            return
        folder: Path = item.data(_PATH_ROLE)
        self._show_menu(
            self.recent.viewport().mapToGlobal(point),
            ("Open", lambda: self._open(folder), True),
            ("Add to what is open", lambda: self._opener.add([folder]), True),
            ("Show in the file manager", lambda: open_folder(folder), True),
            ("Remove from this list", lambda: self._opener.forget(folder), True),
        )

    def _show_menu(self, place: QPoint, *entries: tuple[str, Callable[[], object], bool]) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for caption, act, enabled in entries:
            action = menu.addAction(caption)
            action.setEnabled(enabled)
            action.triggered.connect(lambda _checked=False, act=act: act())
        menu.popup(place)


class _NarrowSplitter(QSplitter):
    """Lists ask for more room than names of folders need."""

    @override
    def sizeHint(self) -> QSize:
        return QSize(_WIDTH, super().sizeHint().height())


def folder_term(folder: Path) -> str:
    """What the filter line says of a folder and those inside it."""
    return _FIELD + quoted(str(folder))


def with_folder(text: str, folder: Path | None) -> str:
    """The filter for one folder instead of those that it names; for none without any."""
    for term, state in terms_of(text):
        if term.lower().startswith(_FIELD) and state is TermState.WANTED:
            text = with_term(text, term, TermState.ABSENT)
    return text if folder is None else with_term(text, folder_term(folder), TermState.WANTED)


def _with_heading(text: str, widget: QWidget) -> QWidget:
    box = QWidget()
    heading = QLabel(text, box)
    heading.setContentsMargins(6, 4, 6, 2)
    heading.setBuddy(widget)
    layout = QVBoxLayout(box)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(0)
    layout.addWidget(heading)
    layout.addWidget(widget)
    return box
