"""How fast photos are tagged, held against what the program promises, and against others.

    python benchmarks/tagging_speed.py [--only PART …] [--before COMMIT] [--output FILE]

Parts: small, large, official, window, numbers. Contestants take turns within each round, so that a
busy machine is busy for all; medians count, and goals are ratios where they can be. ``--before``
checks a commit out in a worktree of its own and runs it with the same Python: what needs it is left
out without it. Photos are made of the samples. Each figure goes into ``--output`` as a line of JSON
as soon as it is there. Everything takes about ten minutes on two quiet cores.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks._processes import processes_below  # noqa: E402

_SIDE = 640
_LARGE = (4000, 3000)
_OFFICIAL_SIDE = 448
_AT_ANY_LOSS = ROOT / "benchmarks" / "_int8_at_any_loss.py"
_MB = 1e6


@dataclass
class Bench:
    """What is measured, and what came of it.

    Attributes:
        scratch: a folder that goes away.
        rounds: how often everything is done.
        before: an older state of the program, if it is compared with.
        output: gets each figure as a line.
        large: how many photos of 12 megapixels.
        small: how many photos the window tags.
        goals: name, figure, and whether it is met.
    """

    scratch: Path
    rounds: int
    before: Path | None
    output: Path | None
    large: int
    small: int
    goals: list[tuple[str, str, bool | None]] = field(default_factory=list)

    def goal(
        self, name: str, value: float, unit: str, *, least: float = 0, most: float = 0
    ) -> None:
        """A figure with what it should be; without either it is only told."""
        is_met = None
        if least or most:
            is_met = value >= least if least else value <= most
        wanted = f"≥ {least:g}" if least else f"≤ {most:g}" if most else ""
        self.goals.append((f"{name} {wanted}".strip(), f"{value:.3g} {unit}".strip(), is_met))
        mark = {True: "met", False: "NOT met", None: ""}[is_met]
        sys.stdout.write(f"{name:<64} {value:9.3g} {unit:<9} {wanted:<8} {mark}\n")
        sys.stdout.flush()
        if self.output is not None:
            with self.output.open("a", encoding="utf-8") as stream:
                facts = {
                    "name": name,
                    "value": value,
                    "unit": unit,
                    "wanted": wanted,
                    "met": is_met,
                }
                stream.write(json.dumps(facts) + "\n")

    def tell_goals(self) -> None:
        """The goals once more, without the figures that have none."""
        sys.stdout.write(f"\n{'goal':<66} {'measured':>14} met\n")
        for name, measured, is_met in self.goals:
            if is_met is not None:
                sys.stdout.write(f"{name:<66} {measured:>14} {'yes' if is_met else 'NO'}\n")

    def in_turn(self, contestants: Mapping[str, Callable[[], float]]) -> dict[str, float]:
        """Median seconds of each; each says its own."""
        times: dict[str, list[float]] = {name: [] for name in contestants}
        for _ in range(self.rounds):
            for name, contestant in contestants.items():
                times[name].append(contestant())
        return {name: statistics.median(found) for name, found in times.items()}


def main() -> int:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", nargs="+", choices=tuple(PARTS), default=tuple(PARTS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--large", type=int, default=200, help="photos of 12 megapixels")
    parser.add_argument("--small", type=int, default=400, help="photos in the window's folder")
    parser.add_argument("--before", metavar="COMMIT", help="an older state to run as well")
    parser.add_argument("--output", type=Path, metavar="FILE")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, _worktree(options.before) as before:
        scratch = Path(folder)
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # a user's second start finds bytecode
        os.environ["CSRA_GUI_DATA"] = os.environ["CSRA_GUI_PROFILE"] = str(scratch / "own")
        bench = Bench(scratch, options.rounds, before, options.output, options.large, options.small)
        for part in options.only:
            PARTS[part](bench)
    bench.tell_goals()
    return 0


# Small photos, from a command to labels.


def small(bench: Bench) -> None:
    """48 photos and one, from a command to labels."""
    for count, name in ((48, "48 small photos"), (1, "one photo")):
        folder = _photos(bench.scratch / f"small-{count}", count)
        contestants = {
            "now": lambda folder=folder: _seconds(ROOT, "tag", folder),
            "torch": lambda folder=folder: _seconds(ROOT, "tag", folder, "--backend", "torch"),
        }
        if bench.before is not None:
            contestants["before"] = lambda home=bench.before, folder=folder: _seconds(
                home, "tag", folder
            )
        found = bench.in_turn(contestants)
        bench.goal(f"{name}, command to labels", found["now"], "s", most=1.5 if count == 1 else 0)
        bench.goal(f"{name}, as fast as with PyTorch", found["torch"] / found["now"], "×")
        if "before" in found:
            ratio = found["before"] / found["now"]
            bench.goal(f"{name}, as fast as before", ratio, "×", least=4)


# Large photos: decoding and the network side by side.


def large(bench: Bench) -> None:
    """Photos of 12 megapixels: how much of decoding hides behind the network."""
    from engine.inference.predict import decode_request
    from engine.service.local import LocalEngine

    paths = sorted(_large_photos(bench.scratch / "large", bench.large).iterdir())
    engine = LocalEngine("cpu")
    info = engine.open_model()
    model = engine._model(info.id)
    preprocess = model.config.preprocess

    def together() -> float:
        return _timed(lambda: sum(1 for _ in engine.predict(info.id, paths)))

    def decoding() -> float:
        requests = [decode_request(path, preprocess) for path in paths]
        return _timed(lambda: sum(1 for _ in engine.pool.map(requests)))

    def network() -> float:
        size, batch = preprocess.input_size, model.backend.best_batch
        pixels = np.random.default_rng(0).integers(0, 256, (batch, size, size, 3), dtype=np.uint8)
        runs = -(-len(paths) // batch)
        seconds = _timed(lambda: [model.backend.run(pixels) for _ in range(runs)])
        return seconds * len(paths) / (runs * batch)

    together()  # decoders are started, and what runs the network is chosen
    found = bench.in_turn({"together": together, "decoding": decoding, "network": network})
    engine.close()
    for name, seconds in found.items():
        bench.goal(f"{len(paths)} of 12 megapixels, {name}", seconds, "s")
    ratio = (found["decoding"] + found["network"]) / found["together"]
    bench.goal("12 megapixels, of the rate of one after the other", ratio, "×", least=0.85)


# The official checkpoint's form.


def official(bench: Bench) -> None:
    """ResNet-101 with residual attention, folder to labels, beside the loop of its authors."""
    folder = _photos(bench.scratch / "official", 48)
    checkpoint = bench.scratch / "resnet101_voc07_head1_lam0.1.pth"
    _random_checkpoint(checkpoint, sorted(folder.iterdir())[:8])
    _seconds(ROOT, "models", "import", checkpoint, "--name", "r101")
    _seconds(ROOT, "tag", folder / "0000.jpg", "--model", "r101", "--backend", "onnx")
    _seconds(ROOT, "models", "measure", "r101")
    theirs, ours = bench.scratch / "theirs.json", bench.scratch / "ours.jsonl"
    loop = [sys.executable, ROOT / "benchmarks/_official_loop.py", checkpoint, folder]
    arguments = ("tag", folder, "--model", "r101", "--all-scores", "--output", ours)
    contestants = {
        "authors": lambda: _run([*loop, _OFFICIAL_SIDE, theirs]),
        "ours": lambda: _seconds(ROOT, *arguments),
    }
    if _quantized(bench, "r101"):
        contestants["int8"] = lambda: _run(
            [sys.executable, _AT_ANY_LOSS, "tag", folder, "--model", "r101", "--precision", "int8"]
        )
    found = bench.in_turn(contestants)
    for name, seconds in found.items():
        bench.goal(f"ResNet-101, 48 photos, {name}", seconds, "s")
    bench.goal(
        "ResNet-101, beside the authors' loop", found["authors"] / found["ours"], "×", least=1.4
    )
    if "int8" in found:
        bench.goal("ResNet-101 int8, beside it", found["authors"] / found["int8"], "×", least=2.5)
    bench.goal(
        "ResNet-101, largest difference of a score", _difference(theirs, ours), "", most=1e-4
    )


def _difference(theirs: Path, ours: Path) -> float:
    from engine.api.categories import shipped_categories

    names = shipped_categories("voc")
    expected = json.loads(theirs.read_text(encoding="utf-8"))
    worst = 0.0
    for line in ours.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        mine = expected[Path(row["path"]).name]
        for label in row["labels"]:
            worst = max(worst, abs(label["score"] - mine[names.index_of(label["category"])]))
    return worst


def _random_checkpoint(file: Path, photos: list[Path]) -> None:
    """Random weights whose norms know real photos, so that scores are neither all 0 nor all 1."""
    import torch

    from benchmarks._official_loop import Network, Photos

    torch.manual_seed(0)
    network = Network(20).train()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None
    images = Photos(photos[0].parent, _OFFICIAL_SIDE)
    with torch.no_grad():
        for start in (0, 4):
            network(torch.stack([images[start + row][0] for row in range(4)]))
    torch.save({"state_dict": network.state_dict()}, file)


def _quantized(bench: Bench, model: str) -> bool:
    """Make it whole numbers; whether that worked. Labels are made up: only the speed counts."""
    photos = sorted((bench.scratch / "official").iterdir())
    data = bench.scratch / "labels"
    for split, first in (("train", 0), ("val", 24)):
        for place, photo in enumerate(photos[first : first + 24]):
            folder = data / split / ("cat", "dog")[place % 2]
            folder.mkdir(parents=True, exist_ok=True)
            os.link(photo, folder / photo.name)
    command = [sys.executable, _AT_ANY_LOSS, "models", "quantize", model, "--dataset", "folder"]
    words = [str(word) for word in (*command, "--data", data)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.stdout.write(f"int8 is left out: {done.stderr.strip().splitlines()[-1]}\n")
    return done.returncode == 0


# The window.


def window(bench: Bench) -> None:
    """From its start to the first label, its rate beside the command's, and memory."""
    count = bench.small
    folder = _photos(bench.scratch / "window", count)
    one = _photos(bench.scratch / "window-one", 1)
    firsts, shares, sums = [], [], []
    for turn in range(bench.rounds):
        first, seconds, tagged, memory = _one_window(bench.scratch / f"profile-{turn}", folder)
        command = _seconds(ROOT, "tag", folder) - _seconds(ROOT, "tag", one)
        firsts.append(first)
        shares.append((tagged / seconds) / (count / command))
        sums.append(memory)
    bench.goal("window, start to the first labels", statistics.median(firsts), "s", most=2.5)
    share = statistics.median(shares)
    bench.goal("window, of the command's rate", share, "×", least=0.9)
    bench.goal("memory beside the window's own, PSS", statistics.median(sums), "MB", most=500)


def _one_window(profile: Path, folder: Path) -> tuple[float, float, int, float]:
    """First label after so many seconds, seconds and photos after that, most memory in MB."""
    environment = {
        **os.environ,
        "CSRA_GUI_PROFILE": str(profile),
        "CSRA_GUI_DATA": str(profile),
        "CSRA_GUI_CACHE": str(profile / "cache"),
    }
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        environment["QT_QPA_PLATFORM"] = "offscreen"
    driver = ROOT / "benchmarks" / "_window_driver.py"
    process = subprocess.Popen(
        [sys.executable, str(driver), str(time.time()), str(folder)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    try:
        first = json.loads(process.stdout.readline() or _ended(process))
        os.set_blocking(process.stdout.fileno(), False)
        memory, line = 0.0, ""
        while not line:
            if process.poll() is not None:
                _ended(process)
            memory = max(memory, _memory_below(process.pid))
            time.sleep(0.2)
            line = process.stdout.readline()
        done = json.loads(line)
    finally:
        process.terminate()
        process.wait(30)
    return first["first"], done["seconds"], done["tagged"] - first["count"], memory


def _ended(process: subprocess.Popen[str]) -> NoReturn:
    raise RuntimeError(f"the window ended with {process.wait(30)} before all was tagged")


def _memory_below(pid: int) -> float:
    """MB of a process's children and theirs, what they share counted once (PSS); 0 off Linux."""
    total = 0.0
    for child in processes_below(pid):
        with contextlib.suppress(OSError, ValueError):
            text = Path(f"/proc/{child}/smaps_rollup").read_text(encoding="ascii")
            found = next(line for line in text.splitlines() if line.startswith("Pss:"))
            total += int(found.split()[1]) * 1024 / _MB
    return total


# What must not have become slower.

_METRICS = """
import numpy as np, time
from engine.metrics.report import paper_metrics
chance = np.random.default_rng(0)
scores, targets = chance.random((5000, 80), np.float32), chance.random((5000, 80)) < 0.05
paper_metrics(scores[:50], targets[:50])
start = time.perf_counter()
for _ in range(3):
    paper_metrics(scores, targets)
print(time.perf_counter() - start)
"""
_MAPS = """
import numpy as np, time
from pathlib import Path
try:
    from engine.api.geometry import Box
    from engine.api.values import PositionScores
    from engine.explain.evidence import evidence_map
except ImportError:  # where they lay before
    from engine.geometry import Box
    from engine.values import PositionScores
    from engine.evidence import evidence_map
values = np.random.default_rng(0).random((1, 20, 14, 14), np.float32)
scores = PositionScores(path=Path("x"), model_id="", values=values, temperatures=(1.0,), lam=0.1,
    content=Box.UNIT, width=640, height=480)
start = time.perf_counter()
for place in range(40000):
    evidence_map(scores, place % 20)
print(time.perf_counter() - start)
"""


def numbers(bench: Bench) -> None:
    """Metrics and maps beside the older state."""
    if bench.before is None:
        return
    for name, code in (("metrics", _METRICS), ("maps", _MAPS)):
        found = bench.in_turn(
            {
                "now": lambda code=code: _printed(ROOT, code),
                "before": lambda home=bench.before, code=code: _printed(home, code),
            }
        )
        bench.goal(f"{name}, as fast as before", found["before"] / found["now"], "×", least=0.95)


def _printed(home: Path, code: str) -> float:
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=home, check=True, capture_output=True, text=True
    )
    return float(done.stdout)


# What all share.


def _command(arguments: list[object]) -> list[str]:
    return [sys.executable, "main.py", *map(str, arguments)]


def _seconds(home: Path, *arguments: object) -> float:
    return _run(_command(list(arguments)), home)


def _run(command: list[object] | list[str], home: Path = ROOT) -> float:
    words = [str(word) for word in command]
    return _timed(lambda: subprocess.run(words, cwd=home, check=True, capture_output=True))


def _timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _photos(folder: Path, count: int) -> Path:
    folder.mkdir(parents=True)
    for number in range(count):
        with _sample(number) as image:
            image.thumbnail((_SIDE, _SIDE))
            image.convert("RGB").save(folder / f"{number:04}.jpg", quality=90)
    return folder


def _large_photos(folder: Path, count: int) -> Path:
    """With grain, so that decoding costs what it does with photos of a camera."""
    folder.mkdir(parents=True)
    chance = np.random.default_rng(0)
    made: list[Path] = []
    for number in range(min(count, 16)):
        with _sample(number) as image:
            pixels = np.asarray(image.convert("RGB").resize(_LARGE), dtype=np.int16)
        grain = chance.integers(-12, 13, pixels.shape, dtype=np.int16)
        made.append(folder / f"{number:04}.jpg")
        whole = np.clip(pixels + grain, 0, 255).astype(np.uint8)
        Image.fromarray(whole).save(made[-1], quality=90)
    for number in range(len(made), count):
        (folder / f"{number:04}.jpg").write_bytes(made[number % len(made)].read_bytes())
    return folder


def _sample(number: int) -> Image.Image:
    samples = sorted((ROOT / "resources" / "samples").glob("*.jpg"))
    return Image.open(samples[number % len(samples)])


@contextlib.contextmanager
def _worktree(commit: str | None) -> Generator[Path | None, None, None]:
    if commit is None:
        yield None
        return
    with tempfile.TemporaryDirectory() as folder:
        place = str(Path(folder) / "before")
        _git("worktree", "add", "--detach", place, commit)
        try:
            yield Path(place)
        finally:
            _git("worktree", "remove", "--force", place)


def _git(*arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True)


PARTS: dict[str, Callable[[Bench], None]] = {
    part.__name__: part for part in (small, large, official, window, numbers)
}

if __name__ == "__main__":
    sys.exit(main())
