"""Downloads from a server that drops, lies, redirects, ignores Range and serves web pages."""

import errno
import hashlib
import json
import random
import shutil
import socket
import subprocess
from collections.abc import Callable, Generator
from pathlib import Path
from types import SimpleNamespace
from typing import TypeVar

import pytest

from engine.api.errors import ConfigError, ModelError
from engine.downloads.download import (
    DownloadProgress,
    DownloadSettings,
    DownloadSource,
    download,
)
from engine.downloads.google_drive import confirmed_url
from engine.downloads.part_file import PartFile, sole_owner
from tests.engine.downloads.download_server import (
    DownloadServer,
    Exchange,
    file_route,
    forget_proxies,
    page_route,
    redirect_route,
    serving,
)

DATA = random.Random(0).randbytes(1_000_003)
SHA256 = hashlib.sha256(DATA).hexdigest()
EAGER = DownloadSettings(attempts=3, pause=0.0, silence=5.0)
Result = TypeVar("Result")


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    forget_proxies(monkeypatch)


def drain(
    steps: Generator[DownloadProgress, None, Result],
) -> tuple[Result, list[DownloadProgress]]:
    seen: list[DownloadProgress] = []
    while True:
        try:
            seen.append(next(steps))
        except StopIteration as end:
            return end.value, seen


def source_of(server: DownloadServer, sha256: str | None = SHA256) -> DownloadSource:
    return DownloadSource(server.url, "model.pth", sha256)


def get(
    server: DownloadServer,
    folder: Path,
    sha256: str | None = SHA256,
    settings: DownloadSettings = EAGER,
) -> tuple[Path, str]:
    """The file, and all notes."""
    path, steps = drain(download(source_of(server, sha256), folder, settings))
    return path, " ".join(step.note for step in steps if step.note)


def fail(
    server: DownloadServer,
    folder: Path,
    sha256: str | None = SHA256,
    settings: DownloadSettings = EAGER,
) -> str:
    """The message of a download that must not succeed, and must leave no file to open."""
    with pytest.raises(ModelError) as caught:
        get(server, folder, sha256, settings)
    assert not (folder / "model.pth").exists()
    assert str(folder) not in str(caught.value)
    return str(caught.value)


def leave_part(folder: Path, size: int, etag: str = '"v1"') -> Callable[[DownloadServer], None]:
    """Put the first bytes of the file there, as an earlier download would have left them."""

    def leave(server: DownloadServer) -> None:
        part = PartFile(folder / "model.pth", server.url)
        part.start(len(DATA), {"ETag": etag})
        part.write(DATA[:size])
        part.close()

    return leave


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


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


def test_dropped_connections_are_gone_on_with_where_they_broke_off(tmp_path: Path) -> None:
    with serving(file_route(DATA, drop_after=[300_000, 300_000])) as server:
        path, note = get(server, tmp_path)
        assert path.read_bytes() == DATA
        assert [seen.headers.get("Range") for seen in server.seen] == [
            None,
            "bytes=300000-",
            "bytes=600000-",
        ]
        assert server.body_bytes == len(DATA), "a byte was sent twice"
    assert "Going on at 0.3 MB." in note


def test_a_new_start_of_the_program_goes_on_with_what_is_here(tmp_path: Path) -> None:
    with serving(file_route(DATA)) as server:
        leave_part(tmp_path, 700_000)(server)
        path, _ = get(server, tmp_path)
        assert path.read_bytes() == DATA
        assert server.body_bytes == len(DATA) - 700_000
        assert server.seen[0].headers["If-Range"] == '"v1"'


def test_a_server_that_always_drops_ends_in_a_message_and_keeps_the_part(tmp_path: Path) -> None:
    with serving(file_route(DATA, drop_after=[400_000, 0, 0, 0, 0, 0, 0])) as server:
        message = fail(server, tmp_path)
        assert len(server.seen) == 1 + EAGER.attempts
    assert "was lost after 0.4 MB of 1.0 MB" in message
    assert "What has arrived is kept" in message
    assert (tmp_path / "model.pth.part").read_bytes() == DATA[:400_000]


def test_a_server_that_ignores_range_starts_over(tmp_path: Path) -> None:
    with serving(file_route(DATA, ranges=False)) as server:
        leave_part(tmp_path, 700_000)(server)
        path, note = get(server, tmp_path)
    assert path.read_bytes() == DATA
    assert "starts again from the beginning" in note


def test_a_server_that_ignores_range_and_drops_does_not_go_on_for_ever(tmp_path: Path) -> None:
    with serving(file_route(DATA, ranges=False, drop_after=[1000] * 50)) as server:
        assert "was lost" in fail(server, tmp_path)
        assert len(server.seen) == 1 + EAGER.attempts


def test_a_changed_file_on_the_server_is_not_glued_to_the_old_half(tmp_path: Path) -> None:
    with serving(file_route(DATA, etag='"v2"')) as server:
        leave_part(tmp_path, 700_000, etag='"v1"')(server)
        (tmp_path / "model.pth.part").write_bytes(b"old" * 200_000)
        path, _ = get(server, tmp_path)
    assert path.read_bytes() == DATA


def test_a_rest_of_another_version_is_refused_even_if_the_server_sends_it(tmp_path: Path) -> None:
    served = file_route(DATA, etag='"v2"')

    def route(exchange: Exchange) -> None:
        del exchange.headers["If-Range"]  # such a server sends the rest of what it has now
        served(exchange)

    with serving(route) as server:
        leave_part(tmp_path, 600_000, etag='"v1"')(server)
        (tmp_path / "model.pth.part").write_bytes(b"old" * 200_000)
        path, _ = get(server, tmp_path, sha256=None)
        assert len(server.seen) == 2
    assert path.read_bytes() == DATA


def test_a_rest_from_the_wrong_place_is_refused(tmp_path: Path) -> None:
    def route(exchange: Exchange) -> None:
        offset = exchange.offset()
        if offset is None:
            file_route(DATA)(exchange)
            return
        place = f"bytes 5-{len(DATA) - 1}/{len(DATA)}"
        exchange.start(206, {"Content-Length": len(DATA) - 5, "Content-Range": place})
        exchange.send(DATA[5:])

    with serving(route) as server:
        leave_part(tmp_path, 700_000)(server)
        path, _ = get(server, tmp_path)
    assert path.read_bytes() == DATA


def test_a_part_that_is_whole_already_needs_no_server(tmp_path: Path) -> None:
    with serving(file_route(DATA)) as server:
        leave_part(tmp_path, len(DATA))(server)
        path, _ = get(server, tmp_path)
        assert server.seen == []
    assert path.read_bytes() == DATA


def test_a_part_of_unknown_whole_ends_when_the_server_says_nothing_is_left(tmp_path: Path) -> None:
    with serving(file_route(DATA)) as server:
        part = PartFile(tmp_path / "model.pth", server.url)
        part.start(None, {"ETag": '"v1"'})
        part.write(DATA)
        part.close()
        path, _ = get(server, tmp_path)
        assert server.seen[0].headers["Range"] == f"bytes={len(DATA)}-"
    assert path.read_bytes() == DATA


def test_a_part_beyond_the_end_of_the_servers_file_starts_over(tmp_path: Path) -> None:
    short = DATA[:500_000]
    with serving(file_route(short)) as server:
        leave_part(tmp_path, 700_000)(server)
        path, _ = get(server, tmp_path, hashlib.sha256(short).hexdigest())
    assert path.read_bytes() == short


@pytest.mark.parametrize("ranges", [True, False])
def test_a_length_that_is_a_lie_is_never_taken_for_the_whole(tmp_path: Path, ranges: bool) -> None:
    lie = file_route(DATA[:500_000], announce=len(DATA), ranges=ranges)
    with serving(lie) as server:
        assert "was lost after" in fail(server, tmp_path, sha256=None)


def test_a_length_other_than_the_published_one_is_refused_before_it_is_sent(tmp_path: Path) -> None:
    with serving(file_route(DATA)) as server, pytest.raises(ModelError, match="should have 7"):
        drain(download(DownloadSource(server.url, "model.pth", SHA256, size=7), tmp_path, EAGER))
    assert names(tmp_path) == []


def test_an_answer_without_any_length_or_checksum_is_refused(tmp_path: Path) -> None:
    def route(exchange: Exchange) -> None:
        exchange.start(200, {"Connection": "close"})
        exchange.send(DATA[:1000])

    with serving(route) as server:
        assert "does not say how large the file is" in fail(server, tmp_path, sha256=None)


def test_a_chunked_answer_arrives_whole_and_a_cut_one_does_not(tmp_path: Path) -> None:
    ends = [b"", b"0\r\n\r\n"]

    def route(exchange: Exchange) -> None:
        exchange.start(200, {"Transfer-Encoding": "chunked"})
        exchange.send(b"%x\r\n%b\r\n" % (len(DATA), DATA))
        exchange.send(ends.pop(0))

    with serving(route) as server:
        path, _ = get(server, tmp_path, sha256=None)
        assert len(server.seen) == 2
    assert path.read_bytes() == DATA


def test_a_web_page_is_not_a_model(tmp_path: Path) -> None:
    with serving(page_route("Please sign in.")) as server:
        message = fail(server, tmp_path)
    assert "127.0.0.1 sent a web page instead of the file" in message
    assert names(tmp_path) == []


def test_a_web_page_that_calls_itself_a_file_is_not_a_model(tmp_path: Path) -> None:
    page = page_route("\n<!DOCTYPE html><p>Moved", content_type="application/octet-stream")
    with serving(page) as server:
        assert "sent a web page" in fail(server, tmp_path)


def test_the_confirmation_page_of_google_drive_is_gone_through(tmp_path: Path) -> None:
    form = """<!DOCTYPE html><form id="download-form" action="/download" method="get">
        <input type="submit" value="Download anyway"/>
        <input type="hidden" name="id" value="abc"><input type="hidden" name="export"
        value="download"><input type="hidden" name="confirm" value="t">
        <input type="hidden" name="uuid" value="1-2"></form>"""

    def route(exchange: Exchange) -> None:
        served = "confirm=t" in exchange.path
        (file_route(DATA, drop_after=drops) if served else page_route(form))(exchange)

    drops = [300_000]
    with serving(route) as server:
        path, _ = get(server, tmp_path, sha256=None)
        assert server.seen[1].path == "/download?id=abc&export=download&confirm=t&uuid=1-2"
        assert server.seen[3].headers["Range"] == "bytes=300000-"
    assert path.read_bytes() == DATA


def test_the_old_confirmation_by_cookie_is_gone_through(tmp_path: Path) -> None:
    def route(exchange: Exchange) -> None:
        if "confirm=c0de" in exchange.path:
            assert "download_warning_1=c0de" in exchange.headers["Cookie"]
            file_route(DATA)(exchange)
            return
        cookie = {"Set-Cookie": "download_warning_1=c0de; Path=/"}
        exchange.start(200, {"Content-Type": "text/html", "Content-Length": 7, **cookie})
        exchange.send(b"<html/>")

    with serving(route) as server:
        path, _ = get(server, tmp_path)
    assert path.read_bytes() == DATA


def test_a_confirmation_that_never_ends_is_given_up(tmp_path: Path) -> None:
    form = '<html><form action="/again"><input name="confirm" value="t"></form>'
    with serving(page_route(form)) as server:
        assert "sent a web page" in fail(server, tmp_path)
        assert len(server.seen) == 3


def test_a_page_cannot_send_the_download_to_a_stranger() -> None:
    page = '<form action="https://evil.example/x"><input name="confirm" value="t"></form>'
    assert confirmed_url(page, "https://drive.google.com/uc?id=1") is None


def test_the_quota_of_google_drive_has_its_own_message(tmp_path: Path) -> None:
    with serving(page_route("<html><title>Google Drive - Quota exceeded</title>")) as server:
        assert "too many people have downloaded it" in fail(server, tmp_path)


@pytest.mark.parametrize(
    ("target", "scheme"),
    [
        ("file:///etc/passwd", "file:"),
        ("ftp://example.org/model.pth", "ftp:"),
        ("http://example.org/model.pth", "http:"),
        ("data:text/plain,hello", "data:"),
    ],
)
def test_a_redirect_to_an_unsafe_address_is_refused(
    tmp_path: Path, target: str, scheme: str
) -> None:
    with serving(redirect_route(target)) as server:
        assert f"an address that is not safe ({scheme})" in fail(server, tmp_path)


def test_a_redirect_on_this_computer_is_followed_with_its_range(tmp_path: Path) -> None:
    with serving(file_route(DATA)) as there, serving(redirect_route(there.url)) as here:
        leave_part(tmp_path, 700_000)(here)
        path, _ = get(here, tmp_path)
        assert there.seen[0].headers["Range"] == "bytes=700000-"
    assert path.read_bytes() == DATA


def test_an_address_without_encryption_is_refused(tmp_path: Path) -> None:
    source = DownloadSource("http://example.org/model.pth", "model.pth")
    with pytest.raises(ModelError, match=r"not safe \(http:\)"):
        drain(download(source, tmp_path))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate for this computer that nobody vouches for."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs the openssl program to make a certificate")
    file = tmp_path_factory.mktemp("tls") / "both.pem"
    command = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test"]
    names = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(file), "-out", "-"]
    made = subprocess.run([openssl, *command, *names], check=True, capture_output=True)
    with file.open("ab") as pem:
        pem.write(made.stdout)
    return file


def test_a_server_that_cannot_prove_who_it_is_is_refused(tmp_path: Path, certificate: Path) -> None:
    with serving(file_route(DATA), certificate) as server:
        message = fail(server, tmp_path)
        assert server.seen == []
    assert "127.0.0.1 could not prove that it is 127.0.0.1 (self" in message


def test_a_trusted_server_is_not_left_for_one_without_encryption(
    tmp_path: Path, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with serving(file_route(DATA), certificate) as server:
        with serving(file_route(DATA)) as plain:
            server.route = redirect_route(plain.url)
            assert "not safe (http:)" in fail(server, tmp_path)
            assert plain.seen == []
        server.route = file_route(DATA, drop_after=[400_000])
        path, _ = get(server, tmp_path)
    assert path.read_bytes() == DATA


def test_cancelling_a_stalled_download_keeps_the_part_and_no_file(tmp_path: Path) -> None:
    def route(exchange: Exchange) -> None:
        exchange.start(200, {"Content-Length": len(DATA), "ETag": '"v1"'})
        for place in range(len(DATA)):
            exchange.send(DATA[place : place + 1])
            if exchange.server.closing.wait(1.0):
                return

    with serving(route) as server:
        steps = download(source_of(server), tmp_path, EAGER)
        while next(steps).done < 1:
            pass
        heartbeat = next(steps)  # comes although the server says nothing
        steps.close()
        assert heartbeat.total == len(DATA)
    assert "model.pth" not in names(tmp_path)
    kept = (tmp_path / "model.pth.part").read_bytes()
    assert kept
    assert DATA.startswith(kept)


def test_cancelling_while_the_server_says_nothing_at_all_leaves_nothing(tmp_path: Path) -> None:
    with serving(lambda exchange: void(exchange.server.closing.wait())) as server:
        steps = download(source_of(server), tmp_path, EAGER)
        assert next(steps).stage == "connecting"
        steps.close()
    assert names(tmp_path) == []


def void(_: object) -> None:
    """A route returns nothing."""


def test_a_server_that_falls_silent_counts_as_dropped(tmp_path: Path) -> None:
    patience = [True]

    def route(exchange: Exchange) -> None:
        if patience and patience.pop():
            exchange.start(200, {"Content-Length": len(DATA), "ETag": '"v1"'})
            exchange.send(DATA[:100_000])
            exchange.server.closing.wait()
        else:
            file_route(DATA)(exchange)

    with serving(route) as server:
        path, note = get(server, tmp_path, settings=DownloadSettings(5, pause=0.0, silence=1.0))
    assert path.read_bytes() == DATA
    assert "Going on at 0.1 MB." in note


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


def test_without_a_network_the_message_says_what_to_do_and_what_still_works(tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/model.pth"
        with pytest.raises(ModelError) as caught:
            drain(download(DownloadSource(url, "model.pth"), tmp_path, EAGER))
    assert "There is no connection to 127.0.0.1 (" in str(caught.value)
    assert "the models that are already here keep working" in str(caught.value)
    assert names(tmp_path) == []


def test_the_proxy_of_the_environment_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(file_route(DATA)) as proxy:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.server_port}")
        source = DownloadSource("http://localhost:9/model.pth", "model.pth", SHA256)
        path, _ = drain(download(source, tmp_path, EAGER))
        assert proxy.seen[0].path == "http://localhost:9/model.pth"
    assert path.read_bytes() == DATA


def test_a_missing_file_is_not_asked_for_twice_but_a_busy_server_is(tmp_path: Path) -> None:
    def route(exchange: Exchange) -> None:
        exchange.start(404 if len(exchange.server.seen) > 1 else 503, {"Content-Length": 0})

    with serving(route) as server:
        assert "it answered 404" in fail(server, tmp_path)
        assert len(server.seen) == 2


def test_the_same_file_is_not_downloaded_twice_at_once(tmp_path: Path) -> None:
    with serving(file_route(DATA)) as server, sole_owner(tmp_path / "model.pth"):
        with pytest.raises(ModelError, match="'model' is being downloaded already"):
            get(server, tmp_path)
        assert server.seen == []


def test_a_part_from_another_address_is_not_gone_on_with(tmp_path: Path) -> None:
    with serving(file_route(DATA)) as server:
        part = PartFile(tmp_path / "model.pth", "https://example.org/model.pth")
        part.start(len(DATA), {"ETag": '"v1"'})
        part.write(b"another file")
        part.close()
        path, _ = get(server, tmp_path)
        assert "Range" not in server.seen[0].headers
    assert path.read_bytes() == DATA


def test_nothing_is_kept_of_a_download_that_never_began(tmp_path: Path) -> None:
    with serving(file_route(DATA, drop_after=[0] * 10)) as server:
        assert "Start the download again." in fail(server, tmp_path)
    assert names(tmp_path) == []


def test_a_part_with_an_unreadable_state_starts_over(tmp_path: Path) -> None:
    (tmp_path / "model.pth.part").write_bytes(b"something else")
    (tmp_path / "model.pth.part.json").write_text("[1]", encoding="utf-8")
    with serving(file_route(DATA)) as server:
        path, _ = get(server, tmp_path, sha256=None)
        assert "Range" not in server.seen[0].headers
    assert path.read_bytes() == DATA


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
