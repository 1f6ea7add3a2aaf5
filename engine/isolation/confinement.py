"""Confining this process: what it gives up for good, and what of that the system could not do."""

from __future__ import annotations

import os
from pathlib import Path

from engine.isolation import landlock, seccomp
from engine.texts import reason_text

_OPEN_FILES = 64
#: Set to anything, it leaves the limits of the system off; for whoever looks for a fault in them.
OFF_VARIABLE = "CSRA_NO_ISOLATION"


def confine_decoder() -> str:
    """Have this process read files and calculate, and do nothing else any more.

    No network, no other program, no file written, no signal to others, few files open at a time.

    Returns:
        What holds, for the log: "seccomp, Landlock 7, open files, written files".
    """
    if OFF_VARIABLE in os.environ:
        return f"none ({OFF_VARIABLE} is set)"
    return ", ".join([_files_confined(), _calls_confined(), *_limited()])


def _files_confined() -> str:
    handled = landlock.all_rights(landlock.version())
    reading = landlock.READ_FILE | landlock.READ_FOLDER
    return _landlocked(handled, {Path("/"): reading})


def _landlocked(handled: int, allowed: dict[Path, int]) -> str:
    try:
        known = landlock.restrict(handled, allowed)
        others = len(list(Path("/proc/self/task").iterdir())) - 1
    except (landlock.LandlockError, OSError) as error:
        return f"no Landlock ({reason_text(error)})"
    return f"Landlock {known}" + (f" (not for {others} threads begun before)" if others else "")


def _calls_confined() -> str:
    try:
        seccomp.install(seccomp.decoder_filter(seccomp.this_machine(), os.getpid()))
    except seccomp.SeccompError as error:
        return f"no seccomp ({reason_text(error)})"
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
