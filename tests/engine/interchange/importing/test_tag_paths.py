"""Where photos are here that were tagged under other paths."""

import os
from pathlib import Path

import pytest

from engine.api.errors import EngineError
from engine.interchange.importing.tag_paths import PathMap, PathRule, goes_up, read_rule, with_bytes

posix = pytest.mark.skipif(os.name == "nt", reason="paths here are those of POSIX")


def mapped(text, *rules, base=None):
    return PathMap(tuple(PathRule.of(*rule) for rule in rules), base).place(text)


@posix
@pytest.mark.parametrize(
    ("text", "rules", "found"),
    [
        ("/mnt/a/x.jpg", [("/mnt/a", "/home/me")], "/home/me/x.jpg"),
        ("/mnt/a/b/x.jpg", [("/mnt/a/", "/home/me/")], "/home/me/b/x.jpg"),
        ("/mnt/a/b/x.jpg", [("/mnt", "/one"), ("/mnt/a/b", "/two")], "/two/x.jpg"),
        ("/mnt/ab/x.jpg", [("/mnt/a", "/home/me")], "/mnt/ab/x.jpg"),
        (r"D:\Photos\2024\x.jpg", [("D:\\", "/disk")], "/disk/Photos/2024/x.jpg"),
        (r"d:\photos\2024\x.JPG", [(r"D:\Photos", "/disk")], "/disk/2024/x.JPG"),
        ("D:/Photos/x.jpg", [("D:", "/disk")], "/disk/Photos/x.jpg"),
        (r"\\server\share\in\x.jpg", [(r"\\Server\Share", "/nas")], "/nas/in/x.jpg"),
        ("sub/x.jpg", [("", "/home/me")], "/home/me/sub/x.jpg"),
        ("/abs/x.jpg", [("", "/home/me")], "/abs/x.jpg"),
        ("../photos/x.jpg", [("../photos", "/home/me")], "/home/me/x.jpg"),
        ("/mnt/a/./x.jpg", [("/mnt/a", "/home/me")], "/home/me/x.jpg"),
    ],
)
def test_a_path_of_another_computer_is_found_here(text, rules, found):
    assert mapped(text, *rules) == Path(found)


@posix
@pytest.mark.parametrize(
    ("text", "rules"),
    [
        (r"D:\Photos\x.jpg", []),
        (r"D:\Photos\x.jpg", [("/mnt", "/home/me")]),
        ("sub/x.jpg", []),
        ("/mnt/a/../../etc/x.jpg", [("/mnt/a", "/home/me")]),
        (r"D:\Photos\..\x.jpg", [(r"D:\Photos", "/home/me")]),
        ("/mnt/../x.jpg", []),
        ("/mnt/a", [("/mnt/a", "/home/me")]),
        ("", [("", "/home/me")]),
    ],
)
def test_a_path_that_nobody_can_place_or_that_leads_upwards_is_none(text, rules):
    assert mapped(text, *rules) is None


def test_relative_paths_begin_where_the_base_is(tmp_path):
    assert mapped("sub/x.jpg", base=tmp_path) == tmp_path / "sub" / "x.jpg"
    assert mapped("../x.jpg", base=tmp_path) is None and goes_up("../x.jpg")


def test_a_rule_is_read_with_signs_in_either_folder(tmp_path):
    here = tmp_path / "a=b"
    here.mkdir()
    assert read_rule(f"/mnt/x={here}") == PathRule.of("/mnt/x", str(here))
    assert read_rule(f"/mnt/x=y={here}") == PathRule.of("/mnt/x=y", str(here))
    assert read_rule(f"={here}") == PathRule.of("", str(here))
    assert read_rule("/mnt=/nowhere/at all").new == Path("/nowhere/at all").absolute()


@pytest.mark.parametrize("text", ["", "/mnt", "/mnt=", "/mnt= "])
def test_a_rule_without_a_folder_here_is_refused_with_an_example(text):
    with pytest.raises(EngineError, match="/mnt/photos=/home/me/photos"):
        read_rule(text)


@posix
def test_bytes_that_are_no_utf8_come_back():
    assert with_bytes(Path(r"/p/caf\xe9.jpg")) == Path(os.fsdecode(b"/p/caf\xe9.jpg"))
    assert with_bytes(Path("/p/cafe.jpg")) is None
