"""What a program and all that it starts ask of the network, read off its system calls."""

from __future__ import annotations

import re
from pathlib import Path

_CALLS = "socket,connect,sendto,sendmsg,sendmmsg,bind"
_INTERNET = re.compile(r"\b(?:AF|PF)_INET6?\b")


def watched(command: list[str], record: Path) -> list[str]:
    """The command that runs this one, and writes to a file what it asks of the network.

    Looking up a name needs a socket of the internet, too.
    """
    strace = ["strace", "-f", "--seccomp-bpf", "-qqq", "-e", f"trace={_CALLS}", "-e", "signal=none"]
    return [*strace, "-o", str(record), *command]


def asked_of_the_internet(record: Path) -> list[str]:
    """The calls that have to do with the internet, as strace writes them; empty is good."""
    calls = record.read_text(encoding="utf-8", errors="replace").splitlines()
    return [call for call in calls if _INTERNET.search(call)]
