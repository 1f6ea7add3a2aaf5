from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.api.categories import Categories
from engine.api.errors import DataError
from engine.api.values import Prediction
from engine.cli.output import CsvWriter, JsonLinesWriter
from engine.data.datasets.registry import load_dataset
from tests.engine.data.datasets.devkits import write_picture


def load(root: Path, split: str = "all", **options: Any) -> Any:
    return load_dataset("folder", root, split, **options)


def labels_of(images: Any) -> dict[str, set[str]]:
    return {
        identity: {c for c, has in zip(images.categories, row, strict=True) if has}
        for identity, row in zip(images.ids, images.targets, strict=True)
    }


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    root = tmp_path / "photos"
    for name in ("a.jpg", "b.jpg", "sub/c.jpg"):
        write_picture(root / name)
    return root


EXPECTED: dict[str, set[str]] = {"a.jpg": {"dog", "cat"}, "sub/c.jpg": {"dog"}, "b.jpg": set()}


@pytest.mark.parametrize(
    "text",
    [
        "path,label\na.jpg,dog\na.jpg,cat\nsub/c.jpg,dog\nb.jpg,\n",
        "image,labels,note\na.jpg,dog;cat,x\nsub/c.jpg,dog,\nb.jpg,,\n",
        "a.jpg,dog;cat\nsub/c.jpg,dog\nb.jpg,\n",
        "path,cat,dog\na.jpg,1,1\nsub/c.jpg,0,yes\nb.jpg,,0\n",
        "\ufefffile\tcat\tdog\r\na.jpg\t1\t1\r\nsub/c.jpg\t0\t1\r\nb.jpg\t0\t0\r\n",
        'path;label\na.jpg;dog\n"a.jpg";cat\nsub/c.jpg;dog\nb.jpg;\n',
    ],
)
def test_every_usual_shape_of_csv_is_read(photos: Path, text: str) -> None:
    (photos / "labels.csv").write_text(text, encoding="utf-8")
    images = load(photos)
    assert labels_of(images) == EXPECTED
    assert list(images.categories) == ["cat", "dog"]
    assert images.paths[0] == photos / "a.jpg"
    assert images.problems == ()


def test_a_list_and_the_current_folder_have_names(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (photos / "mine.csv").write_text("path,label\na.jpg,dog\nb.jpg,cat\n")
    (photos / "labels.csv").write_text("path,label\na.jpg,dog\nb.jpg,cat\n")
    monkeypatch.chdir(photos)
    assert load(Path("mine.csv")).name == "mine"
    assert load(Path()).name == "photos all"


def test_a_question_mark_means_that_nobody_knows(photos: Path) -> None:
    (photos / "labels.csv").write_text("path,cat,dog\na.jpg,1,?\n")
    images = load(photos)
    assert images.targets.tolist() == [[True, False]]
    assert images.ignored.tolist() == [[False, True]]


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_what_tag_writes_is_read_whole(photos: Path, ending: str) -> None:
    categories = Categories(("=cat", "dog"))
    file = io.StringIO()
    make = {"csv": CsvWriter, "jsonl": JsonLinesWriter}[ending]
    writer = make(file, "model", categories, 0.5)
    for path, scores in (
        (photos / "a.jpg", [0.9, 0.8]),
        (Path("photos/b.jpg"), [0.6, 0.1]),
        (Path("sub/c.jpg"), [0.1, 0.1]),
    ):
        writer.write(Prediction(path, "model", np.array(scores, np.float32)))
    (photos / f"labels.{ending}").write_text(file.getvalue())
    assert labels_of(load(photos)) == {
        "a.jpg": {"=cat", "dog"},
        "b.jpg": {"=cat"},
        "sub/c.jpg": set(),
    }


def test_lines_that_cannot_be_used_are_told(photos: Path) -> None:
    lines = [
        '{"path": "a.jpg", "labels": ["dog", {"category": "cat", "score": 0.2}]}',
        '{"path": "b.jpg", "labels": [], "error": "broken"}',
        '{"path": "b.jpg"}',
        '{"labels": ["dog"]}',
        "[" * 100_000,
        '{"path": "b.jpg", "labels": ["dog"], "score": NaN}',
        '{"path": "a.jpg", "labels": ["cat"]}',
        '{"path": "b.jpg", "labels": [5]}',
        "",
    ]
    (photos / "labels.jsonl").write_text("\n".join(lines))
    images = load(photos)
    assert labels_of(images) == {"a.jpg": {"dog"}}
    told = " ".join(images.problems)
    for message in (
        "score below 0.5, which do not count (1): cat",
        "could not be read when they were labelled (1): b.jpg",
        "without path and labels (3): line 3, line 4, line 8",
        "cannot be used (2): line 5 is not usable JSON: it is nested too deeply",
        "listed more than once; the first counts (1): a.jpg",
    ):
        assert message in told
    with pytest.raises(DataError, match="line 5"):
        load(photos, strict=True)


@pytest.mark.parametrize("between", [",", "\n", ", ", "\r\n"])
def test_text_files_beside_the_pictures_are_read(photos: Path, between: str) -> None:
    (photos / "a.txt").write_bytes(f"dog{between}cat{between}".encode())
    (photos / "sub" / "c.jpg.txt").write_text("dog")
    images = load(photos)
    assert labels_of(images) == {"a.jpg": {"dog", "cat"}, "sub/c.jpg": {"dog"}}
    assert "without a text file, which do not count (1): b.jpg" in images.problems[0]


def test_an_empty_text_file_means_no_label_and_a_broken_one_is_told(photos: Path) -> None:
    (photos / "a.txt").write_text("")
    (photos / "b.txt").write_bytes(b"\xff\xfe\x00")
    (photos / "sub" / "c.txt").write_text("dog")
    images = load(photos)
    assert labels_of(images) == {"a.jpg": set(), "sub/c.jpg": {"dog"}}
    assert "Text files that cannot be used (1)" in images.problems[0]


def test_each_folder_is_a_category_where_nothing_else_says_so(tmp_path: Path) -> None:
    for name in ("dog/2.jpg", "dog/10.jpg", "cat/deep/x.jpg", "stray.jpg"):
        write_picture(tmp_path / name)
    images = load(tmp_path)
    assert labels_of(images) == {
        "dog/2.jpg": {"dog"},
        "dog/10.jpg": {"dog"},
        "cat/deep/x.jpg": {"cat"},
    }
    assert "no category's folder, which do not count (1): stray.jpg" in images.problems[0]


@pytest.mark.parametrize("how", ["lists", "folders", "folders with lists"])
def test_splits_are_lists_or_folders(tmp_path: Path, how: str) -> None:
    for split in ("train", "val"):
        write_picture(tmp_path / split / "dog" / f"{split}.jpg")
        if how == "lists":
            (tmp_path / f"{split}.csv").write_text(f"{split}/dog/{split}.jpg,dog\n")
        elif how == "folders with lists":
            (tmp_path / split / "labels.csv").write_text(f"dog/{split}.jpg,dog\n")
    images = load(tmp_path, "val")
    assert images.paths == (tmp_path / "val" / "dog" / "val.jpg",)
    assert list(images.categories) == ["dog"]
    for wrong in ("test", "all"):
        with pytest.raises(DataError, match=f"no split '{wrong}'; it has: train, val"):
            load(tmp_path, wrong)


def test_categories_may_be_declared_so_that_splits_agree(photos: Path) -> None:
    (photos / "categories.txt").write_text("zebra\ndog\n")
    (photos / "labels.csv").write_text("a.jpg,dog;unicorn\n")
    images = load(photos)
    assert list(images.categories) == ["zebra", "dog"]
    assert "nothing else as absent (1): unicorn in a.jpg" in images.problems[0]
    assert images.problems[1] == "Categories that no image has (1): zebra."


def test_labels_that_are_no_names_are_told(photos: Path) -> None:
    (photos / "labels.csv").write_text(f"a.jpg,dog;{'x' * 300};\u202eevil\n", encoding="utf-8")
    images = load(photos)
    assert list(images.categories) == ["dog"]
    assert "absent (2)" in images.problems[0]
    assert "\u202e" not in images.problems[0]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("../secret.jpg", "lead out"),
        ("/etc/passwd", "lead out"),
        ("gone.jpg", "missing"),
        ("sub", "missing"),
        ("", "Rows without a path"),
    ],
)
def test_listed_names_that_lead_nowhere_are_told(photos: Path, name: str, message: str) -> None:
    write_picture(photos.parent / "secret.jpg")
    (photos / "labels.csv").write_text(f"a.jpg,dog\n{name},dog\n")
    images = load(photos)
    assert images.ids == ("a.jpg",)
    assert message in images.problems[0]
    with pytest.raises(DataError, match=message):
        load(photos, strict=True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "lists no images"),
        (b"\xff\xfe", "lists no images"),
        ("path,Kühe,cat\na.jpg,1,1\n".encode("latin-1"), "Line 1 of .* is not UTF-8"),
        (b"K\xfche.jpg,dog\n", r"is empty.*not UTF-8.*line 1"),
        (b"\xff\xfea", "not UTF-8"),
        (b"only,words\nhere,too\n", "no column of paths"),
        (b"a.jpg," + b"x" * 200_000, "Line 1 of .* is not CSV"),
        (b"path,cat,cat\na.jpg,1,1\n", "listed twice"),
        (b"gone.jpg,dog\n", r"no usable images.*gone\.jpg"),
    ],
)
def test_a_list_that_cannot_be_used_is_refused(photos: Path, text: bytes, message: str) -> None:
    (photos / "labels.csv").write_bytes(text)
    with pytest.raises(DataError, match=message):
        load(photos)


@pytest.mark.parametrize(
    "text",
    [
        "a.jpg,dog\nb.jpg,cat\nb.jpg,Kühe\nKühe.jpg,cat\n",
        "path,dog,cat\na.jpg,1,0\nb.jpg,ü,1\nKühe.jpg,0,1\n",
        "path,label,score\na.jpg,dog,1\nb.jpg,cat,1\nb.jpg,dog,ü\nKühe.jpg,cat,1\n",
        (
            "path,label,state\na.jpg,dog,present\na.jpg,,absent\nb.jpg,cat,present\n"
            "b.jpg,Kühe,present\nb.jpg,,absent\nKühe.jpg,cat,present\n"
        ),
    ],
)
def test_rows_in_another_encoding_are_told_and_make_no_label_absent(
    photos: Path, text: str
) -> None:
    (photos / "labels.csv").write_bytes(text.encode("latin-1"))
    images = load(photos)
    assert images.ids == ("a.jpg", "b.jpg")
    dog, cat = (images.categories.names.index(name) for name in ("dog", "cat"))
    assert images.targets[:, [dog, cat]].tolist() == [[True, False], [False, True]]
    assert not images.ignored[0].any()
    assert images.ignored[1, dog]
    assert images.unclear.tolist() == [False, True]
    assert "not UTF-8" in images.problems[0]
    assert "Save the file as UTF-8." in images.problems[0]
    with pytest.raises(DataError, match="not UTF-8"):
        load(photos, strict=True)


def test_a_heading_that_nobody_needs_may_be_in_another_encoding(photos: Path) -> None:
    text = "path,label,Größe\na.jpg,dog,1\nb.jpg,cat,2\n"
    (photos / "labels.csv").write_bytes(text.encode("cp1252"))
    assert load(photos).ids == ("a.jpg", "b.jpg")
    (photos / "labels.csv").write_bytes("path,dog,Kühe\na.jpg,1,0\n".encode("cp1252"))
    with pytest.raises(DataError, match=r"Line 1 .* Excel calls that “CSV UTF-8”"):
        load(photos)


@pytest.mark.parametrize("cells", ["2", "-1", "99", "maybe", ""])
def test_rows_of_a_wide_table_that_make_no_sense_are_told(photos: Path, cells: str) -> None:
    row = f"b.jpg,{cells},1" if cells else "b.jpg"
    (photos / "labels.csv").write_text(f"path,cat,dog\na.jpg,1,1\n{row}\n")
    images = load(photos)
    assert images.ids == ("a.jpg",)
    assert "line 3" in images.problems[0]


def test_a_folder_without_labels_or_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no pictures"):
        load(tmp_path)
    write_picture(tmp_path / "a.jpg")
    with pytest.raises(DataError, match="has no labels"):
        load(tmp_path)
    with pytest.raises(DataError, match="There is no folder"):
        load(tmp_path / "nowhere")


def test_grey_pictures_are_as_good_as_any(tmp_path: Path) -> None:
    write_picture(tmp_path / "dog" / "a.png", mode="L")
    assert load(tmp_path).ids == ("dog/a.png",)


def test_files_of_kinds_that_are_not_opened_are_told(tmp_path: Path) -> None:
    write_picture(tmp_path / "cat" / "a.jpg")
    (tmp_path / "cat" / "b.MOV").touch()
    assert load(tmp_path).problems == ("1 file left out: 1 MOV.",)
    (tmp_path / "only" / "cat").mkdir(parents=True)
    (tmp_path / "only" / "cat" / "b.psd").touch()
    with pytest.raises(DataError, match=r"that can be opened\. 1 file left out: 1 PSD\.$"):
        load(tmp_path / "only")
