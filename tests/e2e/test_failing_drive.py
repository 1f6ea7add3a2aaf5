"""A drive that fails or is pulled out while the real program reads and writes on it."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication

from csra_gui.base.paths import library_file
from csra_gui.base.settings import Settings
from csra_gui.browse.image_loader import ImageLoader
from csra_gui.interchange.write_job import LabelWrites, WriteRequest
from engine.api.passing import DISK_FAILS
from engine.atomic import TEMPORARY_PREFIX
from engine.interchange.writing.values import WriteReport
from engine.library.opening import open_library
from engine.metadata import sidecars
from tests.disks import FailingDisk, failing_disk
from tests.e2e.cycled_labels import Queued
from tests.e2e.cycled_program import Rig, rigged, tiny_program
from tests.e2e.cycling import turn_events

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("no_fault"), pytest.mark.timeout(600)]
COUNT = 16
#: Names of these, for what takes longer.
MANY = 300


@pytest.fixture
def drive(files: Path) -> Iterator[FailingDisk]:
    with failing_disk(files / "drive") as made:
        yield made


@pytest.fixture
def rig(drive: FailingDisk, settings: Settings, qapp: QApplication) -> Iterator[Rig]:
    with tiny_program(settings) as application:
        yield rigged(drive.place, application, COUNT, ".jpg")
    with open_library(library_file()) as library:
        [model] = library.models()
        assert model.name == "tiny"
        assert not library.stored(list(library.files()), model.fingerprint).errors


def shown(loader: ImageLoader, paths: list[Path]) -> dict[Path, str]:
    """Ask for pictures; what is said of those that cannot be shown."""
    loader.forget(paths)

    def is_there() -> bool:
        waiting = [p for p in paths if loader.image(p) is None and not loader.error(p)]
        loader.want(waiting)
        return not waiting

    assert turn_events(is_there, 60)
    return {path: error for path in paths if (error := loader.error(path))}


def written(rig: Rig) -> WriteReport:
    """Write all labels beside the photos; what came of it."""
    reports: list[WriteReport | None] = []
    writes = rig.window.interchange.writes
    assert isinstance(writes, LabelWrites)
    queued = Queued(rig, lambda: writes.is_busy)
    queued.start(lambda: writes.start(WriteRequest(rig.rows, ended=reports.append)))
    rig.until(lambda: not queued.is_running() and bool(reports), 60)
    [report] = reports
    assert report is not None
    return report


def fail(_descriptor: int) -> None:
    raise OSError(errno.EIO, os.strerror(errno.EIO))


def beside(folder: Path) -> list[str]:
    """Sidecars, and what should not be there."""
    others = (p.name for p in folder.iterdir() if p.suffix != ".jpg")
    return sorted(others)


def test_a_drive_that_gives_errors_costs_what_it_does_not_give_and_nothing_else(
    rig: Rig, drive: FailingDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = sorted(rig.photos.glob("*.jpg"))
    places = {photo: drive.beginning(photo) for photo in photos}
    border = sorted(places.values())[COUNT // 2]
    lost = {photo for photo, place in places.items() if place >= border}
    drive.fail(beyond=border)
    loader = rig.window.browse.loader
    thumbnails = ImageLoader(
        rig.application.decoder, rig.application, side=160, byte_limit=64 << 20
    )
    for pictures in (loader, thumbnails):
        found = shown(pictures, photos)
        assert set(found) == lost
        assert all("gives an error" in text for text in found.values())
    session = rig.session
    session.tagger.look_again(range(COUNT))
    rig.until(lambda: not session.tagger.is_running)
    said = {session.photos.paths[row]: session.photos.error(row) for row in range(COUNT)}
    assert {path for path, text in said.items() if text == DISK_FAILS} == lost
    assert {text for path, text in said.items() if path not in lost} == {None}
    with monkeypatch.context() as patch:  # what is written to such a disk does not arrive
        patch.setattr(os, "fsync", fail)
        report = written(rig)
    assert report.written == 0
    assert beside(rig.photos) == []
    reasons = [reason for _, reason in report.refused]
    assert len(reasons) == COUNT
    assert [text for text in reasons if "Errno" in text or "rror" not in text] == []

    drive.mend()
    for pictures in (loader, thumbnails):
        assert shown(pictures, photos) == {}
    rig.open()
    rig.tag()
    assert not session.photos.errors
    assert beside(rig.photos) == []
    assert written(rig).written == COUNT
    assert beside(rig.photos) == [f"{photo.name}.xmp" for photo in photos]


def test_a_drive_that_is_pulled_out_while_it_is_tagged_is_gone_on_with_when_it_is_back(
    rig: Rig, drive: FailingDisk
) -> None:
    many, photos, session = drive.place / "many", sorted(rig.photos.glob("*.jpg")), rig.session
    many.mkdir()
    for number in range(MANY):
        (many / f"{number:03}.jpg").hardlink_to(photos[number % COUNT])
    session.open([many])
    rig.until(lambda: len(session.photos) == MANY and not rig.is_looking)
    session.pipeline.tag()
    rig.until(lambda: session.photos.tagged_count() > MANY // 10)
    drive.pull_out()
    rig.until(lambda: not session.tagger.is_running)
    tagged = session.photos.tagged_count()
    assert MANY // 10 < tagged < MANY
    assert not session.photos.gone.any()
    bar = rig.window.message_bar
    rig.until(lambda: "its disk is away" in " ".join(bar.texts()), 60)

    drive.put_back()
    rig.until(lambda: "its disk is away" not in " ".join(bar.texts()), 60)
    rig.tag()
    assert session.photos.tagged_count() == MANY
    assert not session.photos.errors


def test_a_drive_that_is_pulled_out_while_labels_are_written_leaves_no_half_of_it(
    rig: Rig, drive: FailingDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = sorted(rig.photos.glob("*.jpg"))
    replace, calls = sidecars.replace, list[Path]()

    def pulled(sidecar: sidecars.Sidecar, *data: object, **how: object) -> sidecars.Sidecar:
        calls.append(sidecar.path)
        if len(calls) == 5:
            drive.pull_out()
        return replace(sidecar, *data, **how)  # type: ignore[arg-type]  # as they came

    with monkeypatch.context() as patch:
        patch.setattr(sidecars, "replace", pulled)
        report = written(rig)
    assert report.written < COUNT
    assert [reason for _, reason in report.refused if "Errno" in reason] == []
    assert list(drive.place.iterdir()) == []
    large = rig.window.browse.loader
    assert set(shown(large, photos)) == set(photos)
    assert not rig.session.photos.gone.any()

    drive.put_back()
    assert turn_events(lambda: shown(large, photos) == {}, 30)
    assert not [name for name in beside(rig.photos) if name.startswith(TEMPORARY_PREFIX)]
    written(rig)
    assert beside(rig.photos) == [f"{photo.name}.xmp" for photo in photos]
