"""Results that are damaged, hostile or of others: told in a sentence, and the rest goes on."""

import json
import pickle
import sys

import numpy as np
import pytest

from engine.api.errors import DataError
from engine.interchange.importing import tag_files
from engine.interchange.importing.tag_files import find_tag_files, read_tag_file
from engine.interchange.importing.tag_values import Refusal, TagCheck
from engine.interchange.importing.tags import KnownModels
from engine.library.opening import open_library
from engine.records.tag_rows import tag_schema
from tests.engine.interchange.importing.tag_parts import (
    BY,
    MODEL,
    SCORES,
    imported,
    json_line,
    lines,
    make_photo,
    parquet,
    row,
    scores_in,
)

FIND = KnownModels([MODEL]).find


def read(path):
    return [row for piece in read_tag_file(path, FIND) for row in piece.rows]


def refused(path):
    with pytest.raises(DataError) as caught:
        read(path)
    message = str(caught.value)
    assert message.startswith(path.name) and "\n" not in message
    return message


# JSON lines.


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("", None),
        ("{", Refusal.BAD_ROW),
        ("3", Refusal.BAD_ROW),
        ("[]", Refusal.BAD_ROW),
        ("[" * 100_000, Refusal.BAD_ROW),
        ("1" * 5000, Refusal.BAD_ROW),
        ('{"path": 3, "labels": []}', Refusal.BAD_ROW),
        ('{"path": "", "labels": []}', Refusal.BAD_ROW),
        ('{"path": "a.jpg", "labels": 3}', Refusal.BAD_ROW),
        ('{"path": "a.jpg", "labels": ["cat"]}', Refusal.BAD_ROW),
        ('{"path": "a.jpg", "labels": [], "error": 3}', Refusal.BAD_ROW),
        (json_line("a.jpg", (float("nan"),)), Refusal.BAD_SCORES),
        (json_line("a.jpg", (float("inf"),)), Refusal.BAD_SCORES),
        (json_line("a.jpg", (-0.1,)), Refusal.BAD_SCORES),
        (json_line("a.jpg", (1.5,)), Refusal.BAD_SCORES),
        (json_line("a.jpg", (None,)), Refusal.BAD_SCORES),
        (json_line("a.jpg", (10**400,)), Refusal.BAD_SCORES),
        (json_line("a.jpg", (True,)), Refusal.BAD_SCORES),
        (json_line("a.jpg").replace('"dog"', '"cat"'), Refusal.BAD_SCORES),
        (json_line("a.jpg").replace('"dog"', '"unheard"'), Refusal.UNKNOWN_MODEL),
        (json_line("a.jpg", model="Other"), Refusal.UNKNOWN_MODEL),
        (json_line("a.jpg", model=["Small"]), Refusal.UNKNOWN_MODEL),
    ],
)
def test_a_bad_line_costs_itself_alone(tmp_path, line, fault):
    path = lines(tmp_path / "r.jsonl", json_line("x.jpg"), line, json_line("y.jpg"))
    rows = read(path)
    assert [each.path for each in rows if each.fault is None] == ["x.jpg", "y.jpg"]
    assert [each.fault for each in rows if each.fault is not None] == ([fault] if fault else [])
    assert rows[0].scores.tolist() == list(SCORES)


@pytest.mark.parametrize(
    "look", [{"size": -1}, {"size": 1.5}, {"size": 1e300}, {"mtime": 1e300}, {"mtime": "now"}]
)
def test_a_size_or_time_that_makes_no_sense_is_not_believed(tmp_path, look):
    photo = make_photo(tmp_path / "a.jpg")
    said = {"size": 5, "mtime": photo.stat().st_mtime, **look}
    with open_library(tmp_path / "l.db") as library:
        report = imported(library, lines(tmp_path / "r.jsonl", json_line(photo, **said)))
    assert report.imported == 0


def test_bytes_that_are_no_text_and_a_mark_at_the_front_do_no_harm(tmp_path):
    path = tmp_path / "r.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + json_line("x.jpg").encode() + b"\n\xff\xfe\0\n")
    assert [each.fault for each in read(path)] == [None, Refusal.BAD_ROW]


def test_a_line_without_an_end_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(tag_files, "_LONGEST_LINE", 1000)
    path = lines(tmp_path / "r.jsonl", json_line("x.jpg"), "x" * 2000)
    assert "a line of more than" in refused(path)


# CSV.

HEAD = "path,model,category,score,error"


def test_rows_of_one_photo_are_one_and_apostrophes_before_formulas_go(tmp_path):
    path = lines(
        tmp_path / "r.csv",
        HEAD,
        "'=a.jpg,Small,cat,0.5,",
        "'=a.jpg,Small,'=sum,0.25,",
        "b.jpg,Small,,,",
        "b.jpg,Small,,,",
        HEAD,
        "c.jpg,Small,,,It is cut.",
    )
    rows = read(path)
    assert [each.path for each in rows] == ["=a.jpg", "b.jpg", "b.jpg", "c.jpg"]
    assert rows[0].scores.tolist() == [0.5, 0.0, 0.25] and rows[0].is_partial
    assert rows[1].scores.tolist() == [0, 0, 0]
    assert (rows[3].error, rows[3].scores) == ("It is cut.", None)


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("a.jpg,Small,cat,nan,", Refusal.BAD_SCORES),
        ("a.jpg,Small,cat,many,", Refusal.BAD_SCORES),
        ("a.jpg,Small,cat", Refusal.BAD_SCORES),
        ("a.jpg,Other,cat,0.5,", Refusal.UNKNOWN_MODEL),
        (",Small,cat,0.5,", Refusal.BAD_ROW),
        ("a.jpg,Small,cat\x1b[2J,0.5,", Refusal.UNKNOWN_MODEL),
    ],
)
def test_a_bad_row_of_a_table_costs_itself_alone(tmp_path, line, fault):
    path = lines(tmp_path / "r.csv", HEAD, "x.jpg,Small,cat,0.5,", line, "y.jpg,Small,cat,0.5,")
    assert [each.fault for each in read(path)] == [None, fault, None]


def test_a_table_of_others_and_a_broken_one_are_told(tmp_path):
    assert "no columns path" in refused(lines(tmp_path / "r.csv", "a,b", "1,2"))
    assert "no columns path" in refused(lines(tmp_path / "r.csv"))
    long = "x" * 2_000_000
    assert "is no table from line" in refused(lines(tmp_path / "r.csv", HEAD, f"{long},a,b,1,"))


# Parquet.


@pytest.fixture
def arrow():
    pytest.importorskip("pyarrow.parquet")
    return pytest.importorskip("pyarrow")


def written(arrow, path, metadata=None, /, **columns):
    parquet_module = pytest.importorskip("pyarrow.parquet")
    said = tag_schema(BY).metadata if metadata is None else metadata
    table = arrow.table(columns).replace_schema_metadata(said)
    parquet_module.write_table(table, path)
    return path


def halves(arrow, *rows):
    return arrow.array(
        [None if r is None else list(map(np.float16, r)) for r in rows],
        arrow.list_(arrow.float16()),
    )


def test_bad_scores_of_a_row_cost_that_row_alone(arrow, tmp_path):
    rows = [SCORES, (0, float("nan"), 0), (0, 2, 0), (0, 0), (0, 0, 0, 0), None, (), SCORES]
    names = [f"{n}.jpg" for n in range(len(rows))]
    path = written(arrow, tmp_path / "r.parquet", path=names, scores=halves(arrow, *rows))
    found = read(path)
    assert [each.fault for each in found] == [None, *[Refusal.BAD_SCORES] * 6, None]
    assert found[-1].scores.tolist() == list(SCORES)


def test_missing_values_and_other_widths_are_read(arrow, tmp_path):
    path = written(
        arrow,
        tmp_path / "r.parquet",
        path=arrow.array(["a.jpg", None, "c.jpg"], arrow.large_string()),
        scores=arrow.array(
            [[0.5, 0.25, 1.0], [0.5, 0.25, 1.0], [0.5, None, 1.0]],
            arrow.large_list(arrow.float64()),
        ),
        size=arrow.array([5, None, 7], arrow.int32()),
        mtime=arrow.array([7, None, 8], arrow.timestamp("s")),
    )
    found = read(path)
    assert [each.fault for each in found] == [None, Refusal.BAD_ROW, Refusal.BAD_SCORES]
    assert (found[0].size, found[0].mtime_ns) == (5, 7_000_000_000)


@pytest.mark.parametrize("case", ["path", "scores", "text scores", "size", "mtime", "flat scores"])
def test_columns_of_wrong_types_are_refused(arrow, tmp_path, case):
    columns = {"path": ["a.jpg"], "scores": halves(arrow, SCORES), "size": [5], "mtime": [5]}
    wrong = {
        "path": {"path": [3]},
        "scores": {"scores": [["a"]]},
        "text scores": {"scores": ["0.5"]},
        "size": {"size": ["5"]},
        "mtime": {"mtime": [5.5]},
        "flat scores": {"scores": [0.5]},
    }
    path = written(arrow, tmp_path / "r.parquet", **{**columns, **wrong[case]})
    assert "of another type" in refused(path)


def test_a_time_beyond_all_numbers_is_refused(arrow, tmp_path):
    path = written(
        arrow,
        tmp_path / "r.parquet",
        path=["a.jpg"],
        scores=halves(arrow, SCORES),
        mtime=arrow.array([2**62], arrow.timestamp("ms")),
    )
    assert "damaged" in refused(path)


def test_more_scores_than_categories_are_refused_before_they_are_unpacked(arrow, tmp_path):
    path = written(
        arrow, tmp_path / "r.parquet", path=["a.jpg"], scores=halves(arrow, np.zeros(1_000_000))
    )
    assert "more scores than its 3 categories" in refused(path)


def test_a_million_categories_are_refused(arrow, tmp_path):
    names = json.dumps([f"c{n}" for n in range(1_000_000)]).encode()
    said = {**tag_schema(BY).metadata, b"csra.categories": names}
    path = written(
        arrow, tmp_path / "r.parquet", said, path=["a.jpg"], scores=halves(arrow, SCORES)
    )
    assert "damaged" in refused(path)


def test_a_path_too_long_is_refused(arrow, tmp_path):
    path = written(
        arrow, tmp_path / "r.parquet", path=["a" * 100_000], scores=halves(arrow, SCORES)
    )
    assert "too long" in refused(path)


def test_every_cut_and_many_flipped_bytes_end_in_a_sentence_or_in_rows(arrow, tmp_path):
    whole = parquet(tmp_path / "w.parquet", *(row(f"{n}.jpg") for n in range(20))).read_bytes()
    path, ends = tmp_path / "r.parquet", 0
    random = np.random.default_rng(0)
    broken = [whole[:cut] for cut in range(0, len(whole), 101)]
    for _ in range(150):
        some = bytearray(whole)
        some[int(random.integers(len(some)))] ^= int(random.integers(1, 256))
        broken.append(bytes(some))
    for content in broken:
        path.write_bytes(content)
        try:
            read(path)
        except DataError as error:
            ends += 1
            assert "\n" not in str(error)
    assert ends > 50


class Bomb:
    def __reduce__(self):
        return (sys.exit, ("a pickle was run",))


def test_nothing_in_a_file_is_unpickled(arrow, tmp_path):
    bomb = pickle.dumps(Bomb())
    field = {b"ARROW:extension:name": b"arrow.py_extension_type", b"ARROW:extension:metadata": bomb}
    schema = arrow.schema(
        [
            arrow.field("path", arrow.string(), metadata=field),
            arrow.field("scores", arrow.list_(arrow.float16())),
        ],
        {**tag_schema(BY).metadata, b"pandas": bomb},
    )
    table = arrow.table([arrow.array(["a.jpg"]), halves(arrow, SCORES)], schema=schema)
    pytest.importorskip("pyarrow.parquet").write_table(table, tmp_path / "r.parquet")
    try:
        read(tmp_path / "r.parquet")
    except DataError as error:
        assert "pickle" not in str(error)


def test_without_pyarrow_parquet_says_what_to_install_and_the_rest_comes_in(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    photo = make_photo(tmp_path / "a.jpg")
    (tmp_path / "r.parquet").write_bytes(b"PAR1")
    other = lines(tmp_path / "r.jsonl", json_line(photo))
    with open_library(tmp_path / "l.db") as library:
        report = imported(library, tmp_path / "r.parquet", other, check=TagCheck.NONE)
        assert scores_in(library) == {"a.jpg": list(SCORES)}
    assert [r"pip install 'csra-gui[parquet]'" in why for _, why in report.problems] == [True]


# Which files.


def test_folders_give_their_results_in_order_without_unfinished_ones(tmp_path):
    for name in (
        "b.parquet",
        "a.jsonl",
        "x/c.CSV",
        ".tmp.jsonl",
        "_x/d.csv",
        "report.json",
        "n.txt",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    found = find_tag_files([tmp_path, tmp_path / "a.jsonl"])
    assert [path.name for path in found] == ["a.jsonl", "b.parquet", "c.CSV"]


@pytest.mark.parametrize(
    ("name", "message"),
    [("gone", "no file or folder"), ("n.txt", "none of the files"), ("empty", "no results")],
)
def test_what_holds_no_results_is_said(tmp_path, name, message):
    (tmp_path / "n.txt").write_text("")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=message):
        find_tag_files([tmp_path / name])
