"""The page that Google Drive sends instead of a large file, and how to go on from it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import parse_qs, parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

_DRIVE_HOSTS = {"drive.google.com", "drive.usercontent.google.com"}
_QUOTA_WORDS = ("quota exceeded", "too many users have viewed or downloaded")


@dataclass
class _Form:
    action: str
    inputs: dict[str, str] = field(default_factory=dict)


class _PageParser(HTMLParser):
    """Collects forms with their inputs, and links."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[_Form] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {key: value or "" for key, value in attrs}
        if tag == "form":
            self.forms.append(_Form(values.get("action", "")))
        elif tag == "input" and self.forms and values.get("name"):
            self.forms[-1].inputs[values["name"]] = values.get("value", "")
        elif tag == "a":
            self.links.append(values.get("href", ""))


def confirmed_url(page: str, page_url: str, cookies: Iterable[tuple[str, str]] = ()) -> str | None:
    """Where the file is, when a page only asks whether to download it without a virus scan.

    Three ways are known: a form whose hidden inputs hold ``confirm`` (and ``id``, ``uuid``), a
    link with ``confirm`` in it, and a cookie ``download_warning…`` that holds the code.

    Args:
        page: HTML.
        page_url: where it came from.
        cookies: name and value of those that the server set.

    Returns:
        The address, on the page's own host or Google Drive's, or ``None`` if this is another page.
    """
    parser = _PageParser()
    parser.feed(page)
    candidates = [
        _with_query(urljoin(page_url, form.action), form.inputs)
        for form in parser.forms
        if "confirm" in form.inputs
    ]
    links = (urljoin(page_url, link) for link in parser.links)
    candidates += [link for link in links if "confirm" in parse_qs(urlsplit(link).query)]
    candidates += [
        _with_query(page_url, {"confirm": value})
        for name, value in cookies
        if name.startswith("download_warning")
    ]
    return next((url for url in candidates if _is_near(url, page_url)), None)


def is_quota_page(page: str) -> bool:
    """Whether the page says that the file has been downloaded too often today."""
    text = page.casefold()
    return any(words in text for words in _QUOTA_WORDS)


def _with_query(url: str, more: dict[str, str]) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(query=urlencode({**dict(parse_qsl(parts.query)), **more})))


def _is_near(url: str, page_url: str) -> bool:
    """Whether an address that a page gave may be followed: a page could point anywhere."""
    there, here = urlsplit(url), urlsplit(page_url)
    return there.netloc == here.netloc or there.hostname in _DRIVE_HOSTS
