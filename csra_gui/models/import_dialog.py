"""What a model file does not say of itself, asked of the person."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from csra_gui.base.tool_tips import tool_tip
from csra_gui.models.download_dialog import lam_box
from csra_gui.widgets.labels import plain_label
from engine.api.errors import MissingFactsError
from engine.api.onnx_network import PIXEL_SCALES, ScoreForm
from engine.api.values import ModelImport
from engine.texts import display_name, display_text

_LAM_HELP = "The file does not say λ, the weight of attention. Whoever made it knows; 0.1 is usual."
_PIXELS_HELP = (
    "It does not say how its pixels are scaled. Its description does, often as mean and std; with "
    "a wrong choice it names wrong things."
)
_SIZE_HELP = "It takes pictures of any size. Choose the one it was trained with."
_OUTPUT_HELP = "It has several outputs. Choose the one with a score for each label."
_HELPS = (
    ("lam", _LAM_HELP),
    ("pixels", _PIXELS_HELP),
    ("input size", _SIZE_HELP),
    ("output", _OUTPUT_HELP),
)
#: As people read them; the keys of ``PIXEL_SCALES``.
_PIXELS = {
    "imagenet": "ImageNet (mean 0.485, 0.456, 0.406)",
    "clip": "CLIP (mean 0.481, 0.458, 0.408)",
    "0..1": "0 to 1",
    "signed": "-1 to 1 (mean 0.5, std 0.5)",
    "0..255": "0 to 255",
    "0..255-bgr": "0 to 255, blue first (WD taggers)",
}
_SCORES: tuple[tuple[str, ScoreForm | None], ...] = (
    ("As it seems", None),
    ("Each label by itself", "logits"),
    ("One label for each photo", "softmax"),
    ("Shares from 0 to 1 already", "probabilities"),
)
_SCORES_TIP = (
    "What the numbers mean that the model gives. As it seems: shares where all are between 0 and 1 "
    "in a trial, else each label by itself. One label for each photo: for models that were trained "
    "to choose one, as on ImageNet."
)
_USUAL_SIZE = 224
_NAMES_FILTER = "Names (*.txt *.csv *.tsv *.json);;All (*)"


class FactsDialog(QDialog):
    """Asks for what is missing; ``answered`` and ``names`` have the answers."""

    def __init__(
        self, request: ModelImport, missing: MissingFactsError, parent: QWidget | None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Import a model")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._facts = frozenset(missing.facts)
        self._is_onnx = request.path.suffix.lower() == ".onnx"
        self.lam_editor = lam_box(self)
        self.names_editor = QLineEdit(self)
        self.names_editor.setAccessibleName("File of category names")
        self.names_editor.setPlaceholderText("A text with one name per line, CSV or JSON")
        self.pixels_chooser = QComboBox(self)
        self.size_editor = QSpinBox(self)
        self.output_chooser = QComboBox(self)
        self.scores_chooser = QComboBox(self)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel, self)
        self.start = self.buttons.addButton("&Import", QDialogButtonBox.ButtonRole.AcceptRole)
        self._fill(missing, request.onnx.scores)
        self._set_up_layout(display_name(request.path), self._questions(missing))
        self.names_editor.textChanged.connect(self._update_start)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self._update_start()

    def answered(self, request: ModelImport) -> ModelImport:
        """The request with what was asked for, but for the names."""
        onnx = request.onnx
        if "pixels" in self._facts:
            onnx = replace(onnx, scale=PIXEL_SCALES[self.pixels_chooser.currentData()])
        if "output" in self._facts:
            onnx = replace(onnx, output=self.output_chooser.currentText())
        if self._is_onnx:
            onnx = replace(onnx, scores=self.scores_chooser.currentData())
        return replace(
            request,
            lam=self.lam_editor.value() if "lam" in self._facts else request.lam,
            input_size=self.size_editor.value()
            if "input size" in self._facts
            else request.input_size,
            onnx=onnx,
        )

    @property
    def names(self) -> Path | None:
        """The file of category names, if it was asked for."""
        asked = "categories" in self._facts
        return Path(self.names_editor.text().strip()).expanduser() if asked else None

    def _fill(self, missing: MissingFactsError, scores: ScoreForm | None) -> None:
        for key, caption in _PIXELS.items():
            self.pixels_chooser.addItem(caption, key)
        self.size_editor.setRange(32, 4096)
        self.size_editor.setValue(_USUAL_SIZE)
        self.size_editor.setSuffix(" pixels")
        self.output_chooser.addItems(list(missing.outputs))
        for caption, form in _SCORES:
            self.scores_chooser.addItem(caption, form)
            if form == scores:  # as it was answered before
                self.scores_chooser.setCurrentIndex(self.scores_chooser.count() - 1)
        self.scores_chooser.setToolTip(tool_tip(_SCORES_TIP))

    def _questions(self, missing: MissingFactsError) -> list[str]:
        questions = [text for fact, text in _HELPS if fact in self._facts]
        if "categories" in self._facts:
            count = f"{missing.num_classes:,} " if missing.num_classes else ""
            questions.append(
                f"It tells {count}categories apart. Choose a file with their {count}names, in the "
                "model's order: a text with one name per line, a table or JSON."
            )
        return questions

    def _set_up_layout(self, name: str, questions: list[str]) -> None:
        layout = QVBoxLayout(self)
        for text in (name, *questions):
            label = plain_label(display_text(text), self)
            layout.addWidget(label)
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        rows = (
            ("&λ:", self.lam_editor, "lam" in self._facts),
            ("&Pixels:", self.pixels_chooser, "pixels" in self._facts),
            ("&Size:", self.size_editor, "input size" in self._facts),
            ("&Output:", self.output_chooser, "output" in self._facts),
            ("S&cores:", self.scores_chooser, self._is_onnx),
        )
        for caption, editor, is_asked in rows:
            form.addRow(caption, editor)
            form.setRowVisible(editor, is_asked)
        browse = QPushButton("&Browse…", self)
        browse.clicked.connect(self._browse)
        row = QHBoxLayout()
        row.addWidget(self.names_editor, 1)
        row.addWidget(browse)
        title = QLabel("&Names:", self)
        title.setBuddy(self.names_editor)
        form.addRow(title, row)
        form.setRowVisible(row, "categories" in self._facts)
        layout.addLayout(form)
        layout.addStretch(1)
        layout.addWidget(self.buttons)
        self.setMinimumWidth(420)

    @Slot()
    def _browse(self) -> None:
        dialog = QFileDialog(self, "Choose the names of the categories", "", _NAMES_FILTER)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.names_editor.setText)
        dialog.open()

    @Slot()
    def _update_start(self) -> None:
        asks_names = "categories" in self._facts
        self.start.setEnabled(not asks_names or bool(self.names_editor.text().strip()))
