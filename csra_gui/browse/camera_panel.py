"""What the camera wrote into the current photo: when, with what and where it was taken."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, QTimer, Signal, Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QGridLayout, QLabel, QToolButton, QWidget

from csra_gui.base.jobs import JobSlot
from csra_gui.base.tool_tips import tool_tip
from csra_gui.browse.camera_texts import (
    CAMERA,
    PLACE,
    TAKEN,
    Fact,
    camera_texts,
    place_text,
    read_camera,
)
from csra_gui.session.session import Session
from csra_gui.widgets.labels import muted_label, plain_label
from engine.library.cameras import CameraFacts

#: What is said of the photo before is there until then, so that nothing flickers at each step.
_STALE_MS = 250
_CAN_BE_MARKED = (
    Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
)
_UNREADABLE = "The file cannot be read now."
_NOTHING = "The camera wrote nothing into this photo."


class CameraPanel(QWidget):
    """Reads the current photo's file by itself, and asks no other computer.

    Signals:
        summary_changed: the most important of it on a line.
    """

    summary_changed = Signal(str)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._facts: list[Fact] = []
        self._place = ""
        self._reading = JobSlot(session.jobs, "read camera", self)
        self._stale = QTimer(self, singleShot=True, interval=_STALE_MS)
        self._stale.timeout.connect(self._clear)
        self._note = muted_label("", self)
        self._captions: list[QLabel] = []
        self._texts: list[QLabel] = []
        self.copy_place = QToolButton(self)
        self.copy_place.setText("Copy")
        self.copy_place.setAccessibleName("Copy the place")
        self.copy_place.setToolTip(tool_tip("Copy the place: latitude and longitude in degrees."))
        self.copy_place.clicked.connect(self._on_copy_place_clicked)
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(4, 0, 0, 4)
        self._grid.setHorizontalSpacing(10)
        self._grid.setVerticalSpacing(2)
        self._grid.setColumnStretch(1, 1)
        self._grid.addWidget(self._note, 0, 0, 1, 3)
        self._show([], "")
        session.focus.current_changed.connect(self._read)
        session.pipeline.cameras.rows_read.connect(self._on_cameras_rows_read)

    @property
    def facts(self) -> dict[str, str]:
        """What is said, by its caption."""
        return dict(self._facts)

    @property
    def note(self) -> str:
        """What is said in place of it, or beside it."""
        return self._note.text()

    @Slot()
    def _read(self) -> None:
        path = self._session.focus.current_path
        if path is None:
            self._reading.drop()
            self._clear()
            return
        self._stale.start()
        self._reading.run(lambda: read_camera(path), self._take)

    def _take(self, facts: CameraFacts | None) -> None:
        self._stale.stop()
        if facts is None:
            self._show([], _UNREADABLE)
            return
        self._place = place_text(facts)
        said = camera_texts(facts)
        says_more = any(caption != "Pixels" for caption, _ in said)
        self._show(said, "" if says_more else _NOTHING)

    @Slot()
    def _clear(self) -> None:
        self._stale.stop()
        self._show([], "")

    def _show(self, facts: list[Fact], note: str) -> None:
        self._facts = facts
        self._note.setText(note)
        self._note.setVisible(bool(note))
        while len(self._texts) < len(facts):
            self._add_line()
        unused = len(self._texts) - len(facts)
        for row, (said, text) in enumerate([*facts, *[("", "")] * unused]):
            self._captions[row].setText(said)
            self._texts[row].setText(text)
            self._captions[row].setVisible(bool(said))
            self._texts[row].setVisible(bool(said))
            has_button = said == PLACE  # beside it; the other texts take its room
            self._grid.addWidget(self._texts[row], row + 1, 1, 1, 1 if has_button else 2)
            if has_button:
                self._grid.addWidget(self.copy_place, row + 1, 2)
        self.copy_place.setVisible(PLACE in self.facts)
        self.summary_changed.emit(_summary(self.facts, note))

    def _add_line(self) -> None:
        caption, text = muted_label("", self), plain_label("", self)
        caption.setWordWrap(False)
        caption.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        text.setTextInteractionFlags(_CAN_BE_MARKED)
        self._captions.append(caption)
        self._texts.append(text)
        self._grid.addWidget(caption, len(self._texts), 0)

    @Slot(object)
    def _on_cameras_rows_read(self, rows: Sequence[int]) -> None:
        """The file of the photo may have changed."""
        if self._session.focus.current in rows:
            self._read()

    @Slot()
    def _on_copy_place_clicked(self) -> None:
        QGuiApplication.clipboard().setText(self._place)


def _summary(facts: dict[str, str], note: str) -> str:
    said = [facts[caption] for caption in (TAKEN, CAMERA) if caption in facts]
    return ", ".join(said) or ("no date" if note == _NOTHING else "")
