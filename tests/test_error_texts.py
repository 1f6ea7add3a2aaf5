"""What the system says of a file is told in its words: no number, no name of a temporary file."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.texts import reason_text
from tests.paths import ROOT

_CODE = [path for folder in ("engine", "csra_gui") for path in (ROOT / folder).rglob("*.py")]


def raw_errors(path: Path) -> Iterator[str]:
    """Texts that quote what may be an ``OSError`` as Python writes it."""
    for handler in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(handler, ast.ExceptHandler) or handler.type is None:
            continue
        if "OSError" not in ast.unparse(handler.type):
            continue
        for node in ast.walk(handler):
            if isinstance(node, ast.FormattedValue) and ast.unparse(node.value) == handler.name:
                yield f"{path.relative_to(ROOT)}:{node.lineno}"


def test_no_message_quotes_an_error_of_the_system_as_python_writes_it() -> None:
    assert [place for path in _CODE for place in raw_errors(path)] == []


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (OSError(28, "No space left on device", "/x/.csra-tmp-1"), "No space left on device"),
        (OSError("closed"), "closed"),
        (ValueError("no\u202enumber"), "no\ufffdnumber"),
    ],
)
def test_the_reason_is_the_systems_words_or_the_errors_own(error: Exception, text: str) -> None:
    assert reason_text(error) == text
