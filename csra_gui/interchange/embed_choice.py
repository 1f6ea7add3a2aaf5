"""Whether labels may go into photos themselves: is ExifTool there, and does the person agree."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from csra_gui.base.ask import ask_files
from csra_gui.base.jobs import JobRunner, JobSlot
from csra_gui.base.settings import EXIFTOOL, Settings
from csra_gui.base.tool_tips import tool_tip
from csra_gui.widgets.labels import plain_label
from engine.api.errors import EngineError
from engine.interchange.writing.values import Target
from engine.metadata.exiftool import check_exiftool
from engine.texts import display_text

CAPTION = "The photos themselves, through ExifTool (JPEG, PNG, TIFF, WebP, HEIC, DNG)"
_CONSENT = "Yes, chan&ge the photo files themselves"
_WARNING = (
    "Your photos are changed. Each is written anew beside itself, compared with what it was, and "
    "replaced only if its picture and all that others wrote are the same. Have a copy all the same."
)


class EmbedChoice(QWidget):
    """What is said and asked of writing into photos, and the entry of it in a box of targets.

    Signals:
        agreed: whether the person agrees to it, each time that changes.
        looked: it is known whether ExifTool is there.
    """

    agreed = Signal(bool)
    looked = Signal()

    def __init__(
        self, jobs: JobRunner, settings: Settings, targets: QComboBox, parent: QWidget
    ) -> None:
        super().__init__(parent)
        self._settings, self._targets = settings, targets
        self._slot = JobSlot(jobs, "look for ExifTool", self)
        self._is_there = False
        targets.addItem(CAPTION, Target.EMBED.value)
        self._place = targets.count() - 1
        self.consent = QCheckBox(_CONSENT, self)
        self.state = plain_label("", self)
        self.locate = QPushButton("&Find ExifTool…", self)
        self._set_up_layout()
        self.consent.toggled.connect(self.agreed)
        self.locate.clicked.connect(self._on_locate_clicked)
        targets.currentIndexChanged.connect(self.refresh)
        self.look()

    @property
    def is_chosen(self) -> bool:
        """Whether photos themselves are the target."""
        return bool(self._targets.currentData() == Target.EMBED.value)

    @property
    def is_agreed(self) -> bool:
        """Whether what is chosen may be done."""
        return not self.is_chosen or self.consent.isChecked()

    @property
    def exiftool(self) -> str:
        """Where ExifTool is, as the person said."""
        return str(self._settings.value(EXIFTOOL))

    def look(self) -> None:
        """Look whether ExifTool is there."""
        wanted = self.exiftool
        self._slot.run(
            lambda: check_exiftool(wanted), self._on_found, self._on_missing, self.refresh
        )
        self._set_there(False, "Looking for ExifTool…")

    def drop(self) -> None:
        """Look no more."""
        self._slot.drop()

    @Slot()
    def refresh(self) -> None:
        """Show what belongs to the target that is chosen."""
        if not self.is_chosen:
            self.consent.setChecked(False)
        self.consent.setVisible(self.is_chosen)
        self.locate.setVisible(not self._is_there)
        self.setVisible(self.is_chosen or not (self._is_there or self._slot.is_running))

    def _set_up_layout(self) -> None:
        row = QHBoxLayout()
        row.addWidget(self.state, 1)
        row.addWidget(self.locate, 0, Qt.AlignmentFlag.AlignTop)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(row)
        layout.addWidget(self.consent)

    def _set_there(self, is_there: bool, text: str) -> None:
        self._is_there = is_there
        model = self._targets.model()
        if isinstance(model, QStandardItemModel):
            model.item(self._place).setEnabled(is_there)
        self._targets.setItemData(self._place, tool_tip(text), Qt.ItemDataRole.ToolTipRole)
        self.state.setText(text)
        self.refresh()

    def _on_found(self, version: str) -> None:
        self._set_there(True, f"{_WARNING} ExifTool {display_text(version)} does it.")
        self.looked.emit()

    def _on_missing(self, error: EngineError) -> None:
        self._set_there(False, display_text(str(error)))
        self.looked.emit()

    @Slot()
    def _on_locate_clicked(self) -> None:
        ask_files(self, "Where ExifTool is", ("All files (*)",), self._take, several=False)

    def _take(self, paths: list[Path]) -> None:
        self._settings.set_value(EXIFTOOL, str(paths[0]))
        self.look()
