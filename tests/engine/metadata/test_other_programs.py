"""Programs that no one here wrote read every field that we write; theirs survive in our hands."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from lxml import etree

from engine.data import sidecar_names
from engine.metadata import sidecars
from engine.metadata.values import Changes
from engine.metadata.xmp import merge, merged, parsed
from tests.engine.metadata.shapes import shape
from tests.paths import ROOT
from tests.programs import exiftool, exiftool_fields, exiv2, exiv2_fields, needs_program

DATA = ROOT / "tests" / "data" / "other_programs"
MADE_BY_OTHERS = sorted(path for path in DATA.glob("*.xmp") if not path.stem.endswith("-merged"))
OURS = Changes(
    add=(("animal", "big cat", "lion"), ("Grandma",), ("a, b & <c>",), ("日本 ä",)),
    rating=4,
    color_label="Red",
    title="Tom & “Jerry”",
    orientation=6,
)
#: What was merged into each; kept in files, so that no change of ours goes unnoticed.
MERGED = Changes(add=(("Grandma",), ("auto", "dog")), rating=5)


@pytest.fixture(params=["extension", "adobe"])
def sidecar(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A sidecar of ours in each of the two styles."""
    path = sidecar_names.sidecar_path(tmp_path / "ä b.jpg", request.param)
    sidecars.write(sidecars.read(path), OURS)
    return path


@needs_program("exiftool")
def test_exiftool_reads_every_field(sidecar: Path) -> None:
    fields = exiftool_fields(sidecar)
    assert fields["XMP-dc:Subject"] == ["lion", "Grandma", "a, b & <c>", "日本 ä"]
    assert fields["XMP-lr:HierarchicalSubject"][0] == "animal|big cat|lion"
    assert fields["XMP-digiKam:TagsList"][0] == "animal/big cat/lion"
    assert (fields["XMP-xmp:Rating"], fields["XMP-xmp:Label"]) == (4, "Red")
    assert fields["XMP-dc:Title"] == "Tom & “Jerry”"
    assert fields["XMP-tiff:Orientation"] == 6
    assert "Warning" not in exiftool("-validate", "-warning", sidecar)


@needs_program("exiv2")
def test_exiv2_reads_every_field(sidecar: Path) -> None:
    fields = exiv2_fields(sidecar)
    assert fields["Xmp.dc.subject"] == "lion, Grandma, a, b & <c>, 日本 ä"
    assert fields["Xmp.lr.hierarchicalSubject"].startswith("animal|big cat|lion, Grandma")
    assert fields["Xmp.digiKam.TagsList"].startswith("animal/big cat/lion, Grandma")
    assert (fields["Xmp.xmp.Rating"], fields["Xmp.xmp.Label"]) == ("4", "Red")
    assert fields["Xmp.dc.title"] == 'lang="x-default" Tom & “Jerry”'
    assert fields["Xmp.tiff.Orientation"] == "6"


@needs_program("exiftool")
def test_what_exiftool_writes_is_read_and_merged_with(sidecar: Path) -> None:
    exiftool(
        *("-q", "-overwrite_original", "-n", "-XMP-dc:Subject=cow", "-XMP-dc:Subject=a, b"),
        *("-XMP-lr:HierarchicalSubject=farm|cow", "-XMP-digiKam:TagsList=farm/cow"),
        *("-XMP-xmp:Rating=2", "-XMP-xmp:Label=Blue", "-XMP-dc:Title=Berta"),
        *("-XMP-tiff:Orientation=3", "-XMP-photoshop:DateCreated=2020:01:02 03:04:05"),
        sidecar,
    )
    values = parsed(sidecar.read_bytes())
    assert values.keywords == ("cow", "a, b")
    assert ("farm", "cow") in values.paths
    assert (values.rating, values.color_label, values.title) == (2, "Blue", "Berta")
    assert (values.orientation, values.date_taken) == (3, "2020-01-02T03:04:05")
    sidecars.write(sidecars.read(sidecar), Changes(add=(("dog",),)))
    assert exiftool_fields(sidecar)["XMP-dc:Subject"] == ["cow", "a, b", "dog"]


@needs_program("exiv2")
def test_what_exiv2_writes_is_read_and_merged_with(sidecar: Path) -> None:
    commands = (
        "del Xmp.dc.subject",
        "set Xmp.dc.subject XmpBag cow",
        "set Xmp.lr.hierarchicalSubject XmpBag farm|cow",
        "set Xmp.digiKam.TagsList XmpSeq farm/cow",
        "set Xmp.xmp.Rating 2",
        "set Xmp.xmp.Label Blue",
        "set Xmp.dc.title lang=x-default Berta",
        "set Xmp.tiff.Orientation 3",
    )
    exiv2(*(f"-M{command}" for command in commands), sidecar)
    values = parsed(sidecar.read_bytes())
    assert "cow" in values.keywords
    assert ("farm", "cow") in values.paths
    assert (values.rating, values.color_label, values.title) == (2, "Blue", "Berta")
    assert values.orientation == 3
    sidecars.write(sidecars.read(sidecar), Changes(add=(("dog",),)))
    assert exiv2_fields(sidecar)["Xmp.dc.subject"].endswith("cow, dog")


@pytest.mark.parametrize("path", MADE_BY_OTHERS, ids=lambda path: path.stem)
def test_every_field_of_another_program_survives_in_meaning_and_order(path: Path) -> None:
    before = path.read_bytes()
    done = merge(before, MERGED)
    assert shape(etree.fromstring(done.data)) == shape(etree.fromstring(before))
    assert done.data == path.with_name(f"{path.stem}-merged.xmp").read_bytes()
    assert merged(done.data, MERGED) == done.data
    after = parsed(done.data)
    assert after.keywords[: len(done.before.keywords)] == done.before.keywords
    assert {"Grandma", "dog"} <= set(after.keywords)
    back = parsed(merged(done.data, Changes(remove=done.added, rating=done.before.rating)))
    assert back == done.before


@pytest.mark.parametrize(
    ("name", "keywords", "rating", "label", "title"),
    [
        ("darktable-4.2.1", {"Rome", "animal", "cat", "holiday", "places"}, 4, None, "Mia"),
        ("digikam-7.9.0", {"a/b", "rocket", "Grandma"}, 2, "Red", "Mia"),
        ("digikam-7.9.0-over-ours", {"a/b", "cat", "Grandma"}, 5, "Red", "Mia"),
    ],
)
def test_what_other_programs_wrote_is_understood(
    name: str, keywords: set[str], rating: int, label: str | None, title: str
) -> None:
    values = parsed((DATA / f"{name}.xmp").read_bytes())
    assert set(values.keywords) == keywords
    assert (values.rating, values.title) == (rating, title)
    assert label in (None, values.color_label)


@pytest.mark.parametrize(
    "path", sorted(DATA.glob("digikam-7.9.0*.xmp")), ids=lambda path: path.stem
)
def test_a_keyword_with_a_separator_stays_one_after_digikam_wrote_it(path: Path) -> None:
    old = path.read_bytes()
    assert merged(old, Changes(add=(("a/b",),))) == old
    ours = merge(None, Changes(add=(("a/b",),))).added
    left = parsed(merged(old, Changes(remove=ours))).entries
    assert not {entry.text for entry in left} & {"a/b", "a／b"}


@needs_program("exiftool")
@needs_program("exiv2")
@pytest.mark.parametrize("path", MADE_BY_OTHERS, ids=lambda path: path.stem)
def test_other_readers_see_nothing_else_changed(tmp_path: Path, path: Path) -> None:
    copy = Path(shutil.copy(path, tmp_path))
    before = exiftool_fields(copy), exiv2_fields(copy)
    sidecars.write(sidecars.read(copy), MERGED)
    after = exiftool_fields(copy), exiv2_fields(copy)
    changed = {
        name
        for old, new in zip(before, after, strict=True)
        for name in old.keys() | new.keys()
        if old.get(name) != new.get(name)
    }
    ours = {"subject", "hierarchicalsubject", "tagslist", "rating"}
    assert {name.replace(":", ".").split(".")[-1].lower() for name in changed} <= ours
    for old, new in zip(before, after, strict=True):
        assert [name for name in new if name in old] == list(old)
