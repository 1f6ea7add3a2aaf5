from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.library.opening import open_library
from engine.library.store import Library


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with open_library(tmp_path / "library.db") as opened:
        yield opened
