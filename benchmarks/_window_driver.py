"""The program's window on a folder, telling when labels come; started by other benchmarks.

    python benchmarks/_window_driver.py START FOLDER

START is the clock (``time.time``) when this was started. Lines of JSON go to the standard output:
``{"first": s}`` when the first labels are in the table, and ``{"tagged": n, "seconds": s}`` when
all are. With ``CSRA_GUI_TELL_DONE`` set, ``{"done": n, "seconds": s}`` comes for each batch, too.
Then it goes on until it is ended, so that its memory can be read.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))


def main() -> int:
    """Open the window; everything else is as always."""
    start = float(sys.argv[1])
    from csra_gui import __main__ as entry

    threading.Thread(target=_listen, args=(start,), daemon=True).start()
    return entry.main_gui(sys.argv[2:])


def _listen(start: float) -> None:
    """Wrap what takes labels, once the program itself has imported it; not before."""
    while not hasattr(sys.modules.get("csra_gui.session.tagger"), "_IntoTable"):
        time.sleep(0.002)
    tagger = sys.modules["csra_gui.session.tagger"].Tagger
    take, finish = tagger._take, tagger._tell
    first: list[float] = []
    tells_done = "CSRA_GUI_TELL_DONE" in os.environ

    def say(**facts: float) -> None:
        sys.stdout.write(json.dumps(facts) + "\n")
        sys.stdout.flush()

    def timed_take(self: Any, outcomes: tuple[Any, ...]) -> None:
        take(self, outcomes)
        if not first:
            first.append(time.time())
            say(first=first[0] - start, count=len(outcomes))
        if tells_done and self._run is not None:
            say(done=self._run.progress().done, seconds=time.time() - start)

    def timed_finish(self: Any, summary: Any) -> None:
        finish(self, summary)
        if first:
            failed = {"unreadable": summary.unreadable} if tells_done else {}
            say(tagged=summary.tagged, seconds=time.time() - first[0], **failed)

    tagger._take, tagger._tell = timed_take, timed_finish


if __name__ == "__main__":
    sys.exit(main())
