"""Programs that stand for ExifTool."""

from __future__ import annotations

import sys
from pathlib import Path


def fake_exiftool(folder: Path, fault: str) -> Path:
    """A program with a fault, to be named instead of ExifTool."""
    place = folder / "tools"
    place.mkdir()
    source = Path(__file__).with_name("fake_exiftool.py").read_text()
    program = place / "exiftool-fake"
    program.write_text(f"#!{sys.executable} -S\n{source}")
    program.chmod(0o755)
    (place / "fault").write_text(fault)
    return program
