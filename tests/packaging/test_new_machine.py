"""What ``make`` does on a machine that lacks system packages, with stand-ins for its programs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.paths import ROOT

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux lacks packages")

_TOOLS = ("bash", "env", "awk", "grep", "dirname", "basename", "uname", "cat", "touch")
_OFFSCREEN = (
    *("libGL.so.1", "libEGL.so.1", "libX11.so.6", "libxcb.so.1", "libdbus-1.so.3"),
    *("libfontconfig.so.1", "libfreetype.so.6", "libglib-2.0.so.0", "libxkbcommon.so.0"),
    *("libgssapi_krb5.so.2", "libbrotlidec.so.1"),
)
_TOO_OLD = "exit 1"
#: Recent enough, and complete once Debian's package is there.
_INCOMPLETE = 'case "$2" in *ensurepip*) test -e "$LOG.python3-venv";; esac'


class Machine:
    """A folder of programs that is the whole search path.

    Args:
        place: for the programs and the log of what was installed.
    """

    def __init__(self, place: Path) -> None:
        self.log = place / "log"
        self._programs = place / "bin"
        self._programs.mkdir()
        for tool in _TOOLS:
            (self._programs / tool).symlink_to(str(shutil.which(tool)))
        self.add("ldconfig", "cat $LOG.libraries")
        self.have()

    def have(self, *libraries: str) -> None:
        """Only these libraries are there."""
        text = "".join(f"\t{name} (libc6,x86-64) => /lib/{name}\n" for name in libraries)
        self.log.with_name("log.libraries").write_text(text)

    def add(self, name: str, script: str) -> None:
        """A program of this name that does what the script says."""
        file = self._programs / name
        file.write_text(f"#!/usr/bin/env bash\nset -eu\n{script}\n")
        file.chmod(0o755)

    def add_debian(self, user: int, sudo: str | None = None, install: str = "") -> None:
        """Debian's tools, for a user who may do so much."""
        self.add("id", f"echo {user}")
        leave_mark = 'for name in "$@"; do touch "$LOG.$name"; done'
        self.add("apt-get", f'echo "$@" >> $LOG\n{install}\n{leave_mark}')
        if sudo is not None:
            self.add("sudo", sudo)

    def run(self, script: str, *arguments: str, **variables: str) -> tuple[int, str, str]:
        """What a script of ours exits with and writes."""
        done = subprocess.run(
            [str(ROOT / ".ci" / script), *arguments],
            env={"PATH": str(self._programs), "LOG": str(self.log), **variables},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    def installed(self) -> list[str]:
        """The command lines of what was installed."""
        return self.log.read_text().splitlines() if self.log.exists() else []


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def install(*packages: str) -> list[str]:
    return ["update -q", f"install -y -q --no-install-recommends {' '.join(packages)}"]


def test_tests_need_no_library_of_a_screen(machine: Machine) -> None:
    machine.have(*_OFFSCREEN)
    assert machine.run("qt-libraries", "offscreen") == (0, "", "")
    packages = machine.run("qt-libraries", "--packages", "xcb")[1].split()
    assert {"libxcb-icccm4", "libxcb-keysyms1", "libxcb-cursor0"} <= {*packages}
    assert machine.run("qt-libraries", "--packages", "wayland")[1].startswith("libwayland-client0 ")


@pytest.mark.parametrize("platform", ["offscreen", "xcb"])
def test_nothing_is_missing_just_when_the_plugin_finds_all_it_links_to(platform: str) -> None:
    pyside = pytest.importorskip("PySide6")
    if shutil.which("ldd") is None:
        pytest.skip("needs ldd")
    qt = Path(pyside.__file__).parent / "Qt"
    plugin, network = f"plugins/platforms/libq{platform}.so", "lib/libQt6Network.so.6"
    ldd = ["ldd", str(qt / plugin), str(qt / network)]
    links = subprocess.run(ldd, capture_output=True, text=True, check=True).stdout
    ask = [str(ROOT / ".ci" / "qt-libraries"), "--packages", platform]
    missing = subprocess.run(ask, capture_output=True, text=True, check=True).stdout.split()
    assert ("not found" in links) == bool(missing)


@pytest.mark.parametrize(
    ("user", "sudo"), [(0, None), (1000, '[ "$1" = -n ] && shift && "$@"')], ids=["root", "sudo"]
)
def test_who_may_install_gets_what_is_missing_and_is_told(
    machine: Machine, user: int, sudo: str | None
) -> None:
    machine.have(*_OFFSCREEN[2:])
    machine.add_debian(user, sudo)
    status, _, told = machine.run("qt-libraries", "offscreen")
    assert status == 0
    assert "lacks libGL.so.1 libEGL.so.1" in told
    assert "Installing these packages of the system: libgl1 libegl1" in told
    assert machine.installed() == install("libgl1", "libegl1")


@pytest.mark.parametrize(
    ("user", "sudo", "failure"),
    [(1000, None, ""), (1000, "exit 1", ""), (0, None, "exit 100")],
    ids=["no sudo", "sudo asks", "no network"],
)
def test_who_may_not_is_told_what_to_install(
    machine: Machine, user: int, sudo: str | None, failure: str
) -> None:
    machine.have(*_OFFSCREEN[1:])
    machine.add_debian(user, sudo, failure)
    status, _, told = machine.run("qt-libraries", "offscreen")
    assert status == 1
    assert told.endswith("sudo apt-get install libgl1\n")
    assert bool(machine.installed()) == bool(failure)


def test_programs_that_tests_need_are_installed_or_asked_for(machine: Machine) -> None:
    machine.add("exiv2", "")
    status, _, told = machine.run("other-programs")
    assert status == 1
    assert told.endswith("sudo apt-get install libimage-exiftool-perl strace\n")
    machine.add_debian(user=0)
    assert machine.run("other-programs")[0] == 0
    assert machine.installed() == install("libimage-exiftool-perl", "strace")
    machine.add("exiftool", "")
    machine.add("strace", "")
    assert machine.run("other-programs") == (0, "", "")


def test_the_first_python_that_is_recent_enough_is_taken(machine: Machine) -> None:
    machine.add("python3", _TOO_OLD)
    machine.add("python3.12", "exit 0")
    status, found, _ = machine.run("find-python")
    assert (status, Path(found.strip()).name) == (0, "python3.12")


def test_a_python_without_environments_is_completed(machine: Machine) -> None:
    machine.add_debian(user=0)
    machine.add("python3", _INCOMPLETE)
    status, found, _ = machine.run("find-python")
    assert (status, Path(found.strip()).name) == (0, "python3")
    assert machine.installed() == install("python3-venv")


def test_a_missing_python_is_installed(machine: Machine) -> None:
    python = f"{os.fspath(machine.log)}.new"
    machine.add_debian(user=0, install=f'ln -sf {python} "${{LOG%/*}}/bin/python3"')
    Path(python).write_text("#!/usr/bin/env bash\n")
    Path(python).chmod(0o755)
    (machine.log.parent / "bin" / "ln").symlink_to(str(shutil.which("ln")))
    assert machine.run("find-python")[0] == 0
    assert machine.installed() == install("python3", "python3-venv")


@pytest.mark.parametrize("name", ["python3.9", "nothing-of-that-name"])
def test_a_python_that_was_named_is_used_or_refused(machine: Machine, name: str) -> None:
    machine.add_debian(user=0)
    machine.add("python3", "exit 0")
    machine.add("python3.9", _TOO_OLD)
    status, found, told = machine.run("find-python", PYTHON=name)
    assert (status, found) == (1, "")
    assert told == (
        f"{name} is no Python 3.11 or newer. Name one: make run PYTHON=/path/to/python3.12\n"
    )
    assert machine.installed() == []


def test_a_machine_is_checked_and_tested_even_if_the_check_fails(machine: Machine) -> None:
    make = 'echo "make $1 $CSRA_GUI_NEEDS_PROGRAMS" >> $LOG; [ "$1" != check ]'
    machine.add_debian(user=0)
    assert machine.run("run")[0] != 0
    assert machine.installed() == install("make")
    machine.add("make", make)
    assert machine.run("run")[0] == 1
    assert machine.installed()[2:] == ["make check 1", "make test 1"]


@pytest.mark.parametrize("target", ["test", "nightly", "screenshots"])
def test_no_target_without_a_screen_asks_for_libraries_of_one(target: str) -> None:
    if shutil.which("make") is None:
        pytest.skip("needs make")
    command = ["make", "--dry-run", target]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert ".ci/qt-libraries offscreen\n" in told
