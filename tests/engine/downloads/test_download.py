"""Downloads that arrive, are checked, and meet a full disk."""

import errno
import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from engine.api.errors import ConfigError, ModelError
from engine.downloads.download import download
from engine.downloads.part_file import PartFile, sole_owner
from engine.downloads.progress import DownloadSettings
from engine.records.download_source import DownloadSource
from tests.engine.downloads.download_server import file_route, serving
from tests.engine.downloads.fetching import DATA, EAGER, SHA256, drain, fail, get, names, source_of


def test_a_file_arrives_whole_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    with serving(file_route(DATA)) as server:
        path, note = get(server, tmp_path)
    assert path.read_bytes() == DATA
    assert note == ""
    assert names(tmp_path) == ["model.pth"]


def test_progress_never_goes_back_and_ends_at_the_whole(tmp_path: Path) -> None:
    with serving(file_route(DATA)) as server:
        _, steps = drain(download(source_of(server), tmp_path, EAGER))
    arriving = [step.done for step in steps if step.stage == "downloading"]
    assert arriving == sorted(arriving)
    assert (arriving[-1], steps[-1].done, steps[-1].total) == (len(DATA),) * 3


def test_a_file_that_is_here_is_checked_and_not_asked_for_again(tmp_path: Path) -> None:
    with serving(file_route(DATA)) as server:
        get(server, tmp_path)
        get(server, tmp_path)
        assert len(server.seen) == 1


def test_a_file_that_was_damaged_here_is_downloaded_again(tmp_path: Path) -> None:
    (tmp_path / "model.pth").write_bytes(DATA[:1000])
    with serving(file_route(DATA)) as server:
        path, note = get(server, tmp_path)
    assert path.read_bytes() == DATA
    assert "is damaged" in note


def test_a_wrong_checksum_deletes_the_file_and_says_so(tmp_path: Path) -> None:
    with serving(file_route(DATA)) as server:
        message = fail(server, tmp_path, sha256="0123456789abcdef" * 4)
    assert "is not the one that was published" in message
    assert SHA256[:16] in message
    assert message.endswith("It was deleted.")
    assert names(tmp_path) == []


def test_a_checksum_of_eight_digits_is_compared_as_the_start(tmp_path: Path) -> None:
    with serving(file_route(DATA)) as server:
        path, note = get(server, tmp_path, SHA256[:8])
        assert note == ""
        path.unlink()
        assert "should start with 01234567" in fail(server, tmp_path, "01234567")


def test_an_unpublished_checksum_is_recorded_at_first_use_and_said_so(tmp_path: Path) -> None:
    with serving(file_route(DATA)) as server:
        _, note = get(server, tmp_path, sha256=None)
        table = json.loads((tmp_path / "known_hashes.json").read_text(encoding="utf-8"))
        assert table == {server.url: SHA256}
    assert "Nobody published a checksum" in note
    assert SHA256[:16] in note


def test_a_file_that_changed_since_its_first_use_is_refused_unless_allowed(tmp_path: Path) -> None:
    with serving(file_route(DATA)) as server:
        path, _ = get(server, tmp_path, sha256=None)
        path.unlink()
        server.route = file_route(DATA[::-1])
        message = fail(server, tmp_path, sha256=None)
        assert "its SHA-256 has changed" in message
        assert "--accept-change" in message
        assert not (tmp_path / "model.pth.part").exists()
        path, _ = get(server, tmp_path, None, DownloadSettings(accept_change=True))
        assert path.read_bytes() == DATA[::-1]
        get(server, tmp_path, sha256=None)


def test_a_damaged_list_of_checksums_is_not_taken_for_an_empty_one(tmp_path: Path) -> None:
    (tmp_path / "known_hashes.json").write_text("{", encoding="utf-8")
    with serving(file_route(DATA)) as server:
        assert "known_hashes.json" in fail(server, tmp_path, sha256=None)
        assert server.seen == []


def test_space_on_the_disk_is_looked_at_before_the_first_byte_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=20_000_000))
    with serving(file_route(DATA)) as server:
        message = fail(server, tmp_path)
    assert message == (
        "There is not enough space on the disk: the download needs 65.0 MB and 20.0 MB are free."
    )
    assert names(tmp_path) == []


def test_a_disk_that_fills_up_keeps_what_has_arrived(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = PartFile.write

    def write(part: PartFile, data: bytes) -> None:
        room = 500_000 - part.size
        real(part, data[:room])
        if room < len(data):
            raise OSError(errno.ENOSPC, "No space left on device")

    with serving(file_route(DATA)) as server:
        with monkeypatch.context() as full:
            full.setattr(PartFile, "write", write)
            message = fail(server, tmp_path)
        assert message.startswith("The disk is full. What has arrived is kept")
        assert (tmp_path / "model.pth.part").read_bytes() == DATA[:500_000]
        path, note = get(server, tmp_path)
    assert path.read_bytes() == DATA
    assert "Going on at 0.5 MB." in note


def test_the_same_file_is_not_downloaded_twice_at_once(tmp_path: Path) -> None:
    with serving(file_route(DATA)) as server, sole_owner(tmp_path / "model.pth"):
        with pytest.raises(ModelError, match="'model' is being downloaded already"):
            get(server, tmp_path)
        assert server.seen == []


@pytest.mark.parametrize(
    ("url", "name", "sha256"),
    [
        ("file:///etc/passwd", "a.pth", None),
        ("https://example.org/a", "../a.pth", None),
        ("https://example.org/a", "a.pth", "123"),
    ],
)
def test_a_source_that_makes_no_sense_is_refused(url: str, name: str, sha256: str | None) -> None:
    with pytest.raises(ConfigError):
        DownloadSource(url, name, sha256)
