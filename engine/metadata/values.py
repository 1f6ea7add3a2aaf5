"""What is read of a photo's metadata, and what is asked to change in it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple

#: A keyword with what it lies under, from the top: ``("animal", "dog")``.
KeywordPath = tuple[str, ...]

#: ``dc:subject``, ``lr:hierarchicalSubject`` and ``digiKam:TagsList``.
KeywordField = Literal["subject", "hierarchical", "tags_list"]

SingleField = Literal["rating", "color_label", "title", "orientation"]


class Entry(NamedTuple):
    """One keyword as it stands in one list of a packet: what a journal of writes keeps."""

    field: KeywordField
    text: str


@dataclass(frozen=True)
class XmpValues:
    """What a packet says; what it does not say is ``None``, or empty.

    Attributes:
        keywords: the flat names, each once, in the order of the file.
        paths: the keywords with what they lie under, each once.
        entries: the very texts of the three lists that are written, each once.
        rating: -1 (rejected) to 5.
        color_label: as it stands there, such as "Red"; its words depend on the program.
        color: what it means with all that other programs write beside it: one of the library's
            colours, several with commas between them, or the word as it stands there.
        date_taken: as it stands there, ISO 8601.
        orientation: 1 to 8, as EXIF counts.
    """

    keywords: tuple[str, ...] = ()
    paths: tuple[KeywordPath, ...] = ()
    entries: tuple[Entry, ...] = ()
    rating: int | None = None
    color_label: str | None = None
    color: str | None = None
    title: str | None = None
    date_taken: str | None = None
    orientation: int | None = None


@dataclass(frozen=True)
class Changes:
    """What to change in a packet; whatever is not named stays as it is.

    Attributes:
        add: keywords that shall be there.
        remove: entries to take out; only what ``xmp.merge`` said that we wrote.
        rating: -1 (rejected) to 5.
        orientation: 1 to 8, as EXIF counts.
        clear: what shall not be there at all; used to undo where nothing was before.
    """

    add: tuple[KeywordPath, ...] = ()
    remove: tuple[Entry, ...] = ()
    rating: int | None = None
    color_label: str | None = None
    title: str | None = None
    orientation: int | None = None
    clear: tuple[SingleField, ...] = ()


def joined(found: Iterable[XmpValues]) -> XmpValues:
    """Keywords of each, else what the first says that says something."""
    found = list(found)
    return XmpValues(
        keywords=tuple(dict.fromkeys(word for one in found for word in one.keywords)),
        paths=tuple(dict.fromkeys(path for one in found for path in one.paths)),
        entries=tuple(dict.fromkeys(entry for one in found for entry in one.entries)),
        rating=next((one.rating for one in found if one.rating is not None), None),
        color_label=next((one.color_label for one in found if one.color_label), None),
        color=next((one.color for one in found if one.color), None),
        title=next((one.title for one in found if one.title), None),
        date_taken=next((one.date_taken for one in found if one.date_taken), None),
        orientation=next((one.orientation for one in found if one.orientation), None),
    )
