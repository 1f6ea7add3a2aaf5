"""Handing what a second start was given to the window that is open.

The window greets whoever calls. Only then it is asked, so that one that hangs never finds a
question that was given up long ago. A question is a length and JSON; the answer is one line.
Whoever calls is of the same person, and can do no more than have files opened.
"""

from __future__ import annotations

import json
import logging
import os
import struct
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal, Slot
from PySide6.QtNetwork import QLocalServer, QLocalSocket

from csra_gui.startup.instance import Instance

_log = logging.getLogger(__name__)

_GREETING, _TAKEN = b"csra 1\n", b"taken\n"
_LENGTH = struct.Struct("!I")
#: More than the systems let a program be given, even with every character written as an escape.
_MAX_BYTES = 16 << 20
_MAX_PATHS, _MAX_TOKEN = 200_000, 256
_MAX_CALLERS = 8
_CALL_MS = 5000
_CONNECT_MS, _PAUSE_S = 100, 0.05
#: For what a window says, and between two looks.
_LOOK_MS, _LOOK_S = 1, 0.01


@dataclass(frozen=True, slots=True)
class Handover:
    """What a start passes on.

    Attributes:
        paths: absolute; none means that the window shall only come to the front.
        token: by which Wayland lets a window come to the front.
    """

    paths: tuple[Path, ...] = ()
    token: str = ""

    def to_bytes(self) -> bytes:
        """As it is sent."""
        body = {"paths": [os.fspath(path) for path in self.paths], "token": self.token}
        data = json.dumps(body).encode("ascii")  # names that are no text become escapes
        return _LENGTH.pack(len(data)) + data

    @classmethod
    def from_bytes(cls, data: bytes) -> Handover:
        """What came, without its length.

        Raises:
            ValueError: it is not what a start sends.
        """
        try:
            body = json.loads(data)
            paths, token = body["paths"], body["token"]
        except (KeyError, TypeError, RecursionError) as error:
            raise ValueError("not a handover") from error
        if not isinstance(token, str) or len(token) > _MAX_TOKEN or "\0" in token:
            raise ValueError("no token")
        if not isinstance(paths, list) or len(paths) > _MAX_PATHS or not all(map(_is_path, paths)):
            raise ValueError("no paths")
        return cls(tuple(map(Path, paths)), token)


class Outcome(Enum):
    """How a start came out."""

    FIRST = auto()
    HANDED_OVER = auto()
    NO_ANSWER = auto()


def hand_over(
    instance: Instance, handover: Handover, is_over: Callable[[], bool], pause_s: float = _PAUSE_S
) -> Outcome:
    """Take the place of the window, or have the one that is open take over; in any thread.

    Args:
        instance: the place.
        handover: what to pass on.
        is_over: whether to give up; asked at least ten times a second.
        pause_s: between two tries, in seconds.
    """
    while not instance.claim():
        if _call(instance.address, handover, is_over):
            return Outcome.HANDED_OVER
        if not is_over():
            time.sleep(pause_s)
        if is_over():  # whoever gave up meanwhile wants no place either
            return Outcome.NO_ANSWER
    return Outcome.FIRST


def _call(address: str, handover: Handover, is_over: Callable[[], bool]) -> bool:
    socket = QLocalSocket()
    socket.connectToServer(address)
    if not socket.waitForConnected(_CONNECT_MS) or not _hears(socket, _GREETING, is_over):
        return False
    if is_over():  # what is not said yet is not to be done
        return False
    _allow_to_come_to_the_front()
    socket.write(handover.to_bytes())
    while socket.bytesToWrite():
        if not socket.waitForBytesWritten(_LOOK_MS) and _is_lost(socket, is_over):
            return False
    return _hears(socket, _TAKEN, is_over)


def _hears(socket: QLocalSocket, expected: bytes, is_over: Callable[[], bool]) -> bool:
    while socket.bytesAvailable() < len(expected):
        if not socket.waitForReadyRead(_LOOK_MS) and _is_lost(socket, is_over):
            return False
    return socket.read(len(expected)).data() == expected


def _is_lost(socket: QLocalSocket, is_over: Callable[[], bool]) -> bool:
    """Whether to give up; takes a moment. While a socket waits, no other thread can run Python."""
    time.sleep(_LOOK_S)
    return is_over() or socket.state() != QLocalSocket.LocalSocketState.ConnectedState


def _allow_to_come_to_the_front() -> None:
    """On Windows, only the program that the person used last may let another one do so."""
    if sys.platform == "win32":
        import ctypes  # noqa: PLC0415 - there only

        ctypes.windll.user32.AllowSetForegroundWindow(-1)


class HandoverServer(QObject):
    """The window's end.

    Args:
        instance: the place, which this program has.

    Signals:
        handed_over: a ``Handover``.
    """

    handed_over = Signal(object)

    def __init__(self, instance: Instance, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._server = QLocalServer(self)
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        self._callers: list[_Caller] = []
        if not instance.address:
            return
        QLocalServer.removeServer(instance.address)  # whoever left it there has not the place
        if not self._server.listen(instance.address):
            _log.info("Second starts cannot call: %s", self._server.errorString())

    def serve(self) -> None:
        """Answer from now on, also those who have been waiting."""
        self._server.newConnection.connect(self._on_server_new_connection)
        self._on_server_new_connection()

    def close(self) -> None:
        """Answer nobody any more."""
        self._server.close()
        for caller in tuple(self._callers):
            caller.end()

    @Slot()
    def _on_server_new_connection(self) -> None:
        while (socket := self._server.nextPendingConnection()) is not None:
            if len(self._callers) >= _MAX_CALLERS:
                socket.abort()
                socket.deleteLater()
                continue
            caller = _Caller(socket, self)
            self._callers.append(caller)
            caller.asked.connect(self.handed_over)
            caller.ended.connect(self._on_caller_ended)
            caller.greet()

    @Slot(object)
    def _on_caller_ended(self, caller: _Caller) -> None:
        self._callers.remove(caller)
        caller.deleteLater()


class _Caller(QObject):
    """One program that calls: has a few seconds and one question."""

    asked = Signal(object)
    ended = Signal(object)

    def __init__(self, socket: QLocalSocket, parent: QObject) -> None:
        super().__init__(parent)
        self._socket = socket
        self._is_ended = False
        socket.setParent(self)
        socket.setReadBufferSize(_MAX_BYTES)
        socket.readyRead.connect(self._on_socket_ready_read)
        socket.disconnected.connect(self.end)
        self._timer = QTimer(self, singleShot=True, interval=_CALL_MS)
        self._timer.timeout.connect(self.end)

    def greet(self) -> None:
        """Say that there is somebody."""
        self._timer.start()
        self._socket.write(_GREETING)

    @Slot()
    def end(self) -> None:
        """Hear no more of it."""
        if not self._is_ended:
            self._is_ended = True
            self._timer.stop()
            self._socket.abort()
            self.ended.emit(self)

    @Slot()
    def _on_socket_ready_read(self) -> None:
        start = self._socket.peek(_LENGTH.size).data()
        if len(start) < _LENGTH.size:
            return
        (length,) = _LENGTH.unpack(start)
        if length > _MAX_BYTES - _LENGTH.size:
            self._refuse("it says too much")
        elif self._socket.bytesAvailable() >= _LENGTH.size + length:
            self._socket.skip(_LENGTH.size)
            self._take(bytes(self._socket.read(length).data()))

    def _take(self, data: bytes) -> None:
        try:
            handover = Handover.from_bytes(data)
        except ValueError as error:
            self._refuse(str(error))
            return
        self._socket.readyRead.disconnect(self._on_socket_ready_read)
        self._socket.write(_TAKEN)
        self._socket.flush()
        self.asked.emit(handover)
        self._socket.disconnectFromServer()

    def _refuse(self, reason: str) -> None:
        _log.info("A caller was refused: %s", reason)
        self.end()


def _is_path(text: object) -> bool:
    if not isinstance(text, str) or not os.path.isabs(text):  # noqa: PTH117 - quicker
        return False
    return b"\0" not in os.fsencode(text)  # fails with a ValueError for half a character
