"""Starting a process that does one piece of work and knows nothing of the program's main module.

``multiprocessing`` runs the main module again in each child that it spawns: a script without an
``if __name__ == "__main__"`` would start itself, and one that came through standard input cannot
be found. Here the child runs this file, which then does what it is told over its pipe.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.spawn import get_executable
from typing import Any, Protocol


class Child(Protocol):
    """A process that was started."""

    def kill(self) -> None:
        """End it at once; one that has ended costs nothing. From any thread."""

    def wait(self, timeout: float) -> object:
        """Wait so many seconds for its end."""


def start_child(
    theirs: Connection, ours: Connection, work: Callable[..., None], *rest: object
) -> Child:
    """Start a process that calls ``work(theirs, *rest)``; it sees this one's modules, no more.

    Args:
        theirs: the child's end of the pipe; still open here afterwards.
        ours: the other end.
        work: a function that can be imported by name, but from no main module.
        rest: what can be pickled.

    Raises:
        OSError: the process could not be started, or ended at once.
    """
    command = [os.fsdecode(get_executable()), *_options(), __file__, str(theirs.fileno())]
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        # One thread alone gives up its rights for all that follow; more gain a decoder nothing.
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        **_inheriting(theirs.fileno()),
    )
    try:
        ours.send(sys.path)
        ours.send((work, rest))
    except BaseException:
        process.kill()
        process.wait()
        raise
    return _Started(process)


class _Started:
    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def kill(self) -> None:
        self._process.kill()

    def wait(self, timeout: float) -> None:
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            return


def _options() -> list[str]:
    """The interpreter's, as far as they matter: the rest comes with the environment and the path.

    Modules are looked for neither in this file's folder nor in the current one (-P), and names of
    files are spelled in the same way (utf8).
    """
    options = ["-P", "-X", f"utf8={sys.flags.utf8_mode}"]
    if sys.flags.ignore_environment:
        options.append("-E")
    if sys.dont_write_bytecode:
        options.append("-B")
    return options


def _inheriting(handle: int) -> dict[str, Any]:
    """How the child gets one more handle than usual, and no other."""
    if sys.platform == "win32":
        os.set_handle_inheritable(handle, True)
        only = {"handle_list": [handle]}
        return {"startupinfo": subprocess.STARTUPINFO(lpAttributeList=only)}
    return {"pass_fds": (handle,)}


def _main() -> None:
    handle = int(sys.argv[1])
    if sys.platform == "win32":
        from multiprocessing.connection import PipeConnection  # noqa: PLC0415 - nowhere else

        connection = PipeConnection(handle)
    else:
        connection = Connection(handle)
    try:
        sys.path[:] = connection.recv()
        work, rest = connection.recv()  # by name: it is imported now
    except (EOFError, ConnectionError):
        return  # whoever started it is gone
    work(connection, *rest)


if __name__ == "__main__":
    _main()
