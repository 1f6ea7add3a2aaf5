"""What is built: the wheel alone, which is quick, and what a release consists of."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.paths import ROOT

_LEFT = shutil.ignore_patterns(".git", ".venv", ".*_cache", "__pycache__", "dist", "*.egg-info")


class Release(NamedTuple):
    """Both files of a release."""

    wheel: Path
    source: Path

    def source_names(self) -> set[str]:
        """Every file in the source archive, below its one folder."""
        with tarfile.open(self.source) as archive:
            return {m.name.partition("/")[2] for m in archive.getmembers() if m.isfile()}


def names_in(wheel: Path) -> list[str]:
    """Every file in a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return sorted(archive.namelist())


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this very folder, in which nothing is left behind."""
    folder = tmp_path_factory.mktemp("wheel")
    script = "import sys, build_backend; build_backend.build_wheel(sys.argv[1])"
    _run("-c", script, str(folder), cwd=ROOT, env={**os.environ, "PYTHONPATH": ".ci"})
    (file,) = folder.iterdir()
    return file


@pytest.fixture(scope="session")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """What ``make release`` has built, or the same from a copy; the wheel from the archive."""
    given = os.environ.get("CSRA_GUI_DIST")
    folder = ROOT / given if given else tmp_path_factory.mktemp("dist")
    if not given:
        project = tmp_path_factory.mktemp("release") / "project"
        shutil.copytree(ROOT, project, ignore=_LEFT)
        _run("-m", "build", "--no-isolation", "--outdir", str(folder), cwd=project)
    (built,), (source,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return Release(built, source)


def _run(*arguments: str, cwd: Path, env: dict[str, str] | None = None) -> None:
    command = [sys.executable, *arguments]
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
