"""Running a model over many images: decode ahead, batch, yield in order."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterable, Iterator, Sequence
from itertools import islice, repeat
from pathlib import Path
from typing import TypeVar

import numpy as np

from engine.api.config import PredictConfig, PreprocessConfig
from engine.api.errors import ImageError, MemoryShortError
from engine.api.geometry import Box
from engine.api.passing import MEMORY_SHORT
from engine.api.values import DecodedImage, Descriptor, FloatArray, PositionScores, Prediction
from engine.data.decoding.pool import DecodePool, DecodeRequest
from engine.explain.evidence import activate
from engine.explain.occlusion import with_hidden
from engine.inference.backend import Backend
from engine.inference.thumbnails import ImageSource

T = TypeVar("T")
_LEAST_AHEAD = 12
#: So many photos one after the other that there is no memory for: then there will be none soon.
_MOST_WITHOUT_MEMORY = 8
_Decoded = tuple[Path, DecodedImage | ImageError]


def decode_request(path: Path, preprocess: PreprocessConfig) -> DecodeRequest:
    """How an image has to be decoded for a model."""
    return DecodeRequest(path, preprocess.input_size, preprocess.resize)


def batch_size(backend: Backend, config: PredictConfig | None) -> int:
    """Images per forward pass: what is wanted, or what suits the backend."""
    return (config.batch_size if config else 0) or backend.best_batch


def decode_window(batch: int) -> int:
    """How many images are decoded ahead: enough to keep all decoders busy, little memory else."""
    return max(_LEAST_AHEAD, 3 * batch)


def predict(
    backend: Backend,
    source: ImageSource,
    model_id: str,
    paths: Sequence[Path],
    preprocess: PreprocessConfig,
    config: PredictConfig | None = None,
) -> Generator[Prediction, None, None]:
    """Say what is in each image, in the order given.

    Memory is bounded by the decode window, not by the number of images.

    Args:
        backend: runs the model.
        source: decodes, and measures if it was made to; stays open.
        model_id: goes into the predictions.
        paths: images; one prediction each.
        preprocess: of the model.
        config: batch size, where ``None`` or 0 chooses for the device.
    """
    size = batch_size(backend, config)
    requests = (decode_request(path, preprocess) for path in paths)
    with contextlib.closing(source.map(requests, window=decode_window(size))) as images:
        for batch in batched(zip(paths, images, strict=True), size):
            yield from _predict_batch(backend, model_id, batch)


def explain(
    backend: Backend,
    pool: DecodePool,
    model_id: str,
    path: Path,
    preprocess: PreprocessConfig,
    hidden: Box | None = None,
) -> PositionScores:
    """The position scores of one image: everything its maps are computed from.

    Args:
        backend: runs the model.
        pool: decodes; stays open.
        model_id: goes into the scores.
        path: the image.
        preprocess: of the model.
        hidden: the part of the photo that the model does not get to see.

    Raises:
        ImageError: the image cannot be read.
    """
    image = pool.submit(decode_request(path, preprocess), urgent=True).result()
    if hidden is not None:
        image = with_hidden(image, hidden)
    return position_scores(backend, model_id, path, image)


def position_scores(
    backend: Backend, model_id: str, path: Path, image: DecodedImage
) -> PositionScores:
    """The position scores of an image that was decoded as the model wants."""
    scores = backend.run(image.pixels[None])
    head = backend.head
    return PositionScores(
        path=path,
        model_id=model_id,
        values=scores.position_scores[0],
        temperatures=head.temperatures,
        lam=head.lam,
        activation=head.activation,
        content=image.content,
        width=image.width,
        height=image.height,
    )


def _predict_batch(
    backend: Backend, model_id: str, batch: Sequence[_Decoded]
) -> Iterator[Prediction]:
    pixels = [image.pixels for _, image in batch if isinstance(image, DecodedImage)]
    scores: Iterator[FloatArray] = iter(())
    descriptors: Iterator[Descriptor | None] = repeat(None)
    if pixels:
        try:
            found = backend.run(np.stack(pixels))
        except MemoryShortError as error:
            yield from (without_memory(path, model_id, image, error) for path, image in batch)
            return
        scores = iter(activate(found.logits, backend.head.activation))
        descriptors = iter(found.descriptors) if found.descriptors else descriptors
    for path, image in batch:
        yield prediction_of(path, model_id, image, scores, descriptors)


def prediction_of(
    path: Path,
    model_id: str,
    image: DecodedImage | ImageError,
    scores: Iterator[FloatArray],
    descriptors: Iterator[Descriptor | None],
) -> Prediction:
    """What is said of one image of a batch.

    Args:
        path: the image.
        model_id: who says it.
        image: as it was decoded, or why it was not.
        scores: (C,) of the sound images that are left.
        descriptors: of these.
    """
    if isinstance(image, ImageError):
        return Prediction(path, model_id, np.zeros(0, np.float32), error=str(image))
    size, made = (image.width, image.height), next(descriptors)
    return Prediction(path, model_id, next(scores), *size, descriptor=made, facts=image.facts)


def without_memory(
    path: Path, model_id: str, image: DecodedImage | ImageError, error: MemoryShortError
) -> Prediction:
    """What is said of an image of a batch that there was no memory for; nobody has seen it."""
    said = image if isinstance(image, ImageError) else ImageError(str(error))
    return prediction_of(path, model_id, said, iter(()), iter(()))


def giving_up(predictions: Iterable[Prediction]) -> Generator[Prediction, None, None]:
    """The same predictions, until there is too little memory time and again.

    Raises:
        MemoryShortError: then.
    """
    in_a_row = 0
    for prediction in predictions:
        in_a_row = in_a_row + 1 if prediction.error == MEMORY_SHORT else 0
        if in_a_row > _MOST_WITHOUT_MEMORY:
            raise MemoryShortError
        yield prediction


def batched(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """The items in lists of ``size``; the last one may be shorter."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
