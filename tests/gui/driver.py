"""What the tests of the window do with it, as a person would: select, press, drop, wait."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from csra_gui.app import Application
from csra_gui.browse.full_screen import FullScreen
from csra_gui.browse.photo_roles import PhotoRole
from csra_gui.browse.thumbnail_view import ThumbnailView
from csra_gui.models.download_dialog import DownloadDialog
from csra_gui.models.entries import Place
from csra_gui.models.models_dialog import ModelsDialog
from csra_gui.session.session import Session
from csra_gui.widgets.photo_view import PhotoView
from engine.api.categories import Categories
from engine.api.values import ModelInfo
from engine.records.models import default_store
from tests.fakes import MODEL_ID, FakeEngine, fake_model, write_model_file

Start = Callable[..., Application]

CTRL = Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier
NONE = Qt.KeyboardModifier.NoModifier
LEFT = Qt.MouseButton.LeftButton

ANIMALS = Categories(("fox", "cat", "owl"))
OFFICIAL = "voc07-resnet101"


def tagged(application: Application) -> int:
    return application.session.photos.tagged_count()


def names(application: Application) -> list[str]:
    return [path.name for path in application.session.photos.paths]


def shown_names(application: Application) -> list[str]:
    """Of the photos that are shown, in their order."""
    session = application.session
    return [session.photos.paths[int(row)].name for row in session.shown.rows]


@contextmanager
def unpainted(window: QWidget) -> Iterator[None]:
    """What the window is meanwhile interests nobody: it is painted once, in the end."""
    window.setUpdatesEnabled(False)
    try:
        yield
    finally:
        window.setUpdatesEnabled(True)


def wait_until_tagged(qtbot: QtBot, application: Application) -> None:
    session = application.session
    with unpainted(application.window):
        qtbot.waitUntil(
            lambda: (
                len(session.photos) > 0
                and not session.pipeline.is_scanning
                and not session.tagger.is_running
                and not session.photos.untagged_rows()
            ),
        )


def row(application: Application, name: str) -> int:
    return names(application).index(name)


def row_in(session: Session, name: str) -> int:
    return session.photos.columns().names.index(name)


def labels_in(session: Session, name: str) -> set[str]:
    return {label.category for label in session.labels(row_in(session, name))}


def labels(application: Application, name: str) -> set[str]:
    """As the grid shows them."""
    found = cell(application, name, PhotoRole.LABELS)
    assert isinstance(found, list)
    return {label.category for label in found}


def select(qtbot: QtBot, application: Application, name: str) -> None:
    application.session.focus.set_current(row(application, name))
    qtbot.waitUntil(lambda: application.session.focus.evidence is not None)


def press(widget: QWidget, caption: str) -> None:
    """The button with this caption, such as one of a message in the window."""
    buttons = widget.findChildren(QPushButton)
    next(button for button in buttons if button.text() == caption).click()


def drop(application: Application, paths: list[Path], *, shift: bool = False) -> bool:
    """Drag onto the window and let go; whether the drag was welcome."""
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    keyboard = SHIFT if shift else NONE
    offered = Qt.DropAction.CopyAction | Qt.DropAction.MoveAction
    enter = QDragEnterEvent(QPoint(50, 50), offered, mime, LEFT, keyboard)
    QApplication.sendEvent(application.window, enter)
    if not enter.isAccepted():
        return False
    event = QDropEvent(QPointF(50, 50), offered, mime, LEFT, keyboard)
    QApplication.sendEvent(application.window, event)
    assert event.dropAction() == Qt.DropAction.CopyAction
    return True


def overlay(application: Application) -> QImage:
    return application.window.maps.viewer.view._overlay.toImage()


def trigger(application: Application, name: str) -> None:
    action = application.window.actions_table[name]
    assert action.isEnabled(), f"{name} cannot be used"
    action.trigger()


def drag(
    view: PhotoView, start: tuple[float, float], end: tuple[float, float], *, shift: bool = True
) -> None:
    keyboard = SHIFT if shift else NONE
    QTest.mousePress(view, LEFT, keyboard, at(view, *start))
    QTest.mouseMove(view, at(view, *end))
    QTest.mouseRelease(view, LEFT, keyboard, at(view, *end))


def wait_for_model(qtbot: QtBot, application: Application, model_id: str = MODEL_ID) -> None:
    session = application.session
    qtbot.waitUntil(
        lambda: session.models.model is not None and session.models.model.id == model_id
    )


def cell(application: Application, name: str, role: int) -> object:
    model = application.window.browse.grid.grid.model()
    columns = model.columnCount()
    photo = row(application, name)
    return model.index(photo // columns, photo % columns).data(role)


def at(view: PhotoView, x: float, y: float) -> QPoint:
    """The point of the view over a fraction of the photo."""
    rect = view.photo_rect()
    return QPointF(rect.left() + x * rect.width(), rect.top() + y * rect.height()).toPoint()


def click(view: ThumbnailView, photo: int, modifiers: Qt.KeyboardModifier = NONE) -> None:
    index = view._photos.index_of(photo)
    view.scrollTo(index)
    QTest.mouseClick(view.viewport(), LEFT, modifiers, view.visualRect(index).center())


def filter_to(qtbot: QtBot, application: Application, text: str, count: int) -> None:
    application.session.shown.set_filter(text)
    qtbot.waitUntil(lambda: len(application.session.shown) == count)


def own_model(
    engine: FakeEngine, name: str, categories: Categories = ANIMALS, **facts: object
) -> ModelInfo:
    """A model in the person's folder that the engine can open."""
    path = default_store().folder / f"{name}.safetensors"
    info = fake_model(name, write_model_file(path, name, categories).resolve(), categories, **facts)
    engine.models[name] = info
    return info


def open_dialog(qtbot: QtBot, application: Application, name: str) -> ModelsDialog:
    """The Models dialog on one model."""
    application.window.actions_table["models"].trigger()
    dialog = application.window.models.controller.dialog
    assert dialog is not None
    manager = application.manager
    qtbot.waitUntil(lambda: name in [model.name for model in manager.entries.models])
    dialog.tree.set_current_name(name)
    assert dialog.tree.current_name == name
    return dialog


def place(application: Application, name: str) -> Place:
    return next(m.place for m in application.manager.entries.models if m.name == name)


def agree(qtbot: QtBot, dialog: ModelsDialog) -> None:
    """Ask for the download and agree to the terms."""
    dialog.download.click()
    [question] = dialog.findChildren(DownloadDialog)
    assert "AGPL-3.0" in question.sheet.toPlainText()
    assert not question.start.isEnabled()
    question.agreed.click()
    question.start.click()


def full_screens() -> list[FullScreen]:
    return [w for w in QApplication.topLevelWidgets() if isinstance(w, FullScreen)]
