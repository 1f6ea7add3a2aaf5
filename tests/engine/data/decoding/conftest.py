from __future__ import annotations

import multiprocessing
from collections.abc import Iterator

import pytest

from engine.data.decoding import driver


@pytest.fixture(autouse=True, scope="module")
def decoders_as_in_the_program() -> Iterator[None]:
    """They start as people have them, not quickly as in other tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(driver, "multiprocessing", multiprocessing)
        yield
