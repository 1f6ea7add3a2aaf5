"""Programs that no one here wrote, and that our files are held against."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest


def needs_program(name: str) -> pytest.MarkDecorator:
    """Skips a test where a program is missing; where all must be there, the test fails instead."""
    is_missing = shutil.which(name) is None and not os.environ.get("CSRA_GUI_NEEDS_PROGRAMS")
    return pytest.mark.skipif(is_missing, reason=f"{name} is not installed")


def exiftool(*arguments: str | Path) -> str:
    """What ExifTool says."""
    return _run("exiftool", *arguments)


def exiv2(*arguments: str | Path) -> str:
    """What exiv2 says."""
    return _run("exiv2", *arguments)


def exiftool_fields(path: Path) -> dict[str, Any]:
    """The XMP of a file as ExifTool reads it, by group and name, in the order of the file."""
    [fields] = json.loads(exiftool("-j", "-G1", "-struct", "-n", "-XMP:all", path))
    return {name: value for name, value in fields.items() if name.startswith("XMP-")}


def exiv2_fields(path: Path) -> dict[str, str]:
    """The XMP of a file as exiv2 reads it: text by key; the items of a list have ", " between."""
    lines = exiv2("-PXkv", path).splitlines()
    pairs = (line.split(None, 1) for line in lines if line.startswith("Xmp."))
    return {pair[0]: "".join(pair[1:]).strip() for pair in pairs}


def _run(*command: str | Path) -> str:
    done = subprocess.run(command, check=True, capture_output=True, encoding="utf-8")
    return done.stdout
