"""What several processes say to each other, as far as one process can tell."""

from datetime import timedelta

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


def test_a_process_alone_agrees_with_itself():
    assert Processes().agree(["a", "list"])


@pytest.fixture
def store(monkeypatch):
    """What torchrun's agent keeps for its processes, of which this one plays several."""
    agent = torch.distributed.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    facts = {
        "TORCHELASTIC_USE_AGENT_STORE": "True",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(agent.port),
        "RANK": "0",
        "WORLD_SIZE": "2",
    }
    for name, value in facts.items():
        monkeypatch.setenv(name, value)
    yield agent


def test_a_failure_is_told_by_the_first_process_that_has_one(store, monkeypatch):
    monkeypatch.setenv("RANK", "1")
    assert distributed.is_first_to_fail()
    monkeypatch.setenv("RANK", "0")
    assert not distributed.is_first_to_fail()
    monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", "1")  # torchrun has started all again
    assert distributed.is_first_to_fail()


def test_without_torchrun_each_process_tells_what_is_wrong(monkeypatch):
    monkeypatch.delenv("TORCHELASTIC_USE_AGENT_STORE", raising=False)
    assert distributed.is_first_to_fail()


def test_who_waits_for_a_process_that_does_not_come_is_told_which(store, monkeypatch):
    monkeypatch.setattr(distributed, "_ARRIVAL", timedelta(milliseconds=50))
    with (
        pytest.raises(EngineStoppedError, match="missing: 1, counted from 0"),
        distributed.processes(torch.device("cpu")),
    ):
        raise AssertionError("it works alone")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("[../gloo/transport/tcp/pair.cc:547] Connection closed by peer", EngineStoppedError),
        ("NCCL communicator was aborted", EngineStoppedError),
        ("shape '[3]' is invalid for input of size 4", RuntimeError),
    ],
)
def test_what_pytorch_raises_of_a_lost_process_is_told_in_words(monkeypatch, text, kind):
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.delenv("TORCHELASTIC_USE_AGENT_STORE", raising=False)
    monkeypatch.setattr(distributed.dist, "init_process_group", lambda *_, **__: None)
    monkeypatch.setattr(distributed.dist, "get_rank", lambda: 0)
    with pytest.raises(kind) as caught, distributed.processes(torch.device("cpu")):
        raise RuntimeError(text)
    assert type(caught.value) is kind
