"""Training a whole network: a generator of reports that never loses work."""

from __future__ import annotations

import copy
import math
import time
from collections import deque
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from engine.api.training_config import TrainConfig
from engine.api.training_control import TrainingControl, Wish
from engine.api.training_reports import Ending, EpochReport, PauseReport, StepReport
from engine.api.values import FloatArray
from engine.models.classifier import Classifier
from engine.pytorch.device import memory_in_use
from engine.pytorch.distributed import Processes
from engine.train.dataset import PixelSet
from engine.train.ema import AveragedModel, blended
from engine.train.loader import Batches
from engine.train.losses import criterion_of
from engine.train.resume import State, StateFolder
from engine.train.schedules import lr_factor
from engine.train.train_step import StepOutcome, TrainStep
from engine.train.validation import Validation, judged

#: Called with the model of an epoch that is better than all before, and with its logits (N, C) of
#: the validation images; must keep a copy.
KeepBest = Callable[[Classifier, EpochReport, FloatArray | None], None]
#: So many tell the speed.
_LAST_STEPS = 20
#: Steps of one seed are not those of the next.
_PRIME = 1_000_003


@dataclass(frozen=True, eq=False)
class TrainingData:
    """What a run learns from and what it is judged by.

    Attributes:
        train: decoded large enough to be cropped.
        val: decoded at the model's input size; ``None`` to judge by nothing.
    """

    train: PixelSet
    val: PixelSet | None


@dataclass
class _Position:
    """Where a run stands: what a state holds beside the weights."""

    epoch: int = 1
    step_in_epoch: int = 0
    step: int = 0
    loss_sum: float = 0.0
    best_map: float = -math.inf
    best_epoch: int = 0


class Trainer:
    """Trains a network in place.

    Args:
        classifier: where it starts.
        data: to learn from.
        config: everything that decides what comes out.
        device: where.
        process: which one of how many.
    """

    def __init__(
        self,
        classifier: Classifier,
        data: TrainingData,
        config: TrainConfig,
        device: torch.device,
        process: Processes | None = None,
    ) -> None:
        self._config = config
        self._process = process or Processes()
        self._val = data.val
        size = classifier.config.preprocess.input_size
        self._batches = Batches(data.train, config, size, self._process, device)
        self._start = copy.deepcopy(classifier).to(device) if config.blend < 1 else None
        criterion = criterion_of(config, data.train.labels)
        self._train_step = TrainStep(classifier, config, device, self._process.count, criterion)
        self._device = device
        self._average = (
            AveragedModel(self._train_step.classifier, config.ema_decay)
            if config.ema_decay
            else None
        )
        self._position = _Position()
        self._rng: Tensor | None = None
        # False in the middle of a step too, where weights and optimiser do not agree.
        self._is_worth_saving = False
        self._saved_at = self._epoch_started = time.monotonic()
        self._throughput = _Throughput()
        self.steps_per_epoch = len(self._batches)

    @property
    def model(self) -> Classifier:
        """What is evaluated and kept: the average if there is one, blended with the start."""
        learned = self._train_step.classifier if self._average is None else self._average.model
        if self._start is not None:
            learned = blended(self._start, learned, self._config.blend)
        assert isinstance(learned, Classifier)  # noqa: S101  # for the type checker
        return learned

    @property
    def epoch(self) -> int:
        """The epoch that is worked on, from 1; one more than all when all is done."""
        return self._position.epoch

    @property
    def step(self) -> int:
        """Optimiser steps so far."""
        return self._position.step

    @property
    def best_map(self) -> float:
        """The best mAP so far, 0 to 1; NaN if there is none."""
        best = self._position.best_map
        return best if math.isfinite(best) else math.nan

    def run(
        self,
        states: StateFolder | None = None,
        keep_best: KeepBest | None = None,
        control: TrainingControl | None = None,
    ) -> Generator[StepReport | EpochReport | PauseReport, None, Ending]:
        """Train from where the position is to the end; closing stops at once.

        Args:
            states: keeps the state every few minutes, after each epoch and when stopped.
            keep_best: see ``KeepBest``.
            control: what somebody wishes meanwhile. Processes agree on it after each step, so it
                is enough if one of them hears of it.

        Returns:
            Why the run ended.

        Raises:
            DivergedError: the loss is no number any more.
            DataError: a state cannot be saved, or a batch not be made.
        """
        if self._rng is None:
            torch.manual_seed(self._config.seed + self._process.rank)
        else:
            torch.set_rng_state(self._rng)
        try:
            while (ending := self._ending()) is None:
                wish = yield from self._whole_epoch(states, control)
                if wish is Wish.STOP_NOW:
                    return Ending.STOPPED
                yield self._end_epoch(keep_best)
                # Whoever keeps a log has the line by now, so a state never lacks one.
                self._save(states)
                if self._agreed(control) >= Wish.STOP_AFTER_EPOCH and self._ending() is None:
                    return Ending.STOPPED
            return ending
        finally:
            self._save(states)

    def _ending(self) -> Ending | None:
        """Why there is nothing more to do, if so."""
        position, patience = self._position, self._config.patience
        if position.epoch > self._config.epochs:
            return Ending.DONE
        if patience and position.epoch - 1 - position.best_epoch >= patience:
            return Ending.NO_GAIN
        return None

    def _whole_epoch(
        self, states: StateFolder | None, control: TrainingControl | None
    ) -> Generator[StepReport | PauseReport, None, Wish]:
        """The steps that are left of an epoch, or until it shall stop."""
        with closing(self._epoch()) as steps:
            for report in steps:
                yield report
                if time.monotonic() - self._saved_at > 60 * self._config.checkpoint_minutes:
                    self._save(states)
                wish = self._agreed(control)
                if wish is Wish.STOP_NOW:
                    return wish
                if wish is Wish.PAUSE:
                    self._save(states)
                    if control is not None:
                        control.met(wish)
                    yield PauseReport(report.step)
        return Wish.NONE

    def _agreed(self, control: TrainingControl | None) -> Wish:
        """The greatest wish that any process was told."""
        wish = Wish.NONE if control is None else control.wish
        return Wish(self._process.highest(int(wish), self._device))

    def state(self) -> State:
        """Everything needed to go on as if nothing had happened."""
        train_step = self._train_step
        return {
            "position": dict(vars(self._position)),
            "model": train_step.classifier.state_dict(),
            "optimizer": train_step.optimizer.state_dict(),
            "scaler": train_step.scaler.state_dict(),
            "passes": train_step.passes,
            "average": None if self._average is None else self._average.state_dict(),
            "rng": torch.get_rng_state(),
        }

    def restore(self, state: State) -> None:
        """Go on from a state of a run with the same config."""
        self._position = _Position(**state["position"])
        train_step = self._train_step
        train_step.classifier.load_state_dict(state["model"])
        train_step.load_optimizer(state["optimizer"])
        train_step.scaler.load_state_dict(state["scaler"])
        train_step.passes = state["passes"]
        if self._average is not None:
            self._average.load_state_dict(state["average"])
        self._rng = state["rng"]

    def _save(self, states: StateFolder | None) -> None:
        if states is not None and self._process.is_first and self._is_worth_saving:
            states.save(self._position.step, self.state())
            self._is_worth_saving = False
        self._saved_at = time.monotonic()

    def _epoch(self) -> Generator[StepReport, None, None]:
        position = self._position
        self._epoch_started = time.monotonic()
        self._train_step.set_mode()
        factor = lr_factor(self._config, self.steps_per_epoch)
        with closing(self._batches.of_epoch(position.epoch, position.step_in_epoch)) as batches:
            wanted = time.monotonic()
            for batch in batches:
                started = time.monotonic()
                rate = self._train_step.set_factor(factor(position.step))
                self._is_worth_saving = False
                self._draw_anew()
                result = self._train_step.step(batch)
                if self._average is not None:
                    self._average.update(self._train_step.classifier)
                # The step's one wait for the device, when all of its work is on the way.
                outcome = result.read()
                images = self._batches.images_in(position.step_in_epoch)
                position.step += 1
                position.step_in_epoch += 1
                position.loss_sum += outcome.loss
                self._is_worth_saving = True
                now = time.monotonic()
                self._throughput.add(images, now - wanted)
                yield self._step_report(outcome, rate, now - started)
                wanted = time.monotonic()

    def _draw_anew(self) -> None:
        """Let what several processes draw depend on step and process alone.

        A state has the numbers of the first process only, and yet the run has to go on as it was.
        """
        if self._process.count > 1:
            step = self._config.seed * _PRIME + self._position.step
            torch.manual_seed((step * self._process.count + self._process.rank) % 2**63)

    def _step_report(self, outcome: StepOutcome, rate: float, seconds: float) -> StepReport:
        position, config = self._position, self._config
        total = config.epochs * self.steps_per_epoch
        evaluations = -(-(config.epochs - position.epoch + 1) // config.evaluate_every)
        return StepReport(
            step=position.step,
            total=total,
            epoch=position.epoch,
            loss=outcome.loss,
            lr=rate,
            grad_norm=outcome.grad_norm,
            seconds=seconds,
            images_per_second=self._throughput.images_per_second,
            remaining_seconds=self._throughput.remaining(total - position.step, evaluations),
            memory_bytes=memory_in_use(self._device),
        )

    def _end_epoch(self, keep_best: KeepBest | None) -> EpochReport:
        position = self._position
        started = time.monotonic()
        is_judged = position.epoch % self._config.evaluate_every == 0
        is_judged |= position.epoch == self._config.epochs
        model = self.model
        found = judged(model, self._val, self._device, self._process) if is_judged else Validation()
        self._throughput.evaluation_seconds = time.monotonic() - started
        is_better = not found.can_choose or not found.val_map <= position.best_map
        is_best = is_judged and is_better
        loss = position.loss_sum / self.steps_per_epoch
        report = found.report(position.epoch, loss, is_best=is_best)
        if is_best:
            position.best_map, position.best_epoch = found.val_map, position.epoch
            if keep_best is not None and self._process.is_first:
                keep_best(model, report, found.logits)
        position.epoch += 1
        position.step_in_epoch, position.loss_sum = 0, 0.0
        self._is_worth_saving = True
        return replace(report, seconds=time.monotonic() - self._epoch_started)


class _Throughput:
    """How fast a run is of late; whatever happens between two steps does not count."""

    def __init__(self) -> None:
        self._steps: deque[tuple[int, float]] = deque(maxlen=_LAST_STEPS)
        self.evaluation_seconds = 0.0

    def add(self, images: int, seconds: float) -> None:
        """Take a step in."""
        self._steps.append((images, seconds))

    @property
    def images_per_second(self) -> float:
        """Of the last steps together; 0 before the first."""
        seconds = sum(seconds for _, seconds in self._steps)
        return sum(images for images, _ in self._steps) / seconds if seconds else 0.0

    def remaining(self, steps: int, evaluations: int) -> float:
        """Seconds for so many more steps and evaluations."""
        per_step = sum(seconds for _, seconds in self._steps) / max(1, len(self._steps))
        return steps * per_step + evaluations * self.evaluation_seconds
