"""The models: which there are, what is known of each, and what can be done with them."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal, Slot
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

from csra_gui.base.tool_tips import tool_tip
from csra_gui.models.entries import ModelEntry, Place
from csra_gui.models.manager import ModelManager
from csra_gui.models.model_tree import ModelLine, ModelSection, ModelTree
from csra_gui.session.session import Session
from csra_gui.widgets.activity_bar import ActivityRow
from csra_gui.widgets.fact_sheet import FactSheet
from csra_gui.widgets.message_bar import MessageBar
from csra_gui.widgets.notifier import Notifier
from csra_gui.widgets.windows import button_row, fit_to_screen
from engine.texts import display_text, number

_UNKNOWN = "–"
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


class ModelsDialog(QDialog):
    """Not modal: the window stays usable, and work goes on when this is closed.

    Signals (wishes; each carries the ``ModelEntry`` it is about, but for import):
        use_requested, download_requested, export_requested, remove_requested.
        import_requested: the person wants to choose a file.
    """

    use_requested = Signal(object)
    download_requested = Signal(object)
    import_requested = Signal()
    export_requested = Signal(object)
    remove_requested = Signal(object)

    def __init__(self, session: Session, manager: ModelManager, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Models")
        self._session = session
        self._manager = manager
        self._wanted = ""
        self.filter = QLineEdit(self)
        self.tree = ModelTree(self)
        self.sheet = FactSheet(self)
        self.message_bar = MessageBar(self)
        self.notifier = Notifier(self.message_bar, self)
        self.activity_row = ActivityRow(manager.activity, self)
        self.use = QPushButton("&Use this model", self)
        self.download = QPushButton("&Download…", self)
        self.import_file = QPushButton("I&mport file…", self)
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
        self.filter.setPlaceholderText("Filter by name, data set, backbone or state")
        self.filter.setClearButtonEnabled(True)
        self.filter.setAccessibleName("Filter the models")
        self.sheet.setAccessibleName("Details of the model")
        splitter = QSplitter(Qt.Orientation.Vertical, self)
        splitter.addWidget(self.tree)
        splitter.addWidget(self.sheet)
        splitter.setChildrenCollapsible(False)
        splitter.setStretchFactor(0, 3)
        splitter.setStretchFactor(1, 2)
        for part in (self.tree, self.sheet):
            part.setMinimumHeight(60)
        buttons = button_row(
            self.use,
            self.download,
            self.import_file,
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
        for button, wish in (
            (self.use, self.use_requested),
            (self.download, self.download_requested),
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
        return tuple(ModelLine(m.name, self._cells(m), self._is_used(m)) for m in models)

    def _cells(self, model: ModelEntry) -> tuple[str, ...]:
        published = None if model.published_map is None else f"{number(model.published_map, 1)} %"
        lam = None if model.lam is None else f"{model.lam:g}"
        values = (
            model.name,
            "in use" if self._is_used(model) else _STATES[model.place],
            model.dataset,
            model.backbone,
            model.num_heads,
            lam,
            published,
        )
        return tuple(_UNKNOWN if value is None else display_text(str(value)) for value in values)

    @Slot()
    def _show_current(self) -> None:
        model = self.current
        if model is None:
            self.sheet.set_facts("Choose a model to see what is known of it.", ())
        else:
            facts = [("What is wrong", model.problem)] if model.problem else []
            facts += model.facts
            self.sheet.set_facts(
                display_text(model.name), [(c, display_text(text)) for c, text in facts]
            )
        self._update_buttons()

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
        self.export.setEnabled(usable and free)
        self.remove.setEnabled(model is not None and model.is_removable and not used and free)
        self.remove.setToolTip(tool_tip(self._why_not_removable(model, used=used)))

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
    def closeEvent(self, event: QCloseEvent) -> None:
        self.message_bar.clear()
        super().closeEvent(event)
