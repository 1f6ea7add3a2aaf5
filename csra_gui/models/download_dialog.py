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

from csra_gui.base.settings import FOLD_MODEL_DETAILS, Settings
from csra_gui.base.tool_tips import tool_tip
from csra_gui.models.entries import ModelEntry
from csra_gui.models.manager import DownloadOrder
from csra_gui.models.plain_words import size_text, what_it_names
from csra_gui.widgets.fact_sheet import FactSheet
from csra_gui.widgets.fold import Fold
from csra_gui.widgets.windows import fit_to_screen
from engine.records.catalogue import CatalogueEntry

_TERMS = "Terms of use"
_DEFAULT_LAM = 0.1
_MAX_LAM = 10.0


class DownloadDialog(QDialog):
    """Asks before anything is sent or received; ``order`` is what the person agreed to."""

    def __init__(
        self, model: ModelEntry, settings: Settings, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Download a model")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        if model.entry is None:
            raise ValueError(f"{model.name} cannot be downloaded")
        self._entry = entry = model.entry
        self.sheet = FactSheet(self)
        self.sheet.setAccessibleName("About the download")
        self.sheet.set_facts(entry.id, _facts(model, entry))
        self.details = FactSheet(self)
        self.details.setAccessibleName("Details of the download")
        self.details.set_facts("", [fact for fact in model.details if fact[0] != _TERMS])
        self.fold = Fold("Details", self.details, settings, FOLD_MODEL_DETAILS, self)
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
        layout.addWidget(self.sheet, 3)
        layout.addWidget(self.fold, 2)
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


def _facts(model: ModelEntry, entry: CatalogueEntry) -> list[tuple[str, str]]:
    size = size_text(model.size, is_guess=model.is_size_guess)
    facts = [
        ("It names", what_it_names(model.categories)),
        ("Size of the download", size or "unknown until the server says it"),
        ("Comes from", entry.source.host),
        (_TERMS, entry.terms.text),
        ("Note", entry.note or ""),
    ]
    return [(caption, text) for caption, text in facts if text]
