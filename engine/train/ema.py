"""Averages of a network's weights, which are often better than the weights."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn


class AveragedModel:
    """Keeps the average of a network's weights and statistics.

    The decay rises with the steps, min(decay, (1 + n) / (10 + n)), so the start is soon forgotten.

    Args:
        model: to be averaged.
        decay: of the average, below 1.

    Attributes:
        model: the averaged network, in evaluation mode.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.model = copy.deepcopy(model).eval().requires_grad_(requires_grad=False)
        self._decay = decay
        self._steps = 0

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        """Take one step's weights in."""
        decay = min(self._decay, (1 + self._steps) / (10 + self._steps))
        self._steps += 1
        averages, values = _parts(self.model), _parts(model)
        torch._foreach_lerp_(averages[0], values[0], 1.0 - decay)
        if averages[1]:
            torch._foreach_copy_(averages[1], values[1])

    def state_dict(self) -> dict[str, object]:
        """Everything, for a checkpoint."""
        return {"model": self.model.state_dict(), "steps": self._steps}

    def load_state_dict(self, state: dict[str, object]) -> None:
        """Go on from a checkpoint."""
        model, steps = state["model"], state["steps"]
        assert isinstance(model, dict)  # noqa: S101  # for the type checker
        assert isinstance(steps, int)  # noqa: S101
        self.model.load_state_dict(model)
        self._steps = steps


@torch.no_grad()
def blended(start: nn.Module, end: nn.Module, share: float) -> nn.Module:
    """A new network between two of the same form.

    Args:
        start: at share 0.
        end: at share 1.
        share: of the end.
    """
    result = copy.deepcopy(start)
    values, ends = _parts(result), _parts(end)
    torch._foreach_lerp_(values[0], ends[0], share)
    for value, other in zip(values[1], ends[1], strict=True):
        value.copy_(other)
    return result.eval()


def _parts(model: nn.Module) -> tuple[list[Tensor], list[Tensor]]:
    """What can be averaged, and counters."""
    tensors = list(model.state_dict().values())
    floats = [tensor for tensor in tensors if tensor.is_floating_point()]
    return floats, [tensor for tensor in tensors if not tensor.is_floating_point()]
