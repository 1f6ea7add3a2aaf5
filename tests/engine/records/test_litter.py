"""What a program that was killed left behind is gone after the next start, and nothing else is."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.atomic import TEMPORARY_PREFIX
from engine.records import litter
from engine.resources import data_folder
from tests.paths import ROOT

_WRITES = """
import sys
from pathlib import Path
from engine.records.litter import OwnFolder, noted_path
folder = OwnFolder()
(folder.path / "work").write_text("half")
with noted_path(Path(sys.argv[1])) as temporary:
    temporary.write_text("half")
    sys.stdout.write(f"{folder.path}\\n")
    sys.stdout.flush()
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def own_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setattr(tempfile, "tempdir", None)


@contextlib.contextmanager
def writing(target: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """A program that is in the middle of writing a file, and a folder of its own."""
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", _WRITES, str(target)]
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as program:
        assert program.stdout is not None
        yield program, Path(program.stdout.readline().strip())


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_is_being_written_stays_and_what_a_kill_left_goes(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "model.onnx").write_text("old")
    (out / f"{TEMPORARY_PREFIX}theirs").write_text("of a program that is not known here")
    with writing(out / "model.onnx") as (program, folder):
        assert litter.sweep() == 0
        assert len(names(out)) == 3 and folder.is_dir()
        program.kill()
        program.wait()
        assert litter.sweep() == 2
    assert names(out) == [f"{TEMPORARY_PREFIX}theirs", "model.onnx"]
    assert (out / "model.onnx").read_text() == "old"
    assert not folder.exists()
    assert not names(data_folder() / "being-written")


def test_a_write_that_ends_leaves_no_note(tmp_path: Path) -> None:
    litter.write_noted(tmp_path / "a", b"new")
    with pytest.raises(ZeroDivisionError), litter.noted_path(tmp_path / "a"):
        raise ZeroDivisionError
    assert (tmp_path / "a").read_bytes() == b"new"
    assert names(tmp_path) == ["a", "tmp"]
    assert not names(data_folder() / "being-written")


def test_without_a_place_for_notes_it_is_written_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "no folder").write_text("")
    monkeypatch.setenv("CSRA_GUI_DATA", str(tmp_path / "no folder"))
    litter.write_noted(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"new"
    assert litter.sweep() == 0


def test_a_note_removes_no_file_that_is_not_ours(tmp_path: Path) -> None:
    notes = data_folder() / "being-written"
    notes.mkdir(parents=True)
    photo, link = tmp_path / "photo.jpg", tmp_path / f"{TEMPORARY_PREFIX}link"
    photo.write_text("photo")
    link.symlink_to(photo)
    for number, path in enumerate((photo, link, tmp_path)):
        (notes / str(number)).write_bytes(os.fsencode(path))
    (notes / "odd").write_bytes(b"\0")
    litter.sweep()
    assert photo.read_text() == "photo" and link.is_symlink()


def test_a_note_waits_for_a_drive_that_is_away(tmp_path: Path) -> None:
    out = tmp_path / "drive"
    out.mkdir()
    with writing(out / "model.onnx") as (program, _):
        program.kill()
        program.wait()
        out.rename(tmp_path / "away")
        assert litter.sweep() == 1  # the folder
        (tmp_path / "away").rename(out)
        assert litter.sweep() == 1
    assert names(out) == []


def test_only_old_temporaries_in_the_persons_data_go(tmp_path: Path) -> None:
    models, cache = data_folder() / "models", tmp_path / "features"
    for folder in (models, cache):
        folder.mkdir(parents=True)
        for name in (f"{TEMPORARY_PREFIX}old", f"{TEMPORARY_PREFIX}new", "old.safetensors"):
            (folder / name).write_text("")
            if "old" in name:
                os.utime(folder / name, (0, 0))
    assert litter.sweep([cache]) == 2
    for folder in (models, cache):
        assert names(folder) == [f"{TEMPORARY_PREFIX}new", "old.safetensors"]


def test_folders_of_records_that_were_made_or_deleted_go_when_they_are_old(tmp_path: Path) -> None:
    runs = data_folder() / "evaluations"
    for name in (f"{litter.RECORD_PREFIX}old", f"{litter.RECORD_PREFIX}new", "20260102-old"):
        (runs / name).mkdir(parents=True)
        (runs / name / "scores.npz").write_text("")
        if "old" in name:
            os.utime(runs / name, (0, 0))
    assert litter.sweep() == 1
    assert names(runs) == [f"{litter.RECORD_PREFIX}new", "20260102-old"]
