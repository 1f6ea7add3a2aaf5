"""What the filters decide, by a small machine that runs them as the kernel does."""

from __future__ import annotations

import errno
import os
import struct

import pytest

from engine.isolation import syscalls
from engine.isolation.seccomp import Filter, decoder_filter

ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
ALLOWED, ENDED, PID = 0x7FFF0000, 0x80000000, 4711
REFUSED, UNKNOWN = 0x00050000 | errno.EPERM, 0x00050000 | errno.ENOSYS
THREAD = 0x00010000
GROUPS = [text for name, text in vars(syscalls).items() if name.isupper() and isinstance(text, str)]


def verdict(made: Filter, number: int, *arguments: int, machine: str = "") -> int:
    """What becomes of one call."""
    padded = [*arguments, *([0] * (6 - len(arguments)))]
    data = struct.pack("=iIQ6Q", number, ARCHITECTURES[machine or made.machine], 0, *padded)
    code = list(struct.iter_unpack("=HBBI", made.compiled()))
    at = value = 0
    while True:
        kind, yes, no, operand = code[at]
        at += 1
        if kind == 0x06:
            return operand
        if kind == 0x20:
            value = struct.unpack_from("=I", data, operand)[0]
            continue
        holds = {0x15: value == operand, 0x25: value > operand, 0x45: bool(value & operand)}[kind]
        at += yes if holds else no


@pytest.fixture(params=ARCHITECTURES)
def machine(request: pytest.FixtureRequest) -> str:
    return request.param


def call(machine: str, name: str) -> int:
    return syscalls.numbers(machine, *GROUPS)[name]


def test_a_decoder_may_read_and_end_itself(machine: str) -> None:
    made = decoder_filter(machine, PID)
    assert verdict(made, call(machine, "openat"), 3, 0, os.O_RDONLY | os.O_CLOEXEC) == ALLOWED
    assert verdict(made, call(machine, "clone"), THREAD | 0x11) == ALLOWED
    assert verdict(made, call(machine, "kill"), PID, 9) == ALLOWED
    assert verdict(made, call(machine, "prlimit64"), 0) == ALLOWED
    assert verdict(made, call(machine, "ioctl"), 0, 0x5401) == ALLOWED
    reads = {"x86_64": 0, "aarch64": 63}[machine]
    assert verdict(made, reads, 3) == ALLOWED


@pytest.mark.parametrize(
    "name", ["socket", "connect", "execve", "ptrace", "io_uring_setup", "unlinkat", "memfd_create"]
)
def test_a_decoder_may_do_nothing_of_this(machine: str, name: str) -> None:
    assert verdict(decoder_filter(machine, PID), call(machine, name)) == REFUSED


def test_what_a_decoder_is_refused_depends_on_what_it_asks(machine: str) -> None:
    made = decoder_filter(machine, PID)
    for flags in (os.O_WRONLY, os.O_RDWR, os.O_CREAT, os.O_TRUNC):
        assert verdict(made, call(machine, "openat"), 3, 0, flags) == REFUSED
    assert verdict(made, call(machine, "clone"), 0x11) == REFUSED
    assert verdict(made, call(machine, "kill"), 1, 9) == REFUSED
    assert verdict(made, call(machine, "tgkill"), 1, 1, 9) == REFUSED
    assert verdict(made, call(machine, "prlimit64"), 1) == REFUSED
    assert verdict(made, call(machine, "ioctl"), 0, 0x5412) == REFUSED
    for name in ("clone3", "openat2"):
        assert verdict(made, call(machine, name)) == UNKNOWN


def test_calls_of_other_machines_end_the_process_and_new_ones_are_unknown(machine: str) -> None:
    made, other = decoder_filter(machine, PID), (ARCHITECTURES.keys() - {machine}).pop()
    assert verdict(made, 0, machine=other) == ENDED
    assert verdict(made, syscalls.NEWEST + 1) == UNKNOWN
    assert verdict(made, 0x40000000) == UNKNOWN
