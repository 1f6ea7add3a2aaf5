"""The properties in the tree of a packet: lists, single values and texts in several languages.

Each may be an attribute or an element, in any of the descriptions of the photo. Reading takes what
other programs write in forms that are not quite right; writing refuses what it cannot keep.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterator
from typing import Any

from lxml import etree

from engine.metadata.errors import XmpError
from engine.metadata.packet import RDF
from engine.texts import display_text

PREFIXES = {
    "dc": "http://purl.org/dc/elements/1.1/",
    "lr": "http://ns.adobe.com/lightroom/1.0/",
    "digiKam": "http://www.digikam.org/ns/1.0/",
    "darktable": "http://darktable.sf.net/",
    "MicrosoftPhoto": "http://ns.microsoft.com/photo/1.0/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "exif": "http://ns.adobe.com/exif/1.0/",
    "tiff": "http://ns.adobe.com/tiff/1.0/",
}
_DESCRIPTION, _LI, _VALUE = f"{{{RDF}}}Description", f"{{{RDF}}}li", f"{{{RDF}}}value"
_LISTS = tuple(f"{{{RDF}}}{kind}" for kind in ("Bag", "Seq", "Alt"))
_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_DEFAULT_LANG = "x-default"


class Properties:
    """The properties of the photo that a packet is about.

    Args:
        rdf: the element that holds the descriptions.
        name: of the file, for messages.
    """

    def __init__(self, rdf: Any, name: str) -> None:
        self._name = name
        self._rdf = rdf
        found = rdf.findall(_DESCRIPTION)
        # A packet may describe other things, too: only what is about the same as its start is ours.
        self._ours = [one for one in found if _about(one) == _about(found[0])]

    def texts(self, prop: str) -> list[str]:
        """All texts of a list, or of what others wrote in its place."""
        found = []
        for holder in self._holders(prop):
            if isinstance(holder, str):
                found.append(holder)
                continue
            items = _items(holder)
            found += [_plain(holder)] if items is None else [_item_text(one) for one in items]
        return [text.strip() for text in found if text.strip()]

    def single(self, prop: str) -> str | None:
        """A single value."""
        return next(iter(self.texts(prop)), None)

    def default_text(self, prop: str) -> str | None:
        """A text in several languages: the one meant for everybody, or the first."""
        for holder in self._holders(prop):
            items = [] if isinstance(holder, str) else _items(holder) or []
            for one in items:
                if one.get(_LANG, "").lower() == _DEFAULT_LANG:
                    return _item_text(one).strip() or None
        return self.single(prop)

    def add_texts(self, prop: str, kind: str, texts: list[str]) -> None:
        """Put texts at the end of a list, which is made where there is none."""
        container = self._container(prop, kind)
        for text in texts:
            item = etree.Element(_LI)
            item.text = text
            _append(container, item)

    def remove_texts(self, prop: str, texts: Collection[str]) -> None:
        """Take texts (in NFC) out of all lists of that name; a list left empty goes, too."""
        key = _key(prop)

        def is_wanted(text: str) -> bool:
            return unicodedata.normalize("NFC", text.strip()) in texts

        for one in self._ours:
            if is_wanted(one.get(key, "")):
                del one.attrib[key]
            for element in one.findall(key):
                items = _items(element)
                if items is None:
                    if not len(element) and is_wanted(_plain(element)):
                        _detach(element)
                    continue
                gone = [item for item in items if is_wanted(_item_text(item))]
                for item in gone:
                    _detach(item)
                if gone and not len(_list_of(element)):
                    _detach(element)

    def set_single(self, prop: str, value: str | None) -> None:
        """Give a single value wherever it stands, or take it out."""
        key, done = _key(prop), False
        for one in self._ours:
            if key in one.attrib:
                done = True
                if value is None:
                    del one.attrib[key]
                else:
                    one.set(key, value)
            for element in one.findall(key):
                done = True
                if value is None:
                    _detach(element)
                    continue
                if any(isinstance(child.tag, str) for child in element) or _is_odd(element):
                    raise self._unknown(prop)
                element.text = value
                for child in element:
                    child.tail = None
        if not done and value is not None:
            self._new(prop).text = value

    def set_default_text(self, prop: str, value: str | None) -> None:
        """Give the text that is meant for everybody; those for one language stay."""
        if value is None and not any(True for _ in self._holders(prop)):
            return
        container = self._container(prop, "Alt")
        defaults = [one for one in container if one.get(_LANG, "").lower() == _DEFAULT_LANG]
        if value is None:
            for one in defaults:
                _detach(one)
            if not len(container):
                _detach(container.getparent())
            return
        if defaults:
            if len(defaults[0]):
                raise self._unknown(prop)
            defaults[0].text = value
            return
        item = etree.Element(_LI)
        item.set(_LANG, _DEFAULT_LANG)
        item.text = value
        container.insert(0, item)

    def _holders(self, prop: str) -> Iterator[Any]:
        key = _key(prop)
        for one in self._ours:
            if key in one.attrib:
                yield one.get(key)
            yield from one.findall(key)

    def _container(self, prop: str, kind: str) -> Any:
        """The list to write into; a plain text in its place becomes its first item."""
        key = _key(prop)
        for one in self._ours:
            for element in one.findall(key):
                container = _list_of(element)
                if container is not None:
                    return container
        plain = ""
        for one in self._ours:
            for element in one.findall(key):
                if len(element) or _is_odd(element):
                    raise self._unknown(prop)
                plain = plain or _plain(element).strip()
                _detach(element)
            plain = plain or one.attrib.pop(key, "").strip()
        container = etree.SubElement(self._new(prop), f"{{{RDF}}}{kind}")
        if plain:
            item = etree.SubElement(container, _LI)
            item.text = plain
            if kind == "Alt":
                item.set(_LANG, _DEFAULT_LANG)
        return container

    def _new(self, prop: str) -> Any:
        if not self._ours:
            made = etree.Element(_DESCRIPTION, nsmap={"rdf": RDF})
            made.set(f"{{{RDF}}}about", "")
            _append(self._rdf, made)
            self._ours = [made]
        prefix = prop.partition(":")[0]
        element = etree.Element(_key(prop), nsmap={prefix: PREFIXES[prefix]})
        _append(self._ours[0], element)
        return element

    def _unknown(self, prop: str) -> XmpError:
        return XmpError(
            f"The metadata of {display_text(self._name)} was left alone: its {prop} is built in a "
            "way that this program does not know."
        )


def _key(prop: str) -> str:
    prefix, _, name = prop.partition(":")
    return f"{{{PREFIXES[prefix]}}}{name}"


def _about(description: Any) -> str:
    return str(description.get(f"{{{RDF}}}about") or description.get("about") or "")


def _is_odd(element: Any) -> bool:
    return any(key in element.attrib for key in (f"{{{RDF}}}parseType", f"{{{RDF}}}resource"))


def _list_of(element: Any) -> Any:
    return next((child for child in element if child.tag in _LISTS), None)


def _items(element: Any) -> list[Any] | None:
    container = _list_of(element)
    return None if container is None else container.findall(_LI)


def _item_text(item: Any) -> str:
    if not len(item):
        return item.text or ""
    # A text with remarks of its own is a structure whose rdf:value is the text.
    value = item.find(_VALUE)
    if value is None:
        value = item.find(f"{_DESCRIPTION}/{_VALUE}")
    if value is not None:
        return _plain(value)
    return "" if any(isinstance(child.tag, str) for child in item) else _plain(item)


def _plain(element: Any) -> str:
    if not len(element):
        return element.text or ""
    if any(isinstance(child.tag, str) for child in element):
        return ""
    return (element.text or "") + "".join(child.tail or "" for child in element)


def _append(parent: Any, child: Any) -> None:
    """Put a node last, indented like the one before."""
    if len(parent):
        child.tail = parent[-1].tail
        parent[-1].tail = parent.text if not (parent.text or "").strip() else None
    elif parent.text and not parent.text.strip():
        child.tail = parent.text
        parent.text += " "
    parent.append(child)


def _detach(element: Any) -> None:
    """Take a node out, with the blanks behind it but not with any text of others."""
    parent, before = element.getparent(), element.getprevious()
    tail = element.tail or ""
    if tail.strip() or before is None:
        if before is None:
            parent.text = (parent.text or "") + tail if tail.strip() else parent.text
        else:
            before.tail = (before.tail or "") + tail
    elif element.getnext() is None:
        before.tail = tail
    parent.remove(element)
