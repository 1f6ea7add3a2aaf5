"""The models: which there are, what is known of each, and what can be done with them."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QEvent, QSize, Qt, Signal, Slot
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import (
    QDialog,
    QLineEdit,
    QPushButton,
    QSplitter,
    QVBoxLayout,
    QWidget,
)
from typing_extensions import override

from csra_gui.base.settings import FOLD_MODEL_DETAILS, Settings
from csra_gui.base.tool_tips import tool_tip
from csra_gui.models.backend_button import BackendButton
from csra_gui.models.entries import ModelEntry, Place
from csra_gui.models.manager import ModelManager
from csra_gui.models.model_tree import ModelLine, ModelSection, ModelTree
from csra_gui.models.plain_words import (
    kinds_in_short,
    names_by_kind,
    size_text,
    speed_beside,
    what_it_names,
)
from csra_gui.session.session import Session
from csra_gui.widgets.activity_bar import ActivityRow
from csra_gui.widgets.fact_sheet import FactSheet
from csra_gui.widgets.fold import Fold
from csra_gui.widgets.message_bar import MessageBar
from csra_gui.widgets.notifier import Notifier
from csra_gui.widgets.windows import button_row, fit_to_screen
from engine.api.label_names import SHIPPED_NAMES
from engine.texts import NOTHING, display_text, number, percent, rate_text

_SIZE = QSize(1040, 620)
_STATES = {
    Place.HERE: "here",
    Place.BROKEN: "cannot be used",
    Place.AWAY: "can be downloaded",
    Place.PARTLY: "partly downloaded",
    Place.DOWNLOADED: "downloaded, not imported",
}
_DOWNLOAD_TEXTS = {
    Place.PARTLY: "&Continue downloading…",
    Place.DOWNLOADED: "&Import the download…",
}

_FASTER_TIP = (
    "Makes the model compute in whole numbers (int8), several times as fast on many computers, and "
    "measures on photos whose labels are known what that costs."
)
_ONLY_TAGS = "It was imported from ONNX: it tags and is evaluated, and nothing else."

#: Unfolded, they show some lines and scroll.
_DETAILS_HEIGHT = 110


class ModelsDialog(QDialog):
    """Not modal: the window stays usable, and work goes on when this is closed.

    Signals (wishes; each carries the ``ModelEntry`` it is about, but for import):
        use_requested, download_requested, faster_requested, export_requested, remove_requested.
        import_requested: the person wants to choose a file.
        backend_requested: what shall run the model: its entry, and a backend or nothing.
        precision_requested: whether the model shall run in int8: its entry, and that.
    """

    use_requested = Signal(object)
    download_requested = Signal(object)
    import_requested = Signal()
    faster_requested = Signal(object)
    export_requested = Signal(object)
    remove_requested = Signal(object)
    backend_requested = Signal(object, str)
    precision_requested = Signal(object, bool)

    def __init__(
        self, session: Session, manager: ModelManager, settings: Settings, parent: QWidget
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Models")
        self._session = session
        self._manager = manager
        self._wanted = ""
        self.filter = QLineEdit(self)
        self.tree = ModelTree(self)
        self.sheet = FactSheet(self)
        self.details = FactSheet(self)
        self.fold = Fold("Details", self.details, settings, FOLD_MODEL_DETAILS, self)
        self.message_bar = MessageBar(self)
        self.notifier = Notifier(self.message_bar, self)
        self.activity_row = ActivityRow(manager.activity, self)
        self.use = QPushButton("&Use this model", self)
        self.download = QPushButton("&Download…", self)
        self.import_file = QPushButton("I&mport file…", self)
        self.run_with = BackendButton(self)
        self.faster = QPushButton("Make &faster…", self)
        self.faster.setToolTip(tool_tip(_FASTER_TIP))
        self.export = QPushButton("&Export…", self)
        self.remove = QPushButton("&Remove…", self)
        self.close_button = QPushButton("Close", self)
        self._set_up_layout()
        self._connect()
        self._show_entries()
        fit_to_screen(self, _SIZE)

    @property
    def current(self) -> ModelEntry | None:
        """The model whose details are shown."""
        name = self.tree.current_name
        return next((m for m in self._manager.entries.models if m.name == name), None)

    def show_model(self, name: str) -> None:
        """Go to a model as soon as it is in the list."""
        self._wanted = name
        self._go_to_wanted()

    def _go_to_wanted(self) -> None:
        self.tree.set_current_name(self._wanted)
        if self.tree.current_name == self._wanted:
            self._wanted = ""

    def _set_up_layout(self) -> None:
        self.filter.setPlaceholderText("Filter by name, label, data set or network")
        self.filter.setClearButtonEnabled(True)
        self.filter.setAccessibleName("Filter the models")
        self.sheet.setAccessibleName("What the model is")
        splitter = QSplitter(Qt.Orientation.Vertical, self)
        splitter.addWidget(self.tree)
        below = QWidget(self)
        column = QVBoxLayout(below)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.sheet, 1)
        column.addWidget(self.fold)
        self.details.setAccessibleName("Details of the model")
        splitter.addWidget(below)
        splitter.setChildrenCollapsible(False)
        splitter.setStretchFactor(0, 3)
        splitter.setStretchFactor(1, 2)
        for part, least in ((self.tree, 60), (self.sheet, 60), (self.details, _DETAILS_HEIGHT)):
            part.setMinimumHeight(least)
        buttons = button_row(
            self.use,
            self.download,
            self.import_file,
            self.run_with,
            self.faster,
            self.export,
            self.remove,
            close=self.close_button,
        )
        layout = QVBoxLayout(self)
        layout.addWidget(self.message_bar)
        layout.addWidget(self.filter)
        layout.addWidget(splitter, 1)
        layout.addWidget(self.activity_row)
        layout.addLayout(buttons)

    def _connect(self) -> None:
        self.filter.textChanged.connect(self.tree.set_filter)
        self.tree.current_name_changed.connect(self._show_current)
        self.tree.name_activated.connect(self._on_tree_name_activated)
        self._manager.entries_changed.connect(self._show_entries)
        self._manager.work_started.connect(self._update_buttons)
        self._manager.work_ended.connect(self._update_buttons)
        self._session.models.state_changed.connect(self._show_entries)
        self.import_file.clicked.connect(self.import_requested)
        self.run_with.backend_chosen.connect(self._on_run_with_backend_chosen)
        self.run_with.precision_chosen.connect(self._on_run_with_precision_chosen)
        for button, wish in (
            (self.use, self.use_requested),
            (self.download, self.download_requested),
            (self.faster, self.faster_requested),
            (self.export, self.export_requested),
            (self.remove, self.remove_requested),
        ):
            button.clicked.connect(lambda _checked=False, wish=wish: wish.emit(self.current))

    # What is shown.

    @Slot()
    def _show_entries(self) -> None:
        models = self._manager.entries.models
        here = [m for m in models if m.place in (Place.HERE, Place.BROKEN) and m.kind != "backbone"]
        away = [m for m in models if m not in here and m.kind != "backbone"]
        backbones = [m for m in models if m.kind == "backbone"]
        self.tree.set_sections(
            [
                ModelSection("On this computer", self._lines(here)),
                ModelSection("Can be downloaded", self._lines(away)),
                ModelSection("Backbones, to train from", self._lines(backbones), is_open=False),
            ]
        )
        used = next((m for m in models if self._is_used(m)), None)
        if self.tree.current_name is None and used is not None:
            self.tree.set_current_name(used.name)
        if self._wanted:
            self._go_to_wanted()
        self._show_current()

    def _lines(self, models: list[ModelEntry]) -> tuple[ModelLine, ...]:
        return tuple(
            ModelLine(m.name, self._cells(m), self._is_used(m), _searched(m)) for m in models
        )

    def _cells(self, model: ModelEntry) -> tuple[str, ...]:
        values = (
            model.name,
            "in use" if self._is_used(model) else _STATES[model.place],
            what_it_names(model.categories),
            _quality(model),
            size_text(model.size, is_guess=model.is_size_guess),
            self._speed(model),
        )
        return tuple(display_text(value) or NOTHING for value in values)

    def _speed(self, model: ModelEntry) -> str:
        """Beside the model in use; of that one itself, how quick it was here."""
        used = next((m for m in self._manager.entries.models if self._is_used(m)), None)
        if used is not None and used is model and model.path is not None:
            return rate_text(self._session.tagger.rates.get(model.path, 0.0))
        return speed_beside(model.work, None if used is None else used.work)

    @Slot()
    def _show_current(self) -> None:
        model = self.current
        self.fold.setVisible(model is not None and bool(model.details))
        if model is None:
            self.sheet.set_facts("Choose a model to see what is known of it.", ())
        else:
            self.sheet.set_facts(display_text(model.name), _shown(self._plain(model)))
            self.details.set_facts("", _shown(model.details))
        self._update_buttons()

    def _plain(self, model: ModelEntry) -> list[tuple[str, str]]:
        facts = [("What is wrong", model.problem)]
        names = [] if model.categories is None else names_by_kind(model.categories)
        if model.is_usable:
            said = kinds_in_short(model.categories, can_learn=model.can_be_taught)
            facts.append(("What it knows", said))
        facts += model.plain if len(names) > 1 else [*names, *model.plain]
        sizes = (size_text(model.size, is_guess=model.is_size_guess), self._speed(model))
        facts.append(("Size and speed", " · ".join(text for text in sizes if text)))
        facts += names if len(names) > 1 else []  # a long list hides nothing below it
        return [(caption, text) for caption, text in facts if text]

    @Slot()
    def _update_buttons(self) -> None:
        model, free = self.current, self._manager.work is None
        used = model is not None and self._is_used(model)
        usable = model is not None and model.is_usable
        gettable = model is not None and model.entry is not None
        missing = model is not None and model.place not in (Place.HERE, Place.BROKEN)
        place = Place.HERE if model is None else model.place
        self.use.setEnabled(usable and not used)
        self.download.setText(_DOWNLOAD_TEXTS.get(place, "&Download…"))
        self.download.setEnabled(gettable and missing and free)
        self.import_file.setEnabled(free)
        ours = usable and model is not None and not model.is_onnx
        self.run_with.setEnabled(ours)
        self.run_with.set_chosen("" if model is None else model.runs_with)
        self.run_with.set_int8(model)
        self.faster.setEnabled(ours and free)
        self.export.setEnabled(ours and free)
        only_tags = usable and not ours
        self.faster.setToolTip(tool_tip(_ONLY_TAGS if only_tags else _FASTER_TIP))
        self.export.setToolTip(tool_tip(_ONLY_TAGS if only_tags else ""))
        self.remove.setEnabled(model is not None and model.is_removable and not used and free)
        self.remove.setToolTip(tool_tip(self._why_not_removable(model, used=used)))

    @Slot(str)
    def _on_run_with_backend_chosen(self, backend: str) -> None:
        if self.current is not None:
            self.backend_requested.emit(self.current, backend)

    @Slot(bool)
    def _on_run_with_precision_chosen(self, int8: bool) -> None:
        if self.current is not None:
            self.precision_requested.emit(self.current, int8)

    @staticmethod
    def _why_not_removable(model: ModelEntry | None, *, used: bool) -> str:
        if model is not None and model.kind == "shipped":
            return "It ships with the program."
        return "It is in use. Use another model first." if used else ""

    def _is_used(self, model: ModelEntry) -> bool:
        used = self._session.models.model
        return used is not None and model.path is not None and used.path == model.path

    @Slot(str)
    def _on_tree_name_activated(self, _name: str) -> None:
        for button in (self.use, self.download):
            if button.isEnabled():
                button.click()
                return

    @override
    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        # The command line may have made or removed something meanwhile.
        if event.type() == QEvent.Type.ActivationChange and self.isActiveWindow():
            self._manager.refresh()

    @override
    def closeEvent(self, event: QCloseEvent) -> None:
        self.message_bar.clear()
        super().closeEvent(event)


def _quality(model: ModelEntry) -> str:
    if model.measured_map is not None:
        on = f" on {model.measured_on}" if model.measured_on else ""
        return f"{percent(model.measured_map, ' %')}{on}"
    if model.published_map is not None:
        return f"{number(model.published_map, 1)} % stated"
    return ""


def _searched(model: ModelEntry) -> str:
    labels = () if model.categories is None else SHIPPED_NAMES.labels(model.categories)
    facts = (text for _, text in model.details)
    return " ".join((model.dataset or "", model.backbone or "", *labels, *facts))


def _shown(facts: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(display_text(caption), display_text(text)) for caption, text in facts]
