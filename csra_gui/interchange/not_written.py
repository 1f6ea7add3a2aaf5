"""A quiet word in the status bar: photos whose labels could not be written by themselves."""

from __future__ import annotations

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QToolButton, QWidget

from csra_gui.base.tool_tips import tool_tip
from csra_gui.interchange.write_continuously import ContinuousWriting
from csra_gui.widgets.notifier import Notifier, Remedy, Topic
from engine.texts import display_text, photos_text

_NAMED = 3


class NotWrittenButton(QToolButton):
    """There only while photos could not be written; a click says why and offers to try again."""

    def __init__(self, continuous: ContinuousWriting, notifier: Notifier, parent: QWidget) -> None:
        super().__init__(parent)
        self._continuous, self._notifier = continuous, notifier
        self.setAutoRaise(True)
        self.clicked.connect(self.explain)
        continuous.changed.connect(self.refresh)
        self.refresh()

    @Slot()
    def refresh(self) -> None:
        """Say how many there are."""
        reasons = self._reasons()
        count = len(self._continuous.not_written)
        self.setText(f"{count:,} not written")
        self.setAccessibleName(f"Labels of {photos_text(count)} not written")
        self.setToolTip(tool_tip("Labels that could not be written yet:", *reasons))
        self.setVisible(count > 0)

    @Slot()
    def explain(self) -> None:
        """Say why, and offer to try again."""
        count = len(self._continuous.not_written)
        text = " ".join([f"Labels of {photos_text(count)} are not written.", *self._reasons()])
        remedy = Remedy("Try again", self._continuous.try_again)
        self._notifier.warning(text, Topic.NOTE, remedy)

    def _reasons(self) -> list[str]:
        reasons = list(dict.fromkeys(self._continuous.not_written.values()))
        more = len(reasons) - _NAMED
        named = [display_text(reason) for reason in reasons[:_NAMED]]
        return [*named, f"And {more:,} more."] if more > 0 else named
