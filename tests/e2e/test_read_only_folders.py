"""A disk that lets nobody write, under the photos and under what is made, at every door."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication

from csra_gui.base import settings as keys
from csra_gui.base.settings import Settings
from csra_gui.evaluation.exports import Exports
from csra_gui.interchange.write_job import WriteRequest
from csra_gui.widgets.notifier import Notifier
from engine.interchange.writing.values import Target, WriteOptions
from tests.disks import SmallDisk, small_disk
from tests.e2e import cycled_jobs, cycled_labels
from tests.e2e.cycled_program import Rig, rigged, tiny_program
from tests.e2e.cycling import turn_events
from tests.programs import needs_program

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("no_fault"), pytest.mark.timeout(900)]
COUNT = 24
#: One of these is in what is said.
WORDS = (
    "Read-only file system",
    "is read-only",
    "may not be read or written",
    "may not be changed",
)


@dataclass(frozen=True)
class Door:
    """Something that writes: how it begins, whether it goes on, and what is asked at its end."""

    start: Callable[[], object]
    is_running: Callable[[], bool]
    ask: Callable[[], object] = lambda: None


@pytest.fixture
def disk(files: Path) -> Iterator[SmallDisk]:
    with small_disk(files / "disk", mib=64) as made:
        yield made


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the window says, at the edge and over the photos."""
    texts = list[str]()
    show, done = Notifier._show, Notifier.done

    def shown(self: Notifier, text: str, *rest: object) -> None:
        texts.append(text)
        show(self, text, *rest)  # type: ignore[arg-type]  # as it came

    def told(self: Notifier, text: str, *rest: object) -> None:
        texts.append(text)
        done(self, text, *rest)  # type: ignore[arg-type]  # as it came

    monkeypatch.setattr(Notifier, "_show", shown)
    monkeypatch.setattr(Notifier, "done", told)
    return texts


@pytest.fixture
def rig(disk: SmallDisk, said: list[str], settings: Settings, qapp: QApplication) -> Iterator[Rig]:
    """The program, with its photos and all that it is asked to write on that disk."""
    settings.set_value(keys.ASK_BEFORE_TRASH, False)
    with tiny_program(settings) as application:
        yield rigged(disk.place, application, COUNT, ".jpg")


def remount(place: Path, how: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{how}", str(place)], check=True, capture_output=True)


def writing(target: Target) -> Callable[[Rig, list[str]], Door]:
    def make(rig: Rig, _said: list[str]) -> Door:
        writes = rig.window.interchange.writes
        queued = cycled_labels.Queued(rig, lambda: writes.is_busy)
        options = WriteOptions(target, may_change_photos=True)
        request = WriteRequest(rig.rows, options=options)
        return Door(lambda: queued.start(lambda: writes.start(request)), queued.is_running)

    return make


def undoing(rig: Rig, _said: list[str]) -> Door:
    job = cycled_labels.undo_job(rig)
    job.reset()
    return Door(job.start, job.is_running)


def exporting(name: str, *, is_folder: bool) -> Callable[[Rig, list[str]], Door]:
    def make(rig: Rig, _said: list[str]) -> Door:
        job = cycled_labels.export_job(rig, name, is_folder=is_folder)
        return Door(job.start, job.is_running)

    return make


def saving_maps(method: str, name: str) -> Callable[[Rig, list[str]], Door]:
    def make(rig: Rig, _said: list[str]) -> Door:
        exports = rig.window.maps.exports
        rig.session.set_selection(range(4))
        rig.session.focus.set_current(0)
        rig.until(lambda: exports.can_export)
        if method == "save_full":
            rig.session.focus.set_pinned(0)
            rig.until(lambda: exports.can_draw)
        target = rig.root / name
        return Door(lambda: getattr(exports, method)(target), lambda: exports.is_busy)

    return make


def reporting(rig: Rig, said: list[str]) -> Door:
    exports, ended = Exports(rig.session.jobs, rig.application), list[object]()
    exports.failed.connect(lambda error: said.append(str(error)))
    exports.failed.connect(ended.append)
    exports.written.connect(ended.append)

    def start() -> None:
        ended.clear()
        exports.write(rig.root / "report.csv", b"1,2\n")

    return Door(start, lambda: not ended)


def exporting_a_model(rig: Rig, said: list[str]) -> Door:
    manager = rig.application.manager
    manager.work_ended.connect(lambda end: said.append(str(end.error)))
    job = cycled_jobs.export_model_job(rig)
    return Door(job.start, job.is_running)


def turning(rig: Rig, _said: list[str]) -> Door:
    turns = rig.window.browse.turns
    rig.session.set_selection(range(4))
    rig.session.focus.set_current(0)
    return Door(turns.turn_right, lambda: turns.is_busy)


def trashing(rig: Rig, _said: list[str]) -> Door:
    trash = rig.window.browse.trash
    rig.session.set_selection(range(2))
    rig.session.focus.set_current(0)
    return Door(trash.ask, lambda: trash.is_busy)


def teaching(rig: Rig, said: list[str]) -> Door:
    job = cycled_jobs.teaching_job(rig)

    def ask() -> None:
        try:
            job.result()
        except AssertionError as error:
            said.append(str(error))

    return Door(job.start, job.is_running, ask)


DOORS: dict[str, Callable[[Rig, list[str]], Door]] = {
    "sidecars": writing(Target.SIDECAR),
    "sidecars of Adobe": writing(Target.SIDECAR_ADOBE),
    "texts": writing(Target.TXT),
    "photos": writing(Target.EMBED),
    "undo": undoing,
    "table": exporting("csv", is_folder=False),
    "folder": exporting("imagefolder", is_folder=True),
    "view": saving_maps("save_seen", "seen.png"),
    "drawing": saving_maps("save_full", "full.png"),
    "numbers": saving_maps("save_numbers", "numbers.npy"),
    "sheet": saving_maps("save_sheet", "sheet.png"),
    "page": saving_maps("save_page", "page.html"),
    "report": reporting,
    "model": exporting_a_model,
    "turning": turning,
    "trash": trashing,
    "teaching": teaching,
}


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@needs_program("exiftool")
@pytest.mark.parametrize("name", DOORS)
def test_nothing_is_half_made_it_is_said_and_it_works_when_writing_is_allowed(
    rig: Rig, disk: SmallDisk, said: list[str], name: str
) -> None:
    door = DOORS[name](rig, said)
    rig.until(lambda: not rig.session.tagger.is_running)
    before = contents(disk.place)
    remount(disk.place, "ro")
    try:
        said.clear()
        door.start()
        assert turn_events(lambda: not door.is_running(), 120), "it does not end"
        door.ask()
        turn_events(lambda: bool(said), 5)
        assert contents(disk.place) == before
        assert [text for text in said if any(word in text for word in WORDS)], said
        assert [text for text in said if "Errno" in text] == []
    finally:
        remount(disk.place, "rw")
    rig.decide()  # the library is elsewhere: it takes decisions
    door.start()
    assert turn_events(lambda: not door.is_running(), 120), "it does not end"
    assert turn_events(lambda: contents(disk.place) != before, 10)
