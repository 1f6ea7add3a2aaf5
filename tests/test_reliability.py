"""The page of faults and promises names tests that exist, and leaves no row without a reason."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.paths import ROOT

PAGE = ROOT / "docs" / "RELIABILITY.md"
FAULTS = 33
PROMISES = 6
_PATH = re.compile(r"`((?:tests|benchmarks)/[\w/.-]+)(?:::(\w+))?`")


def rows_below(heading: str) -> list[list[str]]:
    """The cells of each row of the one table below a heading, without its two first lines."""
    part = PAGE.read_text(encoding="utf-8").partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in part.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def named_in(text: str) -> list[tuple[str, str]]:
    """Each path in a text, and the one test in it that is meant, if there is one."""
    return [(found[1], found[2] or "") for found in _PATH.finditer(text)]


def test_each_fault_has_one_row_in_order() -> None:
    assert [row[0] for row in rows_below("Faults")] == [str(n + 1) for n in range(FAULTS)]


@pytest.mark.parametrize("number", range(1, FAULTS + 1))
def test_a_row_says_what_is_promised_and_how_it_is_provoked(number: int) -> None:
    _, fault, promise, provoked, _figure, date = rows_below("Faults")[number - 1]
    assert fault
    assert promise
    assert named_in(provoked) or provoked.startswith("not provoked: ")
    assert not date or re.fullmatch(r"20\d\d-\d\d-\d\d", date)


def test_each_promise_names_what_holds_it_and_its_figure() -> None:
    rows = rows_below("Six promises")
    assert [row[0] for row in rows] == [str(n + 1) for n in range(PROMISES)]
    for _, promise, held, figure in rows:
        assert promise
        assert named_in(held)
        assert re.findall(r"\]\(#faults\)", figure)


def test_every_test_and_measurement_that_is_named_exists() -> None:
    named = named_in(PAGE.read_text(encoding="utf-8"))
    assert len(named) > FAULTS
    wrong = [f"{path}::{test}" for path, test in named if not exists(ROOT / path, test)]
    assert not wrong


def exists(file: Path, test: str) -> bool:
    """Whether the file is there, and the test in it."""
    if not test:
        return file.exists()
    return file.is_file() and f"def {test}(" in file.read_text(encoding="utf-8")


def test_the_readme_makes_the_same_promises_in_the_same_words() -> None:
    part = (ROOT / "README.md").read_text(encoding="utf-8").partition("\n## Promises\n")[2]
    lines = re.findall(r"^\d\. (.+?) \((.+)\)$", part.partition("\n## ")[0], re.MULTILINE)
    rows = rows_below("Six promises")
    assert [promise for promise, _ in lines] == [row[1] for row in rows]
    for (_, links), row in zip(lines, rows, strict=True):
        targets = re.findall(r"\]\(([^)#]+)(#[\w-]+)?\)", links)
        assert ("docs/RELIABILITY.md", "#faults") in targets
        tests = {path for path, _ in targets if path.startswith("tests/")}
        assert tests
        assert tests <= {path for path, _ in named_in(row[2])}
