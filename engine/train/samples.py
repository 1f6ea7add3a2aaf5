"""A few validation images that are looked at before the first epoch and after each."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.api.config import DecodeMode, HeadConfig, PreprocessConfig
from engine.api.errors import ImageError
from engine.api.training_reports import SampleReport
from engine.api.values import DecodedImage, FloatArray, PositionScores
from engine.data.datasets.labelled import LabelledImages
from engine.data.decoding.pool import DecodePool, DecodeRequest


class Samples:
    """Images whose labels and maps are told as they get better.

    Args:
        images: of the validation images, in their order.
        count: how many; spread over the set, those with most categories in each stretch.
        preprocess: how images reach the model.
        mode: how photos are read.
    """

    def __init__(
        self, images: LabelledImages, count: int, preprocess: PreprocessConfig, mode: DecodeMode
    ) -> None:
        rows = _chosen(images, count)
        side, fit = preprocess.input_size, preprocess.resize
        requests = [DecodeRequest(images.paths[row], side, fit, mode=mode) for row in rows]
        with DecodePool(1) as pool:
            decoded = [_decoded(pool, request) for request in requests]
        self._images = images
        readable = zip(rows, decoded, strict=True)
        self._decoded = {row: image for row, image in readable if image is not None}
        self.rows = tuple(self._decoded)

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """(K, S, S, 3) of the images, as the model wants them; there must be some."""
        return np.stack([image.pixels for image in self._decoded.values()])

    def report(self, epoch: int, values: FloatArray, head: HeadConfig) -> SampleReport:
        """What the model says of them now.

        Args:
            epoch: that was finished; 0 before the first.
            values: (K, num_heads, C, h, w) position scores.
            head: of the model.
        """
        labels = self._images
        truth = [
            tuple(labels.categories[int(c)] for c in np.flatnonzero(labels.targets[row]))
            for row in self.rows
        ]
        scores = [
            PositionScores(
                path=labels.paths[row],
                model_id="",
                values=value,
                temperatures=head.temperatures,
                lam=head.lam,
                content=image.content,
                width=image.width,
                height=image.height,
                activation=head.activation,
            )
            for (row, image), value in zip(self._decoded.items(), values, strict=True)
        ]
        return SampleReport(epoch, tuple(scores), tuple(truth))


def _chosen(images: LabelledImages, count: int) -> list[int]:
    """Of each stretch, the image with most categories; the same whenever it is asked."""
    if not count:
        return []
    stretches = np.array_split(np.arange(len(images)), max(1, min(count, len(images))))
    # A part of a picture has no picture of its own to be shown on.
    whole = [s for s in stretches if len(s) and images.crops is None]
    return [int(s[np.argmax(images.targets[s].sum(axis=1))]) for s in whole]


def _decoded(pool: DecodePool, request: DecodeRequest) -> DecodedImage | None:
    try:
        return pool.submit(request).result()
    except ImageError:
        return None
