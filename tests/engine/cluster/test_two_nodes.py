"""Jobs on a cluster of two nodes of which processes are killed: nothing is lost, nothing twice.

The short form is what a worker does by itself (test_part_tagger.py) and how lost tasks are done
again (test_running.py).
"""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from engine import cli
from engine.records.evaluations import EvaluationStore
from tests.engine.cluster.nodes import Nodes, wait_for
from tests.engine.cluster.photos import rows_in, write_photos
from tests.paths import ROOT

pytest.importorskip("ray")
pytest.importorskip("pyarrow.parquet")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

COUNT, ROWS = 240, 8
PARTS = COUNT // ROWS
LIMIT_S = 300.0


@pytest.fixture(scope="module")
def nodes(tmp_path_factory):
    started = Nodes(tmp_path_factory.mktemp("home"))
    try:
        started.start_second()
        yield started
    finally:
        started.close()


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    write_photos(folder, COUNT)
    return folder


@pytest.fixture(scope="module")
def expected(nodes, photos, tmp_path_factory):
    """The rows of a job that nothing happened to."""
    output = tmp_path_factory.mktemp("whole") / "out"
    report = finish(begin(nodes, photos, output))
    assert report["complete"] and report["photos_now"] == COUNT
    assert report["failed_now"] == COUNT // 7
    assert sum(report["failures"].values()) == COUNT // 7
    assert len(report["workers"]) == 2, "both nodes have work"
    assert sum(worker["photos"] for worker in report["workers"]) == COUNT
    return rows_in(output)


def begin(nodes, photos, output):
    return nodes.command("tag", photos, "--output", output, "--rows-per-part", ROWS, "--sha256")


def finish(process, status=0):
    out, said = process.communicate(timeout=LIMIT_S)
    assert process.returncode == status, said
    return json.loads(out)


def parts(output):
    return {path.name: path.stat().st_ino for path in output.glob("part-*.parquet")}


def is_under_way(output):
    return lambda: len(parts(output)) >= 4


def test_the_rows_are_those_of_one_process(expected, photos, tmp_path, monkeypatch):
    monkeypatch.setenv("CSRA_GUI_DATA", str(tmp_path / "data"))
    output = tmp_path / "part-alone.parquet"
    command = ["tag", photos, "--output", output, "--format", "parquet", "--sha256"]
    assert cli.run([*map(str, command), "--device", "cpu", "--backend", "onnx"]) == 0
    assert rows_in(tmp_path) == expected


def test_a_worker_is_killed(nodes, photos, expected, tmp_path):
    process = begin(nodes, photos, tmp_path)
    wait_for(is_under_way(tmp_path), LIMIT_S)
    os.kill(nodes.workers()[0], signal.SIGKILL)
    report = finish(process)
    assert report["complete"] and rows_in(tmp_path) == expected


def test_the_driver_is_killed_and_the_job_gone_on_with(nodes, photos, expected, tmp_path):
    process = begin(nodes, photos, tmp_path)
    wait_for(is_under_way(tmp_path), LIMIT_S)
    process.kill()
    process.communicate()
    wait_for(lambda: not nodes.workers(), LIMIT_S)
    before = parts(tmp_path)
    assert 4 <= len(before) < PARTS
    report = finish(begin(nodes, photos, tmp_path))
    assert report["photos_before"] == ROWS * len(before) and report["complete"]
    assert {name: parts(tmp_path)[name] for name in before} == before, "these were done again"
    assert rows_in(tmp_path) == expected


def test_ctrl_c_ends_it_with_a_report_and_it_goes_on(nodes, photos, expected, tmp_path):
    process = begin(nodes, photos, tmp_path)
    wait_for(is_under_way(tmp_path), LIMIT_S)
    process.send_signal(signal.SIGINT)
    report = finish(process, 130)
    assert report["interrupted"] and not report["complete"]
    wait_for(lambda: not nodes.workers(), LIMIT_S)
    assert finish(begin(nodes, photos, tmp_path))["complete"]
    assert rows_in(tmp_path) == expected


@pytest.fixture
def labelled(tmp_path):
    """Thirty images with labels that the model knows; some are torn."""
    folder = tmp_path / "labelled" / "test"
    lines = [
        f"{path.name},{('cat', 'dog', 'boat')[place % 3]}"
        for place, path in enumerate(write_photos(folder, 30))
    ]
    (folder / "metadata.csv").write_text("file_name,labels\n" + "\n".join(lines) + "\n")
    return folder.parent


def test_an_evaluation_has_the_bits_of_one_process_with_a_core(nodes, labelled, tmp_path):
    command = ["evaluate", "--dataset", "imagefolder", "--data", labelled, "--split", "test"]
    command += ["--resamples", "20", "--backend", "onnx", "--json"]
    process = nodes.command(*command, tmp_path / "cluster.json")
    out, said = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 0, said
    assert "mAP" in out and "Kept as run" in said

    core = str(min(os.sched_getaffinity(0)))
    alone = ["taskset", "-c", core, sys.executable, "main.py", *command, tmp_path / "alone.json"]
    data = {**nodes.environment, "CSRA_GUI_DATA": str(tmp_path / "own")}
    subprocess.run([*map(str, alone), "--device", "cpu"], cwd=ROOT, env=data, check=True)

    kept = EvaluationStore(Path(nodes.environment["CSRA_GUI_DATA"], "evaluations"))
    own = EvaluationStore(tmp_path / "own" / "evaluations")
    far, near = (store.load(store.paths()[-1]) for store in (kept, own))
    assert np.array_equal(far.logits, near.logits) and far.ids == near.ids
    assert far.failed == near.failed and len(far.failed) == 4
    assert (far.model, far.dataset, far.categories) == (near.model, near.dataset, near.categories)
    different = {"processes", "command"}
    same = far.settings.keys() - different
    assert {name: far.settings[name] for name in same} == {
        name: near.settings[name] for name in same
    }
    assert far.settings["processes"] == "2" and far.settings["threads"] == "1"
    numbers = [json.loads((tmp_path / f"{name}.json").read_text()) for name in ("cluster", "alone")]
    for name in ("mAP", "CF1", "OF1", "per_category", "intervals"):
        assert numbers[0][name] == numbers[1][name]


def test_a_node_is_killed(nodes, photos, expected, tmp_path):
    process = begin(nodes, photos, tmp_path)
    wait_for(is_under_way(tmp_path), LIMIT_S)
    os.kill(nodes.raylet_of(nodes.second), signal.SIGKILL)
    try:
        report = finish(process)
    finally:
        nodes.start_second()  # for other tests
    assert report["complete"] and rows_in(tmp_path) == expected
    assert len(parts(tmp_path)) == PARTS
