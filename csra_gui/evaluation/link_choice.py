"""Asks once for each data set whether links that lead out of its folder are followed."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from csra_gui.base.jobs import JobRunner, JobSlot
from csra_gui.session.followed_links import FollowedLinks
from csra_gui.widgets.labels import plain_label
from engine.data.datasets.links import count_links_out


class LinkChoice(QWidget):
    """Shown only where there are such links; until it is answered, they are left out.

    Args:
        jobs: looks for links.
        links: the answers.
        parent: of the widget.

    Signals:
        answered: they are followed now, or no longer.
    """

    answered = Signal()

    def __init__(self, jobs: JobRunner, links: FollowedLinks, parent: QWidget) -> None:
        super().__init__(parent)
        self._links = links
        self._counting = JobSlot(jobs, "count links", self)
        self._folder: Path | None = None
        self._count = 0
        self.text = plain_label("", self)
        self.follow = QPushButton("Follow them", self)
        self.leave_out = QPushButton("Leave out", self)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.text, 1)
        for button in (self.follow, self.leave_out):
            button.setAutoDefault(False)
            row.addWidget(button)
        self.follow.clicked.connect(self._on_follow_clicked)
        self.leave_out.clicked.connect(self._on_leave_out_clicked)
        self.hide()

    @property
    def is_followed(self) -> bool:
        """Whether links are followed."""
        return self._folder is not None and bool(self._links.answer(self._folder))

    def set_folder(self, folder: Path | None) -> None:
        """Look for links in this folder."""
        self._counting.drop()
        self._folder, self._count = folder, 0
        self._show()
        if folder is not None:
            self._counting.run(lambda: count_links_out(folder), self._take_count)

    def _take_count(self, count: int) -> None:
        self._count = count
        self._show()

    def _show(self) -> None:
        answer = None if self._folder is None else self._links.answer(self._folder)
        what = "1 link that leads" if self._count == 1 else f"{self._count:,} links that lead"
        done = {None: "", True: " They are followed.", False: " They are left out."}[answer]
        if self._count == 1:
            done = done.replace("They are", "It is")
        self.text.setText(f"This folder has {what} out of it.{done}")
        self.follow.setText("Follow it" if self._count == 1 else "Follow them")
        self.follow.setVisible(answer is not True)
        self.leave_out.setVisible(answer is not False)
        self.setVisible(self._count > 0)

    @Slot()
    def _on_follow_clicked(self) -> None:
        self._answer(follow=True)

    @Slot()
    def _on_leave_out_clicked(self) -> None:
        self._answer(follow=False)

    def _answer(self, *, follow: bool) -> None:
        if self._folder is not None:
            self._links.remember(self._folder, follow)
            self._show()
            self.answered.emit()
