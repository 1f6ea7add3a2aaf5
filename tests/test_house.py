"""The house is as its plan says: rooms that tell what they are for, files that can be read."""

from __future__ import annotations

import ast
import gc
import re
import runpy
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.paths import ROOT

MAKE_ROOMS = runpy.run_path(str(ROOT / "docs" / "make_rooms.py"))
ROOMS: dict[str, str] = MAKE_ROOMS["rooms"]()
#: Everything else at the top of a package lies in a room.
LOOSE = {
    "csra_gui": {"__init__.py", "__main__.py", "app.py", "main_window.py"},
    "engine": {"__init__.py", "atomic.py", "resources.py", "texts.py"},
}
LONGEST_FILE = 500
LONGEST_TOOL_TIP = 64


def tree_of(file: Path) -> ast.Module:
    """Without looking for garbage: a million nodes would be gone through many times."""
    gc.disable()
    try:
        return ast.parse(file.read_text(encoding="utf-8"))
    finally:
        gc.enable()


def python_files(*folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from sorted((ROOT / folder).rglob("*.py"))


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_says_what_lives_there_what_does_not_and_where_to_start(room: str) -> None:
    text = ROOMS[room]
    assert 3 <= len([line for line in text.splitlines() if line]) <= 6
    assert "Not here:" in text
    start = text.partition("Start at")[2]
    named = re.findall(r"``([\w/]+\.py)``", start) or re.findall(r"``(\w+)``", start)
    assert named
    folder = ROOT.joinpath(*room.split("."))
    for name in named:
        assert (folder / name).exists(), f"{room} sends people to {name}"


def test_the_table_of_rooms_is_that_of_their_docstrings() -> None:
    page = MAKE_ROOMS["PAGE"].read_text(encoding="utf-8")
    assert page == MAKE_ROOMS["page_with"](MAKE_ROOMS["table"]()), "run python docs/make_rooms.py"


def test_every_room_is_in_the_table() -> None:
    table = MAKE_ROOMS["table"]()
    assert not [room for room in ROOMS if f"`{room.replace('.', '/')}/`" not in table]


@pytest.mark.parametrize("package", LOOSE)
def test_nothing_lies_loose_at_the_top(package: str) -> None:
    assert {file.name for file in (ROOT / package).glob("*.py")} == LOOSE[package]


def test_no_file_is_too_long_to_be_read() -> None:
    files = python_files("csra_gui", "engine", "tests", "benchmarks", "docs")
    lengths = {file: len(file.read_text(encoding="utf-8").splitlines()) for file in files}
    assert not {str(f): n for f, n in lengths.items() if n > LONGEST_FILE}


def test_no_test_module_imports_another() -> None:
    for file in python_files("tests"):
        for node in ast.walk(tree_of(file)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tests."):
                assert ".test_" not in str(node.module), f"{file} imports {node.module}"


def avoided_words() -> set[str]:
    """The first column of the glossary's last table."""
    text = (ROOT / "docs" / "GLOSSARY.md").read_text(encoding="utf-8")
    rows = text.partition("## Words that names do not have")[2].splitlines()
    cells = [row.split("|")[1] for row in rows if row.startswith("| ")][1:]
    return {word.strip() for cell in cells for word in cell.split(",")}


def named_in(file: Path) -> Iterator[str]:
    """Every name that a file defines, and its own."""
    yield file.stem
    for node in ast.walk(tree_of(file)):
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            yield node.name if not node.name.startswith("test_") else ""
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr


@cache
def words_of(name: str) -> set[str]:
    """Its words, without the ending of a plural."""
    words = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)
    return {form for word in words for form in (word.lower(), word.lower().removesuffix("s"))}


def test_names_are_the_usual_words() -> None:
    avoided = avoided_words()
    assert len(avoided) > 10
    for file in python_files("csra_gui", "engine", "tests", "benchmarks", "docs"):
        private = {name for name in named_in(file) if words_of(name) & avoided}
        assert not private, f"{file.relative_to(ROOT)}: see the last table of docs/GLOSSARY.md"


def tool_tips_of_unknown_length(file: Path) -> Iterator[int]:
    """Lines that set a tool tip which is neither short nor broken into lines."""
    for node in ast.walk(tree_of(file)):
        match node:
            case ast.Call(func=ast.Attribute(attr="setToolTip"), args=[*_, text]):
                match text:
                    case ast.Constant(value=str(value)) if len(value) <= LONGEST_TOOL_TIP:
                        pass
                    case ast.Call(func=ast.Name(id="tool_tip")):
                        pass
                    case _:
                        yield node.lineno


def test_every_tool_tip_fits_beside_the_pointer() -> None:
    found = {f.name: list(tool_tips_of_unknown_length(f)) for f in python_files("csra_gui")}
    assert not {name: lines for name, lines in found.items() if lines}, "use base.tool_tips"
