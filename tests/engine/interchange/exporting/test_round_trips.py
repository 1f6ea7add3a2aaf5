"""What is exported is read back as it was, in every format."""

from __future__ import annotations

import contextlib
import csv
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine import cli
from engine.api.categories import Categories
from engine.api.values import Prediction
from engine.data.datasets.labelled import LabelledImages
from engine.data.datasets.registry import load_dataset, recognise
from engine.interchange.exporting.choice import PIECE, ChosenImages, ExportChoice
from engine.interchange.exporting.formats import FORMATS
from engine.interchange.exporting.job import export
from engine.interchange.exporting.values import (
    ExportError,
    ExportOptions,
    ExportReport,
    WhichLabels,
)
from engine.library.opening import open_library
from engine.library.store import Library
from engine.library.values import LibraryModel, Verdict, Wish, look_at
from tests.engine.export_readers import READERS
from tests.engine.images import save_image

MODEL = LibraryModel("abc", "Small", Categories(("dog", "person", "traffic light", "cat")))
ADDED, ACCEPTED, REJECTED = Verdict.ADDED, Verdict.ACCEPTED, Verdict.REJECTED
#: Names that some format or other could take for something else.
ODD = ("=1+1", "'=x", "+a", "-b", "@c", "salt, pepper; vinegar", "Oma & <Opa>", "CON", "Bäume", "*")
Labels = dict[str, dict[str, bool | None]]


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    (tmp_path / "photos" / "more").mkdir(parents=True)
    names = ("a.jpg", "=b.png", " c, d.jpg", "ä.e.jpg", "more/a.jpg", "unseen.jpg")
    return [save_image(tmp_path / "photos" / name, 8, 6) for name in names]


@pytest.fixture
def library(tmp_path: Path, photos: list[Path]) -> Iterator[Library]:
    with open_library(tmp_path / "library.db") as opened:
        files = [file for path in photos if (file := look_at(path))]
        ids = opened.add_images(files)
        opened.add_model(MODEL)
        scores = [(0.9, 0.2, 0.1, 0.7), (0.1, 0.8, 0.1, 0.1), (0.3, 0.1, 0.1, 0.1)] * 2
        opened.record_predictions(
            MODEL.fingerprint,
            [
                Prediction(path, "abc", np.array(row, dtype=np.float32), 8, 6)
                for path, row in zip(photos[:5], scores[:5], strict=True)
            ],
        )
        wishes = [Wish(ids[0], "dog", ACCEPTED), Wish(ids[0], "cat", REJECTED)]
        wishes += [Wish(ids[1], name, ADDED) for name in ODD]
        wishes += [Wish(ids[2], "dog", ADDED), Wish(ids[3], ODD[0], REJECTED)]
        wishes += [Wish(ids[4], "cat", ADDED), Wish(ids[4], "Grandma", ADDED)]
        opened.decide(wishes, who="me", caption="Test", reviewed={ids[0]: True, ids[2]: True})
        yield opened


def exported(
    library: Library,
    name: str,
    target: Path,
    which: WhichLabels = WhichLabels.BOTH,
    options: ExportOptions | None = None,
) -> ExportReport:
    ids = library.ids_below(target.parent / "photos", recursive=True)
    if not len(ids):
        ids = library.ids_below(target.parent, recursive=True)
    work = export(library, ExportChoice(ids, which, MODEL), name, target, options)
    while True:
        try:
            next(work)
        except StopIteration as end:
            report: ExportReport = end.value
            return report


def read_back(name: str, target: Path) -> LabelledImages:
    kind, split = READERS[name]
    return load_dataset(kind, target, split, strict=True, follow_links=True)


def labels_of(images: LabelledImages) -> Labels:
    """By the picture: which labels it has, has not, and nobody knows."""
    return {
        path.resolve().as_posix(): {
            label: None if images.ignored[row, place] else bool(images.targets[row, place])
            for place, label in enumerate(images.categories)
        }
        for row, path in enumerate(images.paths)
    }


def expected(photos: list[Path], which: WhichLabels) -> Labels:
    """Worked out from the fixture, by hand."""
    odd = dict.fromkeys(ODD)
    nothing = {**dict.fromkeys(MODEL.categories), **odd, "Grandma": None}
    no = dict.fromkeys(nothing, False)
    if which is WhichLabels.ACCEPTED:
        said = [
            {**no, "dog": True},
            {**nothing, **dict.fromkeys(ODD, True)},
            {**no, "dog": True},
            {**nothing, ODD[0]: False},
            {**nothing, "cat": True, "Grandma": True},
        ]
        for row in said:
            del row["person"], row["traffic light"]
    else:
        machine = dict.fromkeys(MODEL.categories, False)
        said = [
            {**no, "dog": True},
            {**nothing, **machine, "person": True, **dict.fromkeys(ODD, True)},
            {**no, "dog": True},
            {**nothing, **machine, "dog": True, "cat": True, ODD[0]: False},
            {**nothing, **machine, "person": True, "cat": True, "Grandma": True},
        ]
    return {path.resolve().as_posix(): row for path, row in zip(photos, said, strict=False)}


@pytest.mark.parametrize("which", [WhichLabels.ACCEPTED, WhichLabels.BOTH])
@pytest.mark.parametrize("beside", [True, False], ids=["beside", "elsewhere"])
@pytest.mark.parametrize("name", FORMATS)
def test_what_is_exported_is_read_back(
    library: Library, photos: list[Path], name: str, beside: bool, which: WhichLabels
) -> None:
    folder = photos[0].parent if beside else photos[0].parent.parent
    target = folder / f"labels{FORMATS[name].suffix}"
    report = exported(library, name, target, which, ExportOptions(all_scores=True))
    wanted = expected(photos, which)
    if name == "folders" and which is WhichLabels.ACCEPTED:
        del wanted[photos[3].resolve().as_posix()]  # no label, so no folder

    found = read_back(name, target)
    assert labels_of(found) == wanted
    assert found.unclear is not None  # else recipes would count unknown as absent
    assert found.unclear.tolist() == found.ignored.any(axis=1).tolist()
    assert report.written == len(wanted)
    assert not list(folder.glob(".csra-tmp-*"))


@pytest.mark.parametrize("name", [name for name in FORMATS if not FORMATS[name].suffix])
def test_folders_are_recognised(library: Library, tmp_path: Path, name: str) -> None:
    exported(library, name, tmp_path / "out")
    found = recognise(tmp_path / "out")
    kind, split = READERS[name]
    if name != "official":  # whose own name the reader wants to be told
        assert found == (kind, (split,))


@pytest.mark.parametrize("name", [name for name in FORMATS if FORMATS[name].has_pictures])
def test_copies_need_no_links(library: Library, tmp_path: Path, name: str) -> None:
    exported(library, name, tmp_path / "out", options=ExportOptions(copies=True))
    files = [path for path in (tmp_path / "out").rglob("*") if not path.is_dir()]

    assert not any(path.is_symlink() for path in files)
    kind, split = READERS[name]
    assert len(load_dataset(kind, tmp_path / "out", split, strict=True)) == 5


def table_rows(target: Path) -> list[dict[str, str]]:
    with target.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_table_has_rows_for_what_is_there_or_decided_and_all_scores_if_asked(
    library: Library, photos: list[Path]
) -> None:
    target = photos[0].parent / "labels.csv"
    exported(library, "csv", target)
    of_a = [row for row in table_rows(target) if row["path"] == "a.jpg"]
    assert [(r["label"], r["state"], r["source"], r["score"]) for r in of_a] == [
        ("dog", "present", "person", "0.8999"),
        ("cat", "absent", "person", ""),
        ("", "absent", "", ""),
    ]
    # Of the fifth one nobody knows of ODD, so no more can be said of what is not listed.
    of_more = [row for row in table_rows(target) if row["path"] == "more/a.jpg"]
    assert {r["label"]: r["state"] for r in of_more} == {
        **dict.fromkeys(("cat", "person", "Grandma"), "present"),
        "": "unknown",
    }
    exported(library, "csv", target, options=ExportOptions(all_scores=True))
    of_a = [row for row in table_rows(target) if row["path"] == "a.jpg"]
    scores = {r["label"]: (r["state"], r["score"]) for r in of_a}
    assert len(of_a) == len(MODEL.categories) + len(ODD) + 2
    assert scores["person"] == ("absent", "0.2") and scores["cat"] == ("absent", "0.7002")


def test_no_cell_of_a_table_is_a_formula_and_excel_knows_its_encoding(
    library: Library, photos: list[Path]
) -> None:
    target = photos[0].parent / "labels.csv"
    exported(library, "csv", target, options=ExportOptions(bom=True))

    assert target.read_bytes().startswith(b"\xef\xbb\xbf")
    with target.open(encoding="utf-8-sig", newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))]
    assert "'=1+1" in cells
    assert "''=x" in cells


@pytest.mark.slow
@pytest.mark.parametrize("name", FORMATS)
def test_a_cancelled_export_leaves_what_was_there(
    library: Library, tmp_path: Path, name: str
) -> None:
    target = tmp_path / f"out{FORMATS[name].suffix}"
    if FORMATS[name].suffix:
        target.write_text("old")
    before = sorted(tmp_path.iterdir())
    ids = library.ids_below(tmp_path / "photos", recursive=True)
    work = export(library, ExportChoice(np.tile(ids, PIECE)), name, target)
    with contextlib.closing(work):
        next(work)

    assert sorted(tmp_path.iterdir()) == before
    assert not FORMATS[name].suffix or target.read_text() == "old"


def test_a_folder_that_is_in_use_is_left_alone(library: Library, photos: list[Path]) -> None:
    with pytest.raises(ExportError, match="there already"):
        exported(library, "voc", photos[0].parent)
    assert all(path.is_file() for path in photos)


@pytest.mark.parametrize("name", FORMATS)
def test_a_place_without_a_folder_is_said(library: Library, tmp_path: Path, name: str) -> None:
    with pytest.raises(ExportError, match=r"There is no folder .*nowhere"):
        exported(library, name, tmp_path / "nowhere" / "x")
    assert library.begun_exports() == []


def test_the_source_of_each_label_and_what_was_rejected_is_told(
    library: Library, photos: list[Path]
) -> None:
    target = photos[0].parent / "labels.jsonl"
    exported(library, "jsonl", target)
    rows = {row["path"]: row for row in map(json.loads, target.read_text().splitlines())}

    assert rows["a.jpg"]["labels"] == [{"label": "dog", "source": "person", "score": 0.8999}]
    assert rows["a.jpg"]["rejected"] == ["cat"]
    assert {"label": "person", "source": "machine", "score": 0.7998} in rows["=b.png"]["labels"]


@pytest.mark.parametrize("text", ["date:2019-05-17", "camera:acme", "NOT (date:>2019 OR tags:=9)"])
def test_a_filter_reads_the_dates_that_nobody_has_read_yet(
    library: Library, photos: list[Path], text: str
) -> None:
    exif = Image.Exif()
    exif[0x010F], exif[0x0132] = "Acme", "2019:05:17 12:00:00"
    Image.new("RGB", (8, 6)).save(photos[1], exif=exif)
    ids = library.add_images([file for path in photos if (file := look_at(path))])
    choice = ExportChoice(np.array(ids, dtype=np.int64), WhichLabels.BOTH, MODEL, None, text)
    pieces = ChosenImages(library, choice).pieces()
    assert [image.path for piece in pieces for image in piece] == [photos[1]]


@pytest.mark.parametrize("name", FORMATS)
def test_it_is_said_if_the_list_is_too_large_to_be_read_again(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    said = "cannot read it again"
    assert said not in exported(library, name, tmp_path / "a").text()
    monkeypatch.setitem(FORMATS, name, replace(FORMATS[name], most_bytes=100))
    report = exported(library, name, tmp_path / "b")
    assert (said in report.text()) == (name != "voc")  # which has a file for each photo


def test_the_command_exports_what_a_filter_wants(
    library: Library, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = library.path
    library.close()
    target = tmp_path / "out.jsonl"
    arguments = ["export", tmp_path / "photos", "-r", "--format", "jsonl", "--output", target]
    status = cli.run([str(a) for a in (*arguments, "--library", place, "--filter", "tag:Grandma")])

    assert status == 0, capsys.readouterr().err
    assert [json.loads(line)["path"] for line in target.read_text().splitlines()] == [
        "photos/more/a.jpg"
    ]
    assert "1 photo exported" in capsys.readouterr().err
