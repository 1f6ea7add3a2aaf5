"""What cannot be opened because of its kind is told by kind; side files of photos are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.data.kinds import IMAGE_SUFFIXES, LeftOut, is_picture, kinds_text, left_out_kind
from engine.data.kinds import left_out_text as text_of
from engine.data.scan import scan


def left_out(*roots: Path, recursive: bool = True) -> list[tuple[str, str]]:
    batches = scan(roots, recursive=recursive)
    return [(file.path.name, file.kind) for batch in batches for file in batch.left_out]


def files(*kinds: str) -> list[LeftOut]:
    return [LeftOut(Path(f"{k}.{kind}"), kind) for k, kind in enumerate(kinds)]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.mov", "MOV"),
        ("A.MOV", "MOV"),
        ("a.b.Mp4", "MP4"),
        ("a.psd", "PSD"),
        ("a.pdf", "PDF"),
        ("a.ai", "AI"),
        ("a.svg", "SVG"),
        ("a.svgz", "SVG"),
        ("a.xcf", "XCF"),
        ("a.jp2", "JP2"),
        ("a.mpeg", "MPG"),
        (".hidden.mov", "MOV"),
        ("._a.mov", ""),
        (".mov", ""),
        ("mov", ""),
        ("a.mov.", ""),
        ("a.jpg", ""),
    ],
)
def test_a_kind_goes_by_the_ending_in_any_case(name: str, kind: str) -> None:
    assert left_out_kind(name) == kind


@pytest.mark.parametrize(
    "name",
    [
        *("a.xmp", "a.AAE", "a.thm", "a.txt", "a.json", "a.csv", "a.db", "Thumbs.db"),
        *("desktop.ini", ".DS_Store", "a", "a.zip", "a.docx", "a.html", "a.py", "a.xml", "a.ts"),
    ],
)
def test_what_lies_beside_photos_is_neither_a_photo_nor_left_out(name: str) -> None:
    assert not is_picture(name)
    assert left_out_kind(name) == ""


def test_no_photo_is_left_out() -> None:
    assert [end for end in IMAGE_SUFFIXES if left_out_kind(f"a{end}")] == []


@pytest.mark.parametrize(
    ("kinds", "short", "sentence"),
    [
        ([], "", ""),
        (["MOV"], "1 MOV", "1 file left out: 1 MOV."),
        (["PSD", "MOV", "MOV"], "2 MOV, 1 PSD", "3 files left out: 2 MOV, 1 PSD."),
        (["B", "A"], "1 A, 1 B", "2 files left out: 1 A, 1 B."),
        (
            [*"AABCDEFGH"],
            "2 A, 1 B, 1 C, 1 D, 1 E, 3 others",
            "9 files left out: 2 A, 1 B, 1 C, 1 D, 1 E, 3 others.",
        ),
    ],
)
def test_kinds_are_counted_with_the_most_first(kinds: list[str], short: str, sentence: str) -> None:
    assert kinds_text(files(*kinds)) == short
    assert text_of(files(*kinds)) == sentence


def test_a_scan_tells_each_file_that_it_leaves_out_once(tmp_path: Path) -> None:
    (tmp_path / "in" / "folder.mov").mkdir(parents=True)
    for name in ("b.MOV", "a.psd", "x.jpg", "x.xmp", "in/c.mp4", "in/folder.mov/d.pdf"):
        (tmp_path / name).touch()

    assert left_out(tmp_path) == [
        ("a.psd", "PSD"),
        ("b.MOV", "MOV"),
        ("c.mp4", "MP4"),
        ("d.pdf", "PDF"),
    ]
    assert left_out(tmp_path, recursive=False) == [("a.psd", "PSD"), ("b.MOV", "MOV")]


def test_a_film_that_is_named_is_not_left_out_as_well(tmp_path: Path) -> None:
    (tmp_path / "a.mov").touch()
    film = tmp_path / "a.mov"

    assert [path for batch in scan([film, tmp_path]) for path in batch.paths] == [film]
    assert left_out(film, tmp_path) == []


def test_links_are_told_once_and_only_if_they_lead_to_a_file(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "film.mov").touch()
    (tmp_path / "a" / "own.mov").touch()
    try:
        (tmp_path / "a" / "again.mov").symlink_to("own.mov")
        (tmp_path / "a" / "gone.mov").symlink_to("nowhere")
        (tmp_path / "a" / "out.mov").symlink_to(tmp_path / "elsewhere" / "film.mov")
    except OSError:
        pytest.skip("no links here")

    assert left_out(tmp_path / "a") == [("own.mov", "MOV"), ("out.mov", "MOV")]


def test_a_folder_of_nothing_else_fills_batches_too(tmp_path: Path) -> None:
    for number in range(70):
        (tmp_path / f"{number}.mov").touch()

    sizes = [len(batch.left_out) for batch in scan([tmp_path], batch_size=10)]

    assert sum(sizes) == 70
    assert max(sizes) <= 10
