"""Numbered tasks on a cluster that loses some; the cluster is a fake in this process."""

import socket
import sys
from types import SimpleNamespace

import pytest

from engine.api.errors import ConfigError, DataError, EngineStoppedError
from engine.cluster.running import Cluster, Workers, connected


class LostError(Exception):
    """What the fake says of a worker that died."""


class FakeData:
    """Does tasks as Ray Data does, but for those that it loses; each is lost so many times."""

    def __init__(self, lost=(), times=1, raises=False):
        self.left = dict.fromkeys(lost, times)
        self.raises = raises
        self.rounds = []

    def from_items(self, items, override_num_blocks):
        self.rounds.append([item["task"] for item in items])
        self.items = items
        return self

    def ActorPoolStrategy(self, **options):
        return options

    def map_batches(self, worker, fn_constructor_args, **options):
        self.worker = worker(*fn_constructor_args)
        return self

    def iter_rows(self):
        for item in self.items:
            if self.left.get(item["task"], 0):
                self.left[item["task"]] -= 1
                if self.raises:
                    raise LostError("The actor died.\nAnd more.")
                continue
            yield {
                name: values[0] for name, values in self.worker({"task": [item["task"]]}).items()
            }


class Doubling:
    def __init__(self, factor):
        self.factor = factor

    def __call__(self, batch):
        return {"task": batch["task"], "value": [self.factor * task for task in batch["task"]]}


@pytest.fixture
def cluster(monkeypatch):
    def make(data, cpus=4.0, gpus=0.0):
        monkeypatch.setitem(sys.modules, "ray.data", data)
        return Cluster(
            SimpleNamespace(
                exceptions=SimpleNamespace(RayError=LostError),
                is_initialized=lambda: True,
                cluster_resources=lambda: {"CPU": cpus, "GPU": gpus},
            )
        )

    return make


def done(cluster, tasks):
    return [(r["task"], r["value"]) for r in cluster.run(Doubling, (2,), tasks, Workers(2))]


def test_each_task_is_done_once(cluster):
    data = FakeData()
    assert done(cluster(data), range(5)) == [(i, 2 * i) for i in range(5)]
    assert data.rounds == [[0, 1, 2, 3, 4]]


def test_what_was_lost_is_done_in_another_round_and_nothing_else(cluster):
    data = FakeData(lost=(1, 3))
    assert sorted(done(cluster(data), range(5))) == [(i, 2 * i) for i in range(5)]
    assert data.rounds == [[0, 1, 2, 3, 4], [1, 3]]


def test_an_error_of_the_cluster_ends_a_round_and_not_the_work(cluster):
    data = FakeData(lost=(2,), raises=True)
    assert sorted(done(cluster(data), range(4))) == [(i, 2 * i) for i in range(4)]
    assert data.rounds == [[0, 1, 2, 3], [2, 3]]


def test_work_that_is_lost_again_and_again_is_given_up_with_the_reason(cluster):
    data = FakeData(lost=(0,), times=99, raises=True)
    with pytest.raises(EngineStoppedError, match=r"3 times.*The actor died"):
        done(cluster(data), [0])
    assert data.rounds == [[0]] * 3


def test_nothing_to_do_asks_nobody(cluster):
    data = FakeData()
    assert done(cluster(data), []) == [] and not data.rounds


def test_as_many_workers_are_taken_as_there_is_room_for(cluster):
    assert cluster(FakeData()).fitting(Workers()).count == 4
    assert cluster(FakeData()).fitting(Workers(cpus=0.5)).count == 8
    assert cluster(FakeData(), gpus=1.0).fitting(Workers(gpus=0.25)).count == 4
    assert cluster(FakeData(), cpus=64.0, gpus=1.0).fitting(Workers(gpus=0.25)).count == 4
    assert cluster(FakeData()).fitting(Workers(3)).count == 3


@pytest.mark.parametrize("workers", [Workers(5), Workers(1, cpus=8), Workers(gpus=1)])
def test_more_workers_than_there_is_room_for_are_refused(cluster, workers):
    with pytest.raises(ConfigError, match="room for"):
        cluster(FakeData()).fitting(workers)


@pytest.mark.parametrize(
    "wrong", [{"cpus": 0}, {"count": -1}, {"gpus": -1}, {"cpus": float("nan")}]
)
def test_workers_of_nothing_are_refused(wrong):
    with pytest.raises(ConfigError):
        Workers(**wrong)


def test_without_ray_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.setitem(sys.modules, "ray.data", None)
    with pytest.raises(DataError, match="csra-gui\\[ray\\]"), connected("local"):
        pass


def test_where_no_cluster_is_it_is_said_at_once(monkeypatch):
    """Without asking Ray, which would try for minutes."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace(shutdown=lambda: None))
    monkeypatch.setitem(sys.modules, "ray.data", SimpleNamespace())
    wanted = pytest.raises(EngineStoppedError, match=f"127.0.0.1:{port}.*ray start --head")
    with wanted, connected(f"127.0.0.1:{port}"):
        pass


def test_a_machine_that_is_too_busy_for_ray_is_tried_again_and_then_told(monkeypatch):
    tries = []

    def init(*_, **__):
        tries.append(1)
        raise Exception("The current node timed out during startup. More.")

    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace(init=init, shutdown=lambda: None))
    monkeypatch.setitem(sys.modules, "ray.data", SimpleNamespace())
    with pytest.raises(EngineStoppedError, match="too busy"), connected("local"):
        pass
    assert len(tries) == 3
