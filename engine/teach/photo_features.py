"""Features of single photos, kept on the disk so that the next teaching only looks at new ones."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Generator, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.api.config import PreprocessConfig
from engine.api.errors import DataError, ImageError
from engine.api.teaching import TeachProgress
from engine.api.values import DecodedImage
from engine.atomic import atomic_path
from engine.checkpoints.safetensors_model import Checkpoint
from engine.data.decoding.pool import DecodePool, DecodeRequest
from engine.records.feature_cache import note_use
from engine.texts import display_name
from engine.train.features import FeatureArray, features_of, weights_digest

_BATCH = 8
_SUFFIX = ".features.npy"


class PhotoFeatures:
    """Runs a model's backbone over photos, each once.

    Args:
        checkpoint: its backbone and its way with pixels decide what a photo's file is called.
        folder: where the files go; made if missing. Whoever owns it keeps it small, by
            ``engine.records.feature_cache``.
    """

    def __init__(self, checkpoint: Checkpoint, folder: Path) -> None:
        self._backbone = checkpoint.classifier.backbone.eval()
        self._preprocess: PreprocessConfig = checkpoint.record.config.preprocess
        self._folder = folder
        self._key = weights_digest(self._backbone, repr(self._preprocess))

    def read(
        self, pool: DecodePool, paths: Sequence[Path]
    ) -> Generator[TeachProgress, None, FeatureArray]:
        """The features of photos, (N, D, h, w); yields how many are there.

        Raises:
            DataError: a photo cannot be read, or the features not be kept.
        """
        files = [self._file(path) for path in paths]
        missing = [place for place, file in enumerate(files) if not file.exists()]
        done = len(paths) - len(missing)
        yield TeachProgress("looking", done, len(paths))
        self._make_folder()
        requests = (
            DecodeRequest(paths[place], self._preprocess.input_size, self._preprocess.resize)
            for place in missing
        )
        with closing(pool.map(requests)) as images:
            for start in range(0, len(missing), _BATCH):
                places = missing[start : start + _BATCH]
                pixels = [_pixels(paths[place], next(images)) for place in places]
                found = features_of(self._backbone, self._preprocess, pixels)
                for place, features in zip(places, found, strict=True):
                    _write(files[place], features)
                done += len(places)
                yield TeachProgress("looking", done, len(paths))
        result: FeatureArray = np.stack([_read(file) for file in files])
        return result

    def _file(self, path: Path) -> Path:
        try:
            status = path.stat()
        except OSError as error:
            raise DataError(
                f"{display_name(path)} is not there any more. Look for photos again."
            ) from error
        text = f"{self._key}|{os.path.realpath(path)}|{status.st_size}|{status.st_mtime_ns}"
        digest = hashlib.sha256(text.encode(errors="surrogateescape"))
        return self._folder / f"{digest.hexdigest()[:32]}{_SUFFIX}"

    def _make_folder(self) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise DataError(f"The folder {self._folder} cannot be made: {error}.") from error


def _write(file: Path, features: NDArray[np.float16]) -> None:
    try:
        with atomic_path(file) as temporary, temporary.open("wb") as stream:
            np.save(stream, features)
    except OSError as error:
        raise DataError(f"The features cannot be kept in {file.parent}: {error}.") from error


def _read(file: Path) -> NDArray[np.float16]:
    try:
        features: NDArray[np.float16] = np.load(file, allow_pickle=False)
        note_use(file)
    except (OSError, ValueError, EOFError) as error:
        file.unlink(missing_ok=True)
        raise DataError("What was kept of a photo is damaged; it is removed. Try again.") from error
    return features


def _pixels(path: Path, image: DecodedImage | ImageError) -> NDArray[np.uint8]:
    if isinstance(image, ImageError):
        raise DataError(f"{display_name(path)} cannot be used: {image}")
    return image.pixels
