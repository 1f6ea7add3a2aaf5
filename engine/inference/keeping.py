"""Running a model over photos and keeping what its backbone saw; the next one answers from that."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby, islice, tee
from pathlib import Path
from typing import Self

import numpy as np

from engine.api.config import DescriptorWish, PreprocessConfig
from engine.api.errors import MemoryShortError
from engine.api.values import DecodedImage, Descriptor, FloatArray, Prediction
from engine.explain.evidence import activate
from engine.inference.backend import Backend
from engine.inference.descriptors import Describer, DescribingBackend
from engine.inference.photo_features import Kept, PhotoFeatures
from engine.inference.predict import (
    batched,
    decode_request,
    decode_window,
    prediction_of,
    without_memory,
)
from engine.inference.spool import Seen
from engine.inference.thumbnails import ImageSource

_log = logging.getLogger(__name__)
#: Photos answered together from what is kept.
_AT_ONCE = 64
#: Photos whose files are looked up at once: each time the disk is asked takes a thread.
_ASKED_AT_ONCE = 16
#: Photos whose features are reduced and written at once; a float32 megabyte each till then.
_KEPT_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class _Photo:
    """A path, what its features are called, and whether they are kept."""

    path: Path
    key: str | None
    is_kept: bool


class _Writer:
    """Keeps what was seen in a thread of its own, a few photos behind, while the network goes on.

    Leaving the block waits for the last ones.
    """

    def __init__(self, photos: PhotoFeatures) -> None:
        self._photos = photos
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="keep-features")
        self._last: Future[None] | None = None
        self._waiting: list[Seen] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self._write()
        if kind is not GeneratorExit:  # who cancels does not wait for directions
            self._thread.submit(self._photos.settle_if_possible)
        self._thread.shutdown()

    def keep(self, seen: Sequence[Seen]) -> None:
        """Keep it, once there is enough that it is worth while."""
        self._waiting += seen
        if len(self._waiting) >= _KEPT_AT_ONCE:
            self._write()

    def _write(self) -> None:
        """What was given before is waited for: little is in memory."""
        if self._last is not None:
            self._last.result()
        if self._waiting:
            self._last = self._thread.submit(self._photos.keep_if_possible, self._waiting)
            self._waiting = []


class KeepingPredictor:
    """Says what is in photos, as ``predict`` does.

    Args:
        backend: runs the model.
        photos: what is kept for its backbone.
        preprocess: of the model.
        describer: makes descriptors, if they are asked for.
        answers: whether what is kept is enough of an answer.
    """

    def __init__(
        self,
        backend: Backend,
        photos: PhotoFeatures,
        preprocess: PreprocessConfig,
        *,
        answers: bool,
        describer: Describer | None = None,
    ) -> None:
        self._backend = backend
        self._photos = photos
        self._preprocess = preprocess
        self._answers = answers
        self._describing = DescribingBackend(backend, describer) if describer else backend

    def predict(
        self,
        source: ImageSource,
        model_id: str,
        paths: Sequence[Path],
        batch_size: int,
        descriptors: DescriptorWish = "none",
    ) -> Generator[Prediction, None, None]:
        """One prediction per path, in the order given; those from what is kept have no size.

        Args:
            source: decodes; stays open.
            model_id: goes into the predictions.
            paths: images.
            batch_size: images per forward pass.
            descriptors: see ``PredictConfig``; what is kept is not enough for one.
        """
        answers = self._answers and descriptors != "all"
        backend = self._backend if descriptors == "none" else self._describing
        photos = (
            photo
            for some in batched(paths, _ASKED_AT_ONCE)
            for photo in self._looked_up(some, answers=answers)
        )
        for is_kept, run in groupby(photos, key=lambda photo: photo.is_kept):
            if is_kept:
                yield from self._answered(source, model_id, run, backend)
            else:
                yield from self._seen(source, model_id, run, batch_size, backend)

    def _looked_up(self, paths: Sequence[Path], *, answers: bool) -> Iterator[_Photo]:
        for path, key in zip(paths, self._photos.keys(paths), strict=True):
            # Without one, the decoder says what is wrong with it.
            is_kept = answers and key is not None and self._photos.has(key)
            yield _Photo(path, key, is_kept=is_kept)

    def _seen(
        self,
        source: ImageSource,
        model_id: str,
        run: Iterable[_Photo],
        batch_size: int,
        backend: Backend,
    ) -> Generator[Prediction, None, None]:
        """Through the whole network."""
        ahead, photos = tee(run)
        requests = (decode_request(photo.path, self._preprocess) for photo in ahead)
        window = decode_window(batch_size)
        with (
            _Writer(self._photos) as writer,
            contextlib.closing(source.map(requests, window=window)) as images,
        ):
            for batch in batched(zip(photos, images, strict=True), batch_size):
                sound = [
                    (photo, image) for photo, image in batch if isinstance(image, DecodedImage)
                ]
                try:
                    scores, described = map(iter, self._looked_at(sound, writer, backend))
                except MemoryShortError as error:
                    for photo, image in batch:
                        yield without_memory(photo.path, model_id, image, error)
                    continue
                for photo, image in batch:
                    yield prediction_of(photo.path, model_id, image, scores, described)

    def _looked_at(
        self,
        batch: Sequence[tuple[_Photo, DecodedImage]],
        writer: _Writer,
        backend: Backend,
    ) -> tuple[FloatArray, Sequence[Descriptor | None]]:
        """Scores (B, C) and descriptors; what the backbone saw is kept."""
        if not batch:
            return np.empty((0, 0), dtype=np.float32), ()
        found = backend.run(np.stack([image.pixels for _, image in batch]), features=True)
        scores = activate(found.logits, self._backend.head.activation)
        if found.features is not None:
            parts = zip(batch, found.features, scores.astype(np.float16), strict=True)
            writer.keep(
                [Seen(photo.key, *part) for (photo, _), *part in parts if photo.key is not None]
            )
        return scores, found.descriptors or [None] * len(batch)

    def _answered(
        self,
        source: ImageSource,
        model_id: str,
        run: Iterable[_Photo],
        backend: Backend,
    ) -> Generator[Prediction, None, None]:
        """From what is kept; what turns out to be damaged goes through the network after all."""
        while batch := list(islice(run, _AT_ONCE)):
            kept = [None if photo.key is None else self._photos.read(photo.key) for photo in batch]
            sound = [one for one in kept if one is not None]
            scores = iter(self._kept_scores(sound))
            for photo, one in zip(batch, kept, strict=True):
                if one is None:
                    yield from self._seen(source, model_id, [photo], 1, backend)
                else:
                    yield Prediction(photo.path, model_id, next(scores))

    def _kept_scores(self, kept: Sequence[Kept]) -> FloatArray:
        heads = self._photos.heads
        if heads is None or not kept:
            return np.empty((0, 0), dtype=np.float32)
        logits = heads.logits(np.stack([one.features for one in kept]))
        return self._photos.with_exact(activate(logits, self._backend.head.activation), kept)
