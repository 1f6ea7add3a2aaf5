"""Labels, rating and title in an XMP packet: read, and merged with all that others wrote.

Keywords go into three lists, each as its programs expect it: ``dc:subject`` (the name alone),
``lr:hierarchicalSubject`` (``animal|dog``) and ``digiKam:TagsList`` (``animal/dog``). Neither has a
way to write its separator within a name: there it becomes its full-width sister (``｜``, ``／``),
which is read as the separator's plain form again.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from engine.library.ratings import COLORS
from engine.metadata.color_labels import (
    color_of_word,
    darktable_number,
    digikam_number,
    said_color,
)
from engine.metadata.errors import UnwritableTextError
from engine.metadata.packet import EMPTY, opened
from engine.metadata.properties import Properties
from engine.metadata.values import Changes, Entry, KeywordField, KeywordPath, XmpValues
from engine.texts import display_text

# Name, kind of list, separator and what stands for it within a name.
_LISTS: dict[KeywordField, tuple[str, str, str, str]] = {
    "subject": ("dc:subject", "Bag", "", ""),
    "hierarchical": ("lr:hierarchicalSubject", "Bag", "|", "\uff5c"),
    "tags_list": ("digiKam:TagsList", "Seq", "/", "\uff0f"),
}
_DIGIKAM_COLOR, _DARKTABLE_COLORS = "digiKam:ColorLabel", "darktable:colorlabels"
_DATES = ("photoshop:DateCreated", "exif:DateTimeOriginal", "xmp:CreateDate")
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LOWEST_RATING, _HIGHEST_RATING = -1, 5
_MOST_ORIENTATIONS = 8


def parsed(packet: bytes, name: str = "a photo") -> XmpValues:
    """What a packet says of labels, rating, title, date and orientation.

    Args:
        packet: of a sidecar, or out of a photo.
        name: of the file, for messages.

    Raises:
        XmpError: it is broken, hostile or not XMP.
    """
    properties = Properties(opened(packet, name).rdf, name)
    return _values(properties)


@dataclass(frozen=True, slots=True)
class Merge:
    """A packet with changes made.

    Attributes:
        data: the packet, and everything else in it as it was, in meaning and order.
        before: what it said before.
        added: the entries that were added: what a journal keeps, to remove just these in an undo.
    """

    data: bytes
    before: XmpValues
    added: tuple[Entry, ...]


def merge(packet: bytes | None, changes: Changes, name: str = "a photo") -> Merge:
    """Make changes in a packet.

    The same changes once more give the same bytes. Where nothing is to change, the very bytes come
    back.

    Args:
        packet: what is there; ``None`` starts a new one.
        changes: see there.
        name: of the file, for messages.

    Raises:
        XmpError: the packet is broken, hostile, not XMP, or has one of these properties in a
            form that cannot be kept.
        UnwritableTextError: a new text is empty or has characters that XML does not allow.
        ValueError: a rating or an orientation is out of range.
    """
    _check(changes)
    data = EMPTY if packet is None else packet
    tree = opened(data, name)
    properties = Properties(tree.rdf, name)
    before = _values(properties)
    there = {_meaning(entry) for entry in before.entries}
    going = {_meaning(entry) for entry in changes.remove}
    wanted = {
        _meaning(entry): entry
        for path in changes.add
        for entry in _entries_beside(path, there, going)
    }
    # What is asked for stays, even if it is also among what is to go.
    unwanted = going - wanted.keys()
    gone = [entry for entry in before.entries if _meaning(entry) in unwanted]
    added = tuple(entry for meaning, entry in wanted.items() if meaning not in there)
    _change_keywords(properties, gone, added)
    did = _change_singles(properties, changes, before)
    return Merge(tree.to_bytes() if did or gone or added else data, before, added)


def merged(packet: bytes | None, changes: Changes, name: str = "a photo") -> bytes:
    """The packet with the changes made, as ``merge`` makes them."""
    return merge(packet, changes, name).data


def entries_of(path: KeywordPath) -> tuple[Entry, ...]:
    """How one keyword is written in each of the lists.

    Raises:
        UnwritableTextError: a name is empty or has characters that XML does not allow.
    """
    names = [_clean(name) for name in path]
    if not names:
        raise UnwritableTextError("A label without a name cannot be written.")
    found = []
    for field, (_, _, separator, stand_in) in _LISTS.items():
        if separator:
            text = separator.join(name.replace(separator, stand_in) for name in names)
        else:
            text = names[-1]
        found.append(Entry(field, text))
    return tuple(found)


def _entries_beside(path: KeywordPath, there: set[Entry], going: set[Entry]) -> list[Entry]:
    """How a keyword is written into a packet: below what it lies under there already.

    Else a name that others have as ``animal|cat`` would become a second one at the top of a tree.
    """
    deeper = [known for known in _paths(there - going) if [known[-1]] == [_clean(n) for n in path]]
    found = []
    for place, entry in enumerate(entries_of(path)):
        if deeper and _LISTS[entry.field][2] and _meaning(entry) not in there:
            found += [entries_of(known)[place] for known in deeper]
        else:
            found.append(entry)
    return found


def _paths(entries: Iterable[Entry]) -> list[KeywordPath]:
    """Those that lie under something."""
    found = []
    for field, text in sorted(entries):
        _, _, separator, stand_in = _LISTS[field]
        path = _split(text, separator, stand_in) if separator else ()
        if len(path) > 1:
            found.append(tuple(_clean(name) for name in path))
    return list(dict.fromkeys(found))


def _values(properties: Properties) -> XmpValues:
    entries, paths = [], []
    for field, (prop, _, separator, stand_in) in _LISTS.items():
        texts = list(dict.fromkeys(properties.texts(prop)))
        entries += [Entry(field, text) for text in texts]
        if separator:
            meant = (_meaning(Entry(field, text)).text for text in texts)
            paths += [_split(text, separator, stand_in) for text in meant]
    paths += [
        _split(one, "/", "\uff0f") for one in properties.texts("MicrosoftPhoto:LastKeywordXMP")
    ]
    leaves = [path[-1] for path in paths if path]
    flat = [entry.text for entry in entries if entry.field == "subject"]
    plain = {text: _meaning(Entry("subject", text)).text for text in flat}
    flat = [plain[text] if plain[text] in leaves else text for text in flat] + leaves
    return XmpValues(
        keywords=tuple(dict.fromkeys(flat)),
        paths=tuple(dict.fromkeys(path for path in paths if path)),
        entries=tuple(entries),
        rating=_number(properties.single("xmp:Rating"), _LOWEST_RATING, _HIGHEST_RATING),
        color_label=properties.single("xmp:Label"),
        color=said_color(
            properties.single("xmp:Label"),
            properties.single(_DIGIKAM_COLOR),
            properties.texts(_DARKTABLE_COLORS),
        ),
        title=properties.default_text("dc:title"),
        date_taken=next(filter(None, map(properties.single, _DATES)), None),
        orientation=_number(properties.single("tiff:Orientation"), 1, _MOST_ORIENTATIONS),
    )


def _split(text: str, separator: str, stand_in: str) -> KeywordPath:
    parts = (part.strip().replace(stand_in, separator) for part in text.split(separator))
    return tuple(part for part in parts if part)


def _number(text: str | None, lowest: int, highest: int) -> int | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    # Some programs write 4.0; whatever is not a whole number in range says nothing.
    return int(value) if lowest <= value <= highest and value == int(value) else None


def _meaning(entry: Entry) -> Entry:
    """What two spellings of one keyword have in common."""
    # Apple's programs write letters in parts that others write whole. digiKam writes the sister of
    # its separator into all lists, also into those that have another.
    text = unicodedata.normalize("NFC", entry.text.strip())
    for _, _, separator, stand_in in _LISTS.values():
        if separator and separator != _LISTS[entry.field][2]:
            text = text.replace(stand_in, separator)
    return Entry(entry.field, text)


def _change_keywords(properties: Properties, gone: Sequence[Entry], added: Sequence[Entry]) -> None:
    for field, (prop, kind, _, _) in _LISTS.items():
        texts = {unicodedata.normalize("NFC", one.text) for one in gone if one.field == field}
        if texts:
            properties.remove_texts(prop, texts)
        new = [one.text for one in added if one.field == field]
        if new:
            properties.add_texts(prop, kind, new)


def _change_singles(properties: Properties, changes: Changes, old: XmpValues) -> bool:
    title = None if changes.title is None else _clean(changes.title)
    label = None if changes.color_label is None else _clean(changes.color_label)
    singles = (
        ("rating", "xmp:Rating", changes.rating, old.rating),
        ("color_label", "xmp:Label", label, old.color_label),
        ("orientation", "tiff:Orientation", changes.orientation, old.orientation),
    )
    did = False
    for field, prop, new, was in singles:
        if (new is not None and new != was) or (
            field in changes.clear and properties.single(prop) is not None
        ):
            properties.set_single(prop, None if new is None else str(new))
            did = True
    did |= _change_other_colors(properties, changes)
    if title is not None and title != old.title:
        properties.set_default_text("dc:title", title)
        return True
    if title is None and "title" in changes.clear and old.title is not None:
        properties.set_default_text("dc:title", None)
        return True
    return did


def _change_other_colors(properties: Properties, changes: Changes) -> bool:
    """Let what other programs wrote beside the word say the same."""
    color = "" if changes.color_label is None else color_of_word(changes.color_label)
    if color not in COLORS and (color or "color_label" not in changes.clear):
        return False
    did = False
    number = properties.single(_DIGIKAM_COLOR)
    if number is not None and number != digikam_number(color):
        properties.set_single(_DIGIKAM_COLOR, digikam_number(color))
        did = True
    there = properties.texts(_DARKTABLE_COLORS)
    wanted = [darktable_number(color)] if color else []
    if there and there != wanted:
        properties.remove_texts(_DARKTABLE_COLORS, set(there) - set(wanted))
        if wanted and wanted[0] not in there:
            properties.add_texts(_DARKTABLE_COLORS, "Seq", wanted)
        did = True
    return did


def _check(changes: Changes) -> None:
    if changes.rating is not None and not _LOWEST_RATING <= changes.rating <= _HIGHEST_RATING:
        raise ValueError(f"A rating is -1 to 5, not {changes.rating}.")
    if changes.orientation is not None and not 1 <= changes.orientation <= _MOST_ORIENTATIONS:
        raise ValueError(f"An orientation is 1 to 8, not {changes.orientation}.")
    for text in (changes.title, changes.color_label):
        if text is not None:
            _clean(text)


def _clean(text: str) -> str:
    """The text as it can be written and is read again: letters whole, no blanks at its ends."""
    if _ILLEGAL.search(text):
        raise UnwritableTextError(
            f"“{display_text(text)}” has characters in it that no photo program reads. Rename it "
            "without them."
        )
    cleaned = unicodedata.normalize("NFC", " ".join(text.split()))
    if not cleaned:
        raise UnwritableTextError("A label or title without letters cannot be written.")
    return cleaned
