"""Scores that another program saved: which file, which labels, and how they are to be read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)
from typing_extensions import override

from csra_gui.base.ask import ask_files, ask_folder
from csra_gui.base.jobs import JobRunner, JobSlot
from csra_gui.base.tool_tips import tool_tip
from csra_gui.widgets.drop_hint import local_paths
from csra_gui.widgets.labels import muted_label, plain_label
from csra_gui.widgets.windows import button_row, fit_to_screen
from engine.api.errors import EngineError
from engine.data.datasets.registry import DATASETS
from engine.data.datasets.score_files import SCORE_FILE_SUFFIXES
from engine.evaluation.saved_scores import NanRule, Scale, ScoredFile, ScoreRequest, score_saved
from engine.records.evaluations import EvaluationStore
from engine.texts import display_text

_SIZE = QSize(620, 460)
_HELP = (
    "Scores that any program saved, a row per photo and a column per label, are measured against "
    "true labels. Neither the model nor the photos are needed."
)
_SCORES_FILTER = f"Scores ({' '.join(f'*{end}' for end in SCORE_FILE_SUFFIXES)})"
_LABELS_FILTERS = ("Labels (*.csv *.jsonl *.json *.npz *.npy)", "All (*)")
_SCALES: tuple[tuple[str, Scale], ...] = (
    ("As it seems", "auto"),
    ("Shares from 0 to 1", "probabilities"),
    ("Any numbers, 0 is one half", "logits"),
)
_NAN_RULES: tuple[tuple[str, NanRule], ...] = (
    ("Stop and say which", "refuse"),
    ("Leave them out", "ignore"),
    ("Take them for the lowest", "lowest"),
)
_SPLITS = ("train", "val", "trainval", "test", "all")
_SCALE_TIP = (
    "What the numbers in the file are. As it seems: as the file says, else shares if all lie from "
    "0 to 1. Any numbers: what a network gives before they are made shares."
)
_ORDER_TIP = (
    "For files that name no photos: the first row of scores belongs to the first row of labels, "
    "and so on."
)


class _PathRow(QWidget):
    """A path that is typed, chosen or dropped.

    Signals:
        changed: it is another one.
    """

    changed = Signal()

    def __init__(
        self,
        name: str,
        hint: str,
        buttons: Sequence[tuple[str, Callable[[], None]]],
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self.setAcceptDrops(True)
        self.editor = QLineEdit(self)
        self.editor.setAccessibleName(name)
        self.editor.setPlaceholderText(hint)
        # The editor would take what is dropped for a text.
        self.editor.setAcceptDrops(False)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.editor, 1)
        for text, choose in buttons:
            button = QPushButton(text, self)
            button.setAutoDefault(False)
            button.clicked.connect(choose)
            row.addWidget(button)
        self.editor.textChanged.connect(self.changed)

    @property
    def path(self) -> Path | None:
        """``None`` while there is none."""
        text = self.editor.text().strip()
        return Path(text).expanduser() if text else None

    def set_path(self, path: Path) -> None:
        """Show this one."""
        self.editor.setText(str(path))

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
            self.set_path(paths[0])


class ScoresDialog(QDialog):
    """Not modal; the files are read in a worker.

    Signals:
        scored: name of the kept run, and sentences on how the files were read.
    """

    scored = Signal(str, object)

    def __init__(self, jobs: JobRunner, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Score saved predictions")
        self._scoring = JobSlot(jobs, "score saved predictions", self)
        self.scores = _PathRow(
            "File of scores",
            "CSV, JSON lines, npz, npy or Parquet",
            (("C&hoose…", self._choose_scores),),
            self,
        )
        self.labels = _PathRow(
            "True labels",
            "list, COCO file, folder, npz; or in the file above",
            (("&File…", self._choose_labels), ("F&older…", self._choose_folder)),
            self,
        )
        self.kind = QComboBox(self)
        self.split = QComboBox(self)
        self.name = QLineEdit(self)
        self.scale = QComboBox(self)
        self.nan = QComboBox(self)
        self.in_order = QCheckBox("&Rows are in the order of the labels", self)
        self.allow_missing = QCheckBox("&Leave out labelled photos without scores", self)
        self.problem = plain_label("", self)
        self.start = QPushButton("&Score", self)
        self.close_button = QPushButton("Close", self)
        self._fill()
        self._lay_out()
        self.scores.changed.connect(self._on_files_changed)
        self.labels.changed.connect(self._on_files_changed)
        self.start.clicked.connect(self._on_start_clicked)
        self._on_files_changed()
        fit_to_screen(self, _SIZE)

    def request(self, scores: Path) -> ScoreRequest:
        """What is asked for."""
        return ScoreRequest(
            scores,
            self.labels.path,
            str(self.kind.currentData()),
            self.split.currentText().strip(),
            self.name.text().strip(),
            self.scale.currentData(),
            self.nan.currentData(),
            by_order=self.in_order.isChecked(),
            allow_missing=self.allow_missing.isChecked(),
        )

    def _fill(self) -> None:
        self.kind.addItem("Find out", "")
        for name, spec in DATASETS.items():
            self.kind.addItem(spec.title, name)
        self.split.setEditable(True)
        self.split.addItems(["", *_SPLITS])
        if (editor := self.split.lineEdit()) is not None:
            editor.setPlaceholderText("the only one")
        self.name.setPlaceholderText("as the file of scores is called")
        for text, scale in _SCALES:
            self.scale.addItem(text, scale)
        for text, rule in _NAN_RULES:
            self.nan.addItem(text, rule)
        self.scale.setToolTip(tool_tip(_SCALE_TIP))
        self.in_order.setToolTip(tool_tip(_ORDER_TIP))
        self.start.setDefault(True)

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        for text, row, buddy in (
            ("S&cores", self.scores, self.scores.editor),
            ("&True labels", self.labels, self.labels.editor),
            ("&Kind of labels", self.kind, self.kind),
            ("S&plit", self.split, self.split),
            ("&Name", self.name, self.name),
            ("The n&umbers are", self.scale, self.scale),
            ("&Missing numbers", self.nan, self.nan),
        ):
            label = QLabel(text, self)
            label.setBuddy(buddy)
            form.addRow(label, row)
        form.addRow(self.in_order)
        form.addRow(self.allow_missing)
        layout = QVBoxLayout(self)
        layout.addWidget(muted_label(_HELP, self))
        layout.addLayout(form)
        layout.addWidget(self.problem)
        layout.addStretch(1)
        layout.addLayout(button_row(self.start, close=self.close_button))

    # Choosing.

    def _choose_scores(self) -> None:
        ask_files(
            self,
            "Choose the file of scores",
            (_SCORES_FILTER, "All (*)"),
            lambda paths: self.scores.set_path(paths[0]),
            several=False,
        )

    def _choose_labels(self) -> None:
        ask_files(
            self,
            "Choose the labels",
            _LABELS_FILTERS,
            lambda paths: self.labels.set_path(paths[0]),
            several=False,
        )

    def _choose_folder(self) -> None:
        ask_folder(self, "Choose the folder of the data set", self.labels.set_path)

    @Slot()
    def _on_files_changed(self) -> None:
        self.problem.clear()
        self.start.setEnabled(self.scores.path is not None and not self._scoring.is_running)

    # Scoring.

    @Slot()
    def _on_start_clicked(self) -> None:
        path = self.scores.path
        if path is None:
            return
        request = self.request(path)
        self.problem.setText("Reading the files…")
        self.start.setEnabled(False)
        self._scoring.run(
            lambda: _scored(request), self._take, self._show_error, self._on_scoring_ended
        )

    def _take(self, found: tuple[str, ScoredFile]) -> None:
        name, scored = found
        self.problem.clear()
        self.close()
        self.scored.emit(name, _sentences(scored))

    def _show_error(self, error: EngineError) -> None:
        self.problem.setText(display_text(str(error)))

    def _on_scoring_ended(self) -> None:
        self.start.setEnabled(self.scores.path is not None)


def _scored(request: ScoreRequest) -> tuple[str, ScoredFile]:
    found = score_saved(request)
    return EvaluationStore().save(found.run, found.images).name, found


def _sentences(found: ScoredFile) -> tuple[str, ...]:
    """How the files were read, in words for people."""
    shares = (
        "shares from 0 to 1" if found.scale == "probabilities" else "any numbers, 0 is one half"
    )
    return (f"The numbers were read as {shares}.", *found.notes)
