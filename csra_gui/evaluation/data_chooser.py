"""Which folder holds the data set: typed, chosen or dropped, and recognised."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, QTimer, Signal, Slot
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import (
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QWidget,
)
from typing_extensions import override

from csra_gui.base.ask import ask_folder
from csra_gui.base.jobs import JobRunner, JobSlot
from csra_gui.evaluation.link_choice import LinkChoice
from csra_gui.evaluation.preflight import FoundData, look_at
from csra_gui.session.followed_links import FollowedLinks
from csra_gui.widgets.drop_hint import local_paths
from engine.data.datasets.registry import DATASETS

_WAIT_MS = 250
#: Which split is offered first where there are several.
_BEST_SPLITS = ("test", "val", "all", "trainval", "train")


class DataChooser(QWidget):
    """Folder, kind and split of a data set; the disk is looked at in a worker.

    Signals:
        data_changed: ``data`` and ``split`` are others now.
        refused: text: the folder is no data set of the wanted kind.
    """

    data_changed = Signal()
    refused = Signal(str)

    def __init__(
        self, jobs: JobRunner, links: FollowedLinks, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.links = LinkChoice(jobs, links, self)
        self._looking = JobSlot(jobs, "look at data set", self)
        self.data: FoundData | None = None
        self.folder = QLineEdit(self)
        self.choose = QPushButton("&Choose…", self)
        self.kind = QComboBox(self)
        self.split = QComboBox(self)
        self._timer = QTimer(self, singleShot=True, interval=_WAIT_MS)
        self._timer.timeout.connect(self._look)
        self._set_up()

    def _set_up(self) -> None:
        self.setAcceptDrops(True)
        self.folder.setPlaceholderText("Drop the folder of the data set here")
        self.folder.setAccessibleName("Folder of the data set")
        self.kind.addItem("Find out", "")
        for name, spec in DATASETS.items():
            self.kind.addItem(spec.title, name)
        self.kind.setAccessibleName("Kind of data set")
        self.split.setAccessibleName("Split")
        row = QHBoxLayout()
        row.addWidget(self.folder, 1)
        row.addWidget(self.choose)
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        label = QLabel("&Folder", self)
        label.setBuddy(self.folder)
        form.addRow(label, row)
        form.addRow("&Kind", self.kind)
        form.addRow("&Split", self.split)
        form.addRow(self.links)
        self.links.answered.connect(self.data_changed)
        self.folder.textChanged.connect(self._timer.start)
        self.kind.activated.connect(self._look)
        self.split.activated.connect(self.data_changed)
        self.choose.clicked.connect(self._choose)

    def set_kind(self, kind: str) -> None:
        """Expect a kind of data set; empty finds out."""
        self.kind.setCurrentIndex(max(0, self.kind.findData(kind)))

    def set_folder(self, folder: Path | None) -> None:
        """Look at this folder."""
        self.folder.setText("" if folder is None else str(folder))
        self._look()

    @property
    def chosen_split(self) -> str:
        """The split; empty while nothing is recognised."""
        return str(self.split.currentData() or "")

    @Slot()
    def _choose(self) -> None:
        title = "Choose the folder of the data set"
        ask_folder(self, title, self.set_folder, self.folder.text())

    @Slot()
    def _look(self) -> None:
        self._timer.stop()
        self._looking.drop()
        text, kind = self.folder.text().strip(), str(self.kind.currentData())
        self._set_data(None)
        if not text:
            return
        root = Path(text).expanduser()
        self._looking.run(
            lambda: look_at(root, kind),
            self._take_found,
            lambda error: self.refused.emit(str(error)),
        )

    def _take_found(self, data: FoundData) -> None:
        if data.kind:
            self._set_data(data)
        else:
            self.refused.emit(
                "This folder is none of the known data sets. If it is a folder of photos with "
                "labels, choose that kind."
            )

    def _set_data(self, data: FoundData | None) -> None:
        self.data = data
        self.links.set_folder(None if data is None else data.root)
        before = self.chosen_split
        self.split.clear()
        if data is not None:
            self.set_kind(data.kind)
            for name in data.splits:
                self.split.addItem(name, name)
            wishes = [name for name in (before, *_BEST_SPLITS) if name in data.splits]
            self.split.setCurrentIndex(self.split.findData(wishes[0]) if wishes else 0)
        self.data_changed.emit()

    @override
    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if local_paths(event.mimeData().urls()):
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()

    @override
    def dropEvent(self, event: QDropEvent) -> None:
        paths = local_paths(event.mimeData().urls())
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        if paths:
            self.set_kind("")
            self.set_folder(paths[0])
