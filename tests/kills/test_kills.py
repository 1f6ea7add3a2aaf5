"""A kill at a system call of each kind of write: old or new, no litter, and it succeeds then.

Writes into photos are in ``tests/engine/interchange/writing/test_embedding_kill.py``.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kills.at_calls import kill_at_calls
from tests.kills.works import WORKS
from tests.programs import needs_program

pytestmark = needs_program("strace")

#: What takes seconds to begin with.
_SLOW = {"library: rebuild", "library: anew", "onnx", "checkpoint", "state"}
_QUICK = [kind for kind in WORKS if kind not in _SLOW]
_SOME = 4


@pytest.mark.parametrize("kind", _QUICK)
def test_a_write_that_is_killed_is_whole_or_not_there(tmp_path: Path, kind: str) -> None:
    kills = kill_at_calls(tmp_path, WORKS[kind](), most=_SOME)
    assert kills.wrong == ()
    assert kills.ends["killed"] >= _SOME - 1


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", WORKS)
def test_a_kill_at_any_call_leaves_the_old_or_the_new(tmp_path: Path, kind: str) -> None:
    kills = kill_at_calls(tmp_path, WORKS[kind]())
    assert kills.wrong == ()
    assert kills.ends["killed"] > 10
