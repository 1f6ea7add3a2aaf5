"""Making the int8 network of a model on photos at hand, and measuring what it costs and brings."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.api.errors import DataError
from engine.api.evaluation import EvaluationProgress
from engine.api.values import DecodedImage, FloatArray
from engine.data.datasets.labelled import LabelledImages
from engine.data.datasets.registry import load_dataset
from engine.data.decoding.pool import DecodePool, DecodeRequest
from engine.evaluation.job import EvaluationJob
from engine.inference.backend import Backend
from engine.inference.graphs import Graph
from engine.inference.int8 import Int8Maker
from engine.inference.int8_opening import run_int8
from engine.inference.turns import Turns
from engine.metrics.checks import defined_mean
from engine.metrics.ranking import average_precision
from engine.records import int8_networks
from engine.records.backend_kinds import BACKENDS, INT8_BACKENDS
from engine.records.evaluations import now
from engine.records.int8_networks import Int8Figures

#: Photos whose values say within which ranges whole numbers must reach.
CALIBRATION_PHOTOS = 64
_LEAST_FOR_RANGES = 8
_BATCH = 4
_TRIALS = 3


@dataclass(frozen=True, eq=False)
class Photos:
    """Which photos are for what; none is for both.

    Attributes:
        calibration: how they are decoded for the model.
        calibrated_on: what they are, for people.
        measured: the labelled images to measure on.
    """

    calibration: tuple[DecodeRequest, ...]
    calibrated_on: str
    measured: LabelledImages


def divide(job: EvaluationJob, limit: int | None = None) -> Photos:
    """Photos of the train split for calibration if there is one, else some of those at hand.

    Args:
        job: the model, and all images of the split.
        limit: measure on so many of those that are left; ``None`` takes all.

    Raises:
        DataError: there are too few, or fewer are asked for than say anything.
    """
    least = int8_networks.LEAST_PHOTOS
    if limit is not None and limit < least:
        raise DataError(f"{int8_networks.too_few_text(limit)} Leave out --photos, or raise it.")
    others = _of_train(job)
    source = job.images if others is None else others
    spare = len(source) if others is not None else max(len(source) - least, 0)
    chosen = source.spread(min(CALIBRATION_PHOTOS, spare))
    taken = set(chosen.paths)
    rest = [row for row, path in enumerate(job.images.paths) if path not in taken]
    if len(rest) < least:
        raise DataError(
            f"{job.images.name} has too few photos. {int8_networks.too_few_text(len(rest))}"
        )
    if len(chosen) < _LEAST_FOR_RANGES:
        raise DataError(
            f"{job.images.name} has too few photos: beside the {least} to measure on, int8 needs "
            f"{_LEAST_FOR_RANGES} others to learn how large values become."
        )
    measured = job.images.subset(rest).spread(limit)
    requests = tuple(_requests(job, chosen))
    return Photos(requests, f"{chosen.name}, {len(chosen)} images", measured)


def quantize(
    job: EvaluationJob, graph: Graph, photos: Photos, pool: DecodePool, turns: Turns
) -> Generator[EvaluationProgress, None, tuple[Int8Figures, bytes]]:
    """Make the network and measure it; what it came to, and the network.

    Args:
        job: the model as it is, and the images.
        graph: of its network.
        photos: of ``divide``.
        pool: decodes.
        turns: passes wait for; how fast networks are is measured without that wait.

    Raises:
        DataError: too few photos can be read, or the network cannot be run.
        ModelError: nothing in the network can be run in int8.
    """
    total = len(photos.calibration) + len(photos.measured)
    maker = Int8Maker(job.model.weights, graph)
    ranges = []
    with closing(_decoded(pool, photos.calibration)) as images:
        for _, image in images:
            with turns.taken(urgent=False):
                ranges.append(maker.range_of(image.pixels))
            yield EvaluationProgress(len(ranges), total)
    if len(ranges) < _LEAST_FOR_RANGES:
        raise DataError(f"Too few photos of {photos.calibrated_on} can be read.")
    network = maker.make(ranges)
    with turns.taken(urgent=False):
        name, int8 = _fastest(job, network)
    meter = _Meter(job, (turns.out_of_turn(job.backend), int8), photos.measured)
    with closing(_decoded(pool, tuple(_requests(job, photos.measured)))) as images:
        for row, image in images:
            with turns.taken(urgent=False):
                meter.add(row, image)
            yield EvaluationProgress(len(photos.calibration) + row + 1, total)
    return meter.figures(photos.calibrated_on, name), network


class _Meter:
    """Compares a model with its int8 network, photo by photo, in turn."""

    def __init__(
        self, job: EvaluationJob, backends: tuple[Backend, Backend], images: LabelledImages
    ) -> None:
        self._backends = backends
        self._images = images
        names = job.model.config.categories
        self._columns = [names.index_of(name) for name in images.categories]
        self._rows: list[int] = []
        self._logits: tuple[list[FloatArray], list[FloatArray]] = ([], [])
        self._seconds: tuple[list[float], list[float]] = ([], [])
        self._correlations: list[float] = []

    def add(self, row: int, image: DecodedImage) -> None:
        """One photo through both."""
        maps = []
        runs = zip(self._backends, self._logits, self._seconds, strict=True)
        for backend, logits, seconds in runs:
            started = time.perf_counter()
            found = backend.run(image.pixels[None])
            seconds.append(time.perf_counter() - started)
            logits.append(found.logits[0, self._columns])
            maps.append(found.position_scores[0])
        self._rows.append(row)
        self._correlations.append(correlation(maps[0], maps[1]))

    def figures(self, calibrated_on: str, backend: str) -> Int8Figures:
        """What it came to.

        Raises:
            DataError: too few photos could be read.
        """
        if len(self._rows) < int8_networks.LEAST_PHOTOS:
            why = int8_networks.too_few_text(len(self._rows))
            raise DataError(f"Too few photos of {self._images.name} can be read. {why}")
        targets, ignored = self._images.targets[self._rows], self._images.ignored[self._rows]
        before, after = (
            defined_mean(average_precision(np.stack(logits), targets, ignored))
            for logits in self._logits
        )
        # The median: on a machine that does other things too, single passes take very long.
        rates = [1.0 / max(float(np.median(seconds)), 1e-9) for seconds in self._seconds]
        return Int8Figures(
            measured_on=f"{self._images.name}, {len(self._rows):,} images",
            calibrated_on=calibrated_on,
            date=now(),
            map_float=before,
            map_int8=after,
            correlation=float(np.nanmean(self._correlations)),
            rate_float=rates[0],
            rate_int8=rates[1],
            runtime_float=self._backends[0].runtime,
            backend=backend,
            runtime=BACKENDS[backend].runtime,
        )


def correlation(ours: FloatArray, theirs: FloatArray) -> float:
    """Pearson's over the positions of two maps, the mean over heads and categories.

    Args:
        ours: (num_heads, C, h, w).
        theirs: the same shape.

    Returns:
        NaN if all maps are flat.
    """
    a, b = (values.reshape(*values.shape[:2], -1).astype(np.float64) for values in (ours, theirs))
    a, b = (values - values.mean(axis=2, keepdims=True) for values in (a, b))
    lengths = np.sqrt((a * a).sum(axis=2) * (b * b).sum(axis=2))
    uneven = lengths > 0.0
    found: NDArray[np.float64] = (a * b).sum(axis=2)[uneven] / lengths[uneven]
    return float(found.mean()) if found.size else float("nan")


def _of_train(job: EvaluationJob) -> LabelledImages | None:
    request = job.request
    if request.split == "train":
        return None
    try:
        found = load_dataset(
            request.dataset, request.root, "train", follow_links=request.follow_links
        ).for_categories(job.model.config.categories, request.mapping)
    except DataError:
        return None
    return found if len(found) >= _LEAST_FOR_RANGES else None


def _requests(job: EvaluationJob, images: LabelledImages) -> Iterator[DecodeRequest]:
    pixels = job.model.config.preprocess
    for row, path in enumerate(images.paths):
        crop = None if images.crops is None else images.crops[row]
        mode = job.request.config.decode
        yield DecodeRequest(path, pixels.input_size, pixels.resize, crop, mode=mode)


def _decoded(
    pool: DecodePool, requests: Sequence[DecodeRequest]
) -> Generator[tuple[int, DecodedImage], None, None]:
    """Those that can be read, with their places."""
    with closing(pool.map(requests, window=3 * _BATCH)) as images:
        for row, image in enumerate(images):
            if isinstance(image, DecodedImage):
                yield row, image


def _fastest(job: EvaluationJob, network: bytes) -> tuple[str, Backend]:
    """What runs an int8 network fastest here, by name; the best of a few passes each."""
    size = job.model.config.preprocess.input_size
    pixels = np.random.default_rng(0).integers(0, 256, (_BATCH, size, size, 3), dtype=np.uint8)
    found = []
    reasons = []
    for name in INT8_BACKENDS:
        try:
            backend = run_int8(job.model.weights, network, [name])
        except DataError as error:
            reasons.append(str(error))
            continue
        seconds = []
        for _ in range(_TRIALS):
            started = time.perf_counter()
            backend.run(pixels)
            seconds.append(time.perf_counter() - started)
        found.append((min(seconds), name, backend))
    if not found:
        raise DataError(f"Nothing here can run int8: {'; '.join(reasons)}.")
    _, name, backend = min(found, key=lambda one: one[0])
    return name, backend
