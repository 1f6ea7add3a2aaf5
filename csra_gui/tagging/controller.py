"""Shows what could not be tagged, asks how to tag again, and what of it shall count."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QWidget

from csra_gui.base.settings import RETAG_MODE, Settings
from csra_gui.session.retag_plan import Difference, RetagMode, RetagPlan
from csra_gui.session.session import Session
from csra_gui.tagging.difference_dialog import DifferenceDialog
from csra_gui.tagging.left_out_dialog import LeftOutDialog
from csra_gui.tagging.problems_dialog import Problem, ProblemsDialog
from csra_gui.tagging.retag_dialog import FolderChoice, RetagDialog
from csra_gui.widgets.notifier import Notifier, Remedy, Topic
from engine.records.models import default_store, shipped_models

_NO_CHANGE = "The photos were tagged again, and no label changes."


class TaggingController(QObject):
    """The dialogs around tagging; none of them waits."""

    def __init__(
        self, session: Session, settings: Settings, notifier: Notifier, window: QWidget
    ) -> None:
        super().__init__(window)
        self._session = session
        self._settings = settings
        self._notifier = notifier
        self._window = window
        self._shown_caption = ""
        session.retagger.ready.connect(self._on_retagger_ready)
        session.retagger.settled.connect(self._on_retagger_settled)
        for fact in (
            session.pipeline.photos_reset,
            session.tagger.started,
            session.models.state_changed,
        ):
            fact.connect(self._close_what_is_void)

    @Slot()
    def show_problems(self) -> None:
        """The photos and folders that could not be read."""
        photos = self._session.photos
        problems = [Problem(photos.paths[row], text, True) for row, text in photos.errors.items()]
        problems += [Problem(skip.path, skip.message) for skip in self._session.pipeline.skipped]
        dialog = ProblemsDialog(problems, self._window)
        dialog.photo_chosen.connect(self._session.chosen.go_to)
        self._session.pipeline.photos_reset.connect(dialog.close)
        dialog.show()

    @Slot()
    def show_left_out(self) -> None:
        """The files of kinds that cannot be opened."""
        session = self._session
        LeftOutDialog(tuple(session.pipeline.left_out), session.jobs, self._window).show()

    @Slot()
    def ask_retag(self) -> None:
        """Open the dialog, once a worker knows which models there are."""
        self._session.jobs.run(_known_models, "list models", self._show_dialog)

    def _show_dialog(self, known: dict[str, Path]) -> None:
        model = self._session.models.model
        if model is None or not len(self._session.photos):
            return
        others = [name for name, path in known.items() if path != model.path]
        models = [model.name, *others]
        mode = RetagMode(self._settings.value(RETAG_MODE))
        dialog = RetagDialog(models, self._folders(), mode, self._window)
        dialog.chosen.connect(self._on_dialog_chosen)
        self._session.pipeline.photos_reset.connect(dialog.reject)
        dialog.open()

    def _folders(self) -> list[FolderChoice]:
        columns, there = self._session.photos.columns(), ~self._session.photos.gone
        counts = np.bincount(columns.folder_of[there], minlength=len(columns.folders)).tolist()
        return [FolderChoice(*each) for each in zip(columns.folders, counts, strict=True)]

    @Slot(object)
    def _on_dialog_chosen(self, plan: RetagPlan) -> None:
        self._settings.set_value(RETAG_MODE, plan.mode.value)
        self._session.retag(plan)

    @Slot(object)
    def _on_retagger_ready(self, difference: Difference) -> None:
        self._notifier.clear(Topic.TAGGING)
        if not difference.changes():
            self._session.retagger.accept(())
            self._notifier.info(_NO_CHANGE, Topic.TAGGING)
            return
        dialog = DifferenceDialog(difference, self._session.photos, self._window)
        dialog.accepted_categories.connect(self._session.retagger.accept)
        dialog.discarded.connect(self._session.retagger.discard)
        dialog.photo_chosen.connect(self._session.go_to)
        dialog.photos_chosen.connect(self._show_photos)
        dialog.finished.connect(lambda: self._remind(dialog, difference))
        dialog.show()

    @Slot(object, str)
    def _show_photos(self, rows: tuple[int, ...], caption: str) -> None:
        self._shown_caption = caption
        self._session.show_only(rows, caption)

    @Slot()
    def _on_retagger_settled(self) -> None:
        """What would have changed has, or never will: show again what was shown before."""
        if self._shown_caption and self._session.shown.fixed_caption == self._shown_caption:
            self._session.go_back()
        self._shown_caption = ""

    def _remind(self, dialog: DifferenceDialog, difference: Difference) -> None:
        """Whoever only closed the dialog can come back to it."""
        if dialog.is_decided or self._session.retagger.difference is not difference:
            return
        text = "The photos were tagged again; nothing counts before you accept it."
        remedy = Remedy("Review…", lambda: self._on_retagger_ready(difference))
        self._notifier.info(text, Topic.TAGGING, remedy)

    @Slot()
    def _close_what_is_void(self) -> None:
        """What could be accepted is no more."""
        for dialog in self._window.findChildren(DifferenceDialog):
            if self._session.retagger.difference is None:
                dialog.close()


def _known_models() -> dict[str, Path]:
    models = shipped_models() | default_store().models()
    return {name: path.resolve() for name, path in models.items()}
