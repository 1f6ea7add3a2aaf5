"""One optimisation step: forward, loss, backward, update, however little memory there is."""

from __future__ import annotations

import contextlib
import logging
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from engine.api.errors import DivergedError, MemoryShortError
from engine.api.memory import is_memory_short
from engine.api.training_config import HalfMode, TrainConfig
from engine.models.classifier import Classifier
from engine.models.heads import HeadOutput
from engine.train.dataset import Batch
from engine.train.device_options import device_options, fast_convolutions
from engine.train.losses import Criterion, criterion_of

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class StepOutcome:
    """What a step brought, as numbers.

    Attributes:
        loss: mean over the labels of the whole batch that count.
        grad_norm: length of the gradient before it was cut.
    """

    loss: float
    grad_norm: float


class StepResult:
    """What a step brought, still on the device, which may be at work on it.

    Args:
        values: the losses of the batch's parts, and behind them the length of the gradient.
        may_overflow: whether a gradient without an end is only a step that was skipped.
    """

    def __init__(self, values: Tensor, *, may_overflow: bool) -> None:
        self._values = values
        self._may_overflow = may_overflow

    def read(self) -> StepOutcome:
        """Wait until the device is done, once for all numbers.

        Raises:
            DivergedError: the loss or the gradient is no finite number. The weights have it in
                them by now: nothing of them may be kept.
        """
        *losses, norm = self._values.tolist()
        loss = float(sum(losses))
        if not (math.isfinite(loss) and (math.isfinite(norm) or self._may_overflow)):
            raise DivergedError(
                "The loss is no number any more: the learning rate is too high for this model. "
                "The best model so far is kept."
            )
        return StepOutcome(loss, norm)


class TrainStep:
    """A network that learns, with its optimiser.

    Args:
        classifier: learns in place; moved to the device.
        config: of the run.
        device: where.
        count: how many processes share each batch.
        criterion: what is made small; ``None`` for that of the config, all labels weighed alike.
    """

    def __init__(
        self,
        classifier: Classifier,
        config: TrainConfig,
        device: torch.device,
        count: int = 1,
        criterion: Criterion | None = None,
    ) -> None:
        self._config = config
        self._device = device
        self._criterion = (criterion or criterion_of(config)).on(device)
        self._count = count
        self._options = device_options(device)
        self.passes = config.passes
        if config.sync_norms and count > 1:
            classifier = _with_sync_norms(classifier)
        for name, parameter in classifier.named_parameters():
            parameter.requires_grad_(not self._is_frozen(name))
        self.classifier = classifier.to(device).to(memory_format=torch.channels_last)
        if config.gradient_checkpointing:
            _checkpoint_gradients(classifier)
        self.optimizer = make_optimizer(classifier, config, is_fused=self._options.is_fused)
        self._network: nn.Module = (
            DistributedDataParallel(self.classifier) if count > 1 else self.classifier
        )
        pixels = classifier.config.preprocess
        self._mean = torch.tensor(pixels.mean, device=device).view(1, 3, 1, 1)
        self._std = torch.tensor(pixels.std, device=device).view(1, 3, 1, 1)
        self._dtype = half_type(device, config.half)
        self.scaler = torch.amp.GradScaler(
            device.type, enabled=self._dtype is torch.float16
        )  # bf16 has the range of float32 and needs none

    def set_mode(self) -> None:
        """Switch to training, with norms as the config says."""
        self.classifier.train()
        for name, module in self.classifier.named_modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.train(self._config.norms == "train" and not self._is_frozen(f"{name}."))

    def _is_frozen(self, name: str) -> bool:
        return is_frozen(name, self._config)

    def set_factor(self, factor: float) -> float:
        """Set learning rates to a share of their peaks; returns the backbone's."""
        for group in self.optimizer.param_groups:
            group["lr"] = group["peak_lr"] * factor
        return float(self._config.learning_rate * factor)

    def load_optimizer(self, state: dict[str, Any]) -> None:
        """Take over the optimiser's state, perhaps of another device: it steps as this one's do."""
        groups = [
            saved | {"fused": own["fused"]}
            for saved, own in zip(state["param_groups"], self.optimizer.param_groups, strict=True)
        ]
        self.optimizer.load_state_dict({**state, "param_groups": groups})

    def step(self, batch: Batch) -> StepResult:
        """Learn from a batch; if memory runs out, in smaller parts from now on.

        Nothing here waits for the device: what it brought is read from the result.

        Args:
            batch: this process's part.

        Raises:
            MemoryShortError: one image alone does not fit either, or others have their parts.
        """
        with fast_convolutions(self._options):
            losses = self._losses(batch, self._total_counted(batch))
        self.scaler.unscale_(self.optimizer)
        result = StepResult(
            self._gathered(losses, self._cut_gradient()),
            # With a scaler a gradient may overflow: it skips the step and scales less from then on.
            may_overflow=self.scaler.is_enabled(),
        )
        self.scaler.step(self.optimizer)
        self.scaler.update()
        return result

    def _total_counted(self, batch: Batch) -> float | Tensor:
        """Labels of the whole batch that count, at least 1."""
        own = float(batch.counted.sum())  # on the host, where the batch was made
        if self._count == 1:
            return max(1.0, own)
        # Filled in on the device: a number that is copied there would be waited for.
        total = torch.full((), own, device=self._device)
        dist.all_reduce(total)
        return total.clamp(min=1.0)

    def _losses(self, batch: Batch, total_counted: float | Tensor) -> list[Tensor]:
        while True:
            try:
                return self._backward(batch, total_counted)
            except (RuntimeError, MemoryError) as error:  # on the processor it is the former
                if not is_memory_short(error):
                    raise
                if self._count > 1 or self.passes >= len(batch):
                    raise MemoryShortError from error
                self.passes = min(2 * self.passes, len(batch))
                _log.info("Memory ran out; batches are learned in %d parts", self.passes)

    def _backward(self, batch: Batch, total_counted: float | Tensor) -> list[Tensor]:
        """Leave the gradient in the weights; returns the loss of each part."""
        self.optimizer.zero_grad(set_to_none=True)
        parts = batch.parts(min(self.passes, len(batch)))
        found = []
        for number, part in enumerate(parts):
            is_last = number == len(parts) - 1
            with self._without_sync() if not is_last else contextlib.nullcontext():
                loss = self._loss(part, total_counted)
                # Processes average their gradients, but each has only its part of the mean.
                self.scaler.scale(loss * self._count).backward()  # type: ignore[no-untyped-call]
            found.append(loss.detach())
        return found

    def _cut_gradient(self) -> Tensor:
        """Shorten the gradient if the config says so; returns how long it was."""
        parameters = list(self.classifier.parameters())
        if self._config.clip_norm:
            return nn.utils.clip_grad_norm_(parameters, self._config.clip_norm)
        # Without a limit, clipping would multiply every gradient by one.
        return nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None])

    def _gathered(self, losses: list[Tensor], norm: Tensor) -> Tensor:
        """The losses, added up over all processes, and the norm: one tensor, read at once."""
        if self._count > 1:
            total = torch.stack(losses).double().sum()
            dist.all_reduce(total)
            losses, norm = [total], norm.double()
        return torch.stack([*losses, norm])

    def _loss(self, batch: Batch, total_counted: float | Tensor) -> Tensor:
        # All of it before the network starts: a later copy would wait for the network.
        part = batch.on(self._device)
        # The channels are moved while they are bytes; what follows keeps their order.
        images = part.pixels.contiguous(memory_format=torch.channels_last).float()
        images = (images / 255.0 - self._mean) / self._std
        with torch.autocast(
            self._device.type,
            dtype=self._dtype or torch.bfloat16,
            enabled=self._dtype is not None,
        ):
            output = cast(HeadOutput, self._network(images))
        entries = self._criterion(output.logits, part.targets)
        return (entries * part.counted).sum() / total_counted

    def _without_sync(self) -> contextlib.AbstractContextManager[Any]:
        if isinstance(self._network, DistributedDataParallel):
            return cast("contextlib.AbstractContextManager[Any]", self._network.no_sync())
        return contextlib.nullcontext()


def is_frozen(name: str, config: TrainConfig) -> bool:
    """Whether a parameter, or a module with a dot behind its name, stays as it is."""
    return name.removeprefix("backbone.network.").startswith(config.frozen)


def make_optimizer(
    classifier: Classifier, config: TrainConfig, *, is_fused: bool = False
) -> torch.optim.Optimizer:
    """The optimiser of a run: the heads at their own rate, decay as the config says.

    Args:
        classifier: whose weights are learned.
        config: of the run.
        is_fused: whether one kernel updates them all; see ``DeviceOptions``.
    """
    groups: dict[tuple[bool, bool], list[nn.Parameter]] = {}
    for name, parameter in classifier.named_parameters():
        if not parameter.requires_grad:
            continue
        is_head = name.startswith("heads.")
        has_decay = config.decay_all or (parameter.ndim > 1 and name != "heads.bias")
        groups.setdefault((is_head, has_decay), []).append(parameter)
    parameters: Iterable[dict[str, Any]] = [
        {
            "params": members,
            "lr": config.head_learning_rate if is_head else config.learning_rate,
            "peak_lr": config.head_learning_rate if is_head else config.learning_rate,
            "weight_decay": config.weight_decay if has_decay else 0.0,
        }
        for (is_head, has_decay), members in groups.items()
    ]
    fused = True if is_fused else None  # ``False`` would forbid what PyTorch chooses by itself
    if config.optimizer == "sgd":
        return torch.optim.SGD(parameters, lr=config.learning_rate, momentum=0.9, fused=fused)
    return torch.optim.AdamW(parameters, lr=config.learning_rate, fused=fused)


def _with_sync_norms(classifier: Classifier) -> Classifier:
    convert = nn.SyncBatchNorm.convert_sync_batchnorm
    return cast(Classifier, convert(classifier))  # type: ignore[no-untyped-call]


def half_type(device: torch.device, mode: HalfMode) -> torch.dtype | None:
    """The type that a network computes in on a device; ``None`` for single precision."""
    if mode == "never" or (mode == "gpu" and device.type != "cuda"):
        return None
    if device.type == "cuda" and not torch.cuda.is_bf16_supported():
        return torch.float16
    return torch.bfloat16


def _checkpoint_gradients(classifier: Classifier) -> None:
    switch = getattr(classifier.backbone.network, "set_grad_checkpointing", None)
    if switch is not None:
        switch(enable=True)
