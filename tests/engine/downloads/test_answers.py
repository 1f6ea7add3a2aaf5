"""Servers that lie, redirect, send web pages, or cannot be trusted or reached."""

import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from engine.api.errors import ModelError
from engine.downloads.download import download
from engine.downloads.google_drive import confirmed_url
from engine.records.download_source import DownloadSource
from tests.engine.downloads.download_server import (
    Exchange,
    file_route,
    page_route,
    redirect_route,
    serving,
)
from tests.engine.downloads.fetching import DATA, EAGER, SHA256, drain, fail, get, leave_part, names


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
