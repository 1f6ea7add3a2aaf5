"""Improving the model with corrections, and teaching it new labels."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QWidget

from csra_gui.models.manager import ModelManager
from csra_gui.session.decided_labels import decided_labels, new_label
from csra_gui.session.retag_plan import RetagMode, RetagPlan
from csra_gui.session.session import Session
from csra_gui.session.sort_keys import SCORE
from csra_gui.training.runner import TrainingRunner
from csra_gui.training.teach_dialog import ImproveDialog, LearningDialog, TeachDialog
from csra_gui.widgets.windows import bring_up
from engine.api.errors import EngineError
from engine.api.teaching import FEWEST_POSITIVES, TeachProgress, TeachReport, TeachRequest
from engine.api.values import ModelImport, ModelInfo
from engine.library.columns import VERDICT_CODES
from engine.library.values import Verdict
from engine.records.models import default_store
from engine.texts import display_text, photos_text

#: So many photos that show it make a new label work well.
_ENOUGH = 10
_BUSY = "Something else is being trained. Wait until it is done, or stop it."
_NO_MODEL = "Wait until the model is loaded."


class TeachController(QObject):
    """One model learns at a time. It lies in a folder of its own until it is accepted."""

    def __init__(
        self, session: Session, manager: ModelManager, runner: TrainingRunner, window: QWidget
    ) -> None:
        super().__init__(window)
        self._session = session
        self._manager = manager
        self._runner = runner
        self._window = window
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._report: TeachReport | None = None
        self._rank_by = self._saved = ""
        self.improve_dialog: ImproveDialog | None = None
        self.teach_dialog: TeachDialog | None = None
        session.decisions.changed.connect(self._show_counts)
        session.selection_changed.connect(self._show_counts)
        session.models.switched.connect(self._on_models_switched)

    # Wishes.

    @Slot()
    def show_improve(self) -> None:
        """Open the dialog on corrections."""
        if self.improve_dialog is None:
            self.improve_dialog = dialog = ImproveDialog(self._window)
            self._connect(dialog)
            dialog.start_requested.connect(self._improve)
            dialog.look_requested.connect(lambda: self._save(dialog, looks=True))
        self._open(self.improve_dialog)

    @Slot()
    def show_teach(self) -> None:
        """Open the dialog on a new label."""
        if self.teach_dialog is None:
            self.teach_dialog = dialog = TeachDialog(self._window)
            self._connect(dialog)
            dialog.start_requested.connect(self._teach)
            dialog.look_requested.connect(lambda: self._save(dialog, looks=False))
            dialog.name.textChanged.connect(self._show_counts)
        self._open(self.teach_dialog)

    def _connect(self, dialog: LearningDialog) -> None:
        dialog.cancel_requested.connect(self._runner.cancel_teaching)
        dialog.use_requested.connect(lambda: self._save(dialog, looks=False))
        dialog.discard_requested.connect(lambda: self._discard(dialog))

    def _open(self, dialog: LearningDialog) -> None:
        if not self._runner.is_teaching and self._report is None:
            dialog.show_intro()
        bring_up(dialog)
        self._show_counts()

    # What there is to learn from.

    @Slot()
    def _show_counts(self) -> None:
        if self.improve_dialog is not None and self.improve_dialog.isVisible():
            model = self._session.models.model
            known = None if model is None else model.categories
            said = decided_labels(self._session.photos.columns(), known)
            self.improve_dialog.set_counts(
                f"{photos_text(len(said.rows))} with {said.yes:,} labels that you accepted or "
                f"added and {said.no:,} that you rejected",
                can_start=bool(len(said.rows)),
            )
        if self.teach_dialog is not None and self.teach_dialog.isVisible():
            self._show_teach_counts(self.teach_dialog)

    def _show_teach_counts(self, dialog: TeachDialog) -> None:
        showing, rejected, others = self._teach_rows(dialog.label_name)
        text = f"{photos_text(len(showing))} selected that show it"
        if len(showing) < _ENOUGH:
            text += f"; {_ENOUGH} or more work best. Select them in the grid."
        can_start = len(showing) >= FEWEST_POSITIVES and bool(rejected or others)
        dialog.set_counts(text, len(rejected) + len(others), len(rejected), can_start=can_start)

    def _teach_rows(self, label: str) -> tuple[list[int], list[int], list[int]]:
        """Rows that show a label, rows that certainly do not, and all others that can be read."""
        table = self._session.photos
        columns = table.columns()
        readable = ~columns.failed
        showing = np.zeros_like(readable)
        showing[list(self._session.selection)] = True
        said = np.zeros(len(table), dtype=np.uint8)
        name = table.names.find(label, columns.categories)
        if name is not None:
            said = columns.verdicts[:, columns.categories.index(name)]
        rejected = (said == VERDICT_CODES[Verdict.REJECTED]) & ~showing
        showing |= (said > 0) & ~rejected
        parts = (showing, rejected, ~showing & ~rejected)
        shown, not_shown, others = (np.flatnonzero(part & readable).tolist() for part in parts)
        return shown, not_shown, others

    # Learning.

    @Slot()
    def _improve(self) -> None:
        dialog, model = self.improve_dialog, self._session.models.model
        if dialog is None or not self._may_start(dialog, model) or model is None:
            return
        said = decided_labels(self._session.photos.columns(), model.categories)
        self._rank_by = ""
        name = f"{model.name} improved"
        paths = self._session.photos.paths
        request = said.corrections(_source(model), name, self._new_file(), paths)
        self._run(dialog, request)

    @Slot()
    def _teach(self) -> None:
        dialog, model = self.teach_dialog, self._session.models.model
        if dialog is None or not self._may_start(dialog, model) or model is None:
            return
        label = self._session.photos.names.label(dialog.label_name)
        showing, rejected, others = self._teach_rows(label)
        count = max(0, dialog.others.value() - len(rejected))
        drawn = random.Random(0).sample(others, min(count, len(others)))  # noqa: S311  # no secret
        if label in self._session.photos.categories:
            dialog.show_intro(
                f"The model knows {display_text(label)} already. Accept and reject that label, "
                "then improve the model with your corrections."
            )
            return
        said = new_label(model.categories, label, showing, [*rejected, *drawn])
        name, paths = f"{model.name} + {label}", self._session.photos.paths
        try:
            request = said.corrections(_source(model), name, self._new_file(), paths)
        except EngineError as error:
            self._forget()
            dialog.show_intro(str(error))
            return
        self._rank_by = label
        self._run(dialog, request)

    def _may_start(self, dialog: LearningDialog, model: ModelInfo | None) -> bool:
        problem = _NO_MODEL if model is None else _BUSY if self._runner.is_busy else ""
        if problem:
            dialog.show_intro(problem)
        return not problem

    def _new_file(self) -> Path:
        self._forget()
        self._folder = tempfile.TemporaryDirectory(prefix="csra-teach-")
        return Path(self._folder.name) / "model.safetensors"

    def _run(self, dialog: LearningDialog, request: TeachRequest) -> None:
        dialog.show_progress(None)
        self._runner.teach(
            request,
            on_values=lambda values: self._take_progress(dialog, values),
            on_failure=lambda error: dialog.show_intro(str(error)),
            on_end=lambda cancelled: self._finish(dialog, cancelled=cancelled),
        )

    def _take_progress(
        self, dialog: LearningDialog, values: Sequence[TeachProgress | TeachReport]
    ) -> None:
        last = values[-1]
        if isinstance(last, TeachReport):
            self._report = last
            dialog.show_report(last)
        else:
            dialog.show_progress(last)

    def _finish(self, dialog: LearningDialog, *, cancelled: bool) -> None:
        if self._report is None:
            self._forget()
            if cancelled:
                dialog.show_intro("It was stopped; nothing has changed.")

    # What comes of it.

    def _save(self, dialog: LearningDialog, *, looks: bool) -> None:
        report = self._report
        if report is None:
            if self._saved:
                self._session.models.use(self._saved)
            return
        work = self._session.engine.ask(
            lambda engine: engine.import_model(
                ModelImport(report.file, default_store().free_name(report.name))
            )
        )
        self._session.jobs.run(
            work,
            "save model",
            lambda name: self._tell_saved(dialog, name, looks=looks),
            lambda error: dialog.problem.setText(str(error)),
        )

    def _tell_saved(self, dialog: LearningDialog, name: str, *, looks: bool) -> None:
        self._report = None
        self._forget()
        self._manager.refresh()
        shown = display_text(name)
        if looks:
            self._saved = name
            dialog.show_saved(
                f"The model is saved as {shown}. Your photos are tagged again with it; what would "
                "change is shown before it counts. The model is used once you accept that.",
                can_use=True,
            )
            self._session.retag(RetagPlan(RetagMode.REPLACE, name))
        else:
            text = f"The model is saved as {shown} and used from now on."
            dialog.show_saved(text, can_use=False)
            self._session.models.use(name)

    def _discard(self, dialog: LearningDialog) -> None:
        self._report = None
        self._forget()
        dialog.show_intro("The new model was discarded; nothing has changed.")
        self._show_counts()

    @Slot(object)
    def _on_models_switched(self, _old: ModelInfo | None) -> None:
        model = self._session.models.model
        if self._rank_by and self._rank_by in self._session.photos.categories:
            self._session.shown.set_sort(f"{SCORE}{self._rank_by}", descending=True)
            self._rank_by = ""
        if model is not None and self._saved and model.name == self._saved:
            self._saved = ""
            if self.improve_dialog is not None:
                shown = display_text(model.name)
                self.improve_dialog.show_saved(f"{shown} is used from now on.", can_use=False)

    def _forget(self) -> None:
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def shut_down(self) -> None:
        """Leave no file; learning was ended before."""
        self._forget()
        for dialog in (self.improve_dialog, self.teach_dialog):
            if dialog is not None:
                dialog.close()

    def closing_text(self) -> str:
        """What closing the window would lose; empty for nothing."""
        if self._report is not None:
            return "The model that you have just taught is not saved yet. Closing forgets it."
        if self._runner.is_teaching:
            return "The model is learning. Closing ends that, and nothing has changed."
        return ""


def _source(model: ModelInfo) -> str:
    return model.name if model.path is None else str(model.path)
