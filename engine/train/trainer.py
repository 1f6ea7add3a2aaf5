"""Training a whole network: a generator of reports that never loses work."""

from __future__ import annotations

import copy
import math
import time
from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from engine.metrics import mean_average_precision
from engine.models.classifier import Classifier
from engine.runtime.distributed import Processes
from engine.runtime.torch_backend import TorchBackend
from engine.train.ema import AveragedModel, blended
from engine.train.images import Batch, PixelSet, TrainingImages
from engine.train.learner import Learner
from engine.train.reports import EpochReport, StepReport
from engine.train.schedules import lr_factor
from engine.train.states import State, StateFolder
from engine.train_config import TrainConfig
from engine.values import FloatArray

_EVALUATION_BATCH = 16

#: Called with the model of an epoch that is better than all before, and with its logits (N, C) of
#: the validation images; must keep a copy.
KeepBest = Callable[[Classifier, EpochReport, FloatArray | None], None]


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
        self._images = TrainingImages(
            data.train, config.augment, config.seed, ignore_unclear=config.ignore_unclear
        )
        self._start = copy.deepcopy(classifier).to(device) if config.blend < 1 else None
        self._learner = Learner(classifier, config, device, self._process.count)
        self._device = device
        self._average = (
            AveragedModel(self._learner.classifier, config.ema_decay) if config.ema_decay else None
        )
        self._position = _Position()
        self._rng: Tensor | None = None
        # False in the middle of a step too, where weights and optimiser do not agree.
        self._is_worth_saving = False
        self.steps_per_epoch = math.ceil(len(self._images) / config.batch_size)

    @property
    def model(self) -> Classifier:
        """What is evaluated and kept: the average if there is one, blended with the start."""
        learned = self._learner.classifier if self._average is None else self._average.model
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

    def run(
        self, states: StateFolder | None = None, keep_best: KeepBest | None = None
    ) -> Generator[StepReport | EpochReport, None, None]:
        """Train from where the position is to the end; closing stops at once.

        Args:
            states: keeps the state every few minutes, after each epoch and when stopped.
            keep_best: see ``KeepBest``.

        Raises:
            DivergedError: the loss is no number any more.
            DataError: a state cannot be saved.
        """
        if self._rng is None:
            torch.manual_seed(self._config.seed + self._process.rank)
        else:
            torch.set_rng_state(self._rng)
        saved_at = time.monotonic()
        try:
            while self._position.epoch <= self._config.epochs:
                with closing(self._epoch()) as steps:
                    for report in steps:
                        yield report
                        if time.monotonic() - saved_at > 60 * self._config.checkpoint_minutes:
                            self._save(states)
                            saved_at = time.monotonic()
                yield self._end_epoch(keep_best)
                # Whoever keeps a log has the line by now, so a state never lacks one.
                self._save(states)
                saved_at = time.monotonic()
        finally:
            self._save(states)

    def state(self) -> State:
        """Everything needed to go on as if nothing had happened."""
        learner = self._learner
        return {
            "position": dict(vars(self._position)),
            "model": learner.classifier.state_dict(),
            "optimizer": learner.optimizer.state_dict(),
            "scaler": learner.scaler.state_dict(),
            "passes": learner.passes,
            "average": None if self._average is None else self._average.state_dict(),
            "rng": torch.get_rng_state(),
        }

    def restore(self, state: State) -> None:
        """Go on from a state of a run with the same config."""
        self._position = _Position(**state["position"])
        learner = self._learner
        learner.classifier.load_state_dict(state["model"])
        learner.optimizer.load_state_dict(state["optimizer"])
        learner.scaler.load_state_dict(state["scaler"])
        learner.passes = state["passes"]
        if self._average is not None:
            self._average.load_state_dict(state["average"])
        self._rng = state["rng"]

    def _save(self, states: StateFolder | None) -> None:
        if states is not None and self._process.is_first and self._is_worth_saving:
            states.save(self._position.step, self.state())
            self._is_worth_saving = False

    def _epoch(self) -> Generator[StepReport, None, None]:
        position, config = self._position, self._config
        self._learner.set_mode()
        factor = lr_factor(config, self.steps_per_epoch)
        with closing(self._batches()) as batches:
            for batch in batches:
                started = time.monotonic()
                rate = self._learner.set_factor(factor(position.step))
                self._is_worth_saving = False
                outcome = self._learner.step(batch)
                if self._average is not None:
                    self._average.update(self._learner.classifier)
                position.step += 1
                position.step_in_epoch += 1
                position.loss_sum += outcome.loss
                self._is_worth_saving = True
                yield StepReport(
                    position.step,
                    config.epochs * self.steps_per_epoch,
                    position.epoch,
                    outcome.loss,
                    rate,
                    outcome.grad_norm,
                    time.monotonic() - started,
                )

    def _batches(self) -> Generator[Batch, None, None]:
        """What is left of the epoch; a thread makes the next while one is learned."""
        epoch, count = self._position.epoch, self._config.batch_size
        order = self._images.order(epoch).tolist()
        starts = range(self._position.step_in_epoch * count, len(order), count)
        wanted = [order[start : start + count] for start in starts]
        with ThreadPoolExecutor(1) as maker:
            ahead: deque[Future[Batch]] = deque()
            for rows in wanted:
                ahead.append(maker.submit(self._part, epoch, rows, self._size(epoch)))
                if len(ahead) == 2:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()

    def _part(self, epoch: int, rows: list[int], size: int) -> Batch:
        """This process's part of a batch, made in a thread."""
        mine = list(range(len(rows)))[self._process.rank :: self._process.count]
        if mine:
            return self._images.batch(epoch, rows, mine, size)
        # All processes take part in every step: this one with an image that does not count.
        spare = self._images.batch(epoch, rows, [0], size)
        return replace(spare, counted=torch.zeros_like(spare.counted))

    def _size(self, epoch: int) -> int:
        config = self._config
        own = self._learner.classifier.config.preprocess.input_size
        if epoch > config.epochs - config.final_epochs:
            return config.final_size or own
        return config.train_size or own

    def _end_epoch(self, keep_best: KeepBest | None) -> EpochReport:
        position = self._position
        is_judged = position.epoch % self._config.evaluate_every == 0
        is_judged |= position.epoch == self._config.epochs
        model = self.model
        logits = self._val_logits(model) if is_judged else None
        val_map = math.nan
        if logits is not None and self._val is not None:
            labels = self._val.labels
            val_map = mean_average_precision(logits, labels.targets, labels.ignored)
        # Without anything to judge by, the latest is taken for the best.
        is_best = is_judged and not val_map <= position.best_map
        report = EpochReport(
            position.epoch, position.loss_sum / self.steps_per_epoch, val_map, is_best
        )
        if is_best:
            position.best_map = val_map
            if keep_best is not None and self._process.is_first:
                keep_best(model, report, logits)
        position.epoch += 1
        position.step_in_epoch, position.loss_sum = 0, 0.0
        self._is_worth_saving = True
        return report

    def _val_logits(self, model: Classifier) -> FloatArray | None:
        if self._val is None:
            return None
        return model_logits(model, self._val, self._device)


def model_logits(model: Classifier, images: PixelSet, device: torch.device) -> FloatArray:
    """The logits (N, C) of images by their pixels."""
    backend = TorchBackend(model.eval(), device)
    parts = [
        backend.run(np.array(images.pixels[start : start + _EVALUATION_BATCH])).logits
        for start in range(0, len(images), _EVALUATION_BATCH)
    ]
    result: FloatArray = np.concatenate(parts)
    return result
