"""The models that are here and can be had: listing, downloading, importing, exporting, removing."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from enum import Enum, auto
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from csra_gui.base.activity import Activity, MovingRate, Progress, counted, transferred
from csra_gui.base.engine_client import EngineClient
from csra_gui.base.jobs import JobRunner, JobSlot, Policy
from csra_gui.base.jobs import Work as JobWork
from csra_gui.models.entries import ModelEntries, ModelEntry, read_entries
from engine.api.engine import TaggingEngine
from engine.api.errors import EngineError
from engine.api.evaluation import EvaluationProgress, EvaluationRequest
from engine.api.quantizing import QuantizingDone
from engine.api.values import ModelImport
from engine.downloads.progress import DownloadProgress, DownloadSettings
from engine.records.catalogue import CatalogueEntry, category_list
from engine.records.download_source import DownloadSource
from engine.records.int8_networks import Int8Figures, Int8Networks
from engine.records.models import ModelStore
from engine.records.names_file import read_names
from engine.texts import display_name, display_text

Downloader = Callable[
    [DownloadSource, Path, DownloadSettings], Generator[DownloadProgress, None, Path]
]

_STAGES = {
    "connecting": "Connecting for {}",
    "downloading": "Downloading {}",
    "checking": "Checking {}",
}


class WorkKind(Enum):
    """What is done to a model."""

    DOWNLOAD = auto()
    IMPORT = auto()
    FORMATS = auto()
    EXPORT = auto()
    REMOVE = auto()
    QUANTIZE = auto()


@dataclass(frozen=True, slots=True)
class DownloadOrder:
    """What to download.

    Attributes:
        entry: of the catalogue.
        lam: λ, where it was never published.
        accept_change: take a file that differs from the one that was downloaded before.
    """

    entry: CatalogueEntry
    lam: float | None = None
    accept_change: bool = False


@dataclass(frozen=True, slots=True)
class Work:
    """One piece of work, one at a time.

    Attributes:
        kind: what is done.
        name: of the model, as it is shown.
        text: what to say while it goes on.
        can_cancel: whether it can be ended halfway.
        order: of a download, to go on with it.
        request: of an import, to try again with more facts.
        source: of an export, or of making it faster: the model's name.
    """

    kind: WorkKind
    name: str
    text: str
    can_cancel: bool = False
    order: DownloadOrder | None = None
    request: ModelImport | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class WorkEnd:
    """How it ended.

    Attributes:
        work: what was done.
        value: what came of it: a model's name, the file, the formats, or the ``Int8Figures``;
            ``None`` if nothing.
        error: why it failed.
        is_cancelled: the person ended it.
    """

    work: Work
    value: Any = None
    error: EngineError | None = None
    is_cancelled: bool = False


def is_onnx_name(path: Path) -> bool:
    """Whether a file is ONNX by its name; the disk is not touched."""
    return path.suffix.lower() == ".onnx"


class ModelManager(QObject):
    """Knows the models and works on them; one piece of work at a time, none of it in this thread.

    Signals:
        entries_changed: ``manager`` has been read anew.
        work_started: a ``Work``.
        work_noted: a sentence the person should know.
        work_ended: a ``WorkEnd``.
    """

    entries_changed = Signal()
    work_started = Signal(object)
    work_noted = Signal(str)
    work_ended = Signal(object)

    def __init__(
        self,
        engine: EngineClient,
        jobs: JobRunner,
        store: ModelStore,
        downloader: Downloader,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._engine = engine
        self._store = store
        self._downloader = downloader
        self._listing = JobSlot(jobs, "list models", self, Policy.ONCE_MORE)
        self._slot = JobSlot(jobs, "work on models", self, Policy.IGNORE)
        self._rate = MovingRate()
        self.activity = Activity(self, cancel=self.cancel)
        self.entries = ModelEntries()
        self.work: Work | None = None

    def refresh(self) -> None:
        """Read the list anew."""
        self._listing.run(lambda: read_entries(self._store), self._take_entries)

    # Pieces of work; each does nothing while another goes on.

    def download(self, order: DownloadOrder) -> None:
        """Get a file, and make a model of it if it is one of the authors' own."""
        entry = order.entry
        settings = DownloadSettings(accept_change=order.accept_change)
        work = Work(WorkKind.DOWNLOAD, entry.id, f"Downloading {entry.id}…", True, order)
        self._rate = MovingRate()
        self._begin(work, lambda: self._downloader(entry.source, self._store.downloads, settings))

    def import_file(self, request: ModelImport, names: Path | None = None) -> None:
        """Make a model of the person's own from a file.

        Args:
            request: the file, and what it does not say.
            names: a file with the names of its categories (``read_names``).
        """

        def complete() -> ModelImport:
            if names is not None and is_onnx_name(request.path):  # where it lies says more
                return replace(request, names=names)
            return request if names is None else replace(request, categories=read_names(names))

        name = display_name(request.path)
        work = Work(WorkKind.IMPORT, name, f"Importing {name}…", request=request)
        self._begin(work, self._engine.ask(lambda engine: engine.import_model(complete())))

    def ask_formats(self, model: ModelEntry) -> None:
        """Find out in which formats a model can be written."""
        name = display_text(model.name)
        work = Work(WorkKind.FORMATS, name, f"Looking at {name}…", source=model.name)
        self._begin(work, self._engine.ask(lambda engine: engine.export_formats(model.name)))

    def export(self, source: str, target: Path, *, with_preprocessing: bool = False) -> None:
        """Write a model in the format that the target's suffix names."""
        name = display_text(source)
        work = Work(WorkKind.EXPORT, name, f"Exporting {name}…", source=source)
        task = self._engine.ask(
            lambda engine: engine.export_model(
                source, target, with_preprocessing=with_preprocessing
            )
        )
        self._begin(work, task, value=target)

    def remove(self, model: ModelEntry) -> None:
        """Delete a model of the person's own and what was downloaded for it."""
        name = display_text(model.name)
        work = Work(WorkKind.REMOVE, name, f"Removing {name}…")
        self._begin(work, lambda: self._store.remove(model.name))

    def make_faster(self, model: ModelEntry, request: EvaluationRequest) -> None:
        """Make the int8 network of a model, and measure it on labelled photos."""
        name = display_text(model.name)
        text = f"Making {name} faster"
        work = Work(WorkKind.QUANTIZE, name, text, True, source=model.name)
        self._rate = MovingRate()
        self._begin(work, self._engine.ask(lambda engine: _quantized(engine, request)))

    @property
    def closing_text(self) -> str:
        """What closing the window would stop, if it is more than what can be gone on with."""
        work = self.work
        if work is None or work.kind is not WorkKind.QUANTIZE:
            return ""
        return f"{work.name} is being made faster; that would begin anew."

    def cancel(self) -> None:
        """End the work if it can be ended; what has been downloaded is kept to go on with."""
        if self.work is not None and self.work.can_cancel:
            self._slot.cancel()

    # How work goes on.

    def _begin(self, work: Work, task: JobWork, value: Any = None) -> None:
        if self.work is not None:
            return
        self._announce(work)
        self._run(task, WorkEnd(work, value))

    def _announce(self, work: Work) -> None:
        self.work = work
        self.activity.set_progress(Progress(work.text, can_cancel=work.can_cancel))
        self.work_started.emit(work)

    def _run(self, task: JobWork, end: WorkEnd) -> None:
        ends = [end]
        self._slot.run(
            task,
            lambda value: ends.append(replace(end, value=end.value if value is None else value)),
            lambda error: ends.append(replace(end, value=None, error=error)),
            lambda: self._finish(replace(ends[-1], is_cancelled=self._slot.is_cancelled)),
            self._take_steps,
        )

    def _take_steps(self, steps: tuple[DownloadProgress | EvaluationProgress, ...]) -> None:
        downloaded = [step for step in steps if isinstance(step, DownloadProgress)]
        if downloaded:
            self._take_download(downloaded)
        elif isinstance(step := steps[-1], EvaluationProgress) and self.work is not None:
            text = self.work.text
            if step.total:
                rate = self._rate.add(time.monotonic(), step.done)
                self.activity.set_progress(counted(text, step.done, step.total, rate))
            else:
                self.activity.set_progress(Progress(f"{text}: reading the model and the photos…"))

    def _take_download(self, steps: Sequence[DownloadProgress]) -> None:
        for step in steps:
            if step.note:
                self.work_noted.emit(step.note)
        last = steps[-1]
        rate = self._rate.add(time.monotonic(), last.done) if last.stage == "downloading" else None
        name = "" if self.work is None else self.work.name
        text = _STAGES[last.stage].format(name)
        self.activity.set_progress(transferred(text, last.done, last.total, rate))

    def _finish(self, end: WorkEnd) -> None:
        order = end.work.order
        arrived = isinstance(end.value, Path) and not end.is_cancelled
        if order is not None and arrived and order.entry.kind == "official":
            self._import_download(end.work, order, end.value)
            return
        self.work = None
        self.activity.set_progress(None)
        self.refresh()
        self.work_ended.emit(end)

    def _import_download(self, work: Work, order: DownloadOrder, file: Path) -> None:
        entry = order.entry
        work = replace(work, text=f"Importing {work.name}…", can_cancel=False)
        self._announce(work)

        def request() -> ModelImport:
            listed = None if entry.categories is None else category_list(entry.categories)
            lam = entry.lam if order.lam is None else order.lam
            return ModelImport(file, entry.id, lam, listed, entry.input_size, entry.origin())

        self._run(self._engine.ask(lambda engine: engine.import_model(request())), WorkEnd(work))

    def _take_entries(self, entries: ModelEntries) -> None:
        self.entries = entries
        self.entries_changed.emit()


def _quantized(
    engine: TaggingEngine, request: EvaluationRequest
) -> Generator[EvaluationProgress, None, Int8Figures | None]:
    """The progress, and what was measured; in a worker."""
    with closing(engine.quantize(request)) as values:
        for value in values:
            if isinstance(value, QuantizingDone):
                return Int8Networks().figures(value.model_id)
            yield value
    return None
