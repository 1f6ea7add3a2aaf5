"""What a graphics card is told, and that no step waits for it; held on a processor."""

import dataclasses

import pytest
import torch
from torch._subclasses.fake_tensor import DataDependentOutputException, FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode

from engine.api.errors import DivergedError
from engine.api.training_reports import StepReport
from engine.pytorch.distributed import Processes
from engine.train import loader, train_step
from engine.train.device_options import DeviceOptions, device_options, fast_convolutions
from engine.train.loader import Batches
from engine.train.train_step import StepOutcome, StepResult, TrainStep
from tests.engine.tiny_models import tiny_classifier
from tests.engine.train.work import CONFIG, CPU, SHARED, pixel_set, trainer

CARD = torch.device("cuda")
LIKE_A_CARD = DeviceOptions(is_fused=True)


@pytest.fixture
def like_a_card(monkeypatch):
    """The optimisers of a graphics card, which run on a processor too.

    Labels are counted on the host, where the batch is made; here host and device are one.
    """
    monkeypatch.setattr(train_step, "device_options", lambda device: LIKE_A_CARD)
    monkeypatch.setattr(TrainStep, "_total_counted", lambda step, batch: 40.0)


def a_batch():
    return next(Batches(pixel_set(), CONFIG, 64, Processes(), CPU).of_epoch(1, 0))


def without_values():
    """Tensors have a shape and a device, but no values: whoever asks for one is told off."""
    return FakeTensorMode(allow_non_fake_inputs=True)


@pytest.mark.slow
@pytest.mark.parametrize("config", [CONFIG, SHARED], ids=["adamw", "sgd"])
@pytest.mark.parametrize("changes", [{}, {"passes": 3, "clip_norm": 1.0}], ids=["whole", "parts"])
def test_no_step_asks_the_device_for_a_number(like_a_card, config, changes):
    step = TrainStep(tiny_classifier(), dataclasses.replace(config, **changes), CPU)
    step.set_mode()
    batch = a_batch()
    with without_values():
        for _ in range(2):
            result = step.step(batch)
        with pytest.raises(DataDependentOutputException):  # the guard bites
            result.read()


@pytest.mark.slow
@pytest.mark.parametrize("ema_decay", [0.0, 0.99])
def test_a_run_asks_once_for_each_step_that_it_reports(like_a_card, monkeypatch, ema_decay):
    asked = []

    def read(result):
        asked.append(result)
        return StepOutcome(1.0, 1.0)

    monkeypatch.setattr(StepResult, "read", read)
    work = trainer(dataclasses.replace(CONFIG, ema_decay=ema_decay))
    with without_values():
        reports = work.run()
        steps = [next(reports) for _ in range(work.steps_per_epoch)]
    assert all(isinstance(report, StepReport) for report in steps)
    assert len(asked) == len(steps) == 3


def test_a_step_is_read_when_its_update_is_on_the_way(monkeypatch):
    """Else the device would stand still while the rest of the step is prepared."""
    order = []
    whole_read = StepResult.read

    def read(result):
        order.append("read")
        return whole_read(result)

    monkeypatch.setattr(StepResult, "read", read)
    work = trainer()
    work._train_step.optimizer.register_step_post_hook(lambda *_: order.append("update"))
    update = work._average.update
    monkeypatch.setattr(work._average, "update", lambda model: (order.append("ema"), update(model)))
    next(work.run())
    assert order == ["update", "ema", "read"]


def test_options_follow_the_device():
    assert device_options(CARD) == DeviceOptions(
        is_fused=True, is_pinned=True, tries_convolutions=True
    )
    for other in ("cpu", "mps"):
        assert device_options(torch.device(other)) == DeviceOptions()


def test_convolutions_are_not_tried_under_determinism(monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, "deterministic", True)
    assert not device_options(CARD).tries_convolutions
    monkeypatch.undo()
    torch.use_deterministic_algorithms(True)
    try:
        assert not device_options(CARD).tries_convolutions
    finally:
        torch.use_deterministic_algorithms(False)
    assert device_options(CARD).tries_convolutions


@pytest.mark.parametrize("tries", [True, False])
@pytest.mark.parametrize("before", [True, False])
def test_the_switch_of_convolutions_is_back_after_the_step(monkeypatch, tries, before):
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", before)
    with (
        pytest.raises(ZeroDivisionError),
        fast_convolutions(DeviceOptions(tries_convolutions=tries)),
    ):
        assert torch.backends.cudnn.benchmark is (tries or before)
        raise ZeroDivisionError
    assert torch.backends.cudnn.benchmark is before


def test_a_step_lets_convolutions_be_tried(monkeypatch):
    options = DeviceOptions(tries_convolutions=True)
    monkeypatch.setattr(train_step, "device_options", lambda device: options)
    step = TrainStep(tiny_classifier(), CONFIG, CPU)
    seen = []
    step.classifier.register_forward_hook(lambda *_: seen.append(torch.backends.cudnn.benchmark))
    step.step(a_batch())
    assert seen == [True]


@pytest.mark.parametrize(("config", "kind"), [(CONFIG, "AdamW"), (SHARED, "SGD")])
def test_one_kernel_updates_all_weights_where_the_device_offers_it(monkeypatch, config, kind):
    plain = TrainStep(tiny_classifier(), config, CPU)
    monkeypatch.setattr(train_step, "device_options", lambda device: LIKE_A_CARD)
    fused = TrainStep(tiny_classifier(), config, CPU)
    assert type(fused.optimizer).__name__ == kind
    assert {group["fused"] for group in fused.optimizer.param_groups} == {True}
    assert {group["fused"] for group in plain.optimizer.param_groups} == {None}
    for step in (plain, fused):
        step.set_mode()
        step.step(a_batch())
    for one, other in zip(
        plain.classifier.parameters(), fused.classifier.parameters(), strict=True
    ):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("config", [CONFIG, SHARED], ids=["adamw", "sgd"])
def test_a_state_goes_on_with_the_optimiser_of_the_device_it_comes_to(monkeypatch, config):
    """A run begun on a card may go on on a processor, and the other way round."""
    plain = TrainStep(tiny_classifier(), config, CPU)
    with monkeypatch.context() as patch:
        patch.setattr(train_step, "device_options", lambda device: LIKE_A_CARD)
        fused = TrainStep(tiny_classifier(), config, CPU)
    for source, target in ((plain, fused), (fused, plain)):
        source.step(a_batch())
        before = target.optimizer.param_groups[0]["fused"]
        target.load_optimizer(source.optimizer.state_dict())
        assert {group["fused"] for group in target.optimizer.param_groups} == {before}
        target.step(a_batch()).read()


def test_batches_are_pinned_where_the_device_copies_by_itself(monkeypatch):
    pinned = []
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda tensor: pinned.append(1) or tensor)
    for device, count in ((CPU, 0), (CARD, 3)):
        monkeypatch.setattr(loader, "_threads", lambda processes: 1)
        batches = Batches(pixel_set(8), CONFIG, 64, Processes(), device)
        assert len(list(batches.of_epoch(1, 0))) == 1
        assert len(pinned) == count


def test_a_batch_goes_to_the_device_without_a_wait():
    copies = []

    class Watch(TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            if func is torch.ops.aten._to_copy.default:
                copies.append(kwargs.get("non_blocking"))
            return func(*args, **(kwargs or {}))

    batch = a_batch()
    with Watch():
        batch.on(torch.device("meta"))
    assert copies == [True] * 3


@pytest.mark.parametrize(
    ("values", "may_overflow", "is_fine"),
    [
        ([1.0, 2.0, 3.0], False, True),
        ([1.0, float("nan"), 3.0], True, False),
        ([1.0, 2.0, float("inf")], False, False),
        ([1.0, 2.0, float("inf")], True, True),
    ],
)
def test_what_is_read_is_a_number_or_the_end(values, may_overflow, is_fine):
    result = StepResult(torch.tensor(values), may_overflow=may_overflow)
    if is_fine:
        assert result.read() == StepOutcome(sum(values[:-1]), values[-1])
    else:
        with pytest.raises(DivergedError):
            result.read()
