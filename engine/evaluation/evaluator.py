"""Running a model over labelled images: long work as a generator, one share per process."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from engine.api.config import EvaluateConfig, ModelConfig
from engine.api.errors import DataError, ImageError
from engine.api.evaluation import EvaluationProgress
from engine.api.values import DecodedImage, FloatArray
from engine.data.datasets.labelled import LabelledImages
from engine.data.decoding.pool import DecodePool, DecodeRequest
from engine.explain.evidence import activate
from engine.inference.backend import Backend
from engine.inference.predict import decode_window
from engine.metrics.localisation import Located
from engine.metrics.pointing import LocalisationMeter, MeterState

T = TypeVar("T")
_LARGEST_LOGIT = 80.0


class Share(Protocol):
    """Which one of several processes this one is."""

    @property
    def rank(self) -> int:
        """From 0."""

    @property
    def count(self) -> int:
        """Of all."""

    @property
    def is_first(self) -> bool:
        """Whether this one speaks for all."""

    def gather(self, value: T) -> list[T]:
        """Every process's value, by rank, in the first process; empty in the others."""


@dataclass(frozen=True)
class Alone:
    """The only process."""

    rank: int = 0
    count: int = 1
    is_first: bool = True

    def gather(self, value: T) -> list[T]:
        """See ``Share``."""
        return [value]


@dataclass(frozen=True, eq=False)
class EvaluatedShare:
    """What one process found.

    Attributes:
        rows: which images of the data set.
        logits: (len(rows), C) float32, for the data set's categories.
        failed: row and reason of each image that could not be read.
        localisation: what its maps point at; ``None`` without boxes or maps.
    """

    rows: NDArray[np.int64]
    logits: FloatArray
    failed: tuple[tuple[int, str], ...]
    localisation: MeterState | None


class _Results:
    """What has been found so far, grown by whole batches.

    Args:
        images: the data set.
        start: what was found before.
        has_boxes: whether there are boxes, and maps to compare with them.
    """

    def __init__(
        self, images: LabelledImages, start: EvaluatedShare | None, has_boxes: bool
    ) -> None:
        self._lock = threading.Lock()
        num_categories = len(images.categories)
        self._rows: list[int] = [] if start is None else start.rows.tolist()
        empty = np.zeros((0, num_categories), dtype=np.float32)
        self._logits: list[FloatArray] = [empty if start is None else start.logits]
        self._failed = [] if start is None else list(start.failed)
        self._meter = LocalisationMeter(num_categories) if has_boxes else None
        if self._meter is not None and start is not None and start.localisation is not None:
            self._meter.restore(start.localisation)

    @property
    def known(self) -> frozenset[int]:
        """The images that need not be looked at again."""
        return frozenset([*self._rows, *(row for row, _ in self._failed)])

    def add(
        self,
        rows: Sequence[int],
        logits: FloatArray | None,
        failed: Sequence[tuple[int, str]],
        meter: LocalisationMeter | None,
    ) -> None:
        """A batch: what was read, what could not be, and what its maps point at."""
        with self._lock:
            self._rows += rows
            self._failed += failed
            if logits is not None:
                self._logits.append(logits)
            if meter is not None and self._meter is not None:
                self._meter.merge(meter)

    def share(self) -> EvaluatedShare:
        """All of it."""
        with self._lock:
            return EvaluatedShare(
                rows=np.array(self._rows, dtype=np.int64),
                logits=np.concatenate(self._logits),
                failed=tuple(self._failed),
                localisation=None if self._meter is None else self._meter.state(),
            )


class Evaluator:
    """A model, a data set in the model's words, and how to run one over the other.

    Args:
        model: at the size to evaluate at.
        backend: runs it.
        images: mapped to the model's categories (``LabelledImages.for_categories``).
        config: batches, test-time flip.
    """

    def __init__(
        self,
        model: ModelConfig,
        backend: Backend,
        images: LabelledImages,
        config: EvaluateConfig | None = None,
    ) -> None:
        self._model = model
        self._backend = backend
        self._images = images
        self._config = config or EvaluateConfig()
        names = self._model.categories
        self._columns = [names.index_of(name) for name in images.categories]
        self._has_boxes = images.objects is not None and model.says_where
        self._results = _Results(images, None, self._has_boxes)

    @property
    def so_far(self) -> EvaluatedShare:
        """What the batches that are done came to; may be asked from any thread."""
        return self._results.share()

    def run(
        self,
        pool: DecodePool,
        process: Share | None = None,
        start: EvaluatedShare | None = None,
    ) -> Generator[EvaluationProgress, None, EvaluatedShare]:
        """Evaluate this process's share: every n-th batch.

        The batches are those of a single process, so every logit has the same bits however many
        processes share the work, if each has the same number of threads.

        Args:
            pool: decodes.
            process: which one of how many; ``None`` is the only one.
            start: what was found before, of whole batches; these are not evaluated again.
        """
        results = self._results = _Results(self._images, start, self._has_boxes)
        share = self._share(process or Alone())
        rows = [batch for batch in share if not results.known.issuperset(batch)]
        total = sum(map(len, share))
        done = total - sum(map(len, rows))
        requests = (self.request(row) for batch in rows for row in batch)
        with closing(pool.map(requests, window=decode_window(self._batch_size))) as images:
            for batch in rows:
                decoded = [(row, next(images)) for row in batch]
                self._evaluate(decoded, results)
                done += len(batch)
                yield EvaluationProgress(done, total)
        return results.share()

    @property
    def _batch_size(self) -> int:
        return self._config.batch_size or self._backend.best_batch

    def _share(self, process: Share) -> list[range]:
        starts = range(0, len(self._images), self._batch_size)
        batches = [range(s, min(s + self._batch_size, len(self._images))) for s in starts]
        return batches[process.rank :: process.count]

    def request(self, row: int) -> DecodeRequest:
        """How an image of the data set is decoded for the model."""
        pixels = self._model.preprocess
        crop = None if self._images.crops is None else self._images.crops[row]
        path, mode = self._images.paths[row], self._config.decode
        return DecodeRequest(path, pixels.input_size, pixels.resize, crop, mode=mode)

    def _evaluate(
        self, batch: Sequence[tuple[int, DecodedImage | ImageError]], results: _Results
    ) -> None:
        failed = [(row, str(image)) for row, image in batch if isinstance(image, ImageError)]
        good = [(row, image) for row, image in batch if isinstance(image, DecodedImage)]
        if not good:
            results.add([], None, failed, None)
            return
        pixels = np.stack([image.pixels for _, image in good])
        scores = self._backend.run(pixels)
        logits = scores.logits
        if self._config.flip:
            mirrored = np.ascontiguousarray(pixels[:, :, ::-1])
            logits = np.float32(0.5) * (logits + self._backend.run(mirrored).logits)
        meter = LocalisationMeter(len(self._columns)) if self._has_boxes else None
        if meter is not None:
            for place, (row, image) in enumerate(good):
                self._measure_maps(meter, row, image, scores.position_scores[place])
        columns: FloatArray = self._as_logits(logits)[:, self._columns]
        results.add([row for row, _ in good], columns, failed, meter)

    def _as_logits(self, logits: FloatArray) -> FloatArray:
        """Logits whose sigmoid is the score, also for a softmax."""
        if self._model.head.activation == "sigmoid":
            return logits
        scores: NDArray[np.float64] = activate(logits, self._model.head.activation).astype("f8")
        with np.errstate(divide="ignore"):
            odds = np.log(scores) - np.log1p(-scores)
        bounded: FloatArray = np.clip(odds, -_LARGEST_LOGIT, _LARGEST_LOGIT).astype(np.float32)
        return bounded

    def _measure_maps(
        self, meter: LocalisationMeter, row: int, image: DecodedImage, values: FloatArray
    ) -> None:
        for place in self.located(row, image):
            # The score map points best; see docs/EVALUATION.md.
            grid_map = values[:, self._columns[place.category]].sum(axis=0)
            meter.add(grid_map, place, image.content)

    def located(self, row: int, image: DecodedImage) -> Iterator[Located]:
        """Where each category of an image is, by the data set's boxes."""
        objects = self._images.objects[row] if self._images.objects else ()
        present = sorted({item.category for item in objects})
        for category in present:
            mine = [item for item in objects if item.category == category]
            yield Located(
                category=category,
                boxes=np.array([item.box for item in mine], dtype=np.float64),
                width=image.width,
                height=image.height,
                all_marked_difficult=all(item.is_difficult for item in mine),
                has_others=len(present) > 1,
            )


def merged(shares: Sequence[EvaluatedShare], images: LabelledImages) -> EvaluatedShare:
    """The whole of what several processes found, in the data set's order.

    Args:
        shares: of all processes.
        images: the data set.

    Raises:
        DataError: an image is missing or was counted twice, or none could be read.
    """
    rows = np.concatenate([share.rows for share in shares])
    failed = sorted(item for share in shares for item in share.failed)
    found = sorted([*rows.tolist(), *(row for row, _ in failed)])
    if found != list(range(len(images))):
        raise DataError(
            f"The processes returned {len(found)} results for {len(images)} images; the evaluation "
            "is not sound. Run it again."
        )
    if not len(rows):
        raise DataError(f"None of the {len(images)} images of {images.name} could be read.")
    order = np.argsort(rows)
    meters = [share.localisation for share in shares if share.localisation is not None]
    whole = LocalisationMeter(len(images.categories))
    for state in meters:
        whole.restore(state)
    return EvaluatedShare(
        rows=rows[order],
        logits=np.concatenate([share.logits for share in shares])[order],
        failed=tuple(failed),
        localisation=whole.state() if meters else None,
    )
