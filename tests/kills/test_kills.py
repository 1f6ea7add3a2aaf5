"""A kill at a system call of each kind of write: old or new, no litter, and it succeeds then."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.interchange.writing.embedding_parts import needs_exiftool
from tests.kills.at_calls import kill_at_calls
from tests.kills.works import WORKS
from tests.programs import needs_program

pytestmark = needs_program("strace")

#: What takes seconds to begin with.
_SLOW = {"library: rebuild", "library: anew", "onnx"}
_QUICK = [kind for kind in WORKS if kind not in _SLOW and "photos" not in kind]
_SOME = 4
#: The calls of photos that are rewritten are many, and each attempt starts ExifTool.
_EVERY = {"photos": 10, "photos, undone": 10, "photos, ExifTool killed": 5}


def _marked(kind: str) -> object:
    return pytest.param(kind, marks=needs_exiftool if "photos" in kind else ())


@pytest.mark.parametrize("kind", _QUICK)
def test_a_write_that_is_killed_is_whole_or_not_there(tmp_path: Path, kind: str) -> None:
    kills = kill_at_calls(tmp_path, WORKS[kind](), most=_SOME)
    assert kills.wrong == ()
    assert kills.ends["killed"] >= _SOME - 1


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", list(map(_marked, WORKS)))
def test_a_kill_at_any_call_leaves_the_old_or_the_new(tmp_path: Path, kind: str) -> None:
    kills = kill_at_calls(tmp_path, WORKS[kind](), every=_EVERY.get(kind, 1))
    assert kills.wrong == ()
    assert kills.ends["killed"] > 10
