from __future__ import annotations

import os
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest

from engine.data.scan import ScanBatch, ScanProblem, scan

needs_posix = pytest.mark.skipif(os.name != "posix", reason="needs a POSIX file system")


def make(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def found(*roots: Path, recursive: bool = True) -> list[Path]:
    return [path for batch in scan(roots, recursive=recursive) for path in batch.paths]


def names(root: Path, recursive: bool = True) -> list[str]:
    return [path.relative_to(root).as_posix() for path in found(root, recursive=recursive)]


def problems(*roots: Path) -> list[ScanProblem]:
    return [problem for batch in scan(roots) for problem in batch.skipped]


def test_files_come_in_natural_order_and_before_the_folders(tmp_path: Path) -> None:
    make(tmp_path, "b/1.jpg", "IMG_10.jpg", "img_2.jpg", "IMG_2.jpg", "a/10/x.png", "a/9/x.png")

    assert names(tmp_path) == [
        "IMG_2.jpg",
        "img_2.jpg",
        "IMG_10.jpg",
        "a/9/x.png",
        "a/10/x.png",
        "b/1.jpg",
    ]


def test_a_scan_goes_by_the_ending_in_any_case(tmp_path: Path) -> None:
    make(tmp_path, "a.JPG", "b.tar.gz.jpeg", "c.WebP", "Thumbs.db", "no_extension", "x.txt", ".jpg")

    assert names(tmp_path) == ["a.JPG", "b.tar.gz.jpeg", "c.WebP"]


def test_a_file_given_by_name_is_included_whatever_its_ending(tmp_path: Path) -> None:
    make(tmp_path, "no_extension")

    assert found(tmp_path / "no_extension") == [tmp_path / "no_extension"]


def test_hidden_files_are_found_but_not_hidden_folders_or_apple_doubles(tmp_path: Path) -> None:
    make(tmp_path, ".hidden.jpg", "._a.jpg", ".git/a.jpg", ".thumbnails/a.jpg", "@eaDir/a.jpg")

    assert names(tmp_path) == [".hidden.jpg"]


def test_subfolders_are_left_out_when_not_wanted(tmp_path: Path) -> None:
    make(tmp_path, "a.jpg", "sub/b.jpg")

    assert names(tmp_path, recursive=False) == ["a.jpg"]


def test_overlapping_roots_give_each_file_once(tmp_path: Path) -> None:
    make(tmp_path, "a.jpg", "sub/b.jpg", "sub/odd")
    sub = tmp_path / "sub"

    assert found(tmp_path, sub, sub / "b.jpg", sub / "odd", sub / "odd") == [
        tmp_path / "a.jpg",
        sub / "b.jpg",
        sub / "odd",
    ]
    assert found(sub / "b.jpg", tmp_path) == [sub / "b.jpg", tmp_path / "a.jpg"]


def test_a_folder_named_like_a_picture_is_walked(tmp_path: Path) -> None:
    make(tmp_path, "dir_named.jpg/a.jpg")

    assert names(tmp_path) == ["dir_named.jpg/a.jpg"]


@needs_posix
def test_links_lead_to_each_real_file_once_and_loops_end(tmp_path: Path) -> None:
    make(tmp_path, "photos/real.jpg", "photos/sub/x.jpg", "elsewhere/far.jpg")
    photos = tmp_path / "photos"
    for link, target in {
        "ok.jpg": "real.jpg",
        "again.jpg": "ok.jpg",
        "far.jpg": "../elsewhere/far.jpg",
        "self": ".",
        "up": "..",
        "loop1": "loop2",
        "loop2": "loop1",
        "a_link": "sub",
        "sub/back": "..",
        "all": "/",
    }.items():
        (photos / link).symlink_to(target)

    assert names(photos) == ["far.jpg", "real.jpg", "sub/x.jpg"]


@needs_posix
def test_a_linked_folder_is_walked_after_the_real_ones(tmp_path: Path) -> None:
    make(tmp_path, "album/b/1.jpg", "elsewhere/2.jpg")
    (tmp_path / "album/a").symlink_to(tmp_path / "elsewhere")

    assert names(tmp_path / "album") == ["b/1.jpg", "a/2.jpg"]


@needs_posix
def test_links_that_lead_out_are_left_out_and_told_if_they_are_not_wanted(tmp_path: Path) -> None:
    make(tmp_path, "album/here.jpg", "album/sub/more.jpg", "out/away.jpg", "out/film.mov")
    links = {"a.jpg": "out/away.jpg", "b.mov": "out/film.mov", "c": "out", "up": "."}
    for name, target in {**links, "d.jpg": "album/sub/more.jpg", "e": "album/sub"}.items():
        (tmp_path / "album" / name).symlink_to(tmp_path / target)

    batches = list(scan([tmp_path / "album"], follow_links=False))

    paths = [path.relative_to(tmp_path).as_posix() for batch in batches for path in batch.paths]
    assert paths == ["album/d.jpg", "album/here.jpg"]  # one file, however many ways lead to it
    told = [(problem.path.name, problem.message) for b in batches for problem in b.skipped]
    assert [name for name, _ in told] == ["a.jpg", "c"]
    assert all("leads out" in message for _, message in told)
    assert not any(batch.left_out for batch in batches)
    assert len(found(tmp_path / "album")) == 3


@needs_posix
def test_hard_links_are_files_of_their_own(tmp_path: Path) -> None:
    make(tmp_path, "a.jpg")
    (tmp_path / "b.jpg").hardlink_to(tmp_path / "a.jpg")

    assert names(tmp_path) == ["a.jpg", "b.jpg"]


@needs_posix
def test_pipes_and_devices_and_dangling_links_are_reported_and_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "zero.jpg").symlink_to("/dev/zero")
    (tmp_path / "dangling.jpg").symlink_to("nowhere")
    (tmp_path / "circle.jpg").symlink_to("circle.jpg")

    assert names(tmp_path) == []
    assert {problem.path.name for problem in problems(tmp_path)} == {
        "pipe.jpg",
        "zero.jpg",
        "dangling.jpg",
        "circle.jpg",
    }


@needs_posix
def test_odd_names_are_found_as_they_are(tmp_path: Path) -> None:
    odd = ["a\nb.jpg", "tab\t\x1b[31m.jpg", "n" * 251 + ".jpg", "--help.jpg", "bad\udcff\udcfe.jpg"]
    make(tmp_path, *odd, "folder\udc80/x.jpg")
    both = [unicodedata.normalize(form, "café.jpg") for form in ("NFC", "NFD")]
    make(tmp_path, *both)

    assert sorted(names(tmp_path)) == sorted([*odd, *both, "folder\udc80/x.jpg"])


def test_a_missing_root_is_a_problem_and_the_rest_goes_on(tmp_path: Path) -> None:
    make(tmp_path, "a.jpg")

    assert found(tmp_path / "gone", tmp_path) == [tmp_path / "a.jpg"]
    assert problems(tmp_path / "gone", Path("nul\0.jpg")) == [
        ScanProblem(tmp_path / "gone", "There is no such file or folder."),
        ScanProblem(Path("nul\0.jpg"), "It has a name that no file can have."),
    ]


@needs_posix
def test_a_forbidden_folder_is_a_problem_and_the_rest_goes_on(tmp_path: Path) -> None:
    make(tmp_path, "closed/a.jpg", "open/b.jpg")
    (tmp_path / "closed").chmod(0)
    script = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from engine.data.scan import scan\n"
        "os.geteuid() or os.seteuid(65534)\n"
        "for batch in scan([Path('.')]):\n"
        "    for p in batch.paths: print(p)\n"
        "    for p in batch.skipped: print(p.path, p.message)\n"
    )
    tmp_path.chmod(0o755)  # pytest makes it for us alone
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    try:
        done = subprocess.run(
            [sys.executable, "-c", script],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
    finally:
        (tmp_path / "closed").chmod(0o700)

    assert done.stdout.splitlines() == [
        "open/b.jpg",
        "closed You have no permission to look into it.",
    ]


def test_the_first_batch_is_small_and_the_others_are_full(tmp_path: Path) -> None:
    make(tmp_path, *(f"{i}.jpg" for i in range(300)))

    # A slow machine may send what it has early, so the sizes have only upper bounds.
    batches = [batch for batch in scan([tmp_path], batch_size=100) if batch.paths]

    assert len(batches[0].paths) <= 32
    assert max(len(batch.paths) for batch in batches) <= 100
    assert [path.name for batch in batches for path in batch.paths] == [
        f"{i}.jpg" for i in range(300)
    ]


def test_a_walk_that_finds_nothing_gives_signs_of_life(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path, *(f"{i}/notes.txt" for i in range(5)))
    monkeypatch.setattr("engine.data.scan._FLUSH_AFTER", 0.0)

    assert list(scan([tmp_path])) == [ScanBatch(())] * 6


def test_two_hundred_folders_deep_is_no_problem(tmp_path: Path) -> None:
    deep = tmp_path
    for _ in range(200):
        deep /= "d"
    make(deep, "a.jpg")

    assert found(tmp_path) == [deep / "a.jpg"]


@needs_posix
def test_a_path_longer_than_the_system_allows_is_a_problem(tmp_path: Path) -> None:
    before = Path.cwd()
    try:
        os.chdir(tmp_path)
        for _ in range(20):
            Path("d" * 240).mkdir()
            os.chdir("d" * 240)
    finally:
        os.chdir(before)

    (problem,) = problems(tmp_path)
    assert problem.message == "It cannot be read: File name too long."


@pytest.mark.slow
def test_a_folder_of_a_hundred_thousand_files_comes_whole_and_in_order(tmp_path: Path) -> None:
    make(tmp_path, *(f"{i}.jpg" for i in range(100_000)))

    assert names(tmp_path) == [f"{i}.jpg" for i in range(100_000)]
