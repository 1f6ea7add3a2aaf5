"""Training images: decoded once into a file of pixels, then changed anew in every epoch."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.lib.format import open_memmap
from numpy.typing import NDArray
from torch import Tensor

from engine.api.config import DecodeMode
from engine.api.errors import DataError
from engine.api.training_config import AugmentConfig
from engine.api.training_reports import PreparationReport
from engine.atomic import atomic_path
from engine.data.datasets.labelled import LabelledImages
from engine.data.decoding.pool import DecodePool, DecodeRequest
from engine.records.feature_cache import kept_array, note_use
from engine.texts import display_path, reason_text
from engine.train.augment import augmented, resized
from engine.train.decoding import decoded

#: Kept images are larger than the network's input by so much, so that crops stay sharp.
_CROP_MARGIN = 8 / 7


@dataclass(frozen=True)
class PixelForm:
    """How images are kept.

    Attributes:
        side: of the squares in pixels.
        decode: how photos are read.
    """

    side: int
    decode: DecodeMode = "exact"


@dataclass(frozen=True, eq=False)
class PixelSet:
    """Labelled images with their pixels.

    Attributes:
        labels: N images.
        pixels: (N, S, S, 3) uint8, squashed to squares; usually mapped from a file.
        aspects: (N,) width / height of each before that.
    """

    labels: LabelledImages
    pixels: NDArray[np.uint8]
    aspects: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.labels)


def load_pixels(
    pool: DecodePool, labels: LabelledImages, form: PixelForm, folder: Path
) -> Generator[PreparationReport, None, PixelSet]:
    """Decode images into a file, once; at once if the file is there.

    Args:
        pool: decodes.
        labels: the images.
        form: of the pixels.
        folder: where files are kept; made if missing.

    Raises:
        DataError: an image cannot be read, or the file cannot be written.
    """
    file = pixels_file(labels, form, folder)
    aspects_file = file.with_name(file.name.replace("pixels", "aspects"))
    shape = (len(labels), form.side, form.side, 3)
    pixels = kept_array(file, shape, np.uint8)
    aspects = kept_array(aspects_file, shape[:1], np.float64)
    if pixels is None or aspects is None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with atomic_path(aspects_file) as second, atomic_path(file) as first:
                yield from _write(pool, labels, form, (first, second))
        except OSError as error:
            raise DataError(
                f"Pixels could not be kept in {folder}: {reason_text(error)}."
            ) from error
        pixels = np.load(file, mmap_mode="r", allow_pickle=False)
        aspects = np.load(aspects_file, allow_pickle=False)
    note_use(file, aspects_file)
    return PixelSet(labels, pixels, aspects)


def kept_side(input_size: int, config: AugmentConfig) -> int:
    """Side in pixels of the kept images that are learned from.

    Args:
        input_size: of the network, in pixels.
        config: what is done to them. Crops are taken from larger ones; without crops, what is kept
            is what the network sees, resampled once.
    """
    return round(input_size * _CROP_MARGIN) if config.crops else input_size


def pixels_file(labels: LabelledImages, form: PixelForm, folder: Path) -> Path:
    """Where the pixels of these images are kept, once they are decoded.

    Raises:
        DataError: an image is not there any more.
    """
    try:
        return folder / f"pixels-{_key(labels, form)}.npy"
    except OSError as error:
        shown = display_path(error.filename or "")
        raise DataError(f"The image {shown} cannot be read: {reason_text(error)}.") from error


def _write(
    pool: DecodePool, labels: LabelledImages, form: PixelForm, files: tuple[Path, Path]
) -> Generator[PreparationReport, None, None]:
    side = form.side
    shape = (len(labels), side, side, 3)
    array: np.memmap[Any, np.dtype[np.uint8]] = open_memmap(
        files[0], mode="w+", dtype=np.uint8, shape=shape
    )
    aspects = np.ones(len(labels))
    crops = labels.crops or [None] * len(labels)
    requests = [
        DecodeRequest(path, side, "squash", crop, mode=form.decode)
        for path, crop in zip(labels.paths, crops, strict=True)
    ]
    with closing(decoded(pool, requests)) as images:
        for row, image in enumerate(images):
            array[row] = image.pixels
            aspects[row] = image.width / image.height
            yield PreparationReport(labels.name, row + 1, len(labels))
    array.flush()
    with files[1].open("wb") as stream:
        np.save(stream, aspects, allow_pickle=False)


def _key(labels: LabelledImages, form: PixelForm) -> str:
    mode = "" if form.decode == "fast" else f" {form.decode}"
    key = hashlib.sha256(f"{form.side}{mode}\n".encode())
    for row, path in enumerate(labels.paths):
        status = path.stat()
        crop = None if labels.crops is None else labels.crops[row]
        key.update(
            f"{path.resolve()}|{status.st_size}|{status.st_mtime_ns}|{crop}\n".encode(
                errors="replace"
            )
        )
    return key.hexdigest()[:24]


@dataclass(frozen=True, eq=False)
class Batch:
    """Training images, ready but for the normalisation.

    Attributes:
        pixels: (B, 3, S, S) uint8.
        targets: (B, C) float32 from 0 to 1.
        counted: (B, C) float32, how much each label counts: 1 if it is known, 0 if not at all.
    """

    pixels: Tensor
    targets: Tensor
    counted: Tensor

    def __len__(self) -> int:
        return len(self.pixels)

    def parts(self, count: int) -> list[Batch]:
        """The same images in so many parts, as views: pinned memory stays pinned."""
        columns = (self.pixels, self.targets, self.counted)
        split = (column.tensor_split(count) for column in columns)
        return [Batch(*part) for part in zip(*split, strict=True)]

    def pinned(self) -> Batch:
        """In memory that a graphics card copies from by itself, while others work."""
        return Batch(self.pixels.pin_memory(), self.targets.pin_memory(), self.counted.pin_memory())

    def on(self, device: torch.device) -> Batch:
        """On a device; out of pinned memory, nobody waits for the copy."""
        columns = (self.pixels, self.targets, self.counted)
        return Batch(*(column.to(device, non_blocking=True) for column in columns))


#: Pixels, targets and what counts of one image.
_Sample = tuple[Tensor, Tensor, Tensor]


class TrainingImages:
    """Makes the batches of a run; each depends on the seed, the epoch and its rows alone.

    Args:
        images: to learn from.
        config: how they are changed.
        seed: of the run.
        ignore_unclear: whether labels that nobody can tell are left out.
        unknown_weight: how much these count as negative all the same, 0 to 1.
    """

    def __init__(
        self,
        images: PixelSet,
        config: AugmentConfig,
        seed: int,
        *,
        ignore_unclear: bool,
        unknown_weight: float = 0.0,
    ) -> None:
        self._images = images
        self._config = config
        self._seed = seed
        self._targets = torch.from_numpy(images.labels.targets).float()
        unclear = torch.from_numpy(images.labels.ignored)
        self._counted = torch.ones(unclear.shape)
        if ignore_unclear:
            self._counted[unclear] = unknown_weight

    def __len__(self) -> int:
        return len(self._images)

    def order(self, epoch: int) -> NDArray[np.intp]:
        """The rows in the order of an epoch."""
        return self._rng(epoch).permutation(len(self)).astype(np.intp)

    def batch(self, epoch: int, rows: Sequence[int], mine: Sequence[int], size: int) -> Batch:
        """Part of a batch.

        Args:
            epoch: from 1.
            rows: the images of the whole batch; an image is mixed with others of these.
            mine: which places of it are made here.
            size: of the images in pixels.
        """
        made = [self._made(epoch, rows, place, size) for place in mine]
        pixels, targets, counted = (torch.stack(column) for column in zip(*made, strict=True))
        return Batch(pixels, targets, counted)

    def _made(self, epoch: int, rows: Sequence[int], place: int, size: int) -> _Sample:
        try:
            return self._sample(epoch, rows, place, size)
        except (OSError, MemoryError, RuntimeError) as error:
            name = display_path(self._images.labels.paths[rows[place]])
            raise DataError(
                f"The training image {name} could not be prepared for a step: "
                f"{reason_text(error)}. What was learned so far is kept."
            ) from error

    def _rng(self, *key: int) -> np.random.Generator:
        return np.random.default_rng([self._seed, *key])

    def _sample(self, epoch: int, rows: Sequence[int], place: int, size: int) -> _Sample:
        rng = self._rng(epoch, rows[place])
        mixing = self._config.mixing
        if mixing == "none" or rng.random() >= self._config.mixing_share:
            return self._single(rows[place], size, rng)
        others = [rows[i] for i in rng.integers(len(rows), size=3 if mixing == "splicemix" else 1)]
        if mixing == "mixup":
            parts = [self._single(row, size, rng) for row in (rows[place], *others)]
            return _blended(parts, float(rng.beta(0.5, 0.5)))
        return _spliced([self._single(row, size, rng) for row in (rows[place], *others)], size)

    def _single(self, row: int, size: int, rng: np.random.Generator) -> _Sample:
        images = self._images
        aspect = float(images.aspects[row])
        pixels = augmented(images.pixels[row], aspect, size, self._config, rng)
        return pixels, self._targets[row], self._counted[row]


def _blended(parts: Sequence[_Sample], share: float) -> _Sample:
    """Mixup (Zhang et al. 2018), with labels mixed like the pixels."""
    (a, a_targets, a_counted), (b, b_targets, b_counted) = parts
    pixels = (share * a.float() + (1.0 - share) * b.float()).round().to(torch.uint8)
    return pixels, share * a_targets + (1.0 - share) * b_targets, a_counted * b_counted


def _spliced(parts: Sequence[_Sample], size: int) -> _Sample:
    """SpliceMix (Wang et al. 2023): a grid of smaller images that has the labels of all.

    A label that is unclear in one of them is clear if another has it.
    """
    half = size // 2
    small = [resized(pixels, half) for pixels, _, _ in parts]
    grid = torch.cat([torch.cat(small[:2], dim=2), torch.cat(small[2:], dim=2)], dim=1)
    targets = torch.stack([targets for _, targets, _ in parts]).amax(dim=0)
    counted = torch.stack([counted for _, _, counted in parts]).amin(dim=0)
    return resized(grid, size), targets, torch.maximum(counted, targets)
