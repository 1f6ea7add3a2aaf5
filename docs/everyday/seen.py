"""What the two frozen networks see in each photo, kept on the disk: it takes long."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from engine.data.decoding.decode import decode

SIZE = 416
GRID = SIZE // 32
_BATCH = 8
_SAVED_EVERY = 20


class Seen:
    """The trunk's features and the detector's logits of photos.

    Args:
        folder: of the cache.
        paths: of all photos, in the order of the rows.

    Attributes:
        features: (N, D, 13, 13) float16.
        detected: (N, 80, 13, 13) float16.
    """

    def __init__(self, folder: Path, paths: Sequence[Path], dim: int, num_detected: int) -> None:
        self._folder, self._paths = folder, list(paths)
        folder.mkdir(parents=True, exist_ok=True)
        known = folder / "paths.json"
        names = [str(path) for path in paths]
        if known.exists() and json.loads(known.read_text()) != names:
            raise SystemExit(f"{folder} was made of other photos; name another --cache.")
        known.write_text(json.dumps(names))
        count = len(names)
        self.features = _array(folder / "features.npy", (count, dim, GRID, GRID))
        self.detected = _array(folder / "detected.npy", (count, num_detected, GRID, GRID))
        self._done_file = folder / "done.npy"
        self._done = (
            np.load(self._done_file) if self._done_file.exists() else np.zeros(count, dtype=bool)
        )

    def fill(self, trunk: nn.Module, detector: nn.Module, mean: Tensor, std: Tensor) -> None:
        """Look at what was not looked at yet; it can be stopped and goes on next time."""
        rows = np.flatnonzero(~self._done)
        for number, at in enumerate(range(0, len(rows), _BATCH)):
            some = rows[at : at + _BATCH]
            pixels = [decode(self._paths[row], SIZE, "squash", mode="exact").pixels for row in some]
            images = torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2).float() / 255.0
            with torch.inference_mode():
                images = (images - mean) / std
                self.features[some] = trunk(images).half().numpy()
                self.detected[some] = detector(images).half().numpy()
            self._done[some] = True
            if number % _SAVED_EVERY == 0 or at + _BATCH >= len(rows):
                np.save(self._done_file, self._done)
                sys.stderr.write(f"\rlooked at {self._done.sum()} of {len(self._done)}")
        sys.stderr.write("\n")


def in_parts(features: NDArray[np.float16], rows: NDArray[np.intp]) -> Iterator[Tensor]:
    """(b, D, 169) float32 of some rows, a few at a time."""
    for at in range(0, len(rows), 64):
        part = np.asarray(features[rows[at : at + 64]], dtype=np.float32)
        yield torch.from_numpy(part.reshape(len(part), part.shape[1], -1))


def _array(path: Path, shape: tuple[int, ...]) -> NDArray[np.float16]:
    if path.exists():
        found: NDArray[np.float16] = np.lib.format.open_memmap(path, "r+")
        if found.shape != shape:
            raise SystemExit(f"{path} was made for other photos; name another --cache.")
        return found
    return np.lib.format.open_memmap(path, "w+", np.float16, shape)
