import json

import pytest

from engine.api.errors import EngineError, ModelError
from engine.records.names_file import is_wd_table, plain_names, read_names

NAMES = ("fox", "red owl", "cat")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("names.txt", "fox\nred owl\n\ncat\n"),
        ("names.txt", "\ufefffox\r\nred_owl\r\ncat"),
        ("names.csv", "id,name,category\n1,fox,0\n2,red_owl,0\n3,cat,4\n"),
        ("names.csv", "fox\nred owl\ncat\n"),
        ("names.csv", 'index,tag\n0,fox\n1,"red owl"\n2,cat\n'),
        ("names.tsv", "index\tclass\n0\tfox\n1\tred owl\n2\tcat\n"),
        ("names.json", json.dumps(NAMES)),
        ("names.json", json.dumps({"2": "cat", "0": "fox", "1": "red owl"})),
        ("names.json", json.dumps({"fox": 0, "cat": 2, "red owl": 1})),
        ("config.json", json.dumps({"id2label": dict(enumerate(NAMES)), "mean": 1})),
        ("tags.txt", json.dumps({"names": NAMES})),
        ("tags.json", json.dumps([{"name": name, "count": 3} for name in NAMES])),
    ],
)
def test_names_are_found_as_other_tools_write_them(tmp_path, name, text):
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    assert tuple(read_names(file)) == NAMES


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("names.json", b'{"0": "fox", "2": "cat"}'),
        ("names.json", b'{"zero": "fox"}'),
        ("names.json", b"[1, 2]"),
        ("names.json", b'["fox"'),
        ("names.json", b"[" * 100_000),
        ("names.csv", b"id,name\n1\n"),
        ("names.csv", b""),
        ("names.txt", b""),
        ("names.txt", b"\xff\xfe\x00"),
    ],
)
def test_what_holds_no_names_gives_one_message(tmp_path, name, content):
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(EngineError) as refused:
        read_names(file)
    assert "\n" not in str(refused.value)


def test_a_file_that_is_not_there_is_said(tmp_path):
    with pytest.raises(ModelError, match=r"no file of names 'no\.txt'"):
        read_names(tmp_path / "no.txt")


def test_underscores_become_spaces_but_in_faces():
    given = ("golden_retriever", "hat_(red)", "^_^", "o_o", ">_<", "looking_at_viewer", "t_rex")
    shown = ("golden retriever", "hat (red)", "^_^", "o_o", ">_<", "looking at viewer", "t rex")
    assert tuple(plain_names(given)) == shown


def test_a_name_that_is_there_again_gets_a_number():
    assert tuple(plain_names(("crane", "crane", "a_cat", "a cat"))) == (
        "crane", "crane (2)", "a_cat", "a cat",
    )  # fmt: skip


def test_tables_of_wd_taggers_are_known_by_their_columns(tmp_path):
    wd, other = tmp_path / "wd.csv", tmp_path / "other.csv"
    wd.write_text("tag_id,name,category,count\n1,sky,0,5\n")
    other.write_text("name\nsky\n")
    assert (is_wd_table(wd), is_wd_table(other)) == (True, False)
