"""Feature maps of a frozen backbone, computed once and kept on disk."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from engine.api.config import DecodeMode, PreprocessConfig
from engine.api.errors import DataError
from engine.api.training_reports import PreparationReport
from engine.atomic import atomic_path
from engine.data.datasets.labelled import Crop
from engine.data.decoding.pool import DecodePool, DecodeRequest
from engine.models.backbones import Backbone, weights_digest
from engine.records.feature_cache import kept_array, note_use
from engine.texts import reason_text
from engine.train.decoding import decoded

FeatureArray = NDArray[np.float16]
_BATCH = 8


class FeatureExtractor:
    """Runs a frozen backbone over images and keeps its feature maps in files.

    Args:
        backbone: its weights decide the file's name, so a changed one is computed anew.
        preprocess: how images reach it.
        folder: where the files go; made if missing.
        mode: how photos are read.
    """

    def __init__(
        self,
        backbone: Backbone,
        preprocess: PreprocessConfig,
        folder: Path,
        mode: DecodeMode = "exact",
    ) -> None:
        self._backbone = backbone.eval().to(memory_format=torch.channels_last)
        self._preprocess = preprocess
        self._folder = folder
        self._mode = mode
        self._weights = weights_digest(backbone)

    def extract(
        self,
        pool: DecodePool,
        name: str,
        paths: Sequence[Path],
        *,
        crops: Sequence[Crop | None] | None = None,
        flip: bool = False,
    ) -> Generator[PreparationReport, None, FeatureArray]:
        """The features of images; returns them when done, at once if their file is there.

        Args:
            pool: decodes.
            name: of the images, for progress.
            paths: N images.
            crops: the part of each that counts; ``None`` for whole images.
            flip: mirror them left to right first.

        Returns:
            (N, D, h, w) float16, mapped from the file.

        Raises:
            DataError: an image cannot be read, or the file cannot be written.
        """
        parts = crops or [None] * len(paths)
        file = self.file_of(paths, crops, flip=flip)
        shape = (len(paths), None, None, None)
        features: FeatureArray | None = kept_array(file, shape, np.float16)
        if features is None:
            side, fit = self._preprocess.input_size, self._preprocess.resize
            requests = [
                DecodeRequest(path, side, fit, crop, mode=self._mode)
                for path, crop in zip(paths, parts, strict=True)
            ]
            try:
                self._folder.mkdir(parents=True, exist_ok=True)
                with atomic_path(file) as temporary:
                    yield from self._write(pool, name, requests, temporary, flip=flip)
            except OSError as error:
                raise DataError(
                    f"Features cannot be kept in {self._folder}: {reason_text(error)}."
                ) from error
            features = np.load(file, mmap_mode="r", allow_pickle=False)
        note_use(file)
        return features

    def _write(
        self,
        pool: DecodePool,
        name: str,
        requests: Sequence[DecodeRequest],
        file: Path,
        *,
        flip: bool,
    ) -> Generator[PreparationReport, None, None]:
        array: np.memmap[Any, np.dtype[np.float16]] | None = None
        with closing(decoded(pool, requests)) as images:
            for start in range(0, len(requests), _BATCH):
                count = min(_BATCH, len(requests) - start)
                pixels = [next(images).pixels for _ in range(count)]
                features = features_of(self._backbone, self._preprocess, pixels, flip=flip)
                if array is None:
                    shape = (len(requests), *features.shape[1:])
                    array = open_memmap(file, mode="w+", dtype=np.float16, shape=shape)
                array[start : start + count] = features
                yield PreparationReport(name, start + count, len(requests))
        if array is not None:
            array.flush()

    def file_of(
        self, paths: Sequence[Path], crops: Sequence[Crop | None] | None = None, *, flip: bool
    ) -> Path:
        """Where the features of these images are kept, once they are computed."""
        key = hashlib.sha256(self._weights.encode())
        # Files of before this was a choice are of what is called fast now.
        mode = () if self._mode == "fast" else (self._mode,)
        key.update(repr((self._preprocess, flip, *mode)).encode())
        for path, crop in zip(paths, crops or [None] * len(paths), strict=True):
            status = path.stat()
            part = "" if crop is None else f"|{crop}"
            text = f"{path.resolve()}|{status.st_size}|{status.st_mtime_ns}{part}\n"
            key.update(text.encode(errors="replace"))
        return self._folder / f"features-{key.hexdigest()[:24]}.npy"


def features_of(
    backbone: Backbone,
    preprocess: PreprocessConfig,
    pixels: Sequence[NDArray[np.uint8]],
    *,
    flip: bool = False,
) -> FeatureArray:
    """The features (N, D, h, w) of decoded images.

    Args:
        backbone: in evaluation mode, on the CPU.
        preprocess: how images reach it.
        pixels: N times (S, S, 3).
        flip: mirror them left to right first.
    """
    mean = torch.tensor(preprocess.mean).view(1, 3, 1, 1)
    std = torch.tensor(preprocess.std).view(1, 3, 1, 1)
    with torch.inference_mode():
        images = torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2)
        images = (images.float() / 255.0 - mean) / std
        images = images.flip(3) if flip else images
        features = backbone(images.contiguous(memory_format=torch.channels_last))
    result: FeatureArray = features.half().contiguous().numpy()
    return result
