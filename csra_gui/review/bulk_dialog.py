"""One label on many photos, with a look at what changes before it does."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QSize, Qt, QTimer, Slot
from PySide6.QtWidgets import (
    QComboBox,
    QCompleter,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLineEdit,
    QListWidget,
    QVBoxLayout,
    QWidget,
)

from csra_gui.base.jobs import JobSlot
from csra_gui.review.bulk_edit import MAX_SAMPLES, BulkEdit, BulkKind, BulkPreview, preview
from csra_gui.review.controller import ReviewController
from csra_gui.session.session import Session
from csra_gui.session.typed_labels import one_label_problem, unquoted
from csra_gui.widgets.labels import plain_label
from csra_gui.widgets.windows import fit_to_screen
from engine.library.columns import IntArray
from engine.library.filters.evaluation import LibraryView
from engine.texts import display_name, photos_text

_PAUSE_MS = 150
_KINDS = (
    (BulkKind.ADD, "Add a label"),
    (BulkKind.REMOVE, "Remove a label"),
    (BulkKind.REPLACE, "Replace a label by another"),
)


class BulkDialog(QDialog):
    """Adds, removes or replaces a label on the photos selected, or on all that are shown."""

    def __init__(
        self, session: Session, review: ReviewController, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Change labels of many photos")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._session = session
        self._review = review
        self._looking = JobSlot(session.jobs, "preview", self)
        session.pipeline.photos_reset.connect(self.reject)  # rows mean other photos from now on
        self._preview: BulkPreview | None = None
        self._planned: BulkEdit | None = None
        self.scope = QComboBox(self)
        self.kind = QComboBox(self)
        self.label = self._label_line("Label")
        self.replacement = self._label_line("New label")
        self.summary = plain_label("", self)
        self.samples = QListWidget(self)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel, self)
        self.apply = self.buttons.addButton("&Change", QDialogButtonBox.ButtonRole.AcceptRole)
        self._form = QFormLayout()
        self._timer = QTimer(self, singleShot=True, interval=_PAUSE_MS)
        self._timer.timeout.connect(self._look)
        self._fill()
        self._set_up_layout()
        self._connect()
        self._update()

    def _label_line(self, name: str) -> QLineEdit:
        line = QLineEdit(self)
        line.setMaxLength(200)
        line.setAccessibleName(name)
        completer = QCompleter(self._review.known_labels, line)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        completer.setFilterMode(Qt.MatchFlag.MatchContains)
        line.setCompleter(completer)
        return line

    def _fill(self) -> None:
        selected, shown = len(self._session.selection), len(self._session.shown)
        if selected > 1:
            self.scope.addItem(f"The {selected:,} photos selected", True)
        self.scope.addItem(
            "The photo shown" if shown == 1 else f"All {shown:,} photos shown", False
        )
        for kind, caption in _KINDS:
            self.kind.addItem(caption, kind)

    def _set_up_layout(self) -> None:
        self._form.addRow("&On:", self.scope)
        self._form.addRow("&Do:", self.kind)
        self._form.addRow("&Label:", self.label)
        self._form.addRow("&By:", self.replacement)
        self.samples.setAccessibleName("Photos that change")
        self.samples.setSelectionMode(QListWidget.SelectionMode.NoSelection)
        layout = QVBoxLayout(self)
        layout.addLayout(self._form)
        layout.addWidget(self.summary)
        layout.addWidget(self.samples, 1)
        layout.addWidget(self.buttons)
        fit_to_screen(self, QSize(460, 420))
        self.label.setFocus()

    def _connect(self) -> None:
        self.scope.activated.connect(self._update)
        self.kind.activated.connect(self._update)
        self.label.textChanged.connect(self._update)
        self.replacement.textChanged.connect(self._update)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self.accepted.connect(self._on_accepted)

    @property
    def edit(self) -> BulkEdit:
        """What is asked for now."""
        spelled = self._review.spelled
        kind: BulkKind = BulkKind(self.kind.currentData())
        replacement = self.replacement.text() if kind is BulkKind.REPLACE else ""
        return BulkEdit(kind, spelled(unquoted(self.label.text())), spelled(unquoted(replacement)))

    @Slot()
    def _update(self) -> None:
        replacing = self.kind.currentData() == BulkKind.REPLACE
        self._form.setRowVisible(self.replacement, replacing)
        self._looking.drop()
        self._show_preview(None)
        problem = self._problem()
        self.summary.setText(problem or "Looking…")
        if problem:
            self._timer.stop()
        else:
            self._timer.start()

    def _problem(self) -> str:
        edit = self.edit
        if not edit.label:
            return "Type a label."
        known = self._review.known_labels
        if problem := one_label_problem(self.label.text(), known):
            return problem
        if edit.kind is not BulkKind.REPLACE:
            return ""
        if not edit.replacement:
            return "Type the label that takes its place."
        if edit.replacement == edit.label:
            return "Both labels are the same."
        return one_label_problem(self.replacement.text(), known)

    @Slot()
    def _look(self) -> None:
        session, edit, rows = self._session, self.edit, self._rows()
        thresholds = np.asarray(session.thresholds.values, dtype=np.float32)
        each = np.broadcast_to(thresholds, (len(session.photos.categories),))
        view = LibraryView(session.photos.columns(), each)
        self._planned = edit
        self._looking.run(lambda: preview(view, rows, edit), self._show_preview)

    def _rows(self) -> IntArray:
        if self.scope.currentData():
            return np.array(self._session.selection, dtype=np.int64)
        return self._session.shown.rows

    def _show_preview(self, found: BulkPreview | None) -> None:
        self._preview = found
        self.samples.clear()
        count = 0 if found is None else len(found.rows)
        self.apply.setEnabled(count > 0)
        self.apply.setText(f"&Change {photos_text(count)}")
        if found is None:
            return
        self.summary.setText(_sentence(count, found.unchanged))
        paths = self._session.photos.paths
        for row in found.rows[:MAX_SAMPLES]:
            self.samples.addItem(display_name(paths[row]))
        if count > MAX_SAMPLES:
            self.samples.addItem(f"and {count - MAX_SAMPLES:,} more")

    @Slot()
    def _on_accepted(self) -> None:
        if self._preview is None or self._planned is None:
            return
        edit = self._planned
        verdicts = edit.verdicts(self._session.photos.categories)
        self._session.decisions.decide(self._preview.rows, verdicts, caption=edit.caption)
        self._review.tell_done(f"{photos_text(len(self._preview.rows))} changed.")
        self._review.note_labels(edit.replacement or edit.label)


def _sentence(count: int, unchanged: int) -> str:
    if not count:
        return "Nothing would change."
    changes = "One photo changes" if count == 1 else f"{count:,} photos change"
    stays = f", {unchanged:,} stay as they are" if unchanged else ""
    if unchanged == 1:
        stays = ", one stays as it is"
    return f"{changes}{stays}. You can undo it."
