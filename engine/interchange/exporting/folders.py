"""One folder per category, with links to or copies of its pictures."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from engine.interchange.exporting.names import (
    NOT_TEXT,
    FreeNames,
    json_text,
    put_picture,
    safe_name,
    write_categories,
)
from engine.interchange.exporting.tables import entries
from engine.interchange.exporting.values import ExportedImage, Place, Write
from engine.texts import is_text

NO_LABEL = "a photo without a label has no folder"


@contextmanager
def write_folders(place: Place) -> Generator[Write, None, None]:
    """The folders, and ``labels.jsonl`` with all that folders cannot say."""
    write_categories(place)
    taken = FreeNames()
    for name in ("labels.jsonl", "categories.txt"):
        taken.take(name)
    # A folder's name with a dot would look as if it had an ending.
    folders = {name: taken.take(safe_name(name).replace(".", "_")) for name in place.categories}
    made: set[str] = set()
    names = FreeNames()
    with (place.path / "labels.jsonl").open("w", encoding="ascii", newline="\n") as file:

        def write(image: ExportedImage) -> bool:
            if not image.present or not is_text(image.path.name):
                place.left_out[NOT_TEXT if image.present else NO_LABEL] += 1
                return False
            name = names.take(image.path.name)
            inside = [f"{folders[label.name]}/{name}" for label in image.present]
            for label, path in zip(image.present, inside, strict=True):
                if label.name not in made:
                    (place.path / folders[label.name]).mkdir()
                    made.add(label.name)
                put_picture(image, place, path)
            row = {"path": inside[0], "original": str(image.path), **entries(image)}
            file.write(json_text(row) + "\n")
            return True

        yield write
