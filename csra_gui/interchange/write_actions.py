"""The commands that write labels beside photos, and take that back."""

from __future__ import annotations

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QWidget
from typing_extensions import override

from csra_gui.base.actions import ActionSpec, FeatureActions
from csra_gui.base.ask import ask_whether
from csra_gui.base.settings import Settings
from csra_gui.interchange.write_dialog import WriteDialog
from csra_gui.interchange.write_job import LabelWrites, WriteRequest
from csra_gui.session.session import Session
from engine.interchange.writing.turning import CAPTION
from engine.library.written import LabelWrite
from engine.texts import photos_text

ACTIONS: tuple[ActionSpec, ...] = (
    ActionSpec(
        "write_labels",
        "&Write labels…",
        ("Ctrl+Shift+W",),
        "tag",
        "Write labels beside the photos, where other programs read them; see every change first.",
        short="Write labels",
    ),
    ActionSpec(
        "undo_write",
        "U&ndo last write…",
        (),
        "undo",
        "Give the files of the last write what was in them before.",
    ),
)


class WriteActions(FeatureActions):
    """Writing labels."""

    def __init__(
        self, session: Session, settings: Settings, writes: LabelWrites, window: QWidget
    ) -> None:
        super().__init__(ACTIONS, writes)
        self._session, self._settings = session, settings
        self._writes, self._window = writes, window
        self.connect_slots({"write_labels": self.show_dialog, "undo_write": self.ask_undo})
        self.refresh_on(
            session.shown.changed,
            session.pipeline.photos_reset,
            session.library.opened,
            writes.state_changed,
        )

    @override
    def refresh(self) -> None:
        self["write_labels"].setEnabled(self._writes.can_write)
        self["undo_write"].setEnabled(self._writes.last is not None and not self._writes.is_busy)

    @Slot()
    def show_dialog(self) -> None:
        """Ask what to write."""
        dialog = WriteDialog(self._session, self._settings, self._writes, self._window)
        dialog.write_requested.connect(self._on_dialog_write_requested)
        dialog.open()

    @Slot()
    def ask_undo(self) -> None:
        """Ask whether the last write is to be taken back."""
        last = self._writes.last
        if last is not None:
            ask_whether(
                self._window,
                "Undo last write",
                f"{_done(last)} Shall the files get back what was in them before? Files beside "
                "photos that another program changed since stay as they are. From photos our "
                "labels go; what others wrote there stays.",
                "&Undo the write",
                self._writes.undo,
            )

    @Slot(object)
    def _on_dialog_write_requested(self, request: WriteRequest) -> None:
        self._writes.start(request)


def _done(write: LabelWrite) -> str:
    """What a write did."""
    photos = photos_text(write.files)
    if write.caption.startswith(CAPTION):
        return f"{photos} {'was' if write.files == 1 else 'were'} rotated by what sidecars say."
    return f"Labels were written for {photos}."
