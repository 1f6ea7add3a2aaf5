"""Confining this process: what it gives up for good, and what of that the system could not do."""

from __future__ import annotations

import os
import sys
from multiprocessing.spawn import get_executable
from pathlib import Path

from engine.isolation import landlock, seccomp

_OPEN_FILES = 64
#: Set to anything, it leaves the limits of the system off; for whoever looks for a fault in them.
OFF_VARIABLE = "CSRA_NO_ISOLATION"
_DRIVER, _DEVICE = Path("/proc/driver/nvidia/version"), Path("/dev/nvidia-uvm")


def confine_decoder() -> str:
    """Have this process read files and calculate, and do nothing else any more.

    No network, no other program, no file written, no signal to others, few files open at a time.

    Returns:
        What holds, for the log: "seccomp, Landlock 7, open files, written files".
    """
    if OFF_VARIABLE in os.environ:
        return f"none ({OFF_VARIABLE} is set)"
    return ", ".join([_files_confined(), _calls_confined(is_decoder=True), *_limited()])


def confine_engine() -> str:
    """Take network and other programs than Python from this process, and all that it starts.

    Returns:
        As ``confine_decoder``.
    """
    if OFF_VARIABLE in os.environ:
        return f"none ({OFF_VARIABLE} is set)"
    if _DRIVER.exists() and not _DEVICE.exists():
        # The system loads the rest by a program with more rights, at the first use of the card.
        return "none until the next start (the graphics driver is not whole yet)"
    return ", ".join([_programs_confined(), _calls_confined(is_decoder=False)])


def _files_confined() -> str:
    handled = landlock.all_rights(landlock.version())
    reading = landlock.READ_FILE | landlock.READ_FOLDER
    return _landlocked(handled, {Path("/"): reading})


def _programs_confined() -> str:
    program = get_executable() or sys.executable
    program = os.fsdecode(program)
    try:
        with Path(program).open("rb") as file:
            is_binary = file.read(4) == b"\x7fELF"
    except OSError:
        is_binary = False
    if not is_binary:
        return "no Landlock (Python is started by a script)"
    allowed = dict.fromkeys(landlock.interpreters(program), landlock.EXECUTE)
    # A right that goes unless it is given: to move a file from one folder to another.
    allowed[Path("/")] = landlock.RENAME_ACROSS
    return _landlocked(landlock.EXECUTE | landlock.RENAME_ACROSS, allowed)


def _landlocked(handled: int, allowed: dict[Path, int]) -> str:
    try:
        known = landlock.restrict(handled, allowed)
        others = len(list(Path("/proc/self/task").iterdir())) - 1
    except (landlock.LandlockError, OSError) as error:
        return f"no Landlock ({error})"
    return f"Landlock {known}" + (f" (not for {others} threads begun before)" if others else "")


def _calls_confined(*, is_decoder: bool) -> str:
    try:
        machine = seccomp.this_machine()
        if is_decoder:
            made = seccomp.decoder_filter(machine, os.getpid())
        else:
            made = seccomp.engine_filter(machine)
        seccomp.install(made)
    except seccomp.SeccompError as error:
        return f"no seccomp ({error})"
    return "seccomp"


def _limited() -> list[str]:
    """Limits that all systems but Windows have."""
    try:
        import resource  # noqa: PLC0415 - not on Windows
    except ImportError:
        return ["no limit of open or written files (not on Windows)"]
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(_OPEN_FILES, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))  # pipes are no files
    return ["open files", "written files"]
