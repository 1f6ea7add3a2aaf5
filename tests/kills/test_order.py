"""In which order writes reach the disk: what is left if the power is cut at any moment."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.kills.apart import done_apart
from tests.programs import needs_program

pytestmark = needs_program("strace")

#: What is written beside its place and then gets its name. Not the settings, which Qt writes, nor
#: thumbnails, which can be made again.
_KINDS = (
    *("sidecar", "sidecar, undone", "txt", "txt, undone", "export: a file", "export: a folder"),
    *("report", "evaluation", "download", "library: migrate", "library: copy", "library: restore"),
)
_RENAME = re.compile(r'rename\("(.+)", "(.+)"\) = 0')
_WRITE = re.compile(r"(?:p?writev?(?:64)?|sendfile|copy_file_range|ftruncate)\(")
_SYNC = re.compile(r"f(?:data)?sync\(\d+<(.+)>\)")
#: Says only what to sweep if the rest is killed.
_NOTES = "/being-written/"


def is_synced(calls: list[str], path: str) -> bool:
    """Whether all of a new file or folder was brought to the disk after it was last written to."""
    for call in reversed(calls):
        if call.startswith("sync()") or ((found := _SYNC.match(call)) and found[1] == path):
            return True
        if _WRITE.match(call) and (f"<{path}>" in call or f"<{path}/" in call):
            return False
    return False


@pytest.mark.parametrize("kind", _KINDS)
def test_data_reach_the_disk_before_their_name_and_the_name_before_the_end(
    tmp_path: Path, kind: str
) -> None:
    calls = done_apart(tmp_path, kind, "--calls", within_s=100).splitlines()
    named = 0
    for number, call in enumerate(calls):
        found = _RENAME.match(call)
        if not found or _NOTES in call:
            continue
        old, new = found.groups()
        if old.endswith("/here/library.db"):
            continue  # the damaged one, put aside as it is
        named += 1
        assert is_synced(calls[:number], old), old
        syncs = filter(None, map(_SYNC.match, calls[number:]))
        assert str(Path(new).parent) in {sync[1] for sync in syncs}, new
    assert named
