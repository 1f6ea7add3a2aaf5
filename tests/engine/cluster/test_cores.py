"""Cores of a machine, each for one worker."""

import os
import subprocess
import sys

import pytest

from engine.cluster.cores import Cores
from tests.paths import ROOT

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux says what may be used")


@pytest.fixture
def allowed():
    """What this process may use, as it is again afterwards."""
    before = os.sched_getaffinity(0)
    if len(before) < 2:
        pytest.skip("one core is nothing to share")
    yield sorted(before)
    os.sched_setaffinity(0, before)


def test_two_workers_do_not_get_the_same_core(allowed, tmp_path):
    first = Cores(1, tmp_path)
    assert os.sched_getaffinity(0) == set(first.taken) and len(first.taken) == 1
    os.sched_setaffinity(0, allowed)
    second = Cores(1, tmp_path)
    assert len(second.taken) == 1 and set(second.taken).isdisjoint(first.taken)
    first.close()
    os.sched_setaffinity(0, allowed)
    assert Cores(1, tmp_path).taken == first.taken


def test_where_none_is_left_all_stay_allowed(allowed, tmp_path):
    held = []
    for _ in allowed:
        os.sched_setaffinity(0, allowed)
        held.append(Cores(1, tmp_path))
    os.sched_setaffinity(0, allowed)
    assert Cores(1, tmp_path).taken == ()
    assert os.sched_getaffinity(0) == set(allowed)


def test_halves_share_a_core(allowed, tmp_path):
    held = []
    for _ in range(2 * len(allowed)):
        os.sched_setaffinity(0, allowed)
        held.append(Cores(0.5, tmp_path))
    assert sorted(core for each in held for core in each.taken) == sorted([*allowed, *allowed])


def test_who_wants_all_takes_nothing(allowed, tmp_path):
    assert Cores(len(allowed), tmp_path).taken == ()
    assert os.sched_getaffinity(0) == set(allowed)


def test_a_worker_that_is_killed_leaves_its_core(allowed, tmp_path):
    code = (
        "import sys, time; from pathlib import Path; from engine.cluster.cores import Cores\n"
        "cores = Cores(1, Path(sys.argv[1])); print(cores.taken[0], flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as other:
        taken = int(other.stdout.readline())
        assert Cores(1, tmp_path).taken != (taken,)
        other.kill()
    os.sched_setaffinity(0, allowed)
    assert Cores(1, tmp_path).taken == (taken,)
