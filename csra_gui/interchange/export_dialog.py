"""What to export: which photos, whose tags, and for which program."""

from __future__ import annotations

from PySide6.QtCore import QSize, Signal, Slot
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QListWidget,
    QListWidgetItem,
    QVBoxLayout,
    QWidget,
)

from csra_gui.base.settings import EXPORT_FORMAT, EXPORT_LABELS, Settings
from csra_gui.interchange.export_job import ExportRequest
from csra_gui.interchange.scopes import photo_scopes
from csra_gui.session.session import Session
from csra_gui.widgets.labels import muted_label, plain_label
from csra_gui.widgets.windows import fit_to_screen
from engine.interchange.exporting.formats import FORMATS, ExportFormat
from engine.interchange.exporting.values import ExportOptions, WhichLabels

_WHICH = (
    (WhichLabels.ACCEPTED, "Accepted or added by you"),
    (WhichLabels.BOTH, "Yours, and the machine's"),
    (WhichLabels.MACHINE, "The machine's alone"),
)
_REJECTED = "Tags that you rejected are never written as tags of a photo."


class ExportDialog(QDialog):
    """Asks everything but the place.

    Signals:
        export_requested: an ``ExportRequest``.
    """

    export_requested = Signal(object)

    def __init__(self, session: Session, settings: Settings, parent: QWidget | None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Export tags")
        self._settings = settings
        self.scope = QComboBox(self)
        self.which = QComboBox(self)
        self.formats = QListWidget(self)
        self.hint = muted_label("", self)
        self.bom = QCheckBox("For E&xcel (which else takes accents for something else)", self)
        self.all_scores = QCheckBox(
            "E&very score: a row for each label, also where it is absent", self
        )
        self.copies = QCheckBox("&Copy the photos (otherwise links lead to them)", self)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel, self)
        self.buttons.addButton("&Export…", QDialogButtonBox.ButtonRole.AcceptRole)
        self._fill(session)
        self._set_up_layout()
        self.formats.currentRowChanged.connect(self._update)
        self.formats.itemActivated.connect(self.accept)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self.accepted.connect(self._on_accepted)
        self._update()

    @property
    def format(self) -> ExportFormat:
        """The format that is chosen."""
        return list(FORMATS.values())[max(0, self.formats.currentRow())]

    @property
    def request(self) -> ExportRequest:
        """What is chosen."""
        form = self.format
        return ExportRequest(
            self.scope.currentData(),
            WhichLabels(self.which.currentData()),
            form.name,
            ExportOptions(
                bom=form.name == "csv" and self.bom.isChecked(),
                copies=form.has_pictures and self.copies.isChecked(),
                all_scores=form.name == "csv" and self.all_scores.isChecked(),
            ),
        )

    def _fill(self, session: Session) -> None:
        for text, rows in photo_scopes(session):
            self.scope.addItem(text, rows)
        for which, caption in _WHICH:
            self.which.addItem(caption, which.value)
        self.which.setCurrentIndex(self.which.findData(self._settings.value(EXPORT_LABELS)))
        for form in FORMATS.values():
            QListWidgetItem(form.title, self.formats)
        wanted = str(self._settings.value(EXPORT_FORMAT))
        self.formats.setCurrentRow(list(FORMATS).index(wanted) if wanted in FORMATS else 0)

    def _set_up_layout(self) -> None:
        self.formats.setAccessibleName("Format")
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow("&Photos:", self.scope)
        form.addRow("&Tags:", self.which)
        form.addRow("&Format:", self.formats)
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        boxes = (self.bom, self.all_scores, self.copies)
        for widget in (self.hint, *boxes, plain_label(_REJECTED, self)):
            layout.addWidget(widget)
        layout.addWidget(self.buttons)
        fit_to_screen(self, QSize(480, 460))
        self.formats.setFocus()

    @Slot()
    def _update(self) -> None:
        form = self.format
        self.hint.setText(form.hint)
        for box in (self.bom, self.all_scores):
            box.setVisible(form.name == "csv")
        self.copies.setVisible(form.has_pictures)

    @Slot()
    def _on_accepted(self) -> None:
        request = self.request
        self._settings.set_value(EXPORT_FORMAT, request.format_name)
        self._settings.set_value(EXPORT_LABELS, request.which.value)
        self.export_requested.emit(request)
