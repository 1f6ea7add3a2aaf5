"""What FiftyOne imports as FiftyOneImageClassificationDataset, several labels per photo."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager

from engine.interchange.exporting.names import NOT_TEXT, FreeNames, json_text, put_picture
from engine.interchange.exporting.tables import known
from engine.interchange.exporting.values import ExportedImage, Place, Write
from engine.texts import is_text

_BLOCK = 1 << 20


@contextmanager
def write_fiftyone(place: Place) -> Generator[Write, None, None]:
    """The pictures in ``data``, and ``labels.json``; what it has no word for is under ``csra``."""
    places = {name: number for number, name in enumerate(place.categories)}
    (place.path / "data").mkdir()
    stems = FreeNames()
    separator = "\n"
    with (
        (place.path / "labels.json").open("w", encoding="ascii", newline="\n") as file,
        tempfile.TemporaryFile("w+", encoding="ascii", newline="\n", dir=place.path) as rest,
    ):
        file.write(f'{{"classes": {json_text(list(places))},\n"labels": {{')

        def write(image: ExportedImage) -> bool:
            nonlocal separator
            if not is_text(image.path.name):
                place.left_out[NOT_TEXT] += 1
                return False
            # By its stem FiftyOne finds a picture, so two pictures never share one.
            stem = stems.take(image.path.stem.replace(".", "_"))
            put_picture(image, place, f"data/{stem}{image.path.suffix}")
            targets = [
                {
                    "label": places[label.name],
                    "confidence": label.score,
                    "attributes": {"source": label.source},
                }
                for label in image.present
            ]
            file.write(f"{separator}{json_text(stem)}: {json_text(targets)}")
            rest.write(f"{separator}{json_text(stem)}: {json_text(known(image))}")
            separator = ",\n"
            return True

        yield write
        file.write('},\n"csra": {')
        rest.seek(0)
        shutil.copyfileobj(rest, file, _BLOCK)
        file.write("}}\n")
