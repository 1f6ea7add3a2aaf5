"""Which ratings, colour labels and titles a write puts into a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from engine.interchange.writing.values import Target
from engine.library.ratings import Said
from engine.library.values import Attribute
from engine.metadata.attributes import attributes_of
from engine.metadata.color_labels import word_of_color
from engine.metadata.values import Changes, SingleField
from engine.metadata.xmp import parsed

#: Targets that have a place for them.
WITH_ATTRIBUTES = frozenset({Target.SIDECAR, Target.SIDECAR_ADOBE, Target.EMBED})
#: What the person set, and whether the file has said the same since.
OwnAttributes: TypeAlias = Mapping[Attribute, tuple[str, bool]]

_FIELDS: dict[Attribute, SingleField] = {
    Attribute.RATING: "rating",
    Attribute.COLOR: "color_label",
    Attribute.TITLE: "title",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the person set of a photo, by its number in the library."""

    image_id: int = 0
    own: OwnAttributes = field(default_factory=dict)

    def changes(self, packet: bytes | None, name: str) -> tuple[Changes | None, tuple[Said, ...]]:
        """What of it is to be changed in a packet, and the same for the library.

        Raises:
            XmpError: the packet is broken.
        """
        found = pending(self.own, packet, name)
        said = tuple((self.image_id, attribute, value) for attribute, value in found.items())
        return (changes_of(found) if found else None), said


NOTHING = Wanted()


def pending(own: OwnAttributes, packet: bytes | None, name: str) -> dict[Attribute, str]:
    """What the person set and the file does not say, unless another program changed it since.

    Args:
        own: of the photo.
        packet: what the sidecar holds; ``None``: there is none.
        name: of the sidecar, for messages.

    Raises:
        XmpError: the sidecar is broken.
    """
    if not own:
        return {}
    said = {} if packet is None else attributes_of(parsed(packet, name))
    found = {}
    for attribute in Attribute:
        value, agreed = own.get(attribute, (said.get(attribute, ""), False))
        if said.get(attribute, "") != value and not (agreed and attribute in said):
            found[attribute] = value
    return found


def changes_of(set_: Mapping[Attribute, str]) -> Changes:
    """The same as changes in a packet."""
    color, title = set_.get(Attribute.COLOR), set_.get(Attribute.TITLE)
    rating = set_.get(Attribute.RATING)
    empty = tuple(_FIELDS[a] for a in (Attribute.COLOR, Attribute.TITLE) if set_.get(a) == "")
    return Changes(
        # No rating is written as 0, as other programs do: some take it away only then.
        rating=None if rating is None else int(rating or 0),
        color_label=word_of_color(color) if color else None,
        title=title or None,
        clear=empty,
    )
