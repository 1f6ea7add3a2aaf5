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

from engine.atomic import atomic_path
from engine.config import PreprocessConfig
from engine.data.decode_pool import DecodePool, DecodeRequest
from engine.errors import DataError, ImageError
from engine.models.backbones import Backbone
from engine.train.reports import PreparationReport
from engine.values import DecodedImage

FeatureArray = NDArray[np.float16]
_BATCH = 8


class FeatureExtractor:
    """Runs a frozen backbone over images and keeps its feature maps in files.

    Args:
        backbone: its weights decide the file's name, so a changed one is computed anew.
        preprocess: how images reach it.
        folder: where the files go; made if missing.
    """

    def __init__(self, backbone: Backbone, preprocess: PreprocessConfig, folder: Path) -> None:
        self._backbone = backbone.eval().to(memory_format=torch.channels_last)
        self._preprocess = preprocess
        self._folder = folder
        self._weights = _digest_of(backbone)

    def extract(
        self, pool: DecodePool, name: str, paths: Sequence[Path], *, flip: bool = False
    ) -> Generator[PreparationReport, None, FeatureArray]:
        """The features of images; returns them when done, at once if their file is there.

        Args:
            pool: decodes.
            name: of the images, for progress.
            paths: N images.
            flip: mirror them left to right first.

        Returns:
            (N, D, h, w) float16, mapped from the file.

        Raises:
            DataError: an image cannot be read, or the file cannot be written.
        """
        file = self._file(paths, flip=flip)
        if not file.exists():
            self._folder.mkdir(parents=True, exist_ok=True)
            with atomic_path(file) as temporary:
                yield from self._write(pool, name, paths, temporary, flip=flip)
        features: FeatureArray = np.load(file, mmap_mode="r", allow_pickle=False)
        return features

    def _write(
        self, pool: DecodePool, name: str, paths: Sequence[Path], file: Path, *, flip: bool
    ) -> Generator[PreparationReport, None, None]:
        array: np.memmap[Any, np.dtype[np.float16]] | None = None
        preprocess = self._preprocess
        requests = (DecodeRequest(p, preprocess.input_size, preprocess.resize) for p in paths)
        with closing(pool.map(requests)) as images:
            for start in range(0, len(paths), _BATCH):
                batch = paths[start : start + _BATCH]
                features = self._features(
                    [_pixels(path, next(images)) for path in batch], flip=flip
                )
                if array is None:
                    shape = (len(paths), *features.shape[1:])
                    array = open_memmap(file, mode="w+", dtype=np.float16, shape=shape)
                array[start : start + len(batch)] = features
                yield PreparationReport(name, start + len(batch), len(paths))
        if array is not None:
            array.flush()

    def _features(self, pixels: list[NDArray[np.uint8]], *, flip: bool) -> FeatureArray:
        mean = torch.tensor(self._preprocess.mean).view(1, 3, 1, 1)
        std = torch.tensor(self._preprocess.std).view(1, 3, 1, 1)
        with torch.inference_mode():
            images = torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2)
            images = (images.float() / 255.0 - mean) / std
            images = images.flip(3) if flip else images
            features = self._backbone(images.contiguous(memory_format=torch.channels_last))
        result: FeatureArray = features.half().contiguous().numpy()
        return result

    def _file(self, paths: Sequence[Path], *, flip: bool) -> Path:
        key = hashlib.sha256(self._weights.encode())
        key.update(repr((self._preprocess, flip)).encode())
        for path in paths:
            status = path.stat()
            key.update(
                f"{path.resolve()}|{status.st_size}|{status.st_mtime_ns}\n".encode(errors="replace")
            )
        return self._folder / f"features-{key.hexdigest()[:24]}.npy"


def _pixels(path: Path, image: DecodedImage | ImageError) -> NDArray[np.uint8]:
    if isinstance(image, ImageError):
        raise DataError(f"The training image {path} cannot be used: {image}")
    return image.pixels


def _digest_of(backbone: Backbone) -> str:
    digest = hashlib.sha256()
    for name, tensor in backbone.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
