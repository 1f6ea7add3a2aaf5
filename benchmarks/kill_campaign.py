"""Kills the program while it tags 10,000 photos and a person decides, and looks what is left.

The real window runs offscreen with a tiny model, so that the disk and the processes have the work.
It, its engine or a decoder gets SIGKILL at a moment that the seed says. Afterwards nothing that
the library acknowledged may be lost or there twice, no process may be left, and the next start has
to go on and leave no litter. When all photos are tagged, their scores have to be those of a run
that nobody killed, and the next round begins with an empty library.

    python benchmarks/kill_campaign.py [FOLDER] [--kills N] [--seed S] [--photos N]

FOLDER keeps the photos, the state, and one line of JSON for each kill in ``kills.jsonl``. The same
command again goes on with the round after the last whole one. The exit status says whether
anything was wrong. Linux only.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

_NAMES = "red thing\ngolden retriever\nsky\ncat\n"
_MARK = "CSRA_KILL_CAMPAIGN"
#: Set where nobody else uses the shared memory that is seen here.
_ALONE = "CSRA_KILL_CAMPAIGN_ALONE"
_OWN_MEMORY = 'mount -t tmpfs none /dev/shm && exec "$0" "$@"'
_SOON_S = 120.0
_LONG_S = 1200.0
_LONG_AGO_S = 7200.0
_KINDS = ("window", "engine", "decoder")
_TEMPORARY = (".csra-tmp-", "settings.ini.", "tmp", "pymp-")


@dataclass
class Told:
    """What the program said in its log that it had written."""

    tagged: Counter[str] = field(default_factory=Counter)
    verdicts: dict[tuple[int, str], str | None] = field(default_factory=dict)
    marks: dict[int, bool] = field(default_factory=dict)
    open: tuple[list[Any], list[Any]] = ((), ())  # type: ignore[assignment]
    is_complete: bool = False
    decided: int = 0

    def take(self, line: dict[str, Any]) -> None:
        """One line of the log."""
        self.tagged.update(line.get("tagged", ()))
        self.is_complete |= "complete" in line
        if "window" in line:
            self.open = ([], [])
        if "asked" in line:
            self.open = (line["asked"], line["marks"])
        if "decided" in line:
            self.apply(self.open)
            self.open, self.decided = ([], []), self.decided + 1

    def apply(self, edit: tuple[list[Any], list[Any]]) -> None:
        """What an edit makes of what is decided."""
        self.verdicts |= {(image, label): word for image, label, word in edit[0]}
        self.marks |= {image: bool(mark) for image, mark in edit[1]}


class Home:
    """The folders of a campaign, and a window in them.

    Args:
        root: of everything.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.photos = root / "photos"
        self.place = root / "round"
        self.log = self.place / "log.jsonl"
        self.library = self.place / "data" / "library.db"
        self._told, self._read = Told(), 0
        self.environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("XDG_")},
            "HOME": str(self.place / "home"),
            "TMPDIR": str(self.place / "tmp"),
            "CSRA_GUI_DATA": str(self.place / "data"),
            "CSRA_GUI_PROFILE": str(self.place / "profile"),
            "XDG_RUNTIME_DIR": str(self.place / "run"),
            "QT_QPA_PLATFORM": "offscreen",
            "PYTHONPATH": str(ROOT),
            _MARK: str(root),
        }

    def begin(self) -> None:
        """An empty library, and the model in use."""
        shutil.rmtree(self.place, ignore_errors=True)
        self._told, self._read = Told(), 0
        for name in ("home", "tmp", "data", "profile", "run"):
            (self.place / name).mkdir(mode=0o700, parents=True)
        shutil.copytree(self.root / "models", self.place / "data" / "models")
        settings = "[model]\nin_use=stub\n"
        (self.place / "profile" / "settings.ini").write_text(settings, encoding="utf-8")

    def start(self, seed: int) -> subprocess.Popen[bytes]:
        """A window on the photos."""
        driver = str(ROOT / "benchmarks" / "_killed_window.py")
        command = [sys.executable, driver, str(self.log), str(seed), str(self.photos)]
        with (self.place / "stderr").open("ab") as stream:
            return subprocess.Popen(
                command, env=self.environment, stdout=stream, stderr=stream, cwd=ROOT
            )

    def told(self) -> Told:
        """All that was said in this round."""
        with contextlib.suppress(FileNotFoundError), self.log.open("rb") as file:
            file.seek(self._read)
            for line in file:
                if line.endswith(b"\n"):
                    self._told.take(json.loads(line))
                    self._read += len(line)
        return self._told

    def processes(self) -> dict[int, str]:
        """The live processes of this campaign besides this one, and their command lines."""
        wanted = f"{_MARK}={self.root}".encode()
        found = {}
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit() and int(folder.name) != os.getpid():
                with contextlib.suppress(OSError):
                    if wanted in (folder / "environ").read_bytes().split(b"\0"):
                        command = (folder / "cmdline").read_bytes().replace(b"\0", b" ")
                        if command:
                            found[int(folder.name)] = command.decode(errors="replace")
        return found

    def litter(self) -> list[str]:
        """Files that something left which ended before it could remove them."""
        found = [
            str(path.relative_to(self.place))
            for path in self.place.rglob("*")
            if path.name.startswith(_TEMPORARY) and path.parent != self.place
        ]
        found += [f"tmp/{path.name}" for path in (self.place / "tmp").iterdir()]
        found += [path.name for path in self.photos.rglob(".*")]
        if _ALONE in os.environ:
            found += [f"/dev/shm/{path.name}" for path in Path("/dev/shm").iterdir()]
        return sorted(found)


def kind_of(command: str) -> str:
    """Which process it is, by its command line."""
    if "_killed_window.py" in command:
        return "window"
    return "decoder" if "decoding/child.py" in command else "engine"


def wait_for(condition: Callable[[], object], seconds: float) -> bool:
    """Whether something came to be in time."""
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.2)
    return True


@contextlib.contextmanager
def copied(library: Path) -> Iterator[sqlite3.Connection]:
    """The library as the kill left it; reading the file itself would mend it."""
    with tempfile.TemporaryDirectory(dir=library.parent.parent) as folder:
        for ending in ("", "-wal"):
            with contextlib.suppress(FileNotFoundError):
                shutil.copyfile(f"{library}{ending}", Path(folder, f"copy.db{ending}"))
        with contextlib.closing(sqlite3.connect(Path(folder, "copy.db"))) as connection:
            yield connection


_PATHS = "SELECT i.id, f.path, i.name FROM images i JOIN folders f ON f.id = i.folder_id"


def paths_of(connection: sqlite3.Connection) -> dict[int, str]:
    """The path of each image of the library."""
    return {i: f"{os.fsdecode(p)}/{os.fsdecode(n)}" for i, p, n in connection.execute(_PATHS)}


def wrong_in(connection: sqlite3.Connection, told: Told) -> list[str]:
    """What the library has that was not said, or lacks though it was acknowledged."""
    wrong = []
    sound = connection.execute("PRAGMA integrity_check").fetchall()
    if sound != [("ok",)] or connection.execute("PRAGMA foreign_key_check").fetchall():
        wrong.append(f"damaged: {sound}")
    paths = paths_of(connection)
    if len(set(paths.values())) != len(paths):
        wrong.append("an image is there twice")
    scored = connection.execute("SELECT image_id FROM scores UNION ALL SELECT image_id FROM errors")
    have = Counter(paths[image] for (image,) in scored)
    if lost := told.tagged.keys() - have.keys():
        wrong.append(f"{len(lost)} acknowledged photos are lost")
    if any(count > 1 for count in have.values()):
        wrong.append("a photo has scores twice")
    if again := [path for path, count in told.tagged.items() if count > 1]:
        wrong.append(f"{len(again)} photos were tagged again")
    said = {
        (image, label): word
        for image, label, word in connection.execute(
            "SELECT image_id, category, verdict FROM decisions"
        )
    }
    marks = {i for (i,) in connection.execute("SELECT id FROM images WHERE reviewed")}
    now_and_then = [_decided(told, is_open) for is_open in (False, True)]
    if (said, marks) == now_and_then[1]:  # it was written, and killed before it could say so
        told.apply(told.open)
    elif (said, marks) != now_and_then[0]:
        differ = len(set(said.items()) ^ set(now_and_then[0][0].items()))
        wrong.append(
            f"decisions differ: {differ} verdicts, {len(marks ^ now_and_then[0][1])} marks"
        )
    return wrong


def _decided(told: Told, is_open: bool) -> tuple[dict[tuple[int, str], str], set[int]]:
    """What has to be decided, with the edit that was under way or without it."""
    later = Told(verdicts=dict(told.verdicts), marks=dict(told.marks))
    if is_open:
        later.apply(told.open)
    verdicts = {key: word for key, word in later.verdicts.items() if word is not None}
    return verdicts, {image for image, mark in later.marks.items() if mark}


def scores_of(connection: sqlite3.Connection) -> dict[str, bytes]:
    """The scores of each photo by its path, or the fault that it has."""
    paths = paths_of(connection)
    scores = {
        paths[i]: bytes(s) for i, s in connection.execute("SELECT image_id, scores FROM scores")
    }
    faults = connection.execute("SELECT image_id, message FROM errors")
    return scores | {paths[i]: str(text).encode() for i, text in faults}


class Campaign:
    """Rounds of kills.

    Args:
        home: where they happen.
        seed: what all chance follows from.
    """

    def __init__(self, home: Home, seed: int) -> None:
        self._home = home
        self._seed = seed
        self._file = home.root / "kills.jsonl"
        self.lines = [json.loads(line) for line in _lines(self._file)]
        self._life = 0
        self._round = 1 + max((line["round"] for line in self.lines), default=0)
        self._expected: dict[str, bytes] = {}

    def expect(self) -> None:
        """Find out what a run says that nobody kills."""
        kept = self._home.root / "expected.json"
        if not kept.exists():
            self._home.begin()
            window = self._home.start(0)
            assert wait_for(lambda: self._home.told().is_complete, 1200), (
                "the photos are not tagged"
            )
            self._end(window)
            with copied(self._home.library) as connection:
                found = scores_of(connection)
            kept.write_text(json.dumps({path: said.hex() for path, said in found.items()}))
        said = json.loads(kept.read_text(encoding="utf-8"))
        self._expected = {path: bytes.fromhex(scores) for path, scores in said.items()}

    def run(self, kills: int) -> None:
        """Go on until there are so many kills."""
        while len(self.lines) < kills:
            self._home.begin()
            while len(self.lines) < kills and not self._home.told().is_complete:
                self._one_life(kills)
            self._end_round()
            self._round += 1

    def _one_life(self, kills: int) -> None:
        """Start a window, kill children of it, and it at last."""
        self._life += 1
        chance = random.Random(f"{self._seed}/{self._round}/{self._life}")
        window = self._home.start(chance.randrange(1 << 30))
        plan = [*chance.choices(_KINDS[1:], k=chance.randrange(3, 10)), "window"]
        in_start = chance.random() < 0.25  # while it starts, scans, looks up
        for kind in plan[: kills - len(self.lines)]:
            delay = chance.uniform(0.05, 4.0 if in_start else 0.8)
            self._one_kill(window, kind, delay, in_start=in_start)
            if window.poll() is not None:
                break
        if window.poll() is None:
            self._end(window)

    def _one_kill(
        self, window: subprocess.Popen[bytes], kind: str, delay: float, *, in_start: bool
    ) -> None:
        home, began = self._home, time.monotonic()
        before = sum(home.told().tagged.values())
        wrong = []
        if not in_start and not wait_for(
            lambda: sum((told := home.told()).tagged.values()) > before or told.is_complete, _LONG_S
        ):
            wrong.append("it did not go on")
        time.sleep(delay)
        there = home.processes()
        targets = [pid for pid, command in there.items() if kind_of(command) == kind]
        targets = [window.pid] if kind == "window" else targets
        if kind == "decoder":
            targets = targets[:1] if len(targets) < 2 else [random.Random(delay).choice(targets)]
        for pid in targets[:1]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        gone = set(targets[:1])
        if kind == "engine" and targets:
            gone |= {p for p, command in there.items() if _parent(p) in gone}
        if kind == "window":
            window.wait()
            gone = set(there)
        if not wait_for(lambda: gone.isdisjoint(home.processes()), _SOON_S):
            left = [command for pid, command in home.processes().items() if pid in gone]
            wrong.append(f"left running: {left}")
        told = home.told()
        if kind == "window" and home.library.exists():
            with copied(home.library) as connection:
                wrong += wrong_in(connection, told)
        facts = {"tagged": len(told.tagged), "decided": told.decided, "hit": bool(targets)}
        self._note(kind, delay, began, wrong, facts)

    def _end(self, window: subprocess.Popen[bytes]) -> None:
        window.send_signal(signal.SIGTERM)
        try:
            window.wait(60)
        except subprocess.TimeoutExpired:
            window.kill()
            window.wait()
            self._note("end", 0.0, time.monotonic(), ["the window did not close"], {})

    def _end_round(self) -> None:
        """Let the last start finish the work, close it, and look at what there is."""
        home, began = self._home, time.monotonic()
        for path in home.place.rglob("*"):
            if path.name.startswith(_TEMPORARY):
                long_ago = time.time() - _LONG_AGO_S
                os.utime(path, (long_ago, long_ago), follow_symlinks=False)
        window, wrong = home.start(self._seed), []
        home.told().is_complete = False
        if not wait_for(lambda: home.told().is_complete, 900):
            wrong.append("the round was not finished")
        self._end(window)
        told = home.told()
        with copied(home.library) as connection:
            wrong += wrong_in(connection, told)
            found = scores_of(connection)
        if found != self._expected:
            names = found.keys() | self._expected.keys()
            other = [n for n in names if found.get(n) != self._expected.get(n)]
            faults = sorted({repr(found.get(name)) for name in other})[:3]
            wrong.append(f"{len(other)} photos have other scores: {faults}")
        if left := home.processes():
            wrong.append(f"left running: {list(left.values())}")
        if litter := home.litter():
            wrong.append(f"litter: {litter[:10]}")
        self._note("round", 0.0, began, wrong, {"tagged": len(found), "decided": told.decided})

    def _note(
        self, kind: str, delay: float, began: float, wrong: list[str], facts: dict[str, Any]
    ) -> None:
        line = {
            "n": len(self.lines) + 1,
            "kind": kind,
            "seed": self._seed,
            "round": self._round,
            "life": self._life,
            "delay_s": round(delay, 3),
            **facts,
            "wrong": wrong,
            "seconds": round(time.monotonic() - began, 1),
        }
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        if kind in _KINDS and facts["hit"]:
            self.lines.append(line)
        if wrong:
            kept = self._home.root / f"wrong-{line['n']}"
            shutil.copytree(self._home.place, kept, symlinks=True, dirs_exist_ok=True)
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, ValueError):
        return 0


def _lines(file: Path) -> Iterator[str]:
    if file.exists():
        for line in file.read_text(encoding="utf-8").splitlines():
            facts = json.loads(line)
            if facts["kind"] in _KINDS and facts["hit"]:
                yield line


def make_photos(folder: Path, count: int) -> None:
    """Small photos, each of other colours, in folders of 500."""
    colours = np.random.default_rng(7)
    for number in range(count):
        place = folder / f"{number // 500:03}"
        place.mkdir(parents=True, exist_ok=True)
        path = place / f"{number:06}.jpg"
        if not path.exists():
            blocks = colours.integers(0, 256, (3, 4, 3), dtype=np.uint8)
            Image.fromarray(blocks.repeat(16, 0).repeat(16, 1)).save(path)


def make_model(root: Path) -> None:
    """The tiny model, imported as a person would."""
    from tests.engine.onnx_files import write_tagger

    if (root / "models").exists():
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_tagger(folder / "stub.onnx")
        (folder / "names.txt").write_text(_NAMES, encoding="utf-8")
        command = [sys.executable, "main.py", "models", "import", str(folder / "stub.onnx")]
        command += ["--name", "stub", "--names", str(folder / "names.txt"), "--pixels", "0..1"]
        place = {**os.environ, "CSRA_GUI_DATA": str(folder / "data"), "PYTHONPATH": str(ROOT)}
        subprocess.run(command, env=place, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        shutil.copytree(folder / "data" / "models", root / "models")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--photos", type=int, default=10_000)
    options = parser.parse_args()
    if os.geteuid() == 0 and _ALONE not in os.environ and shutil.which("unshare"):
        os.environ[_ALONE] = "1"
        command = ["unshare", "-m", "sh", "-c", _OWN_MEMORY, sys.executable, *sys.argv]
        os.execvp("unshare", command)
    with contextlib.ExitStack() as stack:
        place = options.folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        place.mkdir(parents=True, exist_ok=True)
        make_photos(place / "photos", options.photos)
        make_model(place)
        campaign = Campaign(Home(place.resolve()), options.seed)
        campaign.expect()
        campaign.run(options.kills)
        kinds = Counter(line["kind"] for line in campaign.lines)
        text = (place / "kills.jsonl").read_text(encoding="utf-8")
        bad = sum(bool(json.loads(line)["wrong"]) for line in text.splitlines())
        sys.stdout.write(f"{len(campaign.lines)} kills ({dict(kinds)}), {bad} with a fault\n")
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
