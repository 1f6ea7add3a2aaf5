"""On which labelled photos a model's int8 network is made and measured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QSize, Signal, Slot
from PySide6.QtWidgets import QDialog, QFormLayout, QPushButton, QSpinBox, QVBoxLayout, QWidget

from csra_gui.base.tool_tips import tool_tip
from csra_gui.evaluation.data_chooser import DataChooser
from csra_gui.evaluation.look_ahead import LookAhead
from csra_gui.evaluation.preflight import FoundData, ModelChoice, Preflight, preflight
from csra_gui.models.entries import ModelEntry
from csra_gui.models.manager import ModelManager
from csra_gui.session.session import Session
from csra_gui.widgets.fact_sheet import FactSheet
from csra_gui.widgets.labels import muted_label, plain_label
from csra_gui.widgets.windows import button_row, fit_to_screen
from engine.api.evaluation import EvaluationRequest
from engine.records import int8_networks
from engine.records.backend_kinds import BACKENDS
from engine.texts import display_text

_MEANING = (
    "The model is made to compute in whole numbers (int8), and compared with itself on photos "
    "whose labels are known. It is kept only if it loses at most {} mAP and sees labels in the "
    "same places; and nothing uses it before you choose it under Run with."
)
_NO_OPENVINO = (
    "OpenVINO is not installed, without which int8 is no faster on many computers. Install it "
    "with: pip install 'csra-gui[openvino]'"
)
_LIMIT_TIP = (
    "Fewer take less time and say less. On fewer than {} chance moves the figures by more than may "
    "be lost."
)
_MOST_IMAGES = 10_000_000
_TRAIN = "train"


class FasterDialog(QDialog):
    """Not modal: the window stays usable.

    Args:
        session: jobs, and which links are followed.
        manager: does the work, once no other goes on.
        parent: the window.

    Signals:
        start_requested: a ``ModelEntry``, and the ``EvaluationRequest`` that says what to measure
            it on.
    """

    start_requested = Signal(object, object)

    def __init__(self, session: Session, manager: ModelManager, parent: QWidget) -> None:
        super().__init__(parent)
        self._manager = manager
        self._model: ModelEntry | None = None
        self._is_fit = False
        self.data = DataChooser(session.jobs, session.followed_links, self)
        self.limit = QSpinBox(self)
        self.sheet = FactSheet(self)
        self.problem = plain_label("", self)
        self.start = QPushButton("M&ake faster", self)
        self.close_button = QPushButton("Close", self)
        self._ahead = LookAhead(
            session.jobs,
            self.data,
            self.sheet,
            self.problem,
            self._work,
            "Choose the folder of photos whose labels are known.",
        )
        self._set_up()
        self._connect()

    def ask(self, model: ModelEntry) -> None:
        """Ask for a model."""
        self._model = model
        self.setWindowTitle(f"Make {display_text(model.name)} faster")
        self._on_choice_changed()

    def _set_up(self) -> None:
        least = int8_networks.LEAST_PHOTOS
        self.limit.setRange(least - 1, _MOST_IMAGES)  # the least value stands for all
        self.limit.setSpecialValueText("all photos of the split")
        self.limit.setSuffix(" photos, spread over the split")
        self.limit.setAccessibleName("Measure on so many photos")
        self.limit.setToolTip(tool_tip(_LIMIT_TIP.format(least)))
        self.sheet.setAccessibleName("What would be measured")
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow("&Measure on", self.limit)
        layout = QVBoxLayout(self)
        layout.addWidget(plain_label(_MEANING.format(int8_networks.MOST_LOSS), self))
        layout.addWidget(self.data)
        layout.addLayout(form)
        layout.addWidget(self.sheet, 1)
        layout.addWidget(self.problem)
        if not BACKENDS["openvino"].is_here:
            layout.addWidget(muted_label(_NO_OPENVINO, self))
        layout.addLayout(button_row(self.start, close=self.close_button))
        fit_to_screen(self, QSize(640, 560))

    def _connect(self) -> None:
        self._ahead.found.connect(self._show)
        self.data.data_changed.connect(self._on_choice_changed)
        self.limit.valueChanged.connect(self._on_choice_changed)
        self._manager.work_started.connect(self._update_start)
        self._manager.work_ended.connect(self._update_start)
        self.start.clicked.connect(self._on_start_clicked)

    @property
    def _limit(self) -> int | None:
        value = self.limit.value()
        return None if value == self.limit.minimum() else value

    @Slot()
    def _on_choice_changed(self) -> None:
        self._is_fit = False
        self._update_start()
        self._ahead.begin_soon()

    def _work(self, data: FoundData, split: str) -> Callable[[], Preflight] | None:
        model = self._model
        if model is None or model.path is None:
            return None
        choice, limit = ModelChoice(model.name, model.path), self._limit
        follow = self.data.links.is_followed
        return lambda: faster_preflight(data, split, choice, limit, follow_links=follow)

    @Slot(object)
    def _show(self, found: Preflight) -> None:
        self._is_fit = not found.problem
        self._update_start()

    @Slot()
    def _update_start(self) -> None:
        self.start.setEnabled(self._is_fit and self._manager.work is None)

    @Slot()
    def _on_start_clicked(self) -> None:
        data, model = self.data.data, self._model
        if data is None or model is None:
            return
        request = EvaluationRequest(
            data.kind,
            data.root,
            self.data.chosen_split,
            model.name,
            limit=self._limit,
            follow_links=self.data.links.is_followed,
        )
        self.start_requested.emit(model, request)
        self.close()


def faster_preflight(
    data: FoundData, split: str, model: ModelChoice, limit: int | None, *, follow_links: bool
) -> Preflight:
    """What an int8 network would be measured on, from lists alone, as ``preflight``."""
    found = preflight(data, split, (model,), limit, follow_links=follow_links)
    if found.problem:
        return found
    apart = _TRAIN in data.splits and split != _TRAIN
    learned = f"photos of {_TRAIN}" if apart else "some of these photos, which are not measured"
    # How long it takes is known after the first photos.
    facts = [fact for fact in found.facts if fact[0] != "Time"]
    facts.insert(1, ("Numbers are fitted to", learned))
    problem = ""
    if found.num_images < int8_networks.LEAST_PHOTOS:
        problem = int8_networks.too_few_text(found.num_images)
    return replace(found, facts=tuple(facts), problem=problem)
