"""The network part of a download: requests, resuming, and answers that are not what they seem."""

from __future__ import annotations

import re
import shutil
import ssl
import time
from collections.abc import Generator
from dataclasses import dataclass
from typing import Literal
from urllib.error import URLError

from engine.api.errors import ModelError
from engine.downloads.google_drive import confirmed_url, is_quota_page
from engine.downloads.part_file import VALIDATORS, PartFile
from engine.downloads.transport import Fetch, Part, ResponseEnd, ResponseHead, Transport
from engine.records.download_source import DownloadSource

Stage = Literal["connecting", "downloading", "checking"]

_MB = 10**6
_MARGIN = 64 * _MB  # left free on the disk: other programs write too
_HEARTBEAT = 0.1  # seconds between reports while nothing comes, so that cancelling is quick
_MAX_PAGE = 2**20
_MAX_CONFIRMATIONS = 2
_PASSING = {408, 425, 429, 500, 502, 503, 504}


@dataclass(frozen=True)
class DownloadProgress:
    """How far a download is.

    Attributes:
        stage: what is being done.
        done: bytes that are here (or checked).
        total: bytes of the whole; ``None`` if the server does not say.
        note: a sentence to tell the person, once; mostly empty.
    """

    stage: Stage
    done: int
    total: int | None
    note: str = ""


@dataclass(frozen=True)
class DownloadSettings:
    """How patient to be.

    Args:
        attempts: how often to try again in a row without getting any further.
        pause: seconds before the first new try; it doubles each time.
        silence: seconds without a byte after which a connection counts as lost.
        accept_change: take a file that differs from the one recorded at first use.
    """

    attempts: int = 5
    pause: float = 0.5
    silence: float = 30.0
    accept_change: bool = False


Steps = Generator[DownloadProgress, None, None]


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
        self._transport = Transport(settings.silence)
        self._answered = False

    def run(self) -> Steps:
        """Go on until all is here; closing the generator cancels at once.

        Raises:
            ModelError: it cannot be had.
            OSError: the disk does not take it.
        """
        failures, furthest = 0, self._part.size
        while not self._part.is_whole:
            try:
                yield from self._attempt()
            except _DroppedError as drop:
                failures = 1 if self._part.size > furthest else failures + 1
                furthest = max(furthest, self._part.size)
                if failures > self._settings.attempts:
                    raise ModelError(self._lost(drop)) from drop
                yield from self._wait(self._settings.pause * 2 ** (failures - 1))
            else:
                return

    def _attempt(self) -> Steps:
        url = self._source.url
        for _ in range(1 + _MAX_CONFIRMATIONS):
            fetch = self._transport.fetch(url, self._range())
            try:
                head = yield from self._head(fetch)
                first = yield from self._next(fetch)
                if not _is_page(head, first):
                    yield from self._receive(fetch, head, first)
                    return
                page = yield from self._page(fetch, first)
            finally:
                fetch.cancel()
            url = self._confirmed(page, head.url)
        raise ModelError(self._sent_page())

    def _range(self) -> dict[str, str]:
        """Headers that ask for the rest only, if it is sure to be the rest of the same file."""
        validators = self._part.validators
        if self._part.size == 0 or not (validators or self._source.sha256):
            return {}
        headers = {"Range": f"bytes={self._part.size}-"}
        tag = validators.get("ETag", "")
        condition = tag if tag.startswith('"') else validators.get("Last-Modified")
        return {**headers, "If-Range": condition} if condition else headers

    def _head(self, fetch: Fetch) -> Generator[DownloadProgress, None, ResponseHead]:
        part = yield from self._next(fetch, "connecting")
        if isinstance(part, ResponseHead):
            self._answered = True
            return part
        error = part.error if isinstance(part, ResponseEnd) else None
        if isinstance(error, ModelError):
            raise error
        if isinstance(error, URLError):
            if isinstance(error.reason, ssl.SSLCertVerificationError):
                raise ModelError(
                    f"{self._source.host} could not prove that it is {self._source.host} "
                    f"({error.reason.verify_message}). Nothing was downloaded."
                )
            if not self._answered:
                raise ModelError(self._offline(error))
        raise _DroppedError(_reason(error))

    def _next(
        self, fetch: Fetch, stage: Stage = "downloading"
    ) -> Generator[DownloadProgress, None, Part]:
        while True:
            part = fetch.next_part(_HEARTBEAT)
            if part is not None:
                return part
            yield self._progress(stage)

    def _receive(self, fetch: Fetch, head: ResponseHead, part: Part) -> Steps:
        if head.status == 416:
            self._check_past_end(head)
            return
        note = self._begin(head)
        yield self._progress("downloading", note)
        while isinstance(part, bytes):
            self._part.write(part)
            yield self._progress("downloading")
            part = yield from self._next(fetch)
        error = part.error if isinstance(part, ResponseEnd) else None
        if error is not None or (self._part.total is not None and not self._part.is_whole):
            raise _DroppedError(_reason(error))

    def _begin(self, head: ResponseHead) -> str:
        """Set the part up for the answer.

        Returns:
            What the person should know; empty if nothing.
        """
        host = self._source.host
        if head.status in _PASSING:
            raise _DroppedError(f"the server answered {head.status}")
        if head.status == 206:
            self._check_rest(head)
            self._check_space()
            return f"Going on at {_megabytes(self._part.size)}."
        if head.status != 200:
            raise ModelError(
                f"{host} does not give the file (it answered {head.status}). It may have moved; "
                "the models that are already here keep working."
            )
        had = self._part.size
        total = self._total(head)
        self._part.discard()
        self._check_space(total)
        self._part.start(total, _validators(head))
        return f"{host} starts again from the beginning." if had else ""

    def _total(self, head: ResponseHead) -> int | None:
        text = head.headers.get("Content-Length", "")
        total = int(text) if text.isdecimal() else None
        size = self._source.size
        if total is not None and size not in (None, total):
            raise ModelError(
                f"The file on {self._source.host} has {total} bytes and should have {size}: it is "
                "not the one that was published. Nothing was downloaded."
            )
        chunked = "chunked" in head.headers.get("Transfer-Encoding", "").lower()
        if total is None and not chunked and size is None and self._source.sha256 is None:
            # Where the end of the connection is the end of the file, half of it looks whole.
            raise ModelError(
                f"{self._source.host} does not say how large the file is, so nobody could tell "
                "whether all of it arrived. Nothing was downloaded."
            )
        return total if total is not None else size

    def _check_rest(self, head: ResponseHead) -> None:
        """Start over unless this is the rest of what is here."""
        match = re.fullmatch(
            r"bytes (\d+)-\d+/(\d+)", head.headers.get("Content-Range", "").strip()
        )
        theirs = _validators(head)
        same = all(theirs.get(n, v) == v for n, v in self._part.validators.items())
        total = self._part.total
        fits = match is not None and int(match[1]) == self._part.size
        if not (fits and same and match is not None and total in (None, int(match[2]))):
            self._part.discard()
            raise _DroppedError("the file on the server has changed")

    def _check_past_end(self, head: ResponseHead) -> None:
        """The server has no byte after those that are here: all may be here, or too much."""
        here, total = self._part.size, self._part.total
        theirs = head.headers.get("Content-Range", "").strip()
        if here == 0 or theirs != f"bytes */{here}" or total not in (None, here):
            self._part.discard()
            raise _DroppedError("the file on the server has changed")

    def _check_space(self, total: int | None = None) -> None:
        total = self._part.total if total is None else total
        needed = (total or 0) - self._part.size
        free = shutil.disk_usage(self._part.path.parent).free
        if needed + _MARGIN > free:
            raise ModelError(
                f"There is not enough space on the disk: the download needs "
                f"{_megabytes(needed + _MARGIN)} and {_megabytes(free)} are free."
            )

    def _page(self, fetch: Fetch, part: Part) -> Generator[DownloadProgress, None, str]:
        data = b""
        while isinstance(part, bytes) and len(data) < _MAX_PAGE:
            data += part
            part = yield from self._next(fetch, "connecting")
        return data.decode(errors="replace")

    def _confirmed(self, page: str, page_url: str) -> str:
        if is_quota_page(page):
            raise ModelError(
                "Google Drive does not give the file now: too many people have downloaded it. Try "
                "again tomorrow."
            )
        url = confirmed_url(page, page_url, self._transport.cookies())
        if url is None:
            raise ModelError(self._sent_page())
        return url

    def _wait(self, seconds: float) -> Steps:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            yield self._progress("connecting")
            time.sleep(min(left, _HEARTBEAT))

    def _progress(self, stage: Stage, note: str = "") -> DownloadProgress:
        return DownloadProgress(stage, self._part.size, self._part.total, note)

    def _sent_page(self) -> str:
        return (
            f"{self._source.host} sent a web page instead of the file. It may have moved or need "
            "an account; nothing was kept."
        )

    def _lost(self, drop: _DroppedError) -> str:
        whole = f" of {_megabytes(self._part.total)}" if self._part.total else ""
        kept = "What has arrived is kept: start" if self._range() else "Start"
        on = " to go on" if self._range() else ""
        return (
            f"The connection to {self._source.host} was lost after {_megabytes(self._part.size)}"
            f"{whole} ({drop}). {kept} the download again{on}."
        )

    def _offline(self, error: URLError) -> str:
        return (
            f"There is no connection to {self._source.host} ({_reason(error)}): check the network "
            "and the proxy settings; the models that are already here keep working."
        )


def _is_page(head: ResponseHead, first: Part) -> bool:
    """Whether a web page came, whatever the server calls it. No model file begins like one."""
    if head.status != 200:
        return False
    if head.headers.get_content_type() in ("text/html", "application/xhtml+xml"):
        return True
    start = first[:200].lstrip(b"\xef\xbb\xbf \t\r\n").lower() if isinstance(first, bytes) else b""
    return start.startswith((b"<!doctype html", b"<html", b"<head", b"<?xml"))


def _validators(head: ResponseHead) -> dict[str, str]:
    return {name: head.headers[name] for name in VALIDATORS if name in head.headers}


def _reason(error: Exception | None) -> str:
    if isinstance(error, URLError) and isinstance(error.reason, Exception):
        error = error.reason
    if isinstance(error, TimeoutError):
        return "no answer"
    text = getattr(error, "strerror", None) or (str(error) if error else "")
    return text or "it ended early"


def _megabytes(size: int) -> str:
    return f"{size / _MB:.1f} MB"
