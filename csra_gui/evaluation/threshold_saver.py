"""Keeping thresholds in a model: into which one, and how it went."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt, Slot
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QLabel,
    QLineEdit,
    QRadioButton,
    QVBoxLayout,
    QWidget,
)

from csra_gui.base.tool_tips import tool_tip
from csra_gui.evaluation.analysis import Analysis, LabelTable
from csra_gui.evaluation.result_window import ResultWindow
from csra_gui.models.entries import ModelEntry
from csra_gui.models.manager import ModelManager
from csra_gui.session.session import Session
from csra_gui.widgets.notifier import Remedy, Topic
from engine.api.values import ThresholdsForModel
from engine.texts import display_text

_NOT_IN_USE = (
    "The model of this run is not in use. Use it first (Model ▸ Models), then its thresholds can "
    "be saved."
)
_WARNING = (
    "Thresholds that were chosen on these images look better on them than on others. Choose them "
    "on a validation split, and do not report numbers with them on the same images."
)


class SaveThresholdsDialog(QDialog):
    """The model itself, if it is the person's own, or a copy of it."""

    def __init__(self, model: str, copy_name: str, *, is_own: bool, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Save thresholds into a model")
        name = display_text(model).replace("&", "&&")
        self.itself = QRadioButton(f"Into {name} &itself", self)
        self.copy = QRadioButton("Into a &copy named", self)
        self.name = QLineEdit(copy_name, self)
        self.name.setAccessibleName("Name of the copy")
        self.itself.setEnabled(is_own)
        self.itself.setToolTip(tool_tip("" if is_own else "It ships with the program."))
        (self.itself if is_own else self.copy).setChecked(True)
        note = QLabel(_WARNING, self)
        note.setWordWrap(True)
        buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Save | QDialogButtonBox.StandardButton.Cancel, self
        )
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        for widget in (self.itself, self.copy, self.name, note, buttons):
            layout.addWidget(widget)
        save = buttons.button(QDialogButtonBox.StandardButton.Save)

        def update() -> None:
            self.name.setEnabled(self.copy.isChecked())
            save.setEnabled(self.itself.isChecked() or bool(self.name.text().strip()))

        self.copy.toggled.connect(update)
        self.name.textChanged.connect(update)
        update()

    @property
    def copy_name(self) -> str | None:
        """The copy's name; ``None`` changes the model itself."""
        return self.name.text().strip() if self.copy.isChecked() else None


class ThresholdSaver(QObject):
    """Asks, and has the engine write the model's file."""

    def __init__(self, session: Session, manager: ModelManager, results: ResultWindow) -> None:
        super().__init__(results)
        self._session = session
        self._manager = manager
        self._results = results
        results.save_thresholds_requested.connect(self._on_results_save_thresholds_requested)

    @Slot()
    def _on_results_save_thresholds_requested(self) -> None:
        analysis = self._results.state.analysis
        if analysis is None:
            return
        model = self._model(analysis.run.model.get("id", ""))
        if model is None:
            self._results.notifier.warning(_NOT_IN_USE, Topic.EVALUATION)
            return
        dialog = SaveThresholdsDialog(
            model.name,
            f"{model.name} thresholds",
            is_own=model.kind == "own",
            parent=self._results,
        )
        dialog.accepted.connect(lambda: self._save(model.name, dialog.copy_name))
        dialog.open()

    def _model(self, model_id: str) -> ModelEntry | None:
        """The model in use, if it is the one of the run."""
        used = self._session.models.model
        if used is None or used.id != model_id:
            return None
        models = self._manager.entries.models
        return next((model for model in models if model.path == used.path), None)

    def _save(self, source: str, copy_name: str | None) -> None:
        state = self._results.state
        if state.analysis is None or state.table is None:
            return
        request = thresholds_request(state.analysis, state.table, source, copy_name)
        self._session.jobs.run(
            self._session.engine.ask(lambda engine: engine.save_thresholds(request)),
            "save thresholds",
            self._tell_saved,
            lambda error: self._results.notifier.error(str(error), Topic.EVALUATION),
        )

    def _tell_saved(self, name: str) -> None:
        self._manager.refresh()
        use = Remedy("Use it", lambda: self._session.models.use(name))
        self._results.notifier.info(f"{name} has these thresholds now.", Topic.EVALUATION, use)


def thresholds_request(
    analysis: Analysis, table: LabelTable, source: str, copy_name: str | None
) -> ThresholdsForModel:
    """What is asked of the engine to keep the thresholds of the moment.

    Args:
        analysis: of a run.
        table: with the thresholds.
        source: the model's name.
        copy_name: of the copy that gets them; ``None`` changes the model itself.
    """
    pairs = zip(analysis.run.categories, table.thresholds.tolist(), strict=True)
    on = f"{analysis.run.dataset.get('name', '')}, evaluation {analysis.folder.name}"
    return ThresholdsForModel(source, dict(pairs), f"chosen on {on}", copy_name)
