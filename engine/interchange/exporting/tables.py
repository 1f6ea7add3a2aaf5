"""CSV and JSON lines."""

from __future__ import annotations

import csv
from collections.abc import Generator
from contextlib import contextmanager

from engine.interchange.exporting.names import (
    NOT_TEXT,
    FreeNames,
    json_text,
    name_of,
    put_picture,
)
from engine.interchange.exporting.values import ExportedImage, Place, Write
from engine.texts import is_text

CSV_HEADER = (
    *("path", "label", "state", "source", "score", "rating", "color", "title"),
    "measured",
)
# A spreadsheet takes a cell that starts with one of these as a formula.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


@contextmanager
def write_csv(place: Place) -> Generator[Write, None, None]:
    """A row per label that a photo has or that a person decided on, and one for all others.

    That one has an empty label. With ``all_scores`` no label is among those others.
    """
    encoding = "utf-8-sig" if place.options.bom else "utf-8"
    with place.path.open("w", encoding=encoding, newline="") as file:
        writer = csv.writer(file)
        writer.writerow(CSV_HEADER)

        def write(image: ExportedImage) -> bool:
            name = name_of(image.path, place.target.parent)
            if not is_text(name):
                place.left_out[NOT_TEXT] += 1
                return False
            path = guarded(f"./{name}" if name[:1].isspace() else name)
            said = (
                *(image.rating or "", guarded(image.color), guarded(image.title)),
                "; ".join(image.measured),
            )
            writer.writerows((path, *row, *said) for row in _rows(image))
            return True

        yield write


def _rows(image: ExportedImage) -> Generator[tuple[str, str, str, str], None, None]:
    for label in image.present:
        yield guarded(label.name), "present", label.source, _number(label.score)
    for name, is_absent, score in image.others:
        source = "person" if name in image.rejected else ""
        yield guarded(name), "absent" if is_absent else "unknown", source, _number(score)
    listed = {name for name, _, _ in image.others}
    for name in image.rejected:
        if name not in listed:
            yield guarded(name), "absent", "person", ""
    # What is said of all others has to be true of each.
    is_absent = image.is_complete and listed.issuperset(image.unknown)
    yield "", "absent" if is_absent else "unknown", "", ""


def _number(score: float | None) -> str:
    return "" if score is None else f"{score:g}"


def guarded(cell: str) -> str:
    """A cell that no spreadsheet runs; reading takes the apostrophe away again."""
    is_formula = cell.lstrip("'").startswith(_FORMULA_STARTS)
    return f"'{cell}" if is_formula else cell


@contextmanager
def write_json_lines(place: Place) -> Generator[Write, None, None]:
    """An object per photo."""
    with place.path.open("w", encoding="ascii", newline="\n") as file:

        def write(image: ExportedImage) -> bool:
            name = name_of(image.path, place.target.parent)
            file.write(json_text({"path": name, **entries(image)}) + "\n")
            return True

        yield write


def entries(image: ExportedImage) -> dict[str, object]:
    """What is known of an image, for JSON."""
    labels = [
        {"label": label.name, "source": label.source, "score": label.score}
        for label in image.present
    ]
    return {"labels": labels, **known(image)}


def known(image: ExportedImage) -> dict[str, object]:
    """What is known beside the labels that an image has."""
    return {
        "rejected": list(image.rejected),
        "absent": list(image.absent),
        "unknown": list(image.unknown),
        "complete": image.is_complete,
        "rating": image.rating,
        "color": image.color,
        "title": image.title,
        "measured": list(image.measured),
    }


@contextmanager
def write_image_folder(place: Place) -> Generator[Write, None, None]:
    """A folder of pictures with ``metadata.jsonl``, as Hugging Face's imagefolder reads it."""
    names = FreeNames()
    names.take("metadata.jsonl")
    with (place.path / "metadata.jsonl").open("w", encoding="ascii", newline="\n") as file:

        def write(image: ExportedImage) -> bool:
            if not is_text(image.path.name):
                place.left_out[NOT_TEXT] += 1
                return False
            name = names.take(image.path.name)
            put_picture(image, place, name)
            # Columns of one type each, which that reader needs.
            row = {
                "file_name": name,
                "labels": [label.name for label in image.present],
                "sources": [label.source for label in image.present],
                "scores": [label.score for label in image.present],
                **known(image),
            }
            file.write(json_text(row) + "\n")
            return True

        yield write
