"""A release: what is in it, and that it runs beside programs that use the same common names."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path

import pytest

from engine import __version__
from tests.packaging.conftest import Release, names_in
from tests.paths import ROOT

#: Programs installed by others may bring modules of these names.
COMMON_NAMES = ("engine", "main", "resources", "tests")

_IMPORT_ALL = f"""
import importlib, pkgutil, sys, csra_gui
for module in pkgutil.walk_packages(csra_gui.__path__, "csra_gui."):
    importlib.import_module(module.name)
assert not set({COMMON_NAMES}) & set(sys.modules)
"""
_IN_A_CHILD = """
from csra_gui.engine.api.remote import RemoteEngine
from csra_gui.engine.service.server import serve_local
if __name__ == "__main__":
    engine = RemoteEngine(serve_local)
    print(engine.open_model().name)
    engine.close()
"""


def files_in(*tops: str) -> Iterable[str]:
    for file in (file for top in tops for file in (ROOT / top).rglob("*")):
        if file.is_file() and "__pycache__" not in file.parts:
            yield file.relative_to(ROOT).as_posix()


@pytest.mark.slow
def test_a_wheel_installs_one_name_and_everything_beneath_it(wheel: Path) -> None:
    facts = f"csra_gui-{__version__}.dist-info"
    assert wheel.name == f"csra_gui-{__version__}-py3-none-any.whl"
    names = names_in(wheel)
    assert {f"{facts}/licenses/LICENSE", f"{facts}/licenses/NOTICE"} <= {*names}
    pages = [name for name in files_in("docs") if re.fullmatch(r"docs/\w+\.md", name)]
    moved = [f"csra_gui/{name}" for name in (*files_in("engine", "resources"), *pages)]
    shared = f"csra_gui-{__version__}.data/data/share"
    for_desktops = [
        f"{shared}/applications/csra-gui.desktop",
        f"{shared}/icons/hicolor/scalable/apps/csra-gui.svg",
    ]
    installed = [name for name in names if not name.startswith(f"{facts}/")]
    assert installed == sorted([*files_in("csra_gui"), *moved, *for_desktops])


@pytest.mark.slow
def test_the_wheel_of_a_release_is_the_same(wheel: Path, release: Release) -> None:
    assert release.wheel.name == wheel.name
    assert names_in(release.wheel) == names_in(wheel)


@pytest.mark.slow
def test_a_source_archive_has_all_that_building_and_testing_need(release: Release) -> None:
    needed = {*files_in(".ci", "benchmarks", "csra_gui", "docs", "engine", "resources", "tests")}
    needed |= {"main.py", "pyproject.toml", "Makefile", "constraints.txt", "MANIFEST.in", "LICENSE"}
    needed |= {"CHANGELOG.md", "CONTRIBUTING.md", "NOTICE", "README.md", "SECURITY.md"}
    names = release.source_names()
    assert needed <= names
    assert not [name for name in names if "__pycache__" in name or name.startswith(".venv")]


def test_the_changes_of_this_version_are_told() -> None:
    versions = re.findall(r"^## \[(.+?)\](.*)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert versions[0] == ("Unreleased", "")
    assert versions[1][0] == __version__
    assert re.fullmatch(r" - \d{4}-\d{2}-\d{2}", versions[1][1])


class Installed:
    """The wheel in an environment of its own, with what it needs, beside others' modules.

    Args:
        wheel: what is installed.
        place: for the environment, the others' modules, and the folder where commands run.
    """

    def __init__(self, wheel: Path, place: Path) -> None:
        environment = place / "environment"
        self.scripts = environment / ("Scripts" if os.name == "nt" else "bin")
        self.elsewhere = place / "elsewhere"
        self.others = place / "others"
        for folder in (self.elsewhere, self.others):
            folder.mkdir()
        for name in COMMON_NAMES:
            (self.others / f"{name}.py").write_text("raise AssertionError(__file__)\n")
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
        options = ["--no-deps", "--no-index", "--quiet", "--disable-pip-version-check"]
        pip = [sys.executable, "-m", "pip", "--python", self.scripts / "python", "install"]
        subprocess.run([*pip, *options, wheel], check=True)
        # Only of site-packages itself are .pth files read: our editable install stays outside.
        site = self.run("python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))")
        self.site = Path(site.strip())
        needed = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
        (self.site / "needed.pth").write_text("\n".join(needed))

    def run(self, program: str, *arguments: str) -> str:
        """What a program of the environment writes, run from another folder."""
        found = shutil.which(program, path=self.scripts)
        assert found is not None, program
        kept = {name: value for name, value in os.environ.items() if name != "PYTHONHOME"}
        done = subprocess.run(
            [found, *arguments],
            cwd=self.elsewhere,
            env={**kept, "PYTHONPATH": str(self.others)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def installed(release: Release, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    return Installed(release.wheel, tmp_path_factory.mktemp("installed"))


pytestmark = pytest.mark.timeout(300)


@pytest.mark.slow
def test_site_packages_get_one_name_and_two_programs(installed: Installed) -> None:
    facts = installed.site / f"csra_gui-{__version__}.dist-info"
    paths = [line.split(",")[0] for line in (facts / "RECORD").read_text().splitlines()]
    inside = {path.split("/")[0] for path in paths if not path.startswith("..")}
    assert inside == {"csra_gui", facts.name}
    assert {Path(path).stem for path in paths if path.startswith("..")} == {"csra", "csra-gui"}


@pytest.mark.slow
@pytest.mark.parametrize("command", [("csra",), ("csra-gui",), ("python", "-m", "csra_gui")])
def test_every_entry_says_the_version(installed: Installed, command: tuple[str, ...]) -> None:
    assert installed.run(*command, "--version") == f"csra-gui {__version__}\n"


@pytest.mark.slow
def test_photos_are_tagged_with_the_model_that_ships(installed: Installed) -> None:
    photo = installed.site / "csra_gui" / "resources" / "samples" / "cat.jpg"
    row = json.loads(installed.run("csra", "tag", str(photo), "--device", "cpu"))
    assert row["error"] is None
    assert "cat" in [label["category"] for label in row["labels"]]


@pytest.mark.slow
def test_the_engine_runs_in_a_child_process(installed: Installed) -> None:
    script = installed.elsewhere / "child.py"
    script.write_text(_IN_A_CHILD)
    assert installed.run("python", str(script)).strip()


@pytest.mark.slow
def test_no_module_takes_or_imports_a_common_name(installed: Installed) -> None:
    installed.run("python", "-c", _IMPORT_ALL)
