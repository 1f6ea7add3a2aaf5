"""A filter of calls to the system (seccomp), as a small program that the kernel runs before each.

What is refused fails as if the person had no right to it (EPERM), so that a library which only
tries something goes on. A filter can never be taken off again and goes on to children.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import sys
from dataclasses import dataclass, field

from engine.isolation import syscalls

# linux/filter.h and linux/seccomp.h
_LOAD = 0x20  # BPF_LD | BPF_W | BPF_ABS
_IF_EQUAL, _IF_ABOVE, _IF_BITS = 0x15, 0x25, 0x45
_RETURN = 0x06
_ALLOW = 0x7FFF0000
_ERROR = 0x00050000
_END_PROCESS = 0x80000000
_NUMBER_AT, _MACHINE_AT, _ARGUMENTS_AT = 0, 4, 16
_SET_FILTER = 1
# All threads at once; and no slower code against Spectre, which Linux has given up by itself.
_ALL_THREADS, _NO_SLOWER_CODE = 1, 4
_NO_NEW_RIGHTS = 38  # PR_SET_NO_NEW_PRIVS

_MACHINES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_CLONE_THREAD = 0x00010000
_TERMINAL_INPUT = (0x5412, 0x541C)  # TIOCSTI, TIOCLINUX: typing into somebody's terminal


class SeccompError(Exception):
    """There is no such filter here; the message says why."""


@dataclass
class Filter:
    """A filter in the making; what it does not name is allowed.

    Args:
        machine: "x86_64" or "aarch64".
    """

    machine: str
    _code: list[tuple[int, int, int, int]] = field(default_factory=list)

    def refuse(self, *groups: str) -> None:
        """Refuse all calls of groups of ``syscalls``."""
        for number in syscalls.numbers(self.machine, *groups).values():
            self._code += [(_IF_EQUAL, 0, 1, number), _refusal(errno.EPERM)]

    def hide(self, name: str) -> None:
        """Have a call be unknown, so that its caller takes an older one."""
        self._code += [(_IF_EQUAL, 0, 1, self._number(name)), _refusal(errno.ENOSYS)]

    def refuse_with_bits(self, name: str, argument: int, bits: int) -> None:
        """Refuse a call if any of the bits is set in its argument."""
        self._asking(name, argument, [(_IF_BITS, 0, 1, bits), _refusal(errno.EPERM)])

    def refuse_without_bits(self, name: str, argument: int, bits: int) -> None:
        """Refuse a call unless one of the bits is set in its argument."""
        self._asking(name, argument, [(_IF_BITS, 1, 0, bits), _refusal(errno.EPERM)])

    def refuse_unless(self, name: str, argument: int, *values: int) -> None:
        """Refuse a call unless its argument is one of the values."""
        left = len(values)
        checks = [(_IF_EQUAL, left - i, 0, value) for i, value in enumerate(values)]
        self._asking(name, argument, [*checks, _refusal(errno.EPERM)])

    def refuse_if(self, name: str, argument: int, *values: int) -> None:
        """Refuse a call if its argument is one of the values."""
        for value in values:
            self._asking(
                name, argument, [(_IF_EQUAL, 0, 1, value), _refusal(errno.EPERM)], ends=False
            )

    def compiled(self) -> bytes:
        """The program, as ``struct sock_filter`` one after the other."""
        head = [
            (_LOAD, 0, 0, _MACHINE_AT),
            (_IF_EQUAL, 1, 0, _MACHINES[self.machine]),
            (_RETURN, 0, 0, _END_PROCESS),  # calls of another machine have other numbers
            (_LOAD, 0, 0, _NUMBER_AT),
            (_IF_ABOVE, 0, 1, syscalls.NEWEST),  # those of x32, too
            _refusal(errno.ENOSYS),
        ]
        code = [*head, *self._code, (_RETURN, 0, 0, _ALLOW)]
        return b"".join(struct.pack("=HBBI", *one) for one in code)

    def _asking(
        self, name: str, argument: int, checks: list[tuple[int, int, int, int]], ends: bool = True
    ) -> None:
        number = syscalls.numbers(self.machine, syscalls.ASKED).get(name)
        if number is None:
            return
        after = (_RETURN, 0, 0, _ALLOW) if ends else (_LOAD, 0, 0, _NUMBER_AT)
        low_half = (_LOAD, 0, 0, _ARGUMENTS_AT + 8 * argument)
        body = [low_half, *checks, after]
        self._code += [(_IF_EQUAL, 0, len(body), number), *body]

    def _number(self, name: str) -> int:
        return syscalls.numbers(self.machine, syscalls.ASKED)[name]


def decoder_filter(machine: str, pid: int) -> Filter:
    """For a process that reads files and calculates, and does nothing else.

    Args:
        machine: see ``Filter``.
        pid: of the process; it may end itself.
    """
    made = Filter(machine)
    made.refuse(
        syscalls.NETWORK,
        syscalls.PROGRAMS,
        syscalls.OTHERS,
        syscalls.SHARED,
        syscalls.KERNEL,
        syscalls.WRITING,
    )
    made.hide("clone3")  # its flags lie in memory, where no filter looks
    made.hide("openat2")
    made.refuse_without_bits("clone", 0, _CLONE_THREAD)
    writing = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
    made.refuse_with_bits("open", 1, writing)
    made.refuse_with_bits("openat", 2, writing)
    for signal in ("kill", "tgkill"):
        made.refuse_unless(signal, 0, pid)
    made.refuse_unless("prlimit64", 0, 0, pid)
    made.refuse_unless("tkill", 0, pid)
    made.refuse_if("ioctl", 1, *_TERMINAL_INPUT)
    return made


def install(made: Filter) -> None:
    """Put a filter on all threads of this process and all that it will start.

    Raises:
        SeccompError: the system has none, or refuses it.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_NO_NEW_RIGHTS, 1, 0, 0, 0) != 0:
        raise SeccompError(f"the system refuses it ({os.strerror(ctypes.get_errno())})")
    code = ctypes.create_string_buffer(made.compiled())
    length = len(made.compiled()) // 8
    program = struct.pack("=H6xQ", length, ctypes.addressof(code))
    number = syscalls.numbers(made.machine, syscalls.ASKED)["seccomp"]
    arguments = map(ctypes.c_long, (number, _SET_FILTER, _ALL_THREADS | _NO_SLOWER_CODE))
    if libc.syscall(*arguments, ctypes.c_char_p(program)) != 0:
        raise SeccompError(f"the system refuses it ({os.strerror(ctypes.get_errno())})")


def this_machine() -> str:
    """Which filters fit here.

    Raises:
        SeccompError: none.
    """
    if sys.platform != "linux":
        raise SeccompError("only Linux has it")
    machine = os.uname().machine
    if machine not in _MACHINES or sys.maxsize < 1 << 32:
        raise SeccompError(f"it is not known on {machine}")
    return machine


def _refusal(number: int) -> tuple[int, int, int, int]:
    return _RETURN, 0, 0, _ERROR | number
