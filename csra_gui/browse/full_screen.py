"""The current photo alone on the whole screen."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, QTimer, Signal, Slot
from PySide6.QtGui import (
    QCloseEvent,
    QColor,
    QContextMenuEvent,
    QKeyEvent,
    QPainter,
    QPaintEvent,
)
from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget
from typing_extensions import override

from csra_gui.base.key_positions import key_of
from csra_gui.base.theme import palette_for
from csra_gui.browse.context_menu import is_from_keys
from csra_gui.browse.image_loader import ImageLoader, LoadedPhoto
from csra_gui.browse.navigation import PhotoSteps
from csra_gui.browse.tile_loader import TileLoader
from csra_gui.session.session import Session
from csra_gui.widgets.labels import plain_label
from csra_gui.widgets.photo_view import PhotoView
from engine.texts import display_name, display_text

_REST_AFTER_MS = 2000
_FOOT = QColor(0, 0, 0, 190)
_LABELS_KEY = Qt.Key.Key_I
_FOOT_CHANGES = frozenset({QEvent.Type.Show, QEvent.Type.Hide, QEvent.Type.Resize})
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
}


class FullScreen(QWidget):
    """A window of its own over the whole screen.

    Arrow keys go on and back, Escape leaves; the wheel zooms, as do plus, minus, 0 and Ctrl+1. At
    the foot are the photo's name and what ``set_labels`` brings, until mouse and keys rest; I
    keeps them there.

    Args:
        loader: of the large photos, shared with the window's own view.

    Signals:
        woken: the mouse was moved or a key pressed, which may be about to run an action.
        menu_requested: where on the screen the menu of the photo belongs.
    """

    woken = Signal()
    menu_requested = Signal(QPoint)

    def __init__(
        self, session: Session, steps: PhotoSteps, loader: ImageLoader, window: QWidget
    ) -> None:
        super().__init__(window, Qt.WindowType.Window | Qt.WindowType.FramelessWindowHint)
        self._session = session
        self._steps = steps
        self._loader = loader
        self._shown: LoadedPhoto | None = None
        self._keeps_foot = False
        self.setWindowTitle("Photo")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.view = PhotoView(self)
        self._tiles = TileLoader(loader.decoder, self.view)
        self.view.set_backdrop(QColor(Qt.GlobalColor.black))
        self.view.installEventFilter(self)
        self.view.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # its frame is not the photo
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.foot = _Foot(self)
        self.foot.installEventFilter(self)
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.view, 0, 0)
        layout.addWidget(self.foot, 0, 0, Qt.AlignmentFlag.AlignBottom)
        self._rest_timer = QTimer(self, singleShot=True, interval=_REST_AFTER_MS)
        self._rest_timer.timeout.connect(self.rest)
        self.view.zoom_changed.connect(self.wake)
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
        self.wake()

    def set_labels(self, labels: QWidget) -> None:
        """Show the photo's labels at the foot."""
        self.foot.set_labels(labels)

    @Slot()
    def _update(self) -> None:
        path, photo = self._session.focus.current_path, self._session.focus.current
        if path is None or photo is None:
            self._show_message("There is no photo to show.", "")
            return
        loaded = self._loader.photo(path)
        error = self._loader.error(path)
        if loaded is not None and loaded is not self._shown:  # also of a file that is another now
            self._shown = loaded
            self._tiles.show(loaded)
        elif loaded is None and error is not None:
            self._show_message("This photo cannot be read.", display_text(error))
        elif loaded is None and self._shown is None:
            self._show_message("Loading…", "")
        self.foot.name.setText(display_name(path))

    def _show_message(self, headline: str, detail: str) -> None:
        self._shown = None
        self._tiles.show(None)
        self.view.set_message(headline, detail)

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = key_of(event)
        if key in _LEAVE:
            self.close()
        elif key in _STEPS:
            self._steps.go(_STEPS[key])
        elif key in _ZOOMS:
            _ZOOMS[key](self.view)
        elif key == Qt.Key.Key_1 and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.view.actual_size()
        elif key == Qt.Key.Key_Home:
            self._steps.go_to_start()
        elif key == Qt.Key.Key_End:
            self._steps.go_to_end()
        elif key == _LABELS_KEY:
            self._keeps_foot = not self._keeps_foot
        else:
            super().keyPressEvent(event)

    @override
    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        center = self.mapToGlobal(self.rect().center())
        self.menu_requested.emit(center if is_from_keys(event) else event.globalPos())

    @override
    def closeEvent(self, event: QCloseEvent) -> None:
        self._tiles.close()
        super().closeEvent(event)

    @override
    def event(self, event: QEvent) -> bool:
        # Before a shortcut runs; those keys do not come as key presses.
        if event.type() in (QEvent.Type.ShortcutOverride, QEvent.Type.KeyPress):
            self.wake()
        return super().event(event)

    @override
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.MouseMove, QEvent.Type.MouseButtonPress):
            self.wake()
        elif watched is self.foot and event.type() in _FOOT_CHANGES:  # the zoom is said above it
            self.view.set_foot(self.foot.height() if self.foot.isVisibleTo(self) else 0)
        return super().eventFilter(watched, event)

    @Slot()
    def wake(self) -> None:
        """Show the pointer, the zoom and the foot until mouse and keys rest."""
        if self.view.cursor().shape() is Qt.CursorShape.BlankCursor:
            self.view.unsetCursor()
        self.view.set_zoom_shown(True)
        self.foot.show()
        self._rest_timer.start()
        self.woken.emit()

    @Slot()
    def rest(self) -> None:
        """Show nothing but the photo, unless the pointer is on its labels."""
        if self.foot.underMouse():
            self._rest_timer.start()
            return
        self.view.setCursor(Qt.CursorShape.BlankCursor)
        self.view.set_zoom_shown(False)
        self.foot.setVisible(self._keeps_foot)


class _Foot(QWidget):
    """The photo's name and its labels on a dark band over the photo."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setPalette(palette_for(dark=True))
        self.name = plain_label("", self)
        self.name.setWordWrap(False)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(14, 8, 14, 10)
        self._column.setSpacing(6)
        self._column.addWidget(self.name)

    def set_labels(self, labels: QWidget) -> None:
        self._column.addWidget(labels)

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        QPainter(self).fillRect(self.rect(), _FOOT)
