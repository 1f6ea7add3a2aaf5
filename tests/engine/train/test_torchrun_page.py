"""The lines of the docs for several processes and machines, as a person runs them."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.engine.data.datasets.devkits import write_devkit
from tests.engine.tiny_models import save_tiny_model
from tests.paths import ROOT

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc"),
]
SETTINGS = """\
preset = "recommended"
device = "cpu"
cache = "cache"

[data]
kind = "voc2007"
root = "data"
val_split = "train"

[start]
model = "tiny.safetensors"

[training]
batch_size = 4
epochs = 4
optimizer = "sgd"
learning_rate = 0.01
norms = "frozen"
"""


def write_machine(folder: Path, images: int = 14) -> Path:
    """What each machine needs: the data set, the settings and the start."""
    names = [f"{i:06}" for i in range(images)]
    labels = {n: [("dog" if int(n) % 2 else "cat", False)] for n in names}
    devkit = write_devkit(folder / "data", labels)
    rng = np.random.default_rng(0)
    for name in names:
        picture = Image.fromarray(rng.integers(0, 256, (50, 60, 3), dtype=np.uint8))
        picture.save(devkit / "JPEGImages" / f"{name}.jpg")
    save_tiny_model(folder / "tiny.safetensors")
    (folder / "run.toml").write_text(SETTINGS)
    return folder


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return write_machine(tmp_path / "a")


@pytest.fixture(scope="module")
def lines() -> dict[str, str]:
    """What the page says to a shell, by the folder of its output."""
    text = (ROOT / "docs" / "TRAINING.md").read_text(encoding="utf-8")
    section = text.split("## Several GPUs, several machines")[1].split("\n## ")[0]
    blocks = [block.split("```")[0].strip() for block in section.split("```sh\n")[1:]]
    return {block.split("--output ")[1].split()[0]: block for block in blocks}


def start(line: str, folder: Path, **more: str) -> subprocess.Popen[str]:
    """A shell at work on a line, in a process group of its own."""
    programs = folder / "bin"
    programs.mkdir(exist_ok=True)
    csra = programs / "csra"
    csra.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m csra_gui "$@"\n')
    csra.chmod(0o755)
    path = os.pathsep.join((str(programs), str(Path(sys.executable).parent), os.environ["PATH"]))
    return subprocess.Popen(
        ["sh", "-c", line],
        cwd=folder,
        env={**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **more},
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: subprocess.Popen[str]) -> str:
    """What a line that must succeed said."""
    said = process.communicate(timeout=1500)[1]
    assert process.returncode == 0, said
    return said


def log_lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def losses(folder: Path) -> list[float]:
    return [line["loss"] for line in log_lines(folder)]


def workers(folder: Path) -> Iterator[tuple[int, Mapping[str, str]]]:
    """What is at work in a folder, with its environment; torchrun gives each its own session."""
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and (entry / "cwd").readlink() == folder:
                pairs = (entry / "environ").read_bytes().decode().split("\0")
                yield int(entry.name), dict(pair.split("=", 1) for pair in pairs if "=" in pair)
        except OSError:  # gone meanwhile
            continue


def errors(said: str) -> list[str]:
    return [line for line in said.splitlines() if line.startswith("error: ")]


def free_port() -> str:
    with socket.socket() as open_one:
        open_one.bind(("127.0.0.1", 0))
        return str(open_one.getsockname()[1])


def test_two_processes_and_two_machines_give_the_loss_curve_of_one(
    place: Path, tmp_path: Path, lines: dict[str, str]
) -> None:
    for output in ("one", "two"):
        said = ended(start(lines[output], place))
        assert said.count("epoch 4 of 4") == 1
    other = write_machine(tmp_path / "b")
    line = lines["machines"].replace("29500", free_port())
    first = start(line, place, NODE="0", FIRST="127.0.0.1")
    second = start(line, other, NODE="1", FIRST="127.0.0.1")
    assert ended(first).count("epoch 4 of 4") == 1
    assert "epoch" not in ended(second)

    one = losses(place / "one")
    assert len(set(one)) > 10
    for output in ("two", "machines"):
        np.testing.assert_allclose(losses(place / output), one, rtol=2e-6)
    # Of the second machine only its own cache is new.
    new = {path.name for path in other.iterdir()} - {path.name for path in place.iterdir()}
    assert not new
    assert not (other / "machines").exists()


def test_a_process_that_dies_ends_all_with_one_sentence_and_nothing_is_lost(
    place: Path, lines: dict[str, str]
) -> None:
    ended(start(lines["two"].replace("two", "unbroken"), place))
    process = start(lines["two"], place)
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("epoch 2 of 4"):
            break
    # What it started itself, to decode photos, has a greater number.
    victim = min(pid for pid, facts in workers(place) if facts.get("RANK") == "1")
    os.kill(victim, signal.SIGKILL)
    said = process.communicate(timeout=1500)[1]
    assert process.returncode != 0
    assert [line for line in errors(said) if "Another process of this run has ended" in line]
    assert len(errors(said)) == 1
    deadline = time.monotonic() + 300
    while any(True for _ in workers(place)):
        assert time.monotonic() < deadline, "a process is left"
        time.sleep(0.05)

    ended(start(f"{lines['two']} --resume", place))
    assert losses(place / "two") == losses(place / "unbroken")


def test_norms_over_all_processes_are_refused_on_a_processor_in_one_sentence(
    place: Path, lines: dict[str, str]
) -> None:
    process = start(f"{lines['two']} --set sync_norms=True --set norms=train", place)
    said = process.communicate(timeout=1500)[1]
    assert process.returncode != 0
    (error,) = errors(said)
    assert "NVIDIA graphics cards alone" in error
    assert "Leave sync_norms out" in error
    # Torchrun's own report has a traceback of its own files.
    assert f'File "{ROOT / "engine"}' not in said


def test_machines_that_see_different_images_are_refused_in_one_sentence(
    place: Path, tmp_path: Path, lines: dict[str, str]
) -> None:
    other = write_machine(tmp_path / "b", images=13)
    line = lines["machines"].replace("29500", free_port())
    both = [start(line, place, NODE="0", FIRST="127.0.0.1")]
    both.append(start(line, other, NODE="1", FIRST="127.0.0.1"))
    said = "".join(process.communicate(timeout=1500)[1] for process in both)
    assert all(process.returncode != 0 for process in both)
    (error,) = errors(said)
    assert "see different images or labels" in error
