"""What several processes say to each other, as far as one process can tell."""

import pytest
import torch

from engine.api.errors import EngineStoppedError
from engine.pytorch import distributed
from engine.pytorch.distributed import Processes


def test_a_process_alone_waits_for_nobody_and_agrees_with_itself():
    alone = Processes()
    alone.wait_for_first()
    assert alone.share("word") == "word"
    assert alone.highest(2, torch.device("cpu")) == 2


def test_a_process_whose_first_has_ended_says_so(monkeypatch):
    def lost(_values):
        raise RuntimeError("Connection closed by peer")

    monkeypatch.setattr(distributed.dist, "broadcast_object_list", lost)
    with pytest.raises(EngineStoppedError, match="first process has ended"):
        Processes(1, 2).wait_for_first()
