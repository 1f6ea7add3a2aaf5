"""The JSON of the official code: a list of ``{"target", "img_path"}``."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from engine.data.datasets.csra_json import WIDER_TEST
from engine.interchange.exporting.names import json_text, write_categories
from engine.interchange.exporting.values import ExportedImage, Place, Write


@contextmanager
def write_official(place: Place) -> Generator[Write, None, None]:
    """A folder with ``trainval_photos.json`` and the ``categories.txt`` of its columns.

    1 is present, 0 absent, and 99, as in WIDER's test file, what nobody can say.
    """
    columns = {name: column for column, name in enumerate(place.categories)}
    write_categories(place)
    separator = "[\n"
    with (place.path / "trainval_photos.json").open("w", encoding="ascii", newline="\n") as file:

        def write(image: ExportedImage) -> bool:
            nonlocal separator
            rest = WIDER_TEST.absent if image.is_complete else WIDER_TEST.ignored
            target = [rest] * len(columns)
            for name in image.absent:
                target[columns[name]] = WIDER_TEST.absent
            for name in image.unknown:
                target[columns[name]] = WIDER_TEST.ignored
            for label in image.present:
                target[columns[label.name]] = 1
            row = {
                "target": target,
                "img_path": str(image.path),
                "sources": {label.name: label.source for label in image.present},
                "rejected": list(image.rejected),
            }
            file.write(separator + json_text(row))
            separator = ",\n"
            return True

        yield write
        file.write("[]\n" if separator == "[\n" else "]\n")
