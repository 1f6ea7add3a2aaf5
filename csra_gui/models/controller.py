"""Everything a person does with models: the dialogs that ask, and the messages that answer."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtWidgets import QWidget

from csra_gui.base.ask import ask_files, ask_target_and_kind, ask_whether
from csra_gui.base.settings import Settings
from csra_gui.models.download_dialog import DownloadDialog
from csra_gui.models.entries import ModelEntry, Place
from csra_gui.models.import_dialog import FactsDialog
from csra_gui.models.manager import DownloadOrder, ModelManager, Work, WorkEnd, WorkKind
from csra_gui.models.models_dialog import ModelsDialog
from csra_gui.session.session import Session
from csra_gui.widgets.notifier import Notifier, Remedy, Topic
from csra_gui.widgets.windows import bring_up
from engine.api.errors import DataError, EngineError, FileChangedError, MissingFactsError
from engine.api.values import ModelImport
from engine.records.int8_networks import LEAST_CORRELATION, MOST_LOSS, Int8Figures, Int8Networks
from engine.records.measured_backends import MeasuredBackends
from engine.texts import display_path, display_text, reason_text

#: Endings by which a dropped file is taken for a model rather than a photo.
MODEL_SUFFIXES = frozenset({".safetensors", ".pth", ".pt", ".ckpt", ".bin", ".pth.tar", ".onnx"})
_FILTERS = (
    "Models (*.safetensors *.pth *.pt *.ckpt *.bin *.pth.tar *.onnx)",
    "All files (*)",
)
_ONNX = ".onnx"
_FORMATS = {
    _ONNX: "ONNX, for other programs (*.onnx)",
    ".pth": "As the official CSRA code saves it (*.pth)",
    ".safetensors": "Model of this program (*.safetensors)",
}
_WITH_PREPROCESSING = "ONNX that takes photos of any size as pixels (*.onnx)"


def is_model_file(path: Path) -> bool:
    """Whether the name is that of a model; the disk is not touched."""
    return path.name.lower().endswith(tuple(MODEL_SUFFIXES))


def _keep(choice: Callable[[], None]) -> None:
    try:
        choice()
    except OSError as error:
        raise DataError(f"What you chose cannot be kept: {reason_text(error)}.") from error


class ModelController(QObject):
    """Answers what the person wants of models, wherever it was asked.

    Messages appear in the Models dialog while it is open, else in the window.

    Signals:
        faster_requested: the ``ModelEntry`` that shall be made faster, on photos to be chosen.
    """

    faster_requested = Signal(object)

    def __init__(
        self,
        session: Session,
        manager: ModelManager,
        settings: Settings,
        notifier: Notifier,
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._session = session
        self._manager = manager
        self._settings = settings
        self._notifier = notifier
        self._window = window
        self._waiting: deque[ModelImport] = deque()
        self.dialog: ModelsDialog | None = None
        manager.work_started.connect(self._on_manager_work_started)
        manager.work_noted.connect(self._on_manager_work_noted)
        manager.work_ended.connect(self._on_manager_work_ended)
        session.models.refused.connect(self._on_models_refused)
        session.models.note_taken.connect(self._on_models_refused)
        session.tagger.note_taken.connect(self._on_models_refused)

    # Wishes.

    def show_dialog(self) -> None:
        """Open the list of models, or bring it to the front."""
        if self.dialog is None:
            self.dialog = dialog = ModelsDialog(
                self._session, self._manager, self._settings, self._window
            )
            dialog.use_requested.connect(lambda model: self._session.models.use(model.name))
            dialog.download_requested.connect(self._ask_download)
            dialog.import_requested.connect(self.choose_import)
            dialog.faster_requested.connect(self.faster_requested)
            dialog.export_requested.connect(self._manager.ask_formats)
            dialog.remove_requested.connect(self._ask_remove)
            dialog.backend_requested.connect(self._choose_backend)
            dialog.precision_requested.connect(self._choose_precision)
        self._manager.refresh()
        bring_up(self.dialog)

    def choose_import(self) -> None:
        """Ask for a model file and import it."""
        title = "Choose a model file"
        ask_files(self._parent, title, _FILTERS, self.import_files, several=False)

    def import_files(self, paths: Sequence[Path]) -> None:
        """Import model files, one after the other."""
        self._waiting.extend(map(ModelImport, paths))
        self._import_next()

    def _import_next(self) -> None:
        if self._waiting and self._manager.work is None:
            self._manager.import_file(self._waiting.popleft())

    def _ask_download(self, model: ModelEntry) -> None:
        if model.entry is None:
            return
        if model.place is Place.DOWNLOADED and model.entry.lam is not None:
            self._manager.download(DownloadOrder(model.entry))  # agreed to when it was downloaded
            return
        dialog = DownloadDialog(model, self._settings, self._parent)
        dialog.accepted.connect(lambda: self._manager.download(dialog.order))
        dialog.open()

    def _ask_remove(self, model: ModelEntry) -> None:
        text = f"Delete {display_text(model.name)} from this computer?"
        ask_whether(
            self._parent, "Remove a model", text, "Remove", lambda: self._manager.remove(model)
        )

    def _choose_backend(self, model: ModelEntry, backend: str) -> None:
        self._choose(model, lambda: MeasuredBackends().set_wish(model.network, backend))

    def _choose_precision(self, model: ModelEntry, int8: bool) -> None:
        self._choose(model, lambda: Int8Networks().choose(model.id, int8=int8))

    def _choose(self, model: ModelEntry, choice: Callable[[], None]) -> None:
        self._session.jobs.run(
            lambda: _keep(choice),
            "choose what runs a model",
            lambda _: self._take_choice(model),
            self._take_lost_choice,
        )

    def _take_lost_choice(self, error: EngineError) -> None:
        self._manager.refresh()  # the menu shows what counts, not what was wished
        self._tell.error(str(error), Topic.MODELS)

    def _take_choice(self, model: ModelEntry) -> None:
        if model.path is not None:  # how quick it was says nothing any more
            self._session.tagger.rates.pop(model.path, None)
        self._manager.refresh()
        used = self._session.models.model
        if used is not None and used.path == model.path:
            self._session.models.use(model.name)  # opened anew, with what was chosen

    def _ask_facts(self, request: ModelImport, missing: MissingFactsError) -> None:
        dialog = FactsDialog(request, missing, self._parent)

        def go_on() -> None:
            self._manager.import_file(dialog.answered(request), dialog.names)

        dialog.accepted.connect(go_on)
        dialog.finished.connect(self._import_next)
        dialog.open()

    def _ask_target(self, source: str, suffixes: tuple[str, ...]) -> None:
        kinds = [_FORMATS[suffix] for suffix in suffixes]
        if _ONNX in suffixes:
            kinds.insert(suffixes.index(_ONNX) + 1, _WITH_PREPROCESSING)

        def export(path: Path, kind: str) -> None:
            is_with = kind == _WITH_PREPROCESSING and path.suffix.lower() == _ONNX
            self._manager.export(source, path, with_preprocessing=is_with)

        name = f"{source}{suffixes[0]}"
        ask_target_and_kind(self._parent, "Export the model", name, kinds, export)

    # Answers.

    @property
    def _dialog_is_open(self) -> bool:
        return self.dialog is not None and self.dialog.isVisible()

    @property
    def _parent(self) -> QWidget:
        return self.dialog if self.dialog is not None and self._dialog_is_open else self._window

    @property
    def _tell(self) -> Notifier:
        if self.dialog is not None and self._dialog_is_open:
            return self.dialog.notifier
        return self._notifier

    @Slot(object)
    def _on_manager_work_started(self, _work: Work) -> None:
        self._notifier.clear(Topic.MODELS)
        if self.dialog is not None:
            self.dialog.notifier.clear(Topic.MODELS)

    @Slot(str)
    def _on_manager_work_noted(self, note: str) -> None:
        self._tell.info(note, Topic.NOTE)

    @Slot(str)
    def _on_models_refused(self, text: str) -> None:
        self._tell.warning(text, Topic.MODEL)

    @Slot(object)
    def _on_manager_work_ended(self, end: WorkEnd) -> None:
        if end.is_cancelled and not isinstance(end.value, Int8Figures):  # else it was too late
            self._tell_cancelled(end.work)
        elif end.error is not None:
            self._tell_failed(end)
        else:
            self._tell_done(end)
        if not isinstance(end.error, MissingFactsError):  # its dialog comes first
            self._import_next()

    def _tell_cancelled(self, work: Work) -> None:
        order = work.order
        if order is not None:
            go_on = Remedy("Continue", lambda: self._manager.download(order))
            text = f"The download of {work.name} was cancelled. What has arrived is kept."
            self._tell.info(text, Topic.MODELS, go_on)
        elif work.kind is WorkKind.QUANTIZE:
            text = f"{work.name} is not made faster: that was cancelled. All is as it was before."
            self._tell.info(text, Topic.MODELS)

    def _tell_failed(self, end: WorkEnd) -> None:
        request, order, error = end.work.request, end.work.order, end.error
        if isinstance(error, MissingFactsError) and request is not None:
            self._ask_facts(request, error)
        elif isinstance(error, FileChangedError) and order is not None:
            changed = replace(order, accept_change=True)
            take = Remedy("Take the new file", lambda: self._manager.download(changed))
            self._tell.warning(
                f"{end.work.name}: the file on {order.entry.source.host} is not the one that was "
                "downloaded before. Perhaps a new version was published; perhaps somebody has "
                "put another file in its place.",
                Topic.MODELS,
                take,
            )
        else:
            self._tell.error(str(error), Topic.MODELS)

    def _tell_done(self, end: WorkEnd) -> None:
        name, kind = end.work.name, end.work.kind
        if kind is WorkKind.FORMATS:
            self._ask_target(end.work.source, end.value)
        elif kind is WorkKind.EXPORT:
            self._tell.info(f"{name} was exported to {display_path(end.value)}.", Topic.MODELS)
        elif kind is WorkKind.QUANTIZE:
            self._tell_faster(end)
        elif kind is WorkKind.REMOVE:
            self._tell.info(f"{name} was removed.", Topic.MODELS)
        elif isinstance(end.value, str):
            self._offer(end.value)
        else:
            text = (
                f"{name} is downloaded. It cannot tag photos; a training can start from it: New "
                "training in the menu Train."
            )
            self._tell.info(text, Topic.MODELS)

    def _tell_faster(self, end: WorkEnd) -> None:
        name, figures = end.work.name, end.value
        model = next((m for m in self._manager.entries.models if m.name == end.work.source), None)
        if not isinstance(figures, Int8Figures) or model is None:
            self._tell.error(f"What was measured of {name} cannot be read.", Topic.MODELS)
            return
        if model.is_int8_chosen:
            self._take_choice(model)
        if figures.is_offered:
            use = Remedy("Use it now", lambda: self._choose_precision(model, int8=True))
            text = f"{name} can compute in int8 now: {display_text(figures.summary)}."
            is_used = model.is_int8_chosen or figures.rate_int8 <= figures.rate_float
            self._tell.info(text, Topic.MODELS, None if is_used else use)
        else:
            self._tell.warning(
                f"{name} stays as it is: its int8 network was measured and not kept, "
                f"{display_text(figures.plain_text)}. It may lose {MOST_LOSS} mAP at most, and "
                f"maps must correlate {LEAST_CORRELATION} at least.",
                Topic.MODELS,
            )

    def _offer(self, name: str) -> None:
        if self.dialog is not None:
            self.dialog.show_model(name)
        use = Remedy("Use it now", lambda: self._session.models.use(name))
        self._tell.info(f"The model {display_text(name)} is ready. Use it now?", Topic.MODELS, use)
