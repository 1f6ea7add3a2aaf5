"""Small disks: one that fills up, one that fails; both can be pulled out. Linux, for root."""

from __future__ import annotations

import contextlib
import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

fcntl = pytest.importorskip("fcntl", reason="not on Windows")

_MIB = 1 << 20
_BLOCK = 1024
#: What a disk says of itself and of its files lies before this; so does the folder.
_METADATA = 96 << 10
_FIBMAP = 1


def _run(*command: str) -> str:
    """What a command says; the test is skipped where it is missing or not allowed."""
    if sys.platform != "linux" or os.geteuid() != 0 or shutil.which(command[0]) is None:
        pytest.skip("nobody but root of a Linux mounts disks")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"{command[0]} is not allowed here: {done.stderr.strip()}")
    return done.stdout.strip()


def pull_out(place: Path) -> None:
    """Take a disk away, whatever is open on it."""
    subprocess.run(["umount", "-l", str(place)], check=True, capture_output=True)


class SmallDisk:
    """A disk in memory that fills up.

    Attributes:
        place: where it is mounted.
    """

    def __init__(self, place: Path) -> None:
        self.place = place
        self._filler = place / "filler"

    def fill(self, room: int = 0) -> None:
        """Leave no more room than so many bytes."""
        self.make_room()
        free = shutil.disk_usage(self.place).free
        # Who is tested may take of it meanwhile: then it is full before that.
        with contextlib.suppress(OSError), self._filler.open("wb") as file:
            file.write(bytes(max(0, free - room)))

    def make_room(self) -> None:
        """Take away what fills it."""
        self._filler.unlink(missing_ok=True)


@contextlib.contextmanager
def small_disk(place: Path, mib: int = 4) -> Iterator[SmallDisk]:
    """A disk of so many MiB at an empty folder, which is made."""
    place.mkdir()
    _run("mount", "-t", "tmpfs", "-o", f"size={mib}m", "tests", str(place))
    try:
        yield SmallDisk(place)
    finally:
        with contextlib.suppress(subprocess.CalledProcessError):
            pull_out(place)


class FailingDisk:
    """A disk whose hardware can fail: what files hold gives errors then.

    Attributes:
        place: where it is mounted.
    """

    def __init__(self, place: Path, image: Path, loop: str) -> None:
        self.place = place
        self._image = image
        self._loop = loop
        self._lost = b""

    def pull_out(self) -> None:
        """Take it away; where it was, there is an empty folder."""
        pull_out(self.place)

    def put_back(self) -> None:
        """Bring it back after that."""
        subprocess.run(["mount", "-o", "noatime", self._loop, str(self.place)], check=True)

    def beginning(self, file: Path) -> int:
        """Where on the disk a file begins, in bytes."""
        os.sync()
        with file.open("rb") as opened:
            block = fcntl.ioctl(opened.fileno(), _FIBMAP, struct.pack("i", 0))
        return int(struct.unpack("i", block)[0]) * _BLOCK

    def fail(self, beyond: int = _METADATA) -> None:
        """Let all fail that lies beyond so many bytes; the disk is gone for a moment."""
        self._take_off()
        with self._image.open("rb") as file:
            file.seek(beyond)
            self._lost = file.read()
        os.truncate(self._image, beyond)
        self._forget()
        self.put_back()

    def mend(self) -> None:
        """Give back what failed, as it was; the disk is gone for a moment."""
        self._take_off()
        with self._image.open("ab") as file:
            file.write(self._lost)
        self._forget()
        self.put_back()

    def _take_off(self) -> None:
        subprocess.run(["umount", str(self.place)], check=True)  # nothing is remembered of it

    def _forget(self) -> None:
        descriptor = os.open(self._loop, os.O_RDONLY)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)


@contextlib.contextmanager
def failing_disk(place: Path, mib: int = 16) -> Iterator[FailingDisk]:
    """A disk of so many MiB at an empty folder, which is made."""
    place.mkdir()
    image = place.with_name(f"{place.name}.img")
    with image.open("wb") as file:
        file.truncate(mib * _MIB)
    _run("mkfs.ext2", "-q", "-b", str(_BLOCK), "-N", "64", str(image))
    loop = _run("losetup", "--show", "-f", str(image))
    try:
        _run("mount", loop, str(place))
        yield FailingDisk(place, image, loop)
    finally:
        with contextlib.suppress(subprocess.CalledProcessError):
            pull_out(place)
        subprocess.run(["losetup", "-d", loop], check=False, capture_output=True)
