"""PASCAL VOC's XML, without boxes: what is known is of whole photos."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import PurePath
from xml.etree.ElementTree import Element, SubElement, tostring

from engine.interchange.exporting.coco import picture_size
from engine.interchange.exporting.names import (
    NOT_TEXT,
    FreeNames,
    put_picture,
    write_categories,
)
from engine.interchange.exporting.values import ExportedImage, Place, Write
from engine.texts import is_text

_CONTROLS = dict.fromkeys(range(32), "�")


@contextmanager
def write_voc(place: Place) -> Generator[Write, None, None]:
    """Annotations, JPEGImages, and ImageSets/Main/trainval.txt."""
    for folder in ("Annotations", "JPEGImages", "ImageSets/Main"):
        (place.path / folder).mkdir(parents=True)
    write_categories(place)
    stems = FreeNames()
    listing = place.path / "ImageSets" / "Main" / "trainval.txt"
    with listing.open("w", encoding="utf-8", newline="\n") as file:

        def write(image: ExportedImage) -> bool:
            if not is_text(image.path.name):
                place.left_out[NOT_TEXT] += 1
                return False
            stem = stems.take(_plain(image.path.stem))
            name = f"{stem}{image.path.suffix}"
            put_picture(image, place, f"JPEGImages/{name}")
            xml = tostring(_annotation(image, name), encoding="utf-8", xml_declaration=True)
            (place.path / "Annotations" / f"{stem}.xml").write_bytes(xml)
            file.write(f"{stem}\n")
            return True

        yield write


def _plain(stem: str) -> str:
    """A stem that a list of lines can hold, and that nothing takes for a name with an ending."""
    return "_".join(stem.translate(_CONTROLS).split()).replace(".", "_") or PurePath("_").name


def _annotation(image: ExportedImage, name: str) -> Element:
    root = Element("annotation")
    _text(root, "folder", "JPEGImages")
    _text(root, "filename", name)
    size = picture_size(image.path)
    if size is not None:
        element = SubElement(root, "size")
        _text(element, "width", str(size[0]))
        _text(element, "height", str(size[1]))
        _text(element, "depth", "3")
    for label in image.present:
        element = SubElement(root, "object")
        _text(element, "name", label.name)
        _text(element, "difficult", "0")
        _text(element, "source", label.source)
        if label.score is not None:
            _text(element, "score", f"{label.score:g}")
    known = SubElement(root, "known", complete="1" if image.is_complete else "0")
    _texts(known, "rejected", image.rejected)
    _texts(known, "absent", image.absent)
    _texts(known, "unknown", image.unknown)
    return root


def _text(parent: Element, tag: str, text: str) -> None:
    SubElement(parent, tag).text = text


def _texts(parent: Element, tag: str, texts: Iterable[str]) -> None:
    for text in texts:
        _text(parent, tag, text)
