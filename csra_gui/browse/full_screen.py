"""The current photo alone on the whole screen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Slot
from PySide6.QtGui import QCloseEvent, QColor, QKeyEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget
from typing_extensions import override

from csra_gui.browse.image_loader import ImageLoader
from csra_gui.browse.navigation import PhotoSteps
from csra_gui.browse.photo_texts import state_text
from csra_gui.browse.tile_loader import TileLoader
from csra_gui.session.session import Session
from csra_gui.widgets.photo_view import PhotoView
from engine.texts import display_name, display_text

_HIDE_POINTER_AFTER_MS = 2000
_LABELS_KEY = Qt.Key.Key_I
_LEAVE = frozenset({Qt.Key.Key_Escape, Qt.Key.Key_F, Qt.Key.Key_F11})
_STEPS = {
    Qt.Key.Key_Left: -1,
    Qt.Key.Key_Up: -1,
    Qt.Key.Key_PageUp: -1,
    Qt.Key.Key_Backspace: -1,
    Qt.Key.Key_Right: 1,
    Qt.Key.Key_Down: 1,
    Qt.Key.Key_PageDown: 1,
}
_ZOOMS: Mapping[Qt.Key, Callable[[PhotoView], object]] = {
    Qt.Key.Key_Plus: PhotoView.zoom_in,
    Qt.Key.Key_Equal: PhotoView.zoom_in,
    Qt.Key.Key_Minus: PhotoView.zoom_out,
    Qt.Key.Key_0: PhotoView.fit,
    Qt.Key.Key_1: PhotoView.actual_size,
}


class FullScreen(QWidget):
    """A window of its own over the whole screen.

    Arrow keys go on and back, I shows name and labels, Escape leaves; the wheel zooms, as do
    plus, minus, 0 and 1.

    Args:
        loader: of the large photos, shared with the window's own view.
    """

    def __init__(
        self, session: Session, steps: PhotoSteps, loader: ImageLoader, window: QWidget
    ) -> None:
        super().__init__(window, Qt.WindowType.Window | Qt.WindowType.FramelessWindowHint)
        self._session = session
        self._steps = steps
        self._loader = loader
        self._shown: Path | None = None
        self._shows_labels = False
        self.setWindowTitle("Photo")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.view = PhotoView(self)
        self._tiles = TileLoader(loader.decoder, self.view)
        self.view.set_backdrop(QColor(Qt.GlobalColor.black))
        self.view.installEventFilter(self)
        self.view.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # its frame is not the photo
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.view)
        self._pointer_timer = QTimer(self, singleShot=True, interval=_HIDE_POINTER_AFTER_MS)
        self._pointer_timer.timeout.connect(self._hide_pointer)
        self.view.zoom_changed.connect(self._show_pointer)
        self._connect()
        self._update()

    def _connect(self) -> None:
        session, loader = self._session, self._loader
        for fact in (
            session.focus.current_changed,
            session.pipeline.predictions_changed,
            session.decisions.changed,
            loader.image_loaded,
            loader.image_failed,
        ):
            fact.connect(self._update)
        session.pipeline.photos_reset.connect(self.close)

    def open_over(self, window: QWidget) -> None:
        """Cover the screen that a window is on."""
        self.setScreen(window.screen())
        self.setGeometry(window.screen().geometry())
        self.showFullScreen()
        self.setFocus()
        self._pointer_timer.start()

    @Slot()
    def _update(self) -> None:
        path, photo = self._session.focus.current_path, self._session.focus.current
        if path is None or photo is None:
            self._show_message("There is no photo to show.", "")
            return
        loaded = self._loader.photo(path)
        error = self._loader.error(path)
        if loaded is not None and path != self._shown:
            self._shown = path
            self._tiles.show(loaded)
        elif loaded is None and error is not None:
            self._show_message("This photo cannot be read.", display_text(error))
        elif loaded is None and self._shown is None:
            self._show_message("Loading…", "")
        if path == self._shown:  # else the photo before stays until this one is there
            caption = f"{display_name(path)}: {state_text(self._session, photo)}"
            self.view.set_caption(caption if self._shows_labels else "")

    def _show_message(self, headline: str, detail: str) -> None:
        self._shown = None
        self._tiles.show(None)
        self.view.set_message(headline, detail)

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if key in _LEAVE:
            self.close()
        elif key in _STEPS:
            self._steps.go(_STEPS[key])
        elif key in _ZOOMS:
            _ZOOMS[key](self.view)
        elif key == Qt.Key.Key_Home:
            self._steps.go_to_start()
        elif key == Qt.Key.Key_End:
            self._steps.go_to_end()
        elif key == _LABELS_KEY:
            self._shows_labels = not self._shows_labels
            self._update()
        else:
            super().keyPressEvent(event)

    @override
    def closeEvent(self, event: QCloseEvent) -> None:
        self._tiles.close()
        super().closeEvent(event)

    @override
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.MouseMove:
            self._show_pointer()
        return super().eventFilter(watched, event)

    @Slot()
    def _show_pointer(self) -> None:
        """For a while, and the zoom with it."""
        if self.view.cursor().shape() is Qt.CursorShape.BlankCursor:
            self.view.unsetCursor()
        self.view.set_zoom_shown(True)
        self._pointer_timer.start()

    @Slot()
    def _hide_pointer(self) -> None:
        self.view.setCursor(Qt.CursorShape.BlankCursor)
        self.view.set_zoom_shown(False)
