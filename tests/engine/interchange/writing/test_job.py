"""Labels are written beside photos, nothing of others is lost, and all of it can be undone."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from engine import cli
from engine.cli import untagged
from engine.interchange.exporting.values import WhichLabels
from engine.interchange.writing import job
from engine.interchange.writing.renaming import read_renaming
from engine.interchange.writing.values import (
    Target,
    WriteError,
    WriteOptions,
)
from engine.library.opening import open_library
from engine.library.store import Library
from engine.library.values import Verdict, Wish
from engine.metadata import sidecars, xmp
from engine.metadata.errors import DiskFullError
from engine.metadata.values import Changes
from tests.engine.images import save_image
from tests.engine.interchange.writing.parts import SIDECAR, choice, contents, finished, write
from tests.fakes import FakeEngine

PHOTOS = ("a.jpg", "b.png")
THEIRS = Changes(add=(("holiday", "Rome"), ("dog",)), rating=4, title="Dog in Rome")


def keywords(path: Path) -> set[str]:
    return set(xmp.parsed(path.read_bytes()).keywords)


def say(library: Library, folder: Path, name: str, label: str, verdict: Verdict | None) -> None:
    (image_id,) = library.ids_below(folder / name, recursive=False).tolist()
    library.decide([Wish(image_id, label, verdict)], who="me", caption="Test")


@pytest.mark.parametrize("target", [target for target in Target if target is not Target.EMBED])
def test_a_write_is_repeated_without_change_and_undone_byte_for_byte(
    library: Library, folder: Path, target: Target
) -> None:
    (folder / "theirs.md").write_text("not ours")
    before = contents(folder)
    options = WriteOptions(target)
    assert write(library, folder, options).written == 3
    after = contents(folder)
    assert len(after) == len(before) + 3
    again = write(library, folder, options)
    assert (again.written, again.unchanged) == (0, 3)
    assert contents(folder) == after
    assert finished(job.undo(library)).written == 3
    assert contents(folder) == before
    assert finished(job.undo(library)).written == 0


@pytest.mark.parametrize(
    ("which", "expected"),
    [
        (WhichLabels.ACCEPTED, {"dog"}),
        (WhichLabels.MACHINE, {"dog", "person"}),
        (WhichLabels.BOTH, {"dog", "person"}),
    ],
)
def test_rejected_labels_are_never_written(
    library: Library, folder: Path, which: WhichLabels, expected: set[str]
) -> None:
    finished(job.write(library, choice(library, folder, which), SIDECAR))
    assert keywords(folder / "a.jpg.xmp") == expected
    assert not (folder / "unseen.jpg.xmp").exists()


def test_what_others_wrote_stays_and_only_ours_goes(library: Library, folder: Path) -> None:
    path = folder / "b.png.xmp"
    path.write_bytes(xmp.merged(None, THEIRS))
    theirs = path.read_bytes()
    write(library, folder)
    assert keywords(path) == {"Rome", "holiday", "dog", "Grandma", "a & <b>"} - {"holiday"}
    assert xmp.parsed(path.read_bytes()).rating == 4
    # Taken back: ours goes; a keyword that was there before we accepted it never does.
    say(library, folder, "b.png", "Grandma", None)
    say(library, folder, "b.png", "dog", Verdict.ADDED)
    write(library, folder)
    say(library, folder, "b.png", "dog", Verdict.REJECTED)
    write(library, folder)
    assert keywords(path) == {"Rome", "dog", "a & <b>"}
    while finished(job.undo(library)).written:
        pass
    assert path.read_bytes() == theirs


def test_a_label_taken_back_goes_after_others_changed_the_file(
    library: Library, folder: Path
) -> None:
    write(library, folder)
    path = folder / "a.jpg.xmp"
    path.write_bytes(xmp.merged(path.read_bytes(), Changes(add=(("Rome",),))))
    assert finished(job.undo(library)).refused[0][0] == path
    assert keywords(path) == {"dog", "Rome"}
    say(library, folder, "a.jpg", "dog", None)
    write(library, folder)
    assert keywords(path) == {"Rome"}


@pytest.mark.parametrize("target", [Target.TXT, Target.TXT_FULL])
def test_text_files_of_others_are_merged(library: Library, folder: Path, target: Target) -> None:
    path = folder / ("a.txt" if target is Target.TXT else "a.jpg.txt")
    path.write_text("Rome, blue sky\n")
    write(library, folder, WriteOptions(target))
    assert path.read_text() == "Rome, blue sky, dog\n"
    say(library, folder, "a.jpg", "dog", None)
    write(library, folder, WriteOptions(target))
    assert path.read_text() == "Rome, blue sky\n"


def broken(path: Path) -> None:
    path.write_bytes(b"<x:xmpmeta><rdf")


def folder_there(path: Path) -> None:
    path.mkdir()


def dangling(path: Path) -> None:
    path.symlink_to(path.with_name("nowhere"))


def entities(path: Path) -> None:
    path.write_bytes(b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>')


@pytest.mark.parametrize("spoil", [broken, folder_there, dangling, entities])
def test_a_file_that_cannot_be_merged_is_left_alone_and_the_rest_goes_on(
    library: Library, folder: Path, spoil: Callable[[Path], None]
) -> None:
    path = folder / "a.jpg.xmp"
    spoil(path)
    was = path.read_bytes() if path.is_file() else None
    report = write(library, folder)
    assert [refused for refused, _ in report.refused] == [path]
    assert report.written == 2
    assert was is None or path.read_bytes() == was


@pytest.mark.parametrize("target", [Target.SIDECAR_ADOBE, Target.TXT])
def test_photos_that_share_a_name_do_not_share_a_file(
    library: Library, folder: Path, target: Target
) -> None:
    save_image(folder / "a.png", 8, 6)
    report = write(library, folder, WriteOptions(target))
    assert "shares its name" in report.refused[0][1]
    assert not (folder / f"a.{'txt' if target is Target.TXT else 'xmp'}").exists()


def test_prefix_and_renaming_make_paths(library: Library, folder: Path, tmp_path: Path) -> None:
    table = tmp_path / "names.csv"
    table.write_text("from,to\ndog,animal|Hund\n")
    write(library, folder, WriteOptions(prefix=("auto",), renamed=read_renaming(table)))
    values = xmp.parsed((folder / "a.jpg.xmp").read_bytes())
    assert ("auto", "animal", "Hund") in values.paths
    assert "Hund" in values.keywords


def test_labels_lie_under_their_kind_if_wished_and_where_a_table_says_otherwise(
    library: Library, folder: Path
) -> None:
    write(library, folder)
    flat = contents(folder)
    write(library, folder, WriteOptions(parents=True, renamed={"Grandma": "family|Grandma"}))
    paths = {name: xmp.parsed((folder / f"{name}.xmp").read_bytes()).paths for name in PHOTOS}
    assert paths == {
        "a.jpg": (("animal", "dog"),),
        "b.png": (("a & <b>",), ("family", "Grandma")),
    }
    write(library, folder, WriteOptions(parents=True, renamed={"dog": "dog"}))
    assert xmp.parsed((folder / "a.jpg.xmp").read_bytes()).paths == (("dog",),)
    while finished(job.undo(library)).written:
        pass
    assert contents(folder).keys() < flat.keys()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.toml", "dog = 1"),
        ("a.toml", "dog ="),
        ("a.toml", 'dog = ""'),
        ("a.csv", "dog"),
        ("a.csv", "dog,a,b"),
        ("a.csv", "dog,"),
        ("a.csv", ",x"),
    ],
)
def test_a_wrong_table_of_names_is_refused(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(WriteError):
        read_renaming(tmp_path / name)


def test_a_full_disk_pauses_and_goes_on(
    library: Library, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_full, replace = [True], sidecars.replace

    def full(*args: object, **kwargs: object) -> object:
        if is_full[0]:
            raise DiskFullError("The disk is full.")
        return replace(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(sidecars, "replace", full)
    steps = job.write(library, choice(library, folder), SIDECAR)
    assert next(steps).paused
    assert next(steps).paused
    is_full[0] = False
    assert finished(steps).written == 3


@pytest.mark.parametrize("at", range(3))
@pytest.mark.parametrize("is_after", [False, True])
def test_a_crash_at_a_file_is_settled_by_the_next_write(
    library: Library, folder: Path, monkeypatch: pytest.MonkeyPatch, at: int, is_after: bool
) -> None:
    """The journal cannot be written any more either: the program is gone."""
    before, replace, count = contents(folder), sidecars.replace, [0]

    def crash(*args: object, **kwargs: object) -> object:
        count[0] += 1
        if count[0] > at:
            if is_after:
                replace(*args, **kwargs)  # type: ignore[arg-type]
            raise KeyboardInterrupt
        return replace(*args, **kwargs)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(sidecars, "replace", crash)
        patch.setattr(library, "settle_files", lambda *_: None)
        with pytest.raises(KeyboardInterrupt):
            write(library, folder)
    assert len(library.begun_files()) == 3
    there = len(contents(folder)) - len(before)
    assert job.recover(library) == 3
    assert write(library, folder).written == 3 - there
    while finished(job.undo(library)).written:
        pass
    assert contents(folder) == before


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="needs permissions that hold")
def test_a_read_only_folder_is_left_alone(library: Library, folder: Path) -> None:
    folder.chmod(0o555)
    try:
        assert len(write(library, folder).refused) == 3
    finally:
        folder.chmod(0o755)
    assert library.last_write() is None


def test_a_preview_says_all_and_writes_nothing(library: Library, folder: Path) -> None:
    before = contents(folder)
    broken(folder / "b.png.xmp")
    steps = job.preview(library, choice(library, folder), SIDECAR)
    planned = {file.photo.name: file.text() for step in steps for file in step.planned}
    assert planned["a.jpg"] == "+ dog"
    assert "left alone" in planned["b.png"]
    assert contents(folder).keys() - before.keys() == {"b.png.xmp"}
    assert library.last_write() is None


def test_times_of_files_are_kept_if_wished(library: Library, folder: Path) -> None:
    path = folder / "a.jpg.xmp"
    path.write_bytes(xmp.merged(None, THEIRS))
    path.write_bytes(path.read_bytes().replace(b"dog", b"fox"))
    os.utime(path, ns=(10**18, 10**18))
    write(library, folder, WriteOptions(keep_mtime=True))
    assert "dog" in keywords(path)
    assert path.stat().st_mtime_ns == 10**18


def test_the_command_writes_and_undoes(
    library: Library, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    library.close()
    place = ["--library", str(library.path)]
    before = contents(folder)
    assert cli.run(["write", str(folder), "--dry-run", *place]) == 0
    assert "+ dog" in capsys.readouterr().out
    assert contents(folder) == before
    assert cli.run(["write", str(folder), *place]) == 0
    assert keywords(folder / "a.jpg.xmp") == {"dog"}
    assert cli.run(["write", "--undo", *place]) == 0
    assert contents(folder) == before
    assert cli.run(["write", *place]) == 1


def test_the_command_tags_what_has_no_scores(
    library: Library, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.close()
    engines: list[FakeEngine] = []

    def make(_device: str, **_more: object) -> FakeEngine:
        engines.append(FakeEngine())
        return engines[-1]

    monkeypatch.setattr(untagged, "LocalEngine", make)
    save_image(folder / "new.jpg", 8, 6)
    command = ["write", str(folder), "--labels", "both", "--threshold", "0"]
    assert cli.run([*command, "--library", str(library.path)]) == 0
    assert (folder / "new.jpg.xmp").exists()
    assert "cat" not in keywords(folder / "a.jpg.xmp")
    with open_library(library.path) as again:
        model = again.models()[-1]
        ids = again.ids_below(folder, recursive=False).tolist()
        assert len(again.stored(ids, model.fingerprint).scored) == len(ids)


def test_the_command_makes_a_library_where_the_machines_labels_are_wanted(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(untagged, "LocalEngine", lambda *_, **__: FakeEngine())
    command = ["write", str(folder), "--library", str(tmp_path / "new" / "library.db")]
    assert cli.run(command) == 1  # nobody can have accepted anything yet
    assert cli.run([*command, "--labels", "machine", "--threshold", "0"]) == 0
    assert (folder / "a.jpg.xmp").exists()
