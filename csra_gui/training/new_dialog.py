"""What to train: data, a model to start from, a preset, and every setting for those who want it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtWidgets import (
    QButtonGroup,
    QComboBox,
    QDialog,
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QRadioButton,
    QScrollArea,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from csra_gui.base.ask import ask_files
from csra_gui.base.jobs import JobRunner
from csra_gui.base.tool_tips import tool_tip
from csra_gui.evaluation.data_chooser import DataChooser
from csra_gui.session.decided_labels import DecidedLabels
from csra_gui.session.followed_links import FollowedLinks
from csra_gui.training.config_form import ConfigForm
from csra_gui.widgets.labels import heading, muted_label, plain_label
from csra_gui.widgets.windows import fit_to_screen
from engine.api.config import HeadKind, HeadTrainConfig
from engine.api.errors import ConfigError, EngineError
from engine.api.training import PRESET_STARTS, TEST_SPLIT, DatasetSource, ModelStart
from engine.api.training_config import PRESETS, TrainConfig
from engine.api.training_reports import chosen_on_test_text
from engine.texts import display_path, display_text, photos_text

_KEPT_APART = 0.2
_FOLDED, _UNFOLDED = QSize(660, 520), QSize(760, 700)
_LEARN_FROM = ("trainval", "train", "all")
_PRESETS: tuple[tuple[str, str, str], ...] = (
    (
        "quick",
        "Quick",
        "Only the last layer learns. Minutes on a computer without a graphics card.",
    ),
    ("recommended", "Recommended", "The whole network learns. Hours without a graphics card."),
    (
        "paper",
        "As in the paper",
        "The official recipe, step by step; a new model is a ResNet-101. Days without a graphics "
        "card.",
    ),
    (
        "paper-coco",
        "As in the paper, for COCO",
        "The official recipe for COCO; a new model is a ResNet-101 with six heads.",
    ),
    (
        "paper-wider",
        "As in the paper, for WIDER-Attribute",
        "The official recipe for WIDER-Attribute; a new model is a ViT-B/16 at 224 px.",
    ),
)
#: What can be started from beside the models: ImageNet weights, and a file that is asked for.
_NEW, _ASK = "", "\0"
_WEIGHTS = ("Weights (*.safetensors *.pth *.pt *.ckpt *.bin *.pth.tar)", "All files (*)")
#: Which heads a new model has; ``None`` is what the preset, or the model to start from, has.
_HEADS: tuple[tuple[HeadKind | None, str], ...] = (
    (None, "As the model to start from, or residual attention"),
    ("csra", "Residual attention (CSRA)"),
    ("gap", "Global average pooling"),
    ("ml-decoder", "ML-Decoder, which has no maps"),
)
_HEAD_TIP = (
    "What turns that which the network sees into scores. Residual attention and average pooling "
    "score each place of a photo, which the maps show. ML-Decoder looks at all places at once: no "
    "maps, and no single labels can be taught. Another head than that of the model starts anew."
)


@dataclass(frozen=True, eq=False)
class TrainingWish:
    """What the person wants to train.

    Attributes:
        name: of the new model.
        source: data set; ``None`` for the person's own labels.
        config: settings.
        start: where it starts.
    """

    name: str
    source: DatasetSource | None
    config: TrainConfig | HeadTrainConfig
    start: ModelStart


class NewTrainingDialog(QDialog):
    """Not modal: labels can be given while it is open.

    Signals:
        start_requested: a ``TrainingWish``.
    """

    start_requested = Signal(object)

    def __init__(
        self, jobs: JobRunner, links: FollowedLinks, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("New training")
        self.from_folder = QRadioButton("A &data set", self)
        self.from_labels = QRadioButton("My accepted and &rejected labels", self)
        self.data = DataChooser(jobs, links, self)
        self.validate_on = QComboBox(self)
        self.validation_text = muted_label("", self)
        self.labels_text = muted_label("", self)
        self.start_from = QComboBox(self)
        self.preset = QComboBox(self)
        self.preset_text = muted_label("", self)
        self.head = QComboBox(self)
        self.name = QLineEdit(self)
        self.advanced = QToolButton(self)
        self.form = ConfigForm(self)
        self.problem = plain_label("", self)
        self.start = QPushButton("&Check and start…", self)
        self.cancel = QPushButton("Cancel", self)
        self._scroll = QScrollArea(self)
        self._file: Path | None = None
        self._started_from: str | None = None
        self._set_up()
        self._connect()
        self._show_preset()
        self._show_data()

    def _set_up(self) -> None:
        group = QButtonGroup(self)
        for button in (self.from_folder, self.from_labels):
            group.addButton(button)
        self.from_labels.setChecked(True)
        self.validate_on.setAccessibleName("Images to validate on")
        self.start_from.setAccessibleName("Model to start from")
        self.name.setAccessibleName("Name of the new model")
        self.name.setText("My model")
        for key, caption, _ in _PRESETS:
            self.preset.addItem(caption, key)
        self.preset.setAccessibleName("Preset")
        for head, caption in _HEADS:
            self.head.addItem(caption, head)
        self.head.setAccessibleName("Head")
        self.head.setToolTip(tool_tip(_HEAD_TIP))
        self.advanced.setText("All se&ttings")
        self.advanced.setCheckable(True)
        self.advanced.setAutoRaise(True)
        self.advanced.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._scroll.setWidgetResizable(True)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._lay_out()
        self._fold(False)

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.addRow("&Validate on", self.validate_on)
        form.addRow("", self.validation_text)
        more = QFormLayout()
        more.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        more.addRow("Start &from", self.start_from)
        more.addRow("&Preset", self.preset)
        more.addRow("", self.preset_text)
        more.addRow("&Head", self.head)
        more.addRow("&Name", self.name)
        buttons = QHBoxLayout()
        buttons.addWidget(self.problem, 1)
        buttons.addWidget(self.start)
        buttons.addWidget(self.cancel)
        content = QWidget(self)
        layout = QVBoxLayout(content)
        layout.addWidget(heading("Learn from", self))
        layout.addWidget(self.from_labels)
        layout.addWidget(self.labels_text)
        layout.addWidget(self.from_folder)
        layout.addWidget(self.data)
        layout.addLayout(form)
        layout.addSpacing(8)
        layout.addWidget(heading("How", self))
        layout.addLayout(more)
        layout.addWidget(self.advanced)
        layout.addWidget(self.form)
        layout.addStretch(1)
        self._scroll.setWidget(content)
        whole = QVBoxLayout(self)
        whole.addWidget(self._scroll, 1)
        whole.addLayout(buttons)
        self.start.setDefault(True)

    def _connect(self) -> None:
        self.from_folder.toggled.connect(self._show_data)
        self.data.data_changed.connect(self._on_data_changed)
        self.data.refused.connect(self.problem.setText)
        self.data.split.currentIndexChanged.connect(self._offer_validation)
        self.validate_on.currentIndexChanged.connect(self._show_validation)
        self.preset.currentIndexChanged.connect(self._show_preset)
        self.start_from.activated.connect(self._on_start_from_activated)
        self.advanced.toggled.connect(self._fold)
        self.form.changed.connect(self._check)
        self.start.clicked.connect(self._on_start_clicked)
        self.cancel.clicked.connect(self.close)

    # What there is.

    def set_labels(self, labels: DecidedLabels) -> None:
        """Say how many labels of the person's own there are."""
        self.labels_text.setText(
            f"{photos_text(len(labels.rows))} with {labels.yes:,} labels that are there and "
            f"{labels.no:,} that certainly are not. Labels that you have not looked at do not "
            "count; a fifth of the photos is kept apart to validate on."
        )
        self.from_labels.setEnabled(bool(labels.yes))
        if not labels.yes:
            self.from_folder.setChecked(True)

    def set_models(self, names: Sequence[str], used: str) -> None:
        """Offer these models to start from."""
        chosen = used if self._started_from is None else self._started_from
        self.start_from.clear()
        for name in names:
            self.start_from.addItem(display_text(name), name)
        self.start_from.addItem("A new model (ImageNet weights)", _NEW)
        if self._file is not None:
            self.start_from.addItem(display_text(self._file.name), str(self._file))
        self.start_from.addItem("A file of weights…", _ASK)
        self._start_with(chosen)
        if not self.isVisible():  # nobody has touched the settings
            self._show_preset()

    # What is wanted.

    def wish(self) -> TrainingWish:
        """What is chosen.

        Raises:
            ConfigError: something is missing or makes no sense.
        """
        name = self.name.text().strip()
        if not name:
            raise ConfigError("Give the new model a name.")
        start = PRESET_STARTS[str(self.preset.currentData())]
        start = replace(start, model=self._started_from or None, head=self.head.currentData())
        return TrainingWish(name, self._source(), self.form.config(), start)

    def _source(self) -> DatasetSource | None:
        if self.from_labels.isChecked():
            return None
        data = self.data.data
        if data is None:
            raise ConfigError("Choose the folder of the data set.")
        root, split = Path(self.data.folder.text().strip()).expanduser(), self.data.chosen_split
        follow = self.data.links.is_followed
        validation = self.validate_on.currentData()
        if validation:
            return DatasetSource(data.kind, root, split, str(validation), follow_links=follow)
        return DatasetSource(data.kind, root, split, val_fraction=_KEPT_APART, follow_links=follow)

    @Slot()
    def _on_start_clicked(self) -> None:
        try:
            wish = self.wish()
        except EngineError as error:
            self.problem.setText(str(error))
            return
        self.start_requested.emit(wish)

    def refuse(self, text: str) -> None:
        """Say why it does not start."""
        self.problem.setText(text)

    @Slot()
    def _on_start_from_activated(self) -> None:
        if self.start_from.currentData() != _ASK:
            self._start_with(str(self.start_from.currentData()))
            self._show_preset()
            return
        self._start_with(self._started_from or _NEW)  # what is asked may be cancelled
        folder = "" if self._file is None else str(self._file.parent)
        ask_files(
            self,
            "Start from the weights of a backbone or a model",
            _WEIGHTS,
            lambda files: self.start_from_file(files[0]),
            folder,
            several=False,
        )

    def start_from_file(self, file: Path) -> None:
        """Start from a file; what it holds is seen when the training begins."""
        known = self.start_from.findData(_ASK)
        if self._file is not None:
            known -= 1
            self.start_from.removeItem(known)
        self._file = file
        self.start_from.insertItem(known, display_text(file.name), str(file))
        tip = tool_tip(display_path(file))
        self.start_from.setItemData(known, tip, Qt.ItemDataRole.ToolTipRole)
        self._start_with(str(file))
        self._show_preset()

    def _start_with(self, data: str) -> None:
        self.start_from.setCurrentIndex(max(0, self.start_from.findData(data)))
        self._started_from = str(self.start_from.currentData())

    # How it looks.

    @Slot()
    def _show_data(self) -> None:
        is_folder = self.from_folder.isChecked()
        self.data.setEnabled(is_folder)
        self.validate_on.setEnabled(is_folder)
        self._show_validation()
        self.problem.clear()

    @Slot()
    def _on_data_changed(self) -> None:
        self.problem.clear()
        data = self.data.data
        if data is not None:
            wishes = [split for split in _LEARN_FROM if split in data.splits]
            if wishes:
                self.data.split.setCurrentIndex(self.data.split.findData(wishes[0]))
        self._offer_validation()

    @Slot()
    def _offer_validation(self) -> None:
        data, split = self.data.data, self.data.chosen_split
        self.validate_on.clear()
        for name in () if data is None else data.splits:
            if name != split and not (split == "trainval" and name in ("train", "val")):
                self.validate_on.addItem(f"the split {name}", name)
        self.validate_on.addItem("a fifth of the images, kept apart", "")
        best = self.validate_on.findData("val")
        self.validate_on.setCurrentIndex(best if best >= 0 else self.validate_on.count() - 1)

    @Slot()
    def _show_validation(self) -> None:
        is_test = self.validate_on.currentData() == TEST_SPLIT and self.validate_on.isEnabled()
        self.validation_text.setVisible(is_test)
        self.validation_text.setText(chosen_on_test_text("the test split") if is_test else "")

    @Slot()
    def _show_preset(self) -> None:
        key = str(self.preset.currentData())
        self.preset_text.setText(next(text for name, _, text in _PRESETS if name == key))
        keeps = self._started_from not in (None, _NEW, str(self._file))
        self.form.set_config(HeadTrainConfig(keep_start=keeps) if key == "quick" else PRESETS[key])
        self._check()

    @Slot(bool)
    def _fold(self, on: bool) -> None:
        self.advanced.setArrowType(Qt.ArrowType.DownArrow if on else Qt.ArrowType.RightArrow)
        self.form.setVisible(on)
        fit_to_screen(self, _UNFOLDED if on else _FOLDED)

    @Slot()
    def _check(self) -> None:
        try:
            self.form.config()
        except ConfigError as error:
            self.problem.setText(str(error))
        else:
            self.problem.clear()
