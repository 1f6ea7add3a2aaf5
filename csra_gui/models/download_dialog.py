"""Before a download: what it is, the terms of use, and the agreement where they ask for one."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Slot
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QDoubleSpinBox,
    QFormLayout,
    QVBoxLayout,
    QWidget,
)

from csra_gui.base.tool_tips import tool_tip
from csra_gui.models.manager import DownloadOrder
from csra_gui.widgets.fact_sheet import FactSheet
from csra_gui.widgets.windows import fit_to_screen
from engine.records.catalogue import CatalogueEntry
from engine.texts import megabytes

_DEFAULT_LAM = 0.1
_MAX_LAM = 10.0


class DownloadDialog(QDialog):
    """Asks before anything is sent or received; ``order`` is what the person agreed to."""

    def __init__(self, entry: CatalogueEntry, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Download a model")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._entry = entry
        self.sheet = FactSheet(self)
        self.sheet.setAccessibleName("About the download")
        self.sheet.set_facts(entry.title, _facts(entry))
        self.agreed = QCheckBox("I agree to the &terms of use", self)
        self.agreed.setVisible(entry.terms.must_accept)
        self.lam = lam_box(self)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel, self)
        self.start = self.buttons.addButton("&Download", QDialogButtonBox.ButtonRole.AcceptRole)
        self._set_up_layout()
        self.agreed.toggled.connect(self._update_start)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self._update_start()
        fit_to_screen(self, QSize(460, 340))

    @property
    def order(self) -> DownloadOrder:
        """What to download."""
        return DownloadOrder(self._entry, self.lam.value() if self._asks_lam else None)

    @property
    def _asks_lam(self) -> bool:
        return self._entry.kind == "official" and self._entry.lam is None

    def _set_up_layout(self) -> None:
        layout = QVBoxLayout(self)
        layout.addWidget(self.sheet, 1)
        form = QFormLayout()
        form.addRow("&λ, the weight of attention:", self.lam)
        form.setRowVisible(self.lam, self._asks_lam)
        layout.addLayout(form)
        layout.addWidget(self.agreed)
        layout.addWidget(self.buttons)

    @Slot()
    def _update_start(self) -> None:
        self.start.setEnabled(self.agreed.isChecked() or not self._entry.terms.must_accept)


def lam_box(parent: QWidget) -> QDoubleSpinBox:
    """An editor of λ."""
    box = QDoubleSpinBox(parent)
    box.setRange(0.0, _MAX_LAM)
    box.setSingleStep(0.1)
    box.setDecimals(2)
    box.setValue(_DEFAULT_LAM)
    box.setAccessibleName("λ, the weight of attention")
    box.setToolTip(tool_tip("How much the places a head looks at count beside the whole photo."))
    return box


def _facts(entry: CatalogueEntry) -> list[tuple[str, str]]:
    size = "unknown until the server says it"
    if entry.source.size:
        size = megabytes(entry.source.size)
    return [
        ("Terms of use", entry.terms.text),
        ("Comes from", entry.source.host),
        ("Size", size),
        *([("Note", entry.note)] if entry.note else []),
    ]
