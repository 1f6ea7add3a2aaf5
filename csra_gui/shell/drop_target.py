"""What is dragged onto the window, and what dropping it means."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDragMoveEvent, QDropEvent
from PySide6.QtWidgets import QWidget
from typing_extensions import override

from csra_gui.browse.opener import Opener
from csra_gui.models.controller import ModelController, is_model_file
from csra_gui.session.session import Session
from csra_gui.widgets.drop_hint import DropHint, DropKind, local_paths


class DropTarget(QObject):
    """Takes the drag events of the window. Names alone decide; the disk is not touched."""

    def __init__(
        self, window: QWidget, session: Session, opener: Opener, models: ModelController
    ) -> None:
        super().__init__(window)
        self._session = session
        self._opener = opener
        self._models = models
        self._hint = DropHint(window)
        self._has_photos = False
        window.setAcceptDrops(True)
        window.installEventFilter(self)

    @override
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QDragLeaveEvent):
            self._hint.hide()
        elif isinstance(event, QDragEnterEvent):
            self._enter(event)
        elif isinstance(event, QDragMoveEvent):
            self._show_hint(event)
        elif isinstance(event, QDropEvent):
            self._drop(event)
        else:
            return super().eventFilter(watched, event)
        return True

    def _enter(self, event: QDragEnterEvent) -> None:
        paths = local_paths(event.mimeData().urls())
        self._has_photos = not all(is_model_file(path) for path in paths)
        if paths:
            self._show_hint(event)
        else:
            event.ignore()

    def _show_hint(self, event: QDropEvent) -> None:
        # Files are read, never moved: whoever they come from must not delete them.
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        if not self._has_photos:
            kind = DropKind.MODEL
        elif self._session.pipeline.roots:
            kind = DropKind.ADD if _adds(event) else DropKind.OPEN_OR_ADD
        else:
            kind = DropKind.OPEN
        self._hint.show_over(kind)

    def _drop(self, event: QDropEvent) -> None:
        self._hint.hide()
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        paths = local_paths(event.mimeData().urls())
        models = [path for path in paths if is_model_file(path)]
        photos = [path for path in paths if not is_model_file(path)]
        if photos and _adds(event):
            self._opener.add(photos)
        elif photos:
            self._opener.open(photos)
        if models:
            self._models.import_files(models)


def _adds(event: QDropEvent) -> bool:
    return bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
