"""Random clicks, keys, drags, sizes, commands and drops in the real window: hours of them.

    python benchmarks/monkey.py [--minutes 2] [--seed 1] [--photos FOLDER …] [--models FOLDER]
                                [--folder WHERE] [--replay LOG] [--json FILE]

The program runs on a screen of its own (Xvfb, openbox, xdotool), in a home of its own, on copies
of photos (the samples and, where given, FOLDER), some of which are damaged; with --models, model
files are dropped, too. No file outside is touched, and nothing is asked of the network.

What ends with 1: the process dies; a fault or an unexpected line in its log; the window does not
answer for more than a second while nothing else kept it from the processors; a text that may be a
stranger's is taken for markup; memory, threads, handles or the windows that it keeps, shown or not,
grow from the second quarter of the time to the last. WHERE keeps everything: ``actions.jsonl`` is
what --replay takes, and has the seed's actions with their places and the memory before each, the
times when the window did not answer and where it was then; ``minutes.jsonl`` the figures of each
minute, of the window and of each kind of process. Random numbers come from the seed and the number
of the action, what they meet from the window as it is at that moment; so only the log replays a
run, and only as far as the times are alike.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks._processes import look, processes_below  # noqa: E402

HALT_S = 1.0
_END_S = 60
#: Growth from the second quarter to the last that counts: memory by share and MiB, others by count.
_MORE_MEMORY, _LEAST_MIB = 1.25, 150
_MORE_THREADS, _MORE_HANDLES, _MORE_WINDOWS = 6, 40, 15
#: Lines of the log that damaged photos and the missing network bring.
_EXPECTED = re.compile(r"cannot be (read|opened)|is damaged|Network is unreachable|no longer there")
_LOUD = re.compile(r"^\S+ \S+ (WARNING|ERROR|CRITICAL) ")


@dataclass
class Run:
    """What was seen of one run; ``minutes`` are figures of the window's process, once a minute.

    ``counted``: its widgets, and those of them that are windows, as it told last.
    """

    actions: int = 0
    starts: int = 0
    halts: list[dict[str, Any]] = field(default_factory=list)
    minutes: list[dict[str, Any]] = field(default_factory=list)
    counted: dict[str, int] = field(default_factory=dict)
    loud: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    @property
    def own_halts(self) -> list[dict[str, Any]]:
        """Those over a second without the time in which others had the processors."""
        return [halt for halt in self.halts if halt["halt"] - halt["waited"] > HALT_S]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=2.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--photos", nargs="*", type=Path, default=[], metavar="FOLDER")
    parser.add_argument("--models", type=Path, metavar="FOLDER")
    parser.add_argument("--folder", type=Path, metavar="WHERE")
    parser.add_argument("--replay", type=Path, metavar="LOG")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="csra-monkey-"))
    folder.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # nothing outlives it
    run = watch(folder.resolve(), options)
    result = summary(run, options)
    print(json.dumps(result, indent=2))
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n")
    print(f"Everything is in {folder}.")
    return int(bool(result["faults"]))


def watch(folder: Path, options: argparse.Namespace) -> Run:
    """Start the window as often as the monkey closes it, until the time is over."""
    from tests.e2e.desktop import missing_packages, new_desktop

    if missing := missing_packages():
        raise SystemExit(f"No screen can be made; install {' '.join(missing)}.")
    drops = _copies(folder / "photos", options)
    run = Run()
    end = time.monotonic() + 60 * options.minutes
    with new_desktop() as desktop, (folder / "actions.jsonl").open("a") as log:
        environment = desktop.environment | _home(folder / "home")
        while time.monotonic() < end:
            run.starts += 1
            code = _one_start(run, (folder, log), end, (options, drops), environment)
            if code not in (0, None):
                run.faults.append(f"the program ended with {code} after action {run.actions}")
                break
            if options.replay:
                break
    _read_log(folder / "home", run)
    return run


def _one_start(
    run: Run,
    kept: tuple[Path, Any],
    end: float,
    asked: tuple[argparse.Namespace, list[str]],
    environment: dict[str, str],
) -> int | None:
    """One life of the window; its exit status, or ``None`` where it had to be killed."""
    (folder, log), (options, drops) = kept, asked
    told = {
        "seed": options.seed,
        "first": run.actions,
        "replay": str(options.replay or ""),
        "drops": drops,
        "samples": str(folder / "photos" / "0-samples"),
        "steps": 10**9,
    }
    command = [sys.executable, str(ROOT / "benchmarks" / "_monkey_window.py"), json.dumps(told)]
    with (folder / "stderr.txt").open("a") as stderr:
        process = subprocess.Popen(
            [*command, str(folder / "photos")],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            cwd=folder,
        )
    reader = threading.Thread(target=_listen, args=(process, run, log))
    reader.start()
    try:
        _look_at(process, run, folder, end)
    finally:
        code = _ended(process, run)
        reader.join(_END_S)
    return code


def _look_at(process: subprocess.Popen[str], run: Run, folder: Path, end: float) -> None:
    """Take down what it needs, once a minute, until it ends or the time is over."""
    next_look = time.monotonic() + 20
    while process.poll() is None and time.monotonic() < end:
        time.sleep(0.5)
        if time.monotonic() > next_look:
            next_look += 60
            if (figures := _figures(process.pid)) is not None:
                run.minutes.append(figures | run.counted | {"start": run.starts})
                with (folder / "minutes.jsonl").open("a") as file:
                    file.write(json.dumps(run.minutes[-1]) + "\n")


def _ended(process: subprocess.Popen[str], run: Run) -> int | None:
    family = processes_below(process.pid)
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        code = process.wait(_END_S)
    except subprocess.TimeoutExpired:
        run.faults.append(f"the window did not end within {_END_S} s")
        process.kill()
        return None
    deadline = time.monotonic() + 10
    while (left := [p for p in family if _is_alive(p)]) and time.monotonic() < deadline:
        time.sleep(0.2)
    if left:
        run.faults.append(f"{len(left)} processes outlived the window")
        for pid in left:
            os.kill(pid, signal.SIGKILL)
    return code


def _listen(process: subprocess.Popen[str], run: Run, log: Any) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        log.write(line)
        log.flush()
        try:
            told = json.loads(line)
        except ValueError:
            run.faults.append(f"written to the standard output: {line[:200]!r}")
            continue
        run.actions = told.get("action", run.actions)
        if "tops" in told:
            run.counted = {"widgets": told["widgets"], "windows": told["tops"]}
        if "halt" in told:
            run.halts.append(told)
        if "markup" in told:
            run.faults.append(f"shown as markup: {told['markup']!r}")


def _copies(photos: Path, options: argparse.Namespace) -> list[str]:
    """Photos that may be lost, and what is dropped: they, single ones, and the models."""
    sources = [ROOT / "resources" / "samples", *options.photos]
    for number, source in enumerate(sources):
        shutil.copytree(source, photos / f"{number}-{source.name}", dirs_exist_ok=True)
    for place in (photos, *photos.rglob("*")):  # what is copied may be read alone
        if not place.is_symlink():
            place.chmod(0o755 if place.is_dir() else 0o644)
    good = sorted((photos / "0-samples").glob("*.jpg"))
    (photos / "cut.jpg").write_bytes(good[0].read_bytes()[:5000])
    (photos / "empty.jpg").write_bytes(b"")
    (photos / "no <b>picture<b>.png").write_text("not a picture")
    drops = [photos, *(p for p in photos.iterdir() if p.is_dir()), *good[:2], photos / "cut.jpg"]
    drops += [photos / "not there", photos / "labels.csv"]
    (photos / "labels.csv").write_text(f"path,label\n{good[0].name},dog\n")
    if options.models:
        models = photos.parent / "models"
        shutil.copytree(options.models, models, dirs_exist_ok=True)
        models.chmod(0o755)
        drops += [models, *sorted(p for p in models.iterdir() if p.is_file())[::9]]
    return [str(path) for path in drops]


def _home(home: Path) -> dict[str, str]:
    """Everything that a program may keep for a person, in one folder."""
    places = {
        f"XDG_{name}_HOME": home / name.lower() for name in ("CONFIG", "CACHE", "DATA", "STATE")
    }
    places |= {"HOME": home, "XDG_RUNTIME_DIR": home / "run"}
    for place in places.values():
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
    # Of child processes, which the window's own guard does not reach.
    refused = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), "http://127.0.0.1:9")
    return {name: str(place) for name, place in places.items()} | refused


def _read_log(home: Path, run: Run) -> None:
    for file in sorted(home.rglob("*.log*")):
        text = file.read_text(encoding="utf-8", errors="replace")
        loud = [line for line in text.splitlines() if _LOUD.match(line)]
        run.loud += [line for line in loud if not _EXPECTED.search(line)]
        if "Traceback (most recent call last)" in text:
            run.faults.append(f"a traceback in {file.name}")
    errors = (home.parent / "stderr.txt").read_text(errors="replace").splitlines()
    run.loud += [line for line in errors if line.strip() and not _EXPECTED.search(line)]


# What /proc knows.


def _is_alive(pid: int) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


def _figures(pid: int) -> dict[str, Any] | None:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
        handles = len(list(Path(f"/proc/{pid}/fd").iterdir()))
    except OSError:
        return None

    def number(name: str) -> int:
        return int(status.split(f"{name}:")[1].split()[0])

    family = processes_below(pid)
    return {
        "time": round(time.time()),
        "resident_mib": number("VmRSS") // 1024,
        "children_mib": sum(map(_resident, family)) // 1024,
        "threads": number("Threads"),
        "handles": handles,
        "children": len(family),
        "load": os.getloadavg()[0],
        "processes": look(pid),
    }


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/status").read_text().split("VmRSS:")[1].split()[0])
    except (OSError, IndexError):
        return 0


# What came of it.


def _growth(run: Run) -> list[str]:
    """Of the longest life of the window."""
    lives: dict[float, list[dict[str, Any]]] = {}
    for minute in run.minutes:
        lives.setdefault(minute["start"], []).append(minute)
    longest = max(lives.values(), key=len, default=[])
    if len(longest) < 8:
        return []
    quarter = len(longest) // 4

    def middle(part: list[dict[str, Any]], name: str) -> float:
        return statistics.median(minute[name] for minute in part)

    second, last = longest[quarter : 2 * quarter], longest[-quarter:]
    found = []
    for name, share, least in (
        ("resident_mib", _MORE_MEMORY, _LEAST_MIB),
        ("children_mib", _MORE_MEMORY, 3 * _LEAST_MIB),
        ("threads", 1.0, _MORE_THREADS),
        ("handles", 1.0, _MORE_HANDLES),
        ("windows", 1.0, _MORE_WINDOWS),
    ):
        before, after = middle(second, name), middle(last, name)
        if after > share * before and after - before > least:
            found.append(f"{name} grew from {before:.0f} to {after:.0f}")
    return found


def summary(run: Run, options: argparse.Namespace) -> dict[str, Any]:
    """In numbers; ``faults`` are what there should be none of."""
    faults = [*run.faults, *_growth(run)]
    faults += [f"did not answer for {h['halt']} s: {h['at'][:300]}" for h in run.own_halts]
    faults += [f"in the log: {line[:300]}" for line in dict.fromkeys(run.loud)]
    loads = [minute["load"] for minute in run.minutes] or [os.getloadavg()[0]]
    return {
        "seed": options.seed,
        "minutes": options.minutes,
        "actions": run.actions,
        "starts": run.starts,
        "load": {"median": round(statistics.median(loads), 1), "most": round(max(loads), 1)},
        "halts over 1 s": sum(h["halt"] > HALT_S for h in run.halts),
        "of them the window's own": len(run.own_halts),
        "longest halt s": max((h["halt"] for h in run.halts), default=0.0),
        "longest without waiting for a processor s": round(
            max((h["halt"] - h["waited"] for h in run.halts), default=0.0), 3
        ),
        "first minute": run.minutes[0] if run.minutes else None,
        "last minute": run.minutes[-1] if run.minutes else None,
        "faults": faults,
    }


if __name__ == "__main__":
    sys.exit(main())
