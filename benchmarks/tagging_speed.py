"""From a command to labels: ONNX Runtime without PyTorch, PyTorch, and an older program.

    python benchmarks/tagging_speed.py [--photos 48] [--rounds 3] [--before COMMIT]

Each round runs every contestant once, on the same photos, one after the other, so that a busy
machine is busy for all; medians and their ratios are printed. Small photos are made of the samples.
``--before`` checks a commit out in a worktree of its own and runs it with the same Python.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
_SIDE = 640


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=48)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--before", metavar="COMMIT", help="an older state to run as well")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        many = _photos(folder / "many", options.photos)
        one = _photos(folder / "one", 1)
        contestants = {
            "ONNX Runtime": (ROOT, ["--backend", "onnx"]),
            "PyTorch": (ROOT, ["--backend", "torch"]),
        }
        if options.before:
            contestants[options.before] = (_worktree(folder / "before", options.before), [])
        try:
            for name, photos in ((f"{options.photos} photos", many), ("one photo", one)):
                _compare(name, photos, contestants, options.rounds)
        finally:
            if options.before:
                _git("worktree", "remove", "--force", str(folder / "before"))


def _compare(
    name: str, photos: Path, contestants: dict[str, tuple[Path, list[str]]], rounds: int
) -> None:
    times: dict[str, list[float]] = {who: [] for who in contestants}
    for _ in range(rounds):
        for who, (home, more) in contestants.items():
            times[who].append(_run(home, photos, more))
    medians = {who: statistics.median(values) for who, values in times.items()}
    sys.stdout.write(f"{name}, command to labels, median of {rounds}:\n")
    for who, median in medians.items():
        ratio = median / medians["ONNX Runtime"]
        sys.stdout.write(f"  {who:14} {median:6.2f} s   ×{ratio:.2f}\n")


def _run(home: Path, photos: Path, more: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, "main.py", "tag", str(photos), "--format", "csv", *more],
        cwd=home,
        check=True,
        capture_output=True,
    )
    return time.perf_counter() - start


def _photos(folder: Path, count: int) -> Path:
    folder.mkdir(parents=True)
    samples = sorted((ROOT / "resources" / "samples").glob("*.jpg"))
    for number in range(count):
        with Image.open(samples[number % len(samples)]) as image:
            image.thumbnail((_SIDE, _SIDE))
            image.convert("RGB").save(folder / f"{number:04}.jpg", quality=90)
    return folder


def _worktree(folder: Path, commit: str) -> Path:
    _git("worktree", "add", "--detach", str(folder), commit)
    return folder


def _git(*arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True)


if __name__ == "__main__":
    main()
