"""What the tests of the window do with it, as a person would: select, press, drop, wait."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QApplication,
    QPushButton,
)
from pytestqt.qtbot import QtBot

from csra_gui.app import Application
from csra_gui.browse.photo_roles import PhotoRole
from csra_gui.widgets.photo_view import PhotoView
from tests.fakes import (
    MODEL_ID,
)

Start = Callable[..., Application]


def tagged(application: Application) -> int:
    return application.session.photos.tagged_count()


def names(application: Application) -> list[str]:
    return [path.name for path in application.session.photos.paths]


def wait_until_tagged(qtbot: QtBot, application: Application) -> None:
    session = application.session
    qtbot.waitUntil(
        lambda: (
            len(session.photos) > 0
            and not session.pipeline.is_scanning
            and not session.pipeline.is_tagging
            and not session.photos.untagged_rows()
        ),
        timeout=10_000,
    )


def row(application: Application, name: str) -> int:
    return names(application).index(name)


def labels(application: Application, name: str) -> set[str]:
    found = cell(application, name, PhotoRole.LABELS)
    assert isinstance(found, list)
    return {label.category for label in found}


def select(qtbot: QtBot, application: Application, name: str) -> None:
    application.session.focus.set_current(row(application, name))
    qtbot.waitUntil(lambda: application.session.focus.evidence is not None)


def press(application: Application, caption: str) -> None:
    """The button of a message."""
    buttons = application.window.message_bar.findChildren(QPushButton)
    next(button for button in buttons if button.text() == caption).click()


def drop(application: Application, paths: list[Path], *, shift: bool = False) -> bool:
    """Drag onto the window and let go; whether the drag was welcome."""
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    keyboard = Qt.KeyboardModifier.ShiftModifier if shift else Qt.KeyboardModifier.NoModifier
    offered = Qt.DropAction.CopyAction | Qt.DropAction.MoveAction
    left = Qt.MouseButton.LeftButton
    enter = QDragEnterEvent(QPoint(50, 50), offered, mime, left, keyboard)
    QApplication.sendEvent(application.window, enter)
    if not enter.isAccepted():
        return False
    event = QDropEvent(QPointF(50, 50), offered, mime, left, keyboard)
    QApplication.sendEvent(application.window, event)
    assert event.dropAction() == Qt.DropAction.CopyAction
    return True


def overlay(application: Application) -> QImage:
    return application.window.viewer.view._overlay.toImage()


def trigger(application: Application, name: str) -> None:
    application.window.actions_table[name].trigger()


def drag(
    view: PhotoView, start: tuple[float, float], end: tuple[float, float], *, shift: bool = True
) -> None:
    keyboard = Qt.KeyboardModifier.ShiftModifier if shift else Qt.KeyboardModifier.NoModifier
    left = Qt.MouseButton.LeftButton
    QTest.mousePress(view, left, keyboard, at(view, *start))
    QTest.mouseMove(view, at(view, *end))
    QTest.mouseRelease(view, left, keyboard, at(view, *end))


def wait_for_model(qtbot: QtBot, application: Application, model_id: str = MODEL_ID) -> None:
    session = application.session
    qtbot.waitUntil(
        lambda: session.models.model is not None and session.models.model.id == model_id
    )


def cell(application: Application, name: str, role: int) -> object:
    model = application.window.grid.grid.model()
    columns = model.columnCount()
    photo = row(application, name)
    return model.index(photo // columns, photo % columns).data(role)


def at(view: PhotoView, x: float, y: float) -> QPoint:
    """The point of the view over a fraction of the photo."""
    rect = view.photo_rect()
    return QPointF(rect.left() + x * rect.width(), rect.top() + y * rect.height()).toPoint()
