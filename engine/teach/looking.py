"""What a model sees in photos before it learns: from what is kept, or by looking at them."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Collection, Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from engine.api.errors import DataError, ImageError
from engine.api.teaching import TeachProgress
from engine.api.values import DecodedImage
from engine.checkpoints.safetensors_model import Checkpoint
from engine.data.decoding.pool import DecodePool
from engine.explain.evidence import sigmoid
from engine.inference.photo_features import PhotoFeatures
from engine.inference.predict import batched, decode_request
from engine.inference.reduction import Basis, HalfArray
from engine.inference.spool import Seen
from engine.pytorch.torch_backend import TorchBackend
from engine.texts import display_name, reason_text

_BATCH = 8
#: Photos that nothing is known of: so many are looked at if they have not been before, and more
#: than that say little more.
_FEWEST_OTHERS, _MOST_OTHERS = 200, 5000
_READ_AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class SeenPhoto:
    """A photo, and what its features are called."""

    path: Path
    key: str


class Looking:
    """Looks at photos with a model's backbone, each once.

    Args:
        checkpoint: the model.
        folder: keeps what was seen.
        pool: decodes.
    """

    def __init__(self, checkpoint: Checkpoint, folder: Path, pool: DecodePool) -> None:
        self._photos = PhotoFeatures(checkpoint.weights, folder)
        self._preprocess = checkpoint.record.config.preprocess
        self._backend = TorchBackend(checkpoint.classifier, torch.device("cpu"))
        self._pool = pool

    @property
    def basis(self) -> Basis:
        """The directions that photos are reduced to; there are some once photos were looked at."""
        if self._photos.basis is None:
            raise RuntimeError("no photo was looked at")
        return self._photos.basis

    def at(
        self, paths: Sequence[Path], others: Sequence[Path]
    ) -> Generator[TeachProgress, None, list[SeenPhoto]]:
        """Look at all photos to learn from and at some others; yields how many are done.

        Args:
            paths: to learn from.
            others: as many of these as were looked at before, or some.

        Returns:
            Those of the others that were looked at, in random order.

        Raises:
            DataError: a photo to learn from cannot be read, or what is seen not be kept.
        """
        needed = [SeenPhoto(path, self._photos.key(path)) for path in paths]
        seen, unseen = self._kept_of(others)
        missing = [photo for photo in needed if self._photos.read(photo.key) is None]
        wanted = [*missing, *unseen]
        total = len(needed) + len(unseen)
        yield TeachProgress("looking", total - len(wanted), total)
        names = {photo.path for photo in missing}
        requests = [decode_request(photo.path, self._preprocess) for photo in wanted]
        with contextlib.closing(self._pool.map(requests)) as images:
            for batch in batched(zip(wanted, images, strict=True), _BATCH):
                sound = list(_sound(batch, names))
                self._keep(sound)
                seen += [photo for photo, _ in sound if photo.path not in names]
                total -= len(batch) - len(sound)
                wanted = wanted[len(batch) :]
                yield TeachProgress("looking", total - len(wanted), total)
        self._write()
        return seen

    def features(self, photos: Sequence[SeenPhoto | Path]) -> HalfArray:
        """(N, r, h, w) of photos that were looked at.

        Raises:
            DataError: they are not kept any more.
        """
        keys = [p.key if isinstance(p, SeenPhoto) else self._photos.key(p) for p in photos]
        found = list(map(self._photos.read, keys))
        sound = [kept.features.astype(np.float16) for kept in found if kept is not None]
        if len(sound) < len(found):
            raise DataError("What was kept of the photos is gone. Try again.")
        return np.stack(sound) if sound else np.empty((0, 0, 0, 0), dtype=np.float16)

    def parts(self, photos: Sequence[SeenPhoto]) -> Iterator[tuple[list[Path], HalfArray]]:
        """Photos that were looked at with their features, some at a time."""
        for part in batched(photos, _READ_AT_ONCE):
            yield [photo.path for photo in part], self.features(part)

    def _kept_of(self, others: Sequence[Path]) -> tuple[list[SeenPhoto], list[SeenPhoto]]:
        """Photos that were looked at before, and those that are to be; drawn at random."""
        seen: list[SeenPhoto] = []
        unseen: list[SeenPhoto] = []
        for path in random.Random(0).sample(others, len(others)):  # noqa: S311  # no secret
            with contextlib.suppress(DataError):  # gone since
                photo = SeenPhoto(path, self._photos.key(path))
                (seen if self._photos.has(photo.key) else unseen).append(photo)
            if len(seen) == _MOST_OTHERS:
                break
        return seen, unseen[: max(0, _FEWEST_OTHERS - len(seen))]

    def _keep(self, batch: Sequence[tuple[SeenPhoto, DecodedImage]]) -> None:
        if not batch:
            return
        found = self._backend.run(np.stack([image.pixels for _, image in batch]), features=True)
        if found.features is None:
            return
        scores = sigmoid(found.logits).astype(np.float16)
        keys = (photo.key for photo, _ in batch)
        with _told():
            self._photos.keep(list(map(Seen, keys, found.features, scores)))

    def _write(self) -> None:
        with _told():
            self._photos.write()


def _sound(
    batch: Sequence[tuple[SeenPhoto, DecodedImage | ImageError]], needed: Collection[Path]
) -> Iterator[tuple[SeenPhoto, DecodedImage]]:
    """Photos that can be read; one that is needed and cannot ends it."""
    for photo, image in batch:
        if isinstance(image, DecodedImage):
            yield photo, image
        elif photo.path in needed:
            raise DataError(f"{display_name(photo.path)} cannot be used: {image}")


@contextlib.contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DataError(
            f"What is seen in the photos cannot be kept: {reason_text(error)}."
        ) from error
