"""The program's window as ``kill_campaign.py`` kills it: the real one, with a person inside.

    python benchmarks/_killed_window.py LOG SEED FOLDER

Offscreen. LOG gets a line of JSON before and after each write to the library: what has a line
after it was acknowledged, and must not be lost. The person decides on photos that are tagged, now
on one and now on another, and presses Tag again when tagging has ended early.
"""

from __future__ import annotations

import json
import os
import random
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

_DECIDE_MS = 250
_PRESS_AGAIN_MS = 500


def main() -> int:
    """Open the window; everything else is as always."""
    log = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    from csra_gui import __main__ as entry

    def say(**facts: object) -> None:
        os.write(log, (json.dumps(facts) + "\n").encode())

    say(window=os.getpid())
    threading.Thread(target=_listen, args=(say, int(sys.argv[2])), daemon=True).start()
    return entry.main_gui(sys.argv[3:])


def _listen(say: Callable[..., None], seed: int) -> None:
    """Wrap what writes and what begins, once the program itself has imported it; not before."""
    wanted = (("engine.library.store", "Library"), ("csra_gui.app", "Application"))
    while not all(hasattr(sys.modules.get(module), name) for module, name in wanted):
        time.sleep(0.002)
    library, application = (getattr(sys.modules[module], name) for module, name in wanted)
    record, decide, begin = library.record_predictions, library.decide, application._begin

    def told_record(self: Any, fingerprint: str, predictions: Any) -> Any:
        done = record(self, fingerprint, predictions)
        say(tagged=[os.fspath(one.path) for one in predictions])
        return done

    def told_decide(self: Any, wishes: Any = (), **how: Any) -> Any:
        said = [(one.image_id, one.category, one.verdict and one.verdict.value) for one in wishes]
        marks = list((how.get("reviewed") or {}).items())
        say(asked=said, marks=marks)
        done = decide(self, wishes, **how)
        say(decided=True)
        return done

    def told_begin(self: Any, *arguments: Any) -> None:
        begin(self, *arguments)
        self._person = _person(self, say, random.Random(seed))

    library.record_predictions, library.decide = told_record, told_decide
    application._begin = told_begin


def _person(application: Any, say: Callable[..., None], chance: random.Random) -> object:
    """Timers in the GUI thread that do what a person does."""
    from PySide6.QtCore import QTimer

    session, window = application.session, application.window

    def decide() -> None:
        photos = session.photos
        rows = chance.sample(range(len(photos)), min(20, len(photos)))
        row = next((row for row in rows if photos.is_tagged(row)), None)
        if row is None:
            return
        session.set_selection((row,))
        session.focus.set_current(row)
        controller = window.review.controller
        labels = [label.category for label in session.labels(row)]
        act = chance.random()
        if act < 0.2 or not labels:
            controller.add(chance.choice(("mine", "yours", "theirs")))
        elif act < 0.6:
            controller.accept(chance.choice(labels))
        elif act < 0.9:
            controller.reject(chance.choice(labels))
        else:
            controller.accept_all_and_go_on()

    def press_again() -> None:
        tagger = session.tagger
        idle = not (tagger.is_running or session.pipeline.is_searching)
        model = session.engine.model is not None
        if idle and model and len(session.photos):
            if session.photos.has_untagged:
                session.pipeline.tag()
            elif not session.decisions.is_writing:
                say(complete=True)

    made = []
    for work, every in ((decide, _DECIDE_MS), (press_again, _PRESS_AGAIN_MS)):
        timer = QTimer(application, interval=every)
        timer.timeout.connect(work)
        timer.start()
        made.append(timer)
    return made


if __name__ == "__main__":
    sys.exit(main())
