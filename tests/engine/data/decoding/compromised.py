"""A decoder that a picture has taken over: it does what the file's name says; imported by name."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import pickle
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

from engine.api.config import DecodeMode
from engine.api.errors import ImageError
from engine.api.values import DecodedImage
from engine.data.decoding.decode import CropBox, Fit, decode
from engine.data.decoding.worker import Admit


class RunsACommand:
    """What an ordinary unpickling would run."""

    def __init__(self, marker: Path) -> None:
        self._marker = marker

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self._marker,)


SOUND = {
    "kind": "done",
    "size": [40, 30],
    "shape": [30, 40],
    "content": [0, 0, 1, 1],
    "facts": None,
    "thumbnail": None,
}
SMALL = {"shape": [3, 4], "side": 4, "file_size": 1, "mtime_ns": 1, "turn": 0}
#: What is sent instead of an answer, by the file's name.
ANSWERS: dict[str, object] = {
    "nothing known": {"kind": "exec", "text": "x"},
    "no object": ["done"],
    "a text as a size": SOUND | {"size": ["40", 30]},
    "a truth as a size": SOUND | {"size": [True, 30]},
    "a size below zero": SOUND | {"size": [-1, 30]},
    "a huge size": SOUND | {"size": [1 << 70, 30]},
    "more pixels than there are": SOUND | {"shape": [1 << 30, 1 << 30]},
    "more pixels than were asked for": SOUND | {"shape": [49, 49]},
    "three sides": SOUND | {"shape": [3, 4, 5]},
    "a box that is no number": SOUND | {"content": [0, 0, float("nan"), 1]},
    "a box inside out": SOUND | {"content": [1, 0, 0, 1]},
    "facts that nobody knows": SOUND | {"facts": 1 << 20},
    "a thumbnail that nobody wanted": SOUND | {"thumbnail": SMALL},
    "a thumbnail without a size": SOUND | {"thumbnail": {}},
    "a text without end": {"kind": "failed", "text": "x" * 9_000},
    "no text": {"kind": "failed", "text": 5},
    "ready again": {"kind": "ready", "text": ""},
    "no pixels to admit": {"kind": "admit", "pixels": "all"},
}


def obey(  # noqa: PLR0912 - one case for each thing that it does
    path: Path,
    side: int | None,
    fit: Fit,
    admit: Admit | None,
    crop: CropBox | None,
    mode: DecodeMode,
) -> DecodedImage:
    pipe = next(thing for thing in gc.get_objects() if type(thing) is Connection)
    match path.stem:
        case name if name in ANSWERS:
            pipe.send_bytes(json.dumps(ANSWERS[name]).encode())
            if name.startswith("a thumbnail"):
                pipe.send_bytes(bytes(30 * 40 * 3))
        case "pickle":
            pipe.send_bytes(pickle.dumps(RunsACommand(path.with_suffix(".marker"))))
        case "pickle as such":
            pipe.send(RunsACommand(path.with_suffix(".marker")))
        case "a message of an exabyte":
            os.write(pipe.fileno(), struct.pack("!iQ", -1, 1 << 60))
        case "a length below zero":
            os.write(pipe.fileno(), struct.pack("!i", -7))
        case "a message too long":
            os.write(pipe.fileno(), struct.pack("!i", 1 << 20))
        case "brackets":
            pipe.send_bytes(b"[" * 60_000)
        case "a long number":
            pipe.send_bytes(b'{"kind": "admit", "pixels": ' + b"9" * 60_000 + b"}")
        case "too few pixels":
            pipe.send_bytes(json.dumps(SOUND).encode())
            pipe.send_bytes(bytes(5))
        case "half a message":
            os.write(pipe.fileno(), struct.pack("!i", 100) + b"{")
            os._exit(0)
        case "a message that never ends":
            os.write(pipe.fileno(), struct.pack("!i", 100) + b"{")
            signal.pause()
        case "stopped":
            os.kill(os.getpid(), signal.SIGSTOP)
        case "asks for ever":
            while True:
                pipe.send_bytes(json.dumps({"kind": "admit", "pixels": 1}).encode())
                pipe.recv()
        case "tries":
            raise ImageError(" ".join(name for name, way in escapes(path).items() if _works(way)))
        case "threads":
            done: list[int] = []
            thread = threading.Thread(target=done.append, args=(1,))
            thread.start()
            thread.join()
            raise ImageError(f"{len(done)} thread ran")
    return decode(path, side, fit, admit, crop, mode)


def escapes(path: Path) -> dict[str, Callable[[], object]]:
    """What nobody may do who only decodes pictures."""
    new = path.with_suffix(".new")
    return {
        "socket": lambda: socket.socket(socket.AF_INET),
        "local socket": lambda: socket.socket(socket.AF_UNIX),
        "program": lambda: subprocess.run([sys.executable, "-c", ""], check=True),
        "fork": os.fork,
        "new file": lambda: os.close(os.open(new, os.O_WRONLY | os.O_CREAT)),
        "changed file": lambda: os.close(os.open(path, os.O_RDWR)),
        "removed file": path.unlink,
        "folder": new.mkdir,
        "rights": lambda: path.chmod(0o777),
        "name": lambda: path.rename(new),
        "link": lambda: os.link(path, new),
        "time": lambda: os.utime(path, (1, 1)),
        "signal": lambda: os.kill(os.getppid(), 0),
        "memory of others": lambda: Path(f"/proc/{os.getppid()}/mem").open("rb").close(),
        "many files": lambda: [os.open(path, os.O_RDONLY) for _ in range(100)],
    }


def _works(way: Callable[[], object]) -> bool:
    with contextlib.suppress(OSError):
        way()
        return True
    return False
