"""The one way to train, for the command line, the window and notebooks alike."""

from __future__ import annotations

import math
import threading
from collections.abc import Generator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace

import torch

from engine.api.config import HeadTrainConfig
from engine.api.errors import ConfigError, DataError
from engine.api.training import TEST_SPLIT, DatasetSource, TrainRequest
from engine.api.training_control import TrainingControl, Wish
from engine.api.training_reports import (
    Ending,
    Preflight,
    PreparationReport,
    TrainingEnded,
    TrainingStarted,
    TrainReport,
)
from engine.data.datasets.registry import dataset_spec
from engine.pytorch.distributed import Processes
from engine.records.backend_kinds import BACKENDS
from engine.records.program_facts import program_facts
from engine.records.training_lock import running
from engine.records.trainings import TrainingStore
from engine.texts import display_path, reason_text
from engine.train.finetune import train_network
from engine.train.linear_probe import train_only_heads
from engine.train.tensorboard import check_tensorboard


def run_training(
    request: TrainRequest,
    control: TrainingControl | None = None,
    process: Processes | None = None,
) -> Generator[TrainReport, None, None]:
    """Train, and keep what comes out; a generator of reports (``engine.api.training_reports``).

    In this order: preparation, one ``Preflight`` (ask the person here; nothing is learned before
    the next report is asked for), preparation, ``TrainingStarted``, steps and epochs, and as the
    last one ``TrainingEnded``.

    - Closing the generator stops at once: the state and ``last.safetensors`` are saved (of heads
      alone the best epoch is there already). Asking for no report makes the run wait.
    - ``control`` does the same politely, from any thread, also after the epoch or as a pause; then
      the last report still comes.
    - ``best.safetensors`` is written after each epoch that was better than all before, with
      thresholds and a calibration fitted on the validation images. Whatever happens later, it
      stays.
    - ``train.toml`` in the run's folder has all settings and is the same run again; ``log.jsonl``
      has what was reported. ``run.json`` says what was asked, how it ended, and of each start with
      which program, commit, backend and how many threads.
    - A run over the whole network that was stopped, or died, goes on exactly where it was, if the
      same request comes again with ``resume``.

    Args:
        request: everything about the run.
        control: wishes to it while it runs.
        process: which one of how many; heads alone learn in one process only.

    Raises:
        ConfigError: settings make no sense, or the folder holds another run.
        DataError: images or labels cannot be read, or files not be written; as
            ``TrainingGoesOnError``, another program runs the same training.
        ModelError, CheckpointError: there is no such start.
        DivergedError: the loss is no number any more.
    """
    control, process = control or TrainingControl(), process or Processes()
    config = request.config
    if request.tensorboard:
        check_tensorboard()
    if isinstance(config, HeadTrainConfig):
        if process.count > 1:
            raise ConfigError("Heads alone learn in one process. Start it without torchrun.")
        reports = train_only_heads(request, config, control)
    else:
        reports = train_network(request, config, control, process)
    with _alone_in(request, process), closing(reports):
        store, seen = _store_of(request) if process.is_first else None, 0
        for report in reports:
            if isinstance(report, Preflight):
                seen = report.seen_images
            if isinstance(report, Preflight) and request.is_chosen_on_test:
                report = replace(report, chosen_on=_test_images(request))  # noqa: PLW2901
            if store is not None and isinstance(report, TrainingStarted):
                store.note_start(request, _made_with(request), seen)
            if store is not None and isinstance(report, TrainingEnded):
                store.set_ending(request.folder, report.ending)
            yield report
            is_early = isinstance(report, PreparationReport | Preflight)
            if is_early and control.wish >= Wish.STOP_AFTER_EPOCH:
                yield TrainingEnded(Ending.STOPPED, None, None, math.nan, 0, can_resume=False)
                return


def _test_images(request: TrainRequest) -> str:
    kind = request.source.kind if isinstance(request.source, DatasetSource) else ""
    return f"{dataset_spec(kind).title}, the split {TEST_SPLIT}"


def _store_of(request: TrainRequest) -> TrainingStore | None:
    """Where it is written down what was asked; a single file has no such place."""
    return TrainingStore(request.folder.parent) if request.folder == request.output else None


def _made_with(request: TrainRequest) -> dict[str, str]:
    runtime, threads = BACKENDS["torch"].runtime, str(torch.get_num_threads())
    return {
        **program_facts(),
        "backend": runtime,
        "device": request.device,
        "threads": threads,
    }


@contextmanager
def _alone_in(request: TrainRequest, process: Processes) -> Generator[None, None, None]:
    """Let no other program run the same training; a single file has no state to spoil."""
    if not process.is_first or request.folder != request.output:
        yield
        return
    with ExitStack() as held:
        try:
            held.enter_context(running(request.folder))
        except OSError as error:
            shown = display_path(request.folder)
            raise DataError(f"The run cannot be kept in {shown}: {reason_text(error)}.") from error
        yield


class RunningTraining:
    """A training whose reports somebody else asks for, and that any thread can end.

    Args:
        request: what is asked.
    """

    def __init__(self, request: TrainRequest) -> None:
        self._control = TrainingControl()
        self._run = run_training(request, self._control)
        self._lock = threading.Lock()
        self._closed = False

    def reports(self) -> Generator[TrainReport, None, None]:
        """What it tells; ends early if it is closed."""
        try:
            while (report := self._next()) is not None:
                yield report
        finally:
            self.close()

    def steer(self, wish: Wish) -> None:
        """Pause, stop, or take back what was wished."""
        wishes = {
            Wish.NONE: self._control.take_back,
            Wish.PAUSE: self._control.pause,
            Wish.STOP_AFTER_EPOCH: self._control.stop_after_epoch,
            Wish.STOP_NOW: self._control.stop_now,
        }
        wishes[wish]()

    def close(self) -> None:
        """End it after the step that goes on, with its state on the disk; twice is harmless."""
        self._control.stop_now()
        with self._lock:
            self._closed = True
            self._run.close()

    def _next(self) -> TrainReport | None:
        with self._lock:
            return None if self._closed else next(self._run, None)
