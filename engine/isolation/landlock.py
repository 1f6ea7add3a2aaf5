"""What of the disk a process may still use (Landlock of Linux, from 5.13 on).

Rights are given up, never gained: the rules go on to children, and further ones only take away.
They hold for the thread that asks and those that it starts, so this comes before any other thread.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from collections.abc import Mapping
from pathlib import Path

_CREATE, _ADD_RULE, _RESTRICT = 444, 445, 446  # the same on all machines
_ASK_VERSION, _BENEATH_PATH = 1, 1
_NO_NEW_RIGHTS = 38  # PR_SET_NO_NEW_PRIVS

READ_FILE, READ_FOLDER = 1 << 2, 1 << 3
#: All rights that the first version knew, and from which version on there are more.
_FIRST = (1 << 13) - 1
_LATER = {2: 1 << 13, 3: 1 << 14, 5: 1 << 15}
_CONNECT_OR_BIND = 3
_SIGNALS_AND_NAMES = 3  # to processes outside, and to sockets without a file


class LandlockError(Exception):
    """The rules do not hold; the message says why."""


def version() -> int:
    """Which version the kernel has; 0 for none."""
    if sys.platform != "linux" or sys.maxsize < 1 << 32:
        return 0
    found = _libc().syscall(ctypes.c_long(_CREATE), None, ctypes.c_size_t(0), _ASK_VERSION)
    return max(0, int(found))


def all_rights(known: int) -> int:
    """Every right to files that a version knows."""
    return _FIRST | sum(right for since, right in _LATER.items() if known >= since)


def restrict(handled: int, allowed: Mapping[Path, int]) -> int:
    """Give up rights to files, and with newer kernels the network and signals to others.

    Args:
        handled: the rights that are given up; those that the kernel does not know are left out.
        allowed: the rights that remain, by the file or folder (with all that is in it).

    Returns:
        The version of the rules.

    Raises:
        LandlockError: the kernel has no such rules, or refuses them.
    """
    known = version()
    if not known:
        raise LandlockError("this Linux does not offer it")
    handled &= all_rights(known)
    network = _CONNECT_OR_BIND if known >= 4 else 0
    scope = _SIGNALS_AND_NAMES if known >= 6 else 0
    attributes = struct.pack("=QQQ", handled, network, scope)
    size = 24 if known >= 6 else 16 if known >= 4 else 8
    rules = _checked(
        _libc().syscall(
            ctypes.c_long(_CREATE), ctypes.c_char_p(attributes), ctypes.c_size_t(size), 0
        )
    )
    try:
        for path, rights in allowed.items():
            _allow(rules, path, rights & handled)
        _checked(_libc().prctl(_NO_NEW_RIGHTS, 1, 0, 0, 0))
        _checked(_libc().syscall(ctypes.c_long(_RESTRICT), rules, 0))
    finally:
        os.close(rules)
    return known


def _allow(rules: int, path: Path, rights: int) -> None:
    if not rights:
        return
    try:
        opened = os.open(path, getattr(os, "O_PATH", 0) | os.O_CLOEXEC)
    except OSError as error:
        raise LandlockError(f"{error.strerror}") from error
    try:
        rule = ctypes.c_char_p(struct.pack("=Qi", rights, opened))
        _checked(_libc().syscall(ctypes.c_long(_ADD_RULE), rules, _BENEATH_PATH, rule, 0))
    finally:
        os.close(opened)


def _checked(result: int) -> int:
    if result < 0:
        raise LandlockError(f"the system refuses it ({os.strerror(ctypes.get_errno())})")
    return result


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
