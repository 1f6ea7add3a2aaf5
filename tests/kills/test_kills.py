"""A kill at a system call of each kind of write: old or new, no litter, and it succeeds then.

Writes into photos are in ``tests/engine/interchange/writing/test_embedding_kill.py``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.kills.apart import done_apart
from tests.kills.works import WORKS
from tests.programs import needs_program

pytestmark = needs_program("strace")

#: What takes seconds to begin with.
_SLOW = {"library: rebuild", "library: anew", "onnx", "checkpoint", "state"}
_QUICK = [kind for kind in WORKS if kind not in _SLOW]
_SOME = 4


def killed(place: Path, kind: str, *options: str, within_s: float) -> dict[str, Any]:
    kills: dict[str, Any] = json.loads(done_apart(place, kind, *options, within_s=within_s))
    return kills


@pytest.mark.parametrize("kind", _QUICK)
def test_a_write_that_is_killed_is_whole_or_not_there(tmp_path: Path, kind: str) -> None:
    kills = killed(tmp_path, kind, "--most", str(_SOME), within_s=100)
    assert kills["wrong"] == []
    assert kills["killed"] >= _SOME - 1


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", WORKS)
def test_a_kill_at_any_call_leaves_the_old_or_the_new(tmp_path: Path, kind: str) -> None:
    kills = killed(tmp_path, kind, within_s=3500)
    assert kills["wrong"] == []
    assert kills["killed"] > 10
