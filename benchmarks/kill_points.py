"""What a kill at every system call leaves of each kind of file that the program writes.

Each kind of work of ``tests/kills`` is done once, then once more for every system call between the
first that concerns its files and the last, and killed there by strace. What is read afterwards has
to be what was there before or what was to be written; the next start has to remove what is left
over, and the same work has to succeed then.

    python benchmarks/kill_points.py [KIND ...] [--every N] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.kills.at_calls import FAULTS, GOOD_ENDS  # noqa: E402
from tests.kills.works import WORKS  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kinds", nargs="*", metavar="KIND", help="; ".join(WORKS))
    parser.add_argument("--every", type=int, default=1, help="kill at each N-th call only")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    columns = ("calls", "killed", *GOOD_ENDS, *FAULTS)
    say(f"| work | {' | '.join(columns)} | seconds |\n|{'---|' * (len(columns) + 2)}\n")
    found = {}
    with tempfile.TemporaryDirectory() as place:
        for kind in options.kinds or WORKS:
            found[kind] = kills = killed(Path(place), kind, options.every)
            cells = (kind, *(kills[column] for column in columns), f"{kills['seconds']:.0f}")
            say(f"| {' | '.join(map(str, cells))} |\n")
            for wrong in kills["wrong"]:
                say(f"{wrong}\n")
    if options.json:
        options.json.write_text(json.dumps(found, indent=1))
    return int(any(one["wrong"] for one in found.values()))


def killed(place: Path, kind: str, every: int) -> dict[str, Any]:
    """What came of one kind, in a process of its own that has one thread to fork."""
    command = [sys.executable, "-m", "tests.kills", str(place), kind, "--every", str(every)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    kills: dict[str, Any] = json.loads(done.stdout)
    return kills


def say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
