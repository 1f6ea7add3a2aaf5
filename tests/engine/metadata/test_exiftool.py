"""ExifTool is found, checked, asked safely, and never left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from engine.metadata.exiftool import (
    ExifTool,
    ExifToolError,
    NoExifToolError,
    check_exiftool,
    find_exiftool,
)
from tests.engine.images import save_image
from tests.engine.metadata.fakes import fake_exiftool
from tests.programs import needs_program

pytestmark = [
    needs_program("exiftool"),
    pytest.mark.skipif(os.name == "nt", reason="runs programs as Linux and macOS do"),
]

_ASK = """
import sys, time
from pathlib import Path
from engine.metadata.exiftool import ExifTool
tool = ExifTool()
tool.version()
sys.stdout.write("ready\\n")
sys.stdout.flush()
time.sleep(100)
"""


@pytest.mark.parametrize("program", ["/nowhere/exiftool", "cat", "false"])
def test_what_is_no_exiftool_is_refused_with_how_to_get_it(program: str) -> None:
    with pytest.raises(NoExifToolError, match="nstall"):
        check_exiftool(program)


def test_one_that_is_not_on_the_path_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(NoExifToolError, match="not installed"):
        find_exiftool()


def test_an_old_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NoExifToolError, match="too old"):
        check_exiftool(str(fake_exiftool(tmp_path, "old")))


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["hang", "die"])
def test_one_that_hangs_or_dies_is_started_again(tmp_path: Path, fault: str) -> None:
    photo = tmp_path / "a.jpg"
    save_image(photo, 8, 6)
    program = fake_exiftool(tmp_path, fault)
    with ExifTool(str(program), timeout_s=1.5 if fault == "hang" else 60.0) as tool:
        with pytest.raises(ExifToolError):
            tool.rewrite(photo, tmp_path / "new", ["-XMP-dc:Subject=dog"])
        tool._timeout_s = 60.0  # what answers may be slow
        assert not (tmp_path / "new").exists()
        assert tool.read(["-FileType"], photo)[0]["FileType"] == "JPEG"


def test_a_line_break_reaches_no_option(tmp_path: Path) -> None:
    photo = tmp_path / "a.jpg"
    save_image(photo, 8, 6)
    with ExifTool() as tool, pytest.raises(ExifToolError, match="line breaks"):
        tool.rewrite(photo, tmp_path / "new", ["-XMP-dc:Subject=a\n-all="])


def test_folders_that_killed_programs_left_go_and_nothing_they_point_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = tmp_path / "a.jpg"
    save_image(photo, 8, 6)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    old, young = tmp_path / "csra-exiftool-old", tmp_path / "csra-exiftool-young"
    for folder in (old, young):
        folder.mkdir()
        (folder / "photo0.jpg").symlink_to(photo)
        (folder / "photo1").symlink_to(tmp_path)
    os.utime(old, (0, 0))
    with ExifTool() as tool:
        assert tool.read(["-FileType"], photo)
    assert {path.name for path in tmp_path.iterdir()} == {"a.jpg", young.name}


def test_a_configuration_of_the_person_is_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("EXIFTOOL_HOME", str(tmp_path))
    ran = tmp_path / "ran"
    (tmp_path / ".ExifTool_config").write_text(f"open(my $f, '>', '{ran}'); 1;")
    check_exiftool()
    assert not ran.exists()


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_it_ends_with_the_program_that_is_killed() -> None:
    program = subprocess.Popen([sys.executable, "-c", _ASK], stdout=subprocess.PIPE)
    try:
        assert program.stdout is not None
        assert program.stdout.readline() == b"ready\n"
        children = _descendants(program.pid)
        assert len(children) == 2
    finally:
        program.send_signal(signal.SIGKILL)
        program.communicate()
    until = time.monotonic() + 20
    while any(map(_runs, children)) and time.monotonic() < until:
        os.sched_yield()
    assert not any(map(_runs, children))


def _descendants(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [x for child in map(int, found) for x in (child, *_descendants(child))]


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
