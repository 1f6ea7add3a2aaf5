"""What is known of a photo, or of several together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from PySide6.QtCore import QSize, Qt, Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QVBoxLayout, QWidget
from typing_extensions import override

from csra_gui.base.jobs import JobSlot, Work
from csra_gui.browse.camera_texts import Fact
from csra_gui.browse.decode_queue import ImageDecoder
from csra_gui.browse.photo_facts import (
    as_text,
    file_texts,
    read_file,
    session_texts,
    several_texts,
)
from csra_gui.session.session import Session
from csra_gui.widgets.fact_sheet import FactSheet
from csra_gui.widgets.windows import fit_to_screen
from engine.texts import display_name, photos_text

_SIZE = QSize(460, 520)
_READING: Fact = ("File", "Reading…")


class PropertiesDialog(QDialog):
    """Shows at once what the program knows, and the rest when the file was read.

    Args:
        photos: rows, at least one.
    """

    def __init__(
        self, session: Session, decoder: ImageDecoder, photos: Sequence[int], parent: QWidget
    ) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._session = session
        self._decoder = decoder
        self._facts: list[Fact] = []
        self._reading = JobSlot(session.jobs, "properties", self)
        self.sheet = FactSheet(self)
        self.sheet.setAccessibleName("Properties")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        self.copy = buttons.addButton("&Copy", QDialogButtonBox.ButtonRole.ActionRole)
        self.copy.clicked.connect(self._on_copy_clicked)
        self.copy.setAutoDefault(False)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(self.sheet, 1)
        layout.addWidget(buttons)
        session.pipeline.photos_reset.connect(self.reject)  # rows mean other photos from now on
        fit_to_screen(self, _SIZE)
        if len(photos) == 1:
            self._show_one(photos[0])
        else:
            self._show_several(tuple(photos))

    @property
    def facts(self) -> dict[str, str]:
        """What is said, by its caption."""
        return dict(self._facts)

    def _show_one(self, row: int) -> None:
        path = self._session.photos.paths[row]
        said = session_texts(self._session, row)
        self._name(display_name(path))
        self._show([_READING, *said])
        self._read(
            lambda: read_file(path, self._decoder),
            lambda facts: self._show([*file_texts(path, facts), *said]),
        )

    def _show_several(self, rows: tuple[int, ...]) -> None:
        photos = self._session.photos
        reviewed = sum(photos.is_reviewed(row) for row in rows)
        self._name(photos_text(len(rows)))
        self._show([_READING])
        self._read(partial(several_texts, photos.files(), rows, reviewed), self._show)

    def _read(self, work: Work, then: Callable[[Any], object]) -> None:
        self._reading.run(work, then)

    def _name(self, what: str) -> None:
        self._heading = what
        self.setWindowTitle(f"Properties of {what}")

    def _show(self, facts: Sequence[Fact]) -> None:
        self._facts = list(facts)
        self.sheet.set_facts(self._heading, self._facts)
        self.copy.setEnabled(_READING not in self._facts)

    @override
    def done(self, result: int) -> None:
        self._reading.drop()
        super().done(result)

    @Slot()
    def _on_copy_clicked(self) -> None:
        QGuiApplication.clipboard().setText(as_text(self._facts))
