"""Commands, and the starting window, interrupted at any moment: nothing is left, and no fault.

A terminal sends Ctrl-C to all processes of a program; so is it here.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.atomic import TEMPORARY_PREFIX
from tests.e2e.waiting import wait_until
from tests.engine.tiny_models import TINY_CATEGORIES, save_tiny_model
from tests.paths import ROOT

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc"),
    pytest.mark.timeout(3600),
]
CYCLES = int(os.environ.get("CSRA_CYCLES", "50"))
PHOTOS = 40
#: When the first line of the program is done and Ctrl-C is its own matter, it has this signal too.
_CAUGHT_BIT = 1 << (signal.SIGTERM - 1)
_FAULTS = ("Traceback", "Error", "Exception", "Fatal", "Aborted")


@dataclass(frozen=True)
class Place:
    """Where a program runs, as nobody else does.

    Attributes:
        root: all it reads and writes is below.
    """

    root: Path

    @property
    def environment(self) -> dict[str, str]:
        own = {"CSRA_GUI_PROFILE": "profile", "CSRA_GUI_DATA": "data"}
        own |= {"TMPDIR": "tmp", "XDG_RUNTIME_DIR": "run"}
        places = {name: str(self.root / folder) for name, folder in own.items()}
        return {**os.environ, **places, "QT_QPA_PLATFORM": "offscreen"}

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """In a group of its own, that gets Ctrl-C as in a terminal; back when it can take one."""
        process = subprocess.Popen(
            [sys.executable, "main.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=_heed_interrupts,  # noqa: PLW1509  # nothing but a handler is set
        )
        while process.poll() is None and not _catches(process.pid):
            time.sleep(0.002)
        return process

    def processes(self) -> list[str]:
        """Those that a start has left, as they were started."""
        found, mark = [], os.fsencode(self.root)
        for place in Path("/proc").iterdir():
            try:
                is_ours = place.name.isdigit() and mark in (place / "environ").read_bytes()
                if is_ours and ") Z " not in (place / "stat").read_text():
                    found.append((place / "cmdline").read_text())
            except OSError:
                continue
        return found

    def temporary(self) -> list[Path]:
        """Files that are no more than temporary. What PyTorch makes for itself, once, is not."""
        ours = self.root.rglob(f"{TEMPORARY_PREFIX}*")
        others = (self.root / "tmp").iterdir()
        return [*ours, *(path for path in others if not path.name.startswith("torchinductor_"))]


def _heed_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # what runs tests may ignore it


def _catches(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return True
    return bool(int(status.split("SigCgt:")[1].split()[0], 16) & _CAUGHT_BIT)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    for folder in ("tmp", "run", "photos", "out"):
        (tmp_path / folder).mkdir(mode=0o700)
    rows = ["path,label"]
    for number in range(PHOTOS):
        pixels = np.random.default_rng(number).integers(0, 256, (30, 40, 3), np.uint8)
        Image.fromarray(pixels).resize((320, 240)).save(tmp_path / "photos" / f"{number:03}.jpg")
        rows.append(f"{number:03}.jpg,{TINY_CATEGORIES[number % 5]}")
    (tmp_path / "photos" / "labels.csv").write_text("\n".join(rows) + "\n")
    save_tiny_model(tmp_path / "tiny.safetensors")
    made = Place(tmp_path)
    yield made
    assert made.processes() == []


Result = Callable[[], object]


def commands(root: Path) -> dict[str, tuple[list[str], Result]]:
    """Each with what a whole run gives."""
    photos, out = str(root / "photos"), root / "out"
    model = ["--model", str(root / "tiny.safetensors"), "--device", "cpu"]
    data = ["--dataset", "folder", "--data", photos, "--split", "all"]
    small = ["--val-fraction", "0.2", "--epochs", "1", "--batch-size", "8", "--device", "cpu"]

    def names() -> object:
        return sorted(path.name for path in out.iterdir())

    def sidecars() -> object:
        return len(list((root / "photos").glob("*.xmp")))

    return {
        "tag": (
            ["tag", photos, *model, "--format", "jsonl", "--output", str(out / "tags.jsonl")],
            lambda: len((out / "tags.jsonl").read_text().splitlines()),
        ),
        "explain": (["explain", photos, *model, "--output", str(out)], names),
        "evaluate": (["evaluate", *data, *model, "--html", str(out / "report.html")], names),
        "write": (
            ["write", photos, *model, "--labels", "machine", "--threshold", "0.3"],
            sidecars,
        ),
        "duplicates": (["duplicates", photos, *model], names),
        "train": (
            [
                *("train", *data, *small, "--init", str(root / "tiny.safetensors")),
                *("--output", str(out / "run")),
            ],
            lambda: sorted(p.name for p in (out / "run").iterdir() if p.suffix == ".safetensors"),
        ),
        "models": (["models", "list"], names),
    }


def _emptied(root: Path) -> None:
    shutil.rmtree(root / "out")
    (root / "out").mkdir()
    for path in (root / "photos").glob("*.xmp"):
        path.unlink()


def _whole(place: Place, arguments: list[str], result: Result) -> tuple[object, float]:
    """What a whole run gives, and the seconds that it takes."""
    _emptied(place.root)
    began = time.monotonic()
    process = place.start(*arguments)
    _, said = process.communicate(timeout=300)
    assert process.returncode == 0, said
    return result(), time.monotonic() - began


def _interrupt(place: Place, process: subprocess.Popen[str], after_s: float, number: int) -> str:
    """What it says on standard error until it has ended; no process of it is left."""
    try:
        process.wait(after_s)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, number)
    try:
        _, said = process.communicate(timeout=120)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    wait_until(lambda: not place.processes(), "all processes have ended", 30)
    return said


def _check(place: Place, process: subprocess.Popen[str], said: str, number: int) -> None:
    assert process.returncode in (0, 128 + number), said
    assert not [fault for fault in _FAULTS if fault in said], said
    assert place.temporary() == []


@pytest.mark.slow
@pytest.mark.parametrize("name", commands(Path()))
def test_commands_that_are_interrupted_leave_nothing(place: Place, name: str) -> None:
    arguments, result = commands(place.root)[name]
    whole, whole_s = _whole(place, arguments, result)
    chance, stopped = random.Random(name), 0
    for number in range(CYCLES):
        _emptied(place.root)
        process = place.start(*arguments)
        ending = signal.SIGTERM if number % 5 == 4 else signal.SIGINT
        said = _interrupt(place, process, chance.uniform(0.0, whole_s), ending)
        _check(place, process, said, ending)
        stopped += process.returncode != 0
    print(f"{name}: {stopped} of {CYCLES} cut short, a whole run {whole_s:.1f} s")
    assert stopped
    assert _whole(place, arguments, result)[0] == whole


@pytest.mark.slow
def test_a_window_that_is_interrupted_while_it_starts_leaves_nothing(place: Place) -> None:
    chance = random.Random(0)
    for _ in range(CYCLES):
        process = place.start(str(place.root / "photos"))
        said = _interrupt(place, process, chance.uniform(0.0, 2.5), signal.SIGINT)
        _check(place, process, said, signal.SIGINT)


@pytest.mark.parametrize("after_s", [0.0, 0.1])
def test_a_command_that_is_interrupted_while_it_loads_says_no_more_than_that(
    place: Place, after_s: float
) -> None:
    process = place.start("tag", str(place.root / "photos"))
    said = _interrupt(place, process, after_s, signal.SIGINT)
    assert (process.returncode, said) == (130, "Stopped.\n")
