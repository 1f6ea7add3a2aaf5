"""Jobs that turn photos, move them to the trash, and open folders."""

from __future__ import annotations

import shutil

from csra_gui.base.settings import ASK_BEFORE_TRASH
from tests.e2e.cycled_program import Rig
from tests.e2e.cycling import CycledJob


def choose_all(rig: Rig) -> None:
    """Commands are for all photos."""
    rig.session.focus.set_current(0)
    rig.session.set_selection(range(rig.count))


def turning_job(rig: Rig) -> CycledJob:
    turns = rig.window.browse.turns

    def start() -> None:
        choose_all(rig)
        turns.turn_right()

    def reset() -> None:
        for sidecar in rig.photos.glob("*.xmp"):
            sidecar.unlink()

    return CycledJob(
        "turning photos",
        start,
        lambda: turns.is_busy,
        turns.activity.cancel,
        lambda: sorted((x.name, x.stat().st_size) for x in rig.photos.glob("*.xmp")),
        reset,
    )


def trash_job(rig: Rig) -> CycledJob:
    """Moving to the trash; before each time, what went there comes back."""
    trash = rig.window.browse.trash
    trash._settings.set_value(ASK_BEFORE_TRASH, False)
    photos = sorted(rig.photos.glob("*.jpg"))

    def start() -> None:
        choose_all(rig)
        trash.ask()

    def reset() -> None:
        if trash.can_put_back:
            trash.put_back()
            rig.until(lambda: not trash.is_busy)
        assert sorted(rig.photos.glob("*.jpg")) == photos

    return CycledJob(
        "moving photos to the trash",
        start,
        lambda: trash.is_busy,
        trash.cancel,
        lambda: sorted(rig.photos.glob("*.jpg")),
        reset,
    )


def opening_job(rig: Rig, folders: int = 20, files: int = 15) -> CycledJob:
    """Another folder, with all that begins by itself then; cut short by going back to the first."""
    session, watch = rig.session, rig.window.browse.watch
    root, one = rig.root / "others", min(rig.photos.glob("*.jpg"))
    for folder in range(folders):
        (root / f"{folder:02}").mkdir(parents=True)
        for number in range(files):
            shutil.copy(one, root / f"{folder:02}" / f"{number}.jpg")

    def is_running() -> bool:
        return rig.is_looking or watch.is_looking or session.pipeline.cameras.remaining > 0

    def start() -> None:
        session.open([root])
        watch.look_now()

    def reset() -> None:
        session.open([rig.photos])
        rig.until(lambda: not is_running())

    return CycledJob(
        "opening a folder: dates, changes, watch",
        start,
        is_running,
        lambda: session.open([rig.photos]),
        lambda: sorted(str(path) for path in session.photos.paths),
        reset,
    )
