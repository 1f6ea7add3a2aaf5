"""The network part of a download: requests, resuming, and answers that are not what they seem.

Only ``https:`` is spoken, and ``http:`` with this computer. Proxies are those of the system.
"""

from __future__ import annotations

import asyncio
import ipaddress
import os
import re
import shutil
import ssl
from collections.abc import AsyncIterator, Generator
from contextlib import aclosing, asynccontextmanager
from http.cookiejar import CookieJar
from urllib.parse import urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx2

from engine.api.errors import ModelError
from engine.downloads.google_drive import confirmed_url, is_quota_page
from engine.downloads.part_file import VALIDATORS, PartFile
from engine.downloads.progress import DownloadProgress, DownloadSettings, Stage
from engine.records.download_source import DownloadSource
from engine.texts import megabytes

_MB = 10**6
_MARGIN = 64 * _MB  # left free on the disk: other programs write too
_HEARTBEAT = 0.1  # seconds between reports, even while nothing comes: cancelling is quick
_MAX_PAGE = 2**20
_MAX_CONFIRMATIONS = 2
_MAX_REDIRECTS = 10
_PASSING = {408, 425, 429, 500, 502, 503, 504}
_HEADERS = {"User-Agent": "csra-gui", "Accept-Encoding": "identity"}
_UNREACHABLE = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.ProxyError, httpx2.WriteError)


class _DroppedError(Exception):
    """A try that ended early; another may get further."""


class Transfer:
    """Gets the bytes of a file into a part, by as many requests as it takes.

    Args:
        source: where from.
        part: what is here so far.
        settings: how patient to be.
    """

    def __init__(self, source: DownloadSource, part: PartFile, settings: DownloadSettings) -> None:
        self._source = source
        self._part = part
        self._settings = settings
        self._tls = ssl.create_default_context()
        self._cookies = CookieJar()
        self._stage: Stage = "connecting"
        self._notes: list[str] = []
        self._answered = False

    def run(self) -> Generator[DownloadProgress, None, None]:
        """Go on until all is here; closing the generator cancels at once.

        Raises:
            ModelError: it cannot be had.
            OSError: the disk does not take it.
        """
        loop = asyncio.new_event_loop()
        task = loop.create_task(self._try_until_whole())
        try:
            while not task.done():
                loop.run_until_complete(asyncio.wait({task}, timeout=_HEARTBEAT))
                note = " ".join(self._notes)
                self._notes.clear()
                yield DownloadProgress(self._stage, self._part.size, self._part.total, note)
            task.result()
        finally:
            _close(loop, task)

    async def _try_until_whole(self) -> None:
        failures, furthest = 0, self._part.size
        while not self._part.is_whole:
            try:
                await self._attempt()
            except _DroppedError as drop:
                failures = 1 if self._part.size > furthest else failures + 1
                furthest = max(furthest, self._part.size)
                if failures > self._settings.attempts:
                    raise ModelError(self._lost(drop)) from drop
                self._stage = "connecting"
                await asyncio.sleep(self._settings.pause * 2 ** (failures - 1))
            else:
                return

    async def _attempt(self) -> None:
        try:
            await self._request()
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
            root = _root(error)
            if isinstance(root, ssl.SSLCertVerificationError):
                raise ModelError(
                    f"{self._source.host} could not prove that it is {self._source.host} "
                    f"({root.verify_message}). Nothing was downloaded."
                ) from error
            if not self._answered and isinstance(error, _UNREACHABLE):
                raise ModelError(self._offline(_reason(error))) from error
            raise _DroppedError(_reason(error)) from error

    async def _request(self) -> None:
        """Get the rest, past the pages that only ask whether to download."""
        url = self._source.url
        for _ in range(1 + _MAX_CONFIRMATIONS):
            async with self._open(url) as response, aclosing(response.aiter_raw()) as chunks:
                self._answered = True
                start = await anext(chunks, b"")
                if not _is_page(response, start):
                    await self._receive(response, start, chunks)
                    return
                async for chunk in chunks:
                    start += chunk
                    if len(start) > _MAX_PAGE:
                        break
            url = self._confirmed(start.decode(errors="replace"), str(response.url))
        raise ModelError(self._sent_page())

    @asynccontextmanager
    async def _open(self, url: str) -> AsyncIterator[httpx2.Response]:
        """Ask for the file, or its rest, and follow redirects to safe addresses."""
        check_url(url)
        for left in reversed(range(1 + _MAX_REDIRECTS)):
            async with (
                self._client(url) as client,
                client.stream("GET", url, headers=self._range()) as response,
            ):
                if not (left and response.has_redirect_location):
                    yield response
                    return
                target = urljoin(url, response.headers["Location"])
            check_url(target, loopback=url.startswith("http:"))
            url = target

    def _client(self, url: str) -> httpx2.AsyncClient:
        try:
            return httpx2.AsyncClient(
                headers=_HEADERS,
                cookies=self._cookies,
                verify=self._tls,
                timeout=self._settings.silence,
                proxy=_proxy_for(url),
                trust_env=False,
            )
        except (ValueError, ImportError, httpx2.InvalidURL) as error:  # a proxy that is none
            raise ModelError(self._offline(str(error))) from error

    def _range(self) -> dict[str, str]:
        """Headers that ask for the rest only, if it is sure to be the rest of the same file."""
        validators = self._part.validators
        if self._part.size == 0 or not (validators or self._source.sha256):
            return {}
        headers = {"Range": f"bytes={self._part.size}-"}
        tag = validators.get("ETag", "")
        condition = tag if tag.startswith('"') else validators.get("Last-Modified")
        return {**headers, "If-Range": condition} if condition else headers

    async def _receive(
        self, response: httpx2.Response, start: bytes, rest: AsyncIterator[bytes]
    ) -> None:
        if response.status_code == 416:
            self._check_past_end(response)
            return
        self._begin(response)
        self._stage = "downloading"
        self._part.write(start)
        async for chunk in rest:
            self._part.write(chunk)
        if self._part.total is not None and not self._part.is_whole:
            raise _DroppedError("it ended early")

    def _begin(self, response: httpx2.Response) -> None:
        """Set the part up for the answer."""
        host, status, had = self._source.host, response.status_code, self._part.size
        if status in _PASSING:
            raise _DroppedError(f"the server answered {status}")
        if status == 206:
            self._check_rest(response)
            self._check_space(self._part.total)
            self._notes.append(f"Going on at {megabytes(had)}.")
            return
        if status != 200:
            raise ModelError(
                f"{host} does not give the file (it answered {status}). It may have moved; "
                "the models that are already here keep working."
            )
        total = self._total(response)
        self._part.discard()
        self._check_space(total)
        self._part.start(total, _validators(response))
        if had:
            self._notes.append(f"{host} starts again from the beginning.")

    def _total(self, response: httpx2.Response) -> int | None:
        text = response.headers.get("Content-Length", "")
        total = int(text) if text.isdecimal() else None
        size = self._source.size
        if total is not None and size not in (None, total):
            raise ModelError(
                f"The file on {self._source.host} has {total} bytes and should have {size}: it is "
                "not the one that was published. Nothing was downloaded."
            )
        chunked = "chunked" in response.headers.get("Transfer-Encoding", "").lower()
        if total is None and not chunked and size is None and self._source.sha256 is None:
            # Where the end of the connection is the end of the file, half of it looks whole.
            raise ModelError(
                f"{self._source.host} does not say how large the file is, so nobody could tell "
                "whether all of it arrived. Nothing was downloaded."
            )
        return total if total is not None else size

    def _check_rest(self, response: httpx2.Response) -> None:
        """Start over unless this is the rest of what is here."""
        place = response.headers.get("Content-Range", "").strip()
        match = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", place)
        size, total, theirs = self._part.size, self._part.total, _validators(response)
        fits = match is not None and int(match[1]) == size and total in (None, int(match[2]))
        same = all(theirs.get(n, v) == v for n, v in self._part.validators.items())
        if not (fits and same):
            self._part.discard()
            raise _DroppedError("the file on the server has changed")

    def _check_past_end(self, response: httpx2.Response) -> None:
        """The server has no byte after those that are here: all may be here, or too much."""
        here, total = self._part.size, self._part.total
        theirs = response.headers.get("Content-Range", "").strip()
        if here == 0 or theirs != f"bytes */{here}" or total not in (None, here):
            self._part.discard()
            raise _DroppedError("the file on the server has changed")

    def _check_space(self, total: int | None) -> None:
        needed = (total or 0) - self._part.size
        free = shutil.disk_usage(self._part.path.parent).free
        if needed + _MARGIN > free:
            raise ModelError(
                f"There is not enough space on the disk: the download needs "
                f"{megabytes(needed + _MARGIN)} and {megabytes(free)} are free."
            )

    def _confirmed(self, page: str, page_url: str) -> str:
        if is_quota_page(page):
            raise ModelError(
                "Google Drive does not give the file now: too many people have downloaded it. Try "
                "again tomorrow."
            )
        cookies = [(cookie.name, cookie.value or "") for cookie in self._cookies]
        url = confirmed_url(page, page_url, cookies)
        if url is None:
            raise ModelError(self._sent_page())
        return url

    def _sent_page(self) -> str:
        return (
            f"{self._source.host} sent a web page instead of the file. It may have moved or need "
            "an account; nothing was kept."
        )

    def _lost(self, drop: _DroppedError) -> str:
        whole = f" of {megabytes(self._part.total)}" if self._part.total else ""
        kept = "What has arrived is kept: start" if self._range() else "Start"
        on = " to go on" if self._range() else ""
        return (
            f"The connection to {self._source.host} was lost after {megabytes(self._part.size)}"
            f"{whole} ({drop}). {kept} the download again{on}."
        )

    def _offline(self, reason: str) -> str:
        return (
            f"There is no connection to {self._source.host} ({reason}): check the network "
            "and the proxy settings; the models that are already here keep working."
        )


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


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _proxy_for(url: str) -> str | None:
    # Asked of Python: the client does not know the exceptions in the settings of Windows and macOS.
    parts = urlsplit(url)
    proxy = None if proxy_bypass(parts.netloc) else getproxies().get(parts.scheme)
    return proxy if proxy is None or "://" in proxy else f"http://{proxy}"


def _close(loop: asyncio.AbstractEventLoop, task: asyncio.Task[None]) -> None:
    """Cancel, and let what has to be tidied up be so; nothing of that waits for a server."""
    task.cancel()
    while unfinished := asyncio.all_tasks(loop):
        loop.run_until_complete(asyncio.wait(unfinished))
    if not task.cancelled():
        task.exception()  # has been looked at, else asyncio complains
    loop.close()


def _is_page(response: httpx2.Response, start: bytes) -> bool:
    """Whether a web page came, whatever the server calls it. No model file begins like one."""
    if response.status_code != 200:
        return False
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind in ("text/html", "application/xhtml+xml"):
        return True
    start = start[:200].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return start.startswith((b"<!doctype html", b"<html", b"<head", b"<?xml"))


def _validators(response: httpx2.Response) -> dict[str, str]:
    return {name: response.headers[name] for name in VALIDATORS if name in response.headers}


def _root(error: BaseException) -> BaseException:
    """The system's own error, under those that the client wrapped around it."""
    while True:
        if isinstance(error, BaseExceptionGroup):
            inner: BaseException | None = error.exceptions[0]
        else:
            wraps = not isinstance(error, OSError)
            inner = error.__cause__ or (error.__context__ if wraps else None)
        if inner is None:
            return error
        error = inner


def _reason(error: Exception) -> str:
    if isinstance(error, httpx2.TimeoutException):
        return "no answer"
    if isinstance(error, httpx2.RemoteProtocolError):
        return "it ended early"
    root = _root(error)
    if isinstance(root, OSError) and not isinstance(root, ssl.SSLError) and (root.errno or 0) > 0:
        return os.strerror(root.errno or 0)  # asyncio has an address in place of these words
    return getattr(root, "strerror", None) or str(root) or "it ended early"
