"""COCO's JSON of objects, without boxes: what is known is of whole photos."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from PIL import Image

from engine.interchange.exporting.names import json_text, name_of
from engine.interchange.exporting.values import ExportedImage, Place, Write

_BLOCK = 1 << 20


@contextmanager
def write_coco(place: Place) -> Generator[Write, None, None]:
    """One file; annotations are gathered beside it, as images come first in it."""
    ids = {name: number for number, name in enumerate(place.categories, start=1)}
    image_ids, annotation_ids = count(1), count(1)
    with (
        place.path.open("w", encoding="ascii", newline="\n") as file,
        tempfile.TemporaryFile(
            "w+", encoding="ascii", newline="\n", dir=place.target.parent
        ) as annotations,
    ):
        categories = [{"id": number, "name": name} for name, number in ids.items()]
        file.write('{"info": {"description": "CSRA export"},\n"categories": ')
        file.write(json_text(categories) + ',\n"images": [')

        def write(image: ExportedImage) -> bool:
            number = next(image_ids)
            row = {"id": number, "file_name": name_of(image.path, place.target.parent)}
            file.write(("\n" if number == 1 else ",\n") + json_text(row | _facts(image, ids)))
            for label in image.present:
                entry = next(annotation_ids)
                annotation = {
                    "id": entry,
                    "image_id": number,
                    "category_id": ids[label.name],
                    "iscrowd": 0,
                    "source": label.source,
                    "score": label.score,
                }
                annotations.write(("\n" if entry == 1 else ",\n") + json_text(annotation))
            return True

        yield write
        file.write('],\n"annotations": [')
        annotations.seek(0)
        shutil.copyfileobj(annotations, file, _BLOCK)
        file.write("]}\n")


def _facts(image: ExportedImage, ids: dict[str, int]) -> dict[str, object]:
    facts: dict[str, object] = {
        "labels_complete": image.is_complete,
        "rejected_category_ids": [ids[name] for name in image.rejected],
        "absent_category_ids": [ids[name] for name in image.absent],
        "unknown_category_ids": [ids[name] for name in image.unknown],
    }
    size = picture_size(image.path)
    if size is not None:
        facts |= {"width": size[0], "height": size[1]}
    return facts


def picture_size(path: Path) -> tuple[int, int] | None:
    """Width and height of a picture as its file holds it, from its first bytes."""
    try:
        with Image.open(path) as picture:
            return picture.size
    except Exception:  # noqa: BLE001 - a damaged or hostile file; its size is not needed
        return None
