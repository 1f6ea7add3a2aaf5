"""Importing labels that files have: read, mapped, taken over as one edit, and nothing twice."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest

from engine.api.label_names import SHIPPED_NAMES
from engine.interchange.exporting.choice import ExportChoice
from engine.interchange.exporting.formats import FORMATS
from engine.interchange.exporting.job import export
from engine.interchange.exporting.values import ExportOptions
from engine.interchange.importing.job import import_labels, read_keywords, read_lists
from engine.interchange.importing.mapping import (
    KnownLabels,
    idle_text,
    propose,
    read_mapping_table,
    write_mapping_table,
)
from engine.interchange.importing.values import (
    FoundLabels,
    FoundPhoto,
    ImportReport,
    ImportSource,
    LabelImportError,
)
from engine.interchange.writing.job import write
from engine.interchange.writing.values import WriteOptions
from engine.library.opening import open_library
from engine.library.store import Library
from engine.library.values import Verdict, Wish, look_at
from engine.metadata.values import Changes
from engine.metadata.xmp import merge
from tests.engine.images import save_image

T = TypeVar("T")
TXT = (ImportSource.TXT,)
ALL = (ImportSource.SIDECAR, ImportSource.EMBEDDED, ImportSource.TXT)


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with open_library(tmp_path / "library.db") as library:
        yield library


def result(work: Generator[object, None, T]) -> T:
    while True:
        try:
            next(work)
        except StopIteration as end:
            value: T = end.value
            return value


def photo(folder: Path, name: str = "a.png") -> Path:
    folder.mkdir(exist_ok=True)
    return save_image(folder / name, 4, 4)


def sidecar(photo: Path, *paths: tuple[str, ...], name: str = "") -> Path:
    path = photo.with_name(name or f"{photo.name}.xmp")
    path.write_bytes(merge(None, Changes(add=paths), path.name).data)
    return path


def taken(
    library: Library, found: FoundLabels, mapping: dict[str, str] | None = None
) -> ImportReport:
    known = KnownLabels.of(library)
    proposed = propose([use.name for use in found.uses], known) | (mapping or {})
    return result(import_labels(library, found, proposed, who="anna", caption="Import"))


def said(library: Library) -> dict[tuple[str, str], Verdict]:
    files = library.files()
    return {
        (files[image].path.name, label): verdict
        for image, label, verdict in library.stored(files).verdicts
    }


def names_of(found: FoundLabels) -> dict[str, set[str]]:
    return {one.path.name: set(one.names) for one in found.photos}


@pytest.mark.parametrize("style", ["a.png.xmp", "a.xmp", "a.png.XMP"])
def test_keywords_of_sidecars_are_found_with_what_they_lie_under(
    library: Library, tmp_path: Path, style: str
) -> None:
    path = photo(tmp_path)
    sidecar(path, ("animal", "dog"), ("beach",), name=style)
    found = result(read_keywords(library, [path]))
    assert {"animal|dog", "beach"} <= names_of(found)["a.png"]
    assert "dog" not in names_of(found)["a.png"]


@pytest.mark.parametrize("name", ["a.txt", "a.png.txt"])
def test_keywords_of_texts_are_found_in_both_styles_of_name(
    library: Library, tmp_path: Path, name: str
) -> None:
    path = photo(tmp_path)
    (tmp_path / name).write_text("dog, my sofa\n")
    assert names_of(result(read_keywords(library, [path], TXT))) == {"a.png": {"dog", "my sofa"}}
    assert names_of(result(read_keywords(library, [path]))) == {}


def test_the_raw_of_a_pair_is_read_for_its_photo(library: Library, tmp_path: Path) -> None:
    path, raw = photo(tmp_path, "a.jpg"), tmp_path / "a.cr2"
    raw.write_bytes(b"no picture")
    sidecar(raw, ("owl",))
    found = result(read_keywords(library, [path], others={path: [raw]}))
    assert names_of(found) == {"a.jpg": {"owl"}}


def test_what_we_wrote_ourselves_is_not_taken_for_a_keyword_of_the_file(
    library: Library, tmp_path: Path
) -> None:
    path = photo(tmp_path)
    sidecar(path, ("beach",))
    (image,) = library.add_images([file for file in [look_at(path)] if file])
    library.decide([Wish(image, "dog", Verdict.ACCEPTED)], who="anna", caption="Accept")
    result(write(library, ExportChoice(np.array([image])), WriteOptions()))
    assert names_of(result(read_keywords(library, [path]))) == {"a.png": {"beach"}}


def test_an_import_is_one_edit_whose_undo_survives_a_restart(tmp_path: Path) -> None:
    paths = [photo(tmp_path, f"{i}.png") for i in range(3)]
    for path in paths:
        sidecar(path, ("dog",), ("beach",))
    with open_library(tmp_path / "l.db") as library:
        report = taken(library, result(read_keywords(library, paths)))
        assert (report.labels, report.photos) == (6, 3)
        assert set(said(library).values()) == {Verdict.IMPORTED}
    with open_library(tmp_path / "l.db") as library:
        assert library.next_captions() == ("Import", "")
        library.undo()
        assert said(library) == {}
        library.redo()
        assert len(said(library)) == 6


def test_what_a_person_decided_stays_and_a_second_import_changes_nothing(
    library: Library, tmp_path: Path
) -> None:
    path = photo(tmp_path)
    sidecar(path, ("dog",), ("cat",), ("beach",))
    (image,) = library.add_images([file for file in [look_at(path)] if file])
    decided = [Wish(image, "dog", Verdict.REJECTED), Wish(image, "cat", Verdict.ACCEPTED)]
    library.decide(decided, who="anna", caption="Decide")
    found = result(read_keywords(library, [path]))
    report = taken(library, found)
    assert (report.labels, report.known) == (1, 2)
    once = said(library)
    assert once == {
        ("a.png", "dog"): Verdict.REJECTED,
        ("a.png", "cat"): Verdict.ACCEPTED,
        ("a.png", "beach"): Verdict.IMPORTED,
    }
    again = taken(library, found)
    assert (again.labels, again.edit_id) == (0, 0)
    assert said(library) == once
    assert library.next_captions()[0] == "Import"


def test_writing_neither_adds_nor_removes_what_the_file_had(
    library: Library, tmp_path: Path
) -> None:
    path = photo(tmp_path)
    file = sidecar(path, ("animal", "dog"), ("beach",))
    before = file.read_bytes()
    taken(library, result(read_keywords(library, [path])), {"animal": ""})
    ids = np.array(list(library.files()))
    result(write(library, ExportChoice(ids), WriteOptions()))
    written = file.read_bytes()
    assert library.own_entries([file]).get(file, ()) == () or written != before
    library.undo()
    result(write(library, ExportChoice(ids), WriteOptions()))
    assert {"animal|dog", "beach"} <= names_of(result(read_keywords(library, [path])))["a.png"]


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("dog", "dog"),
        ("DOG", "dog"),
        ("animal|dog", "dog"),
        ("a|b|Dining_Table", "dining table"),
        ("diningtable", "dining table"),
        ("My Sofa at Home", "My Sofa at Home"),
        ("my sofa", "My sofa"),
        ("darktable|exported", ""),
        ("x" * 300, ""),
        ("evil\u202egnp", ""),
        ("two\nlines", ""),
        ("|", ""),
        ("animal|", ""),
        ("=HYPERLINK(1)", "=HYPERLINK(1)"),
    ],
)
def test_names_mean_the_label_that_there_is_or_a_new_one(name: str, label: str) -> None:
    known = KnownLabels(["dog", "dining table", "My sofa"], SHIPPED_NAMES)
    assert propose([name], known) == {name: label}


def test_a_table_of_names_comes_back_as_it_was_kept(tmp_path: Path) -> None:
    mapping = {"Hund": "dog", "=1+1": "-x", "a|b": "", "q\"'": "ä;ö", "'=x": "'-y", "+": ""}
    write_mapping_table(tmp_path / "m.csv", mapping)
    assert read_mapping_table(tmp_path / "m.csv") == mapping
    lines = (tmp_path / "m.csv").read_text().splitlines()[1:]
    assert not any(cell[:1] in "=+-@" for line in lines for cell in line.split(",") if cell)


@pytest.mark.parametrize(
    "data",
    [b"a,b,c\n", b",dog\n", b"a,evil\xe2\x80\xae\n", b"Gr\xf6\xdfe,dog\n", b'a,"' + b"x" * 300],
)
def test_a_bad_table_of_names_is_refused_with_a_sentence(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "m.csv").write_bytes(data)
    with pytest.raises(LabelImportError, match=r"m\.csv"):
        read_mapping_table(tmp_path / "m.csv")


def test_a_table_of_names_may_come_from_excel(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("Keyword;Meaning\nBäume;tree\n", encoding="utf-16")
    assert read_mapping_table(tmp_path / "m.csv") == {"Bäume": "tree"}
    (tmp_path / "m.csv").write_bytes("Bäume,tree\n".encode("cp1252"))
    with pytest.raises(LabelImportError, match=r"Line 1 .* Excel calls that “CSV UTF-8”"):
        read_mapping_table(tmp_path / "m.csv")


def test_names_of_a_table_that_no_photo_has_are_told_once(tmp_path: Path) -> None:
    table = {"Wort": "Bedeutung", "Hund": "dog", "Hnd": "dog"}
    said = idle_text(table, ["Hund", "Katze"], tmp_path / "m.csv")
    assert "2 names that are on no photo: Wort, Hnd." in said
    assert said.endswith("If its first line is headings, they have to be name,label.")
    assert "headings" not in idle_text({"Hund": "", "x": ""}, ["Hund"], tmp_path / "m.csv")
    assert idle_text(table, table, tmp_path / "m.csv") == ""


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_our_own_exports_come_back_with_their_decisions(tmp_path: Path, name: str) -> None:
    paths = [photo(tmp_path / "photos", f"{i}.png") for i in range(3)]
    wanted = {
        ("0.png", "dog"): Verdict.IMPORTED,
        ("0.png", "my sofa"): Verdict.IMPORTED,
        ("1.png", "dog"): Verdict.IMPORTED,
        ("1.png", "my sofa"): Verdict.REJECTED,
        ("2.png", "cat"): Verdict.IMPORTED,
    }
    with open_library(tmp_path / "first.db") as first:
        ids = first.add_images([file for path in paths if (file := look_at(path))])
        of = {path.name: image for path, image in zip(paths, ids, strict=True)}
        word = {Verdict.IMPORTED: Verdict.ACCEPTED, Verdict.REJECTED: Verdict.REJECTED}
        wishes = [Wish(of[file], label, word[v]) for (file, label), v in wanted.items()]
        first.decide(wishes, who="anna", caption="Decide")
        target = tmp_path / f"out{FORMATS[name].suffix}"
        result(export(first, ExportChoice(np.array(ids)), name, target, ExportOptions()))
    with open_library(tmp_path / "second.db") as second:
        found = result(read_lists([target]))
        report = taken(second, found)
        assert said(second) == wanted
        assert {file.path for file in second.files().values()} == set(paths)
        assert (report.labels, report.rejected, report.photos) == (4, 1, 3)


@pytest.mark.parametrize(
    "content", [b"", b"\0" * 50, b"<x:xmpmeta", b'<!DOCTYPE a [<!ENTITY b "c">]>']
)
def test_one_bad_file_never_stops_the_others(
    library: Library, tmp_path: Path, content: bytes
) -> None:
    good, bad = photo(tmp_path, "a.png"), photo(tmp_path, "b.png")
    sidecar(good, ("dog",))
    (tmp_path / "b.png.xmp").write_bytes(content)
    gone = tmp_path / "gone.png"
    found = result(read_keywords(library, [bad, gone, good], ALL))
    assert names_of(found) == {"a.png": {"dog"}}
    assert {path.name for path, _ in found.problems} <= {"b.png.xmp", "gone.png"}
    assert found.problems


def test_bad_lists_and_missing_photos_are_told(library: Library, tmp_path: Path) -> None:
    path = photo(tmp_path)
    (tmp_path / "bad.csv").write_text("nothing\n")
    (tmp_path / "good.csv").write_text("path,label\na.png,dog\ngone.png,cat\n")
    found = result(read_lists([tmp_path / "bad.csv", tmp_path / "good.csv"]))
    assert names_of(found) == {path.name: {"dog"}}
    assert {place.name for place, _ in found.problems} == {"bad.csv", "good.csv"}
    path.unlink()
    report = taken(library, found)
    assert (report.vanished, report.labels) == (1, 0)


@pytest.mark.slow
def test_ten_thousand_keywords_and_one_of_ten_megabytes_do_no_harm(
    library: Library, tmp_path: Path
) -> None:
    many, huge = photo(tmp_path, "a.png"), photo(tmp_path, "b.png")
    (tmp_path / "a.txt").write_text(", ".join(f"word {i}" for i in range(10_000)))
    sidecar(huge, ("w" * 10_000_000,), ("dog",))
    found = result(read_keywords(library, [many, huge], ALL))
    assert len(names_of(found)["a.png"]) == 10_000
    assert max(len(name) for one in found.photos for name in one.names) <= 800
    report = taken(library, found)
    assert report.labels >= 10_000


def test_closing_an_import_midway_changes_no_decision(library: Library, tmp_path: Path) -> None:
    paths = [photo(tmp_path, f"{i}.png") for i in range(3)]
    found = FoundLabels(tuple(FoundPhoto(path, ("dog",)) for path in paths), 3)
    work = import_labels(library, found, {"dog": "dog"}, who="anna", caption="Import")
    next(work)
    work.close()
    assert said(library) == {}
    assert library.next_captions() == ("", "")


def test_a_label_that_it_has_goes_before_one_that_was_wrong(
    library: Library, tmp_path: Path
) -> None:
    path = photo(tmp_path)
    found = FoundLabels((FoundPhoto(path, ("Hund",), ("dog", "cat")),), 1)
    taken(library, found, {"Hund": "dog"})
    assert said(library) == {
        ("a.png", "dog"): Verdict.IMPORTED,
        ("a.png", "cat"): Verdict.REJECTED,
    }
