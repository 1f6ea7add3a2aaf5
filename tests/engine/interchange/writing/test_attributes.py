"""Ratings, colour labels and titles that a person set go into sidecars, and come out again."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.interchange.writing import job
from engine.interchange.writing.values import Target, WriteOptions
from engine.library.store import Library
from engine.library.values import Attribute
from engine.metadata.values import Changes, XmpValues
from engine.metadata.xmp import merged, parsed
from tests.engine.interchange.writing.parts import choice, contents, finished, write

RATING, COLOR, TITLE = Attribute.RATING, Attribute.COLOR, Attribute.TITLE
SIDECAR = "unseen.jpg.xmp"


def rate(library: Library, folder: Path, attribute: Attribute, value: str) -> int:
    (image,) = library.ids_below(folder / "unseen.jpg", recursive=False).tolist()
    library.rate([image], attribute, value, caption="Test")
    return int(image)


def said(folder: Path) -> XmpValues:
    return parsed((folder / SIDECAR).read_bytes())


@pytest.mark.parametrize("target", [Target.SIDECAR, Target.SIDECAR_ADOBE])
def test_a_rating_alone_makes_a_file_which_undo_takes_away(
    library: Library, folder: Path, target: Target
) -> None:
    before = contents(folder)
    image = rate(library, folder, RATING, "4")
    rate(library, folder, COLOR, "blue")
    rate(library, folder, TITLE, "Sea & sky")
    options = WriteOptions(target)
    assert write(library, folder, options).written == 4
    name = SIDECAR if target is Target.SIDECAR else "unseen.xmp"
    found = parsed((folder / name).read_bytes())
    assert (found.rating, found.color_label, found.title) == (4, "Blue", "Sea & sky")
    assert library.own_attributes([image])[image][RATING] == ("4", True)
    once = contents(folder)
    assert write(library, folder, options).written == 0
    assert contents(folder) == once
    finished(job.undo(library))
    assert contents(folder) == before
    assert library.own_attributes([image])[image][RATING] == ("4", False)


def test_what_others_wrote_stays_but_for_what_was_set(library: Library, folder: Path) -> None:
    sidecar = folder / SIDECAR
    sidecar.write_bytes(merged(None, Changes(rating=2, color_label="Zweite Wahl", title="Old")))
    before = sidecar.read_bytes()
    rate(library, folder, RATING, "5")
    write(library, folder)
    assert (said(folder).rating, said(folder).color_label, said(folder).title) == (
        5,
        "Zweite Wahl",
        "Old",
    )
    finished(job.undo(library))
    assert sidecar.read_bytes() == before


@pytest.mark.parametrize(
    ("attribute", "expected"),
    [
        (RATING, XmpValues(rating=0, color_label="Rot", color="red", title="Old")),
        (COLOR, XmpValues(rating=2, title="Old")),
        (TITLE, XmpValues(rating=2, color_label="Rot", color="red")),
    ],
)
def test_what_was_taken_away_goes(
    library: Library, folder: Path, attribute: Attribute, expected: XmpValues
) -> None:
    (folder / SIDECAR).write_bytes(merged(None, Changes(rating=2, color_label="Rot", title="Old")))
    value = {RATING: "1", COLOR: "blue", TITLE: "New"}[attribute]
    rate(library, folder, attribute, value)
    rate(library, folder, attribute, "")
    write(library, folder)
    assert said(folder) == expected


def test_the_same_color_in_other_words_is_left_alone(library: Library, folder: Path) -> None:
    (folder / SIDECAR).write_bytes(merged(None, Changes(color_label="Rot")))
    before = contents(folder)[SIDECAR]
    rate(library, folder, COLOR, "red")
    write(library, folder)
    assert contents(folder)[SIDECAR] == before


def test_what_another_program_changed_since_is_kept(library: Library, folder: Path) -> None:
    rate(library, folder, RATING, "3")
    write(library, folder)
    sidecar = folder / SIDECAR
    sidecar.write_bytes(merged(sidecar.read_bytes(), Changes(rating=1)))
    assert write(library, folder).written == 0
    assert said(folder).rating == 1
    rate(library, folder, RATING, "5")
    write(library, folder)
    assert said(folder).rating == 5


def test_a_preview_says_it_and_text_files_have_no_place_for_it(
    library: Library, folder: Path
) -> None:
    rate(library, folder, RATING, "3")
    rate(library, folder, COLOR, "red")

    def texts(target: Target) -> list[str]:
        steps = job.preview(library, choice(library, folder), WriteOptions(target))
        return [
            file.text()
            for step in steps
            for file in step.planned
            if file.photo.name == "unseen.jpg"
        ]

    assert texts(Target.SIDECAR) == ["rating 3, colour red"]
    assert texts(Target.TXT) == []


def test_a_broken_sidecar_is_left_alone(library: Library, folder: Path) -> None:
    (folder / SIDECAR).write_bytes(b"<broken")
    rate(library, folder, RATING, "3")
    report = write(library, folder)
    assert [path.name for path, _ in report.refused] == [SIDECAR]
    assert contents(folder)[SIDECAR] == b"<broken"
