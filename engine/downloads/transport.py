"""HTTP for downloads: one request on a thread of its own, so that whoever waits can leave at once.

Only ``https:`` is spoken, and ``http:`` with this computer. Proxies are those of the system.
"""

from __future__ import annotations

import http.client
import ipaddress
import queue
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.message import Message
from functools import partial
from http.cookiejar import CookieJar
from typing import IO, Any
from urllib import request
from urllib.error import HTTPError, URLError
from urllib.parse import urljoin, urlsplit

from engine.api.errors import ModelError

_CHUNK = 256 * 1024
_USER_AGENT = "csra-gui"
_OnSocket = Callable[[socket.socket], None]


@dataclass(frozen=True)
class ResponseHead:
    """The start of an answer.

    Attributes:
        status: HTTP status code.
        headers: names are not case-sensitive.
        url: where it came from, after redirects.
    """

    status: int
    headers: Message
    url: str


@dataclass(frozen=True)
class ResponseEnd:
    """The answer is over.

    Attributes:
        error: what ended it early; ``None`` if the server said that this was all.
    """

    error: Exception | None = None


Part = ResponseHead | bytes | ResponseEnd


def check_url(url: str, *, loopback: bool = True) -> None:
    """Refuse an address whose answer anyone on the way could change.

    Args:
        url: ``https:`` is accepted.
        loopback: accept ``http:`` as well where it does not leave this computer.

    Raises:
        ModelError: it is another one.
    """
    parts = urlsplit(url)
    here = loopback and parts.scheme == "http" and _is_loopback(parts.hostname or "")
    if parts.scheme != "https" and not here:
        raise ModelError(
            f"The way to the file leads over an address that is not safe ({parts.scheme}:). "
            "Nothing was downloaded from there."
        )


class Transport:
    """Opens connections for one download; cookies last as long as it does.

    Args:
        timeout: longest silence of the server, in seconds.
    """

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._cookies = CookieJar()

    def fetch(self, url: str, headers: Mapping[str, str]) -> Fetch:
        """Start a request.

        Raises:
            ModelError: the address is not safe.
        """
        check_url(url)
        wanted = {"User-Agent": _USER_AGENT, "Accept-Encoding": "identity", **headers}
        return Fetch(self._opener, request.Request(url, headers=wanted), self._timeout)  # noqa: S310

    def cookies(self) -> list[tuple[str, str]]:
        """Name and value of the cookies that servers set."""
        return [(cookie.name, cookie.value or "") for cookie in self._cookies]

    def _opener(self, on_socket: _OnSocket) -> request.OpenerDirector:
        # Built by hand: the ready-made one also opens file:, ftp: and data: addresses.
        opener = request.OpenerDirector()
        for handler in (
            request.ProxyHandler(),
            _HTTPHandler(on_socket),
            _HTTPSHandler(on_socket),
            request.HTTPCookieProcessor(self._cookies),
            _SafeRedirects(),
            request.HTTPDefaultErrorHandler(),
            request.HTTPErrorProcessor(),
        ):
            opener.add_handler(handler)
        return opener


class Fetch:
    """One request and its answer, read on a thread.

    Args:
        make_opener: gets a function that it calls with each socket it opens.
        wanted: the request.
        timeout: longest silence of the server, in seconds.
    """

    def __init__(
        self,
        make_opener: Callable[[_OnSocket], request.OpenerDirector],
        wanted: request.Request,
        timeout: float,
    ) -> None:
        self._parts: queue.Queue[Part] = queue.Queue(maxsize=8)
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._cancelled = threading.Event()
        opener = make_opener(self._on_socket)
        self._thread = threading.Thread(
            target=self._run, args=(opener, wanted, timeout), name="download", daemon=True
        )
        self._thread.start()

    def next_part(self, timeout: float) -> Part | None:
        """The next part of the answer, or ``None`` if none comes within ``timeout`` seconds."""
        try:
            return self._parts.get(timeout=timeout)
        except queue.Empty:
            return None

    def cancel(self) -> None:
        """Stop reading. A thread that still waits for a connection ends by itself later."""
        self._cancelled.set()
        with self._lock:
            for open_socket in self._sockets:
                _shut_down(open_socket)
        self._thread.join(timeout=0.3)

    def _on_socket(self, opened: socket.socket) -> None:
        with self._lock:
            self._sockets.append(opened)
            if self._cancelled.is_set():
                _shut_down(opened)

    def _run(self, opener: request.OpenerDirector, wanted: request.Request, timeout: float) -> None:
        # A server can send anything, so http.client can fail in any of these ways.
        try:
            self._read(opener, wanted, timeout)
        except (OSError, http.client.HTTPException, ValueError, ModelError) as error:
            self._put(ResponseEnd(error))

    def _read(
        self, opener: request.OpenerDirector, wanted: request.Request, timeout: float
    ) -> None:
        try:
            response = opener.open(wanted, timeout=timeout)
        except HTTPError as error:
            response = error
        if response is None:
            raise URLError("no way to open this address")
        with response:
            self._put(ResponseHead(response.status, response.headers, response.url))
            while not self._cancelled.is_set():
                chunk = response.read1(_CHUNK)
                if not chunk:
                    break
                self._put(chunk)
        self._put(ResponseEnd())

    def _put(self, part: Part) -> None:
        while not self._cancelled.is_set():
            try:
                self._parts.put(part, timeout=0.1)
            except queue.Full:
                continue
            return


class _NotingConnection(http.client.HTTPConnection):
    """Hands its socket out as soon as it is connected."""

    def __init__(self, *args: Any, on_socket: _OnSocket, **options: Any) -> None:
        super().__init__(*args, **options)
        self._on_socket = on_socket

    def connect(self) -> None:
        super().connect()
        self._on_socket(self.sock)


class _NotingSecureConnection(http.client.HTTPSConnection):
    """The same over TLS."""

    def __init__(self, *args: Any, on_socket: _OnSocket, **options: Any) -> None:
        super().__init__(*args, **options)
        self._on_socket = on_socket

    def connect(self) -> None:
        super().connect()
        self._on_socket(self.sock)


class _HTTPHandler(request.HTTPHandler):
    def __init__(self, on_socket: _OnSocket) -> None:
        super().__init__()
        self._connection = partial(_NotingConnection, on_socket=on_socket)

    def http_open(self, req: request.Request) -> http.client.HTTPResponse:
        return self.do_open(self._connection, req)


class _HTTPSHandler(request.HTTPSHandler):
    def __init__(self, on_socket: _OnSocket) -> None:
        super().__init__()
        self._connection = partial(_NotingSecureConnection, on_socket=on_socket)

    def https_open(self, req: request.Request) -> http.client.HTTPResponse:
        return self.do_open(self._connection, req)  # its default context verifies the server


class _SafeRedirects(request.HTTPRedirectHandler):
    """Follows redirects to safe addresses only, and never from ``https:`` to anything else."""

    def http_error_302(
        self, req: request.Request, fp: IO[bytes], code: int, msg: str, headers: Message
    ) -> Any:
        target = urljoin(req.full_url, headers.get("location", ""))
        try:
            check_url(target, loopback=req.full_url.startswith("http:"))
        except ModelError:
            fp.close()
            raise
        return super().http_error_302(req, fp, code, msg, headers)  # type: ignore[arg-type]

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _shut_down(open_socket: socket.socket) -> None:
    # The plain socket's own method: that of a TLS socket pulls it from under the reading thread.
    try:
        socket.socket.shutdown(open_socket, socket.SHUT_RDWR)
    except OSError:
        return  # closed already
