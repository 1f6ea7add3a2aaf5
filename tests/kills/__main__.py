"""Kill some kinds of work at their system calls, and print what came of each as a line of JSON.

A process of its own, with one thread: a fork of one with more inherits whatever lock another
thread had at that moment, and waits for it for ever.

    python -m tests.kills PLACE KIND ... [--every N] [--most N]
    python -m tests.kills PLACE KIND --calls

The second one kills nothing and prints the system calls.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

from tests.kills.at_calls import calls_of, kill_at_calls
from tests.kills.works import WORKS


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.kills")
    parser.add_argument("place", type=Path)
    parser.add_argument("kinds", nargs="+", choices=WORKS)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--most", type=int)
    parser.add_argument("--calls", action="store_true")
    options = parser.parse_args()
    if options.calls:
        with tempfile.TemporaryDirectory(dir=options.place) as place:
            sys.stdout.write("\n".join(calls_of(Path(place), WORKS[options.kinds[0]]())))
        return 0
    for kind in options.kinds:
        began = time.monotonic()
        with tempfile.TemporaryDirectory(dir=options.place) as place:
            kills = kill_at_calls(Path(place), WORKS[kind](), options.every, options.most)
        seconds = time.monotonic() - began
        line = {"kind": kind, **kills.line, "seconds": seconds, "wrong": kills.wrong}
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
