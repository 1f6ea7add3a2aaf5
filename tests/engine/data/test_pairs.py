from __future__ import annotations

from pathlib import Path

import pytest

from engine.data.pairs import paired
from engine.data.scan import scan


def make(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def scanned(*roots: Path, **options: bool) -> tuple[list[str], dict[str, str]]:
    batches = list(scan(roots, **options))
    shown = [path.name for batch in batches for path in batch.paths]
    second = {each.path.name: each.of.name for batch in batches for each in batch.companions}
    return shown, second


@pytest.mark.parametrize(
    ("names", "wanted"),
    [
        (["a.jpg", "a.cr2"], {"a.cr2": "a.jpg"}),
        (["A.JPG", "A.NEF"], {"A.NEF": "A.JPG"}),
        (["a.jpeg", "A.ARW"], {"A.ARW": "a.jpeg"}),
        (["a.heic", "a.dng"], {"a.dng": "a.heic"}),
        (["a.hif", "a.cr3"], {"a.cr3": "a.hif"}),
        (["a.jpg", "a.heic", "a.cr3"], {"a.cr3": "a.jpg"}),
        (["a.jpg", "a.cr2", "a.dng"], {"a.cr2": "a.jpg", "a.dng": "a.jpg"}),
        (["A.jpg", "a.jpg", "a.raf"], {"a.raf": "a.jpg"}),
        (["IMG_1.2.jpg", "IMG_1.2.orf"], {"IMG_1.2.orf": "IMG_1.2.jpg"}),
        (["a.jpg", "b.cr2"], {}),
        (["a.jpg", "a.heic"], {}),
        (["a.png", "a.cr2"], {}),
        (["a.cr2", "a.dng"], {}),
        (["a.jpg", "a-edited.cr2", "ab.cr2"], {}),
    ],
)
def test_a_raw_belongs_to_what_has_its_name(names: list[str], wanted: dict[str, str]) -> None:
    assert paired(names) == wanted
    assert paired(reversed(names)) == wanted


def test_a_pair_is_one_photo_of_a_scan(tmp_path: Path) -> None:
    make(tmp_path, "a.jpg", "a.cr2", "b.cr2", "sub/a.cr2", "sub/c.HEIC", "sub/c.DNG")

    assert scanned(tmp_path) == (
        ["a.jpg", "b.cr2", "a.cr2", "c.HEIC"],
        {"a.cr2": "a.jpg", "c.DNG": "c.HEIC"},
    )


def test_two_that_are_named_are_one_photo_too(tmp_path: Path) -> None:
    make(tmp_path, "a.jpg", "a.cr2")
    jpeg, raw = tmp_path / "a.jpg", tmp_path / "a.cr2"

    assert scanned(raw, jpeg) == (["a.jpg"], {"a.cr2": "a.jpg"})
    assert scanned(raw, tmp_path) == (["a.cr2", "a.jpg"], {})
    assert scanned(jpeg, tmp_path) == (["a.jpg"], {"a.cr2": "a.jpg"})
    assert scanned(raw) == (["a.cr2"], {})
    assert scanned(raw, tmp_path / "a.jpeg") == (["a.cr2"], {})


def test_they_are_told_apart_when_that_is_wished(tmp_path: Path) -> None:
    make(tmp_path, "a.jpg", "a.cr2")

    assert scanned(tmp_path, pair_raw=False) == (["a.cr2", "a.jpg"], {})
