"""``csra library``: what it says of a library, and the ways out when it is damaged."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from engine.cli import run
from engine.library import backup
from engine.library.opening import open_library
from engine.library.values import Attribute, Verdict, Wish
from engine.metadata import xmp
from engine.metadata.values import Changes
from tests.engine.images import save_image
from tests.engine.library.parts import ME, backed_up, filled


@pytest.fixture
def library(tmp_path: Path) -> Path:
    path = tmp_path / "library.db"
    with open_library(path) as opened:
        filled(opened, 20)
        opened.decide([Wish(1, "cat", Verdict.ADDED)], who=ME, caption="Add cat")
        backed_up(path)
    return path


def ask(library: Path, *words: str) -> int:
    return run(["library", *words, "--library", str(library)])


def test_a_sound_library_and_its_copies_are_told(
    library: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ask(library, "check") == 0
    out, err = capsys.readouterr()
    assert out.endswith("000001-" + backup.backups(library)[0].name[7:] + ": good\n")
    assert "library.db is sound" in err


@pytest.mark.parametrize("way", ["restore", "rebuild"])
def test_an_empty_file_is_told_with_the_ways_out_and_mended(
    library: Path, capsys: pytest.CaptureFixture[str], way: str
) -> None:
    library.write_bytes(b"")
    assert ask(library, "check") == 1
    said = capsys.readouterr().err
    assert "is empty, but has backups" in said
    assert "csra library rebuild" in said
    assert ask(library, way) == 0
    with open_library(library) as opened:
        assert len(opened.files()) == 20


def test_a_command_that_needs_a_library_tells_that_it_is_gone(
    library: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    library.unlink()
    command = ["export", "/photos", "--format", "csv", "--output", "x.csv"]
    assert run([*command, "--library", str(library)]) == 1
    assert "is missing, but has backups" in capsys.readouterr().err
    assert not library.exists()


def test_without_a_good_copy_nothing_is_restored(
    library: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(backup.backups_folder(library))
    assert ask(library, "restore") == 1
    assert "no good copy" in capsys.readouterr().err
    assert ask(library, "new") == 0
    assert "damaged-" in capsys.readouterr().err


def test_a_new_library_takes_what_files_say(
    library: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    below = tmp_path / "photos" / "trip"
    below.mkdir(parents=True)
    for name in ("a.jpg", "b.jpg"):
        save_image(below / name)
    sidecar = xmp.merged(None, Changes(add=(("Rome",),), rating=4))
    (below / "a.jpg.xmp").write_bytes(sidecar)
    (below / "b.txt").write_text("Rome, dog\n")
    library.write_bytes(b"no library" * 999)
    assert ask(library, "new", "--labels-from", str(tmp_path / "photos")) == 0
    assert "kept as" in capsys.readouterr().err
    with open_library(library) as opened:
        files = {image: file.path.name for image, file in opened.files().items()}
        labels = {(files[image], label) for image, label, _ in opened.stored(files).verdicts}
        assert labels == {("a.jpg", "Rome"), ("b.jpg", "Rome"), ("b.jpg", "dog")}
        shown = {(files[i], name, value) for i, name, value in opened.shown_attributes(files)}
    assert ("a.jpg", Attribute.RATING, "4") in shown
    assert (below / "a.jpg.xmp").read_bytes() == sidecar
