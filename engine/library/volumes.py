"""Which volume a folder lies on, and where on it: what stays when a drive gets another letter."""

from __future__ import annotations

import ctypes
import os
import plistlib
import re
import subprocess
import sys
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePath

_MOUNTS = Path("/proc/self/mountinfo")
_BY_UUID = Path("/dev/disk/by-uuid")
_NETWORK_TYPES = (
    "nfs",
    "cifs",
    "smb",
    "9p",
    "afs",
    "ceph",
    "fuse.sshfs",
    "fuse.glusterfs",
    "davfs",
)
_OCTAL = re.compile(r"\\([0-7]{3})")
_ANSWERS_IN_S = 10


@dataclass(frozen=True, slots=True)
class Spot:
    """Where something lies, whatever the way to it is called today.

    Attributes:
        volume: the identity of the drive or share, with what kind of identity it is.
        inside: the path from the volume's top, as bytes with ``/`` between names; never begins
            with one.
    """

    volume: str
    inside: bytes


#: Finds the spot of a path; ``None`` where the volume has no identity that lasts. Asks the disk.
Probe = Callable[[Path], Spot | None]


@dataclass(frozen=True, slots=True)
class Mount:
    """A mounted file system.

    Attributes:
        point: where it is.
        top: the part of the file system that is there; ``/`` for all of it.
        kind: of file system.
        source: a device, or a share.
    """

    point: str
    top: str
    kind: str
    source: str


class VolumeProbe:
    """Finds the spots of paths by the drives and shares that there are when it is made."""

    def __init__(self) -> None:
        self._mounts = read_mounts() if sys.platform.startswith("linux") else []
        self._ids = device_ids() if self._mounts else {}
        self._of_mac: dict[Path, str] = {}

    def __call__(self, path: Path) -> Spot | None:
        """Where a path lies on its volume; ``None`` if nothing about the volume would last."""
        try:
            real = Path(os.path.realpath(path))
            if sys.platform == "win32":
                return _windows_spot(real)
            if sys.platform == "darwin":
                return self._mac_spot(real)
            return linux_spot(real, self._mounts, self._ids)
        except (OSError, ValueError):  # ValueError: a NUL in the name
            return None

    def _mac_spot(self, real: Path) -> Spot | None:
        point = next(place for place in (real, *real.parents) if os.path.ismount(place))
        if point not in self._of_mac:  # asking takes a tenth of a second
            self._of_mac[point] = _mac_identity(point)
        return _spot(self._of_mac[point], real.relative_to(point))


def volumes_present() -> frozenset[str] | None:
    """The identities of the drives and shares that are mounted; ``None`` if nobody can say."""
    mounts = read_mounts() if sys.platform.startswith("linux") else []
    if not mounts:
        return None
    ids = device_ids()
    shares = {f"share:{mount.source}" for mount in mounts if mount.kind.startswith(_NETWORK_TYPES)}
    return frozenset(shares | {ids[mount.source] for mount in mounts if mount.source in ids})


def linux_spot(real: Path, mounts: list[Mount], ids: dict[str, str]) -> Spot | None:
    """The spot of a path without links.

    Args:
        real: the path.
        mounts: all that there are; of two at one place, the later one counts.
        ids: device → its identity.
    """
    around = [mount for mount in mounts if real.is_relative_to(mount.point)]
    if not around:
        return None
    mount = max(reversed(around), key=lambda mount: len(mount.point))
    if mount.kind.startswith(_NETWORK_TYPES):
        volume = f"share:{mount.source}"
    elif mount.source in ids:
        volume = ids[mount.source]
    else:
        return None
    return _spot(volume, real.relative_to(mount.point), mount.top)


def _spot(volume: str, below: PurePath, top: str = "/") -> Spot:
    inside = PurePath(top.strip("/")) / below
    name = "" if inside == PurePath() else inside.as_posix()
    # Systems differ in how they spell accents on the same drive.
    return Spot(volume, os.fsencode(unicodedata.normalize("NFC", name)))


def read_mounts(table: Path = _MOUNTS) -> list[Mount]:
    """The mounts of this process, in the order in which they were made."""
    try:
        lines = os.fsdecode(table.read_bytes()).splitlines()
    except OSError:
        return []
    mounts = []
    for line in lines:
        mine, _, theirs = line.partition(" - ")
        words, more = mine.split(" "), theirs.split(" ")
        if len(words) > 4 and len(more) > 1:
            mounts.append(Mount(*map(_unescaped, (words[4], words[3], more[0], more[1]))))
    return mounts


def _unescaped(word: str) -> str:
    # The kernel writes bytes, so a name beyond ASCII is not touched, and a blank is one byte.
    return _OCTAL.sub(lambda match: chr(int(match[1], 8)), word)


def device_ids(folder: Path = _BY_UUID) -> dict[str, str]:
    """Device → the identity of the file system on it."""
    try:
        links = list(folder.iterdir())
    except OSError:
        return {}
    return {os.path.realpath(link): f"uuid:{link.name}" for link in links}


def _windows_spot(real: Path) -> Spot | None:
    kernel = ctypes.windll.kernel32  # type: ignore[attr-defined, unused-ignore]
    root = ctypes.create_unicode_buffer(1024)
    if not kernel.GetVolumePathNameW(str(real), root, len(root)):
        return None
    serial = ctypes.c_uint32()
    name = ctypes.create_unicode_buffer(64)
    if not kernel.GetVolumeInformationW(
        root.value, None, 0, ctypes.byref(serial), None, None, name, len(name)
    ):
        return None
    return _spot(f"serial:{serial.value:08x}:{name.value}", real.relative_to(root.value))


def _mac_identity(point: Path) -> str:
    command = ["/usr/sbin/diskutil", "info", "-plist", str(point)]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_ANSWERS_IN_S, check=True)
        uuid = plistlib.loads(done.stdout).get("VolumeUUID")
    except (OSError, subprocess.SubprocessError, plistlib.InvalidFileException, ValueError):
        uuid = None
    if uuid:
        return f"uuid:{uuid}"
    facts = os.statvfs(point)
    return f"name:{point.name}:{facts.f_blocks * facts.f_frsize}"
