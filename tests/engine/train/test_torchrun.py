"""Several processes through the command line, as a person starts them."""

import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from engine.checkpoints.safetensors_model import load_checkpoint
from tests.engine.data.datasets.devkits import write_devkit
from tests.engine.tiny_models import save_tiny_model
from tests.paths import ROOT

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(os.name == "nt", reason="torchrun over gloo is tried on POSIX alone"),
]
TORCHRUN = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("torchrun")
    names = [f"{i:06}" for i in range(14)]
    devkit = write_devkit(
        folder / "data", {n: [("dog" if int(n) % 2 else "cat", False)] for n in names}
    )
    rng = np.random.default_rng(0)
    for name in names:
        picture = Image.fromarray(rng.integers(0, 256, (50, 60, 3), dtype=np.uint8))
        picture.save(devkit / "JPEGImages" / f"{name}.jpg")
    save_tiny_model(folder / "tiny.safetensors")
    return folder


def start(program, place, output, *options):
    arguments = (
        *("main.py", "train", "--data", str(place / "data"), "--val-split", "train"),
        *("--preset", "recommended", "--init", str(place / "tiny.safetensors"), "--device", "cpu"),
        *("--cache", str(place / "cache"), "--batch-size", "4", "--set", "norms=frozen"),
        *("--output", str(output), *options),
    )
    return subprocess.Popen(
        [*program, *arguments],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def log_lines(folder):
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def test_two_processes_give_the_loss_curve_of_one_and_one_log(place, tmp_path):
    # AdamW would hide a gradient that is a multiple of the right one.
    settings = ("--epochs", "2", "--set", "optimizer=sgd", "--learning-rate", "0.01")
    for name, program in (("one", (sys.executable,)), ("two", TORCHRUN)):
        process = start(program, place, tmp_path / name, *settings)
        told = process.communicate(timeout=300)[1]
        assert process.returncode == 0, told
        assert told.count("epoch 2 of 2") == 1
    one, two = (log_lines(tmp_path / name) for name in ("one", "two"))
    assert [line["kind"] for line in one] == [line["kind"] for line in two]
    np.testing.assert_allclose(
        [line["loss"] for line in two], [line["loss"] for line in one], rtol=5e-4
    )
    assert len({line["loss"] for line in one}) > 5


def test_ctrl_c_ends_all_processes_together_with_a_state_to_go_on_from(place, tmp_path):
    process = start(TORCHRUN, place, tmp_path, "--epochs", "2000")
    for line in process.stderr:
        if line.startswith("step "):
            break
    os.killpg(process.pid, signal.SIGINT)
    told = process.communicate(timeout=120)[1]
    assert "Stopped; --resume goes on from here." in told
    load_checkpoint(tmp_path / "last.safetensors")
    steps = [line["step"] for line in log_lines(tmp_path) if line["kind"] == "step"]
    assert steps == list(range(1, len(steps) + 1))
    newest = max(tmp_path.glob("state-*.pt")).name
    assert int(newest.split("-")[1]) == steps[-1]
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)
