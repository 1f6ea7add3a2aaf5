"""Batches are the same however many threads make them, and however they are divided."""

import pytest
import torch

from engine.pytorch.distributed import Processes
from engine.train import loader
from engine.train.loader import Batches
from tests.engine.train.work import CONFIG, CPU, pixel_set


def batches(first=0):
    return list(Batches(pixel_set(), CONFIG, 64, Processes(), CPU).of_epoch(2, first))


def same(one, other):
    pairs = zip(vars(one).values(), vars(other).values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


@pytest.mark.parametrize("threads", [2, 5])
@pytest.mark.parametrize("first", [0, 1])
def test_many_threads_make_the_same_batches_in_the_same_order(monkeypatch, threads, first):
    expected = batches(first)
    monkeypatch.setattr(loader, "_CPU_THREADS", threads)
    found = batches(first)
    assert len(found) == len(expected) == 3 - first
    assert all(map(same, found, expected))


@pytest.mark.parametrize("count", [1, 2, 3, 8])
def test_parts_of_a_batch_are_views_that_make_up_the_whole(count):
    batch = batches()[0]
    parts = batch.parts(count)
    assert torch.equal(torch.cat([part.on(CPU).pixels for part in parts]), batch.pixels)
    assert torch.equal(torch.cat([part.targets for part in parts]), batch.targets)
    assert all(
        part.pixels.untyped_storage().data_ptr() == batch.pixels.untyped_storage().data_ptr()
        for part in parts
    )


@pytest.mark.parametrize("processes", [1, 4, 1000])
def test_there_is_a_thread_for_every_process(processes):
    assert 1 <= loader._threads(processes) <= 8
