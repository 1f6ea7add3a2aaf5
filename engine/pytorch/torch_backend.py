"""Running a classifier with PyTorch: uint8 pixels in, NumPy scores out."""

from __future__ import annotations

import contextlib
import logging
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from engine.inference.backend import BatchScores
from engine.inference.in_parts import run_in_parts
from engine.models.classifier import Classifier
from engine.pytorch.device import device_name
from engine.records.backend_kinds import BACKENDS

_log = logging.getLogger(__name__)
# A batch gains little on a CPU, and while one runs nobody's click is answered.
_CPU_BATCH, _GPU_BATCH = 4, 32


class TorchBackend:
    """A classifier on a device, ready to run; usable from several threads.

    Args:
        classifier: in evaluation mode; it is moved to the device.
        device: where to run.
        half: the type that the backbone computes in; position scores are then within 0.005 of
            those in single precision, relative to the largest. A batch that is too much for its
            range, and all after it, is computed in single precision. ``None`` is that at once.
    """

    def __init__(
        self, classifier: Classifier, device: torch.device, half: torch.dtype | None = None
    ) -> None:
        pixels = classifier.config.preprocess
        self._device = device
        self._half = half
        self.head = classifier.config.head
        # Depthwise convolutions are several times faster with channels last, on the CPU too.
        self._classifier = classifier.to(device).to(memory_format=torch.channels_last)
        self._mean = torch.tensor(pixels.mean, device=device).view(1, 3, 1, 1)
        self._std = torch.tensor(pixels.std, device=device).view(1, 3, 1, 1)

    @property
    def name(self) -> str:
        """Where it runs and with what, for people."""
        precision = "" if self._half is None else " in half precision"
        return f"{device_name(self._device)}, PyTorch{precision}"

    @property
    def device(self) -> str:
        """The kind of device: "cpu", "cuda" or "mps"."""
        return self._device.type

    @property
    def runtime(self) -> str:
        """What runs it, with its version."""
        return BACKENDS["torch"].runtime

    @property
    def best_batch(self) -> int:
        """Images per pass that suit the device."""
        return _CPU_BATCH if self._device.type == "cpu" else _GPU_BATCH

    def run(self, pixels: NDArray[np.uint8], *, features: bool = False) -> BatchScores:
        """One forward pass; a batch that does not fit the memory is halved.

        Args:
            pixels: (B, S, S, 3) uint8, resized as the model wants.
            features: whether those of the backbone are wanted too.

        Raises:
            MemoryShortError: one image alone does not fit either.
        """
        return run_in_parts(partial(self._forward, features=features), pixels)

    def in_single_precision(self) -> TorchBackend:
        """The same network, computed exactly; it takes no further memory."""
        return TorchBackend(self._classifier, self._device)

    def _forward(self, pixels: NDArray[np.uint8], *, features: bool) -> BatchScores:
        with torch.inference_mode():
            images = torch.from_numpy(pixels).to(self._device).permute(0, 3, 1, 2)
            images = (images.float() / 255.0 - self._mean) / self._std
            images = images.contiguous(memory_format=torch.channels_last)
            with self._precision():
                seen = self._classifier.backbone(images)
            output = self._classifier.heads(seen.float())
            found = BatchScores(
                output.logits.float().cpu().numpy(),
                output.position_scores.float().cpu().numpy(),
                _compact(seen) if features else None,
            )
        if self._half is None or np.isfinite(found.position_scores).all():
            return found
        _log.warning("%s has no range for this model; single precision goes on.", self._half)
        self._half = None
        return self._forward(pixels, features=features)

    def _precision(self) -> contextlib.AbstractContextManager[object]:
        if self._half is None:
            return contextlib.nullcontext()
        return torch.autocast(self._device.type, dtype=self._half)


def _compact(seen: torch.Tensor) -> NDArray[np.floating]:
    """Features in half precision, which is enough of them; in single where that has no range."""
    half = seen.half()
    kept = half if bool(half.isfinite().all()) else seen.float()
    found: NDArray[np.floating] = kept.contiguous().cpu().numpy()
    return found
