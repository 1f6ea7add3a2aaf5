from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from engine.atomic import TEMPORARY_PREFIX
from engine.data import sidecar_names
from engine.metadata import sidecars
from engine.metadata.errors import DiskFullError, MetadataError, SidecarChangedError, XmpError
from engine.metadata.values import Changes
from engine.metadata.xmp import merged, parsed
from tests.programs import needs_program

DOG = Changes(add=(("animal", "dog"),), rating=3, title="Rex")
OLD = merged(None, Changes(add=(("cat",),)))
KILLED_WRITE = (
    "import sys; from pathlib import Path; from engine.metadata import sidecars; "
    "from engine.metadata.values import Changes; s = sidecars.read(Path(sys.argv[1])); "
    "Path(sys.argv[1] + '.marker').touch(); sidecars.write(s, Changes(add=(('dog',),)))"
)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "ä b.jpg"
    path.touch()
    return path


@pytest.mark.parametrize(("style", "name"), [("extension", "ä b.jpg.xmp"), ("adobe", "ä b.xmp")])
def test_a_write_makes_the_file_and_a_second_changes_nothing(
    photo: Path, style: sidecar_names.Style, name: str
) -> None:
    path = sidecar_names.sidecar_path(photo, style)
    assert path.name == name
    once = sidecars.write(sidecars.read(path), DOG)
    before = path.stat()
    assert sidecars.write(once, DOG) == once
    assert path.stat() == before
    assert sidecars.values_of(photo).keywords == ("dog",)
    assert sorted(p.name for p in photo.parent.iterdir()) == sorted([photo.name, name])


def test_without_any_change_no_file_is_made(photo: Path) -> None:
    path = sidecar_names.sidecar_path(photo)
    sidecars.write(sidecars.read(path), Changes())
    assert not path.exists()


def test_both_sidecars_are_read_and_that_with_the_ending_counts_more(photo: Path) -> None:
    photo.with_name("ä b.xmp").write_bytes(merged(None, Changes((("cat",),), rating=1, title="x")))
    photo.with_name("ä b.jpg.XMP").write_bytes(merged(None, Changes((("dog",),), rating=2)))
    values = sidecars.values_of(photo)
    assert (values.keywords, values.rating, values.title) == (("dog", "cat"), 2, "x")


def test_the_adobe_sidecar_beside_a_raw_is_that_of_the_raw(photo: Path) -> None:
    raw = photo.with_suffix(".CR2")
    raw.touch()
    photo.with_suffix(".xmp").write_bytes(OLD)
    assert sidecars.values_of(raw).keywords == ("cat",)
    assert sidecars.values_of(photo).keywords == ()


@pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions")
def test_permissions_time_and_link_are_kept(tmp_path: Path) -> None:
    target, link = tmp_path / "real.xmp", tmp_path / "a.jpg.xmp"
    target.write_bytes(OLD)
    target.chmod(0o640)
    os.utime(target, ns=(10**18, 10**18))
    link.symlink_to(target)
    sidecars.write(sidecars.read(link), DOG, keep_mtime=True)
    assert link.is_symlink()
    assert parsed(target.read_bytes()).keywords == ("cat", "dog")
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert target.stat().st_mtime_ns == 10**18


@pytest.mark.parametrize("change", ["content", "same time and size", "gone", "new"])
def test_what_another_program_wrote_since_is_left_alone(tmp_path: Path, change: str) -> None:
    path = tmp_path / "a.xmp"
    if change != "new":
        path.write_bytes(OLD)
    before = sidecars.read(path)
    if change == "gone":
        path.unlink()
    elif change == "same time and size":
        times = path.stat()
        path.write_bytes(OLD.replace(b"cat", b"cow"))
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    else:
        path.write_bytes(merged(None, Changes(add=(("bird",),))))
    now = path.read_bytes() if path.exists() else None
    with pytest.raises(SidecarChangedError):
        sidecars.write(before, DOG)
    assert (path.read_bytes() if path.exists() else None) == now
    assert not list(tmp_path.glob(f"{TEMPORARY_PREFIX}*"))


def test_a_change_while_the_new_file_is_written_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, other = tmp_path / "a.xmp", merged(None, Changes(add=(("bird",),)))
    path.write_bytes(OLD)
    write_bytes = Path.write_bytes

    def write_and_be_overtaken(self: Path, data: bytes) -> int:
        write_bytes(path, other)
        return write_bytes(self, data)

    before = sidecars.read(path)
    monkeypatch.setattr(Path, "write_bytes", write_and_be_overtaken)
    with pytest.raises(SidecarChangedError):
        sidecars.write(before, DOG)
    assert path.read_bytes() == other


def test_a_broken_sidecar_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.xmp"
    path.write_bytes(OLD[:-20])
    with pytest.raises(XmpError, match=r"a\.xmp"):
        sidecars.write(sidecars.read(path), DOG)
    assert path.read_bytes() == OLD[:-20]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no pipes with names")
@pytest.mark.parametrize("kind", ["pipe", "folder", "dangling link"])
def test_what_is_no_file_is_refused_without_waiting(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.xmp"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to(tmp_path / "nowhere")
    with pytest.raises(MetadataError):
        sidecars.read(path)


def test_a_full_disk_leaves_the_old_file_and_no_litter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.xmp"
    path.write_bytes(OLD)

    def no_room(self: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    before = sidecars.read(path)
    monkeypatch.setattr(Path, "write_bytes", no_room)
    with pytest.raises(DiskFullError):
        sidecars.write(before, DOG)
    assert path.read_bytes() == OLD
    assert list(tmp_path.iterdir()) == [path]


def test_only_old_litter_of_this_program_is_swept(tmp_path: Path) -> None:
    old, young, other = (
        tmp_path / n for n in (f"{TEMPORARY_PREFIX}1", f"{TEMPORARY_PREFIX}2", "x")
    )
    for file in (old, young, other):
        file.touch()
    for file in (old, other):
        os.utime(file, (0, 0))
    assert sidecars.sweep(tmp_path) == 1
    assert sorted(tmp_path.iterdir()) == sorted([young, other])


@needs_program("exiftool")
def test_exiftool_reads_what_is_written_and_its_own_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.xmp"
    sidecars.write(sidecars.read(path), DOG)
    subprocess.run(
        ["exiftool", "-q", "-overwrite_original", "-XMP-dc:Creator=Ann", "-Subject+=cow", path],
        check=True,
    )
    sidecars.write(sidecars.read(path), Changes(add=(("plant", "tree"),), color_label="Red"))
    done = subprocess.run(["exiftool", "-j", "-G1", path], check=True, capture_output=True)
    said = json.loads(done.stdout)[0]
    assert said["XMP-dc:Subject"] == ["dog", "cow", "tree"]
    assert said["XMP-lr:HierarchicalSubject"] == ["animal|dog", "plant|tree"]
    assert said["XMP-digiKam:TagsList"] == ["animal/dog", "plant/tree"]
    assert said["XMP-dc:Creator"] == "Ann"
    assert (said["XMP-xmp:Rating"], said["XMP-xmp:Label"]) == (3, "Red")
    assert said["XMP-dc:Title"] == "Rex"


@needs_program("exiv2")
def test_exiv2_reads_what_is_written(tmp_path: Path) -> None:
    path = tmp_path / "a.xmp"
    sidecars.write(sidecars.read(path), DOG)
    done = subprocess.run(["exiv2", "-PXkt", path], check=True, capture_output=True, text=True)
    said = dict(line.split(None, 1) for line in done.stdout.splitlines())
    assert said["Xmp.dc.subject"].strip() == "dog"
    assert said["Xmp.lr.hierarchicalSubject"].strip() == "animal|dog"
    assert said["Xmp.digiKam.TagsList"].strip() == "animal/dog"
    assert said["Xmp.xmp.Rating"].strip() == "3"
    assert "Rex" in said["Xmp.dc.title"]


def traced(path: Path, *options: str) -> int:
    """Run one write under strace; its exit status."""
    # Touching one that is there would open nothing: one system call less.
    Path(f"{path}.marker").unlink(missing_ok=True)
    command = ["strace", "-f", "-qq", *options, sys.executable, "-c", KILLED_WRITE, str(path)]
    return subprocess.run(command, check=False).returncode


@pytest.mark.slow
@needs_program("strace")
@pytest.mark.parametrize(
    "call", ["openat", "fstat,newfstatat", "write", "fsync", "chmod", "rename", "unlink", "close"]
)
def test_a_kill_at_any_system_call_leaves_the_old_or_the_new_file(
    tmp_path: Path, call: str
) -> None:
    folder, log = tmp_path / "photos", tmp_path / "log"
    folder.mkdir()
    path, new = folder / "a.xmp", merged(OLD, Changes(add=(("dog",),)))
    path.write_bytes(OLD)
    assert traced(path, "-o", str(log), "-e", f"trace=openat,{call}") == 0
    assert path.read_bytes() == new
    lines = log.read_text().splitlines()
    start = next(i for i, line in enumerate(lines) if "a.xmp.marker" in line)
    for name in call.split(","):
        wanted = [i for i, line in enumerate(lines) if f" {name}(" in line]
        first = sum(i <= start for i in wanted) + 1
        killed = 0
        for when in range(first, len(wanted) + 1):
            path.write_bytes(OLD)
            inject = f"inject={name}:signal=KILL:when={when}"
            killed += traced(path, "-o", os.devnull, "-e", inject) != 0
            assert path.read_bytes() in {OLD, new}
            sidecars.sweep(folder, min_age_s=-1)
            assert not list(folder.glob(f"{TEMPORARY_PREFIX}*"))
        assert killed == len(wanted) - first + 1
