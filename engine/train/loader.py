"""The batches of an epoch: threads make the next while one is learned."""

from __future__ import annotations

import math
import os
from collections import deque
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

import torch

from engine.api.training_config import TrainConfig
from engine.pytorch.distributed import Processes
from engine.train.dataset import Batch, PixelSet, TrainingImages
from engine.train.device_options import device_options

#: A processor learns more slowly than one thread makes batches, and needs its cores itself.
_CPU_THREADS, _MOST_THREADS = 1, 8


class Batches:
    """Makes this process's part of every batch of a run.

    Args:
        images: to learn from.
        config: of the run.
        input_size: of the model, in pixels.
        process: which one of how many.
        device: what learns; for a graphics card several threads make batches, in pinned memory.
    """

    def __init__(
        self,
        images: PixelSet,
        config: TrainConfig,
        input_size: int,
        process: Processes,
        device: torch.device | None = None,
    ) -> None:
        self._images = TrainingImages(
            images,
            config.augment,
            config.seed,
            ignore_unclear=config.ignore_unclear,
            unknown_weight=config.unknown_weight,
        )
        self._config = config
        self._input_size = input_size
        self._process = process
        self._is_pinned = device is not None and device_options(device).is_pinned
        self._threads = _threads(process.count) if self._is_pinned else _CPU_THREADS

    def __len__(self) -> int:
        """Batches of one epoch."""
        return math.ceil(len(self._images) / self._config.batch_size)

    def images_in(self, step_in_epoch: int) -> int:
        """How many images a batch has, over all processes; counted from 0."""
        count = self._config.batch_size
        return min(count, len(self._images) - step_in_epoch * count)

    def of_epoch(self, epoch: int, first: int) -> Generator[Batch, None, None]:
        """The batches of an epoch from one on, counted from 0.

        Raises:
            DataError: an image cannot be prepared.
        """
        count = self._config.batch_size
        order = self._images.order(epoch).tolist()
        starts = range(first * count, len(order), count)
        size = self._size(epoch)
        maker = ThreadPoolExecutor(self._threads, thread_name_prefix="batches")
        try:
            ahead: deque[Future[Batch]] = deque()
            for start in starts:
                ahead.append(maker.submit(self._part, epoch, order[start : start + count], size))
                if len(ahead) > self._threads:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            maker.shutdown(cancel_futures=True)

    def _part(self, epoch: int, rows: list[int], size: int) -> Batch:
        """Made in a thread; what is drawn depends on the epoch and the rows alone."""
        made = self._made(epoch, rows, size)
        return made.pinned() if self._is_pinned else made

    def _made(self, epoch: int, rows: list[int], size: int) -> Batch:
        mine = list(range(len(rows)))[self._process.rank :: self._process.count]
        if mine:
            return self._images.batch(epoch, rows, mine, size)
        # All processes take part in every step: this one with an image that does not count.
        spare = self._images.batch(epoch, rows, [0], size)
        return replace(spare, counted=torch.zeros_like(spare.counted))

    def _size(self, epoch: int) -> int:
        config = self._config
        if epoch > config.epochs - config.final_epochs:
            return config.final_size or self._input_size
        return config.train_size or self._input_size


def _threads(processes: int) -> int:
    """For each of so many processes that share the cores with what learns."""
    return min(_MOST_THREADS, max(1, (os.cpu_count() or 1) // processes - 1))
