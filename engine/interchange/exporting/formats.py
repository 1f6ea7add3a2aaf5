"""All formats by name."""

from __future__ import annotations

from dataclasses import dataclass

from engine.data.datasets.reading import MAX_TABLE_BYTES, MAX_TEXT_BYTES
from engine.interchange.exporting.coco import write_coco
from engine.interchange.exporting.fiftyone import write_fiftyone
from engine.interchange.exporting.folders import write_folders
from engine.interchange.exporting.official import write_official
from engine.interchange.exporting.tables import write_csv, write_image_folder, write_json_lines
from engine.interchange.exporting.values import ExportError, Open
from engine.interchange.exporting.voc import write_voc


@dataclass(frozen=True, slots=True)
class ExportFormat:
    """One format.

    Attributes:
        name: how it is asked for.
        title: for people.
        hint: who reads it, in a sentence.
        suffix: of its file; empty if it is a folder.
        open: begins to write.
        has_pictures: whether links to the pictures, or copies of them, are in it.
        has_ratings: whether ratings, colour labels and titles have a place in it.
        most_bytes: of its list, that our own readers take.
    """

    name: str
    title: str
    hint: str
    suffix: str
    open: Open
    has_pictures: bool = False
    has_ratings: bool = False
    most_bytes: int = MAX_TABLE_BYTES


_FORMATS = (
    ExportFormat(
        "csv",
        "Table (CSV)",
        "For Excel, LibreOffice and scripts.",
        ".csv",
        write_csv,
        has_ratings=True,
    ),
    ExportFormat(
        "jsonl",
        "JSON lines",
        "One line per photo, for scripts.",
        ".jsonl",
        write_json_lines,
        has_ratings=True,
    ),
    ExportFormat(
        "coco",
        "COCO annotations",
        "For training and labelling programs; labels of whole photos, so without boxes.",
        ".json",
        write_coco,
        most_bytes=MAX_TEXT_BYTES,
    ),
    ExportFormat(
        "voc",
        "VOC XML",
        "For training and labelling programs: a folder with a file per photo, without boxes.",
        "",
        write_voc,
        has_pictures=True,
    ),
    ExportFormat(
        "official",
        "JSON of the official CSRA code",
        "A folder with the list that the method's own code reads.",
        "",
        write_official,
        most_bytes=MAX_TEXT_BYTES,
    ),
    ExportFormat(
        "folders",
        "A folder for each label",
        "To look through, or for programs that take a folder's name for the label.",
        "",
        write_folders,
        has_pictures=True,
    ),
    ExportFormat(
        "imagefolder",
        "Hugging Face image folder",
        "A folder with metadata.jsonl, for the datasets library.",
        "",
        write_image_folder,
        has_pictures=True,
        has_ratings=True,
    ),
    ExportFormat(
        "fiftyone",
        "FiftyOne data set",
        "A folder that FiftyOne imports as an image classification data set.",
        "",
        write_fiftyone,
        has_pictures=True,
        has_ratings=True,
        most_bytes=MAX_TEXT_BYTES,
    ),
)

#: Name → format, in the order in which they are offered.
FORMATS: dict[str, ExportFormat] = {item.name: item for item in _FORMATS}


def export_format(name: str) -> ExportFormat:
    """A format by its name.

    Raises:
        ExportError: none is called so.
    """
    try:
        return FORMATS[name]
    except KeyError:
        raise ExportError(
            f"There is no format called {name!r}; known are: {', '.join(FORMATS)}."
        ) from None
