"""Ratings, colour labels and titles as programs write them, and telling the library of them."""

from __future__ import annotations

import os
from itertools import cycle
from pathlib import Path

import pytest

from engine.library.opening import open_library
from engine.library.values import Attribute, look_at
from engine.metadata.attributes import read_file_attributes
from engine.metadata.values import Changes
from engine.metadata.xmp import merged, parsed
from tests.engine.images import save_image

_SPACES = (
    'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
    'xmlns:xmp="http://ns.adobe.com/xap/1.0/" '
    'xmlns:digiKam="http://www.digikam.org/ns/1.0/" xmlns:darktable="http://darktable.sf.net/"'
)


def packet(inside: str) -> bytes:
    return (
        f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF {_SPACES}>'
        f'<rdf:Description rdf:about="">{inside}</rdf:Description></rdf:RDF></x:xmpmeta>'
    ).encode()


def bag(prop: str, *texts: str, kind: str = "Bag") -> str:
    items = "".join(f"<rdf:li>{text}</rdf:li>" for text in texts)
    return f"<{prop}><rdf:{kind}>{items}</rdf:{kind}></{prop}>"


@pytest.mark.parametrize(
    ("inside", "color"),
    [
        ("<xmp:Label>Red</xmp:Label>", "red"),
        ("<xmp:Label>grün</xmp:Label>", "green"),
        ("<xmp:Label>To Do</xmp:Label>", "purple"),
        ("<xmp:Label>Second</xmp:Label>", "yellow"),
        ("<xmp:Label>Zweite Wahl</xmp:Label>", "Zweite Wahl"),
        (bag("darktable:colorlabels", "3", "0", kind="Seq"), "red, blue"),
        (bag("darktable:colorlabels", "9", "x", kind="Seq"), None),
        ("<digiKam:ColorLabel>6</digiKam:ColorLabel>", "purple"),
        ("<digiKam:ColorLabel>2</digiKam:ColorLabel>", "orange"),
        ("<digiKam:ColorLabel>0</digiKam:ColorLabel>", None),
        ("<digiKam:ColorLabel>4</digiKam:ColorLabel><xmp:Label>Red</xmp:Label>", "red"),
        (bag("darktable:colorlabels", "0", "1") + "<xmp:Label>Red</xmp:Label>", "red, yellow"),
        (bag("darktable:colorlabels", "1") + "<xmp:Label>Red</xmp:Label>", "red"),
        ("", None),
    ],
)
def test_colors_are_read_in_the_words_of_many_programs(inside: str, color: str | None) -> None:
    assert parsed(packet(inside)).color == color


def test_a_color_that_is_set_is_the_one_of_every_program_that_wrote_one() -> None:
    others = "<digiKam:ColorLabel>4</digiKam:ColorLabel>" + bag(
        "darktable:colorlabels", "0", "2", kind="Seq"
    )
    before = packet(others)
    blue = merged(before, Changes(color_label="Blue"))
    assert parsed(blue).color == "blue"
    assert b">5</digiKam:ColorLabel>" in blue
    assert merged(blue, Changes(color_label="Blue")) == blue
    none = merged(blue, Changes(clear=("color_label",)))
    assert parsed(none).color is None
    assert b"ColorLabel" not in merged(None, Changes(color_label="Blue"))  # where nobody wrote it
    assert merged(before, Changes(rating=2)).count(b"<rdf:li>") == 2


def test_files_are_read_once_and_again_where_they_or_their_sidecars_change(tmp_path: Path) -> None:
    paths = [save_image(tmp_path / name, 4, 4) for name in ("a.jpg", "b.jpg", "c.png")]
    (tmp_path / "a.jpg.xmp").write_bytes(merged(None, Changes(rating=3, title="Sea")))
    (tmp_path / "b.XMP").write_bytes(b"<broken")
    with open_library(tmp_path / "library.db") as library:
        files = [file for path in paths if (file := look_at(path))]
        images = list(zip(library.add_images(files), files, strict=True))

        def read() -> list[int]:
            return [image for part in read_file_attributes(library, images) for image in part]

        numbers = [image for image, _ in images]
        assert read() == numbers
        endless = cycle(images)  # of a million files only a few are held at once
        assert next(read_file_attributes(library, endless)) == ()
        assert read() == []
        assert library.stored(numbers).attributes == (
            (numbers[0], Attribute.RATING, "3"),
            (numbers[0], Attribute.TITLE, "Sea"),
        )
        (tmp_path / "c.xmp").write_bytes(merged(None, Changes(color_label="Red")))
        sidecar = tmp_path / "a.jpg.xmp"
        sidecar.write_bytes(merged(None, Changes(rating=-1)))
        os.utime(sidecar, (1, 1))
        assert read() == [numbers[0], numbers[2]]
        assert library.stored(numbers).attributes == (
            (numbers[0], Attribute.RATING, "-1"),
            (numbers[2], Attribute.COLOR, "red"),
        )
        sidecar.unlink()
        assert read() == [numbers[0]]
        assert len(library.stored(numbers).attributes) == 1
