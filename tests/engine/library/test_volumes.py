from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.library.volumes import Mount, Spot, VolumeProbe, device_ids, linux_spot, read_mounts

MOUNTS = [
    Mount("/", "/", "ext4", "/dev/sda1"),
    Mount("/home", "/@home", "btrfs", "/dev/sda2"),
    Mount("/media/me/My Stick", "/", "vfat", "/dev/sdb1"),
    Mount("/mnt/nas", "/", "nfs4", "nas:/export"),
    Mount("/mnt/office", "/", "cifs", "//office/photos"),
    Mount("/tmp", "/", "tmpfs", "tmpfs"),
    Mount("/media/over", "/", "vfat", "/dev/sdc1"),
    Mount("/media/over", "/", "vfat", "/dev/sdb1"),
]
IDS = {"/dev/sda1": "uuid:root", "/dev/sda2": "uuid:home", "/dev/sdb1": "uuid:1234-ABCD"}


@pytest.mark.parametrize(
    ("path", "spot"),
    [
        ("/srv/photos", Spot("uuid:root", b"srv/photos")),
        ("/home/me/Pictures", Spot("uuid:home", b"@home/me/Pictures")),
        ("/media/me/My Stick", Spot("uuid:1234-ABCD", b"")),
        ("/media/me/My Stick/DCIM/100", Spot("uuid:1234-ABCD", b"DCIM/100")),
        ("/media/over/DCIM", Spot("uuid:1234-ABCD", b"DCIM")),
        ("/mnt/nas/2024", Spot("share:nas:/export", b"2024")),
        ("/mnt/office", Spot("share://office/photos", b"")),
        (os.fsdecode(b"/srv/caf\xe9"), Spot("uuid:root", b"srv/caf\xe9")),
        ("/tmp/photos", None),
    ],
)
def test_a_path_lies_on_the_innermost_volume_around_it(path: str, spot: Spot | None) -> None:
    assert linux_spot(Path(path), MOUNTS, IDS) == spot


def test_mounts_and_devices_are_read_as_the_kernel_writes_them(tmp_path: Path) -> None:
    table = tmp_path / "mountinfo"
    table.write_text(
        "22 27 0:21 / /proc rw,relatime - proc proc rw\n"
        "31 27 8:17 / /media/me/My\\040Stick\\134x rw,nosuid shared:9 - vfat /dev/sdb1 rw\n"
        "nonsense\n"
    )
    (tmp_path / "sdb1").touch()
    (tmp_path / "by-uuid").mkdir()
    (tmp_path / "by-uuid/1234-ABCD").symlink_to("../sdb1")

    assert read_mounts(table)[1] == Mount("/media/me/My Stick\\x", "/", "vfat", "/dev/sdb1")
    assert device_ids(tmp_path / "by-uuid") == {str(tmp_path / "sdb1"): "uuid:1234-ABCD"}


def test_where_nothing_is_known_there_is_no_identity(tmp_path: Path) -> None:
    assert read_mounts(tmp_path / "none") == []
    assert device_ids(tmp_path / "none") == {}
    assert linux_spot(tmp_path, [], {}) is None
    assert VolumeProbe()(Path("a\0b")) is None
