"""Improving the model with corrections, and teaching it new labels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QWidget

from csra_gui.browse.decode_queue import ImageDecoder
from csra_gui.models.manager import ModelManager
from csra_gui.session.decided_labels import decided_labels
from csra_gui.session.retag_plan import RetagMode, RetagPlan
from csra_gui.session.session import Session
from csra_gui.session.sort_keys import SCORE
from csra_gui.session.typed_labels import quoted_if_needed
from csra_gui.training.runner import TrainingRunner
from csra_gui.training.teach_dialog import ImproveDialog, LearningDialog, TeachDialog
from csra_gui.training.teach_photos import (
    LabelRows,
    Taught,
    TeachPhotos,
    photos_of_corrections,
    photos_of_label,
    rows_of_label,
    taught_before,
)
from csra_gui.widgets.windows import bring_up
from engine.api.errors import EngineError
from engine.api.label_names import shown_label
from engine.api.teaching import ENOUGH_POSITIVES, FEWEST_POSITIVES, TeachProgress, TeachReport
from engine.api.validation import can_validate
from engine.api.values import DEFAULT_THRESHOLD, ModelImport, ModelInfo
from engine.library.values import Verdict
from engine.records.litter import OwnFolder
from engine.records.models import default_store
from engine.texts import display_text, photos_text

_BUSY = "Something else is being trained. Wait until it is done, or stop it."
#: Labels that are named in one sentence.
_NAMED = 8
_ONLY_TAGS = (
    "This model was imported from ONNX and cannot be taught. Use a model of this program, under "
    "Model ▸ Models."
)
_NO_POSITIONS = (
    "The head of this model has no maps, and cannot be taught single labels. Use another model, "
    "under Model ▸ Models."
)
_NO_MODEL = "Wait until the model is loaded."


class TeachController(QObject):
    """One model learns at a time. It lies in a folder of its own until it is accepted."""

    def __init__(
        self,
        session: Session,
        manager: ModelManager,
        runner: TrainingRunner,
        decoder: ImageDecoder,
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._session = session
        self._manager = manager
        self._runner = runner
        self._decoder = decoder
        self._window = window
        self._folder: OwnFolder | None = None
        self._report: TeachReport | None = None
        self._photos: TeachPhotos | None = None
        self._before = Taught()
        self._rank_by = self._saved = self._shown_caption = ""
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
            self.improve_dialog = dialog = ImproveDialog(self._decoder, self._window)
            self._connect(dialog)
            dialog.start_requested.connect(self._improve)
            dialog.look_requested.connect(lambda: self._save(dialog, looks=True))
        self._open(self.improve_dialog)
        self._load_before()

    def show_teach(self, label: str = "") -> None:
        """Open the dialog on a new label.

        Args:
            label: its name if it is known already; not while one is being learned, or what came
                of it is still to be looked at.
        """
        if self.teach_dialog is None:
            self.teach_dialog = dialog = TeachDialog(self._decoder, self._window)
            self._connect(dialog)
            dialog.start_requested.connect(self._teach)
            dialog.look_requested.connect(lambda: self._save(dialog, looks=False))
            dialog.name.textChanged.connect(self._show_counts)
        if label and not self._runner.is_teaching and self._report is None:
            self.teach_dialog.name.setText(quoted_if_needed(label))
        self._open(self.teach_dialog)

    def _connect(self, dialog: LearningDialog) -> None:
        dialog.cancel_requested.connect(self._runner.cancel_teaching)
        dialog.use_requested.connect(lambda: self._save(dialog, looks=False))
        dialog.discard_requested.connect(lambda: self._discard(dialog))
        dialog.photos_requested.connect(self._show_photos)

    def _open(self, dialog: LearningDialog) -> None:
        if not self._runner.is_teaching and self._report is None:
            dialog.show_intro()
        bring_up(dialog)
        self._show_counts()

    # What there is to learn from.

    def _load_before(self) -> None:
        """What labels were taught with before is in the library."""
        names = self._session.photos.names

        def take(before: Taught) -> None:
            self._before = before
            self._show_counts()

        self._session.library.submit(
            lambda library: taught_before(library, names), take, self._session.library.report
        )

    @Slot()
    def _show_counts(self) -> None:
        if self.improve_dialog is not None and self.improve_dialog.isVisible():
            self._show_improve_counts(self.improve_dialog)
        if self.teach_dialog is not None and self.teach_dialog.isVisible():
            self._show_teach_counts(self.teach_dialog)

    def _show_improve_counts(self, dialog: ImproveDialog) -> None:
        model, table = self._session.models.model, self._session.photos
        if model is None:
            dialog.set_counts(_NO_MODEL, "", can_start=False)
            return
        said = decided_labels(table.columns(), model.categories)
        photos = self._corrections(model)
        ready = [one for one in photos.readiness() if can_validate(*one[1:])]
        dialog.set_counts(
            f"{photos_text(len(said.rows))} with {said.yes:,} labels that you accepted or "
            f"added and {said.no:,} that you rejected",
            readiness_text(photos.readiness()),
            can_start=bool(ready),
        )

    def _show_teach_counts(self, dialog: TeachDialog) -> None:
        rows = self._rows_of(dialog.label_name)
        text = f"{photos_text(len(rows.showing))} selected that show it"
        if len(rows.showing) < ENOUGH_POSITIVES:
            text += f"; {ENOUGH_POSITIVES} or more work best. Select them in the grid."
        rejected, without = len(rows.rejected), len(rows.rejected) + len(rows.others)
        can_start = len(rows.showing) >= FEWEST_POSITIVES and without > 0
        dialog.set_counts(text, without, rejected, can_start=can_start)

    def _rows_of(self, label: str) -> LabelRows:
        table = self._session.photos
        return rows_of_label(table.columns(), table.names, label, self._session.selection)

    def _corrections(self, model: ModelInfo) -> TeachPhotos:
        table = self._session.photos
        return photos_of_corrections(table.columns(), table.files(), model.categories, self._before)

    # Learning.

    @Slot()
    def _improve(self) -> None:
        dialog, model = self.improve_dialog, self._session.models.model
        if dialog is None or not self._may_start(dialog, model) or model is None:
            return
        self._rank_by = ""
        self._learn(dialog, model, self._corrections(model), f"{model.name} improved")

    @Slot()
    def _teach(self) -> None:
        dialog, model = self.teach_dialog, self._session.models.model
        if dialog is None or not self._may_start(dialog, model) or model is None:
            return
        table = self._session.photos
        label = table.names.label(dialog.label_name)
        if label in table.categories:
            dialog.show_intro(
                f"The model knows {display_text(label)} already. Accept and reject that label, "
                "then improve the model with your corrections."
            )
            return
        try:
            photos = photos_of_label(
                table.columns(),
                table.files(),
                (model.categories, label),
                self._rows_of(label),
                dialog.others.value(),
            )
        except EngineError as error:
            dialog.show_intro(str(error))
            return
        self._rank_by = label
        self._learn(dialog, model, photos, f"{model.name} + {label}")

    def _may_start(self, dialog: LearningDialog, model: ModelInfo | None) -> bool:
        problem = _NO_MODEL if model is None else _BUSY if self._runner.is_busy else ""
        if model is not None and model.is_onnx:
            problem = _ONLY_TAGS
        elif model is not None and not model.can_be_taught:
            problem = _NO_POSITIONS
        if problem:
            dialog.show_intro(problem)
        return not problem

    def _new_file(self) -> Path:
        self._forget()
        self._folder = OwnFolder()
        return self._folder.path / "model.safetensors"

    def _learn(
        self, dialog: LearningDialog, model: ModelInfo, photos: TeachPhotos, name: str
    ) -> None:
        self._photos = photos
        thresholds = self._session.thresholds
        new = DEFAULT_THRESHOLD if thresholds.uses_own else thresholds.common
        count = len(photos.categories) - len(model.categories)
        values = (*thresholds.of_model(model).tolist(), *(count * [new]))
        file = self._new_file()
        dialog.show_progress(None)
        self._runner.teach(
            lambda: photos.request(_source(model), name, file, values),
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
        self._note_examples()
        self._go_back()
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

    def _note_examples(self) -> None:
        """What the saved model has learned from cannot judge it, and is learned from again."""
        report, photos = self._report, self._photos
        if report is None or photos is None:
            return
        learned = [one.name for one in report.categories if one.after is not None]
        examples = photos.examples(learned)
        library = self._session.library
        library.submit(lambda it: it.note_examples(examples), None, library.report)
        self._load_before()
        label = self._rank_by
        if label:  # whoever selects photos for a label has said that they show it
            table = self._session.photos
            rows = [row for path in photos.showing() if (row := table.row_of(path)) is not None]
            self._session.decisions.decide(
                [row for row in rows if label not in table.verdicts(row)],
                {label: Verdict.ADDED},
                caption=f"teach {display_text(label)}",
            )

    @Slot(object, str)
    def _show_photos(self, paths: Sequence[Path], caption: str) -> None:
        table = self._session.photos
        rows = [row for path in paths if (row := table.row_of(path)) is not None]
        self._shown_caption = caption
        self._session.show_only(rows, caption)

    def _go_back(self) -> None:
        """Examples were looked at: show again what was shown before."""
        if self._shown_caption and self._session.shown.fixed_caption == self._shown_caption:
            self._session.go_back()
        self._shown_caption = ""

    def _discard(self, dialog: LearningDialog) -> None:
        self._go_back()
        self._report = None
        self._forget()
        dialog.show_intro("The new model was discarded; nothing has changed.")
        self._show_counts()

    @Slot(object)
    def _on_models_switched(self, _old: ModelInfo | None) -> None:
        model = self._session.models.model
        if self._rank_by and self._rank_by in self._session.photos.categories:
            self._session.shown.restore("", f"{SCORE}{self._rank_by}", descending=True)
            self._session.set_selection(())  # it was of those it learned from
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
                dialog.result_page.close_loader()
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


def readiness_text(labels: Sequence[tuple[str, int, int]]) -> str:
    """Which labels have enough to learn from, and how far the others are.

    Args:
        labels: names, and photos with and without each to judge by.
    """
    ready = [shown_label(name) for name, yes, no in labels if can_validate(yes, no)]
    near = sorted(
        (one for one in labels if not can_validate(*one[1:])), key=lambda one: -min(one[1:])
    )
    parts = []
    if ready:
        parts.append(f"These can learn: {', '.join(ready[:_NAMED])}{_more(len(ready))}.")
    if near:
        counts = ", ".join(
            f"{shown_label(n)} ({yes:,} yes, {no:,} no)" for n, yes, no in near[:_NAMED]
        )
        parts.append(f"These have too few and stay as they are: {counts}{_more(len(near))}.")
    return " ".join(parts)


def _more(count: int) -> str:
    return f" and {count - _NAMED:,} more" if count > _NAMED else ""
