"""A server on this computer that behaves as badly as a test asks it to."""

import os
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

Route = Callable[["Exchange"], None]


class Exchange(BaseHTTPRequestHandler):
    """One request, and the means to answer it well or badly."""

    server: "DownloadServer"
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.seen.append(Seen(self.path, dict(self.headers.items())))
        self.close_connection = True
        self.server.route(self)

    def start(self, status: int, headers: Mapping[str, object]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, str(value))
        self.end_headers()

    def send(self, data: bytes) -> None:
        self.wfile.write(data)
        self.server.body_bytes += len(data)

    def offset(self) -> int | None:
        """Where a Range header asks to begin."""
        value = self.headers.get("Range")
        return None if value is None else int(value.removeprefix("bytes=").removesuffix("-"))

    def log_message(self, *args: object) -> None:
        """Tests look at ``seen`` instead."""


@dataclass
class Seen:
    path: str
    headers: dict[str, str] = field(default_factory=dict)


class DownloadServer(ThreadingHTTPServer):
    """Answers every request with ``route``.

    Attributes:
        seen: the requests, in order.
        body_bytes: bytes of bodies that were sent.
        closing: set when the test is over; a slow route waits for it.
    """

    daemon_threads = True

    def __init__(self, route: Route, certificate: Path | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Exchange)
        self.scheme = "http" if certificate is None else "https"
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.socket = context.wrap_socket(
                self.socket, server_side=True, do_handshake_on_connect=False
            )
        self.route = route
        self.seen: list[Seen] = []
        self.body_bytes = 0
        self.closing = threading.Event()

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.server_port}/model.pth"

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that leave early are what these tests are about."""


@contextmanager
def serving(route: Route, certificate: Path | None = None) -> Iterator[DownloadServer]:
    server = DownloadServer(route, certificate)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()


def forget_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests go to the test's server, whatever network this machine is in."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


def file_route(  # what a good server does, and the ways in which it can fail to
    data: bytes,
    *,
    etag: str | None = '"v1"',
    ranges: bool = True,
    drop_after: list[int] | None = None,
    announce: int | None = None,
) -> Route:
    """Serve a file.

    Args:
        etag: of this version; ``None`` sends none.
        ranges: whether Range headers are honoured.
        drop_after: bytes of the body after which each of the next answers breaks off.
        announce: a Content-Length that is not true.
    """

    def route(exchange: Exchange) -> None:
        tag = {} if etag is None else {"ETag": etag}
        offset = exchange.offset() if ranges else None
        condition = exchange.headers.get("If-Range")
        if offset is None or condition not in (None, etag):
            body, length = data, len(data) if announce is None else announce
            exchange.start(200, {"Content-Length": length, **tag})
        elif offset >= len(data):
            body = b""
            exchange.start(416, {"Content-Length": 0, "Content-Range": f"bytes */{len(data)}"})
        else:
            body = data[offset:]
            place = f"bytes {offset}-{len(data) - 1}/{len(data)}"
            exchange.start(206, {"Content-Length": len(body), "Content-Range": place, **tag})
        exchange.send(body[: drop_after.pop(0)] if drop_after else body)

    return route


def page_route(page: str, content_type: str = "text/html; charset=utf-8") -> Route:
    """Serve a web page, whatever is asked for."""

    def route(exchange: Exchange) -> None:
        body = page.encode()
        exchange.start(200, {"Content-Type": content_type, "Content-Length": len(body)})
        exchange.send(body)

    return route


def redirect_route(target: str) -> Route:
    """Send on to another address."""

    def route(exchange: Exchange) -> None:
        exchange.start(302, {"Location": target, "Content-Length": 0})

    return route
