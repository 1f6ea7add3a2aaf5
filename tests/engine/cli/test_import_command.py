"""``csra import``: what would be imported is said first, and a table says what names mean."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.cli import run
from engine.library.opening import open_library
from engine.library.values import Verdict
from tests.engine.images import save_image


def said(library: Path) -> dict[tuple[str, str], Verdict]:
    with open_library(library) as opened:
        files = opened.files()
        return {
            (files[i].path.name, label): verdict
            for i, label, verdict in opened.stored(files).verdicts
        }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("a", "b"):
        save_image(folder / f"{name}.png", 4, 4)
        (folder / f"{name}.txt").write_text("Hund, my sofa\n")
    return folder


def test_a_dry_run_says_names_counts_and_photos_and_imports_nothing(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = str(tmp_path / "l.db")
    assert run(["import", str(folder), "--from", "txt", "--dry-run", "--library", place]) == 0
    out = capsys.readouterr()
    assert "Hund (2) → new label “Hund”: a.png, b.png" in out.out
    assert "Nothing was imported" in out.err
    assert said(Path(place)) == {}


def test_a_typing_error_in_the_table_is_told_once(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place, table = str(tmp_path / "l.db"), tmp_path / "m.csv"
    table.write_text("Hnud,dog\nmy sofa,\n")
    start = ["import", str(folder), "--from", "txt", "--library", place, "--map", str(table)]
    assert run([*start, "--dry-run"]) == 0
    err = capsys.readouterr().err
    assert err.count("warning:") == 1 and "a name that is on no photo: Hnud." in err


def test_a_table_that_was_saved_and_edited_says_what_names_mean(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place, table = str(tmp_path / "l.db"), tmp_path / "m.csv"
    start = ["import", str(folder), "--from", "txt", "--library", place]
    assert run([*start, "--dry-run", "--save-map", str(table)]) == 0
    text = table.read_text()
    table.write_text(text.replace("Hund,Hund", "Hund,dog").replace("my sofa,my sofa", "my sofa,"))
    assert run([*start, "--map", str(table)]) == 0
    assert said(Path(place)) == {
        ("a.png", "dog"): Verdict.IMPORTED,
        ("b.png", "dog"): Verdict.IMPORTED,
    }
    assert "2 labels imported for 2 photos" in capsys.readouterr().err
    assert run([*start, "--map", str(table)]) == 0
    assert "Nothing new to import" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "content", "source"),
    [
        ("list.csv", "path,label\na.png,dog\n", "csv"),
        ("list.csv", "path,label\na.png,dog\n", None),
        ("list.jsonl", '{"path": "a.png", "labels": ["dog"]}\n', "json"),
        (
            "instances.json",
            '{"images": [{"id": 1, "file_name": "a.png"}], "annotations": [{"id": 1, "image_id": 1,'
            ' "category_id": 7, "bbox": [0, 0, 1, 1]}], "categories": [{"id": 7, "name": "dog"}]}',
            "coco",
        ),
        (
            "a.xml",
            "<annotation><filename>a.png</filename><object><name>dog</name></object></annotation>",
            "voc",
        ),
    ],
)
def test_lists_of_each_kind_are_read(
    folder: Path, tmp_path: Path, name: str, content: str, source: str | None
) -> None:
    (folder / name).write_text(content)
    place = tmp_path / "l.db"
    which = [] if source is None else ["--from", source]
    assert run(["import", str(folder / name), *which, "--library", str(place)]) == 0
    assert said(place) == {("a.png", "dog"): Verdict.IMPORTED}


@pytest.mark.parametrize(
    "arguments",
    [
        ["gone"],
        [".", "--from", "csv", "--from", "txt"],
        [".", "--map", "gone.csv"],
        ["bad.csv"],
    ],
)
def test_what_cannot_be_imported_is_said(
    folder: Path,
    tmp_path: Path,
    arguments: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(folder)
    (folder / "bad.csv").write_text("no list\n")
    assert run(["import", *arguments, "--library", str(tmp_path / "l.db")]) == 1
    assert capsys.readouterr().err.strip()
