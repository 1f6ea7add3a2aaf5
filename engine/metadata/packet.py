"""The text of an XMP packet to a tree and back, with all around the tree kept as it was."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import Any

from lxml import etree

from engine.metadata.errors import XmpError
from engine.texts import display_text

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
META = "adobe:ns:meta/"

#: The most bytes that are read of a packet; real ones with a long history have some hundred kB.
MAX_PACKET = 32 * 1024 * 1024

#: What a new sidecar starts from.
EMPTY = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n'
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="csra-gui">\n'
    b' <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">\n'
    b'  <rdf:Description rdf:about="">\n'
    b"  </rdf:Description>\n"
    b" </rdf:RDF>\n"
    b"</x:xmpmeta>\n"
)

# The longer marks first: that of UTF-32 starts like that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_STARTS = (
    (b"<\0\0\0", "utf-32-le"),
    (b"\0\0\0<", "utf-32-be"),
    (b"<\0", "utf-16-le"),
    (b"\0<", "utf-16-be"),
)
_DECLARED = re.compile(rb"""\A\s*<\?xml[^>]*?\sencoding\s*=\s*["']([\w.:-]+)["']""")
_DECLARATION = re.compile(r"\A\s*<\?xml\s[^>]*\?>")
_ONE_BYTE = {"iso-8859-1", "latin-1", "latin1", "us-ascii", "ascii", "windows-1252", "cp1252"}


@dataclass(frozen=True)
class Packet:
    """A packet in parts.

    Attributes:
        mark: the byte order mark.
        encoding: Python's name for it.
        head: everything before the root element: declaration, comments, ``<?xpacket?>``.
        root: the root element.
        tail: everything behind it, with the padding.
        newline: how its lines end.
    """

    mark: bytes
    encoding: str
    head: str
    root: Any
    tail: str
    newline: str

    @property
    def rdf(self) -> Any:
        """The element that holds the properties."""
        return self.root if self.root.tag == f"{{{RDF}}}RDF" else self.root.find(f"{{{RDF}}}RDF")

    def to_bytes(self) -> bytes:
        """The packet as it is written."""
        body = etree.tostring(self.root, encoding="unicode", with_tail=False)
        if self.newline == "\r\n":
            body = body.replace("\n", "\r\n")
        # One-byte encodings lack most letters; XML can name them by number.
        text = f"{self.head}{body}{self.tail}"
        return self.mark + text.encode(self.encoding, "xmlcharrefreplace")


def opened(data: bytes, name: str) -> Packet:
    """Take a packet apart.

    Args:
        data: of a sidecar or of a photo's own packet.
        name: of the file, for messages.

    Raises:
        XmpError: it is too big, broken, hostile or not XMP; the message names the file.
    """
    if len(data) > MAX_PACKET:
        raise _refused(name, "it is too big for metadata")
    mark, encoding = _encoding(data, name)
    try:
        text = data[len(mark) :].decode(encoding)
    except UnicodeDecodeError as error:
        raise _refused(name, "its text is damaged") from error
    if "\0" in text:
        raise _refused(name, "it has NUL bytes in it")
    # Nothing that is XMP has these; refusing them leaves no way to name files or to grow.
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise _refused(name, "it declares a document type, which XMP never does")
    start, end = _head_length(text), _tail_start(text)
    root = _parsed(text[start:end], name)
    packet = Packet(
        mark, encoding, text[:start], root, text[end:], "\r\n" if "\r\n" in text else "\n"
    )
    _check(packet, name)
    return packet


def _refused(name: str, reason: str) -> XmpError:
    return XmpError(f"The metadata of {display_text(name)} was left alone: {reason}.")


def _encoding(data: bytes, name: str) -> tuple[bytes, str]:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return mark, encoding
    for start, encoding in _STARTS:
        if data.startswith(start):
            return b"", encoding
    declared = _DECLARED.match(data[:200])
    wanted = declared[1].decode().lower() if declared else "utf-8"
    if wanted in {"utf-8", "utf8"}:
        return b"", "utf-8"
    if wanted in _ONE_BYTE:
        return b"", wanted
    raise _refused(name, "its text has an encoding that XMP does not allow")


def _head_length(text: str) -> int:
    """How much stands before the root element."""
    at = 0
    while True:
        while at < len(text) and text[at] in " \t\r\n\ufeff":
            at += 1
        closing = (
            "?>" if text.startswith("<?", at) else "-->" if text.startswith("<!--", at) else ""
        )
        end = text.find(closing, at + 2) if closing else -1
        if end < 0:
            return at
        at = end + len(closing)


def _tail_start(text: str) -> int:
    """Where the root element ends."""
    end = len(text)
    while True:
        bare = len(text[:end].rstrip(" \t\r\n\ufeff"))
        opening = (
            "<?"
            if text.endswith("?>", 0, bare)
            else "<!--"
            if text.endswith("-->", 0, bare)
            else ""
        )
        start = text.rfind(opening, 0, bare) if opening else -1
        if start < 0:
            return bare
        end = start


def _parsed(text: str, name: str) -> Any:
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, strip_cdata=False
    )
    try:
        return etree.fromstring(text.encode(), parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise _refused(name, "it is not sound XML") from error


def _check(packet: Packet, name: str) -> None:
    for part in (packet.head, packet.tail):
        if _DECLARATION.sub("", part).count("<?xml ") or "]]>" in part:
            raise _refused(name, "it is not sound XML")
    root = packet.root
    if root.tag not in {f"{{{META}}}xmpmeta", f"{{{META}}}xapmeta", f"{{{RDF}}}RDF"}:
        raise _refused(name, "it is XML of another kind than XMP")
    if root.tag != f"{{{RDF}}}RDF" and len(root.findall(f"{{{RDF}}}RDF")) != 1:
        raise _refused(name, "it is built in a way that this program does not know")
