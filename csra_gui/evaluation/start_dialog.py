"""What to evaluate: data, models, and what it will come to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QSignalBlocker, QSize, Qt, Signal, Slot
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QFormLayout,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from csra_gui.base.tool_tips import tool_tip
from csra_gui.evaluation.data_chooser import DataChooser
from csra_gui.evaluation.look_ahead import LookAhead
from csra_gui.evaluation.preflight import (
    FoundData,
    ModelChoice,
    Preflight,
    known_rate,
    preflight,
)
from csra_gui.models.manager import ModelManager
from csra_gui.session.session import Session
from csra_gui.widgets.fact_sheet import FactSheet
from csra_gui.widgets.labels import plain_label
from csra_gui.widgets.record_list import RecordManager
from csra_gui.widgets.windows import fit_to_screen
from engine.api.config import EvaluateConfig
from engine.api.evaluation import EvaluationRequest
from engine.records.evaluations import EvaluationSummary
from engine.texts import display_text

_FAST_TIP = (
    "Large photos are read with less detail, which takes less time and moves the scores a little. "
    "Otherwise every pixel counts, as in the code of the method's authors."
)
_MOST_IMAGES = 10_000_000


class StartDialog(QDialog):
    """Not modal: the window stays usable.

    Args:
        session: the models and jobs.
        manager: the models that there are.
        runs: how fast earlier ones were.
        parent: the window.

    Signals:
        start_requested: a tuple of ``EvaluationRequest``, one per model.
        folder_accepted: the kind of data set and its folder, when an evaluation is started.
    """

    start_requested = Signal(object)
    folder_accepted = Signal(str, object)

    def __init__(
        self,
        session: Session,
        manager: ModelManager,
        runs: RecordManager[EvaluationSummary],
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Evaluate a model")
        self._session = session
        self._manager = manager
        self._runs = runs
        self._preflight: Preflight | None = None
        self.data = DataChooser(session.jobs, session.followed_links, self)
        self.models = QListWidget(self)
        self.flip = QCheckBox("Look at the &mirror image too", self)
        self.fast = QCheckBox("Read photos as &fast as for tagging", self)
        self.limit = QSpinBox(self)
        self.sheet = FactSheet(self)
        self.problem = plain_label("", self)
        self.start = QPushButton("&Start", self)
        self.close_button = QPushButton("Close", self)
        self._ahead = LookAhead(
            session.jobs,
            self.data,
            self.sheet,
            self.problem,
            self._work,
            "Choose the folder of a data set.",
        )
        self._set_up()
        self._connect()
        self._list_models()

    def ask(self, kind: str, folder: Path | None) -> None:
        """Begin with a kind of data set; empty finds out."""
        self.data.set_kind(kind)
        self.data.set_folder(folder)
        self._manager.refresh()

    def _set_up(self) -> None:
        self.models.setAccessibleName("Models to evaluate")
        self.models.setMaximumHeight(110)
        self.fast.setToolTip(tool_tip(_FAST_TIP))
        self.limit.setRange(0, _MOST_IMAGES)
        self.limit.setSpecialValueText("all images")
        self.limit.setSuffix(" images, spread over the split")
        self.limit.setAccessibleName("At most so many images")
        self.sheet.setAccessibleName("What would be evaluated")
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow("M&odels", self.models)
        form.addRow("&Take", self.limit)
        form.addRow("", self.flip)
        form.addRow("", self.fast)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(self.start)
        buttons.addWidget(self.close_button)
        self.start.setDefault(True)
        self.start.setEnabled(False)
        layout = QVBoxLayout(self)
        layout.addWidget(self.data)
        layout.addLayout(form)
        layout.addWidget(self.sheet, 1)
        layout.addWidget(self.problem)
        layout.addLayout(buttons)
        fit_to_screen(self, QSize(640, 620))

    def _connect(self) -> None:
        self._ahead.found.connect(self._show_preflight)
        self.data.data_changed.connect(self._on_choice_changed)
        self.models.itemChanged.connect(self._on_choice_changed)
        self.limit.valueChanged.connect(self._on_choice_changed)
        self._manager.entries_changed.connect(self._list_models)
        self._runs.records_changed.connect(self._on_choice_changed)
        self.start.clicked.connect(self._on_start_clicked)
        self.close_button.clicked.connect(self.close)

    # Models.

    @Slot()
    def _list_models(self) -> None:
        checked = {model.name for model in self.chosen_models()}
        used = self._session.models.model
        self.models.blockSignals(True)
        self.models.clear()
        for model in self._manager.entries.models:
            if not model.is_usable or model.path is None:
                continue
            item = QListWidgetItem(display_text(model.name), self.models)
            item.setData(Qt.ItemDataRole.UserRole, (model.name, str(model.path)))
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
            is_used = used is not None and used.path == model.path
            wanted = model.name in checked if checked else is_used
            item.setCheckState(Qt.CheckState.Checked if wanted else Qt.CheckState.Unchecked)
        self.models.blockSignals(False)
        self._on_choice_changed()

    def chosen_models(self) -> tuple[ModelChoice, ...]:
        """The models that are checked."""
        items = [self.models.item(row) for row in range(self.models.count())]
        chosen = []
        for item in items:
            if item.checkState() == Qt.CheckState.Checked:
                name, path = item.data(Qt.ItemDataRole.UserRole)
                chosen.append(ModelChoice(name, Path(path), self._rate(Path(path), name)))
        return tuple(chosen)

    def _rate(self, path: Path, name: str) -> float:
        used = self._session.models.model
        title = used.name if used is not None and used.path == path else name
        runs = self._runs.values
        return (
            known_rate(title, runs)
            or known_rate(name, runs)
            or self._session.tagger.rates.get(path, 0.0)
        )

    # What it would come to.

    @Slot()
    def _on_choice_changed(self) -> None:
        self._preflight = None
        self.start.setEnabled(False)
        self._ahead.begin_soon()

    def _work(self, data: FoundData, split: str) -> Callable[[], Preflight]:
        models, limit = self.chosen_models(), self.limit.value() or None
        follow = self.data.links.is_followed
        return lambda: preflight(data, split, models, limit, follow_links=follow)

    @Slot(object)
    def _show_preflight(self, found: Preflight) -> None:
        self._preflight = found
        if found.of_images:
            self._fit_limit(found.of_images)
        self.start.setEnabled(not found.problem and found.num_images > 0)

    def _fit_limit(self, total: int) -> None:
        """Let nobody ask for more images than the split has."""
        with QSignalBlocker(self.limit):
            if self.limit.value() >= total:
                self.limit.setValue(0)
            self.limit.setMaximum(max(total - 1, 1))
            self.limit.setSuffix(f" of {total:,} images, spread over them")

    @Slot()
    def _on_start_clicked(self) -> None:
        data = self.data.data
        if data is None:
            return
        requests = tuple(
            EvaluationRequest(
                data.kind,
                data.root,
                self.data.chosen_split,
                model.name,
                EvaluateConfig(
                    flip=self.flip.isChecked(),
                    decode="fast" if self.fast.isChecked() else "exact",
                ),
                limit=self.limit.value() or None,
                follow_links=self.data.links.is_followed,
            )
            for model in self.chosen_models()
        )
        self.folder_accepted.emit(data.kind, data.root)
        self.start_requested.emit(requests)
        self.close()
