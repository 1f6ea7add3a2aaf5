"""Search for inputs that break a promise, led by what code they reach.

    python -m tests.fuzz [TARGET …] [--seconds N] [--folder FOLDER] [--list]

One target after another, each for so long in a process of its own. FOLDER (``build/fuzz``) keeps
the inputs that reach something new (``corpus``), what was found (``findings``: the bytes, and why)
and ``figures.json``; a later search goes on from it. Ends with 1 if anything was found.

A finding is mended, and its bytes go to ``tests/data/fuzz/TARGET/``, where a test looks at them.
Linux alone: atheris (``pip install -e .[fuzz]``) is a tool that other systems have no build of.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import json
import os
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import Any

from tests.fuzz.places import FOUND_BEFORE, MODULE_OF, ROOT

#: An input that takes so long (s, by the wall) ends the process; other work may slow it down.
_HANG_S = 120
_LONGEST_INPUT = 8192
_TELL_EVERY_S = 2.0


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzz", description=__doc__.split("\n")[0]
    )
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(MODULE_OF)}")
    parser.add_argument("--seconds", type=int, default=60, help="for each target (60)")
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "fuzz")
    parser.add_argument("--list", action="store_true", help="only name the targets")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.list:
        print("\n".join(MODULE_OF))
        return 0
    if unknown := set(options.targets) - MODULE_OF.keys():
        parser.error(f"There is no target {sorted(unknown)[0]!r}; --list names them.")
    if options.child:
        return _search(options.targets[0], options.folder, options.seconds)
    for name in options.targets or MODULE_OF:
        _run(name, options.folder, options.seconds)
    return _tell(options.folder, options.targets or list(MODULE_OF))


def _run(name: str, folder: Path, seconds: int) -> None:
    """Search until the time is over, again where an input ended the process."""
    corpus, findings = folder / "corpus" / name, folder / "findings" / name
    for path in (corpus, findings):
        path.mkdir(parents=True, exist_ok=True)
    begun = time.monotonic()
    while (left := seconds - (time.monotonic() - begun)) > 1:
        command = [sys.executable, "-m", "tests.fuzz", name, "--child"]
        command += ["--seconds", str(int(left)), "--folder", str(folder)]
        with (folder / f"{name}.log").open("ab") as log:
            before = time.monotonic()
            code = subprocess.run(command, cwd=ROOT, stderr=log, stdout=log, check=False).returncode
        _add_up(name, folder, time.monotonic() - before)
        if code and not any(findings.glob("*-*")) and time.monotonic() - before < 5:
            raise SystemExit(f"{name} cannot be searched; see {folder / f'{name}.log'}.")


def _search(name: str, folder: Path, seconds: int) -> int:
    """In a process of its own, as libFuzzer ends it. Returns only where it cannot begin."""
    import atheris

    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with atheris.instrument_imports(include=["engine"], enable_loader_override=False):
        module = importlib.import_module(f"tests.fuzz.{MODULE_OF[name]}")
    from tests.fuzz.target import MOST_MEMORY, MOST_SECONDS, attempt

    target = module.TARGETS[name]
    corpus, findings = folder / "corpus" / name, folder / "findings" / name
    for data in [*target.seeds(), *(p.read_bytes() for p in FOUND_BEFORE.glob(f"{name}/*.bin"))]:
        (corpus / hashlib.sha1(data).hexdigest()).write_bytes(data)
    words = folder / f"{name}.words"
    words.write_text("".join(f'"{_escaped(word)}"\n' for word in target.words))
    figures = {"executions": 0, "processor": 0.0, "slowest": 0.0}
    begun, told = time.process_time(), time.monotonic()
    work = Path(tempfile.mkdtemp(prefix=f"fuzz-{name}-"))

    def one(data: bytes) -> None:
        nonlocal told
        try:
            spent = attempt(target, data, work)
        except Exception:  # noqa: BLE001  # whatever it is, that is what is searched for
            _keep(findings, data, *_described())
        else:
            figures["slowest"] = max(figures["slowest"], spent)
            if spent > MOST_SECONDS:
                _keep(findings, data, "slow", f"{spent:.1f} s of the processor")
        figures["executions"] += 1
        now = time.monotonic()
        if now - told > _TELL_EVERY_S:
            told, figures["processor"] = now, time.process_time() - begun
            (folder / f"{name}.child.json").write_text(json.dumps(figures))

    base = _resident_mib()
    atheris.Setup(
        [
            f"fuzz-{name}",
            str(corpus),
            f"-max_total_time={seconds}",
            f"-timeout={_HANG_S}",
            f"-report_slow_units={_HANG_S}",
            f"-rss_limit_mb={base + MOST_MEMORY}",
            f"-max_len={_LONGEST_INPUT}",
            f"-artifact_prefix={findings}/",
            f"-dict={words}",
            "-print_final_stats=1",
        ],
        one,
    )
    atheris.Fuzz()
    return 1


def _described() -> tuple[str, str]:
    """A name for what was raised and where, the same for all inputs of one kind, and the story."""
    kind, error, trace = sys.exc_info()
    frames = traceback.extract_tb(trace)
    ours = [f for f in frames if "/engine/" in f.filename] or frames
    said = f"-{error}"[:60] if "BrokenPromise" in str(kind) else ""
    name = f"{getattr(kind, '__name__', 'error')}-{Path(ours[-1].filename).stem}-{ours[-1].lineno}"
    return name + "".join(c if c.isalnum() else "_" for c in said), traceback.format_exc()


def _keep(findings: Path, data: bytes, name: str, story: str) -> None:
    """The shortest input of each kind."""
    path = findings / f"{name}.bin"
    if not path.exists() or len(data) < path.stat().st_size:
        path.write_bytes(data)
        path.with_suffix(".txt").write_text(story, errors="backslashreplace")


def _escaped(word: str) -> str:
    return "".join(
        chr(byte) if 32 <= byte < 127 and chr(byte) not in '"\\' else f"\\x{byte:02x}"
        for byte in word.encode()
    )


def _resident_mib() -> int:
    return int(Path("/proc/self/status").read_text().split("VmRSS:")[1].split()[0]) // 1024


def _add_up(name: str, folder: Path, seconds: float) -> None:
    """Take what a process told into the figures of all searches in this folder."""
    child, total = folder / f"{name}.child.json", folder / "figures.json"
    figures: dict[str, Any] = json.loads(total.read_text()) if total.exists() else {}
    none = {"executions": 0, "processor": 0.0, "slowest": 0.0}
    told = json.loads(child.read_text()) if child.exists() else none
    child.unlink(missing_ok=True)
    of = figures.setdefault(name, none | {"seconds": 0.0})
    of["executions"] += told["executions"]
    of["seconds"] = round(of["seconds"] + seconds, 1)
    of["processor"] = round(of["processor"] + told["processor"], 1)
    of["slowest"] = round(max(of["slowest"], told["slowest"]), 3)
    total.write_text(json.dumps(figures, indent=2) + "\n")


def _tell(folder: Path, names: list[str]) -> int:
    figures = json.loads((folder / "figures.json").read_text())
    is_found = False
    for name in names:
        of = figures[name]
        found = [p for p in (folder / "findings" / name).iterdir() if p.suffix != ".txt"]
        is_found |= bool(found)
        print(
            f"{name:12} {of['seconds'] / 60:6.1f} min ({of['processor'] / 60:.1f} of a processor) "
            f"{of['executions']:10,} inputs, slowest {of['slowest']:.2f} s, "
            f"findings: {', '.join(p.name for p in found) or 'none'}"
        )
    return int(is_found)


if __name__ == "__main__":
    sys.exit(main())
