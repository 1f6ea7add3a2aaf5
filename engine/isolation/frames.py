"""Messages of another process as bytes: nothing in them is believed, nor waited for for ever.

The other end sends them by ``Connection.send_bytes``. What ``Connection.recv`` does with them is
what must not happen here: it runs what a pickle says, and takes as much memory as is announced.
"""

from __future__ import annotations

import os
import select
import struct
import sys
from multiprocessing.connection import Connection

from engine.isolation.time_left import TimeLeft


class BadMessageError(Exception):
    """A message is none that the other process can have meant; the text says what is wrong."""


class FrameReader:
    """Takes messages from a pipe, with limits of size and time.

    Args:
        connection: stays the caller's, who alone reads from it.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        if sys.platform != "win32":
            self._poll = select.poll()
            self._poll.register(connection.fileno(), select.POLLIN)

    def receive(self, limit: int, timeout_s: float) -> bytes:
        """The next message.

        Args:
            limit: the most bytes that it may have.
            timeout_s: seconds until all of it must be here; a standstill does not count.

        Raises:
            BadMessageError: it is longer.
            EOFError, OSError: the other end is closed.
            TimeoutError: it is not here in time.
        """
        if sys.platform == "win32":
            return self._received_whole(limit, timeout_s)
        left = TimeLeft(timeout_s)
        size = self._size(limit, left)
        message = bytearray(size)
        self._fill(memoryview(message), left)
        return bytes(message)

    def receive_into(self, target: memoryview, timeout_s: float) -> None:
        """The next message, which must be as long as what it is written into; else as ``receive``.

        Args:
            target: bytes that can be written.
            timeout_s: as for ``receive``.
        """
        if sys.platform == "win32":
            message = self._received_whole(len(target), timeout_s)
            _check_length(len(message), len(target))
            target[:] = message
            return
        left = TimeLeft(timeout_s)
        _check_length(self._size(len(target), left), len(target))
        self._fill(target, left)

    def _size(self, limit: int, left: TimeLeft) -> int:
        """What a ``Connection`` says before each message: four bytes, or −1 and eight more."""
        size = struct.unpack("!i", self._exactly(4, left))[0]
        if size == -1:
            size = struct.unpack("!Q", self._exactly(8, left))[0]
        if not 0 <= size <= limit:
            raise BadMessageError(f"a message of {size} bytes, where {limit} are the most")
        return int(size)

    def _exactly(self, count: int, left: TimeLeft) -> bytearray:
        found = bytearray(count)
        self._fill(memoryview(found), left)
        return found

    def _fill(self, target: memoryview, left: TimeLeft) -> None:
        done = 0
        while done < len(target):
            self._await(left)
            count = os.readv(self._connection.fileno(), [target[done:]])
            if count == 0:
                raise EOFError
            done += count

    def _await(self, left: TimeLeft) -> None:
        """Wait until there is something to read, or the other end is closed."""
        while turn := left.turn():
            if self._is_there(turn):
                return
        raise TimeoutError

    def _is_there(self, within_s: float) -> bool:
        if sys.platform == "win32":
            return self._connection.poll(within_s)
        return bool(self._poll.poll(within_s * 1000))

    def _received_whole(self, limit: int, timeout_s: float) -> bytes:
        self._await(TimeLeft(timeout_s))
        return self._connection.recv_bytes(limit)  # raises OSError beyond it


def _check_length(found: int, wanted: int) -> None:
    if found != wanted:
        raise BadMessageError(f"{found} bytes, where {wanted} were announced")
