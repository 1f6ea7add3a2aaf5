from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.api.config import HeadConfig
from engine.api.errors import MemoryShortError
from engine.inference.backend import BatchScores
from engine.inference.guarded import GuardedBackend

PIXELS = np.zeros((2, 8, 8, 3), np.uint8)


class FakeBackend:
    """Says the same of every image; from a pass on, something is wrong."""

    head = HeadConfig()
    device, best_batch = "cpu", 4

    def __init__(self, name: str, fault: str = "", sound_passes: int = 0) -> None:
        self.name = self.runtime = name
        self.fault = fault
        self.sound_passes = sound_passes
        self.passes = 0

    def run(self, pixels: NDArray[np.uint8], *, features: bool = False) -> BatchScores:
        self.passes += 1
        logits = np.ones((len(pixels), 3), np.float32)
        scores = np.ones((len(pixels), 1, 3, 2, 2), np.float32)
        if self.passes > self.sound_passes:
            if self.fault == "error":
                raise RuntimeError("[ONNXRuntimeError] : 6 : out of luck\nand more")
            if self.fault == "logits":
                logits[-1, 1] = np.nan
            if self.fault == "scores":
                scores[0, 0, 0, 0, 0] = np.inf
        return BatchScores(logits, scores)


@pytest.mark.parametrize("fault", ["error", "logits", "scores"])
@pytest.mark.parametrize("sound_passes", [0, 3])
def test_a_batch_that_fails_is_done_again_by_another(fault: str, sound_passes: int) -> None:
    reasons: list[str] = []
    first, second = FakeBackend("first", fault, sound_passes), FakeBackend("second")
    guarded = GuardedBackend(first, lambda: second, reasons.append, best_batch=7)
    assert (guarded.name, guarded.best_batch) == ("first", 7)

    for _ in range(sound_passes + 2):
        found = guarded.run(PIXELS)
        assert np.isfinite(found.logits).all() and np.isfinite(found.position_scores).all()

    assert (first.passes, second.passes) == (sound_passes + 1, 2)
    assert (guarded.name, guarded.runtime, guarded.best_batch) == ("second", "second", 4)
    [reason] = reasons
    assert "\n" not in reason


def test_nothing_is_replaced_while_all_is_well() -> None:
    first = FakeBackend("first")
    guarded = GuardedBackend(first, lambda: pytest.fail("not wanted"), pytest.fail)
    assert guarded.run(PIXELS).logits.shape == (2, 3)
    assert guarded.best_batch == 4


def test_memory_that_runs_out_replaces_nothing() -> None:
    class Short(FakeBackend):
        def run(self, pixels: NDArray[np.uint8], *, features: bool = False) -> BatchScores:
            self.passes += 1
            if self.passes == 1:
                raise MemoryShortError
            return super().run(pixels, features=features)

    guarded = GuardedBackend(Short("first"), lambda: pytest.fail("not wanted"), pytest.fail)
    with pytest.raises(MemoryShortError):
        guarded.run(PIXELS)
    assert guarded.run(PIXELS).logits.shape == (2, 3)


def test_what_the_other_one_raises_is_raised() -> None:
    def nobody() -> FakeBackend:
        raise ValueError("nobody is left")

    reasons: list[str] = []
    guarded = GuardedBackend(FakeBackend("first", "error"), nobody, reasons.append)
    for _ in range(2):
        with pytest.raises(ValueError, match="nobody"):
            guarded.run(PIXELS)
    assert not reasons
