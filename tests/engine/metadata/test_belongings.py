from __future__ import annotations

from pathlib import Path

import pytest

from engine.metadata.belongings import Belongings

CASES = {
    "alone": ("a.jpg", (), {"a.jpg"}, {"b.jpg"}),
    "all": (
        "a.jpg",
        (),
        {"a.jpg", "a.jpg.xmp", "a.xmp", "a.jpg.txt", "a.txt"},
        {"a.jpg.json", "ab.txt", "b.xmp"},
    ),
    "odd case": ("a.JPG", (), {"a.JPG", "a.JPG.XMP"}, {"A2.xmp"}),
    "pair": (
        "a.jpg",
        ("a.CR2",),
        {"a.jpg", "a.CR2", "a.CR2.xmp", "a.xmp", "a.jpg.xmp", "a.txt"},
        {"b.CR2"},
    ),
    "twin": ("a.jpg", (), {"a.jpg", "a.jpg.xmp", "a.jpg.txt"}, {"a.png", "a.xmp", "a.txt"}),
    "pair and twin": ("a.jpg", ("a.nef",), {"a.jpg", "a.nef"}, {"a.heic", "a.xmp", "a.txt"}),
    "no ending": ("a", (), {"a", "a.xmp", "a.txt"}, {"b.txt"}),
    "blanks and dots": ("a b.c.jpg", (), {"a b.c.jpg", "a b.c.xmp"}, {"a b.xmp", "a b.txt"}),
}


@pytest.mark.parametrize(("photo", "others", "its", "not_its"), CASES.values(), ids=CASES)
def test_what_goes_with_a_photo(
    tmp_path: Path, photo: str, others: tuple[str, ...], its: set[str], not_its: set[str]
) -> None:
    for name in its | not_its:
        (tmp_path / name).touch()

    found = Belongings().of(tmp_path / photo, others)

    assert found[0].name == photo
    assert {path.name for path in found} == its


def test_what_two_share_goes_with_the_last_of_them(tmp_path: Path) -> None:
    for name in ("a.jpg", "a.png", "a.txt"):
        (tmp_path / name).touch()
    belongings = Belongings()

    first = belongings.of(tmp_path / "a.jpg")
    for path in first:
        path.unlink()
    belongings.note_gone(first)

    assert [path.name for path in first] == ["a.jpg"]
    assert [path.name for path in belongings.of(tmp_path / "a.png")] == ["a.png", "a.txt"]
