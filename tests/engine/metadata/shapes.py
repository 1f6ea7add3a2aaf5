"""What the tree of a packet means, to compare what a change left of it."""

from __future__ import annotations

from typing import Any


def shape(element: Any) -> Any:
    """What a tree means, without what this program may write."""
    if not isinstance(element.tag, str):
        return (str(element.tag), element.text)
    names = (
        "subject",
        "hierarchicalSubject",
        "TagsList",
        "Rating",
        "Label",
        "title",
        "Orientation",
    )
    children = [
        shape(child)
        for child in element
        if not (isinstance(child.tag, str) and child.tag.split("}")[-1] in names)
    ]
    attributes = {k: v for k, v in element.attrib.items() if k.split("}")[-1] not in names}
    return (element.tag, element.prefix, attributes, (element.text or "").strip(), children)
