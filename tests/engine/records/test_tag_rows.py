"""Rows of Parquet with what was found in photos."""

import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from engine.api.categories import Categories
from engine.api.errors import DataError
from engine.api.values import Prediction
from engine.records.tag_rows import (
    ROWS_AT_ONCE,
    FileLook,
    TaggedBy,
    TagRow,
    tag_row,
    tag_schema,
    tagged_by,
    write_tag_rows,
    written_path,
)

BY = TaggedBy("Small", "abc", Categories(("cat", "dog", "=SUM(A1)")))


def found(name="a.jpg", scores=(0.2, 0.9, 0.6), error=None):
    values = np.array(() if error else scores, np.float32)
    size = (0, 0) if error else (40, 30)
    return Prediction(Path(name), "abc", values, *size, error=error)


def row(*args, look=None, **more):
    return tag_row(found(*args, **more), BY.categories, 0.5, look or FileLook(12, 34, "00ff"))


def read(file):
    return pytest.importorskip("pyarrow.parquet").read_table(file)


@pytest.fixture
def file(tmp_path):
    pytest.importorskip("pyarrow")
    return tmp_path / "rows.parquet"


def test_a_file_has_the_promised_columns_and_says_what_its_scores_are_of(file):
    write_tag_rows(file, [row()], BY)
    table = read(file)
    assert {f.name: str(f.type) for f in table.schema} == {
        "path": "string",
        "size": "int64",
        "mtime": "timestamp[ns, tz=UTC]",
        "sha256": "string",
        "model": "string",
        "width": "int32",
        "height": "int32",
        "labels": "list<element: string>",
        "scores": "list<element: halffloat>",
        "error": "string",
    }
    assert tagged_by(table.schema.metadata, "rows.parquet") == BY


def test_a_row_says_what_the_model_said_and_how_the_file_looked(file):
    write_tag_rows(file, [row()], BY)
    (back,) = read(file).to_pylist()
    np.testing.assert_allclose(back.pop("scores"), [0.2, 0.9, 0.6], atol=5e-4)
    back.pop("mtime")
    assert back == {
        "path": "a.jpg",
        "size": 12,
        "sha256": "00ff",
        "model": "Small",
        "width": 40,
        "height": 30,
        "labels": ["dog", "=SUM(A1)"],
        "error": None,
    }
    assert read(file)["mtime"].cast("int64").to_pylist() == [34]


def test_a_bad_photo_is_a_row_among_the_others(file):
    rows = [row("a.jpg"), row("b.jpg", error="It is damaged."), row("c.jpg", look=FileLook())]
    write_tag_rows(file, rows, BY)
    back = read(file).to_pylist()
    assert [each["error"] for each in back] == [None, "It is damaged.", None]
    assert [each["scores"] is None for each in back] == [False, True, False]
    assert [each["width"] for each in back] == [40, None, 40]
    assert [each["labels"] for each in back] == [["dog", "=SUM(A1)"], [], ["dog", "=SUM(A1)"]]
    assert [each["size"] for each in back] == [12, 12, None]


def test_rows_of_several_groups_come_back_in_order(file):
    scores = np.linspace(0, 1, 3, dtype=np.float32)
    count = ROWS_AT_ONCE + 3
    rows = (TagRow(str(n), FileLook(n, n), 1, 1, (), scores, None) for n in range(count))
    write_tag_rows(file, rows, BY)
    table = read(file)
    assert table["path"].to_pylist() == [str(n) for n in range(count)]
    assert table["size"].to_pylist() == list(range(count))


def test_no_rows_are_a_file_too(file):
    write_tag_rows(file, [], BY)
    assert read(file).num_rows == 0
    assert tagged_by(read(file).schema.metadata, "x") == BY


@pytest.mark.skipif(os.name == "nt", reason="names on Windows are text")
def test_a_name_that_is_no_text_can_be_written_and_told_from_others(file):
    names = [os.fsdecode(b"caf\xe9.jpg"), os.fsdecode(b"caf\xea.jpg"), "café.jpg"]
    write_tag_rows(file, [row(name) for name in names], BY)
    assert read(file)["path"].to_pylist() == [r"caf\xe9.jpg", r"caf\xea.jpg", "café.jpg"]
    assert written_path(Path("ü")) == "ü"


def test_a_file_that_is_away_has_no_look(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    os.utime(tmp_path / "a", ns=(5, 7_000_000_000))
    assert FileLook.at(tmp_path / "a") == FileLook(3, 7_000_000_000)
    assert FileLook.at(tmp_path / "b") == FileLook.at(Path("\0")) == FileLook()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({b"csra.format": b"2"}, "later version"),
        ({b"csra.format": b"one"}, "damaged"),
        ({b"csra.categories": b"["}, "damaged"),
        ({b"csra.categories": b"[" * 100_000}, "damaged"),
        ({b"csra.categories": b'{"a": 1}'}, "damaged"),
        ({b"csra.categories": json.dumps(["a", "a"]).encode()}, "damaged"),
        ({b"csra.categories": json.dumps(["a\n"]).encode()}, "damaged"),
        ({b"csra.model": b"\xff"}, "damaged"),
    ],
)
def test_metadata_of_others_are_refused_with_a_sentence(changed, message):
    pytest.importorskip("pyarrow")
    metadata = {**tag_schema(BY).metadata, **changed}
    with pytest.raises(DataError, match=message):
        tagged_by(metadata, "x.parquet")


def test_a_file_of_another_program_is_told(file):
    with pytest.raises(DataError, match="no result of csra tag"):
        tagged_by(None, "x.parquet")


def test_without_pyarrow_a_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(DataError, match=r"csra-gui\[parquet\]"):
        tag_schema(BY)
